package returns

import (
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/scope"
)

// Reason is why a customer gives goods back.
type Reason string

// The reasons.
const (
	ChangedMind Reason = "CHANGED_MIND" // the customer's wish (お客様都合)
	Defective   Reason = "DEFECTIVE"    // 不良品
	Damaged     Reason = "DAMAGED"      // on its way (配送時の破損)
	WrongItem   Reason = "WRONG_ITEM"   // another was sent (誤配送)
	Other       Reason = "OTHER"
)

// Reasons lists every reason.
var Reasons = []Reason{ChangedMind, Defective, Damaged, WrongItem, Other}

// wish reports whether the goods are as they should be: what the shop need not take
// back by law, it need not take back for such a reason.
func (r Reason) wish() bool { return r == ChangedMind || r == Other }

// Payer is who pays the parcel by which goods come back.
type Payer string

// The payers.
const (
	ByCustomer Payer = "CUSTOMER"
	ByShop     Payer = "SHOP" // sent cash on delivery (着払い)
)

// Term is what a brand takes back for one reason.
type Term struct {
	Reason Reason `json:"reason"`
	// Days after delivery within which a return may be asked for; nil: it may not.
	Days            *int  `json:"days,omitempty"`
	UnopenedOnly    bool  `json:"unopenedOnly"`
	FeePercent      int   `json:"feePercent"`          // of what the goods cost, kept by the shop (返品手数料)
	FlatFeeMinor    int64 `json:"flatFee,omitempty"`   // kept of a return besides, once
	ParcelFeeMinor  int64 `json:"parcelFee,omitempty"` // kept for its parcel, once: the shop pays the carrier, and the customer the shop
	ParcelPaidBy    Payer `json:"parcelPaidBy"`
	RefundsShipping bool  `json:"refundsShipping"` // once all of the order has come back
}

// onDelivery reports whether the parcel is sent cash on delivery (着払い): the shop pays its
// carrier, whoever bears it in the end.
func (t Term) onDelivery() bool { return t.ParcelPaidBy == ByShop || t.ParcelFeeMinor > 0 }

// flat is what is kept once of a return under some of the terms: the highest of the flat
// fees, and the highest for the parcel.
func flat(terms []Term) (minor int64) {
	var parcel int64
	for _, t := range terms {
		minor, parcel = max(minor, t.FlatFeeMinor), max(parcel, t.ParcelFeeMinor)
	}
	return minor + parcel
}

// Rule is what a brand takes back, and how (返品特約).
type Rule struct {
	BrandID      uuid.UUID
	Terms        []Term            // one for each reason
	Excluded     []scope.Target    // goods that are not taken back while nothing is wrong with them
	Instructions i18n.Text         // how to send goods back, as an approved customer reads it
	Address      *customer.Address // where parcels go; nil: nobody has said
	UpdatedAt    *time.Time        // nil: the standard rule
}

// Standard is the rule of a brand that has set none: eight days for what the customer
// does not want after all, thirty for what is the shop's fault.
func Standard(brandID uuid.UUID) Rule {
	r := Rule{BrandID: brandID, Excluded: []scope.Target{}, Instructions: i18n.Text{}}
	for _, reason := range Reasons {
		days := 30
		t := Term{Reason: reason, ParcelPaidBy: ByShop, RefundsShipping: true}
		if reason.wish() {
			days, t.UnopenedOnly, t.ParcelPaidBy, t.RefundsShipping = 8, true, ByCustomer, false
		}
		t.Days = &days
		r.Terms = append(r.Terms, t)
	}
	return r
}

// Of is what the rule says of the reason.
func (r Rule) Of(reason Reason) Term { return termOf(r.Terms, reason) }

func termOf(terms []Term, reason Reason) Term {
	for _, t := range terms {
		if t.Reason == reason {
			return t
		}
	}
	return Term{Reason: reason, ParcelPaidBy: ByCustomer}
}

// Failures of a wish to give goods back: the rule does not allow it.
var (
	ErrReason      = fault.Conflict("RETURN_REASON_REFUSED", "この理由での返品・交換は承っておりません", "Goods are not taken back for this reason")
	ErrNotShipped  = fault.Conflict("RETURN_NOT_SHIPPED", "まだ発送されていない商品です", "These goods have not been shipped")
	ErrPeriod      = fault.Conflict("RETURN_PERIOD_OVER", "返品・交換の受付期間（商品到着後%d日）を過ぎています", "The time to return these goods (%d days after delivery) is over")
	ErrExcluded    = fault.Conflict("RETURN_EXCLUDED", "この商品はお客様都合による返品・交換の対象外です", "These goods are not taken back unless something is wrong with them")
	ErrMadeToOrder = fault.Conflict("RETURN_MADE_TO_ORDER", "受注生産の商品はお客様都合による返品・交換ができません", "Goods made to order are not taken back unless something is wrong with them")
	ErrOpened      = fault.Conflict("RETURN_OPENED", "開封済みの商品はこの理由では返品・交換できません", "Opened goods are not taken back for this reason")
)

// Wish is pieces of an order line that a customer wants to give back, as far as rules
// ask.
type Wish struct {
	Line      order.Line
	Shipments []order.Shipment // of the order
	Goods     []scope.Goods    // what the line holds: of a set, also its parts
	Reason    Reason
	Opened    bool
}

// japan is where a brand's days begin and end.
var japan = time.FixedZone("JST", 9*60*60)

// Allowed is nil if the rule lets the pieces be given back at the moment; else every
// reason why not.
func (r Rule) Allowed(w Wish, now time.Time) error {
	if w.Line.Shipped(w.Shipments) == 0 {
		return ErrNotShipped
	}
	term := r.Of(w.Reason)
	if term.Days == nil {
		return ErrReason
	}
	var all []error
	if until := r.Until(w); until != nil && !now.Before(*until) {
		all = append(all, ErrPeriod.With(*term.Days))
	}
	if w.Opened && term.UnopenedOnly {
		all = append(all, ErrOpened)
	}
	if w.Reason.wish() && r.excludes(w.Goods) {
		all = append(all, ErrExcluded)
	}
	if w.Reason.wish() && madeToOrder(w.Line) {
		all = append(all, ErrMadeToOrder)
	}
	return errors.Join(all...)
}

// Until is the moment from which the pieces cannot be given back any more: the end of
// the last day, counted from when the last of the line arrived. It is nil while some is
// under way, or if the reason is not accepted.
func (r Rule) Until(w Wish) *time.Time {
	term := r.Of(w.Reason)
	if term.Days == nil {
		return nil
	}
	var last time.Time
	for _, s := range w.Shipments {
		if !s.Status.Left() || !slices.ContainsFunc(s.Lines, func(p order.Packed) bool { return p.LineID == w.Line.ID }) {
			continue
		}
		if s.DeliveredAt == nil {
			return nil
		}
		if s.DeliveredAt.After(last) {
			last = *s.DeliveredAt
		}
	}
	if last.IsZero() {
		return nil
	}
	day := last.In(japan)
	end := time.Date(day.Year(), day.Month(), day.Day()+*term.Days+1, 0, 0, 0, 0, japan).UTC()
	return &end
}

func (r Rule) excludes(goods []scope.Goods) bool {
	return slices.ContainsFunc(r.Excluded, func(t scope.Target) bool { return slices.ContainsFunc(goods, t.Covers) })
}

func madeToOrder(l order.Line) bool {
	return l.SoldAs == sale.MadeToOrder || slices.ContainsFunc(l.Parts, func(p order.Part) bool { return p.SoldAs == sale.MadeToOrder })
}
