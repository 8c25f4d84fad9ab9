package resolvers_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/storage/postgres"
)

func (s *shopper) set(t testing.TB, line string, quantity int) cartAnswer {
	t.Helper()
	var got struct{ SetCartLineQuantity cartAnswer }
	s.Do(t, `mutation($l: ID!, $q: Int!) { setCartLineQuantity(input: {lineId: $l, quantity: $q}) { cart { lines { id quantity } total { amount } } userErrors { code field message } } }`,
		apptest.Variables{"l": line, "q": quantity}, "X-Cart-Token", s.token).Into(t, &got)
	return got.SetCartLineQuantity
}

func (s *shopper) update(t testing.TB, input apptest.Variables) cartAnswer {
	t.Helper()
	var got struct{ UpdateCart cartAnswer }
	s.Do(t, `mutation($in: UpdateCartInput!) { updateCart(input: $in) { `+cartFields+` } }`, apptest.Variables{"in": input}, "X-Cart-Token", s.token).Into(t, &got)
	return got.UpdateCart
}

func count(t testing.TB, a *apptest.App, table string) (n int) {
	t.Helper()
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&n))
	return n
}

func exec(t testing.TB, a *apptest.App, sql string, args ...any) {
	t.Helper()
	_, err := a.DB.Pool().Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func TestQuantitiesOfALineAreBounded(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	guest := &shopper{App: a}
	line := guest.add(t, a.AddProduct(t, "leash", 1980).Variants[0], 2).Cart.Lines[0].ID
	for quantity, code := range map[int]string{-1: "QUANTITY_INVALID", 100_000: "QUANTITY_INVALID", 101: "INSUFFICIENT_STOCK"} {
		require.Equal(t, code, guest.set(t, line, quantity).code(), "quantity %d", quantity)
	}
	beyond := guest.Do(t, `mutation($l: ID!) { setCartLineQuantity(input: {lineId: $l, quantity: 2147483648}) { userErrors { code } } }`,
		apptest.Variables{"l": line}, "X-Cart-Token", guest.token)
	require.NotEmpty(t, beyond.Errors)
	require.Equal(t, "NOT_FOUND", guest.set(t, id.Global("CartLine", id.New()), 1).code())

	other := &shopper{App: a}
	other.add(t, a.AddProduct(t, "toy", 300).Variants[0], 1)
	require.Equal(t, "NOT_FOUND", other.set(t, line, 5).code(), "a line of somebody else's cart")
	require.Equal(t, "NOT_FOUND", (&shopper{App: a}).set(t, line, 0).code())

	require.Equal(t, "9900", guest.set(t, line, 5).Cart.Total.Amount)
	require.Empty(t, guest.set(t, line, 0).Cart.Lines)
}

func TestRefusedLinesLeaveNoCartBehind(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	for variant, quantity := range map[uuid.UUID]int{leash: 101, id.New(): 1} {
		require.NotEmpty(t, (&shopper{App: a}).add(t, variant, quantity).UserErrors)
	}
	require.Zero(t, count(t, a, "carts"))
}

func TestTokensAreMadeByNorenAlone(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	for _, made := range []string{"1", "my-cart", "abcdefghijklmnopqrstuvwxyz"} {
		guest := &shopper{App: a, token: made}
		require.NotEmpty(t, guest.add(t, leash, 1).CartToken, "a token that anyone may think of opens no cart")
	}
	require.Equal(t, 3, count(t, a, "carts"))
}

func TestAMembersCartOpensToNoToken(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	guest := &shopper{App: a}
	guest.add(t, a.AddProduct(t, "leash", 1980).Variants[0], 1)
	member := access.Actor{Role: access.RoleMember, ID: id.New()}
	require.NoError(t, cart.New(postgres.NewCarts(a.DB), nil, nil, nil, nil, clock.System).MergeGuest(t.Context(), guest.token, member.ID))
	mine := func(actor access.Actor) bool {
		var got struct{ Cart *struct{ ID string } }
		a.DoAs(t, actor, `{ cart { id } }`, nil).Into(t, &got)
		return got.Cart != nil
	}
	require.True(t, mine(member))
	require.False(t, mine(access.Actor{Role: access.RoleGuest, CartToken: guest.token}), "the next at the same device is not the member")
	require.False(t, mine(access.Actor{Role: access.RoleMember, ID: id.New(), CartToken: guest.token}))
}

func TestRefusedUpdatesChangeNothing(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	guest := &shopper{App: a}
	require.Equal(t, "NOT_FOUND", guest.update(t, apptest.Variables{"email": "hanako@example.jp"}).code(), "there is no cart yet")
	guest.add(t, a.AddProduct(t, "leash", 1980).Variants[0], 1)
	closed := a.AddShipping(t, "closed", 100)
	exec(t, a, `UPDATE shipping_methods SET active = false WHERE id = $1`, closed)
	for _, method := range []uuid.UUID{closed, id.New()} {
		got := guest.update(t, apptest.Variables{"email": "hanako@example.jp", "shippingMethodId": id.Global("ShippingMethod", method)})
		require.Equal(t, "SHIPPING_METHOD_UNAVAILABLE", got.code())
	}
	for _, email := range []string{"", "hanako", "花子 <hanako@example.jp>", "hanako@localhost", "a@b.jp, c@d.jp"} {
		require.Equal(t, "EMAIL_INVALID", guest.update(t, apptest.Variables{"email": email}).code(), email)
	}
	address := newAddress("山田 花子")
	delete(address, "kana")
	address["postalCode"] = "123"
	require.Equal(t, "POSTAL_CODE_INVALID", guest.update(t, apptest.Variables{"email": "hanako@example.jp", "shippingAddress": address}).code())
	var kept struct {
		Cart struct {
			Email           string
			ShippingAddress *struct{ Name string }
		}
	}
	guest.Do(t, `{ cart { email shippingAddress { name } } }`, nil, "X-Cart-Token", guest.token).Into(t, &kept)
	require.Empty(t, kept.Cart.Email)
	require.Nil(t, kept.Cart.ShippingAddress)
}

// What changes between the cart and the order is told, and nothing is placed.
func TestOrdersThatCannotBePlacedLeaveNothing(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	method := a.AddShipping(t, "parcel", 0)
	require.Equal(t, "NOT_FOUND", (&shopper{App: a}).place(t, "intent-1", "1980").code(), "no cart")
	bare := &shopper{App: a}
	line := bare.add(t, a.AddProduct(t, "bare", 1980).Variants[0], 1).Cart.Lines[0].ID
	require.Equal(t, "IDEMPOTENCY_KEY_INVALID", bare.place(t, "short", "1980").code())
	var fields [][]string
	for _, e := range bare.place(t, "intent-1", "1980").UserErrors {
		require.Equal(t, "REQUIRED", e.Code)
		fields = append(fields, e.Field)
	}
	require.Equal(t, [][]string{{"email"}, {"shippingAddress"}, {"shippingMethod"}}, fields)
	bare.set(t, line, 0)
	require.Equal(t, "CART_EMPTY", bare.place(t, "intent-1", "0").code())

	for name, c := range map[string]struct{ sql, code string }{
		"unpublished": {`UPDATE product_listings SET published = false WHERE product_id = (SELECT product_id FROM variants WHERE id = $1)`, "VARIANT_UNAVAILABLE"},
		"retired":     {`UPDATE variants SET active = false WHERE id = $1`, "VARIANT_UNAVAILABLE"},
		"sold-out":    {`UPDATE stock_levels SET reserved = on_hand WHERE variant_id = $1`, "INSUFFICIENT_STOCK"},
		"unpriced":    {`DELETE FROM prices WHERE variant_id = $1`, "PRICE_MISSING"},
	} {
		variant := a.AddProduct(t, name, 1980).Variants[0]
		guest := &shopper{App: a}
		guest.add(t, variant, 1)
		guest.fillIn(t, method)
		exec(t, a, c.sql, variant)
		refused := guest.place(t, "intent-1", "1980")
		require.Equal(t, c.code, refused.code(), name)
		require.Equal(t, []string{"lines", "0"}, refused.UserErrors[0].Field, name)
	}
	require.Zero(t, count(t, a, "orders"))
	require.Zero(t, count(t, a, "stock_reservations"))
	require.Zero(t, count(t, a, "payments"))
	require.Zero(t, count(t, a, "river_job"))
	require.Zero(t, count(t, a, "idempotency_keys"), "a refused intent has used nothing up")
}

func TestPlacingCostsTheSameForEveryLength(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	method := a.AddShipping(t, "parcel", 0)
	cost := func(lines int) int {
		guest := &shopper{App: a}
		for i := range lines {
			guest.add(t, a.AddProduct(t, fmt.Sprintf("p-%d-%d", lines, i), 100).Variants[0], 1)
		}
		guest.fillIn(t, method)
		answer := a.Do(t, `mutation($t: Decimal!) { placeOrder(input: {idempotencyKey: "intent-1", expectedTotal: $t, paymentMethod: BANK_TRANSFER}) { order { number } userErrors { code } } }`,
			apptest.Variables{"t": fmt.Sprint(100 * lines)}, "X-Cart-Token", guest.token)
		require.Contains(t, string(answer.Data), `"userErrors":[]`)
		return answer.Statements
	}
	// Begin and commit are among them. The queue's wake-up call and what is read once
	// come on top at times; a statement for each line would make 30 of it.
	for _, lines := range []int{1, 12} {
		require.LessOrEqual(t, cost(lines), 20, "%d lines", lines)
	}
}
