package pdf

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// missing stands for what the font does not have.
const missing = '〓'

// folded is the text in characters that the font has: others as what they are made of
// (㈱ as (株)), and what cannot be shown at all as 〓.
func (s *sheet) folded(text string) string {
	var out strings.Builder
	for _, r := range norm.NFC.String(text) {
		switch {
		case r == '\n' || s.has(r):
			out.WriteRune(r)
		case r < ' ':
			out.WriteRune(' ')
		case isMark(r): // says how the character before it is drawn
		default:
			out.WriteString(s.made(r))
		}
	}
	return out.String()
}

// isMark reports whether the character only varies the one before it.
func isMark(r rune) bool {
	return r == 0x200d || (r >= 0xfe00 && r <= 0xfe0f) || (r >= 0xe0100 && r <= 0xe01ef)
}

func (s *sheet) made(r rune) string {
	parts := norm.NFKC.String(string(r))
	for _, part := range parts {
		if !s.has(part) {
			return string(missing)
		}
	}
	return parts
}

func (s *sheet) has(r rune) bool {
	known, ok := s.glyphs[r]
	if !ok {
		known, s.err = s.contains(r)
		s.glyphs[r] = known
	}
	return known
}

func (s *sheet) contains(r rune) (bool, error) {
	if s.err != nil {
		return false, s.err
	}
	return s.pdf.IsCurrFontContainGlyph(r)
}

// width is how wide the text is at the size, in points.
func (s *sheet) width(text string, size float64) (sum float64) {
	for _, r := range text {
		em, ok := s.widths[r]
		if !ok {
			s.size(1000)
			wide, err := s.pdf.MeasureTextWidth(string(r))
			s.fail(err)
			em = wide / 1000
			s.widths[r] = em
		}
		sum += em
	}
	return sum * size
}

// Characters that do not begin a line, or do not end one (禁則).
const (
	notFirst = "、。，．・：；？！」』）］｝〉》】〕ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々ゝゞヽヾ,.:;?!)]}％%"
	notLast  = "「『（［｛〈《【〔([{￥¥"
)

// wrapped is the text in lines no wider than that. Latin words and numbers stay
// together where they fit on a line.
func (s *sheet) wrapped(text string, size, wide float64) (lines []string) {
	for _, paragraph := range strings.Split(s.folded(strings.TrimRight(text, "\n ")), "\n") {
		line, length := []rune{}, 0.0
		for _, r := range paragraph {
			w := s.width(string(r), size)
			if length+w > wide && len(line) > 0 {
				at := breakAt(line, r)
				lines = append(lines, strings.TrimRight(string(line[:at]), " "))
				line = append([]rune{}, line[at:]...)
				length = s.width(string(line), size)
			}
			if r == ' ' && len(line) == 0 {
				continue
			}
			line, length = append(line, r), length+w
		}
		lines = append(lines, string(line))
	}
	return lines
}

// breakAt is where a full line ends that next would follow.
func breakAt(line []rune, next rune) int {
	at := len(line)
	if isWord(next) {
		for at > 0 && isWord(line[at-1]) {
			at--
		}
		if at == 0 {
			at = len(line) // one word as long as the line
		}
		next = line[min(at, len(line)-1)]
	}
	for n := 0; n < 3 && at > 1 && (strings.ContainsRune(notFirst, next) || strings.ContainsRune(notLast, line[at-1])); n++ {
		at--
		next = line[at]
	}
	return at
}

func isWord(r rune) bool {
	return r < 0x250 && r > ' ' && !strings.ContainsRune(notFirst+notLast, r) && r != '/' && r != '-'
}
