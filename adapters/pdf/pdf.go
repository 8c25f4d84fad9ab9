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
	p.turns <- struct{}{}
	defer func() { <-p.turns }()
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
	s.pageNumbers()
	if s.err != nil {
		return fmt.Errorf("draw %s: %w", d.Number(), s.err)
	}
	_, err = s.pdf.WriteTo(w)
	return err
}
