package shipping

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// Carrier is who carries parcels (運送会社).
type Carrier struct {
	ID          uuid.UUID
	BrandID     uuid.UUID
	Code        string
	Name        i18n.Text
	TrackingURL string // of a parcel, with {number} for its number; empty if there is none
	Active      bool
	// On which days it collects and delivers; nil: every day.
	CollectionCalendarID *uuid.UUID
	DeliveryCalendarID   *uuid.UUID
}

// CollectionCalendar is the id in the schema of the calendar by which it collects; nil if
// it does every day.
func (c Carrier) CollectionCalendar() *string { return calendarID(c.CollectionCalendarID) }

// DeliveryCalendar is the id in the schema of the calendar by which it delivers; nil if it
// does every day.
func (c Carrier) DeliveryCalendar() *string { return calendarID(c.DeliveryCalendarID) }

// GlobalID is the carrier's id in the schema.
func (c Carrier) GlobalID() string { return id.Global("ShippingCarrier", c.ID) }

// Track is where a parcel is followed; empty if nowhere.
func (c Carrier) Track(number string) string {
	if number == "" {
		return ""
	}
	return strings.ReplaceAll(c.TrackingURL, parcelNumber, url.QueryEscape(number))
}

// parcelNumber stands for the parcel's number in a tracking URL.
const parcelNumber = "{number}"

// Failures of writing carriers and zones.
var (
	ErrTrackingURL = fault.Invalid("TRACKING_URL_INVALID", "追跡URLはhttpsで始め、{number}を含めてください", "A tracking URL begins with https and holds {number}")
	ErrZone        = fault.Invalid("ZONE_INVALID", "都道府県または郵便番号の範囲（7桁、小さい順）を1つ以上指定してください", "A zone has prefectures or ranges of postal codes: seven digits, the smaller first")
	ErrZoneInUse   = fault.Conflict("ZONE_IN_USE", "この地域は配送方法で使われています", "A shipping method uses this zone")
	ErrZoneUnknown = fault.NotFound("ZONE_UNKNOWN", "指定した地域がありません", "There is no such zone")
	ErrCarrier     = fault.NotFound("CARRIER_UNKNOWN", "指定した運送会社がありません", "There is no such carrier")
)

// Bounds on a zone.
const (
	maxRanges   = 2_000
	maxLeadDays = 60
	maxURL      = 500
)

var sevenDigits = regexp.MustCompile(`^\d{7}$`)

// SaveCarrierInput makes a carrier, or changes the one with the id.
type SaveCarrierInput struct {
	ID          *uuid.UUID
	Code        string
	Name        i18n.Text
	TrackingURL string
	Active      bool
}

// Validate checks the carrier by itself.
func (in SaveCarrierInput) Validate() error {
	all := []error{in.Name.Check("name", maxName, true)}
	if !codes.MatchString(in.Code) {
		all = append(all, ErrCode.At("code"))
	}
	if u, err := url.Parse(strings.ReplaceAll(in.TrackingURL, parcelNumber, "0")); in.TrackingURL != "" &&
		(err != nil || u.Scheme != "https" || u.Host == "" || len(in.TrackingURL) > maxURL || !strings.Contains(in.TrackingURL, parcelNumber)) {
		all = append(all, ErrTrackingURL.At("trackingUrl"))
	}
	return errors.Join(all...)
}

// Carriers are the brand's carriers, closed ones included, for staff.
func (e *Editor) Carriers(ctx context.Context) ([]Carrier, error) {
	if err := access.Require(ctx, access.ShippingWrite); err != nil {
		return nil, err
	}
	return e.store.Carriers(ctx, channel.From(ctx).BrandID)
}

// SaveCarrier makes or changes a carrier.
func (e *Editor) SaveCarrier(ctx context.Context, in SaveCarrierInput) (*Carrier, error) {
	if err := e.allowed(ctx, in); err != nil {
		return nil, err
	}
	return changed(ctx, e, in.ID, kept[Carrier]{
		name: "ShippingCarrier", event: "shipping_carrier.saved", lock: e.store.LockCarrier, save: e.store.SaveCarrier,
		fresh: func(key, brand uuid.UUID) Carrier { return Carrier{ID: key, BrandID: brand} }, id: func(c Carrier) uuid.UUID { return c.ID },
	}, func(c *Carrier) error {
		c.Code, c.Name, c.TrackingURL, c.Active = in.Code, in.Name, in.TrackingURL, in.Active
		return nil
	})
}

// SaveZoneInput makes a zone, or changes the one with the id.
type SaveZoneInput struct {
	ID          *uuid.UUID
	Code        string
	Name        i18n.Text
	Prefectures []customer.Prefecture
	PostalCodes []PostalRange
	LeadDays    int
	Active      bool
}

// Validate checks the zone by itself.
func (in SaveZoneInput) Validate() error {
	all := []error{in.Name.Check("name", maxName, true)}
	if !codes.MatchString(in.Code) {
		all = append(all, ErrCode.At("code"))
	}
	if len(in.Prefectures)+len(in.PostalCodes) == 0 || len(in.PostalCodes) > maxRanges {
		all = append(all, ErrZone.At("postalCodes"))
	}
	if slices.ContainsFunc(in.PostalCodes, func(r PostalRange) bool {
		return !sevenDigits.MatchString(r.From) || !sevenDigits.MatchString(r.To) || r.From > r.To
	}) {
		all = append(all, ErrZone.At("postalCodes"))
	}
	if slices.ContainsFunc(in.Prefectures, func(p customer.Prefecture) bool { return p.Code() == 0 }) {
		all = append(all, ErrZone.At("prefectures"))
	}
	if in.LeadDays < 0 || in.LeadDays > maxLeadDays {
		all = append(all, ErrDays.At("leadDays"))
	}
	return errors.Join(all...)
}

// ErrDays says that a number of days is out of bounds.
var ErrDays = fault.Invalid(fault.CodeInvalid, "日数は0〜60で指定してください", "The number of days is 0 to 60")

// Zones are the brand's zones, closed ones included, for staff.
func (e *Editor) Zones(ctx context.Context) ([]Zone, error) {
	if err := access.Require(ctx, access.ShippingWrite); err != nil {
		return nil, err
	}
	return e.store.Zones(ctx, channel.From(ctx).BrandID)
}

// SaveZone makes or changes a zone. One that a method speaks of cannot be closed.
func (e *Editor) SaveZone(ctx context.Context, in SaveZoneInput) (*Zone, error) {
	if err := e.allowed(ctx, in); err != nil {
		return nil, err
	}
	return changed(ctx, e, in.ID, kept[Zone]{
		name: "ShippingZone", event: "shipping_zone.saved", lock: e.store.LockZone, save: e.store.SaveZone,
		fresh: func(key, brand uuid.UUID) Zone { return Zone{ID: key, BrandID: brand} }, id: func(z Zone) uuid.UUID { return z.ID },
	}, func(z *Zone) error {
		if z.Active && !in.Active {
			used, err := e.store.ZoneUsed(ctx, z.BrandID, z.ID)
			if err != nil {
				return err
			}
			if used {
				return ErrZoneInUse.At("active")
			}
		}
		z.Code, z.Name, z.LeadDays, z.Active = in.Code, in.Name, in.LeadDays, in.Active
		z.Prefectures, z.PostalCodes = none(in.Prefectures), none(in.PostalCodes)
		return nil
	})
}

func none[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// allowed fails unless the actor may write the brand's shipping and the input is right by
// itself.
func (e *Editor) allowed(ctx context.Context, in interface{ Validate() error }) error {
	if err := access.RequireEverywhere(ctx, access.ShippingWrite); err != nil {
		return err
	}
	return in.Validate()
}

// kept is how one kind of thing is read, made and written.
type kept[T any] struct {
	name, event string
	lock        func(ctx context.Context, brandID, key uuid.UUID) (*T, error)
	save        func(ctx context.Context, one T) error
	fresh       func(key, brandID uuid.UUID) T
	id          func(T) uuid.UUID
}

// changed lets f act on the thing with the id, or on a new one, and writes it down with
// before and after. It reads and writes in one transaction.
func changed[T any](ctx context.Context, e *Editor, key *uuid.UUID, k kept[T], f func(*T) error) (*T, error) {
	var saved *T
	err := e.tx.InTx(ctx, func(ctx context.Context) error {
		brandID := channel.From(ctx).BrandID
		fresh := k.fresh(id.New(), brandID)
		one, before := &fresh, (*T)(nil)
		if key != nil {
			found, err := k.lock(ctx, brandID, *key)
			if err != nil {
				return err
			}
			if found == nil {
				return fault.ErrNotFound.At("id")
			}
			was := *found
			one, before = found, &was
		}
		if err := f(one); err != nil {
			return err
		}
		saved = one
		if err := k.save(ctx, *one); err != nil {
			return err
		}
		return e.events.Record(ctx, event.New(ctx, e.now(), k.event, k.name, k.id(*one), map[string]any{"before": before, "after": one}))
	})
	return saved, err
}
