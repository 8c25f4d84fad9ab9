package mailing

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/messaging"
)

// Failures of texts.
var (
	ErrField = fault.Invalid("MAILING_FIELD", "差し込み項目「%s」はありません。{{name}}、{{points}}、{{expiring}}、{{expiresOn}}、{{rank}}、{{store}}、{{coupon}} が使えます",
		"There is no field %q; {{name}}, {{points}}, {{expiring}}, {{expiresOn}}, {{rank}}, {{store}} and {{coupon}} can be used")
	// ErrCouponless says that a text tells a code, or says how long it holds, and none is given.
	ErrCouponless = fault.Invalid("MAILING_COUPON", "{{coupon}} や有効日数を使うには、クーポンのキャンペーンを指定してください", "Name the campaign whose coupons are given before the text tells {{coupon}} or days are said")
	ErrLinks      = fault.Invalid(fault.CodeTooMany, "リンクは%d個までです", "A text has at most %d links").With(maxLinks)
)

// Reader is whom an e-mail is written to.
type Reader struct {
	MemberID  uuid.UUID
	Name      string
	Email     string
	Points    int64
	Expiring  int64      // of the points, those that expire next
	ExpiresOn *time.Time // their last day; nil: none of them ever expires
	Rank      string
	Store     string     // the home store's name; empty: none was chosen
	CouponID  *uuid.UUID // that the mailing gave
	Coupon    string     // its code
}

// sample is the reader of previews and tests, as of the moment.
func sample(now time.Time) Reader {
	last := now.AddDate(0, 1, 0)
	return Reader{Name: "見本 花子", Points: 1234, Expiring: 300, ExpiresOn: &last, Rank: "ゴールド", Store: "見本店", Coupon: sampleCoupon}
}

// fields are what stands for the reader in a text.
var fields = map[string]func(Reader) string{
	"name":      func(r Reader) string { return r.Name },
	"points":    func(r Reader) string { return grouped(r.Points) },
	"expiring":  func(r Reader) string { return grouped(r.Expiring) },
	"expiresOn": func(r Reader) string { return dayOf(r.ExpiresOn) },
	"rank":      func(r Reader) string { return r.Rank },
	"store":     func(r Reader) string { return r.Store },
	"coupon":    func(r Reader) string { return r.Coupon },
}

var field = regexp.MustCompile(`\{\{\s*(\w*)\s*\}\}`)

// checkTemplate fails unless all fields of the text are known.
func checkTemplate(at, text string) error {
	for _, found := range field.FindAllStringSubmatch(text, -1) {
		if fields[found[1]] == nil {
			return ErrField.With(found[1]).At(at)
		}
	}
	if rest := field.ReplaceAllString(text, ""); strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
		return ErrField.With("{{").At(at)
	}
	if len(links(text)) > maxLinks {
		return ErrLinks.At(at)
	}
	return nil
}

// sampleCoupon stands for the code in previews and tests: the code itself is told to its
// member alone.
const sampleCoupon = "XXXX-XXXX-XXXX-XXXX"

// tellsCoupon reports whether the text tells a code.
func tellsCoupon(text string) bool {
	return slices.ContainsFunc(field.FindAllStringSubmatch(text, -1), func(found []string) bool { return found[1] == "coupon" })
}

// filled is the text for the reader. What members call themselves is not looked at again:
// a name in braces stays one.
func filled(text string, r Reader) string {
	return field.ReplaceAllStringFunc(text, func(found string) string {
		return fields[field.FindStringSubmatch(found)[1]](r)
	})
}

// dayOf is a day as texts say it; nothing for none.
func dayOf(day *time.Time) string {
	if day == nil {
		return ""
	}
	return day.Format("2006年1月2日")
}

func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// maxLinks is how many links one text has at most.
const maxLinks = 50

// webPage is the address of a page in a text: up to where Japanese text goes on.
var webPage = regexp.MustCompile(`https?://[!-~]+`)

// links are the addresses of pages in the text, each once, in their order.
func links(text string) (all []string) {
	for _, found := range webPage.FindAllString(text, -1) {
		if found = address(found); !slices.Contains(all, found) {
			all = append(all, found)
		}
	}
	return all
}

// address is what was found without what ends the sentence behind it.
func address(found string) string { return strings.TrimRight(found, ".,;:!?)]}>\"'") }

// letter is what the e-mail says to the reader. Links lead by way of noren, which counts
// who followed them; those of nobody in particular lead straight on.
func (k *Tokens) letter(m Mailing, r Reader) messaging.Mailing {
	known, of := links(m.Body), Token{MailingID: m.ID, MemberID: r.MemberID}
	c := messaging.Mailing{Subject: filled(m.Subject, r), Imprint: filled(m.Imprint, r), UnsubscribeURL: k.URL(ToUnsubscribe, of)}
	if m.TrackOpens && r.MemberID != uuid.Nil {
		c.PixelURL = k.URL(ToOpen, of)
	}
	for _, paragraph := range strings.Split(m.Body, "\n") {
		var pieces []messaging.Piece
		add := func(text string) {
			if text != "" {
				pieces = append(pieces, messaging.Piece{Text: filled(text, r)})
			}
		}
		rest := paragraph
		for _, at := range webPage.FindAllStringIndex(paragraph, -1) {
			start := at[0] - (len(paragraph) - len(rest))
			url := address(paragraph[at[0]:at[1]])
			add(rest[:start])
			rest = rest[start+len(url):]
			piece := messaging.Piece{Text: url, URL: url}
			if r.MemberID != uuid.Nil {
				of.Link = slices.Index(known, url)
				piece.URL = k.URL(ToClick, of)
			}
			pieces = append(pieces, piece)
		}
		add(rest)
		c.Lines = append(c.Lines, pieces)
	}
	return c
}
