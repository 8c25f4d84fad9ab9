package pricing_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/scope"
)

// goldenFile is a file of worked examples, written for a merchant to read.
type goldenFile struct {
	Goods map[string]goldenGoods `yaml:"商品"`
	Sets  map[string]goldenSet   `yaml:"セット"`
	Cases []goldenCase           `yaml:"例"`
}

type goldenGoods struct {
	Price      int64    `yaml:"上代"`
	Cost       *int64   `yaml:"原価"`
	Tax        int      `yaml:"税率"`
	Categories []string `yaml:"分類"`
	Brand      string   `yaml:"メーカー"`
	Tags       []string `yaml:"タグ"`
}

// goldenSet is a set of the file's goods.
type goldenSet struct {
	Own     int64          `yaml:"上代"` // none: the price follows the parts
	Percent string         `yaml:"割引率"`
	Amount  *int64         `yaml:"割引額"`
	Parts   map[string]int `yaml:"構成"`
	Pick    int            `yaml:"選ぶ数"`
	Choices []string       `yaml:"選択肢"`
}

type goldenCase struct {
	Name      string           `yaml:"名前"`
	Buyer     []string         `yaml:"買い手"` // 会員, 得意先, or groups, the stronger first
	At        string           `yaml:"日時"`
	Exclusive bool             `yaml:"税抜"`
	Rounding  string           `yaml:"消費税の端数"`
	Direct    bool             `yaml:"直送"`
	Shipping  *int64           `yaml:"送料"`
	Off       int64            `yaml:"注文からの値引き"`
	Rates     []goldenRate     `yaml:"率"`
	Discounts []goldenDiscount `yaml:"数量割引"`
	Lists     []goldenList     `yaml:"価格表"`
	Quoted    map[string]int64 `yaml:"見積"`
	Cart      []goldenLine     `yaml:"かご"`
	Total     string           `yaml:"合計"`
}

type goldenScope struct {
	Who   string `yaml:"誰"`
	What  string `yaml:"品"`
	From  string `yaml:"から"`
	Until string `yaml:"まで"`
}

type goldenRate struct {
	goldenScope `yaml:",inline"`
	Kind        string `yaml:"種類"`
	Percent     string `yaml:"率"`
	Rounding    string `yaml:"端数"`
	To          int64  `yaml:"単位"`
	Below       bool   `yaml:"最低価格を下回れる"`
}

type goldenDiscount struct {
	goldenScope `yaml:",inline"`
	Mixed       bool           `yaml:"混載"`
	OnOwn       bool           `yaml:"特価にも"`
	Tiers       map[int]string `yaml:"段階"` // "5%", "-100", "800"
}

type goldenList struct {
	Name       string            `yaml:"名"`
	Who        string            `yaml:"誰"`
	Precedence int               `yaml:"優先"`
	From       string            `yaml:"から"`
	Until      string            `yaml:"まで"`
	Below      bool              `yaml:"最低価格を下回れる"`
	Prices     map[string]string `yaml:"価格"` // "550", or "600, 10個から 550"
}

type goldenLine struct {
	Item     string         `yaml:"品"`
	Quantity int            `yaml:"数"`
	Expected string         `yaml:"内訳"`
	Chosen   map[string]int `yaml:"選択"`
	Shares   string         `yaml:"配分"`
}

// key is a stable id for a name.
func key(name string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)) }

var goldenRounding = map[string]money.Rounding{"": money.RoundDown, "切捨て": money.RoundDown, "四捨五入": money.RoundHalfUp, "切上げ": money.RoundUp}

func (s goldenScope) audience() scope.Audience { return audienceNamed(s.Who) }

func audienceNamed(who string) scope.Audience {
	switch who {
	case "":
		return scope.All
	case "会員":
		return scope.Audience{Kind: scope.Member, ID: key(who)}
	case "得意先":
		return scope.Audience{Kind: scope.Company, ID: key(who)}
	case "ログイン中":
		return scope.Audience{Kind: scope.Members}
	}
	return scope.Audience{Kind: scope.Group, ID: key(who)}
}

func (s goldenScope) target() scope.Target {
	kind, name, named := strings.Cut(s.What, ":")
	switch {
	case s.What == "":
		return scope.Everything
	case !named:
		return scope.Target{Kind: scope.Variant, ID: key(s.What)}
	case kind == "商品":
		return scope.Target{Kind: scope.Product, ID: key("商品 " + name)}
	case kind == "分類":
		return scope.Target{Kind: scope.Category, ID: key(name)}
	case kind == "メーカー":
		return scope.Target{Kind: scope.ProductBrand, ID: key(name)}
	}
	return scope.Target{Kind: scope.Tag, Value: name}
}

var jst = time.FixedZone("JST", 9*60*60)

func moment(t *testing.T, text string) *time.Time {
	if text == "" {
		return nil
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", text, jst)
	require.NoError(t, err)
	return &at
}

func (s goldenScope) window(t *testing.T) scope.Window {
	return scope.NewWindow(moment(t, s.From), moment(t, s.Until))
}

// takeOff is a campaign that takes an amount off the order.
type takeOff struct{ amount int64 }

func (o takeOff) Decide(*pricing.Draft) (pricing.Decision, error) { return o, nil }

func (takeOff) Lines(*pricing.Draft) error { return nil }

func (o takeOff) Order(d *pricing.Draft) error {
	lines := make([]*pricing.Line, len(d.Quote.Lines))
	for i := range d.Quote.Lines {
		lines[i] = &d.Quote.Lines[i]
	}
	d.TakeOff(lines, o.amount, pricing.RuleCampaign, i18n.Text{"ja": "値引き"}, key("値引き"))
	return nil
}

// quote prices the case's cart.
func (c goldenCase) quote(t *testing.T, file goldenFile) pricing.Quote {
	goods := file.Goods
	at := moment(t, c.At)
	if at == nil {
		at = moment(t, "2026-11-25 12:00")
	}
	rules := pricing.Rules{Version: 1, Lists: []pricing.List{{ID: list, Currency: money.JPY, TaxInclusive: !c.Exclusive, Window: scope.Always}}}
	book := pricing.Book{}
	for name, g := range goods {
		sheet := &pricing.Sheet{Goods: scope.Goods{VariantID: key(name), ProductID: key("商品 " + name), Tags: g.Tags}, Cost: g.Cost}
		for _, category := range g.Categories {
			sheet.Categories = append(sheet.Categories, key(category))
		}
		if g.Brand != "" {
			sheet.BrandID = key(g.Brand)
		}
		if g.Price > 0 {
			sheet.Prices = append(sheet.Prices, pricing.Price{ID: key(name + " 上代"), ListID: list, VariantID: key(name), MinQuantity: 1,
				ValidFrom: scope.Beginning, ValidUntil: scope.Forever, Amount: g.Price})
		}
		book[key(name)] = sheet
	}
	c.state(t, &rules, book)
	for name, s := range file.Sets {
		rules.Sets = append(rules.Sets, s.state(t, name, book))
	}
	terms := pricing.Terms{
		Currency: money.JPY, TaxInclusive: !c.Exclusive, Rounding: goldenRounding[c.Rounding], At: *at, Zone: jst,
		Buyer: c.buyer(), Rules: pricing.NewRulebook(rules), Mode: pricing.ShipNormal,
	}
	if c.Direct {
		terms.Mode = pricing.ShipDirect
	}
	if c.Off > 0 {
		terms.Offers = takeOff{c.Off}
	}
	terms.Lists = terms.Rules.Lists(terms.Buyer, list, money.JPY, *at)
	in := pricing.QuoteInput{Terms: terms, Book: book}
	for _, l := range c.Cart {
		item := pricing.Item{VariantID: key(l.Item), Quantity: l.Quantity, TaxClass: money.TaxStandard}
		if goods[l.Item].Tax == 8 {
			item.TaxClass = money.TaxReduced
		}
		item.Parts = l.parts(file)
		if amount, ok := c.Quoted[l.Item]; ok {
			item.Agreed = &pricing.Agreed{Amount: amount, Source: key("見積")}
		}
		in.Items = append(in.Items, item)
	}
	if c.Shipping != nil {
		in.Shipping = &pricing.Fee{Label: i18n.Text{"ja": "送料"}, Amount: *c.Shipping, TaxClass: money.TaxStandard}
	}
	quote, err := pricing.NewEngine().Quote(in)
	require.NoError(t, err)
	in.Terms.Trace = true
	traced, err := pricing.NewEngine().Quote(in)
	require.NoError(t, err)
	require.Equal(t, quote.Total, traced.Total, "%s: a trace changes no price", c.Name)
	return quote
}

func (c goldenCase) buyer() (b scope.Buyer) {
	for _, who := range c.Buyer {
		switch a := audienceNamed(who); a.Kind {
		case scope.Member:
			b.MemberID = a.ID
		case scope.Company:
			b.CompanyID = a.ID
		default:
			b.Groups = append(b.Groups, a.ID)
		}
	}
	if b.IsGuest() && len(b.Groups) > 0 {
		b.MemberID = key("だれか")
	}
	return b
}

// state writes the case's rules down.
func (c goldenCase) state(t *testing.T, rules *pricing.Rules, book pricing.Book) {
	for i, r := range c.Rates {
		percent, err := decimal.NewFromString(r.Percent)
		require.NoError(t, err)
		kind := map[string]pricing.RateKind{"": pricing.RateCustomer, "掛率": pricing.RateCustomer, "直送加算": pricing.RateDirect, "最低粗利": pricing.RateFloor}[r.Kind]
		rate := pricing.Rate{ID: key(fmt.Sprint("率", i)), Kind: kind, Audience: r.audience(), Target: r.target(), Window: r.window(t),
			Percent: percent, Rounding: goldenRounding[r.Rounding], RoundTo: max(r.To, 1), BelowFloor: r.Below}
		require.NoError(t, rate.Validate(), c.Name)
		rules.Rates = append(rules.Rates, rate)
	}
	for i, d := range c.Discounts {
		q := pricing.QuantityDiscount{ID: key(fmt.Sprint("数量割引", i)), Audience: d.audience(), Target: d.target(), Window: d.window(t),
			Mixed: d.Mixed, OnCustomerPrice: d.OnOwn, Rounding: money.RoundDown, RoundTo: 1}
		for _, from := range slices.Sorted(maps.Keys(d.Tiers)) {
			q.Tiers = append(q.Tiers, goldenTier(t, from, d.Tiers[from]))
		}
		require.NoError(t, q.Validate(), c.Name)
		rules.Discounts = append(rules.Discounts, q)
	}
	for i, l := range c.Lists {
		own := pricing.List{ID: key(fmt.Sprint("価格表", i)), Code: fmt.Sprint("list-", i), Name: i18n.Text{"ja": l.Name}, Currency: money.JPY,
			TaxInclusive: !c.Exclusive, Audience: audienceNamed(l.Who), Window: goldenScope{From: l.From, Until: l.Until}.window(t),
			Precedence: l.Precedence, BelowFloor: l.Below}
		rules.Lists = append(rules.Lists, own)
		for name, text := range l.Prices {
			for _, part := range strings.Split(text, ", ") {
				from, amount, tiered := strings.Cut(part, "個から ")
				if !tiered {
					from, amount = "1", part
				}
				n, err := strconv.Atoi(from)
				require.NoError(t, err)
				minor, err := strconv.ParseInt(amount, 10, 64)
				require.NoError(t, err)
				sheet := book[key(name)]
				sheet.Prices = append(sheet.Prices, pricing.Price{ID: key(fmt.Sprint(l.Name, name, part)), ListID: own.ID, VariantID: key(name),
					MinQuantity: n, ValidFrom: scope.Beginning, ValidUntil: scope.Forever, Amount: minor})
			}
		}
	}
}

func goldenTier(t *testing.T, from int, text string) pricing.Tier {
	tier := pricing.Tier{From: from}
	number, percent := strings.CutSuffix(text, "%")
	d, err := decimal.NewFromString(number)
	require.NoError(t, err)
	minor := d.Abs().IntPart()
	switch {
	case percent:
		tier.Percent = &d
	case d.IsNegative():
		tier.Amount = &minor
	default:
		tier.Price = &minor
	}
	return tier
}

// spell writes steps as the examples do: "通常価格 3000 / 掛率 65% -1050 = 1950".
func spell(steps []pricing.Step, total int64) string {
	parts := make([]string, len(steps))
	for i, s := range steps {
		parts[i] = fmt.Sprintf("%s %d", s.Label["ja"], s.Change.Minor)
	}
	return fmt.Sprintf("%s = %d", strings.Join(parts, " / "), total)
}

func TestWorkedExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	cases := 0
	for _, path := range files {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		var file goldenFile
		decoder := yaml.NewDecoder(strings.NewReader(string(raw)))
		decoder.KnownFields(true)
		require.NoError(t, decoder.Decode(&file), path)
		for _, c := range file.Cases {
			cases++
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				require.NotEmpty(t, c.Cart)
				quote := c.quote(t, file)
				for i, line := range quote.Lines {
					got := "価格なし"
					if line.Err == nil {
						got = spell(line.Breakdown, line.Total.Minor)
					}
					require.Equal(t, c.Cart[i].Expected, got, "%s: %d行目 %s", c.Name, i+1, c.Cart[i].Item)
					require.Equal(t, c.Cart[i].Shares, shared(line), "%s: %d行目 %s", c.Name, i+1, c.Cart[i].Item)
				}
				if c.Total != "" {
					got := spell(quote.Breakdown, quote.Total.Minor)
					for _, taxed := range quote.Taxes {
						if !c.Exclusive {
							got += fmt.Sprintf("（内消費税%d%% %d）", taxed.Class.Percent(), taxed.Tax.Minor)
						}
					}
					require.Equal(t, c.Total, got, "%s: 合計", c.Name)
				}
			})
		}
	}
	require.GreaterOrEqual(t, cases, 60)
}

// state is the set, with its sheet in the book.
func (s goldenSet) state(t *testing.T, name string, book pricing.Book) sale.Set {
	set := sale.Set{VariantID: key(name), PriceRule: sale.PartsPrice, Amount: s.Amount}
	sheet := &pricing.Sheet{Goods: scope.Goods{VariantID: key(name), ProductID: key("商品 " + name)}, Parts: pricing.Book{}}
	if s.Percent != "" {
		percent, err := decimal.NewFromString(s.Percent)
		require.NoError(t, err)
		set.Percent = &percent
	}
	if s.Own > 0 {
		set.PriceRule = sale.OwnPrice
		sheet.Prices = []pricing.Price{{ID: key(name + " 上代"), ListID: list, VariantID: key(name), MinQuantity: 1, ValidFrom: scope.Beginning, ValidUntil: scope.Forever, Amount: s.Own}}
	}
	for _, part := range slices.Sorted(maps.Keys(s.Parts)) {
		set.Parts = append(set.Parts, sale.SetPart{VariantID: key(part), Quantity: s.Parts[part]})
	}
	if s.Pick > 0 {
		slot := sale.Slot{Number: 1, Name: i18n.JA("枠"), Pick: s.Pick}
		for _, choice := range s.Choices {
			slot.Choices = append(slot.Choices, key(choice))
		}
		set.Slots = append(set.Slots, slot)
	}
	require.NoError(t, set.Validate(), name)
	for _, v := range set.Variants() {
		sheet.Parts[v] = book[v]
	}
	book[key(name)] = sheet
	return set
}

// parts are those of a set, and what was chosen for it, by name.
func (l goldenLine) parts(file goldenFile) []pricing.Part {
	held := maps.Clone(file.Sets[l.Item].Parts)
	for name, n := range l.Chosen {
		if held == nil {
			held = map[string]int{}
		}
		held[name] += n
	}
	var parts []pricing.Part
	for _, name := range slices.Sorted(maps.Keys(held)) {
		part := pricing.Part{VariantID: key(name), Quantity: held[name], TaxClass: money.TaxStandard}
		if file.Goods[name].Tax == 8 {
			part.TaxClass = money.TaxReduced
		}
		parts = append(parts, part)
	}
	return parts
}

// shared writes what the parts bear of a line: "8% 600 + 10% 900".
func shared(line pricing.Line) string {
	parts := make([]string, len(line.Shares))
	for i, s := range line.Shares {
		parts[i] = fmt.Sprintf("%d%% %d", line.Parts[i].TaxClass.Percent(), s.Minor)
	}
	return strings.Join(parts, " + ")
}
