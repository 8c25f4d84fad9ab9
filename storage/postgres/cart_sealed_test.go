package postgres_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/storage/postgres"
)

// everyCart is all that is kept of carts and of what limits count.
const everyCart = `SELECT coalesce((SELECT string_agg(c::text, ' ') FROM carts c), '') || coalesce((SELECT string_agg(c::text, ' ') FROM sale_customers c), '')
	|| coalesce((SELECT string_agg(m::text, ' ') FROM sale_movements m), '')`

// aCart is a guest's cart with a piece of a new product.
func (v *vault) aCart(t *testing.T, slug string) (in cart.Lookup, cartID, variantID uuid.UUID) {
	t.Helper()
	variantID, cartID = v.AddProduct(t, slug, 100).Variants[0], id.New()
	in = cart.Lookup{Owner: cart.Owner{TokenHash: cart.HashToken(slug)}, BrandID: v.BrandID, ChannelID: v.ChannelID, At: v.now}
	v.exec(t, `INSERT INTO carts (id, brand_id, channel_id, token_hash, updated_at) VALUES ($1, $2, $3, $4, now())`, cartID, v.BrandID, v.ChannelID, in.Owner.TokenHash)
	v.exec(t, `INSERT INTO cart_lines (id, cart_id, variant_id, quantity) VALUES (gen_random_uuid(), $1, $2, 1)`, cartID, variantID)
	return in, cartID, variantID
}

func TestCartsAreSealed(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	ctx, store, personal := t.Context(), postgres.NewCarts(v.DB), postgres.NewPersonal(v.DB, v.keys)
	in, key, _ := v.aCart(t, "leash")
	v.exec(t, `UPDATE carts SET email = 'a@example.jp', recipient = '山田 太郎', shipping_address = '{"name":"山田 花子","city":"渋谷区"}' WHERE id = $1`, key)
	v.DB.SealWith(v.keys)
	said := func() string {
		b, err := store.Basket(ctx, in)
		require.NoError(t, err)
		return b.Cart.Email + " " + b.Cart.Recipient + " " + b.Cart.ShippingAddress.Name + " " + b.Cart.ShippingAddress.City
	}
	require.Equal(t, "a@example.jp 山田 太郎 山田 花子 渋谷区", said(), "a row of an older version is read as it is")

	// Half of it is said anew: the other half waits for the job.
	b, err := store.Update(ctx, in, cart.Change{Email: new("b@example.jp"), BillingAddress: &customer.Address{Name: "見本商事", Prefecture: "OSAKA"}})
	require.NoError(t, err)
	require.Equal(t, "b@example.jp 見本商事", b.Cart.Email+" "+b.Cart.BillingAddress.Name)
	require.NotContains(t, v.text(t, everyCart), "b@example.jp")
	require.NotContains(t, v.text(t, everyCart), "見本")
	require.Equal(t, "OSAKA", v.text(t, `SELECT billing_address->>'prefecture' FROM carts`))
	stale, err := personal.Stale(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, stale)
	for range 2 {
		n, err := personal.Reseal(ctx, nil)
		require.NoError(t, err)
		require.Equal(t, stale, n)
		stale = 0
	}
	for _, clear := range []string{"example.jp", "山田", "渋谷"} {
		require.NotContains(t, v.text(t, everyCart), clear)
	}
	require.Equal(t, "b@example.jp 山田 太郎 山田 花子 渋谷区", said())

	// What is said anew of a sealed cart leaves it sealed.
	_, err = store.Update(ctx, in, cart.Change{Recipient: new(""), ShippingAddress: &customer.Address{Name: "山田 次郎", City: "堺市"}})
	require.NoError(t, err)
	require.Equal(t, "b@example.jp 山田 次郎 山田 次郎 堺市", said(), "nobody is named: whoever gets the parcel picks it up")
	require.NoError(t, v.DB.InTx(ctx, func(ctx context.Context) error {
		locked, err := postgres.NewOrders(v.DB).LockCart(ctx, in)
		require.Equal(t, "山田 次郎", locked.Cart.Recipient)
		return err
	}))
	stale, err = personal.Stale(ctx)
	require.NoError(t, err)
	require.Zero(t, stale)

	guest := v.text(t, `SELECT guest FROM carts`)
	v.now = v.now.Add(time.Hour)
	_, err = v.keys.Rotate(ctx)
	require.NoError(t, err)
	n, err := personal.Reseal(ctx, nil)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, guest, v.text(t, `SELECT guest FROM carts`), "counted as before")
	require.Equal(t, "b@example.jp 山田 次郎 山田 次郎 堺市", said())

	other, another, _ := v.aCart(t, "bowl")
	v.exec(t, `UPDATE carts SET email = (SELECT email FROM carts WHERE id = $1) WHERE id = $2`, key, another)
	_, err = store.Basket(ctx, other)
	require.Error(t, err, "another cart's value does not open")
}

// A guest's cart becomes a member's, and a member another: the cart opens for them, and
// after a rotation too.
func TestCartsAreSealedForWhomTheyBecome(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	ctx, store := t.Context(), postgres.NewCarts(v.DB)
	in, key, _ := v.aCart(t, "leash")
	v.exec(t, `UPDATE carts SET recipient = '山田 太郎' WHERE id = $1`, key)
	v.DB.SealWith(v.keys)
	_, err := store.Update(ctx, in, cart.Change{Email: new("a@example.jp")})
	require.NoError(t, err)
	second, third := v.secondCart(t, "bowl", "b@example.jp"), v.secondCart(t, "ball", "c@example.jp")

	once, kept := id.New(), id.New()
	for _, token := range [][]byte{in.Owner.TokenHash, second.Owner.TokenHash} {
		require.NoError(t, store.Merge(ctx, token, once, v.now))
	}
	said := func(memberID uuid.UUID) string {
		b, err := store.Basket(ctx, cart.Lookup{Owner: cart.Owner{MemberID: &memberID}, BrandID: v.BrandID, ChannelID: v.ChannelID, At: v.now})
		require.NoError(t, err)
		require.Len(t, b.Items, 2)
		return b.Cart.Email + " " + b.Cart.Recipient
	}
	require.Equal(t, "a@example.jp 山田 太郎", said(once), "what the second cart said is gone with it")
	v.hides(t, everyCart, "example.jp", "山田")
	move := func() {
		require.NoError(t, v.DB.InTx(ctx, func(ctx context.Context) error {
			return postgres.NewMembers(v.DB, v.keys).Move(ctx, kept, once, v.now)
		}))
	}
	move()
	require.Equal(t, "a@example.jp 山田 太郎", said(kept))
	v.rotate(t)
	v.resealed(t, 3)
	require.Equal(t, "a@example.jp 山田 太郎", said(kept))

	var held string
	require.NoError(t, postgres.NewMembers(v.DB, v.keys).Held(ctx, member.HeldCarts, kept, func(row json.RawMessage) error {
		held += string(row)
		return nil
	}))
	require.Contains(t, held, "a@example.jp")
	require.Contains(t, held, "山田 太郎")

	// A member who had a cart keeps it; the other stays whose it was, closed.
	require.NoError(t, store.Merge(ctx, third.Owner.TokenHash, once, v.now))
	move()
	v.rotate(t)
	v.resealed(t, 3)
	v.exec(t, `UPDATE carts SET closed = false WHERE member_id = $1`, once)
	_, err = store.Basket(ctx, cart.Lookup{Owner: cart.Owner{MemberID: &once}, BrandID: v.BrandID, ChannelID: v.ChannelID, At: v.now})
	require.NoError(t, err)
}

// secondCart is another guest's cart, who said their address.
func (v *vault) secondCart(t *testing.T, slug, email string) cart.Lookup {
	t.Helper()
	in, _, _ := v.aCart(t, slug)
	_, err := postgres.NewCarts(v.DB).Update(t.Context(), in, cart.Change{Email: &email})
	require.NoError(t, err)
	return in
}

func TestAnEmptyCartIsLeftAlone(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	v.DB.SealWith(v.keys)
	in, _, _ := v.aCart(t, "leash")
	_, err := postgres.NewCarts(v.DB).Update(t.Context(), in, cart.Change{DeliveryBand: new("AM")})
	require.NoError(t, err)
	n, err := postgres.NewPersonal(v.DB, v.keys).Reseal(t.Context(), nil)
	require.NoError(t, err)
	require.Zero(t, n)
	in.Owner.TokenHash = cart.HashToken("nobody's")
	b, err := postgres.NewCarts(v.DB).Update(t.Context(), in, cart.Change{Email: new("a@example.jp")})
	require.NoError(t, err)
	require.Nil(t, b, "there is no cart")
}

// A guest is counted once, in clear or hashed, whatever key seals.
func TestAGuestsLimitHoldsOverVersionsAndKeys(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	ctx, orders, personal := t.Context(), postgres.NewOrders(v.DB), postgres.NewPersonal(v.DB, v.keys)
	in, _, variant := v.aCart(t, "leash")
	v.exec(t, `INSERT INTO sale_terms (variant_id, brand_id, kind, per_customer, created_at, updated_at) VALUES ($1, $2, 'LIMITED', 4, now(), now())`, variant, v.BrandID)
	numbers := 0
	take := func(email string, quantity int) (key uuid.UUID, err error) {
		numbers++
		key = orderFor(t, v.Shop, string(rune('a'+numbers)), "NORMAL", id.New()).order
		return key, v.DB.InTx(ctx, func(ctx context.Context) error {
			_, err := orders.Take(ctx, order.Taking{OrderID: key, At: v.now, Customer: cart.CustomerOf(nil, email), Limited: []order.Reservation{{VariantID: variant, Quantity: quantity}}})
			return err
		})
	}
	counted := func() string {
		return v.text(t, `SELECT count(*) || ' ' || sum(taken) || ' ' || (SELECT sum(quantity) FROM sale_movements) || ' ' || (SELECT sold FROM sale_terms)
			|| ' ' || count(*) FILTER (WHERE taken <> (SELECT sum(m.quantity) FROM sale_movements m WHERE m.customer = c.customer)) FROM sale_customers c`)
	}
	left := func() int {
		b, err := postgres.NewCarts(v.DB).Update(ctx, in, cart.Change{Email: new("a@example.jp")})
		require.NoError(t, err)
		return *b.Items[0].Share
	}
	old, err := take("A@example.jp", 2)
	require.NoError(t, err)
	require.Equal(t, 2, left())

	v.DB.SealWith(v.keys)
	_, err = take("a@example.jp", 3)
	require.ErrorIs(t, err, order.ErrStockMoved, "what was counted in clear counts along")
	_, err = take("a@example.jp", 1)
	require.NoError(t, err)
	_, err = take("a@example.jp", 2)
	require.ErrorIs(t, err, order.ErrStockMoved)
	_, err = take("b@example.jp", 4)
	require.NoError(t, err, "another guest")
	goods, err := orders.Goods(ctx, v.BrandID, uuid.Nil, cart.CustomerOf(nil, "a@example.jp"), []uuid.UUID{variant})
	require.NoError(t, err)
	require.Equal(t, 1, *goods.Items[0].Share)
	require.Equal(t, "3 7 7 7 0", counted())

	n, err := personal.Reseal(ctx, nil)
	require.NoError(t, err)
	require.Positive(t, n)
	require.Equal(t, "2 7 7 7 0", counted(), "one row for one guest")
	require.NotContains(t, v.text(t, everyCart), "example.jp")
	require.Equal(t, 1, left())

	v.now = v.now.Add(time.Hour)
	_, err = v.keys.Rotate(ctx)
	require.NoError(t, err)
	for _, done := range []bool{false, true} {
		_, err = take("a@example.jp", 2)
		require.ErrorIs(t, err, order.ErrStockMoved, "a new key forgets nobody; sealed anew: %v", done)
		require.Equal(t, 1, left())
		_, err = personal.Reseal(ctx, nil)
		require.NoError(t, err)
	}

	// What was taken in clear is given back hashed.
	require.NoError(t, v.DB.InTx(ctx, func(ctx context.Context) error {
		_, err := orders.Release(ctx, old, v.now)
		return err
	}))
	require.Equal(t, "2 5 5 5 0", counted())
	require.Equal(t, 3, left())
	_, err = take("a@example.jp", 3)
	require.NoError(t, err)
}

// Whoever gives back while guests are hashed loses nothing of it.
func TestGuestsAreHashedWhileOrdersAreGivenUp(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	ctx, orders := t.Context(), postgres.NewOrders(v.DB)
	_, _, variant := v.aCart(t, "leash")
	v.exec(t, `INSERT INTO sale_terms (variant_id, brand_id, kind, created_at, updated_at) VALUES ($1, $2, 'LIMITED', now(), now())`, variant, v.BrandID)
	key := orderFor(t, v.Shop, "1", "NORMAL", id.New()).order
	_, err := orders.Take(ctx, order.Taking{OrderID: key, At: v.now, Customer: "e:a@example.jp", Limited: []order.Reservation{{VariantID: variant, Quantity: 2}}})
	require.NoError(t, err)

	v.DB.SealWith(v.keys)
	locked, hashed := make(chan struct{}), make(chan error, 1)
	go func() {
		<-locked
		_, err := postgres.NewPersonal(v.DB, v.keys).Reseal(ctx, nil)
		hashed <- err
	}()
	require.NoError(t, v.DB.InTx(ctx, func(ctx context.Context) error {
		if _, err := orders.Lock(ctx, key); err != nil {
			return err
		}
		close(locked)
		require.Eventually(t, func() bool {
			return v.text(t, `SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) != "0"
		}, 10*time.Second, 10*time.Millisecond, "the job waits for the order")
		_, err := orders.Release(ctx, key, v.now)
		return err
	}))
	require.NoError(t, <-hashed)
	require.Equal(t, "0 0", v.text(t, `SELECT taken || ' ' || (SELECT sum(quantity) FROM sale_movements m WHERE m.customer = c.customer) FROM sale_customers c WHERE customer LIKE 'g:%'`))
}
