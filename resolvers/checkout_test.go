package resolvers_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

const cartFields = `cart { lines { id quantity problem { code } price { total { amount } } } total { amount } taxes { percent tax { amount } } } cartToken userErrors { code field message }`

type userError struct {
	Code    string
	Field   []string
	Message string
}

type cartAnswer struct {
	Cart *struct {
		Lines []struct {
			ID       string
			Quantity int
			Problem  *struct{ Code string }
			Price    *struct{ Total struct{ Amount string } }
		}
		Total struct{ Amount string }
		Taxes []struct {
			Percent int
			Tax     struct{ Amount string }
		}
	}
	CartToken  string
	UserErrors []userError
}

func (c cartAnswer) code() string {
	if len(c.UserErrors) == 0 {
		return ""
	}
	return c.UserErrors[0].Code
}

// shopper is a guest with a cart.
type shopper struct {
	*apptest.App
	token string
}

func (s *shopper) add(t testing.TB, variant uuid.UUID, quantity int) cartAnswer {
	var got struct{ AddCartLine cartAnswer }
	s.Do(t, `mutation($v: ID!, $q: Int!) { addCartLine(input: {variantId: $v, quantity: $q}) { `+cartFields+` } }`,
		apptest.Variables{"v": id.Global("Variant", variant), "q": quantity}, "X-Cart-Token", s.token).Into(t, &got)
	if got.AddCartLine.CartToken != "" {
		s.token = got.AddCartLine.CartToken
	}
	return got.AddCartLine
}

func (s *shopper) fillIn(t testing.TB, method uuid.UUID) cartAnswer {
	var got struct{ UpdateCart cartAnswer }
	s.Do(t, `mutation($m: ID!) { updateCart(input: {email: "hanako@example.jp", shippingMethodId: $m, shippingAddress: {
		name: "山田 花子", postalCode: "150-0001", prefecture: TOKYO, city: "渋谷区", line1: "神宮前1-2-3", phone: "03-1234-5678"
	}}) { `+cartFields+` } }`, apptest.Variables{"m": id.Global("ShippingMethod", method)}, "X-Cart-Token", s.token).Into(t, &got)
	return got.UpdateCart
}

type orderAnswer struct {
	Order *struct {
		ID, Number, Status string
		Total              struct{ Amount string }
		Lines              []struct {
			SKU      string
			Quantity int
		}
		History []struct{ Type, Actor string }
	}
	UserErrors []userError
}

func (o orderAnswer) code() string {
	if len(o.UserErrors) == 0 {
		return ""
	}
	return o.UserErrors[0].Code
}

const orderFields = `order { id number status total { amount } lines { sku quantity } history { type actor } } userErrors { code field message }`

func (s *shopper) place(t testing.TB, key, total string) orderAnswer {
	var got struct{ PlaceOrder orderAnswer }
	s.Do(t, `mutation($k: String!, $t: Decimal!) { placeOrder(input: {idempotencyKey: $k, expectedTotal: $t, paymentMethod: BANK_TRANSFER}) { `+orderFields+` } }`,
		apptest.Variables{"k": key, "t": total}, "X-Cart-Token", s.token).Into(t, &got)
	return got.PlaceOrder
}

func TestGuestBuys(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	method := a.AddShipping(t, "parcel", 660)
	guest := &shopper{App: a}

	added := guest.add(t, leash.Variants[0], 2)
	require.Empty(t, added.UserErrors)
	require.NotEmpty(t, added.CartToken)
	require.Equal(t, "3960", added.Cart.Total.Amount)
	filled := guest.fillIn(t, method)
	require.Empty(t, filled.UserErrors)
	require.Equal(t, "4620", filled.Cart.Total.Amount)
	require.Equal(t, "420", filled.Cart.Taxes[0].Tax.Amount)

	placed := guest.place(t, "intent-1", "4620")
	require.Empty(t, placed.UserErrors)
	require.Equal(t, "PENDING_PAYMENT", placed.Order.Status)
	require.Equal(t, 2, placed.Order.Lines[0].Quantity)
	require.Equal(t, "order.placed", placed.Order.History[0].Type)
	requireStock(t, a, leash.Variants[0], 100, 2)

	again := guest.place(t, "intent-1", "4620")
	require.Equal(t, placed.Order.ID, again.Order.ID, "the same intent is the same order")
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED", guest.place(t, "intent-1", "1").code())
	require.Equal(t, "NOT_FOUND", guest.place(t, "intent-2", "4620").code(), "the cart is spent")

	var mine struct{ Order struct{ Number string } }
	guest.Do(t, `query($id: ID!) { order(id: $id) { number } }`, apptest.Variables{"id": placed.Order.ID}, "X-Cart-Token", guest.token).Into(t, &mine)
	require.Equal(t, placed.Order.Number, mine.Order.Number)
	var other struct{ Order *struct{ Number string } }
	guest.Do(t, `query($id: ID!) { order(id: $id) { number } }`, apptest.Variables{"id": placed.Order.ID}, "X-Cart-Token", "SOMEBODYELSE").Into(t, &other)
	require.Nil(t, other.Order)

	var cancelled struct{ CancelOrder orderAnswer }
	cancel := func() string {
		return `mutation($id: ID!) { cancelOrder(input: {` + aKey() + ` orderId: $id}) { ` + orderFields + ` } }`
	}
	guest.Do(t, cancel(), apptest.Variables{"id": placed.Order.ID}, "X-Cart-Token", guest.token).Into(t, &cancelled)
	require.Equal(t, "CANCELLED", cancelled.CancelOrder.Order.Status)
	requireStock(t, a, leash.Variants[0], 100, 0)
	guest.Do(t, cancel(), apptest.Variables{"id": placed.Order.ID}, "X-Cart-Token", guest.token).Into(t, &cancelled)
	require.Equal(t, "ORDER_STATUS_CONFLICT", cancelled.CancelOrder.code())
	requireStock(t, a, leash.Variants[0], 100, 0)
}

func requireStock(t testing.TB, a *apptest.App, variant uuid.UUID, onHand, reserved int) {
	t.Helper()
	var gotOnHand, gotReserved int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT on_hand, reserved FROM stock_levels WHERE variant_id = $1`, variant).Scan(&gotOnHand, &gotReserved))
	require.Equal(t, [2]int{onHand, reserved}, [2]int{gotOnHand, gotReserved}, "on hand, reserved")
}

func TestImpossibleCartLinesAreRefused(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	hidden := a.AddProduct(t, "hidden", 500)
	_, err := a.DB.Pool().Exec(t.Context(), `UPDATE product_listings SET published = false WHERE product_id = $1`, hidden.ID)
	require.NoError(t, err)
	guest := &shopper{App: a}
	for _, quantity := range []int{0, -1, 100_000} {
		require.Equal(t, "QUANTITY_INVALID", guest.add(t, leash.Variants[0], quantity).code(), "quantity %d", quantity)
	}
	require.Equal(t, "VARIANT_UNAVAILABLE", guest.add(t, id.New(), 1).code())
	require.Equal(t, "VARIANT_UNAVAILABLE", guest.add(t, hidden.Variants[0], 1).code())
	require.Equal(t, "INSUFFICIENT_STOCK", guest.add(t, leash.Variants[0], 101).code())
	require.Empty(t, guest.add(t, leash.Variants[0], 100).UserErrors)
	require.Equal(t, "INSUFFICIENT_STOCK", guest.add(t, leash.Variants[0], 1).code())

	beyond := a.Do(t, `mutation($v: ID!, $q: Int!) { addCartLine(input: {variantId: $v, quantity: $q}) { userErrors { code } } }`,
		apptest.Variables{"v": id.Global("Variant", leash.Variants[0]), "q": int64(1) << 31})
	require.NotEmpty(t, beyond.Errors, "2^31 is not an Int of GraphQL")
}

func TestChangedPriceIsToldAndNothingPlaced(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	guest := &shopper{App: a}
	guest.add(t, leash.Variants[0], 1)
	shown := guest.fillIn(t, a.AddShipping(t, "parcel", 0)).Cart.Total.Amount
	_, err := a.DB.Pool().Exec(t.Context(), `UPDATE prices SET amount = 2200 WHERE variant_id = $1`, leash.Variants[0])
	require.NoError(t, err)
	refused := guest.place(t, "intent-1", shown)
	require.Equal(t, "PRICE_CHANGED", refused.code())
	require.Contains(t, refused.UserErrors[0].Message, "2200")
	requireStock(t, a, leash.Variants[0], 100, 0)
	require.Empty(t, guest.place(t, "intent-1", "2200").UserErrors, "a refused intent has used nothing up")
}

func TestLastPiecesAreSoldOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ pieces, buyers int }{{1, 2}, {10, 64}} {
		t.Run(fmt.Sprintf("%d for %d", c.pieces, c.buyers), func(t *testing.T) {
			t.Parallel()
			sellLastPieces(t, c.pieces, c.buyers)
		})
	}
}

func sellLastPieces(t *testing.T, pieces, buyers int) {
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	toy := a.AddProduct(t, "toy", 300)
	a.SetStock(t, leash.Variants[0], pieces)
	method := a.AddShipping(t, "parcel", 0)
	guests := make([]*shopper, buyers)
	for i := range guests {
		guests[i] = &shopper{App: a}
		lines := []uuid.UUID{leash.Variants[0], toy.Variants[0]}
		if i%2 == 1 { // as many take the rows the other way round
			lines[0], lines[1] = lines[1], lines[0]
		}
		for _, variant := range lines {
			require.Empty(t, guests[i].add(t, variant, 1).UserErrors)
		}
		guests[i].fillIn(t, method)
	}
	var sold, soldOut atomic.Int32
	var group sync.WaitGroup
	for i, g := range guests {
		group.Go(func() {
			switch code := g.place(t, fmt.Sprintf("intent-%d", i), "2280").code(); code {
			case "":
				sold.Add(1)
			case "INSUFFICIENT_STOCK":
				soldOut.Add(1)
			default:
				t.Errorf("unexpected %s", code)
			}
		})
	}
	group.Wait()
	require.Equal(t, [2]int32{int32(pieces), int32(buyers - pieces)}, [2]int32{sold.Load(), soldOut.Load()}, "sold, sold out")
	requireStock(t, a, leash.Variants[0], pieces, pieces)
	requireStock(t, a, toy.Variants[0], 100, pieces)
}

func TestOneIntentTwiceAtOnceIsOneOrder(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	guest := &shopper{App: a}
	guest.add(t, leash.Variants[0], 1)
	guest.fillIn(t, a.AddShipping(t, "parcel", 0))
	var ids sync.Map
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			placed := guest.place(t, "intent-1", "1980")
			if placed.Order != nil {
				ids.Store(placed.Order.ID, true)
			}
		})
	}
	group.Wait()
	count := 0
	ids.Range(func(any, any) bool { count++; return true })
	require.Equal(t, 1, count)
	var orders int
	require.NoError(t, a.DB.Pool().QueryRow(context.WithoutCancel(t.Context()), `SELECT count(*) FROM orders`).Scan(&orders))
	require.Equal(t, 1, orders)
	requireStock(t, a, leash.Variants[0], 100, 1)
}

func TestCheckoutCostsFewStatements(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	guest := &shopper{App: a}
	total := 0
	for i := range 5 {
		guest.add(t, a.AddProduct(t, fmt.Sprintf("p%d", i), 100).Variants[0], 1)
		total += 100
	}
	guest.fillIn(t, a.AddShipping(t, "parcel", 0))
	answer := a.Do(t, `{ cart { lines { sku price { total { amount } } } total { amount } } }`, nil, "X-Cart-Token", guest.token)
	require.Equal(t, 5, answer.Statements, "cart, lines, prices, stock, shipping method: one round trip")
}

// What a checkout costs is how often PostgreSQL is waited for.
func TestCheckoutMakesFewRoundTrips(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	checkoutCosts(t, a, 2) // a process's first asks once what PostgreSQL can do
	for _, lines := range []int{1, 5} {
		costs := checkoutCosts(t, a, lines)
		require.Equal(t, cost{7, 1}, costs["addCartLine"], "cart, line, basket")
		require.Equal(t, cost{8, 2}, costs["updateCart"], "begin, cart and basket; commit: a method that does not take the goods leaves nothing")
		placed := costs["placeOrder"]
		require.Equal(t, 3, placed.roundTrips, "begin, claim and basket; all that is written; commit")
		require.Equal(t, 16, placed.statements, "however many lines")
	}
}

// cost is what a request asks of PostgreSQL.
type cost struct{ statements, roundTrips int }

// checkoutCosts are the costs of each request of a checkout.
func checkoutCosts(t *testing.T, a *apptest.App, lines int) map[string]cost {
	t.Helper()
	costs := map[string]cost{}
	guest := &shopper{App: a}
	do := func(name, mutation string, variables apptest.Variables) {
		answer := a.Do(t, mutation, variables, "X-Cart-Token", guest.token)
		require.Empty(t, answer.Errors)
		require.NotContains(t, string(answer.Data), `"code"`)
		costs[name] = cost{answer.Statements, answer.RoundTrips}
	}
	for i := range lines {
		guest.add(t, a.AddProduct(t, fmt.Sprintf("of%d-%d", lines, i), 100).Variants[0], 1)
	}
	method := id.Global("ShippingMethod", a.AddShipping(t, fmt.Sprintf("parcel%d", lines), 0))
	do("addCartLine", `mutation($v: ID!) { addCartLine(input: {variantId: $v, quantity: 1}) { cart { total { amount } } userErrors { code } } }`,
		apptest.Variables{"v": id.Global("Variant", a.AddProduct(t, fmt.Sprintf("last%d", lines), 100).Variants[0])})
	do("updateCart", `mutation($m: ID!) { updateCart(input: {email: "hanako@example.jp", shippingMethodId: $m, shippingAddress: {
		name: "山田 花子", postalCode: "150-0001", prefecture: TOKYO, city: "渋谷区", line1: "神宮前1-2-3", phone: "03-1234-5678"
	}}) { cart { total { amount } } userErrors { code } } }`, apptest.Variables{"m": method})
	total := fmt.Sprint(100 * (lines + 1))
	do("placeOrder", `mutation($k: String!, $t: Decimal!) { placeOrder(input: {idempotencyKey: $k, expectedTotal: $t, paymentMethod: BANK_TRANSFER}) { order { number total { amount } } userErrors { code } } }`,
		apptest.Variables{"k": fmt.Sprintf("intent-%d", lines), "t": total})
	return costs
}
