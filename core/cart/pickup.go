package cart

import (
	"slices"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/pricing"
)

// PickUp is the shop at which a cart is to be picked up.
type PickUp struct {
	Name    i18n.Text        `json:"name"`
	Address customer.Address `json:"address"`
	Days    int              `json:"days"` // for how many days it is kept
}

// maxRecipient bounds the name of who picks up.
const maxRecipient = 100

// PickedUp reports whether the goods are handed over at a shop (店舗受取).
func (c Cart) PickedUp() bool { return c.ShippingMode == pricing.ShipPickUp }

// PayableAtShop reports whether it may be paid when it is handed over.
func (c Cart) PayableAtShop() bool { return c.PickUp != nil }

// atShop is the basket as it is picked up: it goes to the shop, without a fee, whatever
// was said of shipping, and nothing in it comes later. One that is shipped stays as it is.
func (b Basket) atShop() Basket {
	if !b.Cart.PickedUp() {
		return b
	}
	b.Method = nil
	b.Items = slices.Clone(b.Items)
	for i := range b.Items {
		b.Items[i].Beyond, b.Items[i].Parts = 0, slices.Clone(b.Items[i].Parts)
		for n := range b.Items[i].Parts {
			b.Items[i].Parts[n].Beyond = 0
		}
	}
	if b.Cart.PickUp == nil {
		return b
	}
	if b.Cart.BillingAddress == nil {
		b.Cart.BillingAddress = b.Cart.ShippingAddress
	}
	to := b.Cart.PickUp.Address
	to.Name, to.Company, to.Kana = b.Cart.Recipient, b.Cart.PickUp.Name.In(i18n.Default), ""
	b.Cart.ShippingAddress = &to
	return b
}
