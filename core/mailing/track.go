package mailing

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/sheet"
)

// TrackJob counts what came of mailings.
type TrackJob struct{}

// Kind names the job in the queue.
func (TrackJob) Kind() string { return "track_mailings" }

// ResultStore keeps what came of mailings.
type ResultStore interface {
	// Tracked are mailings whose results may have changed and were not counted since then.
	// Receipts come late: they are counted for so many days after the window.
	Tracked(ctx context.Context, now, countedBefore time.Time, lateDays int) ([]uuid.UUID, error)
	// Count counts the mailing's results anew, in the transaction of the context: purchases
	// on the days from first to last, since the mailing was sent. It does nothing while
	// somebody else counts it.
	Count(ctx context.Context, m Mailing, first, last, at time.Time) error
	// CountAlone waits until nobody else counts the mailing, and keeps others from it until
	// the transaction ends.
	CountAlone(ctx context.Context, mailingID uuid.UUID) error
	Results(ctx context.Context, q ResultQuery) ([]Results, error)
	ByProduct(ctx context.Context, mailingID uuid.UUID, most int) ([]Part, error)
	ByStore(ctx context.Context, mailingID uuid.UUID) ([]Part, error)
}

// ResultQuery asks for results of a brand's mailings, those sent last first.
type ResultQuery struct {
	BrandID   uuid.UUID
	MailingID *uuid.UUID
	Medium    *member.Medium
	Only      bool // of these stores
	Stores    []uuid.UUID
	Most      int
}

const (
	countEvery   = 50 * time.Minute // but for who asks for it
	mostParts    = 500
	mostCompared = 500
)

// LateDays is for how many days after their windows mailings are counted anyway, since
// receipts come late. What comes later yet asks for a count of its own.
const LateDays = 31

// Track counts the results of all mailings that are followed, each in a transaction: what
// breaks it off loses nothing, and the next run goes on with the others.
func (s *Service) Track(ctx context.Context) error {
	if !access.From(ctx).Is(access.RoleSystem) {
		return fault.ErrForbidden
	}
	now := s.Now()
	all, err := s.Store.Tracked(ctx, now, now.Add(-countEvery), LateDays)
	if err != nil {
		return err
	}
	for _, key := range all {
		m, err := s.Store.ByID(ctx, key)
		if err != nil {
			return err
		}
		if err := s.Tx.InTx(ctx, func(ctx context.Context) error { return s.count(ctx, *m) }); err != nil {
			return fmt.Errorf("count mailing %s: %w", key, err)
		}
	}
	return nil
}

func (s *Service) count(ctx context.Context, m Mailing) error {
	first, last := m.window()
	return s.Store.Count(ctx, m, first, last, s.Now())
}

// ResultsOf are what came of a mailing; nil if it was not sent, or the actor may not see it.
func (s *Service) ResultsOf(ctx context.Context, mailingID uuid.UUID) (*Results, error) {
	if err := reading(ctx, access.CampaignRead); err != nil {
		return nil, err
	}
	all, err := s.results(ctx, ResultQuery{MailingID: &mailingID, Most: 1})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

func (s *Service) results(ctx context.Context, q ResultQuery) ([]Results, error) {
	q.BrandID = channel.From(ctx).BrandID
	q.Stores, q.Only = access.StoresOf(ctx)
	return s.Store.Results(ctx, q)
}

// ByProduct are the results by product, those that brought most first: 500 at most.
func (s *Service) ByProduct(ctx context.Context, mailingID uuid.UUID) ([]Part, error) {
	if err := s.shows(ctx, mailingID); err != nil {
		return nil, err
	}
	return s.Store.ByProduct(ctx, mailingID, mostParts)
}

// ByStore are the results by store, those that brought most first.
func (s *Service) ByStore(ctx context.Context, mailingID uuid.UUID) ([]Part, error) {
	if err := s.shows(ctx, mailingID); err != nil {
		return nil, err
	}
	return s.Store.ByStore(ctx, mailingID)
}

func (s *Service) shows(ctx context.Context, mailingID uuid.UUID) error {
	if err := reading(ctx, access.CampaignRead); err != nil {
		return err
	}
	m, err := s.seen(ctx, mailingID)
	if err == nil && m == nil {
		err = fault.ErrNotFound.At("mailingId")
	}
	return err
}

// Order says by what mailings are compared.
type Order string

// The orders; the most comes first, and what cannot be told last.
const (
	ByReturn      Order = "RETURN"
	ByExtraReturn Order = "EXTRA_RETURN"
	ByRevenue     Order = "REVENUE"
	ByCost        Order = "COST"
	ByRate        Order = "RATE"
	ByLift        Order = "LIFT"
	BySentAt      Order = "SENT_AT"
)

var orders = map[Order]func(Results) *decimal.Decimal{
	ByReturn: Results.Return, ByExtraReturn: Results.ExtraReturn,
	ByRevenue: func(r Results) *decimal.Decimal { return whole(r.Revenue().Minor) },
	ByCost:    func(r Results) *decimal.Decimal { return whole(r.Cost().Minor) },
	ByRate:    func(r Results) *decimal.Decimal { return r.Sent.Rate() },
	ByLift: func(r Results) *decimal.Decimal {
		if l := r.Lift(); l != nil {
			return &l.Points
		}
		return nil
	},
	BySentAt: func(r Results) *decimal.Decimal { return whole(r.Mailing.SentAt.UnixMicro()) },
}

func whole(n int64) *decimal.Decimal {
	d := decimal.NewFromInt(n)
	return &d
}

// Compare are the results of the brand's mailings beside each other: of the 500 that were
// sent last.
func (s *Service) Compare(ctx context.Context, medium *member.Medium, by Order) ([]Results, error) {
	if err := reading(ctx, access.CampaignRead); err != nil {
		return nil, err
	}
	of, ok := orders[by]
	if !ok {
		return nil, fault.Invalid(fault.CodeInvalid, "並び順が正しくありません", "There is no such order").At("by")
	}
	all, err := s.results(ctx, ResultQuery{Medium: medium, Most: mostCompared})
	slices.SortStableFunc(all, func(a, b Results) int {
		x, y := of(a), of(b)
		switch {
		case x == nil || y == nil:
			return cmp.Compare(b2i(x == nil), b2i(y == nil))
		}
		return y.Cmp(*x)
	})
	return all, err
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// CompareCSV is the same as CSV.
func (s *Service) CompareCSV(ctx context.Context, medium *member.Medium, by Order) (string, error) {
	all, err := s.Compare(ctx, medium, by)
	if err != nil {
		return "", err
	}
	rows := [][]string{{"name", "medium", "sent_at", "sent", "held_out", "cost", "buyers", "rate", "held_rate", "lift", "lift_low", "lift_high", "revenue", "return", "extra_revenue", "extra_return", "currency"}}
	for _, r := range all {
		m, lift, extra := r.Mailing, []string{"", "", ""}, ""
		if l := r.Lift(); l != nil {
			lift = []string{l.Points.String(), l.Low.String(), l.High.String()}
		}
		if e := r.ExtraRevenue(); e != nil {
			extra = e.String()
		}
		rows = append(rows, []string{
			m.Name, string(m.Medium), m.SentAt.In(zone).Format(time.DateOnly), fmt.Sprint(r.Sent.Recipients), fmt.Sprint(r.Held.Recipients), r.Cost().String(),
			fmt.Sprint(r.Sent.Buyers), text(r.Sent.Rate()), text(r.Held.Rate()), lift[0], lift[1], lift[2], r.Revenue().String(), text(r.Return()), extra, text(r.ExtraReturn()), string(m.Currency),
		})
	}
	return written(rows)
}

// ByProductCSV is the results by product as CSV.
func (s *Service) ByProductCSV(ctx context.Context, mailingID uuid.UUID) (string, error) {
	all, err := s.ByProduct(ctx, mailingID)
	if err != nil {
		return "", err
	}
	return partsCSV("product", all, "不明な商品")
}

// ByStoreCSV is the results by store as CSV.
func (s *Service) ByStoreCSV(ctx context.Context, mailingID uuid.UUID) (string, error) {
	all, err := s.ByStore(ctx, mailingID)
	if err != nil {
		return "", err
	}
	return partsCSV("store", all, "オンライン")
}

func partsCSV(heading string, all []Part, none string) (string, error) {
	rows := [][]string{{heading, "buyers", "items", "revenue", "held_buyers", "held_items", "held_revenue", "currency"}}
	for _, p := range all {
		name := p.Name["ja"]
		if p.Key == nil {
			name = none
		}
		rows = append(rows, []string{name, fmt.Sprint(p.Buyers), fmt.Sprint(p.Items), p.Revenue().String(), fmt.Sprint(p.HeldBuyers), fmt.Sprint(p.HeldItems), p.HeldRevenue().String(), string(p.Currency)})
	}
	return written(rows)
}

func text(d *decimal.Decimal) string {
	if d == nil {
		return ""
	}
	return d.String()
}

// written is rows as CSV.
func written(rows [][]string) (string, error) {
	var b strings.Builder
	out, err := sheet.NewCSV(&b, sheet.UTF8)
	if err != nil {
		return "", err
	}
	for _, row := range rows {
		if err := out.Row(row); err != nil {
			return "", err
		}
	}
	err = out.Close()
	return b.String(), err
}
