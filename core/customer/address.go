// Package customer is who buys: their profile, addresses and pets.
package customer

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/noren-commerce/noren/core/fault"
)

// Address is where a parcel goes in Japan.
type Address struct {
	Name       string     `json:"name"`
	Kana       string     `json:"kana,omitempty"` // the name's reading in katakana
	Company    string     `json:"company,omitempty"`
	PostalCode string     `json:"postalCode"` // 〒 seven digits, no hyphen
	Prefecture Prefecture `json:"prefecture"`
	City       string     `json:"city"`             // 市区町村
	Line1      string     `json:"line1"`            // 町名・番地
	Line2      string     `json:"line2,omitempty"`  // 建物名・部屋番号
	Phone      string     `json:"phone"`            // digits only
	Sealed     string     `json:"sealed,omitempty"` // all of it, where it is kept; empty once it is read
}

var (
	postalCode = regexp.MustCompile(`^\d{7}$`)
	phone      = regexp.MustCompile(`^0\d{9,10}$`)
	katakana   = regexp.MustCompile(`^[\p{Katakana}ー・\s]*$`)
)

const maxLine = 100

// Normalised is the address as noren keeps it: full-width digits, hyphens and 〒
// folded away, hiragana readings turned into katakana.
func (a Address) Normalised() Address {
	a.Name, a.Company = tidy(a.Name), tidy(a.Company)
	a.Kana = ToKatakana(tidy(a.Kana))
	a.PostalCode, a.Phone = digits(a.PostalCode), digits(a.Phone)
	a.City, a.Line1, a.Line2 = tidy(a.City), tidy(a.Line1), tidy(a.Line2)
	return a
}

// Validate checks a normalised address; field is its path in the input.
func (a Address) Validate(field string) error {
	at := func(name string) string { return strings.TrimPrefix(field+"."+name, ".") }
	var all []error
	for name, value := range map[string]string{"name": a.Name, "city": a.City, "line1": a.Line1} {
		if value == "" {
			all = append(all, fault.ErrRequired.At(at(name)))
		}
	}
	for name, value := range map[string]string{"name": a.Name, "kana": a.Kana, "company": a.Company, "city": a.City, "line1": a.Line1, "line2": a.Line2} {
		if utf8.RuneCountInString(value) > maxLine {
			all = append(all, ErrTooLong.With(maxLine).At(at(name)))
		}
	}
	if !postalCode.MatchString(a.PostalCode) {
		all = append(all, ErrPostalCode.At(at("postalCode")))
	}
	if !phone.MatchString(a.Phone) {
		all = append(all, ErrPhone.At(at("phone")))
	}
	if !katakana.MatchString(a.Kana) {
		all = append(all, ErrKana.At(at("kana")))
	}
	if a.Prefecture.Name() == "" {
		all = append(all, ErrPrefecture.At(at("prefecture")))
	}
	return errors.Join(all...)
}

// Lines are the address as printed on a parcel.
func (a Address) Lines() []string {
	lines := []string{"〒" + a.PostalCode, a.Prefecture.Name() + a.City + a.Line1}
	if len(a.PostalCode) == 7 {
		lines[0] = "〒" + a.PostalCode[:3] + "-" + a.PostalCode[3:]
	}
	for _, more := range []string{a.Line2, a.Company} {
		if more != "" {
			lines = append(lines, more)
		}
	}
	return append(lines, a.Name+" 様")
}

// ToKatakana turns hiragana into katakana and leaves the rest.
func ToKatakana(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'ぁ' && r <= 'ゖ' {
			return r + 'ァ' - 'ぁ'
		}
		return r
	}, s)
}

func tidy(s string) string { return strings.Join(strings.Fields(norm.NFKC.String(s)), " ") }

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, norm.NFKC.String(s))
}
