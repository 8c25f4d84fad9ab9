package sealing

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Email is the form in which addresses are compared: compatibility characters folded
// (NFKC), lower case.
func Email(typed string) string { return strings.ToLower(strings.TrimSpace(norm.NFKC.String(typed))) }

// Phone is the form in which phone numbers are compared: their digits, with Japan's
// country code as the 0 that it stands for.
func Phone(typed string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, norm.NFKC.String(typed))
	if rest, ok := strings.CutPrefix(digits, "81"); ok && len(rest) >= 9 {
		return "0" + strings.TrimPrefix(rest, "0")
	}
	return digits
}

// Name is the form in which names are compared: compatibility characters folded, lower
// case, no spaces.
func Name(typed string) string {
	return strings.Join(strings.Fields(strings.ToLower(norm.NFKC.String(typed))), "")
}

// Terms are the words by which somebody is found whose data is sealed: the whole mail
// address, the phone number and its last four digits, the name, and each part of it that
// spaces set apart.
func Terms(name, email, phone string) []string {
	var all []string
	add := func(kind, term string) {
		if term != "" {
			all = append(all, kind+term)
		}
	}
	add("e:", Email(email))
	digits := Phone(phone)
	add("p:", digits)
	if len(digits) > 4 {
		add("p:", digits[len(digits)-4:])
	}
	whole := Name(name)
	add("n:", whole)
	for _, part := range strings.Fields(norm.NFKC.String(name)) {
		if part := Name(part); part != whole {
			add("n:", part)
		}
	}
	return all
}

// Asked are the terms that a typed text may stand for.
func Asked(typed string) []string {
	all := []string{"n:" + Name(typed)}
	if strings.Contains(typed, "@") || strings.Contains(typed, "＠") {
		all = append(all, "e:"+Email(typed))
	}
	if digits := Phone(typed); len(digits) >= 4 {
		all = append(all, "p:"+digits)
	}
	return all
}
