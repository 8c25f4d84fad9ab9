package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/segment"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres"
)

// warm is how often a search is asked again after its first time.
const warm = 7

// search finds who bought a product and for how much within a year, with one more
// condition: the product that most bought, and one as others are. The page and the count
// are one statement, beside one that reads the year's lines of the product and sums of
// all receipts.
func (b *memberBench) search(ctx context.Context) error {
	rows, err := b.db.Pool().Query(ctx, `SELECT product_id FROM purchase_lines WHERE brand_id = $1 AND product_id IS NOT NULL AND bought_on > $2::date - 30 GROUP BY 1 ORDER BY count(*) DESC, 1`,
		seed.Brands()[0].ID, b.people.Until)
	if err != nil {
		return err
	}
	products, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	if err := b.buyers(ctx, "the product in the middle", products[len(products)/2]); err != nil {
		return err
	}
	return b.buyers(ctx, "the product that most bought", products[0])
}

// buyers searches for who bought the product.
func (b *memberBench) buyers(ctx context.Context, name string, product uuid.UUID) error {
	brand := seed.Brands()[0]
	from, spent, old := b.people.Until.AddDate(-1, 0, 1), decimal.NewFromInt(20_000), 40
	year := segment.Period{From: &from, Until: &b.people.Until}
	q := segment.Query{BrandID: brand.ID, Currency: "JPY", Today: b.people.Until, Limit: 51, Counted: true, Within: time.Minute, Where: segment.Condition{All: []segment.Condition{
		{Bought: &segment.Bought{ProductIDs: []uuid.UUID{product}, Period: &year}},
		{Purchases: &segment.Purchases{Period: &year, Amount: &segment.Amounts{Min: &spent}}},
		{Age: &segment.Range{Min: &old}},
	}}}
	store := postgres.NewSegments(b.db, nil)
	var found segment.Found
	asked := func() (err error) { found, err = store.Search(ctx, q); return err }
	cold, again, err := repeated(asked)
	if err != nil {
		return err
	}
	_, byHand, err := repeated(func() error {
		_, err := b.db.Pool().Exec(ctx, `WITH x AS (SELECT DISTINCT member_id FROM purchase_lines WHERE product_id = $1 AND bought_on BETWEEN $2 AND $3),
			y AS (SELECT member_id FROM purchases JOIN x USING (member_id) WHERE brand_id = $4 AND bought_on BETWEEN $2 AND $3 GROUP BY 1 HAVING sum(total) >= 20000)
			SELECT count(*) FROM y`, product, from, b.people.Until, brand.ID)
		return err
	})
	fmt.Printf("          bought %s, for 20,000 yen in a year, 40 or older: %d members, count and page %.0f ms at first (aim 1,000), %.0f ms again (aim 300); two of the three by hand, %.0f ms\n",
		name, found.Count, ms(cold), ms(again), ms(byHand))
	return err
}

// repeated is how long f takes the first time, and the median of the times after it.
func repeated(f func() error) (cold, again time.Duration, err error) {
	took := make([]time.Duration, 0, 1+warm)
	for range cap(took) {
		began := time.Now()
		if err := f(); err != nil {
			return 0, 0, err
		}
		took = append(took, time.Since(began))
	}
	cold, later := took[0], took[1:]
	slices.Sort(later)
	return cold, later[len(later)/2], nil
}

// written is how many members the aim names.
const written = 100_000

// export writes the members of a segment to a file, opening what is sealed, beside COPY of
// the same members' rows as they lie there.
func (b *memberBench) export(ctx context.Context) error {
	brand := seed.Brands()[0]
	ctx = access.With(channel.With(ctx, channel.Channel{ID: brand.ChannelID, BrandID: brand.ID, Currency: "JPY", TimeZone: "Asia/Tokyo"}), access.System)
	segments := app.NewSegments(b.db, b.keys, clock.System)
	months := []int{1, 2, 3}
	kept, err := segments.Save(ctx, segment.SaveInput{Name: "bench " + id.New().String(), Kind: segment.Static, Where: segment.Condition{BirthMonths: months}})
	if err != nil {
		return err
	}
	began := time.Now()
	if err := segments.Write(ctx, segment.Export{ID: id.New(), SegmentID: kept.ID, BrandID: brand.ID, Format: segment.CSV, Encoding: segment.UTF8, ActorRole: access.RoleSystem}, io.Discard); err != nil {
		return err
	}
	took := time.Since(began)
	copied, err := b.copyMembers(ctx, kept.ID)
	if err != nil {
		return err
	}
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return err
	}
	rate := float64(kept.Members) / took.Seconds()
	fmt.Printf("          a segment of %d members to CSV: %.1f s, %.0f members/s, so %d in %.1f s (aim 10); COPY of their rows, sealed, %.1f s; this program had at most %d MiB till now\n",
		kept.Members, took.Seconds(), rate, written, written/rate, copied.Seconds(), used.Maxrss>>10)
	return nil
}

// copyMembers reads the rows of a segment's members as fast as PostgreSQL gives them.
func (b *memberBench) copyMembers(ctx context.Context, segmentID uuid.UUID) (time.Duration, error) {
	var took time.Duration
	err := b.db.Pool().AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		began := time.Now()
		_, err := conn.Conn().PgConn().CopyTo(ctx, io.Discard, fmt.Sprintf(`COPY (SELECT m.*, p.*, c.number FROM segment_members s JOIN members m ON m.id = s.member_id
			LEFT JOIN profiles p ON p.member_id = m.id LEFT JOIN member_cards c ON c.member_id = m.id AND c.brand_id = '%s' AND c.state = 'ACTIVE'
			WHERE s.segment_id = '%s' ORDER BY s.member_id) TO STDOUT (FORMAT csv)`, seed.Brands()[0].ID, segmentID))
		took = time.Since(began)
		return err
	})
	return took, err
}
