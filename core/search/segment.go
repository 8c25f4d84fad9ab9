package search

import (
	"strings"
	"unicode"
)

// segment is a stretch of text of one kind, without space or mark inside.
type segment struct {
	text     string
	japanese bool
}

// segments cuts normalised text into Japanese stretches and codes: Latin letters
// and digits with single marks between them, as in "ab-12/x".
func segments(text string) []segment {
	var all []segment
	runes := []rune(text)
	for i := 0; i < len(runes); {
		switch {
		case isJapanese(runes[i]):
			j := i
			for j < len(runes) && isJapanese(runes[j]) {
				j++
			}
			all = append(all, segment{string(runes[i:j]), true})
			i = j
		case isCode(runes[i]):
			j := i
			for j < len(runes) && (isCode(runes[j]) || joins(runes, j)) {
				j++
			}
			all = append(all, segment{string(runes[i:j]), false})
			i = j
		default:
			i++
		}
	}
	return all
}

// isCode reports letters and digits outside Japanese.
func isCode(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsDigit(r)) && !isJapanese(r)
}

// joins reports a single mark inside a code.
func joins(runes []rune, i int) bool {
	return strings.ContainsRune("-_./+&'", runes[i]) && i+1 < len(runes) && isCode(runes[i+1])
}

// parts are the pieces of a code: "ab12-x" is ab, 12, x.
func parts(code string) []string {
	var all []string
	var b strings.Builder
	var before rune
	flush := func() {
		if b.Len() > 0 {
			all = append(all, b.String())
			b.Reset()
		}
	}
	for _, r := range code {
		switch {
		case !isCode(r):
			flush()
		case b.Len() > 0 && unicode.IsDigit(r) != unicode.IsDigit(before):
			flush()
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
		before = r
	}
	flush()
	return all
}
