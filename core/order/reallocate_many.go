package order

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
)

// maxReallocated bounds how many orders are moved in one request.
const maxReallocated = 50

// ReallocateManyInput is goods of many orders to look for elsewhere.
type ReallocateManyInput struct {
	IdempotencyKey string
	LocationID     uuid.UUID   // that cannot send them
	OrderIDs       []uuid.UUID // empty: those that hold there what may not leave
	Missing        bool        // those of the orders that are named are not where they should be
	Reason         string
}

// ReallocatedOrder is what became of one of many orders.
type ReallocatedOrder struct {
	ID    uuid.UUID
	Order *Order // nil if nothing was done
	Moved []Reallocated
	Err   error // why nothing was done
}

// GlobalID is the order's id in the schema.
func (r ReallocatedOrder) GlobalID() string { return id.Global("Order", r.ID) }

func (in ReallocateManyInput) validate() error {
	all := []error{short("reason", in.Reason, maxReason)}
	if len(in.OrderIDs) > maxReallocated {
		all = append(all, fault.Invalid(fault.CodeTooMany, "注文は%d件以内で指定してください", "This has at most %d orders").With(maxReallocated).At("orderIds"))
	}
	for i, order := range in.OrderIDs {
		if slices.Contains(in.OrderIDs[:i], order) {
			all = append(all, fault.Invalid(fault.CodeInvalid, "同じ注文が2回指定されています", "An order is named twice").At("orderIds"))
		}
	}
	return errors.Join(all...)
}

// ReallocateMany looks for goods of many orders elsewhere, each in a transaction of its own,
// for staff: of those that are named, or of those that hold at the location what may not
// leave, the last placed first. Which these are is kept with the key; what could be done for
// an order is done once, what could not is tried again when the key comes again.
func (s *Service) ReallocateMany(ctx context.Context, in ReallocateManyInput) ([]ReallocatedOrder, error) {
	if err := errors.Join(access.Require(ctx, access.OrderWrite), in.validate()); err != nil {
		return nil, err
	}
	if !access.WorksAt(ctx, in.LocationID) {
		return nil, fault.ErrForbidden.At("locationId")
	}
	planned, err := idempotency.Once(ctx, s.keys, "reallocateOrders", in.IdempotencyKey, in, func(ctx context.Context) ([]Loss, error) { return s.toReallocate(ctx, in) })
	if err != nil {
		return nil, err
	}
	all, done := make([]ReallocatedOrder, len(planned)), make([]uuid.UUID, 0, len(planned))
	for i, l := range planned {
		all[i] = ReallocatedOrder{ID: l.OrderID}
		if all[i].Moved, err = s.reallocateOne(ctx, in, l); err == nil {
			done = append(done, l.OrderID)
		} else if all[i].Err = err; len(fault.All(err)) == 0 {
			return nil, err
		}
	}
	return all, s.read(ctx, all, done)
}

// toReallocate are the orders to move, and what each loses; nothing is said of those that
// are named: all that lies there.
func (s *Service) toReallocate(ctx context.Context, in ReallocateManyInput) ([]Loss, error) {
	named := make([]Loss, len(in.OrderIDs))
	for i, order := range in.OrderIDs {
		named[i].OrderID = order
	}
	if len(named) > 0 {
		return named, nil
	}
	missing, err := s.store.Short(ctx, channel.From(ctx).BrandID, in.LocationID)
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	claims, err := s.store.Claims(ctx, in.LocationID, variantsOf(missing))
	lost, _ := losses(missing, claims)
	return lost[:min(len(lost), maxReallocated)], err
}

// reallocateOne moves one order, once for the key of all.
func (s *Service) reallocateOne(ctx context.Context, in ReallocateManyInput, l Loss) ([]Reallocated, error) {
	key := uuid.NewSHA1(l.OrderID, []byte(in.IdempotencyKey)).String()
	for range maxPlans {
		moved, err := idempotency.Once(ctx, s.keys, "reallocateOrders order", key, in, func(ctx context.Context) (moved []Reallocated, err error) {
			_, err = s.change(ctx, l.OrderID, "order.reallocated", func(ctx context.Context, o *Order, c *Change) error {
				if moved, err = s.reallocateLoss(ctx, o, in, l, c); err != nil {
					return err
				}
				c.Reason, c.Moved = in.Reason, moved
				return s.promiseAgain(ctx, o, c)
			})
			return moved, err
		})
		if !errors.Is(err, errStockMoved) {
			return moved, err
		}
	}
	return nil, ErrEditStock.At("orderIds") // others are faster, again and again
}

func (s *Service) reallocateLoss(ctx context.Context, o *Order, in ReallocateManyInput, l Loss, c *Change) ([]Reallocated, error) {
	if len(l.Gone) == 0 {
		return s.reallocate(ctx, o, ReallocateInput{LocationID: in.LocationID, Missing: in.Missing}, c)
	}
	p, err := s.moving(ctx, o, in.LocationID)
	if err != nil {
		return nil, err
	}
	gone, repacked := p.takeSome(l.Gone)
	if len(gone) == 0 {
		return nil, ErrNotAllocated.With(0).At("locationId")
	}
	return s.moveElsewhere(ctx, o, p, letGo{gone: gone, repacked: repacked, waits: true}, c)
}

// read reads the orders that were moved, as the actor may see them.
func (s *Service) read(ctx context.Context, all []ReallocatedOrder, done []uuid.UUID) error {
	if len(done) == 0 {
		return nil
	}
	orders, err := s.ByIDs(ctx, done)
	for i := range orders {
		of := slices.IndexFunc(all, func(r ReallocatedOrder) bool { return r.ID == orders[i].ID })
		all[of].Order = &orders[i]
	}
	return err
}
