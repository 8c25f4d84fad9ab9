package seed

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/purchase"
	"github.com/noren-commerce/noren/core/statistics"
	"github.com/noren-commerce/noren/storage/postgres"
)

// sampleRanks are the ranks of the first brand, by what a year's purchases come to.
var sampleRanks = []struct {
	code, ja, en string
	least        int64
}{{"REGULAR", "レギュラー", "Regular", 0}, {"SILVER", "シルバー", "Silver", 30_000}, {"GOLD", "ゴールド", "Gold", 100_000}}

// WriteMembers makes the sample customers members of their brands, with cards, and has a
// till's journal taken in: one of its receipts has goods that nobody knows, and one a
// card. The figures by day are counted. What is there already stays.
func WriteMembers(ctx context.Context, db *postgres.DB, now time.Time) error {
	brand := Brands()[0]
	batch := &pgx.Batch{}
	queueRanks(batch, brand)
	batch.Queue(`INSERT INTO segments (id, brand_id, name, kind, currency, conditions, counted_at, created_at, updated_at) VALUES ($1, $2, 'この1年に2回以上購入', 'DYNAMIC', 'JPY', $3, $4, $4, $4) ON CONFLICT DO NOTHING`,
		key("segment", brand.Code), brand.ID, `{"purchases": {"period": {"lastDays": 365}, "visits": {"min": 2}}}`, Since)
	for i, a := range Members() {
		batch.Queue(`INSERT INTO members (id, created_at, updated_at) SELECT $1, $2::timestamptz, $2 WHERE EXISTS (SELECT FROM accounts WHERE id = $1) ON CONFLICT DO NOTHING`, a.ID, a.Since)
		batch.Queue(`INSERT INTO memberships (member_id, brand_id, home_store_id, joined_at, rank_due_on) SELECT $1, $2, $3, $4::timestamptz, $4::date WHERE EXISTS (SELECT FROM members WHERE id = $1) ON CONFLICT DO NOTHING`,
			a.ID, brand.ID, brand.Shops[1+i%(len(brand.Shops)-1)].ID, a.Since)
		batch.Queue(`INSERT INTO member_cards (id, number, member_id, brand_id, kind, state, issued_at) SELECT $1, $2, $3, $4, 'DIGITAL', 'ACTIVE', $5::timestamptz
			WHERE EXISTS (SELECT FROM members WHERE id = $3) ON CONFLICT DO NOTHING`, key("card", a.Email), memberCard(i), a.ID, brand.ID, a.Since)
	}
	queueMailings(batch, brand, now)
	if err := db.Pool().SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("sample members: %w", err)
	}
	ctx = access.With(channel.With(ctx, channel.Channel{ID: brand.ChannelID, BrandID: brand.ID, Currency: "JPY", TimeZone: "Asia/Tokyo"}), access.System)
	history := purchase.New(purchase.Parts{Tx: db, Store: postgres.NewPurchases(db), Events: postgres.NewEvents(db), Now: clock.Fixed(now)})
	var sku, name string
	if err := db.Pool().QueryRow(ctx, `SELECT v.sku, p.name->>'ja' FROM variants v JOIN products p ON p.id = v.product_id WHERE v.brand_id = $1 ORDER BY v.sku LIMIT 1`, brand.ID).Scan(&sku, &name); err != nil {
		return fmt.Errorf("sample purchases: %w", err)
	}
	if _, err := history.Upload(ctx, purchase.UploadInput{FileName: "journal.csv", File: strings.NewReader(sampleJournal(brand.Shops[1].Code, sku, name))}); err != nil {
		return err
	}
	return statistics.New(statistics.Parts{Tx: db, Store: postgres.NewStatistics(db), Now: clock.Fixed(now)}).Count(ctx)
}

// queueRanks writes the brand's ranks.
func queueRanks(batch *pgx.Batch, brand Brand) {
	for _, r := range sampleRanks {
		batch.Queue(`INSERT INTO member_ranks (id, brand_id, code, name, min_spend, months, updated_at) VALUES ($1, $2, $3, $4, $5, 12, $6) ON CONFLICT DO NOTHING`,
			key("rank", brand.Code, r.code), brand.ID, r.code, map[string]string{"ja": r.ja, "en": r.en}, r.least, Since)
	}
}

// memberCard is the card number of the i-th sample member.
func memberCard(i int) string {
	body := fmt.Sprintf("29%010d", 100+i)
	return body + string(member.CheckDigit(body))
}

// sampleJournal is what a till of the shop says of its first days: the same each time.
func sampleJournal(shop, sku, name string) string {
	var b strings.Builder
	b.WriteString("店舗コード,端末番号,レシート番号,営業日,時刻,会員番号,明細数,商品コード,商品名,数量,金額,合計\n")
	for n := range 6 {
		fmt.Fprintf(&b, "%s,1,%04d,%s,%d:30,%s,1,%s,%s,%d,%d,%d\n", shop, n+1, Since.AddDate(0, 2*n, 3).Format("2006/01/02"), 11+n, memberCard(n%2), sku, name, 1+n%3, 1980*(1+n%3), 1980*(1+n%3))
	}
	fmt.Fprintf(&b, "%s,1,0007,%s,18:05,,1,4900000000001,店頭限定おやつ,1,350,350\n", shop, Since.AddDate(0, 3, 0).Format("2006/01/02"))
	fmt.Fprintf(&b, "%s,1,0008,%s,18:10,9999999999999,1,%s,%s,-1,-1980,-1980\n", shop, Since.AddDate(0, 3, 0).Format("2006/01/02"), sku, name)
	return b.String()
}
