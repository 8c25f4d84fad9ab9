package app

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/segment"
	"github.com/noren-commerce/noren/storage/postgres"
)

// newSegments puts together who searches members.
func newSegments(cfg Config, db *postgres.DB, sealed *sealing.Keys, members *member.Service, now clock.Clock) (*segment.Service, error) {
	links, err := link.New(cfg.Secret, "noren segment exports", cfg.PublicURL, segment.LinkPath, now)
	if err != nil {
		return nil, err
	}
	segments := segment.New(segment.Parts{
		Tx: db, Store: postgres.NewSegments(db, postgres.NewMembers(db, sealed)), Members: members, Events: postgres.NewEvents(db), Links: links, Now: now,
	})
	members.FollowedBy(segments)
	return segments, nil
}

// NewSegments makes what writes the members of segments to files, for noren's commands.
func NewSegments(db *postgres.DB, sealed *sealing.Keys, now clock.Clock) *segment.Service {
	return segment.New(segment.Parts{Tx: db, Store: postgres.NewSegments(db, postgres.NewMembers(db, sealed)), Events: postgres.NewEvents(db), Now: now})
}

// segmentExport serves a file of a segment's members to who has the link.
func (a *App) segmentExport(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	segments := a.Resolvers.Segments
	e, err := segments.Open(r.Context(), chi.URLParam(r, "id"), query.Get("expires"), query.Get("signature"))
	if err != nil {
		a.Edge.WriteFault(w, r, err)
		return
	}
	out := &download{ResponseWriter: w, kind: "text/csv; charset=utf-8", name: "segment.csv"}
	switch {
	case e.Format == segment.XLSX:
		out.kind, out.name = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "segment.xlsx"
	case e.Encoding == segment.CP932:
		out.kind = "text/csv; charset=shift_jis"
	}
	a.send(out, r, segments.Write(r.Context(), *e, out))
}

// download is an answer that becomes a file with its first bytes.
type download struct {
	http.ResponseWriter
	kind, name string
	begun      bool
}

// Write sends the headers of the file before its first bytes.
func (d *download) Write(b []byte) (int, error) {
	if !d.begun {
		d.begun = true
		d.Header().Set("Content-Type", d.kind)
		d.Header().Set("Cache-Control", "private, no-store")
		d.Header().Set("X-Robots-Tag", "noindex")
		d.Header().Set("Referrer-Policy", "no-referrer")
		d.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename=%q`, d.name))
	}
	return d.ResponseWriter.Write(b)
}
