package resolvers_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// sellAs sets how a variant is sold.
func sellAs(t *testing.T, a *apptest.App, variant uuid.UUID, input apptest.Variables) {
	t.Helper()
	input["variantId"] = id.Global("Variant", variant)
	require.Empty(t, write(t, a, clerk, "setSaleTerms", "SetSaleTermsInput", `terms { kind sold total left }`, input, nil))
}

// requireCounted holds what is sold to the sum of its movements.
func requireCounted(t *testing.T, a *apptest.App, variant uuid.UUID, sold int) {
	t.Helper()
	requireSums(t, a)
	var counted, moved, taken, off int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT sold,
		(SELECT coalesce(sum(quantity), 0) FROM sale_movements m WHERE m.variant_id = t.variant_id),
		(SELECT coalesce(sum(taken), 0) FROM sale_customers c WHERE c.variant_id = t.variant_id),
		(SELECT count(*) FROM sale_customers c WHERE taken <> (SELECT sum(quantity) FROM sale_movements m WHERE (m.variant_id, m.customer) = (c.variant_id, c.customer)))
		FROM sale_terms t WHERE variant_id = $1`, variant).Scan(&counted, &moved, &taken, &off))
	require.Equal(t, [4]int{sold, sold, sold, 0}, [4]int{counted, moved, taken, off}, "sold, sum of movements, sum over customers, customers off")
}

func TestLimitedGoodsAreSoldToTheLimitAndNoFurther(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	method := a.AddShipping(t, "parcel", 0)
	product := a.AddProduct(t, "coat", 100)
	coat := product.Variants[0]
	sellAs(t, a, coat, apptest.Variables{"kind": "LIMITED", "total": 20, "perCustomer": 1})
	buyers := make([]*shopper, 64)
	for i := range buyers {
		buyers[i] = buyer(t, a, method, coat, 1)
		buyers[i].update(t, apptest.Variables{"email": fmt.Sprintf("buyer-%d@example.jp", i)})
	}
	var placed atomic.Int32
	var all sync.WaitGroup
	for i, b := range buyers {
		all.Go(func() {
			switch got := b.place(t, fmt.Sprintf("intent-%d", i), "100"); got.code() {
			case "":
				placed.Add(1)
			case "PURCHASE_LIMIT_REACHED":
			default:
				t.Errorf("buyer %d: %s", i, got.code())
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 20, placed.Load())
	requireStock(t, a, coat, 100, 20)
	requireCounted(t, a, coat, 20)
	require.Equal(t, "PURCHASE_LIMIT_REACHED", (&shopper{App: a}).add(t, coat, 1).code())
	var shown struct {
		Product struct {
			Variants []struct {
				Availability string
				SaleTerms    struct {
					Kind              string
					Left, PerCustomer int
				}
			}
		}
	}
	a.Do(t, `{ product(slug: "coat") { variants { availability saleTerms { kind left perCustomer } } } }`, nil).Into(t, &shown)
	require.Equal(t, "OUT_OF_STOCK", shown.Product.Variants[0].Availability)
	require.Equal(t, "LIMITED", shown.Product.Variants[0].SaleTerms.Kind)
	require.Zero(t, shown.Product.Variants[0].SaleTerms.Left)
	require.Equal(t, "UNAUTHENTICATED", a.Do(t, `{ product(slug: "coat") { variants { saleTerms { sold } } } }`, nil).Code(), "how much is sold is staff's")

	// A raised limit sells on, and the end of the terms sells the rest of the stock.
	sellAs(t, a, coat, apptest.Variables{"kind": "LIMITED", "total": 21})
	require.Equal(t, "PURCHASE_LIMIT_REACHED", (&shopper{App: a}).add(t, coat, 2).code())
	require.Empty(t, (&shopper{App: a}).add(t, coat, 1).UserErrors)
	sellAs(t, a, coat, apptest.Variables{})
	require.Empty(t, (&shopper{App: a}).add(t, coat, 80).UserErrors)
}

// One customer, two carts, and all of them placed at once: the limit holds.
func TestACustomersLimitHoldsOverCartsAndOrders(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	method := a.AddShipping(t, "parcel", 0)
	coat := a.AddProduct(t, "coat", 100).Variants[0]
	sellAs(t, a, coat, apptest.Variables{"kind": "LIMITED", "perCustomer": 3})
	refused := (&shopper{App: a}).add(t, coat, 4)
	require.Equal(t, "PURCHASE_LIMIT_REACHED", refused.code())
	require.Contains(t, refused.UserErrors[0].Message, "3")

	carts := make([]*shopper, 8)
	for i := range carts {
		carts[i] = buyer(t, a, method, coat, 2)
	}
	var bought []orderAnswer
	var mu sync.Mutex
	var all sync.WaitGroup
	for i, c := range carts {
		all.Go(func() {
			got := c.place(t, fmt.Sprintf("intent-%d", i), "200")
			mu.Lock()
			defer mu.Unlock()
			if got.code() == "" {
				bought = append(bought, got)
			} else if got.code() != "PURCHASE_LIMIT_REACHED" {
				t.Errorf("cart %d: %s", i, got.code())
			}
		})
	}
	all.Wait()
	require.Len(t, bought, 1)
	requireCounted(t, a, coat, 2)
	again := buyer(t, a, method, coat, 1)
	require.Equal(t, "PURCHASE_LIMIT_REACHED", again.set(t, again.add(t, coat, 1).Cart.Lines[0].ID, 4).code())
	require.Equal(t, "PURCHASE_LIMIT_REACHED", again.place(t, "intent-again", "200").code(), "one is left")

	// Whoever gives up may buy again.
	require.Empty(t, write(t, a, shipper, "cancelOrder", "CancelOrderInput", `order { status }`, apptest.Variables{"orderId": bought[0].Order.ID}, nil))
	requireCounted(t, a, coat, 0)
	require.Empty(t, again.place(t, "intent-again", "200").UserErrors)
	requireCounted(t, a, coat, 2)
}

func TestAdvanceOrdersAreSoldBeforeTheReleaseAndShippedAfter(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	method := a.AddShipping(t, "parcel", 0)
	cake := a.AddProduct(t, "cake", 100).Variants[0]
	a.SetStock(t, cake, 0)
	sellAs(t, a, cake, apptest.Variables{"kind": "ADVANCE", "total": 5, "releaseAt": time.Now().Add(time.Hour), "promise": apptest.Variables{"ja": "12月24日発売"}})
	var listed bool
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT in_stock FROM product_listings`).Scan(&listed))
	require.True(t, listed, "lists know that it can be ordered")

	guest := buyer(t, a, method, cake, 4)
	placed := guest.place(t, "intent-1", "400")
	require.Empty(t, placed.UserErrors)
	require.Equal(t, waitingLine{4, ptr("12月24日発売"), nil}, guest.waits(t, placed.Order.ID))
	requireCounted(t, a, cake, 4)
	require.Equal(t, "PURCHASE_LIMIT_REACHED", (&shopper{App: a}).add(t, cake, 2).code(), "the allotment leaves one")

	exec(t, a, `UPDATE orders SET status = 'CONFIRMED', paid = true`)
	staff := counter{a, shipper}
	require.Equal(t, "ORDER_BACK_ORDERED", staff.instruct(t, placed.Order.ID, nil).code())
	receive(t, a, cake, 10)
	require.Zero(t, guest.waits(t, placed.Order.ID).BackOrdered)
	require.Equal(t, "ORDER_NOT_RELEASED", staff.instruct(t, placed.Order.ID, nil).code())
	exec(t, a, `UPDATE sale_terms SET release_at = now() - interval '1 minute'`)
	staff.ship(t, placed.Order.ID)
	requireStock(t, a, cake, 6, 0)

	// After the release it is sold from stock alone.
	exec(t, a, `UPDATE sale_terms SET total = 100`)
	require.Equal(t, "INSUFFICIENT_STOCK", (&shopper{App: a}).add(t, cake, 7).code())
}

func TestListsLearnOfARelease(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	cake := a.AddProduct(t, "cake", 100).Variants[0]
	a.SetStock(t, cake, 0)
	sellAs(t, a, cake, apptest.Variables{"kind": "ADVANCE", "releaseAt": time.Now().Add(time.Hour), "promise": apptest.Variables{"ja": "12月24日発売"}})
	listed := func() (in bool) {
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT in_stock FROM product_listings`).Scan(&in))
		return in
	}
	require.NoError(t, a.App.Resolvers.Lists.Turn(t.Context()))
	require.True(t, listed(), "not released yet")
	exec(t, a, `UPDATE sale_terms SET release_at = now() - interval '1 second'`)
	require.NoError(t, a.App.Resolvers.Lists.Turn(t.Context()))
	require.False(t, listed(), "only what is in stock is sold now, and nothing is")
}

func TestGoodsMadeToOrderAreNotCancelledOnceConfirmed(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	method := a.AddShipping(t, "parcel", 0)
	collar := a.AddProduct(t, "collar", 100).Variants[0]
	a.SetStock(t, collar, 0)
	sellAs(t, a, collar, apptest.Variables{"kind": "MADE_TO_ORDER", "promise": apptest.Variables{"ja": "ご注文から約3週間"}})
	guest := buyer(t, a, method, collar, 2)
	placed := guest.place(t, "intent-1", "200")
	require.Empty(t, placed.UserErrors)
	require.Equal(t, waitingLine{2, ptr("ご注文から約3週間"), nil}, guest.waits(t, placed.Order.ID))

	cancel := func(s *shopper, order string) string {
		var got struct{ CancelOrder orderAnswer }
		a.Do(t, `mutation($id: ID!) { cancelOrder(input: {`+aKey()+` orderId: $id}) { order { status } userErrors { code } } }`, apptest.Variables{"id": order}, "X-Cart-Token", s.token).Into(t, &got)
		return got.CancelOrder.code()
	}
	exec(t, a, `UPDATE orders SET status = 'CONFIRMED', paid = true`)
	require.Equal(t, "ORDER_MADE_TO_ORDER", cancel(guest, placed.Order.ID))
	requireCounted(t, a, collar, 2)
	require.Empty(t, write(t, a, shipper, "cancelOrder", "CancelOrderInput", `order { status }`, apptest.Variables{"orderId": placed.Order.ID}, nil), "staff may")
	requireCounted(t, a, collar, 0)

	other := buyer(t, a, method, collar, 1)
	pending := other.place(t, "intent-2", "100")
	require.Empty(t, cancel(other, pending.Order.ID), "nobody makes it before it is confirmed")
}

func TestTermsOfSaleThatCannotBe(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	coat := a.AddProduct(t, "coat", 100).Variants[0]
	text, soon := apptest.Variables{"ja": "来月"}, time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		input       apptest.Variables
		field, code string
	}{
		"no limit":              {apptest.Variables{"kind": "LIMITED"}, "total", "SALE_LIMIT_INVALID"},
		"nothing":               {apptest.Variables{"kind": "LIMITED", "total": 0}, "total", "SALE_LIMIT_INVALID"},
		"less than nothing":     {apptest.Variables{"kind": "LIMITED", "perCustomer": -1}, "perCustomer", "SALE_LIMIT_INVALID"},
		"more each than in all": {apptest.Variables{"kind": "LIMITED", "total": 2, "perCustomer": 3}, "perCustomer", "SALE_LIMIT_INVALID"},
		"limited with release":  {apptest.Variables{"kind": "LIMITED", "total": 2, "releaseAt": soon}, "releaseAt", "SALE_RELEASE_INVALID"},
		"limited with promise":  {apptest.Variables{"kind": "LIMITED", "total": 2, "promise": text}, "promise", "INVALID"},
		"advance, no release":   {apptest.Variables{"kind": "ADVANCE", "promise": text}, "releaseAt", "SALE_RELEASE_INVALID"},
		"advance, released":     {apptest.Variables{"kind": "ADVANCE", "promise": text, "releaseAt": time.Now().Add(-time.Hour)}, "releaseAt", "SALE_RELEASE_INVALID"},
		"advance, no promise":   {apptest.Variables{"kind": "ADVANCE", "releaseAt": soon}, "promise", "REQUIRED"},
		"made, no promise":      {apptest.Variables{"kind": "MADE_TO_ORDER"}, "promise", "REQUIRED"},
		"long promise":          {apptest.Variables{"kind": "MADE_TO_ORDER", "promise": apptest.Variables{"ja": strings.Repeat("長", 101)}}, "promise", "TOO_LONG"},
		"limits of none":        {apptest.Variables{"total": 5}, "kind", "INVALID"},
		"unknown variant":       {apptest.Variables{"kind": "LIMITED", "total": 2, "variantId": id.Global("Variant", id.New())}, "variantId", "NOT_FOUND"},
	} {
		if c.input["variantId"] == nil {
			c.input["variantId"] = id.Global("Variant", coat)
		}
		errors := write(t, a, clerk, "setSaleTerms", "SetSaleTermsInput", `terms { kind }`, c.input, nil)
		require.Len(t, errors, 1, name)
		require.Equal(t, c.code, errors[0].Code, name)
		require.Equal(t, []string{c.field}, errors[0].Field, name)
	}
	require.Zero(t, count(t, a, "sale_terms"))
	require.Equal(t, "FORBIDDEN", a.DoAs(t, shipper, `mutation($v: ID!) { setSaleTerms(input: {variantId: $v}) { userErrors { code } } }`, apptest.Variables{"v": id.Global("Variant", coat)}).Code())
}

func ptr[T any](v T) *T { return &v }
