package resolvers_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// deadlocks is how often PostgreSQL broke a ring in this test's database.
func deadlocks(t testing.TB, a *apptest.App) (n int) {
	t.Helper()
	time.Sleep(2 * time.Second) // sessions tell what they counted about once a second
	for range 4 {
		exec(t, a, `SELECT pg_stat_force_next_flush()`)
	}
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&n))
	return n
}

// Whoever places, sells, gives up, refuses or takes back locks vouchers, gift cards and points
// before stock, and document numbers last. One member's points, one voucher, one card and the same few goods are
// wanted by all of them at once, and nobody is broken off.
func TestNobodyWaitsInARing(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	issueAs(t, s.App)
	exec(t, s.App, `UPDATE point_programmes SET grant_limit = 1000000`)
	bed := s.AddProduct(t, "bed", 1980).Variants[0]
	umeda := openShop(t, s.App, "umeda", "OSAKA", map[uuid.UUID]int{s.leash: 500, bed: 500})
	card, voucher := s.purse().issue(t, 200_000, 1, nil)[0], vouchersOf(t, s.App, "200000", 1, nil)[0]
	const rounds = 6
	staff, clerk := counter{s.App, packer}, counter{s.App, clerkOf(umeda)}

	// What stands before: delivered orders to come back, shipped ones to be refused, others
	// to be given up; all paid by points and the card.
	b := s.buyer(t, 9000)
	ready := func() *collector {
		buyer := s.buyer(t, 500)
		var added struct{ AddCartLine cartAnswer }
		buyer.do(t, `mutation($v: ID!) { addCartLine(input: {variantId: $v}) { `+cartFields+` } }`, apptest.Variables{"v": id.Global("Variant", bed)}).Into(t, &added)
		require.Empty(t, added.AddCartLine.UserErrors)
		return buyer
	}
	var turn atomic.Int64
	place := func(buyer *collector) string {
		codes, method := "giftCards", "GIFT_CARD"
		paying := card
		if turn.Add(1)%2 == 0 {
			codes, method, paying = "vouchers", "VOUCHER", voucher
		}
		var placed struct{ PlaceOrder orderAnswer }
		buyer.do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`, in(apptest.Variables{
			"idempotencyKey": s.key(), "expectedTotal": "4620", "paymentMethod": method, "points": []apptest.Variables{buyer.own(500)}, codes: []string{paying},
		})).Into(t, &placed)
		require.Empty(t, placed.PlaceOrder.UserErrors)
		return placed.PlaceOrder.Order.ID
	}
	var delivered, shipped, standing []string
	for range rounds {
		delivered, shipped, standing = append(delivered, place(ready())), append(shipped, place(ready())), append(standing, place(ready()))
	}
	refusals := map[string]string{}
	for _, order := range delivered {
		for _, h := range staff.ship(t, order) {
			require.Empty(t, staff.move(t, "deliverShipment", apptest.Variables{"shipmentId": h.ID}).UserErrors)
		}
	}
	for _, order := range shipped {
		refusals[order] = staff.ship(t, order)[0].ID
	}
	before := deadlocks(t, s.App)

	var group sync.WaitGroup
	at := func(f func()) { group.Go(f) }
	for i := range rounds {
		at(func() { staff.takeBack(t, delivered[i], staff.linesOf(t, delivered[i])[i%2], 1) })
		at(func() { require.Empty(t, staff.refuse(t, refusals[shipped[i]], nil).UserErrors) })
		at(func() {
			var got struct {
				CancelOrder struct{ UserErrors []userError }
			}
			s.DoAs(t, packer, `mutation($o: ID!) { cancelOrder(input: {`+aKey()+` orderId: $o}) { userErrors { code } } }`, apptest.Variables{"o": standing[i]}).Into(t, &got)
			require.Empty(t, got.CancelOrder.UserErrors)
		})
		buyer := ready()
		at(func() { place(buyer) })
		code := memberCode(t, s.App, b.actor(t))
		at(func() {
			sold := clerk.sell(t, apptest.Variables{"shopId": id.Global("Location", umeda), "memberCode": code, "expectedTotal": "3960",
				"lines":  []apptest.Variables{pieceOf([]uuid.UUID{s.leash, bed}[i%2], 1), pieceOf([]uuid.UUID{bed, s.leash}[i%2], 1)},
				"points": []apptest.Variables{b.own(100)}, "giftCards": []string{card}})
			require.Empty(t, sold.UserErrors, fmt.Sprint(i))
		})
	}
	group.Wait()
	require.Equal(t, before, deadlocks(t, s.App), "no transaction was broken off")
	requireSums(t, s.App)
	require.Equal(t, 9000-100*rounds, b.has(t).Usable)
}

// Who gives money back to several codes locks them as who pays by them does, whichever paid
// first.
func TestCodesAreLockedInOneOrderWhoeverGivesBack(t *testing.T) {
	t.Parallel()
	s := newCardShop(t)
	codes := vouchersOf(t, s.App, "1000", 2, nil)
	guests := make([]*shopper, 4)
	for i := range guests {
		guests[i] = s.shopper(t)
	}
	before := deadlocks(t, s.App)
	for range 8 {
		order := s.pays(t, s.shopper(t), "BANK_TRANSFER", []string{codes[1], codes[0]})
		require.Empty(t, order.UserErrors)
		var placed []string
		var mutex sync.Mutex
		var group sync.WaitGroup
		group.Go(func() { s.cancel(t, order.Order.ID) })
		for i, guest := range guests {
			group.Go(func() {
				a := s.pays(t, guest, "BANK_TRANSFER", codes)
				if a.Order == nil {
					return
				}
				mutex.Lock()
				defer mutex.Unlock()
				placed, guests[i] = append(placed, a.Order.ID), nil
			})
		}
		group.Wait()
		for _, order := range placed {
			s.cancel(t, order)
		}
		for i := range guests {
			if guests[i] == nil {
				guests[i] = s.shopper(t)
			}
		}
	}
	require.Equal(t, before, deadlocks(t, s.App), "no transaction was broken off")
	require.Equal(t, "1000 ISSUED", onVoucher(t, s.App, codes[0]))
	agreed(t, s.App)
}
