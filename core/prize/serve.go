package prize

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/counter"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
)

// Counter knows who stands at the counter of a shop.
type Counter interface {
	Who(ctx context.Context, in counter.Shown, use bool) (access.Actor, error)
}

// ServeInput is what staff exchange for a member who stands at the counter. Goods are handed
// over from the pieces of the shop, or sent to the address.
type ServeInput struct {
	counter.Shown
	IdempotencyKey string
	PrizeID        uuid.UUID
	Quantity       int
	Points         int64
	Address        *customer.Address
	HandOver       bool
}

func (in ServeInput) validate() error {
	var all []error
	if in.Quantity < 1 || in.Quantity > MaxPieces {
		all = append(all, ErrQuantity.With(MaxPieces).At("quantity"))
	}
	if in.HandOver && in.Address != nil {
		all = append(all, ErrHandOver.At("handOver"))
	}
	return errors.Join(all...)
}

// Serve exchanges points of the member who shows a code or a card at the counter, for staff
// with PRIZE_WRITE, those of a shop at theirs: once for each key, in one transaction, under
// the same conditions as the member's own exchange.
func (s *Service) Serve(ctx context.Context, in ServeInput) (*Exchange, error) {
	if err := errors.Join(access.Require(ctx, access.PrizeWrite), in.validate()); err != nil {
		return nil, err
	}
	p, err := s.prize(ctx, in.PrizeID)
	if err != nil {
		return nil, err
	}
	// A code that was used since says no, but a key that is asked again gets its answer.
	who, unknown := s.Counter.Who(ctx, in.Shown, false)
	fits := false
	if unknown == nil {
		if fits, err = s.Fits(ctx, Terms{p.MinRankID, p.SegmentID}, who.ID); err != nil {
			return nil, err
		}
	}
	exchangeID, err := idempotency.Once(ctx, s.Keys, "exchangePrizeFor", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		if unknown != nil {
			return uuid.Nil, unknown
		}
		if _, err := s.Counter.Who(ctx, in.Shown, true); err != nil {
			return uuid.Nil, err
		}
		return s.serve(ctx, p, in, who.ID, fits)
	})
	if err != nil {
		return nil, err
	}
	return s.Store.Exchange(ctx, exchangeID)
}

func (s *Service) serve(ctx context.Context, p Prize, in ServeInput, memberID uuid.UUID, fits bool) (uuid.UUID, error) {
	staff := access.From(ctx).ID
	e, err := s.asked(ctx, p, in.Quantity, in.Points, memberID, fits)
	if err != nil {
		return uuid.Nil, err
	}
	e.ShopID, e.ServedBy = &in.ShopID, &staff
	if in.HandOver && p.Kind == Goods {
		e.HandedOver = true
		e.State, e.DeliveredAt = Delivered, &e.CreatedAt
	} else if e, err = s.addressed(ctx, p, e, in.Address, nil); err != nil {
		return uuid.Nil, err
	}
	return e.ID, s.take(ctx, p, e, in.Said(memberID, map[string]any{"handOver": e.HandedOver}))
}

// AtShop is the shop's id in the schema; nil if the member asked for it alone.
func (e Exchange) AtShop() *string { return id.GlobalOrNone("Location", e.ShopID) }

// ShopStock is pieces of a prize that lie at a shop.
type ShopStock struct {
	PrizeID    uuid.UUID
	LocationID uuid.UUID
	Stock      int64
}

// AtShop is the shop's id in the schema.
func (s ShopStock) AtShop() string { return id.Global("Location", s.LocationID) }

// ShopStocks are the pieces of the prizes that lie at shops: those of a shop see their own.
func (s *Service) ShopStocks(ctx context.Context, prizeIDs []uuid.UUID) ([]ShopStock, error) {
	if err := access.Require(ctx, access.PrizeRead); err != nil {
		return nil, err
	}
	stores, narrowed := access.StoresOf(ctx)
	return s.Store.ShopStocks(ctx, prizeIDs, stores, narrowed)
}

// moveAtShop changes how many pieces lie at a shop; those that go there leave what is sent.
func (s *Service) moveAtShop(ctx context.Context, p Prize, in MoveStockInput) error {
	switch there, err := s.Store.Shop(ctx, channel.From(ctx).BrandID, *in.ShopID); {
	case err != nil:
		return err
	case !there:
		return counter.ErrShop.At("shopId")
	case p.Kind != Goods:
		return ErrHandOver.At("shopId")
	}
	now := s.Now()
	if in.FromStock {
		moved, err := s.Store.MoveStock(ctx, p.ID, -in.By, now)
		if err != nil || !moved {
			return orErr(err, ErrStock.At("by"))
		}
	}
	moved, err := s.Store.MoveShopStock(ctx, p.ID, *in.ShopID, in.By, now)
	if err != nil || !moved {
		return orErr(err, ErrStock.At("by"))
	}
	return nil
}

// takePieces takes the pieces of an exchange: of the shop that hands them over, or of what is
// sent.
func (s *Service) takePieces(ctx context.Context, p Prize, e Exchange) error {
	take := func() (bool, error) { return s.Store.TakeStock(ctx, p.ID, e.Quantity, p.Points, e.CreatedAt) }
	none := ErrSoldOut
	if e.HandedOver {
		take = func() (bool, error) {
			return s.Store.TakeShopStock(ctx, p.ID, *e.ShopID, e.Quantity, p.Points, e.CreatedAt)
		}
		none = ErrNotHere
	}
	taken, err := take()
	if err != nil || !taken {
		return orErr(err, none.At("prizeId"))
	}
	return nil
}

// ErrHandOver and ErrNotHere are failures at a counter.
var (
	ErrHandOver = fault.Invalid("PRIZE_HAND_OVER", "店頭でお渡しできるのは商品の景品のみです。お渡しする場合はお届け先を指定しないでください", "Goods alone are handed over at a counter, and what is handed over is sent nowhere")
	ErrNotHere  = fault.Conflict("PRIZE_NOT_AT_SHOP", "この店舗には景品の在庫がありません。配送をご案内ください", "The shop has not so many pieces; they can be sent instead")
)
