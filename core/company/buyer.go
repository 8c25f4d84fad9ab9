package company

import (
	"context"
	"encoding/hex"
	"hash/fnv"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/scope"
)

// Terms are what decides the prices of a logged-in buyer and may be kept: it changes
// only with a company, a group, or who belongs to them.
type Terms struct {
	CompanyID   uuid.UUID
	TaxRounding money.Rounding
	Groups      []uuid.UUID // those of higher precedence first
	// Personal says that some rule names the member, or that the brand has rules that
	// look at one buyer alone: what the member sees is not to be shared.
	Personal bool
	// StockHidden says that the member is not told what is in stock.
	StockHidden bool
}

// Key is the same for buyers who see the same, unless their terms are personal.
func (t Terms) Key() string {
	h := fnv.New128a()
	_, _ = h.Write(t.CompanyID[:])
	for _, group := range t.Groups {
		_, _ = h.Write(group[:])
	}
	return "terms:" + hex.EncodeToString(h.Sum(nil))
}

// BuyerStore knows buyers.
type BuyerStore interface {
	// Buyer is the member as a buyer of the brand, read in one statement, or in two for who
	// has a card alone; the zero Buyer if there is no such open account or member.
	Buyer(ctx context.Context, brandID, memberID uuid.UUID) (scope.Buyer, error)
	// CompanyBuyer is whoever buys for the open company, as long as nothing is asked
	// that only a person has; the zero Buyer if the brand has no such company.
	CompanyBuyer(ctx context.Context, brandID, companyID uuid.UUID) (scope.Buyer, error)
	// Terms are the member's terms with the brand.
	Terms(ctx context.Context, brandID, memberID uuid.UUID) (Terms, error)
}

// NotKnown stands for Buyer.Ordered where the orders were not counted.
const NotKnown = -1

type sharedKey struct{}

// Shared lets the answer to the context's request be given to every buyer with the
// same key. Prices inside it are then those of the terms that the key stands for,
// even when the terms change meanwhile. ok is false when nobody else may get it.
func (s *Service) Shared(ctx context.Context) (shared context.Context, key string, ok bool) {
	actor := access.From(ctx)
	switch {
	case actor.Is(access.RoleGuest):
		return ctx, "", true
	case !buys(actor):
		return ctx, "", false
	}
	terms, err := s.Store.Terms(ctx, channel.From(ctx).BrandID, actor.ID)
	if err != nil || terms.Personal {
		return ctx, "", false
	}
	return context.WithValue(ctx, sharedKey{}, terms), terms.Key(), true
}

func buys(actor access.Actor) bool {
	return actor.Is(access.RoleMember, access.RoleCompanyBuyer) && actor.ID != uuid.Nil
}

// Buyer is the context's actor as a buyer. Guests cost no statement, members and
// company buyers one; inside an answer that is shared, none.
func (s *Service) Buyer(ctx context.Context) (scope.Buyer, error) {
	actor := access.From(ctx)
	if !buys(actor) {
		return scope.Buyer{}, nil
	}
	if t, ok := ctx.Value(sharedKey{}).(Terms); ok {
		return scope.Buyer{MemberID: actor.ID, CompanyID: t.CompanyID, Groups: t.Groups, TaxRounding: t.TaxRounding, Ordered: NotKnown, StockHidden: t.StockHidden}, nil
	}
	return s.Store.Buyer(ctx, channel.From(ctx).BrandID, actor.ID)
}

// BuyerOf is a member as a buyer, for staff.
func (s *Service) BuyerOf(ctx context.Context, memberID uuid.UUID) (scope.Buyer, error) {
	if err := mayAsk(ctx); err != nil {
		return scope.Buyer{}, err
	}
	b, err := s.Store.Buyer(ctx, channel.From(ctx).BrandID, memberID)
	if err == nil && b.MemberID == uuid.Nil {
		err = fault.ErrNotFound
	}
	return b, err
}

// BuyerOfCompany is whoever buys for the company, for staff.
func (s *Service) BuyerOfCompany(ctx context.Context, companyID uuid.UUID) (scope.Buyer, error) {
	if err := mayAsk(ctx); err != nil {
		return scope.Buyer{}, err
	}
	b, err := s.Store.CompanyBuyer(ctx, channel.From(ctx).BrandID, companyID)
	if err == nil && b.CompanyID == uuid.Nil {
		err = fault.ErrNotFound
	}
	return b, err
}

// mayAsk lets those in who keep prices, display or customers.
func mayAsk(ctx context.Context) error {
	actor := access.From(ctx)
	if actor.May(access.PricingRead) || actor.May(access.DisplayWrite) || actor.May(access.CompanyRead) {
		return nil
	}
	return fault.ErrForbidden
}
