package ledger

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/money"
)

// TillSum is what the till of a shop took in cash on a day (日計).
type TillSum struct {
	Till          string // the shop's code
	Day           time.Time
	Currency      money.Currency
	ReceivedMinor int64 `db:"received"`
	GivenMinor    int64 `db:"given"`
}

// Received is what came in.
func (t TillSum) Received() money.Money { return money.Of(t.ReceivedMinor, t.Currency) }

// GivenBack is what went back.
func (t TillSum) GivenBack() money.Money { return money.Of(t.GivenMinor, t.Currency) }

// Balance is what is in the till more than in the morning.
func (t TillSum) Balance() money.Money { return money.Of(t.ReceivedMinor-t.GivenMinor, t.Currency) }

// TillSpan asks for days of tills.
type TillSpan struct {
	From   time.Time // a day
	Until  time.Time // a day, inclusive
	ShopID *uuid.UUID
}

// TillQuery is a span as the store reads it.
type TillQuery struct {
	BrandID uuid.UUID
	Shops   []uuid.UUID // none: all
	From    time.Time
	Until   time.Time // before it
	Zone    string
}

// maxTillDays bounds a report.
const maxTillDays = 92

// ErrTillSpan says that the report would be too long, or ends before it begins.
var ErrTillSpan = fault.Invalid("TILL_PERIOD_INVALID", "期間は%d日以内で指定してください", "The report is for at most %d days")

// TillSums are what the tills of shops took in cash, for accountants; for those of a shop,
// what theirs took.
func (s *Service) TillSums(ctx context.Context, in TillSpan) ([]TillSum, error) {
	actor, c := access.From(ctx), channel.From(ctx)
	q := TillQuery{BrandID: c.BrandID, Zone: c.Zone().String()}
	if in.ShopID != nil {
		q.Shops = []uuid.UUID{*in.ShopID}
	}
	switch {
	case actor.Is(access.RoleStoreStaff):
		if in.ShopID == nil {
			q.Shops = actor.Stores
		}
		if len(q.Shops) == 0 || slices.ContainsFunc(q.Shops, func(shop uuid.UUID) bool { return !slices.Contains(actor.Stores, shop) }) {
			return nil, fault.ErrForbidden
		}
	case !actor.May(access.AccountingRead):
		return nil, fault.ErrForbidden
	}
	day := func(of time.Time, more int) time.Time {
		return time.Date(of.Year(), of.Month(), of.Day()+more, 0, 0, 0, 0, c.Zone())
	}
	if q.From, q.Until = day(in.From, 0), day(in.Until, 1); !q.From.Before(q.Until) || q.Until.After(day(in.From, maxTillDays)) {
		return nil, ErrTillSpan.With(maxTillDays).At("until")
	}
	return s.Store.TillSums(ctx, q)
}
