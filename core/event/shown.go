package event

import (
	"slices"

	"github.com/google/uuid"
)

// shown are the subjects whose changes shoppers can see in a public answer.
var shown = []string{
	"Brand", "Channel", "Product", "ProductBrand", "ImportRun", "Variant", "Category", "Attribute", "Media",
	"PriceList", "Price", "Rate", "QuantityDiscount", "Availability", "Campaign", "Content", "Article", "Banner", "Shop", "ShippingMethod",
	"DisplayRule", "Badge", "CategoryPin", "SoldOutPolicy",
	"Company", "CustomerGroup", "FunctionRule", // who belongs to what decides the prices that somebody sees
}

// Shown reports whether the event changes what shoppers see, so that answers kept
// from before it must not be given any more. A subject that is missing here shows
// its old state until the kept answers expire.
func (e Event) Shown() bool { return slices.Contains(shown, e.Subject) }

// ShownBrands are the brands whose shoppers see something else after the events;
// uuid.Nil stands for all of them. Each once.
func ShownBrands(events []Event) []uuid.UUID {
	var brands []uuid.UUID
	for _, e := range events {
		if e.Shown() && !slices.Contains(brands, e.BrandID) {
			brands = append(brands, e.BrandID)
		}
	}
	return brands
}
