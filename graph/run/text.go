package run

import (
	"bytes"
	"io"

	"github.com/99designs/gqlgen/graphql"
)

const hex = "0123456789ABCDEF"

type text string

// Text writes a JSON string, as graphql.MarshalString does.
func Text(s string) graphql.Marshaler { return text(s) }

// MarshalGQL writes the string with its quotes.
func (t text) MarshalGQL(w io.Writer) {
	if b, ok := w.(*bytes.Buffer); ok {
		b.Grow(len(t) + 2)
		_, _ = b.Write(appendText(b.AvailableBuffer(), string(t)))
		return
	}
	_, _ = w.Write(appendText(make([]byte, 0, len(t)+2), string(t)))
}

func appendText(to []byte, s string) []byte {
	to = append(to, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '\\' && c != '"' {
			continue
		}
		to = append(to, s[start:i]...)
		start = i + 1
		switch c {
		case '\t':
			to = append(to, `\t`...)
		case '\r':
			to = append(to, `\r`...)
		case '\n':
			to = append(to, `\n`...)
		case '\\', '"':
			to = append(to, '\\', c)
		default:
			to = append(to, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
	}
	to = append(to, s[start:]...)
	return append(to, '"')
}
