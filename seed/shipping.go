package seed

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/core/shipping"
	"github.com/noren-commerce/noren/storage/postgres"
)

// zones are the parts of the country as the sample carriers see them.
var zones = []struct {
	code, ja, en string
	prefectures  []customer.Prefecture
	postalCodes  []shipping.PostalRange
	days         int
}{
	{"hokkaido", "北海道", "Hokkaido", []customer.Prefecture{"HOKKAIDO"}, nil, 2},
	{"kyushu", "九州", "Kyushu", []customer.Prefecture{"FUKUOKA", "SAGA", "NAGASAKI", "KUMAMOTO", "OITA", "MIYAZAKI", "KAGOSHIMA"}, nil, 2},
	{"okinawa", "沖縄", "Okinawa", []customer.Prefecture{"OKINAWA"}, nil, 3},
	{"islands", "離島", "Remote islands", nil, []shipping.PostalRange{
		{From: "1000101", To: "1002211"}, // 伊豆諸島・小笠原
		{From: "6840100", To: "6850435"}, // 隠岐
		{From: "8115100", To: "8115762"}, // 壱岐
		{From: "8170000", To: "8171722"}, // 対馬
		{From: "8940000", To: "8949999"}, // 奄美
		{From: "9071101", To: "9071801"}, // 八重山
	}, 5},
}

// queueShipping writes carriers, zones, and how goods can be shipped.
func (b Brand) queueShipping(batch *pgx.Batch) {
	for _, c := range []struct{ code, ja, en, track string }{
		{"kamome", "かもめ急便", "Kamome Express", "https://track.kamome.example/?no={number}"},
		{"hayate", "はやて運輸", "Hayate Transport", "https://hayate.example/parcels/{number}"},
	} {
		batch.Queue(`INSERT INTO shipping_carriers (id, brand_id, code, name, tracking_url) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			key("carrier", b.Code, c.code), b.ID, c.code, i18n.Text{"ja": c.ja, "en": c.en}, c.track)
	}
	for _, z := range zones {
		batch.Queue(`INSERT INTO shipping_zones (id, brand_id, code, name, prefectures, postal_codes, lead_days) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			b.zone(z.code), b.ID, z.code, i18n.Text{"ja": z.ja, "en": z.en}, orNone(z.prefectures), orNone(z.postalCodes), z.days)
	}
	five := int64(5000)
	for i, m := range []struct {
		code, carrier string
		name, hint    i18n.Text
		fee           int64
		tariff        shipping.Tariff
		limits        shipping.Limits
	}{
		{"parcel", "kamome", i18n.Text{"ja": "宅配便", "en": "Parcel"}, i18n.Text{"ja": "ご注文から2〜4日でお届けします。", "en": "Arrives 2 to 4 days after the order."}, 660,
			shipping.Tariff{Rows: b.table(), Surcharges: shipping.Surcharges{Chilled: 220, Frozen: 330, Oversize: 1100}}, shipping.Limits{}},
		{"mail", "kamome", i18n.Text{"ja": "メール便", "en": "Letter post"}, i18n.Text{"ja": "ポストにお届けします。日時の指定はできません。", "en": "Left in the letter box; no choice of day or time."}, 250,
			shipping.Tariff{}, shipping.Limits{Temperatures: []shipping.Temperature{shipping.Chilled, shipping.Frozen}, Oversize: true, Payments: []shipping.PaymentLimit{{Method: payment.MethodCashOnDelivery}}}},
		{"hayate", "hayate", i18n.Text{"ja": "はやて便（5,000円以上で送料無料）", "en": "Hayate (free from ¥5,000)"}, i18n.Text{"ja": "5,000円以上のお買い上げで送料無料。沖縄・離島は対象外です。", "en": "Free from ¥5,000, but not to Okinawa and remote islands."}, 800,
			shipping.Tariff{Free: []shipping.FreeRule{
				{From: &five, Audience: scope.All, Window: scope.Always}, {ZoneID: b.zone("okinawa"), Audience: scope.All, Window: scope.Always},
			}}, shipping.Limits{Destinations: []shipping.DestinationLimit{{ZoneID: *b.zone("islands")}}, Temperatures: []shipping.Temperature{shipping.Frozen}}},
		{"cool", "kamome", i18n.Text{"ja": "クール宅配便", "en": "Chilled parcel"}, i18n.Text{"ja": "すべて冷蔵でお届けします。", "en": "Everything travels chilled."}, 1100,
			shipping.Tariff{Surcharges: shipping.Surcharges{Oversize: 1100}}, shipping.Limits{Destinations: []shipping.DestinationLimit{{ZoneID: *b.zone("islands")}}, Temperatures: []shipping.Temperature{shipping.Frozen}}},
	} {
		batch.Queue(`
			INSERT INTO shipping_methods (id, brand_id, code, name, description, fee, position, carrier_id, tariff, limits, zone_ids)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
			key("shipping", b.Code, m.code), b.ID, m.code, m.name, m.hint, m.fee, i, key("carrier", b.Code, m.carrier), m.tariff, m.limits, named(m.tariff, m.limits))
	}
	ten, thirty := int64(10_000), int64(30_000)
	batch.Queue(`INSERT INTO delivery_terms (brand_id, active, most, tax_class, bands, updated_at) VALUES ($1, true, 300000, 'STANDARD', $2, $3) ON CONFLICT DO NOTHING`,
		b.ID, []payment.DeliveryBand{{UpTo: &ten, FeeMinor: 330}, {UpTo: &thirty, FeeMinor: 440}, {FeeMinor: 660}}, Since)
}

func (b Brand) zone(code string) *uuid.UUID {
	z := key("zone", b.Code, code)
	return &z
}

// table is the parcel's fee table: by zone, and by size and weight.
func (b Brand) table() (rows []shipping.Row) {
	sizes := []struct{ size, grams int }{{60, 2000}, {80, 5000}, {100, 10_000}, {120, 15_000}, {140, 20_000}, {160, 25_000}}
	for _, z := range []struct {
		zone *uuid.UUID
		base int64
	}{{b.zone("islands"), 1540}, {b.zone("okinawa"), 1320}, {b.zone("hokkaido"), 990}, {b.zone("kyushu"), 880}, {nil, 660}} {
		for i, s := range sizes {
			rows = append(rows, shipping.Row{ZoneID: z.zone, MaxSize: &s.size, MaxGrams: &s.grams, FeeMinor: z.base + int64(i)*220})
		}
		rows = append(rows, shipping.Row{ZoneID: z.zone, FeeMinor: z.base + 1980}) // several parcels
	}
	return rows
}

// named are the zones that the rules speak of, each once.
func named(t shipping.Tariff, l shipping.Limits) []uuid.UUID {
	all, seen := []uuid.UUID{}, map[uuid.UUID]bool{}
	add := func(z *uuid.UUID) {
		if z != nil && !seen[*z] {
			all, seen[*z] = append(all, *z), true
		}
	}
	for _, r := range t.Rows {
		add(r.ZoneID)
	}
	for _, f := range t.Free {
		add(f.ZoneID)
	}
	for _, d := range l.Destinations {
		add(&d.ZoneID)
	}
	return all
}

// packed says how goods travel: sweets of the café chilled, beds as bulky goods, which
// are not shipped directly.
func (b Brand) packed(ctx context.Context, db *postgres.DB) error {
	_, err := db.Pool().Exec(ctx, `
		INSERT INTO shipping_traits (variant_id, length, width, height, temperature, oversize, no_direct)
		SELECT DISTINCT ON (v.id) v.id, CASE WHEN bed THEN 90 ELSE 20 END, CASE WHEN bed THEN 70 ELSE 15 END, CASE WHEN bed THEN 25 ELSE 8 END,
			CASE WHEN bed THEN 'AMBIENT' ELSE 'CHILLED' END, bed, bed
		FROM (SELECT c.id, c.slug LIKE '%-beds' AS bed FROM categories c WHERE c.brand_id = $1 AND c.slug IN ('cafe', 'dog-beds', 'cat-beds')) c
		JOIN product_categories pc ON pc.category_id = c.id JOIN variants v ON v.product_id = pc.product_id
		ORDER BY v.id, bed DESC ON CONFLICT DO NOTHING`, b.ID)
	return err
}

func orNone[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
