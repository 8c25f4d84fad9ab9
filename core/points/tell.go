package points

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/id"
)

// Prospects know what rules ask of a member who may buy something now.
type Prospects interface {
	// Prospect is what rules look at of a member who would buy the products in the brand at
	// the moment.
	Prospect(ctx context.Context, brandID, memberID uuid.UUID, productIDs []uuid.UUID, at time.Time) (Prospect, error)
	// EarnedFor is what the ledger holds for the orders and purchases.
	EarnedFor(ctx context.Context, sourceIDs []uuid.UUID) ([]EarnedFor, error)
}

// Prospect is a member who may buy something.
type Prospect struct {
	First      bool                      // it would be the member's first purchase in the brand
	Rank       string                    // code; empty for none
	Categories map[uuid.UUID][]uuid.UUID // by product, with those above them
}

// Wanted is what would be bought, priced. Amounts are minor units.
type Wanted struct {
	MemberID *uuid.UUID // who would buy it at a counter, where staff ask; nil: the actor
	Goods    []Good     // without categories
	Total    int64
	Shipping int64 // with what the way to pay costs
	ShopID   *uuid.UUID
	Campaign decimal.Decimal // what campaigns multiply points by, added up above 1; zero for none
}

// WouldEarn is what the actor would earn by an order of so much now, in each programme that
// gives something: by the reckoning that the order uses, as if all of it were paid by money.
// It is nothing for guests and companies; staff are told of whom they serve at a counter, and API
// clients of nobody.
func (s *Service) WouldEarn(ctx context.Context, w Wanted) ([]Earned, error) {
	ch, who := channel.From(ctx), w.buyer(access.From(ctx))
	if who == uuid.Nil || len(w.Goods) == 0 {
		return nil, nil
	}
	ctx = access.With(ctx, access.System)
	o := Bought{BrandID: ch.BrandID, MemberID: who, Total: w.Total, Shipping: w.Shipping, Goods: w.Goods, PlacedAt: s.Now(), ShopID: w.ShopID, Zone: ch.TimeZone, Campaign: w.Campaign}
	programmes, rules, err := s.earningIn(ctx, o)
	if err != nil || len(rules) == 0 {
		return nil, err
	}
	if err := s.expect(ctx, &o, rules); err != nil {
		return nil, err
	}
	return o.earnsIn(programmes, rules)
}

// buyer is who would earn; zero for nobody of whom the actor is told.
func (w Wanted) buyer(actor access.Actor) uuid.UUID {
	switch {
	case actor.Is(access.RoleMember):
		return actor.ID
	case w.MemberID != nil && actor.Is(access.RoleStaff, access.RoleStoreStaff, access.RoleAdmin):
		return *w.MemberID
	}
	return uuid.Nil
}

// expect fills in what rules ask of the member and the goods.
func (s *Service) expect(ctx context.Context, o *Bought, rules []Rule) error {
	products := make([]uuid.UUID, len(o.Goods))
	for i, g := range o.Goods {
		products[i] = g.ProductID
	}
	p, err := s.Store.Prospect(ctx, o.BrandID, o.MemberID, products, o.PlacedAt)
	if err != nil {
		return err
	}
	for i := range o.Goods {
		o.Goods[i].CategoryIDs = p.Categories[o.Goods[i].ProductID]
	}
	o.First, o.Rank = p.First, p.Rank
	return s.place(ctx, o, rules, false)
}

// earnsIn is what the order earns by the rules in each of the programmes that gives something.
func (o Bought) earnsIn(programmes []Programme, rules []Rule) (all []Earned, err error) {
	for _, p := range programmes {
		points, err := o.earns(rulesOf(p, rules))
		if err != nil {
			return nil, err
		}
		if points > 0 {
			all = append(all, Earned{ProgrammeID: p.ID, Points: points})
		}
	}
	return all, nil
}

// EarnedFor is what the ledger holds for an order or a purchase in one programme: what was
// given for it, less what was taken back.
type EarnedFor struct {
	SourceID    uuid.UUID
	ProgrammeID uuid.UUID
	Pending     int64 // that cannot be used yet
	Confirmed   int64 // that could be used, whether or not it was or has expired since
}

// Programme is the programme's id in the schema.
func (e EarnedFor) Programme() string { return id.Global("PointProgramme", e.ProgrammeID) }

// EarnedFor is what the ledger holds for the orders and purchases, which whoever asks may see:
// for members, and for staff who may read points. Others are told of none.
func (s *Service) EarnedFor(ctx context.Context, sourceIDs []uuid.UUID) ([]EarnedFor, error) {
	actor := access.From(ctx)
	own := actor.Is(access.RoleMember, access.RoleCompanyBuyer)
	if actor.Is(access.RolePartner) || !own && !actor.May(access.PointRead) {
		return nil, nil
	}
	return s.Store.EarnedFor(ctx, sourceIDs)
}
