package shipping

import (
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// Limits are what a method is not for. The zero Limits forbid nothing.
type Limits struct {
	Destinations []DestinationLimit     `json:"destinations,omitempty"`
	Goods        []scope.Target         `json:"goods,omitempty"`        // that it does not carry
	Temperatures []Temperature          `json:"temperatures,omitempty"` // that it does not carry
	Oversize     bool                   `json:"oversize,omitempty"`     // it carries nothing bulky
	Modes        []pricing.ShippingMode `json:"modes,omitempty"`        // that it does not serve
	Payments     []PaymentLimit         `json:"payments,omitempty"`
}

// DestinationLimit is a zone that is not served, in one mode or in all.
type DestinationLimit struct {
	ZoneID uuid.UUID             `json:"zone"`
	Mode   *pricing.ShippingMode `json:"mode,omitempty"`
}

// Zone is the zone's id in the schema.
func (d DestinationLimit) Zone() string { return *zoneID(&d.ZoneID) }

// PaymentLimit is a way to pay that does not go with a method, in one mode or in all.
type PaymentLimit struct {
	Method payment.Method        `json:"method"`
	Mode   *pricing.ShippingMode `json:"mode,omitempty"`
}

// Why a parcel cannot go by a method.
var (
	ErrAddressNeeded = fault.Conflict("SHIPPING_ADDRESS_NEEDED", "送料を計算するため、お届け先の住所を入力してください", "Enter the address: the fee depends on where the parcel goes")
	ErrDestination   = fault.Conflict("SHIPPING_DESTINATION", "この配送方法ではお届け先の地域へお届けできません。別の配送方法か住所を選択してください", "This method does not serve the address; choose another method or address")
	ErrGoods         = fault.Conflict("SHIPPING_GOODS", "「%s」はこの配送方法ではお届けできません。別の配送方法を選択してください", "%s cannot go by this method; choose another one")
	ErrTemperature   = fault.Conflict("SHIPPING_TEMPERATURE", "「%s」の温度帯はこの配送方法では承れません。別の配送方法を選択してください", "This method does not keep %s at its temperature; choose another one")
	ErrMode          = fault.Conflict("SHIPPING_MODE", "この配送方法は選択中の配送モードに対応していません", "This method does not serve the shipping mode")
	ErrPayment       = payment.ErrNotShipped
	ErrTooHeavy      = fault.Conflict("SHIPPING_TOO_LARGE", "重量がこの配送方法の上限（%dg）を超えています。数量を減らすか別の配送方法を選択してください", "The parcel is heavier than the method takes (%d g); order less or choose another method")
	ErrTooBig        = fault.Conflict("SHIPPING_TOO_LARGE", "サイズがこの配送方法の上限（三辺合計%dcm）を超えています。数量を減らすか別の配送方法を選択してください", "The parcel is bigger than the method takes (%d cm in all); order less or choose another method")
	ErrTooMany       = fault.Conflict("SHIPPING_TOO_LARGE", "数量がこの配送方法の上限（%d点）を超えています。数量を減らすか別の配送方法を選択してください", "These are more pieces than the method takes (%d); order less or choose another method")
	ErrTooDear       = fault.Conflict("SHIPPING_TOO_LARGE", "商品の合計金額がこの配送方法の上限を超えています。別の配送方法を選択してください", "The goods are worth more than the method takes; choose another one")
	ErrTooLarge      = fault.Conflict("SHIPPING_TOO_LARGE", "この配送方法で承れる荷物の大きさを超えています。数量を減らすか別の配送方法を選択してください", "The parcel is beyond what the method takes; order less or choose another method")
	ErrNotDirect     = fault.Conflict("DIRECT_NOT_ELIGIBLE", "この商品は直送できません", "This product cannot be shipped directly to your customer")
)

// forbid is why the limits forbid the parcel; nil if they do not.
func (l Limits) forbid(zones []Zone, p Parcel) *fault.Error {
	if slices.Contains(l.Modes, p.Mode) {
		return ErrMode
	}
	for _, d := range l.Destinations {
		if (d.Mode == nil || *d.Mode == p.Mode) && fitOf(&d.ZoneID, zones, p.To).how != apart {
			return ErrDestination
		}
	}
	if piece := p.of(l.Goods); piece != nil {
		return ErrGoods.With(piece.SKU)
	}
	for _, piece := range p.Pieces {
		if slices.Contains(l.Temperatures, piece.temperature()) {
			return ErrTemperature.With(piece.SKU)
		}
		if l.Oversize && piece.Traits != nil && piece.Traits.Oversize {
			return ErrGoods.With(piece.SKU)
		}
	}
	return nil
}

// excluded are the ways to pay that do not go with the method in the mode.
func (l Limits) excluded(mode pricing.ShippingMode) []payment.Method {
	all := []payment.Method{}
	for _, limit := range l.Payments {
		if (limit.Mode == nil || *limit.Mode == mode) && !slices.Contains(all, limit.Method) {
			all = append(all, limit.Method)
		}
	}
	return all
}

// beyond is which bound of the table keeps the parcel out: one that no row lets it pass,
// else all together.
func beyond(rows []Row, m measures) *fault.Error {
	largest := func(of func(Row) *int) int {
		most := 0
		for _, r := range rows {
			if bound := of(r); bound != nil {
				most = max(most, *bound)
			}
		}
		return most
	}
	none := func(holds func(Row) bool) bool { return !slices.ContainsFunc(rows, holds) }
	switch {
	case none(func(r Row) bool { return within(r.MaxGrams, m.grams) }):
		return ErrTooHeavy.With(largest(func(r Row) *int { return r.MaxGrams }))
	case none(func(r Row) bool { return within(r.MaxSize, m.size) }):
		return ErrTooBig.With(largest(func(r Row) *int { return r.MaxSize }))
	case none(func(r Row) bool { return within(r.MaxPieces, m.pieces) }):
		return ErrTooMany.With(largest(func(r Row) *int { return r.MaxPieces }))
	case none(func(r Row) bool { return within(r.MaxAmount, m.amount) }):
		return ErrTooDear
	}
	return ErrTooLarge
}
