// Package seed makes a believable Japanese pet retailer to try noren with, and
// catalogs of any size to measure it with. The same seed is the same shop.
package seed

import (
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
)

// Since is when the sample shop opened; its products appear day by day from then.
var Since = time.Date(2025, 4, 1, 0, 0, 0, 0, time.UTC)

// key is the stable key of a sample thing.
func key(parts ...string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("noren:seed:"+strings.Join(parts, "/")))
}

// Brand is one of the sample retailer's businesses.
type Brand struct {
	ID, ChannelID, PriceListID uuid.UUID
	Code                       string
	Name                       i18n.Text
	Shops                      []Location
	families                   []family
}

// Location is a warehouse or shop.
type Location struct {
	ID       uuid.UUID
	Code     string
	Name     i18n.Text
	Kind     string
	Address  customer.Address
	Priority int
}

// Brands are the sample retailer's two businesses and their eight shops.
func Brands() []Brand {
	return []Brand{
		brand("wanko", i18n.Text{"ja": "わんこ日和", "en": "Wanko Biyori"}, families, []Location{
			shop("shibuya", "渋谷店", "Shibuya", "TOKYO", "1500002", "渋谷区", "渋谷9-8-7", "0300000001"),
			shop("kichijoji", "吉祥寺店", "Kichijoji", "TOKYO", "1800003", "武蔵野市", "吉祥寺南町9-8", "0422000002"),
			shop("yokohama", "横浜店", "Yokohama", "KANAGAWA", "2200011", "横浜市西区", "高島9-9", "0450000003"),
			shop("umeda", "梅田店", "Umeda", "OSAKA", "5300001", "大阪市北区", "梅田9-9-9", "0660000004"),
			shop("sakae", "栄店", "Sakae", "AICHI", "4600008", "名古屋市中区", "栄9-9-9", "0520000005"),
		}),
		brand("neko", i18n.Text{"ja": "ねこのて商店", "en": "Neko no Te"}, families[7:13], []Location{
			shop("jiyugaoka", "自由が丘店", "Jiyugaoka", "TOKYO", "1520035", "目黒区", "自由が丘9-9", "0300000006"),
			shop("kyoto", "京都店", "Kyoto", "KYOTO", "6008001", "京都市下京区", "四条通9-9", "0750000007"),
			shop("tenjin", "天神店", "Tenjin", "FUKUOKA", "8100001", "福岡市中央区", "天神9-9-9", "0920000008"),
		}),
	}
}

func brand(code string, name i18n.Text, families []family, shops []Location) Brand {
	warehouse := Location{Code: "main", Name: i18n.Text{"ja": "物流センター", "en": "Distribution centre"}, Kind: "WAREHOUSE",
		Address: customer.Address{Name: name["ja"], PostalCode: "2730012", Prefecture: "CHIBA", City: "船橋市", Line1: "浜町9-9", Phone: "0470000000"}}
	b := Brand{
		ID: key("brand", code), ChannelID: key("channel", code), PriceListID: key("list", code),
		Code: code, Name: name, Shops: append([]Location{warehouse}, shops...), families: families,
	}
	for i := range b.Shops {
		b.Shops[i].ID, b.Shops[i].Priority = key("location", code, b.Shops[i].Code), i
	}
	return b
}

func shop(code, ja, en string, prefecture customer.Prefecture, postal, city, line, phone string) Location {
	return Location{Code: code, Name: i18n.Text{"ja": ja, "en": en}, Kind: "SHOP",
		Address: customer.Address{Name: ja, PostalCode: postal, Prefecture: prefecture, City: city, Line1: line, Phone: phone}}
}

// CategoryID is the key of a shelf of the brand.
func (b Brand) CategoryID(slug string) uuid.UUID { return key("category", b.Code, slug) }

// MakerID is the key of a manufacturer's brand.
func (b Brand) MakerID(slug string) uuid.UUID { return key("maker", b.Code, slug) }

// AttributeID is the key of an attribute of the brand.
func (b Brand) AttributeID(code string) uuid.UUID { return key("attribute", b.Code, code) }

// Products are the brand's products: each combination of a family, its traits,
// kinds and makers, again and again with a lot number until there are n; 0 means
// each once.
func (b Brand) Products(n int) iter.Seq[catalog.Bundle] {
	return func(yield func(catalog.Bundle) bool) {
		made := 0
		for lot := 0; ; lot++ {
			for _, f := range b.families {
				for _, c := range f.combinations(lot) {
					if n > 0 && made == n || !yield(b.product(f, c)) {
						return
					}
					made++
				}
			}
			if n == 0 {
				return
			}
		}
	}
}

// combination is one product of a family.
type combination struct {
	trait, kind, maker word
	lot                int
}

func (f family) combinations(lot int) []combination {
	var all []combination
	for i, t := range f.traits {
		for j, k := range f.kinds {
			all = append(all, combination{t, k, makers[(i*3+j+lot)%len(makers)], lot})
		}
	}
	return all
}

func (b Brand) product(f family, c combination) catalog.Bundle {
	slug := strings.Join([]string{f.category, f.slug, c.trait.slug, c.kind.slug, c.maker.slug}, "-")
	if c.lot > 0 {
		slug += fmt.Sprintf("-%d", c.lot)
	}
	chance := rand.New(rand.NewPCG(hash(slug), 1)) //nolint:gosec // samples need no secrecy
	maker := b.MakerID(c.maker.slug)
	opened := Since.Add(time.Duration(chance.IntN(500*24*60)) * time.Minute)
	p := catalog.Product{
		ID: key("product", b.Code, slug), BrandID: b.ID, ProductBrandID: &maker, Slug: slug,
		Name:        f.named(c),
		Description: i18n.Text{"ja": "<p>" + fmt.Sprintf(f.about["ja"], c.trait.ja, c.kind.ja) + "</p>", "en": "<p>" + fmt.Sprintf(f.about["en"], c.trait.en, c.kind.en) + "</p>"},
		SEOTitle:    i18n.Text{}, SEODescription: i18n.Text{},
		Tags: []string{c.trait.ja, c.kind.ja}, Status: catalog.StatusActive, TaxClass: money.TaxStandard, CreatedAt: opened, UpdatedAt: opened,
	}
	if f.pet == "human" {
		p.TaxClass = money.TaxReduced
	}
	bundle := catalog.Bundle{Product: p, Categories: []uuid.UUID{b.CategoryID(f.category)}}
	bundle.Media = []catalog.Media{{ID: key("media", b.Code, slug), ProductID: p.ID, Kind: "IMAGE", URL: "/sample/" + f.pet + "/" + slug + ".svg", Alt: p.Name}}
	bundle.Attributes = []catalog.AttributeValue{
		{ProductID: p.ID, AttributeID: b.AttributeID("pet"), Value: f.pet},
		{ProductID: p.ID, AttributeID: b.AttributeID("origin"), Value: []string{"jp", "jp", "jp", "nz", "fr"}[chance.IntN(5)]},
	}
	switch c.kind.slug {
	case "puppy", "kitten", "adult", "senior":
		bundle.Attributes = append(bundle.Attributes, catalog.AttributeValue{ProductID: p.ID, AttributeID: b.AttributeID("stage"), Value: c.kind.slug})
	}
	b.variants(&bundle, f, c.lot, chance)
	return bundle
}

func (f family) named(c combination) i18n.Text {
	name := i18n.Text{
		"ja": fmt.Sprintf(f.name["ja"], c.maker.ja, c.trait.ja, c.kind.ja),
		"en": fmt.Sprintf(f.name["en"], c.maker.en, c.trait.en, c.kind.en),
	}
	if c.lot > 0 {
		name["ja"] += fmt.Sprintf(" 第%dロット", c.lot)
		name["en"] += fmt.Sprintf(" (lot %d)", c.lot)
	}
	return name
}

// variants adds the sizes and colours with prices, stock and the listing.
func (b Brand) variants(bundle *catalog.Bundle, f family, lot int, chance *rand.Rand) {
	p := &bundle.Product
	p.Options = []catalog.Option{{Name: f.option}}
	for _, s := range f.sizes {
		p.Options[0].Values = append(p.Options[0].Values, s.label)
	}
	tones := []string{""}
	if len(f.colours) > 0 {
		tones = f.colours
		p.Options = append(p.Options, catalog.Option{Name: optionColour, Values: f.colours})
	}
	number := fmt.Sprintf("%s-%08X", strings.ToUpper(b.Code[:2]), uint32(hash(p.Slug))) //nolint:gosec // a part of the hash is meant
	if lot > 0 {                                                                        // so short a hash meets itself in a large catalog
		number += fmt.Sprintf("-L%d", lot)
	}
	listing := catalog.Listing{ChannelID: b.ChannelID, ProductID: p.ID, Published: true, PublishedAt: p.CreatedAt, NameKey: p.Name["ja"], Popularity: int64(chance.IntN(1000))}
	dearer := int64(chance.IntN(4)) * 100 // makers charge differently
	for _, s := range f.sizes {
		for _, tone := range tones {
			b.variant(bundle, &listing, s, tone, fmt.Sprintf("%s-%d", number, len(bundle.Variants)+1), dearer, chance)
		}
	}
	bundle.Listings = []catalog.Listing{listing}
}

func (b Brand) variant(bundle *catalog.Bundle, listing *catalog.Listing, s size, tone, sku string, dearer int64, chance *rand.Rand) {
	n := len(bundle.Variants)
	yen := s.yen + dearer
	cost := yen * 6 / 10
	v := catalog.Variant{
		ID: key("variant", b.Code, bundle.Product.Slug, fmt.Sprint(n)), BrandID: b.ID, ProductID: bundle.Product.ID,
		SKU:     sku,
		Barcode: barcode(hash(bundle.Product.Slug) + uint64(n)), Options: []string{s.label}, Weight: s.weight, Cost: &cost, Position: n, Active: true,
	}
	if tone != "" {
		v.Options = append(v.Options, tone)
	}
	price := catalog.ListPrice{PriceListID: b.PriceListID, VariantID: v.ID, Amount: yen}
	if chance.IntN(8) == 0 {
		before := yen * 12 / 10
		price.CompareAt = &before
	}
	for i, location := range b.Shops {
		pieces := chance.IntN(12)
		if i == 0 {
			pieces = chance.IntN(400)
		}
		if chance.IntN(20) == 0 {
			pieces = 0
		}
		listing.InStock = listing.InStock || pieces > 0
		bundle.Stock = append(bundle.Stock, catalog.Stock{VariantID: v.ID, LocationID: location.ID, OnHand: pieces})
	}
	if listing.MinPrice == nil || yen < *listing.MinPrice {
		listing.MinPrice = &price.Amount
	}
	if listing.MaxPrice == nil || yen > *listing.MaxPrice {
		listing.MaxPrice = &price.Amount
	}
	bundle.Variants = append(bundle.Variants, v)
	bundle.Prices = append(bundle.Prices, price)
}

// barcode is an EAN-13 of the range that is reserved for use inside a company.
func barcode(n uint64) string {
	digits := fmt.Sprintf("20%010d", n%10_000_000_000)
	sum := 0
	for i, d := range digits {
		sum += int(d-'0') * (1 + 2*(i%2))
	}
	return digits + fmt.Sprint((10-sum%10)%10)
}

func hash(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	return h.Sum64()
}
