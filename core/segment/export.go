package segment

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/link"
)

// LinkPath is where exports are served.
const LinkPath = "/segment-exports/"

// ExportInput asks for a file of a segment's members.
type ExportInput struct {
	SegmentID uuid.UUID
	Format    Format
	Encoding  Encoding
}

// Export is a link to a file of the segment's members, whole, for the head office.
func (s *Service) Export(ctx context.Context, in ExportInput) (*Link, error) {
	if err := office(ctx, access.MemberExport); err != nil {
		return nil, err
	}
	now, actor := s.Now(), access.From(ctx)
	e := Export{ID: id.New(), SegmentID: in.SegmentID, BrandID: channel.From(ctx).BrandID, Format: in.Format, Encoding: in.Encoding, ActorRole: actor.Role, RequestedAt: now}
	if actor.ID != uuid.Nil {
		e.ActorID = &actor.ID
	}
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		kept, err := s.Store.Lock(ctx, e.BrandID, in.SegmentID)
		if err != nil {
			return err
		}
		if kept == nil {
			return fault.ErrNotFound.At("segmentId")
		}
		if err := s.Store.InsertExport(ctx, e); err != nil {
			return err
		}
		return s.record(ctx, "segment.export_requested", "Segment", kept.ID, map[string]any{"exportId": e.ID, "format": e.Format, "conditions": conditions(kept.Where)})
	})
	if err != nil {
		return nil, err
	}
	return &Link{URL: s.Links.To(e.ID), ExpiresAt: now.Add(link.Holds).Truncate(time.Second)}, nil
}

// Open is the export that a link leads to.
func (s *Service) Open(ctx context.Context, exportID, expires, signature string) (*Export, error) {
	key, err := s.Links.Check(exportID, expires, signature)
	if err != nil {
		return nil, err
	}
	e, err := s.Store.ExportByID(ctx, key)
	if err == nil && e == nil {
		err = link.ErrInvalid
	}
	return e, err
}

// portion is how many members are in memory at a time; of all others only their ids.
const portion = 1000

// Write writes the export's file. What fails before anything is written is answered;
// later the file stays unfinished.
func (s *Service) Write(ctx context.Context, e Export, w io.Writer) error {
	kept, err := s.Store.ByID(ctx, e.SegmentID)
	if err != nil {
		return err
	}
	if kept == nil || kept.BrandID != e.BrandID {
		return fault.ErrNotFound
	}
	ids, err := s.members(ctx, *kept)
	if err != nil {
		return err
	}
	if e.Format == XLSX && len(ids) >= maxSheetRows {
		return ErrSheet.With(maxSheetRows - 1)
	}
	done := event.New(ctx, s.Now(), "segment.exported", "Segment", kept.ID, map[string]any{
		"exportId": e.ID, "name": kept.Name, "conditions": conditions(kept.Where), "members": len(ids), "format": e.Format,
	})
	done.BrandID, done.ActorRole = e.BrandID, e.ActorRole
	if e.ActorID != nil {
		done.ActorID = *e.ActorID
	}
	if err := s.Events.Record(ctx, done); err != nil {
		return err
	}
	out, err := newTable(e.Format, e.Encoding, w)
	if err != nil {
		return err
	}
	if err := out.row(Columns); err != nil {
		return errors.Join(err, out.close())
	}
	for some := range slices.Chunk(ids, portion) {
		rows, err := s.Store.Rows(ctx, e.BrandID, some)
		for _, row := range rows {
			err = errors.Join(err, out.row(row))
		}
		if err != nil {
			return errors.Join(err, out.close())
		}
	}
	return out.close()
}

// members are the ids of whom the segment has now.
func (s *Service) members(ctx context.Context, kept Segment) ([]uuid.UUID, error) {
	if kept.Kind == Static {
		return s.Store.Frozen(ctx, kept.ID)
	}
	return s.Store.All(ctx, Query{BrandID: kept.BrandID, Currency: kept.Currency, Where: kept.Where, Today: s.today(ctx), Zone: channel.From(ctx).Zone(), Within: keptWithin})
}

// Named is the open segment of the name, for whoever runs noren's commands; nil if there
// is none.
func (s *Service) Named(ctx context.Context, name string) (*Segment, error) {
	if err := office(ctx, access.MemberExport); err != nil {
		return nil, err
	}
	return s.Store.ByName(ctx, channel.From(ctx).BrandID, name)
}
