package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/shipping"
)

const (
	calendarColumns = `k.id, k.brand_id, k.code, k.name, k.weekdays, k.holidays, k.closed, k.active`
	placeColumns    = `o.id AS location_id, o.cut_off, o.handling_days, (SELECT to_jsonb(k) FROM business_calendars k WHERE k.id = o.calendar_id) AS calendar`

	// carrierCalendar begins a calendar of the carrier of the method m.
	carrierCalendar = `(SELECT to_jsonb(k) FROM shipping_carriers c JOIN business_calendars k ON c.id = m.carrier_id AND k.id = `
	// methodPlaces are the locations from which the method m ships, if anybody asks: a
	// method without a schedule promises nothing.
	methodPlaces = `CASE WHEN m.schedule = '{}' THEN '[]' ELSE (
		SELECT coalesce(jsonb_agg(to_jsonb(x) ORDER BY x.priority, x.location_id), '[]')
		FROM (SELECT ` + placeColumns + `, o.priority FROM locations o WHERE o.brand_id = m.brand_id AND o.ships AND o.active) x) END`
)

// Calendars are the brand's calendars, closed ones included.
func (s *Shipping) Calendars(ctx context.Context, brandID uuid.UUID) ([]shipping.Calendar, error) {
	return collect[shipping.Calendar](ctx, s.db, `
		SELECT `+calendarColumns+` FROM business_calendars k WHERE k.brand_id = @brand ORDER BY k.code`, pgx.NamedArgs{"brand": brandID})
}

// LockCalendar reads a calendar of the brand and locks it; nil if there is none.
func (s *Shipping) LockCalendar(ctx context.Context, brandID, calendarID uuid.UUID) (*shipping.Calendar, error) {
	return first[shipping.Calendar](ctx, s.db, `
		SELECT `+calendarColumns+` FROM business_calendars k WHERE k.brand_id = @brand AND k.id = @id FOR UPDATE`,
		pgx.NamedArgs{"brand": brandID, "id": calendarID})
}

// SaveCalendar writes a calendar, new or not.
func (s *Shipping) SaveCalendar(ctx context.Context, c shipping.Calendar) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO business_calendars (id, brand_id, code, name, weekdays, holidays, closed, active)
		VALUES (@id, @brand, @code, @name, @weekdays, @holidays, @closed, @active)
		ON CONFLICT (id) DO UPDATE SET code = excluded.code, name = excluded.name, weekdays = excluded.weekdays,
			holidays = excluded.holidays, closed = excluded.closed, active = excluded.active`,
		pgx.NamedArgs{"id": c.ID, "brand": c.BrandID, "code": c.Code, "name": c.Name, "weekdays": c.Weekdays,
			"holidays": c.Holidays, "closed": c.Closed, "active": c.Active})
	return shippingCodeTaken(err, "business_calendars_brand_id_code_key")
}

// CalendarUsed reports whether a location or a carrier keeps the calendar.
func (s *Shipping) CalendarUsed(ctx context.Context, calendarID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `
		SELECT EXISTS (SELECT FROM locations o WHERE o.calendar_id = @id)
			OR EXISTS (SELECT FROM shipping_carriers c WHERE @id IN (c.collection_calendar_id, c.delivery_calendar_id))`, pgx.NamedArgs{"id": calendarID})
}

// Places are how the brand's locations that ship do it, the first to ship first.
func (s *Shipping) Places(ctx context.Context, brandID uuid.UUID) ([]shipping.Place, error) {
	return collect[shipping.Place](ctx, s.db, `
		SELECT `+placeColumns+` FROM locations o WHERE o.brand_id = @brand AND o.ships AND o.active ORDER BY o.priority, o.id`,
		pgx.NamedArgs{"brand": brandID})
}

// LockPlace reads how a location of the brand ships, and locks it; nil if there is none.
func (s *Shipping) LockPlace(ctx context.Context, brandID, locationID uuid.UUID) (*shipping.Place, error) {
	return first[shipping.Place](ctx, s.db, `
		SELECT `+placeColumns+` FROM locations o WHERE o.brand_id = @brand AND o.id = @id FOR NO KEY UPDATE OF o`,
		pgx.NamedArgs{"brand": brandID, "id": locationID})
}

// SavePlace writes how a location ships.
func (s *Shipping) SavePlace(ctx context.Context, p shipping.Place) error {
	var calendar *uuid.UUID
	if p.Calendar != nil {
		calendar = &p.Calendar.ID
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE locations SET calendar_id = @calendar, cut_off = @cut_off, handling_days = @handling WHERE id = @id`,
		pgx.NamedArgs{"id": p.LocationID, "calendar": calendar, "cut_off": p.CutOff, "handling": p.HandlingDays})
	return err
}

// SaveCarrierCalendars writes which calendars a carrier keeps.
func (s *Shipping) SaveCarrierCalendars(ctx context.Context, c shipping.Carrier) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE shipping_carriers SET collection_calendar_id = @collection, delivery_calendar_id = @delivery WHERE id = @id`,
		pgx.NamedArgs{"id": c.ID, "collection": c.CollectionCalendarID, "delivery": c.DeliveryCalendarID})
	return err
}

// MethodByID is the brand's method, closed or not; nil if there is none.
func (s *Shipping) MethodByID(ctx context.Context, brandID, methodID uuid.UUID) (*shipping.Method, error) {
	return first[shipping.Method](ctx, s.db, `
		SELECT `+shippingColumns+` FROM shipping_methods m WHERE m.brand_id = @brand AND m.id = @id`, pgx.NamedArgs{"brand": brandID, "id": methodID})
}
