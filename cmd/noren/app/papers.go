package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/dispatch"
	"github.com/noren-commerce/noren/core/returns"
	"github.com/noren-commerce/noren/storage/postgres"
)

// newPapers puts together how papers of shipments are printed.
func newPapers(cfg Config, db *postgres.DB, parcels *postgres.Prizes, now clock.Clock) (*dispatch.Papers, error) {
	links, err := dispatch.NewPaperLinks(cfg.Secret, cfg.PublicURL, now)
	if err != nil {
		return nil, err
	}
	return dispatch.NewPapers(dispatch.PaperParts{Tx: db, Store: postgres.NewDispatch(db), Prizes: parcels, Links: links, Events: postgres.NewEvents(db), Now: now})
}

// papers serves what signed links of returns and shipments lead to.
func (a *App) papers(r chi.Router) {
	back := a.Resolvers.Returns
	r.With(a.inScope).Get(returns.SlipPath+"{id}", a.returnPaper("返品票", back.OpenSlip, a.printer.ReturnSlip))
	r.With(a.inScope).Get(returns.LabelPath+"{id}", a.returnPaper("返送用ラベル", back.OpenLabel, a.printer.ReturnLabel))
	r.With(a.inScope).Get(returns.PhotoPath+"{id}", a.returnPhoto)
	r.With(a.inScope).Get(dispatch.PaperPath+"{id}", a.shipmentPaper)
}

// returnPaper serves a paper of a return as PDF.
func (a *App) returnPaper(title string, open func(ctx context.Context, id, expires, signature string) (*returns.Slip, error), draw func(io.Writer, returns.Slip) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, expires, signature := signedFor(r)
		slip, err := open(r.Context(), id, expires, signature)
		if err != nil {
			a.Edge.WriteFault(w, r, err)
			return
		}
		a.drawn(w, r, slip.Number, title+"_"+slip.Number, func(out io.Writer) error { return draw(out, *slip) })
	}
}

// returnPhoto serves a photo. It is noren's own JPEG, and nobody keeps it.
func (a *App) returnPhoto(w http.ResponseWriter, r *http.Request) {
	id, expires, signature := signedFor(r)
	content, err := a.Resolvers.Returns.OpenPhoto(r.Context(), id, expires, signature)
	if err != nil {
		a.Edge.WriteFault(w, r, err)
		return
	}
	private(w.Header(), "image/jpeg", len(content))
	_, _ = w.Write(content)
}

// shipmentPaper serves papers of shipments as PDF.
func (a *App) shipmentPaper(w http.ResponseWriter, r *http.Request) {
	id, expires, signature := signedFor(r)
	p, err := a.Resolvers.Papers.Open(r.Context(), id, expires, signature)
	if err != nil {
		a.Edge.WriteFault(w, r, err)
		return
	}
	made := p.CreatedAt.In(channel.From(r.Context()).Zone())
	name := made.Format("20060102_1504")
	a.drawn(w, r, name, p.Kind.Title()+"_"+name, func(out io.Writer) error { return a.draw(r.Context(), out, *p) })
}

func (a *App) draw(ctx context.Context, w io.Writer, p dispatch.Paper) error {
	papers, at := a.Resolvers.Papers, p.CreatedAt.In(channel.From(ctx).Zone())
	switch p.Kind {
	case dispatch.AddressLabels:
		sheet, err := papers.Sheet(ctx, p)
		if err != nil {
			return err
		}
		_, err = a.printer.Labels(w, sheet, at)
		return err
	case dispatch.PickList:
		picked, err := dispatch.Pick(papers.Packed(ctx, p))
		if err != nil {
			return err
		}
		return a.printer.PickList(w, picked, p.Shipments(), at)
	}
	return a.printer.PackingLists(w, papers.Packed(ctx, p), at)
}

// drawn draws a PDF and sends it; short is its name for those who read ASCII only.
func (a *App) drawn(w http.ResponseWriter, r *http.Request, short, name string, draw func(io.Writer) error) {
	var file bytes.Buffer
	if err := draw(&file); err != nil {
		slog.ErrorContext(r.Context(), "a paper could not be drawn", "paper", name, "error", err)
		a.Edge.WriteFault(w, r, err)
		return
	}
	private(w.Header(), "application/pdf", file.Len())
	w.Header().Set("Content-Disposition", fmt.Sprintf(`inline; filename="%s.pdf"; filename*=UTF-8''%s`, short, url.PathEscape(name+".pdf")))
	_, _ = file.WriteTo(w)
}
