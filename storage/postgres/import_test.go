package postgres_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

type importer struct {
	*pgtest.Shop
	service *importing.Service
	dry     bool
}

func newImporter(t *testing.T) *importer {
	shop := pgtest.NewShop(t)
	return &importer{Shop: shop, service: importing.New(postgres.NewImports(shop.DB), nil, nil, clock.System)}
}

func (i *importer) run(t *testing.T, file io.Reader) (*importing.Run, error) {
	ctx := access.With(t.Context(), access.System)
	ctx = channel.With(ctx, channel.Channel{ID: i.ChannelID, BrandID: i.BrandID, PriceListID: i.PriceListID, Currency: "JPY"})
	raw, err := io.ReadAll(file)
	require.NoError(t, err)
	return i.service.Import(ctx, importing.Input{FileName: "f.csv", DryRun: i.dry, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(string(raw))), nil
	}})
}

func (i *importer) number(t *testing.T, sql string, args ...any) (n int) {
	require.NoError(t, i.DB.Pool().QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

const pets = `slug,name.ja,brand,categories,sku,price,option1,option1_value,stock.main
leash,リード,もりのけ,犬 > お散歩,L-S,1980,サイズ,S,10
,,,,L-M,2180,,M,5
bowl,食器,もりのけ,犬,B-1,900,,,0
`

func TestImportWritesAndUpdates(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	run, err := i.run(t, strings.NewReader(pets))
	require.NoError(t, err)
	require.Equal(t, [3]int{2, 0, 0}, [3]int{run.Created, run.Updated, run.Rejected})
	require.Equal(t, 1980, i.number(t, `SELECT min_price FROM product_listings l JOIN products p ON p.id = l.product_id WHERE slug = 'leash'`))
	require.Equal(t, 1, i.number(t, `SELECT count(*) FROM product_listings WHERE in_stock`), "the bowl is not in stock")
	require.Equal(t, 2, i.number(t, `SELECT count(*) FROM categories`))
	require.Equal(t, 1, i.number(t, `SELECT count(*) FROM product_brands`))
	require.Equal(t, 15, i.number(t, `SELECT sum(quantity) FROM stock_movements`))

	run, err = i.run(t, strings.NewReader(strings.Replace(pets, "1980", "1500", 1)))
	require.NoError(t, err)
	require.Equal(t, [3]int{0, 2, 0}, [3]int{run.Created, run.Updated, run.Rejected})
	require.Equal(t, 2, i.number(t, `SELECT count(*) FROM products`))
	require.Equal(t, 3, i.number(t, `SELECT count(*) FROM variants`))
	require.Equal(t, 1500, i.number(t, `SELECT min_price FROM product_listings l JOIN products p ON p.id = l.product_id WHERE slug = 'leash'`))
	require.Equal(t, 15, i.number(t, `SELECT sum(quantity) FROM stock_movements`), "counting the same moves nothing")
}

func TestImportRejectsWhatTheDatabaseForbids(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	i.AddProduct(t, "old", 100)
	run, err := i.run(t, strings.NewReader(`slug,name.ja,sku,price,attr.pet,stock.moon
thief,盗品,old-1,5,,
strange,不明,X-1,5,dog,
far,遠い,X-2,5,,3
fine,よい,X-3,5,,
`))
	require.NoError(t, err)
	require.Equal(t, [2]int{1, 3}, [2]int{run.Created, run.Rejected})
	ctx := access.With(t.Context(), access.System)
	rejections, err := i.service.Rejections(ctx, run.ID, page.Args{})
	require.NoError(t, err)
	var columns []string
	for _, r := range rejections.Nodes() {
		columns = append(columns, r.Column)
	}
	require.Equal(t, []string{"SKU", "attr.pet", "stock.moon"}, columns)
}

// breaking is an index that fails once, as a killed process would leave things.
type breaking struct{ calls int }

var errBroken = errors.New("broken off")

func (b *breaking) Products(_ context.Context, _ ...uuid.UUID) error {
	if b.calls++; b.calls == 2 {
		return errBroken
	}
	return nil
}

func TestImportGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	index := &breaking{}
	i.service = importing.New(postgres.NewImports(i.DB), nil, index, clock.System)
	var file strings.Builder
	file.WriteString("slug,name.ja,sku,price\n")
	for n := range 900 {
		s := strings.Repeat("x", 1+n%3) + uuid.NewSHA1(uuid.Nil, []byte{byte(n), byte(n >> 8)}).String()
		file.WriteString(s + ",品," + s + ",100\n")
	}
	broken, err := i.run(t, strings.NewReader(file.String()))
	require.ErrorIs(t, err, errBroken)
	require.Equal(t, importing.Failed, broken.Status)
	require.Equal(t, 400, i.number(t, `SELECT count(*) FROM products`))
	again, err := i.run(t, strings.NewReader(file.String()))
	require.NoError(t, err)
	require.Equal(t, broken.ID, again.ID)
	require.Equal(t, 900, again.Position)
	require.Equal(t, [2]int{900, 0}, [2]int{again.Created, again.Updated}, "nothing was done twice")
}

func TestPricesAloneChangeNothingElse(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	_, err := i.run(t, strings.NewReader(`slug,name.ja,sku,price,option1,option1_value,tax_class,status,published,tags,weight_g,barcode
tea,お茶,T-S,500,サイズ,S,REDUCED,ARCHIVED,false,緑茶,80,4900000000001
,,T-L,900,,L,,,,,160,
`))
	require.NoError(t, err)
	run, err := i.run(t, strings.NewReader("slug,name.ja,sku,price\ntea,お茶,T-S,450\n,,T-L,800\n"))
	require.NoError(t, err)
	require.Equal(t, [3]int{0, 1, 0}, [3]int{run.Created, run.Updated, run.Rejected})
	require.Equal(t, 450, i.number(t, `SELECT amount FROM prices JOIN variants v ON v.id = variant_id WHERE sku = 'T-S'`))
	require.Equal(t, 1, i.number(t, `
		SELECT count(*) FROM products p JOIN product_listings l ON l.product_id = p.id
		WHERE tax_class = 'REDUCED' AND status = 'ARCHIVED' AND NOT published AND tags = '{緑茶}' AND jsonb_array_length(options) = 1`))
	require.Equal(t, 2, i.number(t, `SELECT count(*) FROM variants WHERE jsonb_array_length(options) = 1 AND weight > 0`))

	run, err = i.run(t, strings.NewReader("slug,name.ja,sku,price\ntea,お茶,T-XL,1450\n"))
	require.NoError(t, err)
	require.Equal(t, 1, run.Rejected, "a third variant without a size cannot be told apart")
}

func TestTwoImportsOfOneFileAtOnce(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	store := postgres.NewImports(i.DB)
	run, err := store.Begin(t.Context(), importing.Run{ID: uuid.New(), BrandID: i.BrandID, ChannelID: i.ChannelID, FileHash: "x", StartedAt: clock.System()}, false)
	require.NoError(t, err)
	product := []importing.Product{{Slug: "no", Rejections: []importing.Rejection{{Line: 2}}}}
	_, _, err = store.Write(t.Context(), run, product, clock.System())
	require.NoError(t, err)
	_, _, err = store.Write(t.Context(), run, product, clock.System())
	require.ErrorIs(t, err, importing.ErrUnfinished)
	require.Equal(t, 1, i.number(t, `SELECT count(*) FROM import_rejections`))
}

func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	i.AddProduct(t, "old", 100)
	i.dry = true
	run, err := i.run(t, strings.NewReader("slug,name.ja,sku,price\nthief,盗品,old-1,5\nfine,よい,X-3,5\n"))
	require.NoError(t, err)
	require.Equal(t, [2]int{1, 1}, [2]int{run.Created, run.Rejected})
	require.Equal(t, 1, i.number(t, `SELECT count(*) FROM products`))
	require.Zero(t, i.number(t, `SELECT count(*) FROM import_runs`))
}

func TestUploadTakesOverWhatFailed(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	i.service = importing.New(postgres.NewImports(i.DB), nil, &breaking{calls: 1}, clock.System)
	broken, err := i.run(t, strings.NewReader(pets))
	require.ErrorIs(t, err, errBroken)

	uploads := postgres.NewUploads(i.DB, nil)
	queue := func() uuid.UUID {
		run := importing.Run{ID: uuid.New(), BrandID: i.BrandID, ChannelID: i.ChannelID, Status: importing.Queued, StartedAt: clock.System()}
		run.FileHash = run.ID.String()
		require.NoError(t, uploads.Queue(t.Context(), run, importing.Options{}))
		return run.ID
	}
	next := queue()
	require.NoError(t, uploads.Hash(t.Context(), next, broken.FileHash))
	require.Equal(t, 2, i.number(t, `SELECT position FROM import_runs WHERE id = $1`, next), "it goes on behind what is done")
	require.ErrorIs(t, uploads.Hash(t.Context(), queue(), broken.FileHash), importing.ErrUnfinished, "it waits for its worker")
}

// A channel may sell by a list that is for an audience too: then its prices are rules.
func TestPricesOfAnAudienceMoveTheRules(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	version := func() int { return i.number(t, `SELECT coalesce(max(version), 0) FROM rulebooks`) }
	_, err := i.run(t, strings.NewReader(pets))
	require.NoError(t, err)
	require.Zero(t, version(), "what a channel sells by alone is no rule")
	_, err = i.DB.Pool().Exec(t.Context(), `UPDATE price_lists SET audience_kind = 'MEMBERS' WHERE id = $1`, i.PriceListID)
	require.NoError(t, err)
	_, err = i.run(t, strings.NewReader(strings.Replace(pets, "1980", "1500", 1)))
	require.NoError(t, err)
	before := version()
	require.Positive(t, before)
	_, err = i.run(t, strings.NewReader("slug,name.ja,sku,price\nbowl,うつわ,B-1,\n"))
	require.NoError(t, err)
	require.Equal(t, before, version(), "no price was written")
}

func TestAnImportCountsALevelThatSomebodyElseMakes(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	_, err := i.run(t, strings.NewReader("slug,name.ja,sku,price\nbowl,食器,B-1,900\n"))
	require.NoError(t, err)
	other, err := i.DB.Pool().Begin(t.Context())
	require.NoError(t, err)
	_, err = other.Exec(t.Context(), `WITH made AS (
			INSERT INTO stock_levels (variant_id, location_id, on_hand) SELECT v.id, l.id, 5 FROM variants v, locations l WHERE v.sku = 'B-1' AND l.code = 'main' RETURNING variant_id, location_id
		) INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity) SELECT gen_random_uuid(), now(), variant_id, location_id, 'RECEIPT', 5 FROM made`)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		_, err := i.run(t, strings.NewReader("slug,name.ja,sku,price,stock.main\nbowl,食器,B-1,900,12\n"))
		done <- err
	}()
	require.Eventually(t, func() bool {
		return i.number(t, `SELECT count(*) FROM pg_locks k JOIN pg_stat_activity a USING (pid) WHERE NOT k.granted AND a.datname = current_database()`) > 0
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, other.Commit(t.Context()))
	require.NoError(t, <-done)
	require.Equal(t, 12, i.number(t, `SELECT on_hand FROM stock_levels`))
	require.Equal(t, 12, i.number(t, `SELECT sum(quantity) FROM stock_movements`))
}
