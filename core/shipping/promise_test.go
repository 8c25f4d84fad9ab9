package shipping_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/shipping"
)

// almanac is who works when, and when parcels arrive by that.
type almanac struct {
	Calendars map[string]struct {
		Weekdays []shipping.Weekday `yaml:"weekdays"`
		Holidays bool               `yaml:"holidays"`
		Closed   []string           `yaml:"closed"`
	} `yaml:"calendars"`
	Zones map[string]struct {
		Prefectures []customer.Prefecture `yaml:"prefectures"`
		PostalCodes []string              `yaml:"postalCodes"`
		Days        int                   `yaml:"days"`
	} `yaml:"zones"`
	Places map[string]struct {
		Calendar string `yaml:"calendar"`
		CutOff   string `yaml:"cutOff"`
		Handling int    `yaml:"handling"`
	} `yaml:"places"`
	Methods map[string]struct {
		Collects string   `yaml:"collects"`
		Delivers string   `yaml:"delivers"`
		CutOff   string   `yaml:"cutOff"`
		Days     *int     `yaml:"days"`
		Zones    []string `yaml:"zones"`
		Unknown  []string `yaml:"unknown"`
		NoBands  []string `yaml:"noBands"`
		Ahead    int      `yaml:"ahead"`
		Bands    []string `yaml:"bands"`
	} `yaml:"methods"`
	Examples []promised `yaml:"examples"`
}

type promised struct {
	Name    string   `yaml:"name"`
	Method  string   `yaml:"method"` // parcel if left out
	At      string   `yaml:"at"`
	To      string   `yaml:"to"`
	From    []string `yaml:"from"` // places, or "in" and a day
	On      string   `yaml:"on"`   // the day that is chosen
	Band    string   `yaml:"band"`
	Ships   string   `yaml:"ships"` // a day, or never
	Arrives string   `yaml:"arrives"`
	Wrong   string   `yaml:"wrong"` // why the choice is refused
	Says    string   `yaml:"says"`  // is in the reason
	Bands   []string `yaml:"bands"` // those offered
}

func day(t require.TestingT, text string) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	require.NoError(t, err)
	return d
}

func readAlmanac(t *testing.T) almanac {
	t.Helper()
	raw, err := os.ReadFile("testdata/promises.yaml")
	require.NoError(t, err)
	var a almanac
	decoder := yaml.NewDecoder(strings.NewReader(string(raw)))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&a))
	return a
}

func (a almanac) calendar(t *testing.T, name string) *shipping.Calendar {
	if name == "" {
		return nil
	}
	c, ok := a.Calendars[name]
	require.True(t, ok, name)
	made := &shipping.Calendar{ID: key(name), Weekdays: c.Weekdays, Holidays: c.Holidays}
	for _, r := range c.Closed {
		first, last, _ := strings.Cut(r, "..")
		made.Closed = append(made.Closed, shipping.ClosedDays{From: day(t, first), To: day(t, last)})
	}
	return made
}

func (a almanac) method(t *testing.T, name string) shipping.Method {
	if name == "" {
		name = "parcel"
	}
	m, ok := a.Methods[name]
	require.True(t, ok, name)
	made := shipping.Method{
		Collects: a.calendar(t, m.Collects), Delivers: a.calendar(t, m.Delivers),
		Schedule: shipping.Schedule{CutOff: m.CutOff, Days: m.Days, DaysAhead: m.Ahead},
	}
	for _, code := range m.Bands {
		made.Schedule.Bands = append(made.Schedule.Bands, shipping.Band{Code: code})
	}
	for _, z := range append(slices.Clone(m.Zones), m.Unknown...) {
		made.Zones = append(made.Zones, a.zone(z))
	}
	for _, z := range m.Unknown {
		made.Schedule.Transit = append(made.Schedule.Transit, shipping.Transit{ZoneID: key(z)})
	}
	for _, z := range m.NoBands {
		days := a.Zones[z].Days
		made.Schedule.Transit = append(made.Schedule.Transit, shipping.Transit{ZoneID: key(z), Days: &days, Bands: []string{}})
	}
	for name, p := range a.Places {
		place := shipping.Place{LocationID: key(name), Calendar: a.calendar(t, p.Calendar), CutOff: p.CutOff, HandlingDays: p.Handling}
		if name == "warehouse" { // which ships first
			made.Places = slices.Insert(made.Places, 0, place)
		} else {
			made.Places = append(made.Places, place)
		}
	}
	return made
}

func (a almanac) zone(name string) shipping.Zone {
	z := a.Zones[name]
	made := shipping.Zone{ID: key(name), Prefectures: z.Prefectures, LeadDays: z.Days}
	for _, r := range z.PostalCodes {
		first, last, _ := strings.Cut(r, "-")
		made.PostalCodes = append(made.PostalCodes, shipping.PostalRange{From: first, To: last})
	}
	return made
}

func (e promised) parcel(t *testing.T) shipping.Parcel {
	at, err := time.ParseInLocation("2006-01-02 15:04", e.At, time.FixedZone("JST", 9*60*60))
	require.NoError(t, err)
	p := shipping.Parcel{At: at}
	if prefecture, postalCode, ok := strings.Cut(e.To, " "); ok {
		p.To = &shipping.Destination{Prefecture: customer.Prefecture(prefecture), PostalCode: postalCode}
	}
	for _, f := range e.From {
		source := shipping.Source{LocationID: key(f)}
		if due, comes := strings.CutPrefix(f, "in "); comes {
			source = shipping.Source{Unknown: due == "unknown"}
			if !source.Unknown {
				on := day(t, due)
				source.DueOn = &on
			}
		}
		p.Sources = append(p.Sources, source)
	}
	return p
}

func (e promised) choice(t *testing.T) shipping.Choice {
	c := shipping.Choice{Band: e.Band}
	if e.On != "" {
		on := day(t, e.On)
		c.On = &on
	}
	return c
}

func TestPromises(t *testing.T) {
	t.Parallel()
	a := readAlmanac(t)
	for _, e := range a.Examples {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			m, p, c := a.method(t, e.Method), e.parcel(t), e.choice(t)
			window := m.Window(p)
			if e.Bands != nil {
				codes := []string{}
				for _, b := range window.Bands {
					codes = append(codes, b.Code)
				}
				require.Equal(t, e.Bands, codes)
			}
			if wrong := window.Fits(c); e.Wrong != "" {
				require.NotNil(t, wrong)
				require.Equal(t, e.Wrong, string(wrong.Code))
				require.Contains(t, wrong.JA, e.Says)
				return
			} else {
				require.Nil(t, wrong)
			}
			got := m.Agreed(p, c)
			if e.Ships == "never" {
				require.Nil(t, got)
				return
			}
			require.NotNil(t, got)
			require.Equal(t, e.Ships, got.ShipsOn.Format(time.DateOnly), "leaves")
			require.Equal(t, e.Arrives, got.ArrivesOn.Format(time.DateOnly), "arrives")
		})
	}
}

// calendars are drawn so that some week is open.
func drawCalendar(t *rapid.T, label string) *shipping.Calendar {
	if rapid.Bool().Draw(t, label+" none") {
		return nil
	}
	all := []shipping.Weekday{"SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"}
	c := &shipping.Calendar{Weekdays: rapid.SliceOfNDistinct(rapid.SampledFrom(all), 0, 5, rapid.ID).Draw(t, label), Holidays: rapid.Bool().Draw(t, label+" holidays")}
	for range rapid.IntRange(0, 3).Draw(t, label+" closings") {
		first := start.AddDate(0, 0, rapid.IntRange(-5, 60).Draw(t, label+" closed"))
		c.Closed = append(c.Closed, shipping.ClosedDays{From: first, To: first.AddDate(0, 0, rapid.IntRange(0, 6).Draw(t, label+" long"))})
	}
	return c
}

var start = time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC)

func TestPromisesKeepToCalendarsAndNeverComeEarlierForLaterOrders(t *testing.T) {
	t.Parallel()
	jst := time.FixedZone("JST", 9*60*60)
	cutOffs := rapid.SampledFrom([]string{"", "09:00", "14:00", "23:59"})
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.IntRange(0, 9).Draw(t, "days")
		m := shipping.Method{
			Schedule: shipping.Schedule{Days: &days, CutOff: cutOffs.Draw(t, "carrier's cut-off"), DaysAhead: rapid.IntRange(0, 20).Draw(t, "ahead")},
			Collects: drawCalendar(t, "collects"), Delivers: drawCalendar(t, "delivers"),
		}
		p := shipping.Parcel{To: &shipping.Destination{Prefecture: "TOKYO", PostalCode: "1500001"}}
		for range rapid.IntRange(1, 3).Draw(t, "places") {
			place := shipping.Place{LocationID: uuid.New(), Calendar: drawCalendar(t, "place"), CutOff: cutOffs.Draw(t, "cut-off"), HandlingDays: rapid.IntRange(0, 4).Draw(t, "handling")}
			m.Places = append(m.Places, place)
			source := shipping.Source{LocationID: place.LocationID}
			if rapid.Bool().Draw(t, "waits") {
				due := start.AddDate(0, 0, rapid.IntRange(-5, 30).Draw(t, "due"))
				source.DueOn = &due
			}
			p.Sources = append(p.Sources, source)
		}
		minutes := rapid.IntRange(0, 40*24*60).Draw(t, "at")
		p.At = start.In(jst).Add(time.Duration(minutes) * time.Minute)
		now := m.Promise(p)
		if now == nil { // what is open on no common day for a year promises nothing, and no later either
			return
		}
		ordered := shipping.DayOf(p.At)
		require.True(t, m.Delivers.Open(now.ArrivesOn), "it arrives on a day without delivery")
		require.False(t, now.ArrivesOn.Before(now.ShipsOn.AddDate(0, 0, days)), "it travels faster than it can")
		require.False(t, now.ShipsOn.Before(ordered))
		opens := false
		for i, s := range p.Sources {
			opens = opens || m.Places[i].Calendar.Open(now.ShipsOn)
			require.False(t, s.DueOn != nil && !now.ShipsOn.After(*s.DueOn), "it leaves before it comes in")
		}
		require.True(t, opens, "it leaves on a day on which no place works")
		require.True(t, m.Collects.Open(now.ShipsOn), "it leaves on a day without collection")

		later := p
		later.At = p.At.Add(time.Duration(rapid.IntRange(0, 14*24*60).Draw(t, "later")) * time.Minute)
		if then := m.Promise(later); then != nil {
			require.False(t, then.ArrivesOn.Before(now.ArrivesOn), "ordered later, it arrives earlier")
			require.False(t, then.ShipsOn.Before(now.ShipsOn), "ordered later, it leaves earlier")
		}
		for _, on := range m.Window(p).Days() {
			agreed := m.Agreed(p, shipping.Choice{On: &on})
			require.Nil(t, m.Window(p).Fits(shipping.Choice{On: &on}))
			require.Equal(t, on, agreed.ArrivesOn)
			require.False(t, agreed.ShipsOn.Before(now.ShipsOn), "a chosen day makes it leave before it can")
		}
	})
}
