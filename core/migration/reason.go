// Package migration brings past data of other systems into noren (データ移行): members,
// balances of points and purchases, from CSV of any layout by way of a mapping.
package migration

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
)

// Reason says why a value or a row is not taken, or what was done to it.
type Reason struct{ JA, EN string }

func because(ja, en string, args ...any) Reason {
	if len(args) == 0 {
		return Reason{ja, en}
	}
	return Reason{fmt.Sprintf(ja, args...), fmt.Sprintf(en, args...)}
}

// Error is the reason in English.
func (r Reason) Error() string { return r.EN }

// In is the reason in a language.
func (r Reason) In(language string) string { return i18n.Text{"ja": r.JA, "en": r.EN}.In(language) }

// reasonOf is what a failure of another domain says.
func reasonOf(err error) Reason {
	if r, ok := err.(Reason); ok { //nolint:errorlint // is never wrapped
		return r
	}
	if all := fault.All(err); len(all) > 0 {
		return Reason{all[0].Message("ja"), all[0].Message("en")}
	}
	return Reason{err.Error(), err.Error()}
}

// RemarkKind says what a remark means for its row.
type RemarkKind string

// The kinds of remark.
const (
	Rejected RemarkKind = "REJECTED" // the row was not taken
	Dropped  RemarkKind = "DROPPED"  // the row was taken without the value
	Noticed  RemarkKind = "NOTICED"  // the row was taken; somebody should look at it
)

// Remark is what is said of a row of a file.
type Remark struct {
	Number int // among the run's
	Line   int // of the file, from 1
	Column string
	Value  string // what stood there, masked
	Kind   RemarkKind
	JA, EN string
}

// Reason is what is said, in the language.
func (r Remark) Reason(language string) string { return Reason{r.JA, r.EN}.In(language) }

// Masked is a value of a report as anybody may read it: its length, and the first
// character of what is longer than two.
func Masked(value string) string {
	n := utf8.RuneCountInString(value)
	switch {
	case n == 0:
		return ""
	case n <= 2:
		return strings.Repeat("＊", n)
	}
	first, _ := utf8.DecodeRuneInString(value)
	return string(first) + strings.Repeat("＊", min(n-1, 20))
}
