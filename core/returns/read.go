package returns

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/scope"
)

// Query asks for one page of the brand's returns, who waits longest first. Zero fields
// do not filter.
type Query struct {
	BrandID     uuid.UUID
	Statuses    []Status
	Outcome     *Outcome
	Reason      *Reason
	OrderNumber string
	LocationID  *uuid.UUID  // some of it was received there
	Stores      []uuid.UUID // of orders of these shops, or received there
	Page        page.Args
}

// List is one page of the brand's returns, for staff. Those of a shop see returns of what
// was bought or picked up at theirs or came back there, and of any order whose number they
// were told: goods come back anywhere.
func (s *Service) List(ctx context.Context, q Query) (page.Connection[Return], error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return page.Connection[Return]{}, err
	}
	q.BrandID = channel.From(ctx).BrandID
	if number, ok := order.ParseNumber(q.OrderNumber); ok {
		q.OrderNumber = number
	}
	if actor := access.From(ctx); actor.Is(access.RoleStoreStaff) && q.OrderNumber == "" {
		if q.Stores = actor.Stores; len(q.Stores) == 0 {
			return page.Connection[Return]{}, nil
		}
	}
	return s.Store.List(ctx, q)
}

// Returnable is what of an order line can still be given back.
type Returnable struct {
	Quantity int
	Until    *time.Time // nil: some is under way, or the reason is not accepted
	Problem  error      // why no more can
}

// Returnable is what of the line can still be given back, unopened, for the reason.
func (s *Service) Returnable(rule Rule, l order.Line, shipments []order.Shipment, goods []scope.Goods, all []Return, reason Reason) Returnable {
	w := Wish{Line: l, Shipments: shipments, Goods: goods, Reason: reason}
	found := Returnable{Quantity: max(0, l.Shipped(shipments)-Claimed(all, l.ID)), Until: rule.Until(w), Problem: rule.Allowed(w, s.Now())}
	if found.Problem != nil {
		found.Quantity = 0
	} else if found.Quantity == 0 {
		found.Problem = ErrTooMany.With(0)
	}
	return found
}

// OfOrder is the rule that holds for an order.
type OfOrder struct {
	OrderID uuid.UUID
	Rule    Rule
	Masked  bool // whose goods they are is not for the actor
}

// RulesOfOrders are the rules that hold for the orders.
func (s *Service) RulesOfOrders(ctx context.Context, orderIDs []uuid.UUID) ([]OfOrder, error) {
	all, err := s.Store.RulesOfOrders(ctx, orderIDs)
	if err != nil {
		return nil, err
	}
	open, err := s.Orders.Unmasked(ctx, orderIDs)
	for i, o := range all {
		all[i].Masked = !slices.Contains(open, o.OrderID)
	}
	return all, err
}

// Rule is the rule of the channel's brand.
func (s *Service) Rule(ctx context.Context) (Rule, error) {
	return s.rule(ctx, channel.From(ctx).BrandID)
}

// SaveRuleInput is what a brand takes back.
type SaveRuleInput struct {
	Terms        []Term
	Excluded     []scope.TargetInput
	Instructions i18n.Text
	Address      *customer.Address
}

const (
	maxDays         = 365
	maxFee          = 1_000_000 // minor units
	maxExcluded     = 200
	maxInstructions = 2000
)

// SaveRule sets what the brand takes back, for staff; those of a shop do not.
func (s *Service) SaveRule(ctx context.Context, in SaveRuleInput) (*Rule, error) {
	if err := staffOnly(ctx); err != nil {
		return nil, err
	}
	if access.From(ctx).Is(access.RoleStoreStaff) {
		return nil, fault.ErrForbidden
	}
	now := s.Now()
	rule := Rule{BrandID: channel.From(ctx).BrandID, Terms: slices.Clone(in.Terms), Excluded: []scope.Target{}, Instructions: in.Instructions.OrNone(), UpdatedAt: &now}
	if in.Address != nil {
		address := in.Address.Normalised()
		rule.Address = &address
	}
	for _, reason := range Reasons {
		if !slices.ContainsFunc(in.Terms, func(t Term) bool { return t.Reason == reason }) {
			rule.Terms = append(rule.Terms, rule.Of(reason))
		}
	}
	for _, t := range in.Excluded {
		rule.Excluded = append(rule.Excluded, t.Target())
	}
	if err := rule.validate(); err != nil {
		return nil, err
	}
	return &rule, s.Tx.InTx(ctx, func(ctx context.Context) error {
		before, err := s.rule(ctx, rule.BrandID)
		if err != nil {
			return err
		}
		return errors.Join(s.Store.SaveRule(ctx, rule),
			s.Events.Record(ctx, event.New(ctx, now, "return_rule.saved", "Brand", rule.BrandID, map[string]any{"before": before, "after": rule})))
	})
}

// amounts checks what the term keeps by amount.
func (t Term) amounts() error {
	switch {
	case min(t.FlatFeeMinor, t.ParcelFeeMinor) < 0 || max(t.FlatFeeMinor, t.ParcelFeeMinor) > maxFee:
		return fault.Invalid(fault.CodeInvalid, "手数料は0〜%d円で指定してください", "A fee is 0 to %d yen").With(maxFee).At("terms")
	case t.ParcelFeeMinor > 0 && t.ParcelPaidBy != ByCustomer:
		return fault.Invalid(fault.CodeInvalid, "返送料はお客様負担の場合だけ差し引けます", "Only where the customer pays the parcel is something kept for it").At("terms")
	}
	return nil
}

func (r Rule) validate() error {
	all := []error{r.Instructions.Check("instructions", maxInstructions, false)}
	if r.Address != nil {
		all = append(all, r.Address.Validate("address"))
	}
	for i, t := range r.Terms {
		switch {
		case slices.ContainsFunc(r.Terms[:i], func(u Term) bool { return u.Reason == t.Reason }):
			all = append(all, fault.Invalid(fault.CodeDuplicate, "同じ理由が2回指定されています", "A reason is named twice").At("terms"))
		case t.Days != nil && (*t.Days < 1 || *t.Days > maxDays):
			all = append(all, fault.Invalid(fault.CodeInvalid, "日数は1〜%dで指定してください", "Days are 1 to %d").With(maxDays).At("terms"))
		case t.FeePercent < 0 || t.FeePercent > 100:
			all = append(all, fault.Invalid(fault.CodeInvalid, "手数料率は0〜100で指定してください", "The fee is 0 to 100 per cent").At("terms"))
		default:
			all = append(all, t.amounts())
		}
	}
	if len(r.Excluded) > maxExcluded {
		all = append(all, fault.Invalid(fault.CodeTooMany, "対象外の商品は%d件以内で指定してください", "At most %d targets are excluded").With(maxExcluded).At("excluded"))
	}
	for _, t := range r.Excluded {
		var f *fault.Error
		if errors.As(t.Validate(), &f) {
			all = append(all, f.At("excluded"))
		}
	}
	return errors.Join(all...)
}
