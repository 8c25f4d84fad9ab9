package promotion_test

import (
	"crypto/md5"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/scope"
)

var tokyo = time.FixedZone("JST", 9*60*60)

// key is the id of something with a name: the same in every test.
func key(name string) uuid.UUID { return uuid.UUID(md5.Sum([]byte(name))) }

var list = key("price list")

// goods is one variant of the sample shop.
type goods struct {
	Price    int64  `yaml:"price"`
	Category string `yaml:"category"`
	Brand    string `yaml:"brand"`
	Tag      string `yaml:"tag"`
	Cost     int64  `yaml:"cost"`
	Reduced  bool   `yaml:"reduced"`
}

func (g goods) sheet(name string) *pricing.Sheet {
	s := &pricing.Sheet{Goods: scope.Goods{VariantID: key(name), ProductID: key("product " + name)}}
	if g.Category != "" {
		s.Categories = []uuid.UUID{key("category " + g.Category)}
	}
	if g.Brand != "" {
		s.BrandID = key("brand " + g.Brand)
	}
	if g.Tag != "" {
		s.Tags = []string{g.Tag}
	}
	if g.Cost > 0 {
		s.Cost = &g.Cost
	}
	s.Prices = []pricing.Price{{ID: key("price " + name), ListID: list, VariantID: s.VariantID, MinQuantity: 1, ValidFrom: scope.Beginning, ValidUntil: scope.Forever, Amount: g.Price}}
	return s
}

func terms(at time.Time, buyer scope.Buyer, campaigns []promotion.Campaign) pricing.Terms {
	return pricing.Terms{
		Currency: money.JPY, TaxInclusive: true, Rounding: money.RoundDown, At: at, Zone: tokyo, ChannelID: key("channel web"),
		Buyer: buyer, Lists: []pricing.List{{ID: list}}, Offers: promotion.NewBook(1, campaigns).For(buyer, nil), Mode: pricing.ShipNormal,
	}
}

// campaign is a campaign for everyone, for all goods, always.
func campaign(code string, benefits ...promotion.Benefit) promotion.Campaign {
	return promotion.Campaign{
		ID: key("campaign " + code), Code: code, Name: i18n.JA(code), Status: promotion.Ready, Currency: money.JPY, Window: scope.Always,
		Audiences: []scope.Audience{scope.All}, Stacking: promotion.Combinable, Benefits: benefits,
	}
}

func percent(kind promotion.BenefitKind, p string) promotion.Benefit {
	d := decimal.RequireFromString(p)
	return promotion.Benefit{Kind: kind, Percent: &d}
}

func amount(kind promotion.BenefitKind, yen int64) promotion.Benefit {
	return promotion.Benefit{Kind: kind, Amount: &yen}
}

func cart(sheets map[string]goods, lines map[string]int) (pricing.Book, []pricing.Item) {
	book, items := pricing.Book{}, []pricing.Item{}
	for name, quantity := range lines {
		g := sheets[name]
		book[key(name)] = g.sheet(name)
		class := money.TaxStandard
		if g.Reduced {
			class = money.TaxReduced
		}
		items = append(items, pricing.Item{VariantID: key(name), Quantity: quantity, TaxClass: class})
	}
	return book, items
}

func quote(t require.TestingT, in pricing.QuoteInput) pricing.Quote {
	q, err := pricing.NewEngine().Quote(in)
	require.NoError(t, err)
	return q
}

func TestHappyHourMayPassMidnight(t *testing.T) {
	t.Parallel()
	from, until := 22*60, 2*60
	c := campaign("night", percent(promotion.OrderPercent, "10"))
	c.Recurrence = promotion.Recurrence{Weekdays: []int{int(time.Friday)}, From: &from, Until: &until}
	book, items := cart(map[string]goods{"a": {Price: 1000}}, map[string]int{"a": 1})
	at := func(day, hour int) int64 {
		return quote(t, pricing.QuoteInput{Terms: terms(time.Date(2026, 11, day, hour, 0, 0, 0, tokyo), scope.Buyer{}, []promotion.Campaign{c}), Book: book, Items: items}).Total.Minor
	}
	require.Equal(t, int64(900), at(27, 22), "Friday evening")
	require.Equal(t, int64(900), at(28, 1), "still Friday's")
	require.Equal(t, int64(1000), at(28, 2), "over")
	require.Equal(t, int64(1000), at(28, 22), "Saturday evening")
	require.Equal(t, int64(1000), at(27, 1), "Thursday's night")
}

func mustNoon() time.Time { return time.Date(2026, 11, 25, 12, 0, 0, 0, tokyo) }
