package seed

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/shipping"
)

// queueCalendars writes who works when, and when the methods deliver. What somebody has
// set already stays.
func (b Brand) queueCalendars(batch *pgx.Batch) {
	day := func(year int, month time.Month, d int) time.Time {
		return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
	}
	var newYears []shipping.ClosedDays
	for year := 2025; year < 2030; year++ {
		newYears = append(newYears, shipping.ClosedDays{From: day(year, 12, 29), To: day(year+1, 1, 3), Note: "年末年始"})
	}
	for _, c := range []struct {
		code, ja, en string
		weekdays     []string
		holidays     bool
		closed       []shipping.ClosedDays
	}{
		{"warehouse", "物流センターの営業日", "Working days of the distribution centre", []string{"SATURDAY", "SUNDAY"}, true, newYears},
		{"collection", "集荷日", "Days of collection", []string{"SUNDAY"}, false, nil},
	} {
		batch.Queue(`INSERT INTO business_calendars (id, brand_id, code, name, weekdays, holidays, closed) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			b.calendar(c.code), b.ID, c.code, i18n.Text{"ja": c.ja, "en": c.en}, c.weekdays, c.holidays, orNone(c.closed))
	}
	batch.Queue(`UPDATE locations SET calendar_id = $2, cut_off = '14:00' WHERE id = $1 AND calendar_id IS NULL`, b.Shops[0].ID, b.calendar("warehouse"))
	batch.Queue(`UPDATE shipping_carriers SET collection_calendar_id = $2 WHERE brand_id = $1 AND collection_calendar_id IS NULL`, b.ID, b.calendar("collection"))
	for code, s := range b.schedules() {
		zones := make([]uuid.UUID, len(s.Transit))
		for i, t := range s.Transit {
			zones[i] = t.ZoneID
		}
		batch.Queue(`UPDATE shipping_methods SET schedule = $2, zone_ids = ARRAY(SELECT DISTINCT unnest(zone_ids || $3::uuid[])) WHERE id = $1 AND schedule = '{}'`,
			key("shipping", b.Code, code), s, zones)
	}
}

func (b Brand) calendar(code string) uuid.UUID { return key("calendar", b.Code, code) }

// schedules are when the methods deliver, by code: the parcel all over the country, with
// no choice of the hour on remote islands, letters in their own time.
func (b Brand) schedules() map[string]shipping.Schedule {
	one, three, five, seven := 1, 3, 5, 7
	bands := []shipping.Band{
		{Code: "morning", Name: i18n.Text{"ja": "午前中", "en": "Morning"}, To: "12:00"},
		{Code: "14-16", Name: i18n.Text{"ja": "14時〜16時", "en": "2 to 4 pm"}, From: "14:00", To: "16:00"},
		{Code: "16-18", Name: i18n.Text{"ja": "16時〜18時", "en": "4 to 6 pm"}, From: "16:00", To: "18:00"},
		{Code: "18-20", Name: i18n.Text{"ja": "18時〜20時", "en": "6 to 8 pm"}, From: "18:00", To: "20:00"},
		{Code: "19-21", Name: i18n.Text{"ja": "19時〜21時", "en": "7 to 9 pm"}, From: "19:00", To: "21:00"},
	}
	return map[string]shipping.Schedule{
		"parcel": {CutOff: "17:00", Days: &one, Bands: bands, DaysAhead: 14, Transit: []shipping.Transit{{ZoneID: *b.zone("islands"), Days: &five, Bands: []string{}}}},
		"mail":   {Days: &three, Transit: []shipping.Transit{{ZoneID: *b.zone("okinawa"), Days: &five}, {ZoneID: *b.zone("islands"), Days: &seven}}},
		"hayate": {CutOff: "16:00", Days: &one, Bands: bands[:3], DaysAhead: 7},
		"cool":   {CutOff: "15:00", Days: &one, Bands: bands, DaysAhead: 7},
	}
}
