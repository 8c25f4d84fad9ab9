package ledger

import (
	"context"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/sheet"
)

// LinkPath is where links to settlement files lead.
const LinkPath = "/files/settlements/"

// NewLinks makes the signer of links to settlement files.
func NewLinks(secret, public string, now clock.Clock) (*link.Signer, error) {
	return link.New(secret, "noren settlement files", public, LinkPath, now)
}

// SettlementFile is lines of the journal that are handed over together (精算ファイル). The
// lines are the journal's own, which never change, and so the file does not: that of a
// day has what was written down on it, any other what had been a while before it was made.
type SettlementFile struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	From       time.Time `db:"from_on"`
	To         time.Time `db:"to_on"`
	Zone       string
	Daily      bool
	Lines      int
	TotalMinor int64 `db:"total"`
	Currency   money.Currency
	MadeAt     time.Time
	WrittenBy  time.Time // what was written down later is not in it
}

// GlobalID is the file's id in the schema.
func (f SettlementFile) GlobalID() string { return id.Global("SettlementFile", f.ID) }

// Total is what its debits come to.
func (f SettlementFile) Total() money.Money { return money.Of(f.TotalMinor, f.Currency) }

func (f SettlementFile) span() (Span, error) {
	zone := channel.Channel{TimeZone: f.Zone}.Zone() // whose name may be of no zone that is known
	s := Span{BrandID: f.BrandID, Zone: zone, Posted: f.Daily, WrittenBy: &f.WrittenBy}
	var err error
	s.From, s.Until, err = Days{f.From, f.To}.span(zone)
	return s, err
}

// FileStore keeps which settlement files there are.
type FileStore interface {
	// Sum is how many lines the span has, and what the debits in the currency come to.
	Sum(ctx context.Context, s Span, currency money.Currency) (lines int, minor int64, err error)
	// InsertFile writes a file down, and reports whether it is new: a day has one.
	InsertFile(ctx context.Context, f SettlementFile) (bool, error)
	// File is nil if there is none with the key.
	File(ctx context.Context, fileID uuid.UUID) (*SettlementFile, error)
	Files(ctx context.Context, brandID uuid.UUID, daily *bool, args page.Args) (page.Connection[SettlementFile], error)
	// LastDaily is the last day of the brand that has its file; nil if none has.
	LastDaily(ctx context.Context, brandID uuid.UUID) (*time.Time, error)
}

// Files is one page of the brand's settlement files, the newest first (accountants).
func (s *Service) Files(ctx context.Context, daily *bool, args page.Args) (page.Connection[SettlementFile], error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return page.Connection[SettlementFile]{}, err
	}
	return s.Store.Files(ctx, channel.From(ctx).BrandID, daily, args)
}

// MakeFile makes the settlement file of the days (accountants). What was written down in the
// last minutes (see inFlight) is not in it: it may not be committed yet.
func (s *Service) MakeFile(ctx context.Context, d Days) (*SettlementFile, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return nil, err
	}
	return s.file(ctx, d, false)
}

func (s *Service) file(ctx context.Context, d Days, daily bool) (*SettlementFile, error) {
	ch := channel.From(ctx)
	f := SettlementFile{
		ID: id.New(), BrandID: ch.BrandID, From: d.From, To: d.To, Zone: ch.Zone().String(), Daily: daily,
		Currency: ch.Money(), MadeAt: s.books.now().Truncate(time.Microsecond),
	}
	f.WrittenBy = f.MadeAt.Add(-inFlight)
	span, err := f.span()
	if err != nil {
		return nil, err
	}
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		if f.Lines, f.TotalMinor, err = s.Store.Sum(ctx, span, f.Currency); err != nil {
			return err
		}
		made, err := s.Store.InsertFile(ctx, f)
		if err != nil || !made {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, f.MadeAt, "settlement.made", "SettlementFile", f.ID, map[string]any{
			"from": f.From, "to": f.To, "daily": daily, "lines": f.Lines, "total": f.TotalMinor,
		}))
	})
	if err != nil {
		return nil, err
	}
	return &f, nil
}

const (
	// rests is how long after midnight the day before is closed: what was written down on it
	// is committed by then.
	rests = time.Hour
	// inFlight is longer than an operation or an attempt at a job may last: what was written
	// down earlier is committed, or never will be.
	inFlight = 5 * time.Minute
	// mostDays bounds how many days one run makes up for.
	mostDays = 31
)

// SettleJob makes the settlement files of the days that are over.
type SettleJob struct{}

// Kind names the job.
func (SettleJob) Kind() string { return "settlement_files" }

// Settle makes the settlement files of the brand's days that are over and have none, from
// the last one that has.
func (s *Service) Settle(ctx context.Context) error {
	ch := channel.From(ctx)
	now := s.books.now().In(ch.Zone()).Add(-rests)
	due := time.Date(now.Year(), now.Month(), now.Day()-1, 0, 0, 0, 0, time.UTC)
	last, err := s.Store.LastDaily(ctx, ch.BrandID)
	if err != nil {
		return err
	}
	day := due
	if last != nil {
		day = last.AddDate(0, 0, 1)
	}
	for range mostDays {
		if day.After(due) {
			return nil
		}
		if _, err := s.file(ctx, Days{day, day}, true); err != nil {
			return err
		}
		day = day.AddDate(0, 0, 1)
	}
	return nil
}

// FileLink is a link to the file, so written.
func (s *Service) FileLink(f SettlementFile, encoding sheet.Encoding) string {
	return s.Links.To(f.ID) + "&encoding=" + string(encoding)
}

// Open is the settlement file that a link leads to.
func (s *Service) Open(ctx context.Context, fileID, expires, signature string) (*SettlementFile, error) {
	key, err := s.Links.Check(fileID, expires, signature)
	if err != nil {
		return nil, err
	}
	f, err := s.Store.File(ctx, key)
	if err == nil && f == nil {
		err = link.ErrInvalid
	}
	return f, err
}

// Write writes the lines of a file that was opened.
func (s *Service) Write(ctx context.Context, f SettlementFile, encoding sheet.Encoding, to io.Writer) error {
	span, err := f.span()
	if err != nil {
		return err
	}
	_, err = s.stream(ctx, span, encoding, to)
	return err
}
