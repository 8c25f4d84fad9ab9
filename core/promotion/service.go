package promotion

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// Store keeps campaigns and coupons. Writes join the transaction of the context and
// move the number of the brand's rules in it.
type Store interface {
	// Live are the brand's campaigns that quoting may meet: ready, and not long over.
	Live(ctx context.Context, brandID uuid.UUID) (version int64, campaigns []Campaign, err error)
	// CampaignsByID are the campaigns with the ids, whatever has become of them.
	CampaignsByID(ctx context.Context, ids []uuid.UUID) ([]Campaign, error)
	// Used is how often the buyer has used campaigns that count it.
	Used(ctx context.Context, buyerID uuid.UUID) (map[uuid.UUID]int, error)

	Campaigns(ctx context.Context, q Query) (page.Connection[Campaign], error)
	// Campaign is a campaign of the brand; nil if there is none.
	Campaign(ctx context.Context, brandID, campaignID uuid.UUID) (*Campaign, error)
	// Lock reads a campaign of the brand for changing; nil if there is none.
	Lock(ctx context.Context, brandID, campaignID uuid.UUID) (*Campaign, error)
	// Save writes a campaign, new or not, and its bounds. A code that is taken is
	// ErrCodeTaken, a bound below what was given already ErrBelowGiven.
	Save(ctx context.Context, c Campaign) error
	// Known reports whether the brand has all that the campaign names: the kind of what
	// is missing, or GiftChoices if a gift is a set to choose from.
	Known(ctx context.Context, c Campaign) (missing string, err error)
	// Moved moves the number of the brand's rules without changing any.
	Moved(ctx context.Context, brandID uuid.UUID) error

	NoticeStore
	CouponStore
	BatchStore
	UseStore
	EffectStore
}

// GiftChoices is what Known says of gifts that somebody would have to choose from.
const GiftChoices = "choices"

// Query asks for one page of campaigns, newest first. Empty fields do not filter.
type Query struct {
	BrandID  uuid.UUID
	Statuses []Status
	RunsAt   time.Time // whose period is open then
	Page     page.Args
}

// Turns wakes noren when a campaign begins or ends.
type Turns interface {
	// TurnAt queues the job to be worked on at the moment, once.
	TurnAt(ctx context.Context, job TurnJob, at time.Time) error
	// Grant queues the coupons that a shipped order has earned.
	Grant(ctx context.Context, job GrantJob) error
	// Give queues the coupons of a batch.
	Give(ctx context.Context, job GiveJob) error
	// Notify queues the telling of a campaign, once for each job.
	Notify(ctx context.Context, job NoticeJob) error
}

// Parts are what the service stands on.
type Parts struct {
	Tx     idempotency.Tx
	Store  Store
	Keys   *idempotency.Keys
	Turns  Turns
	Events event.Recorder
	Outbox messaging.Outbox
	// Segments know who is in saved segments; nil: nobody is in any.
	Segments Segments
	Codes    Derives // of coupons that are given
	// ShopURL is where mails lead to.
	ShopURL string
	// Limiter bounds how often codes of coupons are tried; nil does not.
	Limiter limit.Limiter
	Now     clock.Clock
}

// Service keeps campaigns, and knows which of them a buyer may meet.
type Service struct {
	Parts
	loading singleflight.Group
	books   sync.Map // brand id → *Book
}

// New makes the service.
func New(p Parts) *Service { return &Service{Parts: p} }

// Offers are the brand's campaigns at the version of its rules, as far as they
// concern the terms; nil if none does. What the buyer has used costs a statement
// only while some campaign counts it; which segments the buyer is in costs two at most, and
// only while a campaign for one is open.
func (s *Service) Offers(ctx context.Context, version int64, terms pricing.Terms) (pricing.Offers, error) {
	book, err := s.book(ctx, channel.From(ctx).BrandID, version)
	if err != nil {
		return nil, err
	}
	if terms.Placed != nil {
		if book, err = s.withUsed(ctx, book, terms.Placed.Used); err != nil {
			return nil, err
		}
	}
	buyer, err := s.placed(ctx, book, terms.Buyer, terms.At, terms.Placed)
	if err != nil {
		return nil, err
	}
	return s.view(ctx, book, buyer)
}

// withUsed is the book with the campaigns that an order has used and that are stopped or
// long over since.
func (s *Service) withUsed(ctx context.Context, book *Book, used []pricing.Coupon) (*Book, error) {
	var missing []uuid.UUID
	for _, u := range used {
		if book.ByID(u.CampaignID) == nil {
			missing = append(missing, u.CampaignID)
		}
	}
	if len(missing) == 0 {
		return book, nil
	}
	all, err := s.Store.CampaignsByID(ctx, missing)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Status = Ready
	}
	for _, c := range book.campaigns {
		all = append(all, *c.Campaign)
	}
	return NewBook(book.Version, all), nil
}

func (s *Service) view(ctx context.Context, book *Book, buyer scope.Buyer) (pricing.Offers, error) {
	var used map[uuid.UUID]int
	if who := identity(buyer); book.personal && who != uuid.Nil {
		var err error
		if used, err = s.Store.Used(ctx, who); err != nil {
			return nil, err
		}
	}
	return book.For(buyer, used), nil
}

// book is the brand's campaigns, at least as new as the version. Those who ask at
// the same time share one load; a load that began before the change that is asked
// for is not taken.
func (s *Service) book(ctx context.Context, brand uuid.UUID, version int64) (*Book, error) {
	if kept, ok := s.books.Load(brand); ok && kept.(*Book).Version >= version {
		return kept.(*Book), nil
	}
	load := func(ctx context.Context) (*Book, error) {
		v, campaigns, err := s.Store.Live(ctx, brand)
		if err != nil {
			return nil, err
		}
		book := NewBook(v, campaigns)
		if kept, ok := s.books.Load(brand); !ok || kept.(*Book).Version < v {
			s.books.Store(brand, book)
		}
		return book, nil
	}
	loaded, err, _ := s.loading.Do(brand.String(), func() (any, error) { return load(context.WithoutCancel(ctx)) })
	if err != nil {
		return nil, err
	}
	if book := loaded.(*Book); book.Version >= version {
		return book, nil
	}
	return load(ctx)
}

// Running is a campaign that runs for the caller, as far as the caller may know.
type Running struct{ *Campaign }

// Running are the campaigns that run now and that the caller belongs to, by
// priority. Those that need a coupon are for who has one, and not told of.
func (s *Service) Running(ctx context.Context, buyers pricing.Buyers) ([]Running, error) {
	ch := channel.From(ctx)
	buyer, err := buyers.Buyer(ctx)
	if err != nil {
		return nil, err
	}
	book, err := s.book(ctx, ch.BrandID, 0)
	if err != nil {
		return nil, err
	}
	if buyer, err = s.placed(ctx, book, buyer, s.Now(), nil); err != nil {
		return nil, err
	}
	offers, err := s.view(ctx, book, buyer)
	if err != nil || offers == nil {
		return nil, err
	}
	v := offers.(*view)
	terms := pricing.Terms{Currency: ch.Money(), At: s.Now(), Zone: ch.Zone(), ChannelID: ch.ID, Buyer: buyer}
	now := momentOf(terms.At, terms.Zone)
	mine := map[scope.Audience]bool{}
	for _, a := range buyer.Audiences() {
		mine[a] = true
	}
	var all []Running
	for _, c := range book.campaigns {
		if !c.NeedsCoupon && anyOf(c.Audiences, mine) && v.judge(c, &terms, now) == "" {
			all = append(all, Running{c.Campaign})
		}
	}
	return all, nil
}

func anyOf(audiences []scope.Audience, mine map[scope.Audience]bool) bool {
	for _, a := range audiences {
		if mine[a] {
			return true
		}
	}
	return false
}
