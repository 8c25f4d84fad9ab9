package shipping_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/core/shipping"
)

// sheet is a merchant's rules, and what parcels cost by them.
type sheet struct {
	Zones map[string]struct {
		Prefectures []customer.Prefecture `yaml:"prefectures"`
		PostalCodes []string              `yaml:"postalCodes"`
	} `yaml:"zones"`
	Methods  map[string]method `yaml:"methods"`
	Examples []example         `yaml:"examples"`
}

type method struct {
	Fee  int64 `yaml:"fee"`
	Rows []struct {
		Zone   string `yaml:"zone"`
		Size   *int   `yaml:"size"`
		Grams  *int   `yaml:"grams"`
		Pieces *int   `yaml:"pieces"`
		Amount *int64 `yaml:"amount"`
		Fee    int64  `yaml:"fee"`
	} `yaml:"rows"`
	Surcharges struct{ Chilled, Frozen, Oversize int64 } `yaml:"surcharges"`
	Free       []struct {
		Zone       string `yaml:"zone"`
		From       *int64 `yaml:"from"`
		For        string `yaml:"for"`
		After      string `yaml:"after"`
		Surcharges bool   `yaml:"surcharges"`
	} `yaml:"free"`
	Limits struct {
		Temperatures       []shipping.Temperature    `yaml:"temperatures"`
		Oversize           bool                      `yaml:"oversize"`
		Tags               []string                  `yaml:"tags"`
		Destinations       []string                  `yaml:"destinations"`
		DirectDestinations []string                  `yaml:"directDestinations"`
		Modes              []pricing.ShippingMode    `yaml:"modes"`
		Payments           map[payment.Method]string `yaml:"payments"`
	} `yaml:"limits"`
}

type example struct {
	Name   string `yaml:"name"`
	Method string `yaml:"method"`
	To     string `yaml:"to"`
	Direct bool   `yaml:"direct"`
	Buyer  string `yaml:"buyer"`
	Amount int64  `yaml:"amount"`
	Goods  []struct {
		Grams       int                  `yaml:"grams"`
		Sides       []int                `yaml:"sides"`
		Pieces      int                  `yaml:"pieces"`
		Temperature shipping.Temperature `yaml:"temperature"`
		Oversize    bool                 `yaml:"oversize"`
		Tags        []string             `yaml:"tags"`
	} `yaml:"goods"`
	Want     string           `yaml:"want"` // a fee, or why there is none
	Says     string           `yaml:"says"` // is in the reason
	Missing  *int64           `yaml:"missing"`
	Excluded []payment.Method `yaml:"excluded"`
}

var (
	now  = time.Date(2026, 7, 1, 3, 0, 0, 0, time.UTC)
	gold = key("gold")
)

func key(name string) uuid.UUID { return uuid.NewSHA1(uuid.Nil, []byte(name)) }

func keyOrNil(name string) *uuid.UUID {
	if name == "" {
		return nil
	}
	k := key(name)
	return &k
}

func read(t *testing.T, path string) sheet {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var s sheet
	decoder := yaml.NewDecoder(strings.NewReader(string(raw)))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&s))
	return s
}

func (s sheet) zones() (all []shipping.Zone) {
	for name, z := range s.Zones {
		zone := shipping.Zone{ID: key(name), Prefectures: z.Prefectures}
		for _, r := range z.PostalCodes {
			from, to, _ := strings.Cut(r, "-")
			zone.PostalCodes = append(zone.PostalCodes, shipping.PostalRange{From: from, To: to})
		}
		all = append(all, zone)
	}
	return all
}

func (s sheet) method(t *testing.T, name string) shipping.Method {
	t.Helper()
	m, ok := s.Methods[name]
	require.True(t, ok, name)
	made := shipping.Method{ID: key(name), FeeMinor: m.Fee, Zones: s.zones()}
	for _, r := range m.Rows {
		made.Tariff.Rows = append(made.Tariff.Rows, shipping.Row{ZoneID: keyOrNil(r.Zone), MaxGrams: r.Grams, MaxSize: r.Size, MaxPieces: r.Pieces, MaxAmount: r.Amount, FeeMinor: r.Fee})
	}
	made.Tariff.Surcharges = shipping.Surcharges(m.Surcharges)
	for _, f := range m.Free {
		rule := shipping.FreeRule{ZoneID: keyOrNil(f.Zone), From: f.From, Audience: scope.All, Window: scope.Always, Surcharges: f.Surcharges}
		switch f.For {
		case "members":
			rule.Audience = scope.Audience{Kind: scope.Members}
		case "gold":
			rule.Audience = scope.Audience{Kind: scope.Group, ID: gold}
		}
		if f.After != "" {
			from, err := time.Parse(time.DateOnly, f.After)
			require.NoError(t, err)
			rule.Window.From = from
		}
		made.Tariff.Free = append(made.Tariff.Free, rule)
	}
	made.Limits = m.limits()
	return made
}

func (m method) limits() shipping.Limits {
	direct, l := pricing.ShipDirect, m.Limits
	limits := shipping.Limits{Temperatures: l.Temperatures, Oversize: l.Oversize, Modes: l.Modes}
	for _, tag := range l.Tags {
		limits.Goods = append(limits.Goods, scope.Target{Kind: scope.Tag, Value: tag})
	}
	for _, zone := range l.Destinations {
		limits.Destinations = append(limits.Destinations, shipping.DestinationLimit{ZoneID: key(zone)})
	}
	for _, zone := range l.DirectDestinations {
		limits.Destinations = append(limits.Destinations, shipping.DestinationLimit{ZoneID: key(zone), Mode: &direct})
	}
	for paid, mode := range l.Payments {
		limit := shipping.PaymentLimit{Method: paid}
		if mode == "DIRECT" {
			limit.Mode = &direct
		}
		limits.Payments = append(limits.Payments, limit)
	}
	return limits
}

func (e example) parcel() shipping.Parcel {
	p := shipping.Parcel{Mode: pricing.ShipNormal, At: now, Amount: e.Amount}
	if e.Direct {
		p.Mode = pricing.ShipDirect
	}
	if prefecture, code, ok := strings.Cut(e.To, " "); ok {
		p.To = &shipping.Destination{Prefecture: customer.Prefecture(prefecture), PostalCode: code}
	}
	if e.Buyer != "" {
		p.Buyer.MemberID = key("tanaka")
	}
	if e.Buyer == "gold" {
		p.Buyer.Groups = []uuid.UUID{gold}
	}
	for i, g := range e.Goods {
		sides := append(g.Sides, 0, 0, 0)
		traits := shipping.Traits{Length: sides[0], Width: sides[1], Height: sides[2], Temperature: g.Temperature, Oversize: g.Oversize}
		if traits.Temperature == "" {
			traits.Temperature = shipping.Ambient
		}
		p.Pieces = append(p.Pieces, shipping.Piece{SKU: fmt.Sprint("SKU-", i), Goods: scope.Goods{Tags: g.Tags}, Grams: g.Grams, Traits: &traits, Quantity: max(g.Pieces, 1)})
	}
	return p
}

func TestExamplesOfFees(t *testing.T) {
	t.Parallel()
	s := read(t, "testdata/fees.yaml")
	require.Greater(t, len(s.Examples), 30)
	for _, e := range s.Examples {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			v := s.method(t, e.Method).Assess(e.parcel())
			if fee, err := strconv.ParseInt(e.Want, 10, 64); err == nil {
				require.Nil(t, v.Problem)
				require.Equal(t, fee, v.FeeMinor)
				sum := int64(0)
				for _, part := range v.Parts {
					sum += part.Minor
				}
				require.Equal(t, fee, sum, "the parts add up")
			} else {
				require.NotNil(t, v.Problem)
				require.Equal(t, e.Want, string(v.Problem.Code))
				require.Contains(t, v.Problem.JA, e.Says)
				require.NotContains(t, v.Problem.JA+v.Problem.EN, "%")
			}
			if e.Missing != nil {
				require.Equal(t, e.Missing, v.MissingMinor)
			}
			require.ElementsMatch(t, e.Excluded, v.Excluded)
		})
	}
}
