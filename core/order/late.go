package order

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/shipping"
)

// LateJob is the regular job that looks for orders that should have left.
type LateJob struct{}

// Kind is the job's name in the queue.
func (LateJob) Kind() string { return "orders_late" }

// LateOrder is an order that should have left (出荷遅れ), or whose promise was taken back.
type LateOrder struct {
	Number string
	ShopID *uuid.UUID
	ShipBy time.Time
	Status Status
	Held   bool
	Nth    int // among those of the brand, the longest late first
	Whole  int // how many are late
	There  int // how many of the same shop
}

// Shipper is somebody who sends orders.
type Shipper struct {
	messaging.Address
	InShop bool
	Stores []uuid.UUID // where they work, if in shops
}

// LateStore finds orders that are late. Those that are picked up have days of their own.
type LateStore interface {
	// LateOrders are the first late orders of the brand, and the first of each shop, as many
	// as is said; the longest late first.
	LateOrders(ctx context.Context, brandID uuid.UUID, today time.Time, most int) ([]LateOrder, error)
	// Shippers are the staff who send orders.
	Shippers(ctx context.Context) ([]Shipper, error)
	// MailLate notes that staff of the brand are mailed on the day, and reports whether they
	// had not been.
	MailLate(ctx context.Context, brandID uuid.UUID, today time.Time) (bool, error)
	// LateUntold are late orders of the brand whose customers have not been told and that
	// were not looked at on the day, by their keys behind the one named.
	LateUntold(ctx context.Context, brandID uuid.UUID, today time.Time, after uuid.UUID, most int) ([]uuid.UUID, error)
	// SeeLate notes that a late order was looked at on the day, and its customer told that it
	// did not leave by the other; nil: was not told.
	SeeLate(ctx context.Context, orderID uuid.UUID, today time.Time, toldFor *time.Time) error
}

// lateLines bounds the orders that one mail names.
const lateLines = 30

var becauseLate = i18n.Text{"ja": "出荷が遅れているため", "en": "It leaves later than we had planned"}

// SeeToLate mails the staff who send orders which of them are late, once a day, and tells
// their customers, once for each day that was promised; at the earliest so long after
// midnight. It is done by noren itself.
func (s *Service) SeeToLate(ctx context.Context, begins time.Duration) error {
	ctx = access.With(ctx, access.System)
	all, err := s.channels(ctx)
	seen := map[uuid.UUID]bool{}
	for _, c := range all {
		ctx := channel.With(ctx, c)
		now := s.today(ctx)
		midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
		if seen[c.BrandID] || now.Before(midnight.Add(begins)) {
			continue
		}
		seen[c.BrandID] = true
		today := shipping.DayOf(now)
		err = errors.Join(err, s.tellShippers(ctx, c.BrandID, today), s.tellLate(ctx, c.BrandID, today))
	}
	return err
}

// tellShippers mails staff which orders are late; those of a shop, which of theirs.
func (s *Service) tellShippers(ctx context.Context, brandID uuid.UUID, today time.Time) error {
	ctx = i18n.WithLanguage(ctx, i18n.Default)
	return s.tx.InTx(ctx, func(ctx context.Context) error {
		late, err := s.store.LateOrders(ctx, brandID, today, lateLines)
		if err != nil || len(late) == 0 {
			return err
		}
		if fresh, err := s.store.MailLate(ctx, brandID, today); err != nil || !fresh {
			return err
		}
		shippers, err := s.store.Shippers(ctx)
		if err != nil {
			return err
		}
		var mails []messaging.Message
		for _, to := range shippers {
			content := to.late(late)
			if content.Count == 0 {
				continue
			}
			m, err := messaging.New(ctx, to.Address, fmt.Sprintf("%s/%s/%s", brandID, today.Format(time.DateOnly), to.Email), content)
			if err != nil {
				return err
			}
			mails = append(mails, m)
		}
		return s.outbox.Enqueue(ctx, mails...)
	})
}

// late is what concerns the shipper: of the brand's, or of their shops'.
func (to Shipper) late(all []LateOrder) messaging.OrdersLate {
	content := messaging.OrdersLate{Name: to.Name}
	counted := map[uuid.UUID]bool{}
	for _, l := range all {
		shop := value(l.ShopID)
		switch {
		case !to.InShop && l.Nth > lateLines, to.InShop && (l.ShopID == nil || !slices.Contains(to.Stores, shop)):
			continue
		case !to.InShop:
			content.Count = l.Whole
		case !counted[shop]:
			counted[shop] = true
			content.Count += l.There
		}
		if len(content.Lines) < lateLines {
			content.Lines = append(content.Lines, messaging.LateLine{Number: l.Number, ShipBy: l.ShipBy.Format(time.DateOnly), Instructed: l.Status == Picking, Partly: l.Status == PartiallyShipped, Held: l.Held})
		}
	}
	content.More = content.Count - len(content.Lines)
	return content
}

// tellLate tells customers whose orders are late. One that fails does not stop the others.
func (s *Service) tellLate(ctx context.Context, brandID uuid.UUID, today time.Time) error {
	var failed error
	for after := uuid.Nil; ; {
		late, err := s.store.LateUntold(ctx, brandID, today, after, anewAtOnce)
		if err != nil {
			return errors.Join(failed, err)
		}
		for _, orderID := range late {
			failed = errors.Join(failed, s.tx.InTx(ctx, func(ctx context.Context) error { return s.isLate(ctx, orderID, today) }))
		}
		if len(late) < anewAtOnce {
			return failed
		}
		after = late[len(late)-1]
	}
}

// isLate tells the customer of a late order the day on which it can be there now, or that
// nobody knows: it is held, or waits for goods of which nobody knows when they come. The
// order stays late until it leaves, or a day is promised by which it can. Who gets it in
// time nevertheless is told nothing.
func (s *Service) isLate(ctx context.Context, orderID uuid.UUID, today time.Time) error {
	o, err := s.store.Lock(ctx, orderID)
	if err != nil || o == nil || !o.broken(today) || o.PromisedOn == nil {
		return err
	}
	if ctx, err = s.inChannel(ctx, *o); err != nil {
		return err
	}
	before := o.Delivery
	way, err := s.way(ctx, *o)
	switch {
	case err != nil:
		return err
	case way == nil || o.Held != "":
		o.promise(nil)
	default:
		o.promiseBy(*way, nil)
	}
	o.ShipBy = before.ShipBy
	if o.PromisedOn != nil && !o.PromisedOn.After(*before.PromisedOn) {
		return s.store.SeeLate(ctx, o.ID, today, nil)
	}
	return errors.Join(s.toldAnew(ctx, o, "order.delayed", before, becauseLate), s.store.SeeLate(ctx, o.ID, today, before.ShipBy))
}
