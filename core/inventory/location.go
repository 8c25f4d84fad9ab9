package inventory

import (
	"context"
	"errors"
	"regexp"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// LocationKind is what a location is.
type LocationKind string

// The kinds of location.
const (
	Warehouse  LocationKind = "WAREHOUSE"
	ShopFloor  LocationKind = "SHOP"
	EventStand LocationKind = "EVENT"
)

// Location is a place that has stock (拠点).
type Location struct {
	ID       uuid.UUID
	BrandID  uuid.UUID
	Code     string
	Name     i18n.Text
	Kind     LocationKind
	Priority int  // the lower ships first
	Ships    bool // online orders may take stock here
	Active   bool
}

// GlobalID is the location's id in the schema.
func (l Location) GlobalID() string { return id.Global("Location", l.ID) }

var codes = regexp.MustCompile(`^[a-z0-9]+([-_][a-z0-9]+)*$`)

// SaveLocationInput makes a location, or changes the one with the id.
type SaveLocationInput struct {
	ID       *uuid.UUID
	Code     string
	Name     i18n.Text
	Kind     LocationKind
	Priority int
	Ships    bool
	Active   bool
}

// Validate checks the location by itself.
func (in SaveLocationInput) Validate() error {
	var all []error
	if !codes.MatchString(in.Code) || len(in.Code) > 50 {
		all = append(all, fault.Invalid(fault.CodeInvalid, "コードは半角英小文字・数字・ハイフンで50文字以内にしてください", "A code has at most 50 lower-case letters, digits and hyphens").At("code"))
	}
	if in.Name[i18n.Default] == "" {
		all = append(all, fault.ErrRequired.At("name"))
	}
	return errors.Join(all...)
}

// Locations are the brand's locations, the first to ship first.
func (k *Keeper) Locations(ctx context.Context) ([]Location, error) {
	return k.Store.Locations(ctx, channel.From(ctx).BrandID)
}

// SaveLocation makes or changes a location, which staff of a shop do not: where goods are
// looked for first is the brand's matter. One that still has stock stays active.
func (k *Keeper) SaveLocation(ctx context.Context, in SaveLocationInput) (*Location, error) {
	if err := access.RequireEverywhere(ctx, access.InventoryWrite); err != nil {
		return nil, err
	}
	if err := in.Validate(); err != nil {
		return nil, err
	}
	var saved *Location
	err := k.Tx.InTx(ctx, func(ctx context.Context) error {
		l := Location{ID: id.New(), BrandID: channel.From(ctx).BrandID, Code: in.Code, Name: in.Name, Kind: in.Kind, Priority: in.Priority, Ships: in.Ships, Active: in.Active}
		before, err := k.find(ctx, in.ID)
		if err != nil {
			return err
		}
		if before != nil {
			l.ID = before.ID
			if err := k.mayClose(ctx, *before, l); err != nil {
				return err
			}
		}
		saved = &l
		return errors.Join(k.Store.SaveLocation(ctx, l), k.Events.Record(ctx, event.New(ctx, k.Now(), "location.saved", "Location", l.ID, map[string]any{"before": before, "after": l})))
	})
	return saved, err
}

func (k *Keeper) find(ctx context.Context, locationID *uuid.UUID) (*Location, error) {
	if locationID == nil {
		return nil, nil
	}
	all, err := k.Locations(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].ID == *locationID {
			return &all[i], nil
		}
	}
	return nil, fault.ErrNotFound.At("id")
}

// mayClose keeps a location open while it has stock: closing would hide the stock.
func (k *Keeper) mayClose(ctx context.Context, before, after Location) error {
	if (!before.Active || after.Active) && (!before.Ships || after.Ships) {
		return nil
	}
	full, err := k.Store.HasStock(ctx, before.ID)
	if err == nil && full {
		err = ErrLocationUsed.At("active")
	}
	return err
}
