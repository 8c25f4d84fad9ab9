package resolvers_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

type stocktakeAnswer struct {
	Stocktake *struct {
		ID, State string
		Tally     struct{ Counted, Uncounted, Differing, Surplus, Shortage int }
	}
	UserErrors []userError
}

func (a stocktakeAnswer) code() string {
	if len(a.UserErrors) == 0 {
		return ""
	}
	return a.UserErrors[0].Code
}

func (c *carrier) stocktake(t *testing.T, mutation, kind string, input apptest.Variables) stocktakeAnswer {
	t.Helper()
	var got map[string]stocktakeAnswer
	c.DoAs(t, keeper, fmt.Sprintf(`mutation($input: %s!) { %s(input: $input) {
		stocktake { id state tally { counted uncounted differing surplus shortage } } userErrors { code field message } } }`, kind, mutation), in(keyed(mutation, input))).Into(t, &got)
	return got[mutation]
}

func (c *carrier) start(t *testing.T, location string) stocktakeAnswer {
	t.Helper()
	return c.stocktake(t, "startStocktake", "StartStocktakeInput", apptest.Variables{"locationId": location})
}

func (c *carrier) count(t *testing.T, stocktake string, found map[string]int) stocktakeAnswer {
	t.Helper()
	lines := []apptest.Variables{}
	for variant, counted := range found {
		lines = append(lines, apptest.Variables{"variantId": variant, "counted": counted})
	}
	return c.stocktake(t, "countStocktake", "CountStocktakeInput", apptest.Variables{"stocktakeId": stocktake, "lines": lines})
}

func (c *carrier) book(t *testing.T, stocktake string, zero bool) stocktakeAnswer {
	t.Helper()
	return c.stocktake(t, "bookStocktake", "BookStocktakeInput", apptest.Variables{"stocktakeId": stocktake, "zero": zero})
}

func TestAStocktakeBooksWhatItFoundAlthoughTradeGoesOn(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	third := globalID("Variant", c.AddProduct(t, "third", 100).Variants[0])
	taken := c.start(t, c.warehouse)
	require.Empty(t, taken.UserErrors)
	require.Equal(t, "STOCKTAKE_OPEN", c.start(t, c.warehouse).code())
	key := taken.Stocktake.ID

	require.Empty(t, c.count(t, key, map[string]int{c.leash: 90, c.toy: 100}).UserErrors)
	recounted := c.count(t, key, map[string]int{c.leash: 97})
	require.Equal(t, 2, recounted.Stocktake.Tally.Counted, "what is counted again counts once")
	// Between the count and the booking something leaves.
	require.Empty(t, c.send(t, nil, pieces(c.leash, 10)).UserErrors)
	c.requireLies(t, c.leash, c.warehouse, 90, 0)
	tally := c.count(t, key, map[string]int{c.toy: 104}).Stocktake.Tally
	require.Equal(t, [5]int{2, 1, 2, 4, 3}, [5]int{tally.Counted, tally.Uncounted, tally.Differing, tally.Surplus, tally.Shortage})

	var found struct {
		Stocktake struct {
			Lines struct {
				TotalCount int
				Nodes      []struct{ Book, Counted, Difference int }
			}
		}
	}
	c.DoAs(t, keeper, `query($id: ID!) { stocktake(id: $id) { lines(differing: true, first: 1) { totalCount nodes { book counted difference } } } }`, apptest.Variables{"id": key}).Into(t, &found)
	require.Equal(t, 2, found.Stocktake.Lines.TotalCount)
	require.Equal(t, 4, found.Stocktake.Lines.Nodes[0].Difference, "the last counted first")

	booked := c.book(t, key, false)
	require.Empty(t, booked.UserErrors)
	require.Equal(t, "BOOKED", booked.Stocktake.State)
	c.requireLies(t, c.leash, c.warehouse, 87, 0)
	c.requireLies(t, c.toy, c.warehouse, 104, 0)
	c.requireLies(t, third, c.warehouse, 100, 0)
	for name, code := range map[string]string{
		"count": c.count(t, key, map[string]int{c.leash: 1}).code(), "book": c.book(t, key, false).code(),
		"drop": c.stocktake(t, "dropStocktake", "DropStocktakeInput", apptest.Variables{"stocktakeId": key}).code(),
	} {
		require.Equal(t, "STOCKTAKE_OVER", code, name)
	}
}

func TestWhatWasNotCountedMayBeGone(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	key := c.start(t, c.warehouse).Stocktake.ID
	require.Empty(t, c.count(t, key, map[string]int{c.leash: 100}).UserErrors)
	exec(t, c.App, `UPDATE stock_levels SET reserved = 1 WHERE variant_id = (SELECT v.id FROM variants v JOIN products p ON p.id = v.product_id WHERE p.slug = 'toy')`)
	short := c.book(t, key, true)
	require.Equal(t, "STOCK_BELOW_RESERVED", short.code())
	c.requireLies(t, c.toy, c.warehouse, 100, 0)
	exec(t, c.App, `UPDATE stock_levels SET reserved = 0`)
	require.Empty(t, c.book(t, key, true).UserErrors)
	c.requireLies(t, c.toy, c.warehouse, 0, 0)
	c.requireLies(t, c.leash, c.warehouse, 100, 0)
	var listed bool
	require.NoError(t, c.DB.Pool().QueryRow(t.Context(), `SELECT in_stock FROM product_listings l JOIN products p ON p.id = l.product_id WHERE p.slug = 'toy'`).Scan(&listed))
	require.False(t, listed, "shoppers see at once that nothing is left")
}

func TestStocktakesThatCannotBe(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	require.Equal(t, "NOT_FOUND", c.start(t, globalID("Location", id.New())).code())
	key := c.start(t, c.shop).Stocktake.ID
	for name, code := range map[string]string{
		"nothing":           c.count(t, key, nil).code(),
		"less than nothing": c.count(t, key, map[string]int{c.leash: -1}).code(),
		"too much":          c.count(t, key, map[string]int{c.leash: 1<<31 - 1}).code(),
		"unknown variant":   c.count(t, key, map[string]int{globalID("Variant", id.New()): 1}).code(),
		"unknown stocktake": c.book(t, globalID("Stocktake", id.New()), false).code(),
	} {
		require.Equal(t, map[string]string{
			"nothing": "STOCKTAKE_LINES_INVALID", "less than nothing": "STOCK_QUANTITY_INVALID", "too much": "STOCK_QUANTITY_INVALID",
			"unknown variant": "NOT_FOUND", "unknown stocktake": "NOT_FOUND",
		}[name], code, name)
	}
	// Something that the books do not know of is found.
	require.Empty(t, c.count(t, key, map[string]int{c.leash: 3}).UserErrors)
	require.Empty(t, c.book(t, key, false).UserErrors)
	c.requireLies(t, c.leash, c.shop, 3, 0)
	require.Equal(t, "DROPPED", c.stocktake(t, "dropStocktake", "DropStocktakeInput", apptest.Variables{"stocktakeId": c.start(t, c.shop).Stocktake.ID}).Stocktake.State)
	var listed struct {
		Stocktakes struct{ Nodes []struct{ State string } }
	}
	c.DoAs(t, keeper, `query($l: ID) { stocktakes(locationId: $l) { nodes { state } } }`, apptest.Variables{"l": c.shop}).Into(t, &listed)
	require.Equal(t, []struct{ State string }{{"DROPPED"}, {"BOOKED"}}, listed.Stocktakes.Nodes)
}

// ordered is a paid order of so many leashes.
func (c *carrier) ordered(t *testing.T, method uuid.UUID, pieces int) string {
	t.Helper()
	order, _ := orderedOf(t, c.App, method, fmt.Sprint(100*pieces), keyOf(t, c.leash), pieces)
	return order
}

func TestAStocktakeThatFindsFewerThanAreHeldIsBooked(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	umeda := openShop(t, c.App, "umeda", "OSAKA", map[uuid.UUID]int{keyOf(t, c.leash): 1})
	exec(t, c.App, `UPDATE locations SET ships = true WHERE id = $1`, umeda)
	method, desk := c.AddShipping(t, "parcel", 0), counter{c.App, packer}
	first, second, third := c.ordered(t, method, 3), c.ordered(t, method, 4), c.ordered(t, method, 2)
	made := desk.instruct(t, second, nil)
	require.Empty(t, made.UserErrors)
	requireShopStock(t, c.App, c.WarehouseID, keyOf(t, c.leash), 100, 9)

	key := c.start(t, c.warehouse).Stocktake.ID
	require.Empty(t, c.count(t, key, map[string]int{c.leash: 4}).UserErrors)
	booked := c.book(t, key, false)
	require.Empty(t, booked.UserErrors)
	require.Equal(t, "BOOKED", booked.Stocktake.State)
	requireShopStock(t, c.App, c.WarehouseID, keyOf(t, c.leash), 4, 4)
	requireShopStock(t, c.App, umeda, keyOf(t, c.leash), 1, 1)
	requireSums(t, c.App)
	holds := func(order string) (there, waits int) {
		require.NoError(t, c.DB.Pool().QueryRow(t.Context(), `SELECT coalesce(sum(quantity) FILTER (WHERE location_id IS NOT NULL), 0), coalesce(sum(quantity) FILTER (WHERE location_id IS NULL), 0)
			FROM stock_reservations WHERE order_id = $1 AND state = 'OPEN'`, keyOf(t, order)).Scan(&there, &waits))
		return there, waits
	}
	for order, want := range map[string][3]int{first: {3, 0, 0}, second: {2, 2, 3}, third: {0, 2, 2}} {
		there, waits := holds(order)
		released := countOf(t, c.App, `SELECT coalesce(-sum(reserved), 0) FROM stock_movements WHERE kind = 'RELEASE' AND reference = $1`, keyOf(t, order).String())
		require.Equal(t, want, [3]int{there, waits, released}, "there, waited for, released: the last placed lose first")
		require.Equal(t, min(want[2], 1), countOf(t, c.App, `SELECT count(*) FROM events WHERE type = 'order.reallocated' AND subject_id = $1`, keyOf(t, order)))
	}
	require.Equal(t, 1, countOf(t, c.App, `SELECT sum(l.quantity)::int FROM shipment_lines l JOIN shipments h ON h.id = l.shipment_id WHERE h.order_id = $1 AND h.status = 'INSTRUCTED'`, keyOf(t, second)), "what is gone is not packed")
	require.Equal(t, 2, *waiting(t, c.App, packer)["backOrders"])

	// What comes goes to those who wait.
	receive(t, c.App, keyOf(t, c.leash), 4)
	requireShopStock(t, c.App, c.WarehouseID, keyOf(t, c.leash), 8, 8)
	requireSums(t, c.App)
	require.Zero(t, *waiting(t, c.App, packer)["backOrders"])
	require.Equal(t, "STOCKTAKE_OVER", c.book(t, key, false).code())
}

// An order that was given up and holds goods all the same lets go of them, and stays given up.
func TestAStocktakeRevivesNoOrder(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	desk := counter{c.App, packer}
	order := c.ordered(t, c.AddShipping(t, "parcel", 0), 3)
	exec(t, c.App, `UPDATE orders SET status = 'CANCELLED' WHERE id = $1`, keyOf(t, order))
	key := c.start(t, c.warehouse).Stocktake.ID
	require.Empty(t, c.count(t, key, map[string]int{c.leash: 1}).UserErrors)
	require.Empty(t, c.book(t, key, false).UserErrors)
	require.Equal(t, "CANCELLED", desk.look(t, order).Status)
	requireShopStock(t, c.App, c.WarehouseID, keyOf(t, c.leash), 1, 1)
	requireSums(t, c.App)
	require.Zero(t, *waiting(t, c.App, packer)["backOrders"], "it waits for nothing")
}

func TestOrdersThatArePickedUpKeepWhatWasCounted(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	leash := keyOf(t, c.leash)
	umeda := openShop(t, c.App, "umeda", "OSAKA", map[uuid.UUID]int{leash: 3})
	require.Empty(t, picks(t, c.App, umeda, leash, 2).order(t, "200", "AT_SHOP").UserErrors)
	key := c.start(t, globalID("Location", umeda)).Stocktake.ID
	require.Empty(t, c.count(t, key, map[string]int{c.leash: 1}).UserErrors)
	short := c.book(t, key, false)
	require.Equal(t, "STOCK_BELOW_RESERVED", short.code())
	require.Contains(t, short.UserErrors[0].Message, "leash-1")
	requireShopStock(t, c.App, umeda, leash, 3, 2)
	require.Empty(t, c.count(t, key, map[string]int{c.leash: 2}).UserErrors)
	require.Empty(t, c.book(t, key, false).UserErrors)
	requireShopStock(t, c.App, umeda, leash, 2, 2)
	requireSums(t, c.App)
}

func TestAStocktakeIsBookedWhileOrdersArePlaced(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	method := c.AddShipping(t, "parcel", 0)
	for range 3 {
		c.ordered(t, method, 3)
	}
	key := c.start(t, c.warehouse).Stocktake.ID
	require.Empty(t, c.count(t, key, map[string]int{c.leash: 5}).UserErrors)
	guests := make([]*shopper, 4)
	for i := range guests {
		guests[i] = &shopper{App: c.App}
		require.Empty(t, guests[i].add(t, keyOf(t, c.leash), 2).UserErrors)
		require.Empty(t, guests[i].fillIn(t, method).UserErrors)
	}
	var all sync.WaitGroup
	for _, g := range guests {
		all.Go(func() { g.place(t, "intent-1", "200") })
	}
	all.Go(func() { require.Empty(t, c.book(t, key, false).UserErrors) })
	all.Wait()
	requireSums(t, c.App)
	require.Equal(t, 5, countOf(t, c.App, `SELECT on_hand FROM stock_levels WHERE variant_id = $1`, keyOf(t, c.leash)))
}
