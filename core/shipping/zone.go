package shipping

import (
	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// Zone is a part of the country that fees and limits speak of: prefectures, ranges of
// postal codes such as remote islands (離島), or both.
type Zone struct {
	ID          uuid.UUID             `json:"id"`
	BrandID     uuid.UUID             `json:"brand_id"`
	Code        string                `json:"code"`
	Name        i18n.Text             `json:"name"`
	Prefectures []customer.Prefecture `json:"prefectures"`
	PostalCodes []PostalRange         `json:"postal_codes"`
	LeadDays    int                   `json:"lead_days"` // from shipping to the doorstep
	Active      bool                  `json:"active"`
}

// PostalRange is the postal codes from the first to the last, both within.
type PostalRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Destination is where a parcel goes, as far as fees ask.
type Destination struct {
	Prefecture customer.Prefecture
	PostalCode string
}

// To is the address as a destination; nil if it is not known.
func To(a *customer.Address) *Destination {
	if a == nil {
		return nil
	}
	return &Destination{a.Prefecture, a.PostalCode}
}

// GlobalID is the zone's id in the schema.
func (z Zone) GlobalID() string { return id.Global("ShippingZone", z.ID) }

// How closely a zone describes a destination: the nearer the end, the closer.
const (
	apart      = iota // it does not hold it
	everywhere        // no zone at all: all of the country
	byPrefecture
	byPostalCode
)

// fit is how closely the zone describes the destination. Of two ranges the narrower
// one is closer.
func (z Zone) fit(to Destination) fit {
	best := fit{how: apart}
	for _, r := range z.PostalCodes {
		if r.From <= to.PostalCode && to.PostalCode <= r.To {
			best = closer(best, fit{byPostalCode, -r.width()})
		}
	}
	for _, p := range z.Prefectures {
		if p == to.Prefecture {
			best = closer(best, fit{how: byPrefecture})
		}
	}
	return best
}

// fit is how closely something fits, and among equals how narrowly.
type fit struct{ how, narrow int }

func closer(a, b fit) fit {
	if b.how > a.how || b.how == a.how && b.narrow > a.narrow {
		return b
	}
	return a
}

// width is how many postal codes lie in the range.
func (r PostalRange) width() int { return number(r.To) - number(r.From) }

func number(postalCode string) (n int) {
	for _, digit := range postalCode {
		n = n*10 + int(digit-'0')
	}
	return n
}

// zoned is something that holds for a zone; nil: for all of the country.
type zoned interface{ zone() *uuid.UUID }

// closest are those that hold for the destination, of the zone that describes it most
// closely: by postal code before by prefecture before everywhere. Without a
// destination only what holds everywhere is known.
func closest[T zoned](all []T, zones []Zone, to *Destination) []T {
	var (
		best fit
		held []T
	)
	for _, one := range all {
		f := fitOf(one.zone(), zones, to)
		switch {
		case f.how == apart || closer(best, f) == best && f != best:
		case f == best:
			held = append(held, one)
		default:
			best, held = f, []T{one}
		}
	}
	return held
}

func fitOf(zoneID *uuid.UUID, zones []Zone, to *Destination) fit {
	if zoneID == nil {
		return fit{how: everywhere}
	}
	for _, z := range zones {
		if z.ID == *zoneID && to != nil {
			return z.fit(*to)
		}
	}
	return fit{}
}
