package mailing

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/label"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/sheet"
)

// LinkPath is where files of mailings are served.
const LinkPath = "/mailing-files/"

// FileKind is a kind of file.
type FileKind string

// The kinds.
const (
	Labels      FileKind = "LABELS"   // 宛名ラベル, PDF
	LeftOutList FileKind = "LEFT_OUT" // who is left out and why, CSV
)

// File is one file of a mailing that somebody asked for. It is made when it is opened.
type File struct {
	ID        uuid.UUID
	MailingID uuid.UUID
	Kind      FileKind
	Format    string // of labels
	Skip      int    // labels of the first sheet that are used up
	First     int    // positions
	Last      int
	ActorRole access.Role
	ActorID   *uuid.UUID
	CreatedAt time.Time

	URL       string    `db:"-"`
	ExpiresAt time.Time `db:"-"`
}

// Count is how many labels the file has.
func (f File) Count() int { return f.Last - f.First + 1 }

// Omitted is somebody who is left out, for the list.
type Omitted struct {
	MemberID uuid.UUID
	Number   string // of the card; empty for none
	Reason   Reason
	Theirs   bool // a member of the store on whose behalf the mailing is
}

// FileStore keeps what files are made of.
type FileStore interface {
	InsertFiles(ctx context.Context, all []File) error
	FileByID(ctx context.Context, fileID uuid.UUID) (*File, error)
	// LastPosition is that of the last label; 0 without any.
	LastPosition(ctx context.Context, mailingID uuid.UUID) (int, error)
	// Print notes whose labels were printed, and leaves out whose label stayed blank.
	Print(ctx context.Context, mailingID uuid.UUID, p Printed, at time.Time) error
	// Addressees are those of the positions as they are now, in their order.
	Addressees(ctx context.Context, m Mailing, first, last int) ([]Person, error)
	// Omitted are some of those left out, behind the member: of letters not printed yet also
	// who would be by now, whose labels will be blank.
	Omitted(ctx context.Context, m Mailing, after uuid.UUID, most int) ([]Omitted, error)
}

// Printed is what became of the labels of a file.
type Printed struct {
	MemberIDs []uuid.UUID
	Blank     []Decision
}

// LabelInput asks for labels.
type LabelInput struct {
	MailingID uuid.UUID
	Format    string
	Skip      int // labels of the first sheet that are used up
	First     int // the position of the first label: for who prints the rest
}

// Formats are the sheets of labels that there are.
func (s *Service) Formats() []label.Format { return s.formats }

// PrintLabels are links to PDFs with a label for each who gets the mailing, of whole
// sheets each and label.Most labels at most. Who asks is written down, and so is who opens.
func (s *Service) PrintLabels(ctx context.Context, in LabelInput) ([]File, error) {
	f, err := label.Find(s.formats, in.Format)
	if err != nil {
		return nil, err
	}
	if err := f.CheckSkip(in.Skip); err != nil {
		return nil, err
	}
	return s.files(ctx, in.MailingID, func(ctx context.Context, m Mailing) ([]File, error) {
		switch {
		case m.Medium != member.DM:
			return nil, ErrMedium.At("mailingId")
		case m.State != Sent:
			return nil, ErrState.At("mailingId")
		case m.Addressed == 0:
			return nil, ErrNoLabels
		}
		last, err := s.Store.LastPosition(ctx, m.ID)
		if err != nil {
			return nil, err
		}
		if in.First < 1 || in.First > last {
			return nil, ErrPosition.With(last).At("first")
		}
		return split(f, in.Skip, in.First, last), nil
	})
}

// split cuts positions into files of whole sheets.
func split(f label.Format, skip, first, last int) (all []File) {
	most := label.Most / f.Labels() * f.Labels()
	for first <= last {
		end := min(last, first+most-skip-1)
		all = append(all, File{Kind: Labels, Format: f.Code, Skip: skip, First: first, Last: end})
		first, skip = end+1, 0
	}
	return all
}

// ListLeftOut is a link to a CSV of who is left out and why.
func (s *Service) ListLeftOut(ctx context.Context, in ByIDInput) (*File, error) {
	all, err := s.files(ctx, in.MailingID, func(_ context.Context, m Mailing) ([]File, error) {
		if m.SentAt == nil {
			return nil, ErrState.At("mailingId")
		}
		return []File{{Kind: LeftOutList}}, nil
	})
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// files keeps that files were asked for. Staff of a store may take those of what is sent
// on its behalf.
func (s *Service) files(ctx context.Context, mailingID uuid.UUID, cut func(ctx context.Context, m Mailing) ([]File, error)) ([]File, error) {
	if err := reading(ctx, access.MemberExport); err != nil {
		return nil, err
	}
	actor, now := access.From(ctx), s.Now()
	var all []File
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		m, err := s.locked(ctx, mailingID)
		if err != nil {
			return err
		}
		if !m.seenBy(actor) {
			return fault.ErrNotFound.At("mailingId")
		}
		if all, err = cut(ctx, *m); err != nil {
			return err
		}
		for i := range all {
			f := &all[i]
			f.ID, f.MailingID, f.ActorRole, f.CreatedAt = id.New(), m.ID, actor.Role, now
			f.URL, f.ExpiresAt = s.Links.To(f.ID), now.Add(link.Holds).Truncate(time.Second)
			if actor.ID != uuid.Nil {
				f.ActorID = &actor.ID
			}
		}
		if err := s.Store.InsertFiles(ctx, all); err != nil {
			return err
		}
		return s.record(ctx, "mailing.files_requested", *m, map[string]any{"kind": all[0].Kind, "files": len(all), "format": all[0].Format, "first": all[0].First})
	})
	return all, err
}

// Open is the file that a link leads to, with its mailing.
func (s *Service) Open(ctx context.Context, fileID, expires, signature string) (*File, *Mailing, error) {
	key, err := s.Links.Check(fileID, expires, signature)
	if err != nil {
		return nil, nil, err
	}
	f, err := s.Store.FileByID(ctx, key)
	if err != nil || f == nil {
		return nil, nil, errors.Join(err, link.ErrInvalid)
	}
	m, err := s.Store.ByID(ctx, f.MailingID)
	if err == nil && m == nil {
		err = link.ErrInvalid
	}
	return f, m, err
}

// Write makes the file. That it was opened is written down first.
func (s *Service) Write(ctx context.Context, f File, m Mailing, w io.Writer) error {
	opened := event.New(ctx, s.Now(), "mailing.file_opened", "Mailing", m.ID, map[string]any{"fileId": f.ID, "kind": f.Kind, "first": f.First, "last": f.Last})
	opened.BrandID, opened.ActorRole = m.BrandID, f.ActorRole
	if f.ActorID != nil {
		opened.ActorID = *f.ActorID
	}
	if err := s.Events.Record(ctx, opened); err != nil {
		return err
	}
	if f.Kind == LeftOutList {
		return s.writeLeftOut(ctx, f, m, w)
	}
	format, err := label.Find(s.formats, f.Format)
	if err != nil {
		return err
	}
	var done Printed
	sheet := label.Sheet{Format: format, Skip: f.Skip, PostalBoxes: true, Labels: func(yield func(label.Label, error) bool) { done = s.each(ctx, f, m, yield) }}
	if _, err = s.Printer.Labels(w, sheet, f.CreatedAt.In(channel.From(ctx).Zone())); err != nil {
		return err
	}
	return s.Store.Print(ctx, m.ID, done, s.Now())
}

// each yields the labels of the file's positions. Who has left, lost the address, withdrawn
// or become another store's member since gets none: the label stays blank, so that positions
// stay.
func (s *Service) each(ctx context.Context, f File, m Mailing, yield func(label.Label, error) bool) (done Printed) {
	for first := f.First; first <= f.Last; first += portion {
		some, err := s.Store.Addressees(ctx, m, first, min(f.Last, first+portion-1))
		if err != nil {
			yield(label.Label{}, err)
			return done
		}
		for _, a := range some {
			l := label.Label{}
			switch reason := m.left(a); {
			case a.LeftOut:
			case reason != NoReason:
				done.Blank = append(done.Blank, Decision{MemberID: a.MemberID, State: LeftOut, Reason: reason})
			default:
				l.To = *a.Address
				done.MemberIDs = append(done.MemberIDs, a.MemberID)
			}
			if !yield(l, nil) {
				return done
			}
		}
	}
	return done
}

// reasons are in the words of the list.
var reasons = map[Reason]string{
	Gone: "退会・統合済み", OtherStore: "他店の会員", NoConsent: "同意なし", Unsubscribed: "配信停止", NoAddress: "住所なし", NoEmail: "メールアドレスなし",
	Bounced: "メール不達", Duplicate: "同じメールアドレスへ送信済み", Refused: "送信拒否", Interrupted: "送信中断",
}

// writeLeftOut writes who is left out: numbers and reasons, no personal data. A number is as
// good as the card, so staff of a store get those of other stores' members masked.
func (s *Service) writeLeftOut(ctx context.Context, f File, m Mailing, w io.Writer) error {
	out, err := sheet.NewCSV(w, sheet.UTF8)
	if err != nil {
		return err
	}
	if err := out.Row([]string{"会員番号", "理由コード", "理由"}); err != nil {
		return err
	}
	var after uuid.UUID
	for {
		some, err := s.Store.Omitted(ctx, m, after, portion)
		if err != nil {
			return err
		}
		for _, o := range some {
			if f.ActorRole == access.RoleStoreStaff && !o.Theirs {
				o.Number = member.MaskNumber(o.Number)
			}
			if err := out.Row([]string{o.Number, string(o.Reason), reasons[o.Reason]}); err != nil {
				return err
			}
		}
		if len(some) < portion {
			return out.Close()
		}
		after = some[len(some)-1].MemberID
	}
}
