package mailing

import (
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/promotion"
)

// Group is what those who got a mailing bought within its window, or those of its hold-out.
type Group struct {
	Recipients   int
	Buyers       int
	Purchases    int
	Items        int64 // less those that went back
	RevenueMinor int64 `db:"revenue"`
	Squares      decimal.Decimal
	Opened       int
	Clicked      int
	Unsubscribed int
	Bounced      int
	Currency     money.Currency
}

// Revenue is with tax, less what was given back.
func (g Group) Revenue() money.Money { return money.Of(g.RevenueMinor, g.Currency) }

// PerRecipient is the revenue from each, whether they bought or not.
func (g Group) PerRecipient() money.Money {
	if g.Recipients == 0 {
		return money.Of(0, g.Currency)
	}
	return money.Of(money.RoundHalfUp.Divide(g.RevenueMinor, int64(g.Recipients)), g.Currency)
}

// Rate is how many of a hundred bought; nil if the group is empty.
func (g Group) Rate() *decimal.Decimal {
	if g.Recipients == 0 {
		return nil
	}
	return rounded(g.share() * 100)
}

func (g Group) share() float64 { return float64(g.Buyers) / float64(g.Recipients) }

// wilson is the 95 % confidence interval of the share of buyers (Wilson's score interval,
// which holds for small groups and for shares near to none and all).
func (g Group) wilson() (low, high float64) {
	n, p, z := float64(g.Recipients), g.share(), promotion.Normal95
	centre, reach := p+z*z/(2*n), z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return (centre - reach) / (1 + z*z/n), (centre + reach) / (1 + z*z/n)
}

// Results are what came of a mailing, as they were last counted.
type Results struct {
	Mailing   Mailing
	Sent      Group
	Held      Group
	CountedAt *time.Time
}

// TrackedUntil is the last day whose purchases count.
func (r Results) TrackedUntil() *time.Time {
	if r.Mailing.SentAt == nil {
		return nil
	}
	_, last := r.Mailing.window()
	return &last
}

// window is the first and the last business day whose purchases count.
func (m Mailing) window() (first, last time.Time) {
	year, month, day := m.SentAt.In(zone).Date()
	first = time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	return first, first.AddDate(0, 0, m.WindowDays-1)
}

// zone is that of business days.
var zone = time.FixedZone("JST", 9*60*60)

// Cost is what the mailing has cost.
func (r Results) Cost() money.Money { return r.Mailing.Cost() }

// Revenue is what those who got it bought for.
func (r Results) Revenue() money.Money { return r.Sent.Revenue() }

// Return is the revenue less the cost, in per cent of the cost; nil if it cost nothing.
func (r Results) Return() *decimal.Decimal { return r.onCost(r.Sent.RevenueMinor) }

// extra is what of the revenue would not have come anyway, going by the hold-out.
func (r Results) extra() (minor int64, ok bool) {
	if r.Held.Recipients == 0 {
		return 0, false
	}
	anyway := decimal.NewFromInt(r.Held.RevenueMinor).Mul(decimal.NewFromInt(int64(r.Sent.Recipients))).Div(decimal.NewFromInt(int64(r.Held.Recipients)))
	return r.Sent.RevenueMinor - anyway.Round(0).IntPart(), true
}

// ExtraRevenue is what of the revenue would not have come anyway, going by what the
// hold-out bought; nil without one.
func (r Results) ExtraRevenue() *money.Money {
	minor, ok := r.extra()
	if !ok {
		return nil
	}
	m := money.Of(minor, r.Mailing.Currency)
	return &m
}

// ExtraReturn is the same less the cost, in per cent of the cost.
func (r Results) ExtraReturn() *decimal.Decimal {
	if minor, ok := r.extra(); ok {
		return r.onCost(minor)
	}
	return nil
}

func (r Results) onCost(minor int64) *decimal.Decimal {
	cost := r.Cost().Minor
	if cost == 0 {
		return nil
	}
	d := decimal.NewFromInt(minor - cost).Mul(decimal.NewFromInt(100)).Div(decimal.NewFromInt(cost)).Round(1)
	return &d
}

// Lift is by how many percentage points more of those who got it bought than of the
// hold-out, with its 95 % confidence interval (Newcombe 1998, method 10: from Wilson's of
// each group).
type Lift struct{ Points, Low, High decimal.Decimal }

// Lift is nil without a hold-out.
func (r Results) Lift() *Lift {
	if r.Sent.Recipients == 0 || r.Held.Recipients == 0 {
		return nil
	}
	p, q := r.Sent.share(), r.Held.share()
	pLow, pHigh := r.Sent.wilson()
	qLow, qHigh := r.Held.wilson()
	low := p - q - math.Hypot(p-pLow, qHigh-q)
	high := p - q + math.Hypot(pHigh-p, q-qLow)
	return &Lift{*rounded((p - q) * 100), *rounded(low * 100), *rounded(high * 100)}
}

// Uplift is by how many per cent those who got it bought for more than as many of the
// hold-out, as campaigns reckon it; nil without one.
func (r Results) Uplift() *promotion.Comparison {
	if r.Sent.Recipients == 0 || r.Held.Recipients == 0 {
		return nil
	}
	c := promotion.Compare(r.Sent.side(), r.Held.side())
	return &c
}

func (g Group) side() promotion.Sample {
	return promotion.Sample{Size: g.Recipients, Buyers: g.Buyers, Sales: g.Revenue(), Squares: g.Squares.InexactFloat64()}
}

func rounded(x float64) *decimal.Decimal {
	d := decimal.NewFromFloat(x).Round(2)
	return &d
}

// Part is what of the results is of one product, or of one store.
type Part struct {
	Key              *uuid.UUID // nil: a product that is not known; online
	Name             i18n.Text
	Buyers           int
	Items            int64
	RevenueMinor     int64 `db:"revenue"`
	HeldBuyers       int
	HeldItems        int64
	HeldRevenueMinor int64 `db:"held_revenue"`
	Currency         money.Currency
}

// ProductID is the product's id in the schema; nil: not known.
func (p Part) ProductID() *string { return id.GlobalOrNone("Product", p.Key) }

// StoreID is the store's id in the schema; nil: online.
func (p Part) StoreID() *string { return id.GlobalOrNone("Location", p.Key) }

// Revenue is what those who got it bought for.
func (p Part) Revenue() money.Money { return money.Of(p.RevenueMinor, p.Currency) }

// HeldRevenue is what the hold-out bought for.
func (p Part) HeldRevenue() money.Money { return money.Of(p.HeldRevenueMinor, p.Currency) }
