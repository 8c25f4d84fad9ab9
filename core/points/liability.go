package points

import (
	"bytes"
	"context"
	"encoding/csv"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/money"
)

// Liability is what is outstanding of a programme that expires in a month.
type Liability struct {
	ProgrammeID uuid.UUID
	Month       *time.Time // its first day; nil: never
	Points      int64      // that can be used
	Pending     int64      // that are promised
	Programme   Programme  `db:"-"`
}

// Worth is what the usable points pay.
func (l Liability) Worth() money.Money {
	return money.Of(value(l.Programme, l.Points), l.Programme.Currency)
}

// value is what points are worth in the books: parts of a unit count.
func value(p Programme, points int64) int64 {
	return money.RoundDown.Divide(points*p.UnitMinor, p.UnitPoints)
}

// Liabilities are what is outstanding of the programmes that the context's brand owes, by
// the month of expiry (staff with POINT_READ).
func (s *Service) Liabilities(ctx context.Context) ([]Liability, error) {
	if err := access.Require(ctx, access.PointRead); err != nil {
		return nil, err
	}
	programmes, err := s.programmes(ctx)
	if err != nil {
		return nil, err
	}
	ch := channel.From(ctx)
	local := s.Now().In(ch.Zone())
	all, err := s.Store.Liabilities(ctx, ch.BrandID, time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC))
	for i := range all {
		all[i].Programme = programmes[all[i].ProgrammeID]
	}
	return all, err
}

// LiabilityCSV is the same as a sheet.
func LiabilityCSV(all []Liability) (string, error) {
	var text bytes.Buffer
	sheet := csv.NewWriter(&text)
	_ = sheet.Write([]string{"programme", "expires", "points", "pending", "worth", "currency"}) // a buffer takes everything
	for _, l := range all {
		month := ""
		if l.Month != nil {
			month = l.Month.Format("2006-01")
		}
		worth := l.Worth()
		_ = sheet.Write([]string{l.Programme.Code, month, strconv.FormatInt(l.Points, 10), strconv.FormatInt(l.Pending, 10), worth.Amount().String(), string(worth.Currency)})
	}
	sheet.Flush()
	return text.String(), sheet.Error()
}

// Sum is what one account of a programme's ledger comes to.
type Sum struct {
	Side   Side
	Debit  int64
	Credit int64
}

// Trial is the trial balance of a programme of the context's brand (staff with
// POINT_READ): debits and credits come to the same.
func (s *Service) Trial(ctx context.Context, programmeID uuid.UUID) ([]Sum, error) {
	if err := access.Require(ctx, access.PointRead); err != nil {
		return nil, err
	}
	p, err := s.Store.Programme(ctx, programmeID)
	if err != nil || p == nil || !p.here(ctx) {
		return nil, orErr(err, ErrProgramme.At("programmeId"))
	}
	return s.Store.Trial(ctx, programmeID)
}

// Day is what a day gave less what it took, but for what orders used and gave back, which
// the journal has from their payments.
type Day struct {
	Day    time.Time
	Points int64
}

// BookJob is the regular job that writes the days' points into the journal.
type BookJob struct{}

// Kind is the job's name in the queue.
func (BookJob) Kind() string { return "points_book" }

// settled is how long after midnight the last posting of a day is sure to be seen.
const settled = 10 * time.Minute

// BookDays writes what points of the days that are over are owed into the journal: what
// was given is a cost of promotion, what expired is one no more.
func (s *Service) BookDays(ctx context.Context) error {
	all, err := s.Store.Programmes(ctx)
	if err != nil {
		return err
	}
	for _, p := range all {
		err := s.Tx.InTx(ctx, func(ctx context.Context) error {
			booked, days, err := s.Store.Unbooked(ctx, p, p.Day(s.Now().Add(-settled)))
			if err != nil {
				return err
			}
			for _, d := range days {
				if err := s.Store.Book(ctx, p.ID, d, s.Now()); err != nil {
					return err
				}
				if err := s.Books.PointsGiven(ctx, ledger.GivenPoints{
					BrandID: p.BrandID, ProgrammeID: p.ID, Code: p.Code, Day: d.Day, Currency: p.Currency, Minor: value(p, booked+d.Points) - value(p, booked),
				}); err != nil {
					return err
				}
				booked += d.Points
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
