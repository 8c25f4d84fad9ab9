package resolvers_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/japanese"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/importing"
)

type priceCounts struct{ Added, Changed, Closed, Unchanged, Rejected int }

type priceFileChange struct {
	Line                int
	Change, Holder, SKU string
	MinQuantity         int
	Old, New            *struct{ Amount string }
	OldPercent, Percent *string
	Difference          *string
}

type priceImport struct {
	ID, State, Failure string
	Counts             priceCounts
	Changes            struct{ Nodes []priceFileChange }
	Rejections         struct {
		Nodes []struct {
			Line                  int
			Column, Value, Reason string
			Warning               bool
		}
	}
	BiggestRise, BiggestFall *priceFileChange
}

const priceImportQuery = `query($id: ID!, $filter: [PriceFileChangeKind!]) { priceImport(id: $id) {
	id state failure counts { added changed closed unchanged rejected }
	changes(first: 50, filter: $filter) { nodes { ...c } } rejections(first: 50) { nodes { line column value reason warning } }
	biggestRise { ...c } biggestFall { ...c }
} }
fragment c on PriceFileChange { line change holder sku minQuantity old { amount } new { amount } oldPercent percent difference }`

// inWeb lets the actor act in the shop's channel.
func inWeb(t *testing.T, a *apptest.App, actor access.Actor) (context.Context, channel.Channel) {
	t.Helper()
	ch, err := a.App.Channels.Resolve(t.Context(), "web", "")
	require.NoError(t, err)
	return channel.With(access.With(t.Context(), actor), ch), ch
}

// previewPrices sends a file and has it read, as the worker does.
func previewPrices(t *testing.T, a *apptest.App, actor access.Actor, kind importing.PriceKind, file string) priceImport {
	t.Helper()
	ctx, ch := inWeb(t, a, actor)
	run, err := a.App.Resolvers.Prices.Upload(ctx, importing.PriceUpload{Kind: kind, FileName: "価格.csv", File: strings.NewReader(file)})
	require.NoError(t, err)
	workPrices(t, a, run.ID, ch)
	return priceImportOf(t, a, run.GlobalID())
}

func workPrices(t *testing.T, a *apptest.App, run uuid.UUID, ch channel.Channel) {
	t.Helper()
	require.NoError(t, a.App.Resolvers.Prices.Work(access.With(t.Context(), access.System), run, func(context.Context, uuid.UUID) (channel.Channel, error) { return ch, nil }))
}

func priceImportOf(t *testing.T, a *apptest.App, global string) priceImport {
	t.Helper()
	var got struct{ PriceImport priceImport }
	a.DoAs(t, pricer, priceImportQuery, apptest.Variables{"id": global}).Into(t, &got)
	return got.PriceImport
}

func commitPrices(t *testing.T, a *apptest.App, actor access.Actor, global string) []writeError {
	t.Helper()
	return write(t, a, actor, "commitPriceImport", "PriceImportInput", `priceImport { state }`, apptest.Variables{"id": global}, nil)
}

// committed previews and commits a file that is to be taken whole.
func committed(t *testing.T, a *apptest.App, actor access.Actor, kind importing.PriceKind, file string) priceImport {
	t.Helper()
	run := previewPrices(t, a, actor, kind, file)
	require.Equal(t, "PREVIEWED", run.State, run.Failure)
	require.Empty(t, run.Rejections.Nodes)
	require.Empty(t, commitPrices(t, a, actor, run.ID))
	done := priceImportOf(t, a, run.ID)
	require.Equal(t, "COMMITTED", done.State)
	return done
}

func text(p *struct{ Amount string }) string {
	if p == nil {
		return ""
	}
	return p.Amount
}

func TestAFileOfPricesIsPreviewedAndCommitted(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	a.AddProduct(t, "leash", 1980)
	bowl := a.AddProduct(t, "bowl", 900)
	require.Empty(t, setPrice(t, a, "", apptest.Variables{"variantId": globalID("Variant", bowl.Variants[0]), "amount": "850", "minQuantity": 10}))

	next := time.Now().AddDate(1, 0, 0).Format("2006/1/2")
	run := previewPrices(t, a, pricer, importing.ListPrices, `商品コード,数量,価格,比較価格,開始日,終了日,処理
food-1,１,"１，２００",1500,,,
food-1,,1300,,`+next+`,,
leash-1,1,1980,,,,
bowl-1,10,,,,,終了
bowl-1,1,450,,,,
`)
	require.Equal(t, "PREVIEWED", run.State, run.Failure)
	require.Equal(t, priceCounts{Added: 1, Changed: 2, Closed: 1, Unchanged: 1}, run.Counts)
	var told []string
	for _, c := range run.Changes.Nodes {
		told = append(told, fmt.Sprint(c.Line, c.Change, c.Holder, c.SKU, c.MinQuantity, " ", text(c.Old), ">", text(c.New)))
	}
	require.Equal(t, []string{"2CHANGEDstandardfood-11 1000>1200", "3ADDEDstandardfood-11 1000>1300", "4UNCHANGEDstandardleash-11 1980>1980",
		"5CLOSEDstandardbowl-110 850>", "6CHANGEDstandardbowl-11 900>450"}, told)
	require.Equal(t, "30", *run.BiggestRise.Difference)
	require.Equal(t, "-50", *run.BiggestFall.Difference)
	unit, listed := pays(t, a, "food")
	require.Equal(t, [2]string{"1000", "1000"}, [2]string{unit, listed}, "nothing has changed yet")
	var filtered struct{ PriceImport priceImport }
	a.DoAs(t, pricer, priceImportQuery, apptest.Variables{"id": run.ID, "filter": []string{"CLOSED"}}).Into(t, &filtered)
	require.Len(t, filtered.PriceImport.Changes.Nodes, 1)

	require.Empty(t, commitPrices(t, a, pricer, run.ID))
	unit, listed = pays(t, a, "food")
	require.Equal(t, [2]string{"1200", "1200"}, [2]string{unit, listed}, "the listing follows")
	unit, _ = pays(t, a, "bowl")
	require.Equal(t, "450", unit)
	require.Equal(t, "COMMITTED", priceImportOf(t, a, run.ID).State)
	var ahead struct {
		ScheduledPrices struct {
			Nodes []struct {
				Change string
				Price  struct{ SKU string }
			}
		}
	}
	a.DoAs(t, pricer, `{ scheduledPrices { nodes { change price { sku } } } }`, nil).Into(t, &ahead)
	require.Len(t, ahead.ScheduledPrices.Nodes, 1)
	require.Equal(t, "food-1", ahead.ScheduledPrices.Nodes[0].Price.SKU)

	require.Empty(t, commitPrices(t, a, pricer, run.ID), "committed again it does nothing")
	var events int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = 'prices.imported' AND actor_id = $1 AND data->'counts'->>'Changed' = '2'`, pricer.ID).Scan(&events))
	require.Equal(t, 1, events, "who, and how many")
	require.Equal(t, []writeError{{"CONFLICT", []string{"id"}}},
		write(t, a, pricer, "discardPriceImport", "PriceImportInput", `priceImport { id }`, apptest.Variables{"id": run.ID}, nil))
}

func TestAFileOfCustomerPrices(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	w := addWholesaler(t, a, "T001")
	done := committed(t, a, pricer, importing.CustomerPrices, "得意先コード,商品コード,数量,特価\nT001,food-1,1,700\nT001,food-1,10,650\nT001@example.jp,food-1,,690\n")
	require.Equal(t, priceCounts{Added: 3}, done.Counts)
	require.Equal(t, "690", unitFor(t, a, w.buyer, "food", ""), "the member's own stands before the company's")
	require.Equal(t, "700", unitFor(t, a, chief, "food", `(as: "`+globalID("Company", w.company)+`")`))
	require.Equal(t, "1000", unitFor(t, a, access.Guest, "food", ""))
	done = committed(t, a, pricer, importing.CustomerPrices, "customer,sku,price,action\nT001@example.jp,food-1,,close\nT001,food-1,680,\n")
	require.Equal(t, priceCounts{Changed: 1, Closed: 1}, done.Counts)
	require.Equal(t, "680", unitFor(t, a, w.buyer, "food", ""), "what is closed gives way at once")
}

func TestAFileOfRates(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	w := addWholesaler(t, a, "T001")
	done := committed(t, a, pricer, importing.RatePrices, "種類,名称,対象顧客区分,対象顧客,対象商品区分,対象商品,掛率,端数処理,端数単位\n掛率,卸,グループ,G-T001,SKU,food-1,６５%,切上げ,100\n")
	require.Equal(t, priceCounts{Added: 1}, done.Counts)
	require.Equal(t, "700", unitFor(t, a, w.buyer, "food", ""))
	done = committed(t, a, pricer, importing.RatePrices, "audience_kind,audience,target_kind,target,percent,rounding\nGROUP,G-T001,VARIANT,food-1,60,\n")
	require.Equal(t, priceCounts{Changed: 1}, done.Counts)
	require.Equal(t, "-7.7", *done.BiggestFall.Difference)
	require.Equal(t, "65", *done.BiggestFall.OldPercent)
	require.Equal(t, "600", unitFor(t, a, w.buyer, "food", ""))

	refused := previewPrices(t, a, pricer, importing.RatePrices, `audience_kind,audience,target_kind,target,percent,kind,valid_from,valid_until,round_to
EVERYONE,,ALL,,101,,,,
COMPANY,T999,ALL,,50,,,,
GROUP,G-T001,PRODUCT,nothing,50,,,,
EVERYONE,,ALL,,10,FLOOR,,,
EVERYONE,x,ALL,,10,,,,
EVERYONE,,ALL,,10,,2027-01-02,2027-01-01,
EVERYONE,,ALL,,10,,,,7
somebody,,ALL,,abc,,,,
MEMBERS,,TAG,,1,,,,
`)
	var columns []string
	for _, r := range refused.Rejections.Nodes {
		columns = append(columns, fmt.Sprint(r.Line, " ", r.Column))
	}
	require.Equal(t, []string{"2 percent", "3 audience", "4 target", "5 kind", "6 audience", "7 valid_until", "8 round_to", "9 audience_kind", "9 percent", "10 target"}, columns)
	above := previewPrices(t, a, chief, importing.RatePrices, "audience_kind,target_kind,percent\nEVERYONE,ALL,101\n")
	require.Equal(t, priceCounts{Added: 1}, above.Counts)
	require.Equal(t, []writeError{{"PRICE_BELOW_FLOOR", []string{"id"}}}, commitPrices(t, a, pricer, above.ID), "nor does one who may not commit it")
	require.Empty(t, commitPrices(t, a, chief, above.ID))
	ended := committed(t, a, pricer, importing.RatePrices, "audience_kind,audience,target_kind,target,percent,action\nGROUP,G-T001,VARIANT,food-1,,終了\n")
	require.Equal(t, priceCounts{Closed: 1}, ended.Counts)
	require.Equal(t, "1010", unitFor(t, a, w.buyer, "food", ""))
}

func TestRowsThatAreNotTakenSayWhy(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	p := a.AddProduct(t, "food", 1000)
	a.AddProduct(t, "leash", 1980)
	theirs := otherBrand(t, a)
	for _, sql := range []string{
		`UPDATE variants SET cost = 600 WHERE id = $1 AND $2::uuid IS NOT NULL`,
		`INSERT INTO products (id, brand_id, slug, name, created_at, updated_at) SELECT $1, $2, 'theirs', '{"ja":"他"}', now(), now()`,
		`INSERT INTO variants (id, brand_id, product_id, sku) SELECT gen_random_uuid(), $2, $1, 'theirs-1'`,
	} {
		key := p.Variants[0]
		if !strings.HasPrefix(sql, "UPDATE") {
			key = uuid.NewSHA1(uuid.Nil, []byte("theirs"))
		}
		_, err := a.DB.Pool().Exec(t.Context(), sql, key, theirs.brand)
		require.NoError(t, err)
	}
	require.Empty(t, saveRate(t, a, chief, apptest.Variables{"kind": "FLOOR", "percent": "20"}, nil))
	const file = `sku,list,min_quantity,price,valid_from,valid_until,action
nothing-1,,,100,,,
theirs-1,,,100,,,
food-1,neko-standard,,100,,,
food-1,,,719,,,
leash-1,,,100.5,,,
leash-1,,,-1,,,
leash-1,,0,1,,,
leash-1,,1.5,1,,,
leash-1,,,1,2027-02-01,2027-01-01,
leash-1,,,1,soon,,
leash-1,,,,,,
leash-1,,7,,,,close
leash-1,,,1,,,perhaps
leash-1,,5,1900,,,
leash-1,,5,1800,,,
leash-1,,20,1850,,,
,,,1,,,
`
	run := previewPrices(t, a, pricer, importing.ListPrices, file)
	var told []string
	for _, r := range run.Rejections.Nodes {
		told = append(told, fmt.Sprint(r.Line, " ", r.Column, map[bool]string{true: " remark"}[r.Warning]))
	}
	require.Equal(t, []string{"2 sku", "3 sku", "4 list", "5 price", "6 price", "7 price", "8 min_quantity", "9 min_quantity", "10 valid_until", "11 valid_from", "12 price",
		"13 action", "14 action", "16 ", "18 sku"}, told)
	require.Contains(t, run.Rejections.Nodes[3].Reason, "720", "it says how low")
	require.Contains(t, run.Rejections.Nodes[13].Reason, "15行目")
	require.Equal(t, priceCounts{Added: 2, Rejected: 15}, run.Counts)

	remarked := previewPrices(t, a, pricer, importing.ListPrices, "sku,min_quantity,price\nleash-1,5,1900\nleash-1,20,1950\n")
	require.Equal(t, priceCounts{Added: 2}, remarked.Counts)
	require.Len(t, remarked.Rejections.Nodes, 1)
	require.True(t, remarked.Rejections.Nodes[0].Warning, "taken all the same, as a single one is")
	require.Equal(t, 3, remarked.Rejections.Nodes[0].Line)

	low := previewPrices(t, a, chief, importing.ListPrices, "sku,price\nfood-1,719\n")
	require.Equal(t, priceCounts{Changed: 1}, low.Counts, "who may, may")
	require.Equal(t, []writeError{{"PRICE_BELOW_FLOOR", []string{"id"}}}, commitPrices(t, a, pricer, low.ID))
	require.Empty(t, commitPrices(t, a, chief, low.ID))
}

func TestFilesThatCannotBeReadChangeNothing(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	sjis, err := japanese.ShiftJIS.NewEncoder().String("商品コード,価格\nfood-1,1100\n")
	require.NoError(t, err)
	require.Equal(t, priceCounts{Changed: 1}, previewPrices(t, a, pricer, importing.ListPrices, sjis).Counts, "CP932")
	book := excelize.NewFile()
	for cell, value := range map[string]any{"A1": "商品コード", "B1": "価格", "C1": "開始日", "A2": "food-1", "B2": 1100, "C2": 46_500} {
		require.NoError(t, book.SetCellValue("Sheet1", cell, value))
	}
	var sheet bytes.Buffer
	require.NoError(t, book.Write(&sheet))
	require.Equal(t, priceCounts{Added: 1}, previewPrices(t, a, pricer, importing.ListPrices, sheet.String()).Counts, "xlsx")

	for name, file := range map[string]string{
		"unclosed quote": "sku,price\nfood-1,1100\n\"food-1,1200\n",
		"missing column": "sku,prices\nfood-1,1100\n",
		"empty":          "",
		"only a header":  "\n",
	} {
		run := previewPrices(t, a, pricer, importing.ListPrices, file)
		require.Equal(t, "FAILED", run.State, name)
		require.NotEmpty(t, run.Failure, name)
		require.Equal(t, []writeError{{"CONFLICT", []string{"id"}}}, commitPrices(t, a, pricer, run.ID), name)
		require.Equal(t, "FAILED", previewPrices(t, a, pricer, importing.ListPrices, file).State, name+", sent again")
	}
	mixed := previewPrices(t, a, pricer, importing.ListPrices, "sku,price\nfood-1,1100\n\xff\xfe\xfd,1\n")
	require.Equal(t, 1, mixed.Counts.Rejected, "characters of no encoding")
	unit, _ := pays(t, a, "food")
	require.Equal(t, "1000", unit)
	ctx, _ := inWeb(t, a, pricer)
	_, err = a.App.Resolvers.Prices.Upload(ctx, importing.PriceUpload{Kind: "ALL", File: strings.NewReader("")})
	require.ErrorIs(t, err, importing.ErrPriceKind)
}

func TestAPreviewThatIsOutOfDateIsRefused(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	p := a.AddProduct(t, "food", 1000)
	w := addWholesaler(t, a, "T001")
	variant := globalID("Variant", p.Variants[0])
	stale := []writeError{{"PREVIEW_STALE", []string{"id"}}}
	refuse := func(run priceImport, why string) {
		t.Helper()
		require.Equal(t, "PREVIEWED", run.State)
		require.Equal(t, stale, commitPrices(t, a, pricer, run.ID), why)
		require.Equal(t, "STALE", priceImportOf(t, a, run.ID).State, why)
		require.Equal(t, stale, commitPrices(t, a, pricer, run.ID), why+", again")
	}
	changed := previewPrices(t, a, pricer, importing.ListPrices, "sku,price\nfood-1,1100\n")
	added := previewPrices(t, a, pricer, importing.ListPrices, "sku,min_quantity,price\nfood-1,1,1000\nfood-1,10,900\n")
	special := previewPrices(t, a, pricer, importing.CustomerPrices, "customer,sku,price\nT001,food-1,700\n")
	gone := previewPrices(t, a, pricer, importing.CustomerPrices, "customer,sku,price\nT001,food-1,710\n")
	rate := previewPrices(t, a, pricer, importing.RatePrices, "audience_kind,target_kind,percent\nEVERYONE,ALL,90\n")
	require.Empty(t, setPrice(t, a, "", apptest.Variables{"variantId": variant, "amount": "1050"}))
	refuse(changed, "the price is another")
	require.Empty(t, setPrice(t, a, "", apptest.Variables{"variantId": variant, "amount": "1000"}))
	require.Empty(t, setPrice(t, a, "", apptest.Variables{"variantId": variant, "amount": "950", "minQuantity": 10}))
	refuse(added, "somebody has added it")
	require.Empty(t, setCustomerPrices(t, a, pricer, globalID("Company", w.company), apptest.Variables{"variantId": variant, "amount": "720"}))
	refuse(special, "the customer has got a list and a price")
	_, err := a.DB.Pool().Exec(t.Context(), `UPDATE companies SET closed_at = now(); UPDATE price_lists SET closed_at = now() WHERE audience_kind = 'COMPANY'`)
	require.NoError(t, err)
	refuse(gone, "the customer is gone")
	require.Empty(t, saveRate(t, a, chief, apptest.Variables{"kind": "CUSTOMER", "percent": "80"}, nil))
	refuse(rate, "there is such a rate now")
	unit, _ := pays(t, a, "food")
	require.Equal(t, "800", unit, "nothing of them was written")

	given := previewPrices(t, a, pricer, importing.ListPrices, "sku,price\nfood-1,1\n")
	discard := func() []writeError {
		return write(t, a, pricer, "discardPriceImport", "PriceImportInput", `priceImport { id }`, apptest.Variables{"id": given.ID}, nil)
	}
	require.Empty(t, discard())
	require.Empty(t, discard(), "again")
	require.Equal(t, []writeError{{"CONFLICT", []string{"id"}}}, commitPrices(t, a, pricer, given.ID))
}

func TestAPriceImportIsItsBrandsAlone(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	run := previewPrices(t, a, pricer, importing.ListPrices, "sku,price\nfood-1,1100\n")
	theirs := otherBrand(t, a)
	_, err := a.DB.Pool().Exec(t.Context(), `UPDATE price_imports SET brand_id = $1`, theirs.brand)
	require.NoError(t, err)
	for _, global := range []string{run.ID, globalID("PriceImport", id.New())} {
		require.Equal(t, []writeError{{"NOT_FOUND", []string{"id"}}}, commitPrices(t, a, pricer, global))
		require.JSONEq(t, `{"priceImport":null}`, string(a.DoAs(t, pricer, `query($id: ID!) { priceImport(id: $id) { id } }`, apptest.Variables{"id": global}).Data))
	}
	require.Equal(t, "FORBIDDEN", a.DoAs(t, keeper, priceImportQuery, apptest.Variables{"id": run.ID}).Code())
	require.Equal(t, "FORBIDDEN", a.DoAs(t, keeper, `mutation($input: PriceImportInput!) { commitPriceImport(input: $input) { userErrors { code } } }`, in(apptest.Variables{"id": run.ID})).Code())
}

func TestAFileIsCommittedOnceHoweverOften(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	run := previewPrices(t, a, pricer, importing.ListPrices, "sku,price,valid_from\nfood-1,1100,\nfood-1,1200,2027-01-01\n")
	ctx, _ := inWeb(t, a, pricer)
	_, key, err := id.Parse(run.ID)
	require.NoError(t, err)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			_, err := a.App.Resolvers.Prices.Commit(ctx, importing.PriceRunInput{ID: key})
			require.NoError(t, err) //nolint:testifylint // the test ends either way
		})
	}
	wait.Wait()
	var prices, events int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM prices), (SELECT count(*) FROM events WHERE type = 'prices.imported')`).Scan(&prices, &events))
	require.Equal(t, [2]int{2, 1}, [2]int{prices, events})
}

// A large file is committed by the worker: all of its prices at once, the listings
// after them, and what broke off in between goes on.
func TestALargeFileIsCommittedByTheWorker(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	var file strings.Builder
	file.WriteString("sku,min_quantity,price\nfood-1,1,800\n")
	for n := range 1500 {
		fmt.Fprintf(&file, "food-1,%d,700\n", n+2)
	}
	run := previewPrices(t, a, pricer, importing.ListPrices, file.String())
	require.Equal(t, priceCounts{Added: 1500, Changed: 1}, run.Counts)
	require.Empty(t, commitPrices(t, a, pricer, run.ID))
	require.Equal(t, "COMMITTING", priceImportOf(t, a, run.ID).State)
	require.Empty(t, commitPrices(t, a, pricer, run.ID), "it is on its way")
	unit, _ := pays(t, a, "food")
	require.Equal(t, "1000", unit)
	_, ch := inWeb(t, a, pricer)
	_, key, err := id.Parse(run.ID)
	require.NoError(t, err)
	workPrices(t, a, key, ch)
	unit, listed := pays(t, a, "food")
	require.Equal(t, [2]string{"800", "800"}, [2]string{unit, listed})
	require.Equal(t, "COMMITTED", priceImportOf(t, a, run.ID).State)

	// As a killed worker leaves it: the prices in force, the listings not yet.
	_, err = a.DB.Pool().Exec(t.Context(), `UPDATE price_imports SET state = 'COMMITTING', relisted = '00000000-0000-0000-0000-000000000000'; UPDATE product_listings SET min_price = 1`)
	require.NoError(t, err)
	workPrices(t, a, key, ch)
	_, listed = pays(t, a, "food")
	require.Equal(t, "800", listed)
	var events, actors int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE actor_id = $1) FROM events WHERE type = 'prices.imported'`, pricer.ID).Scan(&events, &actors))
	require.Equal(t, [2]int{1, 1}, [2]int{events, actors}, "once, by who committed it")
}

// What is exported and imported again changes nothing.
func TestExportedPricesComeBackUnchanged(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	a.AddProduct(t, "leash", 1980)
	addWholesaler(t, a, "T001")
	until := time.Now().AddDate(1, 0, 0).Truncate(time.Second).Add(time.Second / 4).UTC().Format(time.RFC3339Nano)
	committed(t, a, pricer, importing.ListPrices, "sku,price,compare_at,min_quantity,valid_from,valid_until\nfood-1,900,1000,10,2026-01-02 03:04,"+until+"\n")
	committed(t, a, pricer, importing.CustomerPrices, "customer,sku,price\nT001,food-1,700\nT001@example.jp,leash-1,690\n")
	committed(t, a, chief, importing.RatePrices, "name.ja,name.en,audience_kind,audience,target_kind,target,percent,rounding,round_to,below_floor,valid_until\n卸,Wholesale,GROUP,G-T001,PRODUCT,food,65.5,UP,10,true,"+until+"\n,,EVERYONE,,TAG,夏,95,,,,\n")
	exporter := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PricingWrite, access.MemberRead}}
	for kind, rows := range map[importing.PriceKind]int{importing.ListPrices: 3, importing.CustomerPrices: 2, importing.RatePrices: 2} {
		var got struct {
			PriceFile struct {
				Text, Next string
				Rows       int
			}
		}
		a.DoAs(t, exporter, `query($kind: PriceFileKind!) { priceFile(kind: $kind) { text rows next } }`, apptest.Variables{"kind": kind}).Into(t, &got)
		require.Equal(t, rows, got.PriceFile.Rows, kind)
		require.Empty(t, got.PriceFile.Next)
		run := previewPrices(t, a, pricer, kind, got.PriceFile.Text)
		require.Empty(t, run.Rejections.Nodes, kind)
		require.Equal(t, priceCounts{Unchanged: rows}, run.Counts, kind)

		// Part by part it is the same file.
		ctx, _ := inWeb(t, a, exporter)
		var parts strings.Builder
		for after, more := "", true; more; {
			part, err := a.App.Resolvers.Prices.Export(ctx, importing.ExportInput{Kind: kind, After: after, Size: 1})
			require.NoError(t, err)
			parts.WriteString(part.Text)
			after, more = part.Next, part.Next != ""
		}
		require.Equal(t, got.PriceFile.Text, parts.String(), kind)
	}
	require.Equal(t, "FORBIDDEN", a.DoAs(t, pricer, `{ priceFile(kind: CUSTOMER_PRICES) { text } }`, nil).Code(), "members' addresses are personal")
	require.NotEmpty(t, a.DoAs(t, exporter, `{ priceFile(kind: PRICES, after: "nonsense") { text } }`, nil).Code())
}
