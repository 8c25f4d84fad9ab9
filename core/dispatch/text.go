package dispatch

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/unicode/norm"
)

// geta stands for a character that CP932 does not have (ゲタ).
const geta = '〓'

// alike are characters that CP932 has in another form that reads the same.
var alike = strings.NewReplacer("〜", "～", "−", "－", "–", "－", "—", "―", "‖", "∥", "\u00a0", " ", "\u200b", "", "\ufe0f", "", "\u200d", "")

// plain is the text as CP932 can hold it, on one line, and which of its characters had
// to become 〓.
func plain(text string) (string, []rune) {
	var lost []rune
	encoder := japanese.ShiftJIS.NewEncoder()
	written := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		if _, err := encoder.String(string(r)); err != nil {
			if !slices.Contains(lost, r) {
				lost = append(lost, r)
			}
			return geta
		}
		return r
	}, alike.Replace(norm.NFC.String(text)))
	return strings.Join(strings.Fields(written), " "), lost
}

// size is how many bytes of CP932 a plain text takes.
func size(text string) int {
	encoded, err := japanese.ShiftJIS.NewEncoder().String(text)
	if err != nil {
		return 2 * len(text)
	}
	return len(encoded)
}

// cut is as much of a text as fits the width, and the rest.
func cut(text string, width int) (head, rest string) {
	used := 0
	for i, r := range text {
		if used += size(string(r)); used > width {
			return text[:i], strings.TrimLeft(text[i:], " ")
		}
	}
	return text, ""
}

// flow shares parts of a text out over columns of the widths, and loses nothing: each
// part begins a column of its own, or if there are too few, all follow each other. ok is
// false if they do not fit even so.
func flow(parts []string, widths []int) (columns []string, ok bool) {
	parts = slices.DeleteFunc(slices.Clone(parts), func(p string) bool { return p == "" })
	if columns, ok = placed(parts, widths); ok || len(parts) == 0 {
		return columns, ok
	}
	return placed([]string{strings.Join(parts, " ")}, widths)
}

func placed(parts []string, widths []int) ([]string, bool) {
	columns := make([]string, len(widths))
	i := 0
	for _, part := range parts {
		for part != "" {
			if i == len(widths) {
				return nil, false
			}
			head, rest := cut(part, widths[i])
			if head == "" {
				return nil, false
			}
			columns[i], part = strings.TrimRight(head, " "), rest
			i++
		}
	}
	return columns, true
}

// shortened names as many of the goods as the columns hold, one in each, and says so
// where they are more.
func shortened(goods []string, widths []int) []string {
	columns := make([]string, len(widths))
	for i, width := range widths {
		if i >= len(goods) {
			break
		}
		text := goods[i]
		if i == len(widths)-1 && len(goods) > len(widths) {
			text, _ = cut(text, width-size("ほか"))
			text += "ほか"
		}
		columns[i], _ = cut(text, width)
	}
	return columns
}
