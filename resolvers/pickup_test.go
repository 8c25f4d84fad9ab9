package resolvers_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

type pickUpSeen struct {
	State, ShopID string
	Code          *string
	ExpiresAt     *string
	SquareCode    *struct{ Text, SVG, PNG string }
}

type pickUpAnswer struct {
	PickUp *pickUpSeen
	Order  *struct {
		ID, Status string
		Paid       bool
	}
	UserErrors []userError
}

func (p pickUpAnswer) code() string {
	if len(p.UserErrors) == 0 {
		return ""
	}
	return p.UserErrors[0].Code
}

// fetch does something to a pick-up.
func (c counter) fetch(t testing.TB, field string, in apptest.Variables) pickUpAnswer {
	t.Helper()
	kind := strings.ToUpper(field[:1]) + field[1:] + "Input"
	var got map[string]pickUpAnswer
	c.DoAs(t, c.actor, `mutation($in: `+kind+`!) { `+field+`(input: $in) { pickUp { state shopId expiresAt } order { id status paid } userErrors { code field message } } }`,
		apptest.Variables{"in": in}).Into(t, &got)
	return got[field]
}

func (c counter) handOver(t testing.TB, order, code string, more apptest.Variables) pickUpAnswer {
	t.Helper()
	in := apptest.Variables{"idempotencyKey": id.New().String(), "orderId": order, "code": code}
	for k, v := range more {
		in[k] = v
	}
	return c.fetch(t, "handOverPickUp", in)
}

// picks is a guest whose cart is picked up at the shop.
func picks(t testing.TB, a *apptest.App, shop, variant uuid.UUID, pieces int) *shopper {
	t.Helper()
	guest := &shopper{App: a}
	require.Empty(t, guest.add(t, variant, pieces).UserErrors)
	require.Empty(t, guest.update(t, apptest.Variables{"email": "hanako@example.jp", "recipient": "山田 花子", "shippingMode": "PICK_UP", "shopId": id.Global("Location", shop)}).UserErrors)
	return guest
}

func (s *shopper) order(t testing.TB, total, method string) orderAnswer {
	t.Helper()
	var got struct{ PlaceOrder orderAnswer }
	s.Do(t, `mutation($in: PlaceOrderInput!) { placeOrder(input: $in) { `+orderFields+` } }`,
		apptest.Variables{"in": apptest.Variables{"idempotencyKey": id.New().String(), "expectedTotal": total, "paymentMethod": method}}, "X-Cart-Token", s.token).Into(t, &got)
	return got.PlaceOrder
}

// shown is the pick-up as its customer sees it.
func (s *shopper) pickUp(t testing.TB, order string) *pickUpSeen {
	t.Helper()
	var got struct{ Order struct{ PickUp *pickUpSeen } }
	s.Do(t, `query($o: ID!) { order(id: $o) { pickUp { state shopId code expiresAt squareCode { text svg png } } } }`, apptest.Variables{"o": order}, "X-Cart-Token", s.token).Into(t, &got)
	return got.Order.PickUp
}

func requireShopStock(t testing.TB, a *apptest.App, shop, variant uuid.UUID, onHand, reserved int) {
	t.Helper()
	var gotOnHand, gotReserved int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT on_hand, reserved FROM stock_levels WHERE variant_id = $1 AND location_id = $2`, variant, shop).Scan(&gotOnHand, &gotReserved))
	require.Equal(t, []int{onHand, reserved}, []int{gotOnHand, gotReserved})
}

func TestAnOrderIsPickedUpAtItsShop(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.Work(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	a.SetStock(t, leash, 0)
	umeda, sakae := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 4}), openShop(t, a, "sakae", "AICHI", nil)
	guest := picks(t, a, umeda, leash, 2)
	var cart struct {
		Cart struct {
			Recipient       string
			PayableAtShop   bool
			PickUpProblem   *userError
			ShippingFee     struct{ Amount string }
			ShippingAddress struct{ Name, Prefecture string }
		}
	}
	guest.Do(t, `{ cart { recipient payableAtShop pickUpProblem { code } shippingFee { amount } shippingAddress { name prefecture } } }`, nil, "X-Cart-Token", guest.token).Into(t, &cart)
	require.Equal(t, []string{"山田 花子", "0", "山田 花子", "OSAKA"}, []string{cart.Cart.Recipient, cart.Cart.ShippingFee.Amount, cart.Cart.ShippingAddress.Name, cart.Cart.ShippingAddress.Prefecture})
	require.True(t, cart.Cart.PayableAtShop)

	placed := guest.order(t, "3960", "BANK_TRANSFER")
	require.Empty(t, placed.UserErrors)
	requireShopStock(t, a, umeda, leash, 4, 2)
	order := placed.Order.ID
	ours, theirs, office := counter{a, clerkOf(umeda)}, counter{a, clerkOf(sakae)}, counter{a, cashier}

	list := func(c counter) (states []string) {
		var got struct {
			PickUps struct {
				TotalCount int
				Nodes      []struct {
					State string
					Order struct{ Number string }
				}
			}
		}
		c.DoAs(t, c.actor, `{ pickUps { totalCount nodes { state order { number } } } }`, nil).Into(t, &got)
		require.Len(t, got.PickUps.Nodes, got.PickUps.TotalCount)
		for _, n := range got.PickUps.Nodes {
			require.Equal(t, placed.Order.Number, n.Order.Number)
			states = append(states, n.State)
		}
		return states
	}
	require.Empty(t, list(ours), "its money is awaited")
	require.Equal(t, "ORDER_UNPAID", ours.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).code())
	office.receive(t, order, "3960")
	require.Equal(t, []string{"REQUESTED"}, list(ours))
	require.Empty(t, list(theirs))
	require.Equal(t, []string{"REQUESTED"}, list(office))
	require.Equal(t, "ORDER_PICKED_UP", office.instruct(t, order, nil).code(), "nothing is sent")
	require.Nil(t, guest.pickUp(t, order).Code)
	require.Equal(t, "PICK_UP_STATUS_CONFLICT", ours.handOver(t, order, "2222-2222", nil).code())

	require.Equal(t, "PICK_UP_UNKNOWN", theirs.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).code())
	ready := ours.fetch(t, "readyPickUp", apptest.Variables{"orderId": order})
	require.Empty(t, ready.UserErrors)
	require.Equal(t, []string{"READY", "PICKING"}, []string{ready.PickUp.State, ready.Order.Status})
	seen := guest.pickUp(t, order)
	require.Regexp(t, `^[2-9B-Z]{4}-[2-9B-Z]{4}$`, *seen.Code)
	require.Contains(t, seen.SquareCode.SVG, "<svg")
	require.NotEmpty(t, seen.SquareCode.PNG)
	mailed(t, a, *seen.Code)
	require.Equal(t, "READY", ours.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).PickUp.State, "said again, it stays as it is")
	require.Equal(t, *seen.Code, *guest.pickUp(t, order).Code)
	hidden := a.DoAs(t, cashier, `query($o: ID!) { order(id: $o) { pickUp { code squareCode { text } } } }`, apptest.Variables{"o": order})
	require.JSONEq(t, `{"order": {"pickUp": {"code": null, "squareCode": null}}}`, string(hidden.Data), "staff have to be shown it")
	var kept []byte
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT convert_to(u::text, 'UTF8') FROM pick_ups u`).Scan(&kept))
	require.NotContains(t, string(kept), strings.ReplaceAll(*seen.Code, "-", ""))

	require.Equal(t, "PICK_UP_UNKNOWN", theirs.handOver(t, order, *seen.Code, nil).code())
	require.Equal(t, "PICK_UP_UNKNOWN", theirs.fetch(t, "handOverPickUp", apptest.Variables{"idempotencyKey": "intent-1", "token": seen.SquareCode.Text}).code())
	require.Equal(t, "REQUIRED", ours.fetch(t, "handOverPickUp", apptest.Variables{"idempotencyKey": "intent-1"}).code())
	require.Equal(t, "PICK_UP_CODE_WRONG", ours.fetch(t, "handOverPickUp", apptest.Variables{"idempotencyKey": "intent-1", "token": "noren:pick-up:forged"}).code())
	require.Equal(t, "PICK_UP_CODE_WRONG", ours.handOver(t, order, "2222-2223", nil).code())
	once := apptest.Variables{"idempotencyKey": "intent-2"}
	typed := strings.ToLower(strings.ReplaceAll(*seen.Code, "-", " "))
	handed := ours.handOver(t, order, typed, once)
	require.Empty(t, handed.UserErrors)
	require.Equal(t, []string{"HANDED_OVER", "DELIVERED"}, []string{handed.PickUp.State, handed.Order.Status})
	requireShopStock(t, a, umeda, leash, 2, 0)
	require.Len(t, journal(t, a, "kinds: [SALE]"), 1)
	require.Empty(t, ours.handOver(t, order, typed, once).UserErrors, "the same intent")
	require.Equal(t, "PICK_UP_STATUS_CONFLICT", ours.handOver(t, order, *seen.Code, nil).code(), "the code holds once")
	require.Len(t, journal(t, a, "kinds: [SALE]"), 1)
	require.Nil(t, guest.pickUp(t, order).Code)
	requireSums(t, a)
}

func TestAPickUpIsPaidAtTheShop(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	umeda, sakae := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 4}), openShop(t, a, "sakae", "AICHI", nil)
	guest := picks(t, a, umeda, leash, 1)
	placed := guest.order(t, "1980", "AT_SHOP")
	require.Empty(t, placed.UserErrors)
	require.Equal(t, "CONFIRMED", placed.Order.Status)
	ours := counter{a, clerkOf(umeda)}
	require.Empty(t, ours.fetch(t, "readyPickUp", apptest.Variables{"orderId": placed.Order.ID}).UserErrors)
	token := guest.pickUp(t, placed.Order.ID).SquareCode.Text
	show := func(more apptest.Variables) pickUpAnswer {
		in := apptest.Variables{"idempotencyKey": id.New().String(), "token": token}
		for k, v := range more {
			in[k] = v
		}
		return ours.fetch(t, "handOverPickUp", in)
	}
	require.Equal(t, "ORDER_UNPAID", show(nil).code())
	require.Equal(t, "PAYMENT_METHOD_UNAVAILABLE", show(apptest.Variables{"payment": apptest.Variables{"method": "CARD"}}).code())
	both := counter{a, clerkOf(umeda, sakae)}
	handed := both.fetch(t, "handOverPickUp", apptest.Variables{"idempotencyKey": "intent-1", "token": token, "payment": apptest.Variables{"method": "CASH", "reference": "R-1"}})
	require.Empty(t, handed.UserErrors)
	require.True(t, handed.Order.Paid)
	require.Equal(t, "DELIVERED", handed.Order.Status)
	require.Equal(t, "1980", trialBalance(t, a)["CASHumeda"], "it is in the till of the shop")
	requireShopStock(t, a, umeda, leash, 3, 0)
}

func TestGuessedPickUpCodesLockTheOrder(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	umeda := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 4})
	guest := picks(t, a, umeda, leash, 1)
	order, ours := guest.order(t, "1980", "AT_SHOP").Order.ID, counter{a, clerkOf(umeda)}
	require.Empty(t, ours.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).UserErrors)
	code := *guest.pickUp(t, order).Code
	paid := apptest.Variables{"payment": apptest.Variables{"method": "CASH"}}
	for range 5 {
		require.Equal(t, "PICK_UP_CODE_WRONG", ours.handOver(t, order, "2345-6789", paid).code())
	}
	require.Equal(t, "PICK_UP_LOCKED", ours.handOver(t, order, "2345-6789", paid).code())
	require.Equal(t, "PICK_UP_LOCKED", ours.handOver(t, order, code, paid).code(), "the right one neither")
	requireShopStock(t, a, umeda, leash, 4, 1)
	exec(t, a, `UPDATE pick_ups SET locked_until = now() - interval '1 second'`)
	require.Empty(t, ours.handOver(t, order, code, paid).UserErrors)
}

func TestOneOfTwoClerksHandsAnOrderOver(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	umeda := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 4})
	guest := picks(t, a, umeda, leash, 1)
	order := guest.order(t, "1980", "AT_SHOP").Order.ID
	require.Empty(t, counter{a, clerkOf(umeda)}.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).UserErrors)
	code := *guest.pickUp(t, order).Code
	answers := make([]pickUpAnswer, 4)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			answers[i] = counter{a, clerkOf(umeda)}.handOver(t, order, code, apptest.Variables{"payment": apptest.Variables{"method": "CASH"}})
		})
	}
	all.Wait()
	done := 0
	for _, answer := range answers {
		if len(answer.UserErrors) == 0 {
			done++
		}
	}
	require.Equal(t, 1, done, "%v", answers)
	requireShopStock(t, a, umeda, leash, 3, 0)
	require.Equal(t, "1980", trialBalance(t, a)["CASHumeda"])
	require.Len(t, journal(t, a, "kinds: [SALE]"), 1)
}

func TestWhatNobodyPicksUpIsGivenUp(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.Work(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	umeda := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 4})
	guest := picks(t, a, umeda, leash, 1)
	order, ours := guest.order(t, "1980", "BANK_TRANSFER").Order.ID, counter{a, clerkOf(umeda)}
	counter{a, cashier}.receive(t, order, "1980")
	require.Empty(t, ours.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).UserErrors)
	code := *guest.pickUp(t, order).Code
	see := func() {
		t.Helper()
		require.NoError(t, a.App.Resolvers.Orders.SeeToPickUps(access.With(t.Context(), access.System)))
	}
	see()
	require.Equal(t, "READY", guest.pickUp(t, order).State)
	exec(t, a, `UPDATE pick_ups SET expires_at = now() + interval '20 hours'`)
	see()
	mailed(t, a, "まだお受け取りがない")
	var reminded *string
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT reminded_at::text FROM pick_ups`).Scan(&reminded))
	require.NotNil(t, reminded)

	exec(t, a, `UPDATE pick_ups SET expires_at = now() - interval '1 second'`)
	require.Equal(t, "PICK_UP_EXPIRED", ours.handOver(t, order, code, nil).code(), "before the job has seen it")
	see()
	see()
	mailed(t, a, "受取期限までに受け取りがなかった")
	require.Equal(t, "EXPIRED", guest.pickUp(t, order).State)
	requireShopStock(t, a, umeda, leash, 4, 0)
	require.Equal(t, "PICK_UP_EXPIRED", ours.handOver(t, order, code, nil).code())
	var got struct{ Order struct{ Status string } }
	guest.Do(t, `query($o: ID!) { order(id: $o) { status } }`, apptest.Variables{"o": order}, "X-Cart-Token", guest.token).Into(t, &got)
	require.Equal(t, "CANCELLED", got.Order.Status)
	var owed struct{ Payments struct{ TotalCount int } }
	a.DoAs(t, cashier, `{ payments(filter: {attention: true}) { totalCount } }`, nil).Into(t, &owed)
	require.Equal(t, 1, owed.Payments.TotalCount, "staff send the transfer back")
	requireSums(t, a)
}

func TestWhatStandsAgainstAPickUp(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	method := a.AddShipping(t, "parcel", 500)
	umeda, closed := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 2}), openShop(t, a, "closed", "OSAKA", map[uuid.UUID]int{leash: 2})
	exec(t, a, `UPDATE shops SET pick_up = false WHERE location_id = $1`, closed)

	guest := &shopper{App: a}
	require.Empty(t, guest.add(t, leash, 1).UserErrors)
	require.Empty(t, guest.update(t, apptest.Variables{"email": "hanako@example.jp", "shippingMode": "PICK_UP"}).UserErrors)
	require.Equal(t, "PICK_UP_UNAVAILABLE", guest.order(t, "1980", "AT_SHOP").code(), "no shop is named")
	require.Empty(t, guest.update(t, apptest.Variables{"shopId": id.Global("Location", closed)}).UserErrors)
	require.Equal(t, "PICK_UP_UNAVAILABLE", guest.order(t, "1980", "AT_SHOP").code())
	require.Empty(t, guest.update(t, apptest.Variables{"shopId": id.Global("Location", umeda)}).UserErrors)
	nobody := guest.order(t, "1980", "AT_SHOP")
	require.Equal(t, []string{"REQUIRED", "recipient"}, []string{nobody.code(), nobody.UserErrors[0].Field[0]})
	require.Empty(t, guest.update(t, apptest.Variables{"recipient": "山田 花子"}).UserErrors)
	require.Equal(t, "PAYMENT_METHOD_UNAVAILABLE", guest.order(t, "1980", "CASH_ON_DELIVERY").code())
	require.Equal(t, "TOO_LONG", guest.update(t, apptest.Variables{"recipient": strings.Repeat("長", 101)}).code())

	// The shop has two, the warehouse a hundred.
	many := picks(t, a, umeda, leash, 3)
	short := many.order(t, "5940", "AT_SHOP")
	require.Equal(t, "INSUFFICIENT_STOCK", short.code())
	require.Empty(t, many.update(t, apptest.Variables{"shippingMode": "NORMAL", "shippingMethodId": id.Global("ShippingMethod", method)}).UserErrors)
	require.Empty(t, many.fillIn(t, method).UserErrors)
	require.Equal(t, "PAYMENT_METHOD_UNAVAILABLE", many.order(t, "6440", "AT_SHOP").code(), "what is shipped is not paid at a shop")
	require.Empty(t, many.order(t, "6440", "BANK_TRANSFER").UserErrors)

	order := guest.order(t, "1980", "AT_SHOP").Order.ID
	staff := counter{a, packer}
	require.Empty(t, staff.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).UserErrors)
	var got struct {
		Order struct{ Shipments []struct{ ID string } }
	}
	a.DoAs(t, packer, `query($o: ID!) { order(id: $o) { shipments { id } } }`, apptest.Variables{"o": order}).Into(t, &got)
	shipment := apptest.Variables{"shipmentId": got.Order.Shipments[0].ID}
	require.Equal(t, "ORDER_PICKED_UP", staff.move(t, "shipShipment", shipment).code(), "nobody gets it without the code")
	require.Equal(t, "ORDER_PICKED_UP", staff.move(t, "cancelShipment", shipment).code())
	require.Empty(t, staff.act(t, "cancelOrder", apptest.Variables{"orderId": order}).code())
	requireShopStock(t, a, umeda, leash, 2, 0)
	require.Equal(t, "PICK_UP_UNKNOWN", staff.fetch(t, "readyPickUp", apptest.Variables{"orderId": id.Global("Order", id.New())}).code())
	require.Equal(t, "PICK_UP_STATUS_CONFLICT", staff.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).code())
}
