package shipping

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
)

// Failures of writing schedules.
var (
	ErrBand      = fault.Invalid("DELIVERY_BAND_INVALID", "時間帯のコードは重複しない英小文字・数字・ハイフンで、開始時刻は終了時刻より前にしてください", "Bands have different codes of letters, digits and hyphens, and begin before they end")
	ErrZoneTwice = fault.Invalid("ZONE_INVALID", "同じ地域が2回指定されています", "A zone is named twice")
	ErrNoDays    = fault.Invalid(fault.CodeInvalid, "お届け日を指定できるようにするには配送日数が必要です", "Days can be chosen only where it is said how long the way takes")
)

const maxBands = 20

// SetScheduleInput replaces when a method delivers.
type SetScheduleInput struct {
	MethodID  uuid.UUID
	CutOff    string
	Days      *int
	Transit   []TransitInput
	Bands     []BandInput
	DaysAhead int
}

// TransitInput is how a zone differs.
type TransitInput struct {
	ZoneID uuid.UUID
	Days   *int
	Bands  []string
}

// BandInput is a part of a day to be delivered in.
type BandInput struct {
	Code string
	Name i18n.Text
	From string
	To   string
}

// Validate checks the schedule by itself.
func (in SetScheduleInput) Validate() error {
	all := []error{in.checkBands()}
	if !timeOfDay.MatchString(in.CutOff) {
		all = append(all, ErrTime.At("cutOff"))
	}
	if outOfDays(in.Days) {
		all = append(all, ErrDays.At("days"))
	}
	switch {
	case in.DaysAhead < 0 || in.DaysAhead > maxLeadDays:
		all = append(all, ErrDays.At("daysAhead"))
	case in.DaysAhead > 0 && in.Days == nil && len(in.Transit) == 0:
		all = append(all, ErrNoDays.At("days"))
	}
	if len(in.Transit) > maxRules {
		all = append(all, ErrTooLong.With(maxRules).At("transit"))
	}
	for i, t := range in.Transit {
		field := fmt.Sprintf("transit.%d", i)
		if outOfDays(t.Days) {
			all = append(all, ErrDays.At(field+".days"))
		}
		if slices.ContainsFunc(in.Transit[:i], func(o TransitInput) bool { return o.ZoneID == t.ZoneID }) {
			all = append(all, ErrZoneTwice.At(field+".zoneId"))
		}
		if slices.ContainsFunc(t.Bands, func(code string) bool { return !in.has(code) }) {
			all = append(all, ErrBand.At(field+".bands"))
		}
	}
	return errors.Join(all...)
}

func outOfDays(days *int) bool { return days != nil && (*days < 0 || *days > maxLeadDays) }

func (in SetScheduleInput) has(code string) bool {
	return slices.ContainsFunc(in.Bands, func(b BandInput) bool { return b.Code == code })
}

func (in SetScheduleInput) checkBands() error {
	var all []error
	if len(in.Bands) > maxBands {
		all = append(all, ErrTooLong.With(maxBands).At("bands"))
	}
	for i, b := range in.Bands {
		field := fmt.Sprintf("bands.%d", i)
		all = append(all, b.Name.Check(field+".name", maxName, true))
		if !bandCodes.MatchString(b.Code) || slices.ContainsFunc(in.Bands[:i], func(o BandInput) bool { return o.Code == b.Code }) {
			all = append(all, ErrBand.At(field+".code"))
		}
		switch {
		case !timeOfDay.MatchString(b.From) || !timeOfDay.MatchString(b.To):
			all = append(all, ErrTime.At(field))
		case b.From != "" && b.To != "" && b.From >= b.To:
			all = append(all, ErrBand.At(field))
		}
	}
	return errors.Join(all...)
}

// SetSchedule replaces when a method delivers, and what of day and time may be chosen.
// Orders that were placed keep what they were promised; carts whose choice is no longer
// offered are told so.
func (e *Editor) SetSchedule(ctx context.Context, in SetScheduleInput) (*Method, error) {
	if err := e.allowed(ctx, in); err != nil {
		return nil, err
	}
	s := Schedule{CutOff: in.CutOff, Days: in.Days, DaysAhead: in.DaysAhead}
	for _, t := range in.Transit {
		s.Transit = append(s.Transit, Transit(t))
	}
	for _, b := range in.Bands {
		s.Bands = append(s.Bands, Band(b))
	}
	return e.changeRules(ctx, in.MethodID, "shipping_method.schedule_set", func(m *Method) { m.Schedule = s })
}
