package app

import (
	"net/http"

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
	a.download(w, r, func(out *download) error {
		segments := a.Resolvers.Segments
		id, expires, signature := signedFor(r)
		e, err := segments.Open(r.Context(), id, expires, signature)
		if err != nil {
			return err
		}
		switch out.kind, out.name = "text/csv; charset=utf-8", "segment.csv"; {
		case e.Format == segment.XLSX:
			out.kind, out.name = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "segment.xlsx"
		case e.Encoding == segment.CP932:
			out.kind = "text/csv; charset=shift_jis"
		}
		return segments.Write(r.Context(), *e, out)
	})
}
