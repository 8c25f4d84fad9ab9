package shipping

import (
	"context"
	"errors"
	"regexp"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
)

// Failures of writing a shipping method.
var (
	ErrCode      = fault.Invalid(fault.CodeInvalid, "コードは半角英小文字で始まる50文字以内の英小文字・数字・ハイフン・アンダースコアにしてください", "A code begins with a letter and has at most 50 lower-case letters, digits, hyphens and underscores")
	ErrCodeTaken = fault.Conflict(fault.CodeDuplicate, "このコードはすでに使われています", "This code is already taken")
	ErrFee       = fault.Invalid("FEE_INVALID", "送料は0以上で、通貨の桁数に合わせてください", "A fee is 0 or more, with no more decimals than its currency")
	ErrPosition  = fault.Invalid(fault.CodeInvalid, "並び順は0〜10000で指定してください", "The position is 0 to 10,000")
)

// Bounds on what staff write of a method.
const (
	maxName        = 100
	maxDescription = 2_000
	maxPosition    = 10_000
)

var (
	codes     = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,49}$`)
	bandCodes = regexp.MustCompile(`^[a-z0-9]([a-z0-9_-]{0,18}[a-z0-9])?$`) // "morning", "14-16"
)

// EditStore writes shipping methods in the transaction of the context.
type EditStore interface {
	CalendarStore
	// AllShippingMethods are the brand's methods, closed ones included, in its order.
	AllShippingMethods(ctx context.Context, brandID uuid.UUID) ([]Method, error)
	// LockShippingMethod reads a method of the brand for changing; nil if there is none.
	LockShippingMethod(ctx context.Context, brandID, methodID uuid.UUID) (*Method, error)
	// SaveShippingMethod writes a method, new or not; a code that is taken is ErrCodeTaken.
	SaveShippingMethod(ctx context.Context, m Method) error

	Carriers(ctx context.Context, brandID uuid.UUID) ([]Carrier, error)
	LockCarrier(ctx context.Context, brandID, carrierID uuid.UUID) (*Carrier, error)
	SaveCarrier(ctx context.Context, c Carrier) error
	// Zones are the brand's zones, closed ones included.
	Zones(ctx context.Context, brandID uuid.UUID) ([]Zone, error)
	LockZone(ctx context.Context, brandID, zoneID uuid.UUID) (*Zone, error)
	// LockZones are the brand's open zones; nobody changes one until the transaction ends.
	LockZones(ctx context.Context, brandID uuid.UUID) ([]Zone, error)
	SaveZone(ctx context.Context, z Zone) error
	// ZoneUsed reports whether a method that is offered speaks of the zone.
	ZoneUsed(ctx context.Context, brandID, zoneID uuid.UUID) (bool, error)
	Traits(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]Traits, error)
	// LockTraits locks the brand's variants among those and reads their traits: those that
	// nobody has said anything of are as nobody said.
	LockTraits(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]Traits, error)
	SaveTraits(ctx context.Context, all []Traits) error
}

// Tx runs a use case in one transaction.
type Tx interface {
	InTx(ctx context.Context, f func(context.Context) error) error
}

// Editor is how staff write shipping methods. Each use case needs ShippingWrite, is
// one transaction, and leaves an event with before and after.
type Editor struct {
	tx     Tx
	store  EditStore
	events event.Recorder
	now    clock.Clock
}

// NewEditor makes the editor.
func NewEditor(tx Tx, store EditStore, events event.Recorder, now clock.Clock) *Editor {
	return &Editor{tx: tx, store: store, events: events, now: now}
}

// All are the brand's methods, closed ones included, for staff.
func (e *Editor) All(ctx context.Context) ([]Method, error) {
	if err := access.Require(ctx, access.ShippingWrite); err != nil {
		return nil, err
	}
	return e.store.AllShippingMethods(ctx, channel.From(ctx).BrandID)
}

// SaveInput makes a method, or changes the one with the id.
type SaveInput struct {
	ID          *uuid.UUID
	Code        string
	Name        i18n.Text
	Description i18n.Text
	Fee         decimal.Decimal // major units, as the brand's channels show prices
	TaxClass    money.TaxClass
	Position    int
	Active      bool
	CarrierID   *uuid.UUID // nil: none
}

// Validate checks the method by itself.
func (in SaveInput) Validate() error {
	all := []error{in.Name.Check("name", maxName, true), in.Description.Check("description", maxDescription, false)}
	if !codes.MatchString(in.Code) {
		all = append(all, ErrCode.At("code"))
	}
	if in.Fee.IsNegative() {
		all = append(all, ErrFee.At("fee"))
	}
	if in.Position < 0 || in.Position > maxPosition {
		all = append(all, ErrPosition.At("position"))
	}
	return errors.Join(all...)
}

// Save makes or changes a method. Orders that were placed keep the one they had.
func (e *Editor) Save(ctx context.Context, in SaveInput) (*Method, error) {
	if err := access.RequireEverywhere(ctx, access.ShippingWrite); err != nil {
		return nil, err
	}
	if err := in.Validate(); err != nil {
		return nil, err
	}
	fee, err := money.Parse(in.Fee, money.Currency(channel.From(ctx).Currency))
	if err != nil {
		return nil, ErrFee.At("fee")
	}
	apply := func(m *Method) error {
		m.Code, m.Name, m.Description, m.FeeMinor = in.Code, in.Name, in.Description, fee.Minor
		m.TaxClass, m.Position, m.Active = in.TaxClass, in.Position, in.Active
		if m.Description == nil {
			m.Description = i18n.Text{}
		}
		m.CarrierID = in.CarrierID
		return e.carried(ctx, m)
	}
	return e.change(ctx, in.ID, "shipping_method.saved", apply)
}

// CloseInput names the method to close.
type CloseInput struct{ ID uuid.UUID }

// Close stops offering a method. Carts that had chosen it must choose again; closing
// twice changes nothing.
func (e *Editor) Close(ctx context.Context, in CloseInput) (*Method, error) {
	if err := access.RequireEverywhere(ctx, access.ShippingWrite); err != nil {
		return nil, err
	}
	return e.change(ctx, &in.ID, "shipping_method.closed", func(m *Method) error {
		m.Active = false
		return nil
	})
}

// carried fails unless the method's carrier is one of the brand's.
func (e *Editor) carried(ctx context.Context, m *Method) error {
	if m.CarrierID == nil {
		return nil
	}
	c, err := e.store.LockCarrier(ctx, m.BrandID, *m.CarrierID)
	if err == nil && (c == nil || !c.Active) {
		return ErrCarrier.At("carrierId")
	}
	return err
}

// change lets f act on the method with the id, or on a new one, and writes it down.
func (e *Editor) change(ctx context.Context, methodID *uuid.UUID, eventType string, f func(*Method) error) (*Method, error) {
	return changed(ctx, e, methodID, kept[Method]{
		name: "ShippingMethod", event: eventType, lock: e.store.LockShippingMethod, save: e.store.SaveShippingMethod,
		fresh: func(key, brand uuid.UUID) Method { return Method{ID: key, BrandID: brand} }, id: func(m Method) uuid.UUID { return m.ID },
	}, f)
}
