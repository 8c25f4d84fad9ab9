package invoice

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/pricing"
)

// basis is what a document made of an order begins with.
type basis struct {
	order   order.Order
	lines   []order.Line
	issuer  Issuer
	company string // the name of the company whose account the order is on; empty if it is on none
	at      time.Time
	soldAt  time.Time // zero: now
	zone    *time.Location
}

func (b basis) content() Content {
	o := b.order
	to := partyOf(o.BilledTo())
	if b.company != "" {
		to.Company = b.company
	}
	soldAt := b.soldAt
	if soldAt.IsZero() {
		soldAt = b.at
	}
	settled := Settled("")
	switch {
	case o.OnAccount():
		settled = SettledAccount
	case o.Paid:
		settled = SettledPaid
	}
	return Content{
		Issuer: b.issuer, To: to, IssuedOn: day(b.at, b.zone), Inclusive: o.TaxInclusive, Lines: linesOf(o, b.lines),
		Order: &OrderOf{Number: o.Number, PlacedOn: day(o.PlacedAt, b.zone), SoldOn: day(soldAt, b.zone), Payment: o.PaymentMethod.Name().In(i18n.Default), Settled: settled},
	}
}

func (b basis) document(kind Kind, source string) Document {
	o := b.order
	return Document{
		BrandID: o.BrandID, Kind: kind, Source: source, OrderID: &o.ID, CompanyID: o.CompanyID,
		Currency: o.Currency, TotalMinor: o.TotalMinor, Taxes: o.Taxes, Content: b.content(),
	}
}

// invoice is the qualified invoice of the order.
func (b basis) invoice() Document { return b.document(KindInvoice, "invoice:"+b.order.ID.String()) }

// deliveryNote goes with a shipment. To the buyer's own customer it says no prices, nor
// where the order leaves in parts: what it comes to is on the invoice.
func (b basis) deliveryNote(h order.Shipment) Document {
	d := b.document(KindDeliveryNote, "delivery:"+h.ID.String())
	d.TotalMinor, d.Taxes = h.TotalMinor, h.Taxes
	d.Content.To = partyOf(b.order.ShippingAddress)
	switch {
	case !b.whole(h):
		d.Content.Unpriced, d.Content.Lines, d.Content.Order.Shipment = true, b.packed(h), h.Nth
	case b.order.ShippingMode == pricing.ShipDirect:
		d.Content.Unpriced, d.Content.Lines = true, unpriced(d.Content.Lines)
	}
	return d
}

// whole reports whether all of the order leaves with the shipment.
func (b basis) whole(h order.Shipment) bool {
	return !slices.ContainsFunc(b.lines, func(l order.Line) bool { return l.Shipped([]order.Shipment{h}) < l.Quantity })
}

// packed are the goods of a shipment, without prices.
func (b basis) packed(h order.Shipment) (lines []Line) {
	for _, l := range b.lines {
		for _, p := range h.Lines {
			if p.LineID == l.ID {
				lines = append(lines, Line{OrderLineID: &p.LineID, Text: l.NameOf(p.VariantID).In(i18n.Default), Detail: l.SKUOf(p.VariantID), Quantity: p.Quantity})
			}
		}
	}
	return lines
}

func unpriced(lines []Line) (goods []Line) {
	for _, l := range lines {
		if l.Quantity == 0 {
			continue // a fee or a discount
		}
		l.Unit, l.Amount, l.Shares, l.Class = nil, nil, nil, ""
		goods = append(goods, l)
	}
	return goods
}

func partyOf(a customer.Address) Party {
	p := Party{PostalCode: a.PostalCode, Company: a.Company, Name: a.Name, Address: []string{a.Prefecture.Name() + a.City + a.Line1}}
	if a.Line2 != "" {
		p.Address = append(p.Address, a.Line2)
	}
	return p
}

// day is the day of the moment in the zone; midnight UTC.
func day(at time.Time, zone *time.Location) time.Time {
	year, month, date := at.In(zone).Date()
	return time.Date(year, month, date, 0, 0, 0, 0, time.UTC)
}

// linesOf are the lines of an order's documents: the goods, what campaigns took off the
// order, and the rest of what was taxed, which is shipping. By tax class they add up to
// what the order's taxes were worked out from.
func linesOf(o order.Order, goods []order.Line) []Line {
	var lines []Line
	discounts, rest := map[money.TaxClass]int64{}, map[money.TaxClass]int64{}
	for _, t := range o.Taxes {
		rest[t.Class] = base(t, o.TaxInclusive)
	}
	for _, l := range goods {
		of := lineOf(l)
		for _, share := range of[0].Shares {
			rest[share.Class] -= share.Minor
		}
		if of[0].Amount != nil {
			discounts[of[0].Class] += l.TotalMinor - *of[0].Amount
		}
		lines = append(lines, of...)
	}
	fee, other := "送料", int64(0)
	for _, minor := range rest {
		other += minor
	}
	if other != o.ShippingMinor {
		fee = "送料・手数料等"
	}
	for _, class := range money.TaxClasses {
		lines = charge(lines, "値引き", class, discounts[class])
	}
	for _, class := range money.TaxClasses {
		lines = charge(lines, fee, class, rest[class])
	}
	return lines
}

// base is what the tax was worked out from.
func base(t money.Taxed, inclusive bool) int64 {
	if inclusive {
		return t.Gross.Minor
	}
	return t.Net.Minor
}

// charge adds an amount beside the goods, if there is one.
func charge(lines []Line, text string, class money.TaxClass, minor int64) []Line {
	if minor == 0 {
		return lines
	}
	return append(lines, Line{Text: text, Amount: &minor, Class: class})
}

// lineOf is a line of an order, and below it what it holds if it is a set. A set of one
// tax class is priced as a whole, of several by its parts, or where the buyer may not
// know what these cost by tax class.
func lineOf(l order.Line) []Line {
	ref, unit := l.ID, l.UnitMinor
	head := Line{
		OrderLineID: &ref, Text: l.Name.In(i18n.Default), Detail: detail(l.SKU, l.Options), Quantity: l.Quantity, Unit: &unit, Class: l.TaxClass,
		Shares: sharesOf(l),
	}
	mixed := len(head.Shares) > 1
	if !mixed {
		amount := l.UnitMinor * int64(l.Quantity)
		head.Amount, head.Class = &amount, head.Shares[0].Class
	} else {
		head.Class = ""
	}
	all, secret := []Line{head}, slices.ContainsFunc(l.Parts, func(p order.Part) bool { return p.Secret })
	for _, p := range l.Parts {
		part := Line{Text: p.Name.In(i18n.Default), Detail: detail(p.SKU, p.Options), Quantity: p.Quantity, Part: true}
		if mixed {
			part.Class = p.TaxClass
		}
		if mixed && !secret {
			amount := p.Amount.Minor
			part.Amount = &amount
		}
		all = append(all, part)
	}
	if mixed && secret {
		for _, share := range head.Shares {
			amount, text := share.Minor, fmt.Sprintf("%d%%対象分", share.Class.Percent())
			if share.Class == money.TaxExempt {
				text = "非課税分"
			}
			all = append(all, Line{Text: text, Amount: &amount, Class: share.Class, Part: true})
		}
	}
	return all
}

// sharesOf are the tax classes of a line: a set's are those of its parts.
func sharesOf(l order.Line) []Share {
	if len(l.Parts) == 0 {
		return []Share{{l.TaxClass, l.TotalMinor}}
	}
	sums, there := map[money.TaxClass]int64{}, map[money.TaxClass]bool{}
	for _, p := range l.Parts {
		sums[p.TaxClass] += p.Amount.Minor
		there[p.TaxClass] = true
	}
	var shares []Share
	for _, class := range money.TaxClasses {
		if there[class] {
			shares = append(shares, Share{class, sums[class]})
		}
	}
	return shares
}

func detail(sku string, options []string) string {
	return strings.Join(append([]string{sku}, options...), " / ")
}
