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
