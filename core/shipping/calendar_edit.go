package shipping

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/holiday"
	"github.com/noren-commerce/noren/core/i18n"
)

// Failures of writing calendars and who keeps them.
var (
	ErrCalendar        = fault.Invalid("CALENDAR_INVALID", "営業日が週に1日以上必要です。休業日は開始日以降の日まで、366日以内で指定してください", "At least one day of the week is open; closed days are a first and a last day, at most 366 days apart")
	ErrCalendarUnknown = fault.NotFound("CALENDAR_UNKNOWN", "指定した営業日カレンダーがありません", "There is no such calendar")
	ErrCalendarInUse   = fault.Conflict("CALENDAR_IN_USE", "この営業日カレンダーは拠点または運送会社で使われています", "A location or carrier keeps this calendar")
	ErrTime            = fault.Invalid("TIME_INVALID", "時刻は「14:00」の形式で指定してください", "A time of the day is written like 14:00")
	ErrLocation        = fault.NotFound(fault.CodeNotFound, "指定した拠点がありません", "There is no such location")
)

// Bounds on calendars.
const (
	maxClosed = 500
	maxNote   = 100
)

var timeOfDay = regexp.MustCompile(`^(([01]\d|2[0-3]):[0-5]\d)?$`)

// CalendarStore keeps calendars and who keeps to them, in the transaction of the context.
type CalendarStore interface {
	// Calendars are the brand's calendars, closed ones included.
	Calendars(ctx context.Context, brandID uuid.UUID) ([]Calendar, error)
	LockCalendar(ctx context.Context, brandID, calendarID uuid.UUID) (*Calendar, error)
	// SaveCalendar writes a calendar, new or not; a code that is taken is ErrCodeTaken.
	SaveCalendar(ctx context.Context, c Calendar) error
	// CalendarUsed reports whether a location or a carrier keeps the calendar.
	CalendarUsed(ctx context.Context, calendarID uuid.UUID) (bool, error)
	// Places are how the brand's locations that ship do it, the first to ship first.
	Places(ctx context.Context, brandID uuid.UUID) ([]Place, error)
	// LockPlace reads how a location of the brand ships, and locks it; nil if there is none.
	LockPlace(ctx context.Context, brandID, locationID uuid.UUID) (*Place, error)
	SavePlace(ctx context.Context, p Place) error
	// SaveCarrierCalendars writes which calendars a carrier keeps.
	SaveCarrierCalendars(ctx context.Context, c Carrier) error
}

// SaveCalendarInput makes a calendar, or changes the one with the id.
type SaveCalendarInput struct {
	ID         *uuid.UUID
	Code       string
	Name       i18n.Text
	Weekdays   []Weekday
	Holidays   bool
	ClosedDays []ClosedDays
	Active     bool
}

// Validate checks the calendar by itself.
func (in SaveCalendarInput) Validate() error {
	all := []error{in.Name.Check("name", maxName, true)}
	if !codes.MatchString(in.Code) {
		all = append(all, ErrCode.At("code"))
	}
	if !slices.ContainsFunc(weekdays, func(w Weekday) bool { return !slices.Contains(in.Weekdays, w) }) {
		all = append(all, ErrCalendar.At("weekdays"))
	}
	if len(in.ClosedDays) > maxClosed {
		all = append(all, ErrTooLong.With(maxClosed).At("closedDays"))
	}
	for i, d := range in.ClosedDays {
		if d.To.Before(d.From) || d.To.Sub(d.From) > farthest*24*time.Hour {
			all = append(all, ErrCalendar.At(fmt.Sprintf("closedDays.%d", i)))
		}
		if len([]rune(d.Note)) > maxNote {
			all = append(all, fault.Invalid(fault.CodeTooLong, "メモは%d文字以内にしてください", "A note has at most %d characters").With(maxNote).At(fmt.Sprintf("closedDays.%d.note", i)))
		}
	}
	return errors.Join(all...)
}

// Calendars are the brand's calendars, closed ones included, for staff.
func (e *Editor) Calendars(ctx context.Context) ([]Calendar, error) {
	if err := access.Require(ctx, access.ShippingWrite); err != nil {
		return nil, err
	}
	return e.store.Calendars(ctx, channel.From(ctx).BrandID)
}

// SaveCalendar makes or changes a calendar. One that somebody keeps cannot be closed.
// Orders that were placed keep what they were promised.
func (e *Editor) SaveCalendar(ctx context.Context, in SaveCalendarInput) (*Calendar, error) {
	if err := e.allowed(ctx, in); err != nil {
		return nil, err
	}
	return changed(ctx, e, in.ID, kept[Calendar]{
		name: "BusinessCalendar", event: "business_calendar.saved", lock: e.store.LockCalendar, save: e.store.SaveCalendar,
		fresh: func(key, brand uuid.UUID) Calendar { return Calendar{ID: key, BrandID: brand} }, id: func(c Calendar) uuid.UUID { return c.ID },
	}, func(c *Calendar) error {
		if c.Active && !in.Active {
			used, err := e.store.CalendarUsed(ctx, c.ID)
			if err != nil {
				return err
			}
			if used {
				return ErrCalendarInUse.At("active")
			}
		}
		c.Code, c.Name, c.Holidays, c.Active = in.Code, in.Name, in.Holidays, in.Active
		c.Weekdays, c.Closed = none(in.Weekdays), none(in.ClosedDays)
		return nil
	})
}

// usable fails unless the calendar, if one is named, is an open one of the brand. It is
// locked, so that it does not close meanwhile.
func (e *Editor) usable(ctx context.Context, calendarID *uuid.UUID, field string) (*Calendar, error) {
	if calendarID == nil {
		return nil, nil
	}
	c, err := e.store.LockCalendar(ctx, channel.From(ctx).BrandID, *calendarID)
	if err == nil && (c == nil || !c.Active) {
		return nil, ErrCalendarUnknown.At(field)
	}
	return c, err
}

// SetDispatchInput says how a location ships.
type SetDispatchInput struct {
	LocationID   uuid.UUID
	CalendarID   *uuid.UUID // nil: it works every day
	CutOff       string
	HandlingDays int
}

// Validate checks the input by itself.
func (in SetDispatchInput) Validate() error {
	var all []error
	if !timeOfDay.MatchString(in.CutOff) {
		all = append(all, ErrTime.At("cutOff"))
	}
	if in.HandlingDays < 0 || in.HandlingDays > maxLeadDays {
		all = append(all, ErrDays.At("handlingDays"))
	}
	return errors.Join(all...)
}

// Dispatch is how the brand's locations that ship do it, for staff; those of a shop see
// their own.
func (e *Editor) Dispatch(ctx context.Context) ([]Place, error) {
	if err := access.Require(ctx, access.ShippingWrite); err != nil {
		return nil, err
	}
	all, err := e.store.Places(ctx, channel.From(ctx).BrandID)
	return slices.DeleteFunc(all, func(p Place) bool { return !access.WorksAt(ctx, p.LocationID) }), err
}

// SetDispatch says how a location ships: on which days, until when orders of the day
// count, and how long it takes to pack them.
func (e *Editor) SetDispatch(ctx context.Context, in SetDispatchInput) (*Place, error) {
	if err := access.RequireAt(ctx, access.ShippingWrite, in.LocationID); err != nil {
		return nil, err
	}
	if err := in.Validate(); err != nil {
		return nil, err
	}
	var saved *Place
	err := e.tx.InTx(ctx, func(ctx context.Context) error {
		place, err := e.store.LockPlace(ctx, channel.From(ctx).BrandID, in.LocationID)
		if err != nil {
			return err
		}
		if place == nil {
			return ErrLocation.At("locationId")
		}
		before := *place
		if place.Calendar, err = e.usable(ctx, in.CalendarID, "calendarId"); err != nil {
			return err
		}
		place.CutOff, place.HandlingDays, saved = in.CutOff, in.HandlingDays, place
		if err := e.store.SavePlace(ctx, *place); err != nil {
			return err
		}
		return e.events.Record(ctx, event.New(ctx, e.now(), "location.dispatch_set", "Location", in.LocationID, map[string]any{"before": before, "after": place}))
	})
	return saved, err
}

// SetCarrierCalendarsInput says on which days a carrier works.
type SetCarrierCalendarsInput struct {
	CarrierID            uuid.UUID
	CollectionCalendarID *uuid.UUID // nil: it collects every day
	DeliveryCalendarID   *uuid.UUID // nil: it delivers every day
}

// Validate finds nothing wrong: the calendars are looked up.
func (SetCarrierCalendarsInput) Validate() error { return nil }

// SetCarrierCalendars says on which days a carrier collects and delivers.
func (e *Editor) SetCarrierCalendars(ctx context.Context, in SetCarrierCalendarsInput) (*Carrier, error) {
	if err := e.allowed(ctx, in); err != nil {
		return nil, err
	}
	saved, err := changed(ctx, e, &in.CarrierID, kept[Carrier]{
		name: "ShippingCarrier", event: "shipping_carrier.calendars_set", lock: e.store.LockCarrier, save: e.store.SaveCarrierCalendars,
		fresh: func(key, brand uuid.UUID) Carrier { return Carrier{ID: key, BrandID: brand} }, id: func(c Carrier) uuid.UUID { return c.ID },
	}, func(c *Carrier) error {
		if _, err := e.usable(ctx, in.CollectionCalendarID, "collectionCalendarId"); err != nil {
			return err
		}
		if _, err := e.usable(ctx, in.DeliveryCalendarID, "deliveryCalendarId"); err != nil {
			return err
		}
		c.CollectionCalendarID, c.DeliveryCalendarID = in.CollectionCalendarID, in.DeliveryCalendarID
		return nil
	})
	return saved, missingAt(err, "carrierId")
}

// missingAt names the field of the input that names what is not there.
func missingAt(err error, field string) error {
	var missing *fault.Error
	if errors.As(err, &missing) && missing.Field == "id" {
		return missing.At(field)
	}
	return err
}

// maxHolidays bounds the days in which public holidays are looked for.
const maxHolidays = 1_100

// ErrHolidays says that the days to look for public holidays in are out of bounds.
var ErrHolidays = fault.Invalid(fault.CodeInvalid, "期間は1〜%d日で指定してください", "Give a first and a last day, at most %d days apart").With(maxHolidays)

// PublicHolidays are those from the first to the last day, for staff.
func (e *Editor) PublicHolidays(ctx context.Context, first, last time.Time) ([]holiday.Holiday, error) {
	if err := access.Require(ctx, access.ShippingWrite); err != nil {
		return nil, err
	}
	if last.Before(first) || last.Sub(first) > maxHolidays*24*time.Hour {
		return nil, ErrHolidays.At("to")
	}
	return holiday.Between(first, last), nil
}
