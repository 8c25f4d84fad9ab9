package resolvers_test

import (
	"maps"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// actor is the member as the app knows one.
func (b *collector) actor(t testing.TB) access.Actor {
	return access.Actor{Role: access.RoleMember, ID: keyOf(t, b.id)}
}

// purse issues gift cards in the shop of points.
func (s *pointShop) purse() *cardShop { return &cardShop{App: s.App} }

func (b *collector) pay(t testing.TB, order string, more apptest.Variables) payAnswer {
	t.Helper()
	input := apptest.Variables{"idempotencyKey": b.shop.key(), "orderId": order}
	maps.Copy(input, more)
	var got struct{ PayOrder payAnswer }
	b.do(t, `mutation($input: PayOrderInput!) { payOrder(input: $input) {
		order { id status paid } payment { id method status captured { amount } instructions { amount { amount } } } userErrors { code field message } } }`, in(input)).Into(t, &got)
	return got.PayOrder
}

// tendered are what pays the order and stands, by method.
func (s *pointShop) tendered(t testing.TB, order string) map[string]int64 {
	t.Helper()
	rows, err := s.DB.Pool().Query(t.Context(), `SELECT method, sum(captured - refunded)::bigint FROM payments WHERE order_id = $1 AND captured > 0 GROUP BY 1`, keyOf(t, order))
	require.NoError(t, err)
	defer rows.Close()
	all := map[string]int64{}
	for rows.Next() {
		var method string
		var minor int64
		require.NoError(t, rows.Scan(&method, &minor))
		all[method] = minor
	}
	return all
}

func TestPointsAndCardsPayAnOrderThatStands(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 1000)
	placed := b.place(t, "BANK_TRANSFER")
	require.Empty(t, placed.UserErrors)
	order := placed.Order.ID
	codes := s.purse().issue(t, 2500, 2, nil)

	for name, c := range map[string]struct {
		more apptest.Variables
		code string
	}{
		"more points than there are": {apptest.Variables{"points": []apptest.Variables{b.own(1001)}}, "POINTS_SHORT"},
		"more than is owed":          {apptest.Variables{"points": []apptest.Variables{b.own(2641)}}, "POINTS_ABOVE_TOTAL"},
		"points shall pay all":       {apptest.Variables{"paymentMethod": "POINTS", "points": []apptest.Variables{b.own(1000)}}, "POINTS_DO_NOT_COVER"},
		"a card shall pay all":       {apptest.Variables{"paymentMethod": "GIFT_CARD", "giftCards": codes[:1]}, "GIFT_CARD_SHORT"},
		"a card of nobody's":         {apptest.Variables{"giftCards": []string{"2222-2222-2222-2222-2222-2222"}}, "GIFT_CARD_UNKNOWN"},
		"points without any":         {apptest.Variables{"paymentMethod": "POINTS"}, "PAYMENT_METHOD_UNAVAILABLE"},
	} {
		require.Equal(t, c.code, b.pay(t, order, c.more).code(), name)
		require.Empty(t, s.tendered(t, order), name)
	}
	require.Equal(t, 1000, b.has(t).Usable)

	first := apptest.Variables{"idempotencyKey": "the-points", "points": []apptest.Variables{b.own(640)}}
	for range 2 {
		got := b.pay(t, order, first)
		require.Empty(t, got.UserErrors)
		require.False(t, got.Order.Paid)
		require.Equal(t, 360, b.has(t).Usable, "the same key pays once")
	}
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED", b.pay(t, order, apptest.Variables{"idempotencyKey": "the-points", "points": []apptest.Variables{b.own(100)}}).code())
	var open int64
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT sum(amount)::bigint FROM payments WHERE order_id = $1 AND status = 'PENDING'`, keyOf(t, order)).Scan(&open))
	require.EqualValues(t, 2000, open, "the transfer is asked for the rest")

	last := apptest.Variables{"idempotencyKey": "the-cards", "paymentMethod": "GIFT_CARD", "giftCards": codes}
	for range 2 {
		got := b.pay(t, order, last)
		require.Empty(t, got.UserErrors)
		require.Equal(t, "CONFIRMED", got.Order.Status)
	}
	require.Equal(t, map[string]int64{"POINTS": 640, "GIFT_CARD": 2000}, s.tendered(t, order))
	require.Equal(t, []string{"500", "2500"}, []string{s.purse().left(t, codes[0]), s.purse().left(t, codes[1])})
	require.Equal(t, "ALREADY_PAID", b.pay(t, order, apptest.Variables{"points": []apptest.Variables{b.own(1)}}).code())
	var waiting int
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM payments WHERE order_id = $1 AND status = 'PENDING'`, keyOf(t, order)).Scan(&waiting))
	require.Zero(t, waiting, "nobody is to transfer anything")

	s.mutate(t, `mutation($o: ID!) { cancelOrder(input: {`+aKey()+` orderId: $o}) { userErrors { code field message } } }`, apptest.Variables{"o": order})
	require.Equal(t, 1000, b.has(t).Usable, "given up, the order gives all of it back")
	require.Equal(t, "2500", s.purse().left(t, codes[0]))
	require.Zero(t, s.owes(t))
}

// takesCards lets a shop be paid by card.
func takesCards(server *stripetest.Server) func(*app.Config) {
	return func(c *app.Config) {
		c.StripeSecretKey, c.StripeWebhookSecret, c.StripeAPIBase, c.StripePublicKey = stripetest.Key, stripetest.WebhookSecret, server.URL, "pk_test_1"
	}
}

func TestPointsAndACardPayTogether(t *testing.T) {
	t.Parallel()
	server := stripetest.New(t)
	s := newPointShop(t, takesCards(server))
	b := s.buyer(t, 1000)
	placed := b.place(t, "CARD")
	require.Empty(t, placed.UserErrors)
	order := placed.Order.ID
	declined := b.pay(t, order, apptest.Variables{"points": []apptest.Variables{b.own(640)}, "paymentMethod": "CARD", "cardToken": stripetest.CardDeclined})
	require.Equal(t, "CARD_DECLINED", declined.code())
	require.Equal(t, map[string]int64{"POINTS": 640}, s.tendered(t, order), "what has paid stays")
	paid := b.pay(t, order, apptest.Variables{"paymentMethod": "CARD", "cardToken": stripetest.CardVisa})
	require.Empty(t, paid.UserErrors)
	require.Equal(t, "CONFIRMED", paid.Order.Status)
	require.Equal(t, map[string]int64{"POINTS": 640, "CARD": 2000}, s.tendered(t, order))
	require.EqualValues(t, 2000, server.Taken())

	guest := &shopper{App: s.App}
	guest.add(t, s.leash, 1)
	guest.fillIn(t, s.parcel)
	other := guest.place(t, "intent-1", "2640")
	require.Empty(t, other.UserErrors)
	var refused struct{ PayOrder payAnswer }
	guest.Do(t, `mutation($input: PayOrderInput!) { payOrder(input: $input) { userErrors { code field message } } }`,
		in(apptest.Variables{"idempotencyKey": s.key(), "orderId": other.Order.ID, "points": []apptest.Variables{b.own(5)}}), "X-Cart-Token", guest.token).Into(t, &refused)
	require.Equal(t, "POINTS_MEMBERS_ONLY", refused.PayOrder.code())
}

func TestTwoPhonesPayOneOrderOnce(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 5280)
	placed := b.place(t, "BANK_TRANSFER")
	require.Empty(t, placed.UserErrors)
	codes := make([]string, 4)
	var group sync.WaitGroup
	for i := range codes {
		group.Go(func() {
			codes[i] = b.pay(t, placed.Order.ID, apptest.Variables{"points": []apptest.Variables{b.own(2640)}}).code()
		})
	}
	group.Wait()
	done := 0
	for _, code := range codes {
		if code == "" {
			done++
		} else {
			require.Equal(t, "ALREADY_PAID", code)
		}
	}
	require.Equal(t, 1, done, "%v", codes)
	require.Equal(t, 2640, b.has(t).Usable)
}

func TestPointsAndCardsPayAtACounter(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	umeda := openShop(t, s.App, "umeda", "OSAKA", map[uuid.UUID]int{s.leash: 9})
	b, ours := s.buyer(t, 1000), counter{s.App, clerkOf(umeda)}
	card := s.purse().issue(t, 600, 1, nil)
	sale := func(more apptest.Variables) apptest.Variables {
		in := apptest.Variables{"shopId": id.Global("Location", umeda), "lines": []apptest.Variables{pieceOf(s.leash, 1)}, "expectedTotal": "1980",
			"points": []apptest.Variables{b.own(500)}, "giftCards": card, "tenders": []apptest.Variables{{"method": "CASH", "amount": "880"}}}
		maps.Copy(in, more)
		return in
	}
	shown := func() string { return memberCode(t, s.App, b.actor(t)) }
	for name, c := range map[string]struct {
		more apptest.Variables
		code string
	}{
		"nobody shows a code":        {nil, "POINTS_MEMBERS_ONLY"},
		"more points than there are": {apptest.Variables{"memberCode": shown(), "points": []apptest.Variables{b.own(1001)}, "tenders": []apptest.Variables{{"method": "CASH", "amount": "379"}}}, "POINTS_SHORT"},
		"more than it costs":         {apptest.Variables{"memberCode": shown(), "points": []apptest.Variables{b.own(1981)}}, "POINTS_ABOVE_TOTAL"},
		"too little cash":            {apptest.Variables{"memberCode": shown(), "tenders": []apptest.Variables{{"method": "CASH", "amount": "879"}}}, "TENDERS_MISMATCH"},
		"too much cash":              {apptest.Variables{"memberCode": shown(), "tenders": []apptest.Variables{{"method": "CASH", "amount": "1980"}}}, "TENDERS_MISMATCH"},
		"a card named twice":         {apptest.Variables{"memberCode": shown(), "giftCards": []string{card[0], card[0]}}, "GIFT_CARD_TWICE"},
		"a card that is mistyped":    {apptest.Variables{"memberCode": shown(), "giftCards": []string{"XXXX"}}, "GIFT_CARD_MISTYPED"},
	} {
		require.Equal(t, c.code, ours.sell(t, sale(c.more)).code(), name)
	}
	require.Equal(t, 1000, b.has(t).Usable)
	require.Equal(t, "600", s.purse().left(t, card[0]))
	requireShopStock(t, s.App, umeda, s.leash, 9, 0)

	sold := ours.sell(t, sale(apptest.Variables{"memberCode": shown()}))
	require.Empty(t, sold.UserErrors)
	require.True(t, sold.Order.Paid)
	require.Equal(t, "DELIVERED", sold.Order.Status)
	require.Equal(t, map[string]int64{"POINTS": 500, "GIFT_CARD": 600, "CASH": 880}, s.tendered(t, sold.Order.ID))
	require.Equal(t, 500, b.has(t).Usable)
	balance := trialBalance(t, s.App)
	require.Equal(t, []string{"880", "0"}, []string{balance["CASHumeda"], balance["DEPOSITS"]})
	requireShopStock(t, s.App, umeda, s.leash, 8, 0)
	require.Equal(t, "GIFT_CARD_EMPTY", ours.sell(t, sale(apptest.Variables{"memberCode": shown()})).code())

	// Points alone.
	require.Empty(t, s.grant(t, b, 1480, nil).UserErrors)
	all := ours.sell(t, sale(apptest.Variables{"memberCode": shown(), "points": []apptest.Variables{b.own(1980)}, "giftCards": []string{}, "tenders": []apptest.Variables{}}))
	require.Empty(t, all.UserErrors)
	require.True(t, all.Order.Paid)
	require.Zero(t, b.has(t).Usable)
	requireSums(t, s.App)
}

func TestTwoCountersUseOneCardAndOneMembersPointsOnce(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	umeda := openShop(t, s.App, "umeda", "OSAKA", map[uuid.UUID]int{s.leash: 20})
	sakae := openShop(t, s.App, "sakae", "AICHI", map[uuid.UUID]int{s.leash: 20})
	b := s.buyer(t, 1000)
	card := s.purse().issue(t, 1000, 1, nil)
	codes := make([]string, 8)
	var group sync.WaitGroup
	for i := range codes {
		shop := []uuid.UUID{umeda, sakae}[i%2]
		in := apptest.Variables{"shopId": id.Global("Location", shop), "lines": []apptest.Variables{pieceOf(s.leash, 1)}, "expectedTotal": "1980",
			"tenders": []apptest.Variables{{"method": "CASH", "amount": "980"}}}
		if i < 4 {
			in["giftCards"] = card
		} else {
			in["memberCode"], in["points"] = memberCode(t, s.App, b.actor(t)), []apptest.Variables{b.own(1000)}
		}
		group.Go(func() { codes[i] = counter{s.App, clerkOf(shop)}.sell(t, in).code() })
	}
	group.Wait()
	for of, some := range map[string][]string{"GIFT_CARD_EMPTY": codes[:4], "POINTS_SHORT": codes[4:]} {
		done := 0
		for _, code := range some {
			if code == "" {
				done++
			} else {
				require.Equal(t, of, code)
			}
		}
		require.Equal(t, 1, done, "%v", codes)
	}
	require.Zero(t, b.has(t).Usable)
	require.Equal(t, "0", s.purse().left(t, card[0]))
	requireSums(t, s.App)
}

// reserves is a member's order that is ready at the shop and to be paid there, with its code.
func (b *collector) reserves(t testing.TB, shop uuid.UUID) (order, code string) {
	t.Helper()
	var changed struct{ UpdateCart cartAnswer }
	b.do(t, `mutation($s: ID!) { updateCart(input: {shippingMode: PICK_UP, shopId: $s, recipient: "山田 花子"}) { `+cartFields+` } }`, apptest.Variables{"s": id.Global("Location", shop)}).Into(t, &changed)
	require.Empty(t, changed.UpdateCart.UserErrors)
	var placed struct{ PlaceOrder orderAnswer }
	b.do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`,
		in(apptest.Variables{"idempotencyKey": b.shop.key(), "expectedTotal": "1980", "paymentMethod": "AT_SHOP"})).Into(t, &placed)
	require.Empty(t, placed.PlaceOrder.UserErrors)
	order = placed.PlaceOrder.Order.ID
	require.Empty(t, counter{b.shop.App, clerkOf(shop)}.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).UserErrors)
	var seen struct{ Order struct{ PickUp *pickUpSeen } }
	b.do(t, `query($o: ID!) { order(id: $o) { pickUp { state code } } }`, apptest.Variables{"o": order}).Into(t, &seen)
	require.NotNil(t, seen.Order.PickUp.Code)
	return order, *seen.Order.PickUp.Code
}

func TestPointsAndCardsPayWhatIsPickedUp(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	umeda := openShop(t, s.App, "umeda", "OSAKA", map[uuid.UUID]int{s.leash: 4})
	b, other, ours := s.buyer(t, 1000), s.buyer(t, 1000), counter{s.App, clerkOf(umeda)}
	order, code := b.reserves(t, umeda)
	card := s.purse().issue(t, 480, 1, nil)
	points := []apptest.Variables{b.own(1000)}
	for name, c := range map[string]struct {
		more apptest.Variables
		code string
	}{
		"nothing is paid":            {nil, "ORDER_UNPAID"},
		"no code is shown":           {apptest.Variables{"points": points}, "MEMBER_CODE_INVALID"},
		"another's code":             {apptest.Variables{"points": points, "memberCode": memberCode(t, s.App, other.actor(t))}, "POINTS_MEMBERS_ONLY"},
		"they do not pay all":        {apptest.Variables{"points": points, "giftCards": card, "memberCode": memberCode(t, s.App, b.actor(t))}, "ORDER_UNPAID"},
		"more points than there are": {apptest.Variables{"points": []apptest.Variables{b.own(1001)}, "memberCode": memberCode(t, s.App, b.actor(t))}, "POINTS_SHORT"},
	} {
		require.Equal(t, c.code, ours.handOver(t, order, code, c.more).code(), name)
		require.Equal(t, 1000, b.has(t).Usable, name)
	}
	require.Equal(t, 1000, other.has(t).Usable)
	given := ours.handOver(t, order, code, apptest.Variables{
		"points": points, "giftCards": card, "memberCode": memberCode(t, s.App, b.actor(t)), "payment": apptest.Variables{"method": "CASH"},
	})
	require.Empty(t, given.UserErrors)
	require.Equal(t, []string{"HANDED_OVER", "DELIVERED"}, []string{given.PickUp.State, given.Order.Status})
	require.Equal(t, map[string]int64{"POINTS": 1000, "GIFT_CARD": 480, "CASH": 500}, s.tendered(t, order))
	require.Zero(t, b.has(t).Usable)
	require.Equal(t, "500", trialBalance(t, s.App)["CASHumeda"])
	requireSums(t, s.App)
}

func TestPointsAndCardsPayADraftOrder(t *testing.T) {
	t.Parallel()
	s := newPointShop(t, takesCards(stripetest.New(t)))
	s.Work(t)
	b := s.buyer(t, 3000)
	staff := as(t, s.App, phoneDesk)
	card := s.purse().issue(t, 640, 1, nil)
	made := staff.draft(t, "createDraftOrder", apptest.Variables{"memberId": b.id, "terms": phoned(s.parcel, "CARD", wantedLine(s.leash, 1, nil))})
	require.Empty(t, made.UserErrors)
	d := *made.DraftOrder
	place := func(more apptest.Variables) draftAnswer {
		in := apptest.Variables{"idempotencyKey": s.key(), "draftOrderId": d.ID, "revision": d.Revision, "expectedTotal": "2640"}
		maps.Copy(in, more)
		return staff.draft(t, "placeDraftOrder", in)
	}
	require.Equal(t, "POINTS_SHORT points", place(apptest.Variables{"points": []apptest.Variables{b.own(2500), {"programmeId": s.pool, "points": 100}}}).fault())
	require.Equal(t, "POINTS_ABOVE_TOTAL points.0.points", place(apptest.Variables{"points": []apptest.Variables{b.own(2641)}}).fault())
	require.Equal(t, 3000, b.has(t).Usable)
	done := place(apptest.Variables{"points": []apptest.Variables{b.own(2000)}, "giftCards": card})
	require.Empty(t, done.UserErrors)
	require.True(t, done.Order.Paid)
	require.Equal(t, "CONFIRMED", done.Order.Status)
	require.Equal(t, map[string]int64{"POINTS": 2000, "GIFT_CARD": 640}, s.tendered(t, done.Order.ID))
	require.Equal(t, 1000, b.has(t).Usable)
	var actor uuid.UUID
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT actor_id FROM point_entries WHERE kind = 'USE' AND order_id = $1`, keyOf(t, done.Order.ID)).Scan(&actor))
	require.Equal(t, phoneDesk.ID, actor, "the ledger says who used them on the member's word")
	var links int
	openMails(t, s.App)
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE kind = 'send_message' AND args->'message'->'content'->>'event' = 'PAY'`).Scan(&links))
	require.Zero(t, links, "nothing is left to pay")
}
