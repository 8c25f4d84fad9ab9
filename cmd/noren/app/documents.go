package app

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/noren-commerce/noren/adapters/pdf"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/storage/postgres"
)

// DocumentConfig says how documents are drawn.
type DocumentConfig struct {
	DocumentFont string `env:"NOREN_DOCUMENT_FONT" help:"TrueType font (.ttf) of invoices and receipts instead of the built-in M PLUS 1p, such as one with more kanji."`
}

func (c DocumentConfig) printer() (*pdf.Printer, error) {
	var font []byte
	if c.DocumentFont != "" {
		var err error
		if font, err = os.ReadFile(c.DocumentFont); err != nil {
			return nil, setting("NOREN_DOCUMENT_FONT", "must be a file that can be read: %w", err)
		}
	}
	printer, err := pdf.NewPrinter(font)
	if err != nil {
		return nil, setting("NOREN_DOCUMENT_FONT", "must be a TrueType font: %w", err)
	}
	return printer, nil
}

// newDocuments puts together how invoices, receipts and the like are issued.
func newDocuments(cfg Config, db *postgres.DB, keys *idempotency.Keys, orders invoice.Orders, payments invoice.Payments, now clock.Clock) (*invoice.Service, error) {
	links, err := invoice.NewLinks(cfg.Secret, cfg.PublicURL, now)
	if err != nil {
		return nil, err
	}
	return invoice.New(invoice.Parts{
		Tx: db, Store: postgres.NewDocuments(db), Orders: orders, Payments: payments, Statements: postgres.NewBilling(db),
		Keys: keys, Links: links, Events: postgres.NewEvents(db), Now: now,
	}), nil
}

// document serves the PDF that a signed link leads to.
func (a *App) document(printer *pdf.Printer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		d, err := a.Resolvers.Invoices.Open(r.Context(), chi.URLParam(r, "id"), query.Get("expires"), query.Get("signature"))
		if err != nil {
			a.Edge.WriteFault(w, r, err)
			return
		}
		var file bytes.Buffer
		if err := printer.Render(&file, *d); err != nil {
			slog.ErrorContext(r.Context(), "a document could not be drawn", "document", d.ID, "error", err)
			a.Edge.WriteFault(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "application/pdf")
		h.Set("Content-Length", strconv.Itoa(file.Len()))
		h.Set("Content-Disposition", fmt.Sprintf(`inline; filename="%s.pdf"; filename*=UTF-8''%s`, d.Number(), url.PathEscape(d.Kind.Title()+"_"+d.Number()+".pdf")))
		unkept(h)
		_, _ = file.WriteTo(w)
	}
}
