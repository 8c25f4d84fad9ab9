package inventory

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/geo"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// StockShown is what a shop tells shoppers of its stock.
type StockShown string

// What shops tell.
const (
	ShowNothing StockShown = "NOTHING"
	ShowBand    StockShown = "BAND"   // enough, few or none
	ShowPieces  StockShown = "PIECES" // the number of pieces too
)

// Shop is a location that customers come to (店舗).
type Shop struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	Code       string
	Name       i18n.Text
	Address    customer.Address
	PickUp     bool // orders can be picked up here (店舗受取)
	PickUpDays int  // for how many days they are kept once they are ready
	StockShown StockShown
	Latitude   *float64 // degrees; nil with Longitude: not known
	Longitude  *float64
}

// GlobalID is the shop's id in the schema: that of its location.
func (s Shop) GlobalID() string { return id.Global("Location", s.ID) }

// Stands is the shop's address; nil if it is not known.
func (s Shop) Stands() *customer.Address {
	if s.Address.PostalCode == "" {
		return nil
	}
	return &s.Address
}

// at is where the shop is: by its position, else by its prefecture.
func (s Shop) at() (geo.Point, bool) {
	if s.Latitude != nil && s.Longitude != nil {
		return geo.Point{Latitude: *s.Latitude, Longitude: *s.Longitude}, true
	}
	return s.Address.Prefecture.Capital()
}

// ShopStock is what a shop has of a variant, as far as shoppers may know.
type ShopStock struct {
	Shop
	VariantID  uuid.UUID
	Free       int
	Hidden     bool     `db:"-"` // from the buyer who asks
	Kilometres *float64 `db:"-"` // to where the shopper is; nil if nobody said where, or the shop is nowhere
}

// Availability is what shoppers learn of it.
func (s ShopStock) Availability() Availability {
	if s.Hidden || s.StockShown == ShowNothing {
		return NotTold
	}
	return AvailabilityOf(s.Free)
}

// Pieces is how many there are; nil unless the shop tells.
func (s ShopStock) Pieces() *int {
	if s.Hidden || s.StockShown != ShowPieces {
		return nil
	}
	return &s.Free
}

// Nearby says which shops a shopper wants to see, and from where.
type Nearby struct {
	From       *geo.Point
	Prefecture *customer.Prefecture // if there is no point
	PickUp     bool                 // only those at which orders can be picked up
	First      int
}

// Near are those of the shops that are wanted, the nearest first; as they stand if
// nobody said from where.
func (n Nearby) Near(all []ShopStock) []ShopStock {
	near := make([]ShopStock, 0, len(all))
	for _, s := range all {
		if n.PickUp && !s.PickUp {
			continue
		}
		s.Kilometres = n.way(s.Shop)
		near = append(near, s)
	}
	slices.SortStableFunc(near, func(a, b ShopStock) int {
		switch {
		case a.Kilometres == nil || b.Kilometres == nil:
			return cmp.Compare(unknown(a.Kilometres), unknown(b.Kilometres))
		case n.From == nil && a.home(n) != b.home(n): // its own prefecture before a near capital
			return unlessHome(a.home(n)) - unlessHome(b.home(n))
		}
		return cmp.Compare(*a.Kilometres, *b.Kilometres)
	})
	return near[:min(len(near), max(n.First, 0))]
}

func (s ShopStock) home(n Nearby) bool {
	return n.Prefecture != nil && s.Address.Prefecture == *n.Prefecture
}

func unlessHome(home bool) int {
	if home {
		return 0
	}
	return 1
}

func unknown(way *float64) int {
	if way == nil {
		return 1
	}
	return 0
}

func (n Nearby) way(s Shop) *float64 {
	from, known := geo.Point{}, false
	switch {
	case n.From != nil:
		from, known = *n.From, true
	case n.Prefecture != nil:
		from, known = n.Prefecture.Capital()
	}
	to, stands := s.at()
	if !known || !stands {
		return nil
	}
	way := from.Kilometres(to)
	return &way
}

// ErrPosition says that there is no such place on the map.
var ErrPosition = fault.Invalid("POSITION_INVALID", "緯度・経度は両方を正しい範囲で指定してください", "Give a latitude and a longitude, both within their bounds")

// maxPickUpDays bounds for how long goods are kept.
const maxPickUpDays = 60

// SetShopInput is what a shop offers.
type SetShopInput struct {
	ShopID     uuid.UUID
	Address    *customer.Address // nil: as it is
	PickUp     bool
	PickUpDays int
	StockShown StockShown
	Latitude   *float64
	Longitude  *float64
}

// Validate checks the input by itself.
func (in SetShopInput) Validate() error {
	var all []error
	if in.Address != nil {
		all = append(all, in.Address.Validate("address"))
	}
	if in.PickUpDays < 1 || in.PickUpDays > maxPickUpDays {
		all = append(all, fault.Invalid(fault.CodeInvalid, "お預かり日数は1〜%d日で指定してください", "Orders are kept for 1 to %d days").With(maxPickUpDays).At("pickUpDays"))
	}
	switch {
	case in.Latitude == nil && in.Longitude == nil:
	case in.Latitude == nil || in.Longitude == nil, !geo.Point{Latitude: *in.Latitude, Longitude: *in.Longitude}.Valid():
		all = append(all, ErrPosition.At("latitude"))
	}
	return errors.Join(all...)
}

// ShopStore keeps shops.
type ShopStore interface {
	// Shops are the brand's shops that are open, by their priority.
	Shops(ctx context.Context, brandID uuid.UUID) ([]Shop, error)
	SaveShop(ctx context.Context, s Shop) error
	// ShopStock is what every open shop of the brand has of the variants, by the shops'
	// priority, in one statement; nothing of sets for which a customer has to choose.
	ShopStock(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]ShopStock, error)
}

// Shops answers what shops offer.
type Shops struct{ ShopParts }

// ShopParts are what Shops stands on.
type ShopParts struct {
	Tx interface {
		InTx(ctx context.Context, f func(context.Context) error) error
	}
	Store  ShopStore
	Buyers Buyers
	Events event.Recorder
	Now    clock.Clock
}

// NewShops makes the service.
func NewShops(p ShopParts) *Shops { return &Shops{p} }

// All are the brand's shops that are open, for anybody.
func (s *Shops) All(ctx context.Context) ([]Shop, error) {
	return s.Store.Shops(ctx, channel.From(ctx).BrandID)
}

// ByID is an open shop of the brand; nil if there is none.
func (s *Shops) ByID(ctx context.Context, shopID uuid.UUID) (*Shop, error) {
	all, err := s.All(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(x Shop) bool { return x.ID == shopID }); i >= 0 {
		return &all[i], nil
	}
	return nil, nil
}

// Stock is what the shops have of many variants, as far as whoever asks may know.
func (s *Shops) Stock(ctx context.Context, variantIDs []uuid.UUID) ([]ShopStock, error) {
	buyer, err := s.Buyers.Buyer(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.Store.ShopStock(ctx, channel.From(ctx).BrandID, variantIDs)
	for i := range all {
		all[i].Hidden = buyer.StockHidden
	}
	return all, err
}

// Set says what a shop offers, for staff who keep locations. Orders are picked up only
// where there is an address.
func (s *Shops) Set(ctx context.Context, in SetShopInput) (*Shop, error) {
	if err := access.RequireAt(ctx, access.InventoryWrite, in.ShopID); err != nil {
		return nil, err
	}
	if in.Address != nil {
		normal := in.Address.Normalised()
		in.Address = &normal
	}
	if err := in.Validate(); err != nil {
		return nil, err
	}
	var set Shop
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		before, err := s.ByID(ctx, in.ShopID)
		if err != nil {
			return err
		}
		if before == nil {
			return ErrNoLocation.At("shopId")
		}
		set = *before
		set.PickUp, set.PickUpDays, set.StockShown, set.Latitude, set.Longitude = in.PickUp, in.PickUpDays, in.StockShown, in.Latitude, in.Longitude
		if in.Address != nil {
			set.Address = *in.Address
		}
		if set.PickUp && set.Stands() == nil {
			return fault.ErrRequired.At("address")
		}
		return errors.Join(s.Store.SaveShop(ctx, set), s.Events.Record(ctx, event.New(ctx, s.Now(), "shop.set", "Location", set.ID, map[string]any{"before": before, "after": set})))
	})
	if err != nil {
		return nil, err
	}
	return &set, nil
}
