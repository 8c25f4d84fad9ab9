package shipping

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// Temperature is what goods must be kept at on their way (温度帯).
type Temperature string

// The temperature classes.
const (
	Ambient Temperature = "AMBIENT"
	Chilled Temperature = "CHILLED" // 冷蔵
	Frozen  Temperature = "FROZEN"  // 冷凍
)

// Traits are what shipping must know of one piece of a variant beside its weight.
// What nobody has said is ambient, of no size, and may be shipped directly.
type Traits struct {
	VariantID   uuid.UUID   `json:"variant_id"`
	Length      int         `json:"length"` // cm; 0 if unknown
	Width       int         `json:"width"`
	Height      int         `json:"height"`
	Temperature Temperature `json:"temperature"`
	Oversize    bool        `json:"oversize"`  // too bulky for a common parcel, whatever its sides
	NoDirect    bool        `json:"no_direct"` // not to be shipped directly (直送)
}

// Variant is the variant's id in the schema.
func (t Traits) Variant() string { return id.Global("Variant", t.VariantID) }

// DirectAllowed reports whether it may be shipped directly to the buyer's customer.
func (t Traits) DirectAllowed() bool { return !t.NoDirect }

// Size is the three sides together (三辺合計).
func (t Traits) Size() int { return t.Length + t.Width + t.Height }

// Piece is pieces of goods in a parcel.
type Piece struct {
	SKU      string
	Goods    scope.Goods
	Grams    int // of one; 0 if unknown
	Traits   *Traits
	Quantity int
}

// Parcel is everything that a fee depends on: the same parcel costs the same.
type Parcel struct {
	To     *Destination // nil while it is not known
	Mode   pricing.ShippingMode
	Buyer  scope.Buyer
	At     time.Time
	Amount int64 // of the goods less discounts, minor units
	Pieces []Piece
	// Sources are where the goods come from: what a promise asks. At then tells the time
	// of the shop's own clock.
	Sources []Source
}

// measures are what a fee table's bounds speak of.
type measures struct {
	grams, size, pieces   int
	amount                int64
	chilled, frozen, bulk bool
}

// measure adds the pieces up. A parcel has at least the size of its largest piece, and
// of the cube that its pieces would fill: no box is smaller than both.
func (p Parcel) measure() measures {
	m := measures{amount: p.Amount}
	volume := 0
	for _, one := range p.Pieces {
		m.grams += one.Grams * one.Quantity
		m.pieces += one.Quantity
		if t := one.Traits; t != nil {
			m.size = max(m.size, t.Size())
			volume += t.Length * t.Width * t.Height * one.Quantity
			m.chilled = m.chilled || t.Temperature == Chilled
			m.frozen = m.frozen || t.Temperature == Frozen
			m.bulk = m.bulk || t.Oversize
		}
	}
	m.size = max(m.size, cube(volume))
	return m
}

// cube is the three sides together of the cube of the volume, rounded up: the smallest
// s for which (s/3)³ is the volume or more.
func cube(volume int) int {
	low, high := 0, 1
	for high*high*high < 27*volume {
		low, high = high, high*2
	}
	for low < high {
		middle := (low + high) / 2
		if middle*middle*middle < 27*volume {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// temperature is what the piece must be kept at. What nobody has said is ambient.
func (p Piece) temperature() Temperature {
	if p.Traits == nil {
		return Ambient
	}
	return p.Traits.Temperature
}

// of is the first piece that one of the targets covers; nil if none does.
func (p Parcel) of(targets []scope.Target) *Piece {
	for i := range p.Pieces {
		if slices.ContainsFunc(targets, func(t scope.Target) bool { return t.Covers(p.Pieces[i].Goods) }) {
			return &p.Pieces[i]
		}
	}
	return nil
}
