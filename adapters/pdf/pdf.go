// Package pdf draws documents as PDF on A4 in Japanese. The font (M PLUS 1p) is embedded
// as a subset, nothing of the machine or the clock goes in: the same document gives the
// same bytes.
package pdf

import (
	"fmt"
	"io"
	"runtime"

	"github.com/hajimehoshi/ebiten/v2/examples/resources/fonts"
	"github.com/signintech/gopdf"

	"github.com/noren-commerce/noren/core/invoice"
)

const family = "noren"

// Printer draws documents, no more at once than there are processors.
type Printer struct {
	fonts *gopdf.FontContainer
	turns chan struct{}
}

// NewPrinter reads the TrueType font, once for all documents; nil: M PLUS 1p.
func NewPrinter(font []byte) (*Printer, error) {
	if font == nil {
		font = fonts.MPlus1pRegular_ttf
	}
	p := &Printer{&gopdf.FontContainer{}, make(chan struct{}, runtime.GOMAXPROCS(0))}
	err := p.fonts.AddTTFFontDataWithOption(family, font, gopdf.TtfOption{
		OnGlyphNotFoundSubstitute: func(rune) rune { return missing },
	})
	if err != nil {
		return nil, fmt.Errorf("read the font of documents: %w", err)
	}
	return p, nil
}

// Render draws the document.
func (p *Printer) Render(w io.Writer, d invoice.Document) error {
	defer p.turn()()
	s, err := p.newSheet(d)
	if err != nil {
		return err
	}
	switch d.Kind {
	case invoice.KindReceipt:
		s.receipt()
	case invoice.KindStatement:
		s.statement()
	default:
		s.invoice()
	}
	return s.end(w)
}

// turn waits until it may be drawn; what it answers lets others.
func (p *Printer) turn() func() {
	p.turns <- struct{}{}
	return func() { <-p.turns }
}

// end numbers the pages and writes the file.
func (s *sheet) end(w io.Writer) error {
	s.pageNumbers()
	return s.writeTo(w)
}

func (s *sheet) writeTo(w io.Writer) error {
	if s.err != nil {
		return fmt.Errorf("draw %s %s: %w", s.called, s.no, s.err)
	}
	_, err := s.pdf.WriteTo(w)
	return err
}
