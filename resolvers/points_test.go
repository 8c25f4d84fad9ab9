package resolvers_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

var (
	pointDesk = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{
		access.PointRead, access.PointWrite, access.OrderRead, access.OrderWrite, access.AccountingRead,
	}}
	pointAdmin = access.Actor{Role: access.RoleAdmin, ID: id.New()}
)

// pointShop gives one point for each hundred yen and takes points of one yen each. A cart
// of one leash comes to 2,640 yen.
type pointShop struct {
	*apptest.App
	leash, parcel   uuid.UUID
	own, pool       string
	keys            int
	mutex           sync.Mutex
	customersOfThis int
}

func newPointShop(t *testing.T, options ...func(*app.Config)) *pointShop {
	t.Helper()
	a := apptest.Start(t, options...)
	s := &pointShop{App: a, leash: a.AddProduct(t, "leash", 1980).Variants[0], parcel: a.AddShipping(t, "parcel", 660)}
	s.own = s.programme(t, apptest.Variables{"code": "wan", "name": ja("わんポイント"), "expiryDays": 365, "confirmDays": 7, "transferable": true, "grantLimit": 10000})
	s.pool = s.programme(t, apptest.Variables{"code": "pool", "name": ja("共通ポイント"), "shared": true, "unitPoints": 100, "unitMinor": 50, "grantLimit": 10000})
	require.Empty(t, s.by(t, pointAdmin, "savePointRule", "rule { id }", apptest.Variables{
		"programmeId": s.own, "name": ja("百円で一ポイント"), "terms": apptest.Variables{"perMinor": 100, "points": 1},
	}).UserErrors)
	return s
}

func ja(text string) apptest.Variables { return apptest.Variables{"ja": text} }

func (s *pointShop) key() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.keys++
	return fmt.Sprintf("intent-%05d", s.keys)
}

type pointAnswer struct {
	Programme  *struct{ ID string }
	Transfer   *struct{ ID, State string }
	Arrival    *struct{ ID, State string }
	Partner    *struct{ ID string }
	Balance    *struct{ Usable, Pending, Owed int }
	CSV        *string
	Count      int
	Points     int
	UserErrors []userError

	Acknowledged, Returned, Repeated int
}

func (p pointAnswer) code() string {
	if len(p.UserErrors) == 0 {
		return ""
	}
	return p.UserErrors[0].Code
}

func pointMutation(field, fields string) string {
	return fmt.Sprintf(`mutation($input: %s%sInput!) { %s(input: $input) { %s userErrors { code field message } } }`, strings.ToUpper(field[:1]), field[1:], field, fields)
}

// by is a mutation by one of the staff.
func (s *pointShop) by(t testing.TB, actor access.Actor, field, fields string, input apptest.Variables) pointAnswer {
	t.Helper()
	var got map[string]pointAnswer
	s.DoAs(t, actor, pointMutation(field, fields), in(keyed(field, input))).Into(t, &got)
	return got[field]
}

func (s *pointShop) programme(t testing.TB, input apptest.Variables) string {
	t.Helper()
	made := s.by(t, pointAdmin, "savePointProgramme", "programme { id }", input)
	require.Empty(t, made.UserErrors)
	return made.Programme.ID
}

// collector is a member with a filled cart and some points.
type collector struct {
	customer
	shop *pointShop
}

func (s *pointShop) buyer(t testing.TB, granted int) *collector {
	t.Helper()
	s.customersOfThis++
	b := &collector{newCustomer(t, s.App, fmt.Sprintf("member%d@example.jp", s.customersOfThis)), s}
	if granted > 0 {
		require.Empty(t, s.grant(t, b, granted, nil).UserErrors)
	}
	b.fill(t)
	return b
}

func (s *pointShop) grant(t testing.TB, b *collector, n int, more apptest.Variables) pointAnswer {
	input := apptest.Variables{"idempotencyKey": s.key(), "programmeId": s.own, "memberId": b.id, "points": n, "reason": "お詫び"}
	for name, value := range more {
		input[name] = value
	}
	return s.by(t, pointDesk, "grantPoints", "balance { usable pending owed }", input)
}

func (b *collector) fill(t testing.TB) {
	var added struct{ AddCartLine cartAnswer }
	b.do(t, `mutation($v: ID!) { addCartLine(input: {variantId: $v}) { `+cartFields+` } }`, apptest.Variables{"v": id.Global("Variant", b.shop.leash)}).Into(t, &added)
	require.Empty(t, added.AddCartLine.UserErrors)
	var filled struct{ UpdateCart cartAnswer }
	b.do(t, `mutation($m: ID!) { updateCart(input: {email: "m@example.jp", shippingMethodId: $m, shippingAddress: {
		name: "山田 花子", postalCode: "150-0001", prefecture: TOKYO, city: "渋谷区", line1: "神宮前1-2-3", phone: "03-1234-5678"
	}}) { `+cartFields+` } }`, apptest.Variables{"m": id.Global("ShippingMethod", b.shop.parcel)}).Into(t, &filled)
	require.Empty(t, filled.UpdateCart.UserErrors)
}

func (b *collector) place(t testing.TB, method string, uses ...apptest.Variables) orderAnswer {
	t.Helper()
	if uses == nil {
		uses = []apptest.Variables{}
	}
	var placed struct{ PlaceOrder orderAnswer }
	b.do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`,
		in(apptest.Variables{"idempotencyKey": b.shop.key(), "expectedTotal": "2640", "paymentMethod": method, "points": uses})).Into(t, &placed)
	return placed.PlaceOrder
}

func (b *collector) own(n int) apptest.Variables {
	return apptest.Variables{"programmeId": b.shop.own, "points": n}
}

type balanceSeen struct {
	Programme              struct{ Code string }
	Usable, Pending, Owed  int
	Worth                  struct{ Amount string }
	NextExpiry             *string
	NextExpiryPoints, Most int
}

// has is what the member has of the brand's own programme.
func (b *collector) has(t testing.TB) balanceSeen {
	t.Helper()
	var got struct{ MyPoints []balanceSeen }
	b.do(t, `{ myPoints { programme { code } usable pending owed worth { amount } nextExpiry nextExpiryPoints } }`, nil).Into(t, &got)
	require.Len(t, got.MyPoints, 2)
	require.Equal(t, "wan", got.MyPoints[0].Programme.Code, "the brand's own comes first")
	return got.MyPoints[0]
}

// follow does what the order's jobs would.
func (s *pointShop) follow(t testing.TB, order string) {
	t.Helper()
	key := keyOf(t, order)
	var queued int
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE kind = 'points_follow' AND args->>'OrderID' = $1`, key.String()).Scan(&queued))
	require.Positive(t, queued, "the change of the order queued its points")
	require.NoError(t, s.App.App.Resolvers.Points.Follow(access.With(context.Background(), access.System), key))
}

func (s *pointShop) mutate(t testing.TB, query string, variables apptest.Variables) {
	t.Helper()
	var got map[string]struct{ UserErrors []userError }
	s.DoAs(t, pointDesk, query, variables).Into(t, &got)
	for _, answer := range got {
		require.Empty(t, answer.UserErrors)
	}
}

func (s *pointShop) paid(t testing.TB, order, method string) (payment string, key uuid.UUID) {
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT id FROM payments WHERE order_id = $1 AND method = $2`, keyOf(t, order), method).Scan(&key))
	return id.Global("Payment", key), key
}

// owes is what the journal says that members are owed.
func (s *pointShop) owes(t testing.TB) (minor int64) {
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT coalesce(sum(credit - debit), 0)::bigint FROM journal_lines WHERE account = 'POINTS'`).Scan(&minor))
	return minor
}

func TestPointsPayAPartAndComeBack(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 1000)
	var cart struct {
		Cart struct{ Points []balanceSeen }
	}
	b.do(t, `{ cart { points { programme { code } usable most } } }`, nil).Into(t, &cart)
	require.Equal(t, 1000, cart.Cart.Points[0].Most)
	placed := b.place(t, "BANK_TRANSFER", b.own(640))
	require.Empty(t, placed.UserErrors)
	require.Equal(t, "2640", placed.Order.Total.Amount, "points are a tender: the total is what it was")
	require.Equal(t, "PENDING_PAYMENT", placed.Order.Status)
	require.Equal(t, 360, b.has(t).Usable)
	require.EqualValues(t, -640, s.owes(t), "what was used is not owed any more; what was granted is booked when the day is over")

	s.mutate(t, `mutation($o: ID!) { cancelOrder(input: {`+aKey()+` orderId: $o}) { userErrors { code field message } } }`, apptest.Variables{"o": placed.Order.ID})
	require.Equal(t, 1000, b.has(t).Usable, "given up, the order gives them back")
	require.Zero(t, s.owes(t))
}

func TestPointsPayAll(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 3000)
	placed := b.place(t, "POINTS", b.own(2640))
	require.Empty(t, placed.UserErrors)
	require.Equal(t, "CONFIRMED", placed.Order.Status)
	s.follow(t, placed.Order.ID)
	require.Equal(t, 360, b.has(t).Usable)
	require.Zero(t, b.has(t).Pending, "what points paid earns nothing")

	payment, _ := s.paid(t, placed.Order.ID, "POINTS")
	s.mutate(t, `mutation($input: RefundPaymentInput!) { refundPayment(input: $input) { userErrors { code field message } } }`,
		in(apptest.Variables{"paymentId": payment, "amount": "640", "idempotencyKey": s.key()}))
	require.Equal(t, 1000, b.has(t).Usable)
}

func TestTwoPhonesUseThePointsOnce(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 2000)
	var group sync.WaitGroup
	codes := make([]string, 4)
	holder := keyOf(t, b.id)
	for i := range codes { // one cart is ordered once; points are wanted by others, too
		group.Add(1)
		go func() {
			defer group.Done()
			if i == 0 {
				codes[i] = b.place(t, "BANK_TRANSFER", b.own(1500)).code()
				return
			}
			codes[i] = s.grant(t, b, 1500, apptest.Variables{"deduct": true}).code()
		}()
	}
	group.Wait()
	done := 0
	for _, code := range codes {
		if code == "" {
			done++
		} else {
			require.Equal(t, "POINTS_SHORT", code)
		}
	}
	require.Equal(t, 1, done, "%v", codes)
	require.Equal(t, 500, b.has(t).Usable)
	var orders int
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM orders WHERE member_id = $1`, holder).Scan(&orders))
	require.LessOrEqual(t, orders, 1)
}

// One member has a cart on the web and one in the app, and both are ordered at once with more
// points together than there are.
func TestTwoCheckoutsAtOnceUseThePointsOnce(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	exec(t, s.App, `INSERT INTO channels SELECT (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'code', 'app', 'hosts', ARRAY['localhost']))).* FROM channels c WHERE code = 'web'`)
	exec(t, s.App, `UPDATE channels SET hosts = '{127.0.0.1}' WHERE code = 'web'`)
	exec(t, s.App, `INSERT INTO product_listings (channel_id, product_id, published_at, min_price, max_price, in_stock)
		SELECT c.id, l.product_id, l.published_at, l.min_price, l.max_price, true FROM product_listings l, channels c WHERE c.code = 'app'`)
	s.App = apptest.Serve(t, s.Shop, s.App.App.Config) // a process that has not read the channels yet
	b := s.buyer(t, 2000)
	there := *s.App
	there.URL = strings.Replace(there.URL, "127.0.0.1", "localhost", 1)
	phone := &collector{customer{&there, b.id, b.bearer}, s}
	phone.fill(t)
	require.Equal(t, 2, countOf(t, s.App, `SELECT count(*) FROM carts WHERE member_id = $1 AND NOT closed`, keyOf(t, b.id)))
	var group sync.WaitGroup
	placed := make([]orderAnswer, 2)
	for i, checkout := range []*collector{b, phone} {
		group.Go(func() { placed[i] = checkout.place(t, "BANK_TRANSFER", b.own(1500)) })
	}
	group.Wait()
	codes := []string{placed[0].code(), placed[1].code()}
	require.ElementsMatch(t, []string{"", "POINTS_SHORT"}, codes)
	require.Equal(t, 500, b.has(t).Usable)
	require.Equal(t, 1, countOf(t, s.App, `SELECT count(*) FROM orders WHERE member_id = $1`, keyOf(t, b.id)))
	require.Equal(t, 1, countOf(t, s.App, `SELECT count(*) FROM payments WHERE method = 'POINTS' AND amount = 1500`))
	require.Equal(t, []string{"GRANT 2000", "USE 1500"}, column(t, s.App, `SELECT kind || ' ' || points FROM point_entries ORDER BY number`))
	require.Equal(t, 500, countOf(t, s.App, `SELECT sum(remaining)::int FROM point_lots`))
	require.EqualValues(t, -1500, s.owes(t))
}

func TestImpossibleUsesOfPointsPlaceNothing(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 5000)
	pool := func(n int) apptest.Variables { return apptest.Variables{"programmeId": s.pool, "points": n} }
	for name, c := range map[string]struct {
		method string
		uses   []apptest.Variables
		code   string
	}{
		"more than there are":       {"BANK_TRANSFER", []apptest.Variables{pool(100)}, "POINTS_SHORT"},
		"more than the total":       {"BANK_TRANSFER", []apptest.Variables{b.own(2641)}, "POINTS_ABOVE_TOTAL"},
		"none":                      {"BANK_TRANSFER", []apptest.Variables{b.own(0)}, "POINTS_AMOUNT_INVALID"},
		"less than none":            {"BANK_TRANSFER", []apptest.Variables{b.own(-5)}, "POINTS_AMOUNT_INVALID"},
		"no whole unit":             {"BANK_TRANSFER", []apptest.Variables{pool(150)}, "POINTS_UNIT"},
		"twice the same":            {"BANK_TRANSFER", []apptest.Variables{b.own(10), b.own(10)}, "POINT_PROGRAMME_UNKNOWN"},
		"not enough to pay all":     {"POINTS", []apptest.Variables{b.own(2639)}, "POINTS_DO_NOT_COVER"},
		"points without any":        {"POINTS", nil, "POINTS_DO_NOT_COVER"},
		"nothing left at the door":  {"CASH_ON_DELIVERY", []apptest.Variables{b.own(2640)}, ""},
		"a programme of nobody's":   {"BANK_TRANSFER", []apptest.Variables{{"programmeId": id.Global("PointProgramme", id.New()), "points": 5}}, "POINT_PROGRAMME_UNKNOWN"},
		"more than one has, of two": {"BANK_TRANSFER", []apptest.Variables{b.own(100), pool(100)}, "POINTS_SHORT"},
	} {
		got := b.place(t, c.method, c.uses...)
		require.NotEmpty(t, got.UserErrors, name)
		if c.code != "" {
			require.Equal(t, c.code, got.code(), name)
		}
		require.Equal(t, 5000, b.has(t).Usable, name)
	}
	guest := &shopper{App: s.App}
	guest.add(t, s.leash, 1)
	guest.fillIn(t, s.parcel)
	var placed struct{ PlaceOrder orderAnswer }
	guest.Do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`, in(apptest.Variables{
		"idempotencyKey": s.key(), "expectedTotal": "2640", "paymentMethod": "BANK_TRANSFER", "points": []apptest.Variables{b.own(5)},
	}), "X-Cart-Token", guest.token).Into(t, &placed)
	require.Equal(t, "POINTS_MEMBERS_ONLY", placed.PlaceOrder.code())
}

func TestAnOrderEarnsUntilItGoesBack(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 0)
	placed := b.place(t, "BANK_TRANSFER")
	require.Empty(t, placed.UserErrors)
	order := placed.Order.ID
	require.NoError(t, s.App.App.Resolvers.Points.Follow(t.Context(), keyOf(t, order)))
	require.Zero(t, b.has(t).Pending, "nothing is promised for an order that is not paid")

	staff := counter{s.App, packer}
	staff.receive(t, order, "2640")
	s.follow(t, order)
	require.Equal(t, 19, b.has(t).Pending, "of 1,980 yen of goods, not of the parcel")
	for _, h := range staff.ship(t, order) {
		require.Empty(t, staff.move(t, "deliverShipment", apptest.Variables{"shipmentId": h.ID}).UserErrors)
	}
	s.follow(t, order)
	s.follow(t, order)
	require.Equal(t, 19, b.has(t).Pending, "looking again changes nothing")
	require.NoError(t, s.App.App.Resolvers.Points.Confirm(t.Context()))
	require.Zero(t, b.has(t).Usable, "the time for returns is not over")
	exec(t, s.App, `UPDATE point_lots SET confirms_at = confirms_at - interval '7 days 1 minute'`)
	require.NoError(t, s.App.App.Resolvers.Points.Confirm(t.Context()))
	require.Equal(t, 19, b.has(t).Usable)

	payment, _ := s.paid(t, order, "BANK_TRANSFER")
	s.mutate(t, `mutation($input: RefundPaymentInput!) { refundPayment(input: $input) { userErrors { code field message } } }`,
		in(apptest.Variables{"paymentId": payment, "amount": "1320", "idempotencyKey": s.key()}))
	s.follow(t, order)
	require.Equal(t, 12, b.has(t).Usable, "a third of what the goods cost went back: 660 yen may be for the parcel")
	require.Zero(t, b.has(t).Owed)
}

func TestPointsGoBackWithTheGoods(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 0)
	order, payment := b.bought(t)
	staff := counter{s.App, packer}
	for _, h := range staff.ship(t, order) {
		require.Empty(t, staff.move(t, "deliverShipment", apptest.Variables{"shipmentId": h.ID}).UserErrors)
	}
	s.follow(t, order)
	require.Equal(t, 19, b.has(t).Pending)

	refund := apptest.Variables{"asPoints": false}
	require.Empty(t, s.refund(t, payment, "660", refund).UserErrors)
	s.follow(t, order)
	require.Equal(t, 19, b.has(t).Pending, "the parcel was given back, the goods are kept")

	var lines struct {
		Order struct{ Lines []struct{ ID string } }
	}
	s.DoAs(t, packer, `query($o: ID!) { order(id: $o) { lines { id } } }`, apptest.Variables{"o": order}).Into(t, &lines)
	var asked struct{ RequestReturn returnAnswer }
	b.do(t, returnMutation("requestReturn"), apptest.Variables{"in": apptest.Variables{
		"idempotencyKey": s.key(), "orderId": order, "outcome": "REFUND", "lines": []apptest.Variables{piecesOf(lines.Order.Lines[0].ID, 1, "CHANGED_MIND", nil)},
	}}).Into(t, &asked)
	require.Empty(t, asked.RequestReturn.UserErrors)
	may := staff.back(t, "approveReturn", apptest.Variables{"returnId": asked.RequestReturn.Return.ID})
	require.Empty(t, may.UserErrors)
	exec(t, s.App, `UPDATE returns SET terms = (SELECT jsonb_agg(x || '{"feePercent": 50}') FROM jsonb_array_elements(terms) x) WHERE jsonb_typeof(terms) = 'array'`)
	came := staff.back(t, "receiveReturn", delivered{shopper: &shopper{App: s.App}}.came(*may.Return, "restock", 1))
	require.Empty(t, came.UserErrors)
	require.NotEqual(t, "0", came.Return.Fee.Amount, "the shop keeps a fee")
	s.follow(t, order)
	got := b.has(t)
	require.Equal(t, []int{0, 0, 0}, []int{got.Pending, got.Usable, got.Owed}, "all goods came back, and with them all points")
}

func TestStaffGrantWithinTheDaysLimit(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 6000)
	require.Equal(t, "POINTS_STAFF_LIMIT", s.grant(t, b, 4001, nil).code())
	require.Equal(t, "POINTS_STAFF_LIMIT", s.grant(t, b, 4001, apptest.Variables{"deduct": true}).code())
	require.Equal(t, "REQUIRED", s.grant(t, b, 1, apptest.Variables{"reason": ""}).code())
	require.Equal(t, "POINT_MEMBER_UNKNOWN", s.grant(t, b, 1, apptest.Variables{"memberId": id.Global("Account", id.New())}).code())
	done := s.grant(t, b, 4000, apptest.Variables{"deduct": true, "idempotencyKey": "the-same-key"})
	require.Empty(t, done.UserErrors)
	require.Equal(t, 2000, done.Balance.Usable)
	again := s.grant(t, b, 4000, apptest.Variables{"deduct": true, "idempotencyKey": "the-same-key"})
	require.Empty(t, again.UserErrors)
	require.Equal(t, 2000, again.Balance.Usable, "a replay takes nothing")
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED", s.grant(t, b, 1, apptest.Variables{"idempotencyKey": "the-same-key"}).code())
	gone := s.buyer(t, 0)
	exec(t, s.App, `INSERT INTO members (id, created_at, updated_at, erased_at) VALUES ('`+keyOf(t, gone.id).String()+`', now(), now(), now()) ON CONFLICT (id) DO UPDATE SET erased_at = now()`)
	require.Equal(t, "POINT_MEMBER_UNKNOWN", s.grant(t, gone, 1, nil).code(), "who was erased")
	var audited int
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = 'points.moved' AND actor_id = $1`, pointDesk.ID).Scan(&audited))
	require.Equal(t, 2, audited)
}

func TestMembersSendPointsToEachOther(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	from, to := s.buyer(t, 500), s.buyer(t, 0)
	give := func(more apptest.Variables) pointAnswer {
		input := apptest.Variables{"idempotencyKey": s.key(), "programmeId": s.own, "email": "member2@example.jp", "points": 200}
		for name, value := range more {
			input[name] = value
		}
		var got struct{ GivePoints pointAnswer }
		from.do(t, pointMutation("givePoints", "balance { usable }"), in(input)).Into(t, &got)
		return got.GivePoints
	}
	exec(t, s.App, `UPDATE accounts SET email_verified_at = now()`)
	require.Equal(t, "POINTS_TO_SELF", give(apptest.Variables{"email": "member1@example.jp"}).code())
	require.Equal(t, "POINT_MEMBER_UNKNOWN", give(apptest.Variables{"email": "nobody@example.jp"}).code())
	require.Equal(t, "POINTS_NOT_TRANSFERABLE", give(apptest.Variables{"programmeId": s.pool}).code())
	require.Equal(t, "POINTS_SHORT", give(apptest.Variables{"points": 501}).code())
	exec(t, s.App, `UPDATE accounts SET email_verified_at = NULL WHERE id = $1`, keyOf(t, to.id))
	require.Equal(t, "POINT_MEMBER_UNKNOWN", give(nil).code(), "whoever registers an address first has not shown that it is theirs")
	exec(t, s.App, `UPDATE accounts SET email_verified_at = now() WHERE id = $1`, keyOf(t, to.id))
	require.Empty(t, give(nil).UserErrors)
	require.Equal(t, 300, from.has(t).Usable)
	require.Equal(t, 200, to.has(t).Usable)
	require.Equal(t, from.has(t).NextExpiry, to.has(t).NextExpiry, "they keep their last day")
}

func TestPointsAreExchangedByTheirRate(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 500)
	exchange := func(n int) pointAnswer {
		var got struct{ ExchangePoints pointAnswer }
		b.do(t, pointMutation("exchangePoints", "balances { usable }"), in(apptest.Variables{"idempotencyKey": s.key(), "fromId": s.own, "toId": s.pool, "points": n})).Into(t, &got)
		return got.ExchangePoints
	}
	require.Equal(t, "POINTS_NOT_EXCHANGEABLE", exchange(100).code())
	require.Empty(t, s.by(t, pointAdmin, "savePointRate", "rate { fromPoints }", apptest.Variables{"fromId": s.own, "toId": s.pool, "fromPoints": 50, "toPoints": 40}).UserErrors)
	require.Equal(t, "POINTS_UNIT", exchange(120).code())
	require.Empty(t, exchange(100).UserErrors)
	var got struct{ MyPoints []balanceSeen }
	b.do(t, `{ myPoints { programme { code } usable worth { amount } } }`, nil).Into(t, &got)
	require.Equal(t, 400, got.MyPoints[0].Usable)
	require.Equal(t, 80, got.MyPoints[1].Usable)
	require.Equal(t, "0", got.MyPoints[1].Worth.Amount, "less than a unit pays nothing")

	back := func(n int) pointAnswer {
		return s.by(t, pointAdmin, "savePointRate", "rate { fromPoints }", apptest.Variables{"fromId": s.pool, "toId": s.own, "fromPoints": 40, "toPoints": n})
	}
	require.Equal(t, "POINT_RATE_GAINS", back(51).code(), "round the circle points came of nothing")
	require.Empty(t, back(50).UserErrors)
}

func TestPointsGoToAnotherSystemByFile(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 1000)
	partner := s.by(t, pointAdmin, "savePointPartner", "partner { id }", apptest.Variables{
		"programmeId": s.own, "code": "sky-miles", "name": ja("空マイル"), "way": "FILE", "ourPoints": 100, "theirPoints": 50, "minPoints": 200, "receives": true,
	})
	require.Empty(t, partner.UserErrors)
	send := func(n int) pointAnswer {
		var got struct{ SendPoints pointAnswer }
		b.do(t, pointMutation("sendPoints", "transfer { id state }"), in(apptest.Variables{"idempotencyKey": s.key(), "partnerId": partner.Partner.ID, "theirMember": "=77-1", "points": n})).Into(t, &got)
		return got.SendPoints
	}
	require.Equal(t, "POINTS_AMOUNT_INVALID", send(100).code())
	require.Equal(t, "POINTS_UNIT", send(250).code())
	require.Equal(t, "POINTS_SHORT", send(1100).code())
	one, two := send(300), send(200)
	require.Empty(t, one.UserErrors)
	require.Equal(t, 500, b.has(t).Usable, "reserved")
	input := apptest.Variables{"idempotencyKey": s.key(), "partnerId": partner.Partner.ID}
	file := s.by(t, pointDesk, "exportPointTransfers", "count csv", input)
	require.Equal(t, 2, file.Count)
	require.Contains(t, *file.CSV, "'=77-1,150,", "no formula for a spreadsheet")
	require.Equal(t, file.CSV, s.by(t, pointDesk, "exportPointTransfers", "count csv", input).CSV, "the same key, the same file")
	answers := fmt.Sprintf("id,result,reference,reason\n%s,OK,R-1,\n%s,NG,,unknown member\n%s,OK,,\nnonsense,OK,,\n", keyOf(t, one.Transfer.ID), keyOf(t, two.Transfer.ID), id.New())
	read := s.by(t, pointAdmin, "importPointAnswers", "acknowledged returned repeated", apptest.Variables{"partnerId": partner.Partner.ID, "csv": answers})
	require.Equal(t, []int{1, 1, 0, 2}, []int{read.Acknowledged, read.Returned, read.Repeated, len(read.UserErrors)}, "%v", read.UserErrors)
	require.Equal(t, 700, b.has(t).Usable, "what was turned down is back")
	read = s.by(t, pointAdmin, "importPointAnswers", "acknowledged returned repeated", apptest.Variables{"partnerId": partner.Partner.ID, "csv": answers})
	require.Equal(t, 2, read.Repeated, "the same file twice changes nothing more")
	require.Equal(t, 700, b.has(t).Usable)
	require.Equal(t, "POINT_FILE_INVALID", s.by(t, pointAdmin, "importPointAnswers", "returned", apptest.Variables{"partnerId": partner.Partner.ID, "csv": "id,result\nx,OK\n"}).code())
	require.Equal(t, "POINT_FILE_ONE", s.by(t, pointAdmin, "importPointAnswers", "returned", apptest.Variables{"partnerId": partner.Partner.ID}).code())
	var whole struct{ ImportPointAnswers pointAnswer }
	s.UploadAs(t, pointAdmin, pointMutation("importPointAnswers", "acknowledged returned repeated"), in(apptest.Variables{"partnerId": partner.Partner.ID, "file": nil}), "input.file",
		apptest.File{Name: "answers.csv", ContentType: "text/csv", Content: []byte(answers + strings.Repeat(fmt.Sprintf("%s,OK,R-1,\n", keyOf(t, one.Transfer.ID)), 24_000))}).Into(t, &whole)
	require.Equal(t, []int{0, 24_002, 2}, []int{whole.ImportPointAnswers.Acknowledged, whole.ImportPointAnswers.Repeated, len(whole.ImportPointAnswers.UserErrors)}, "more than a request's body holds")

	receive := func(reference string, n int) pointAnswer {
		return s.by(t, pointAdmin, "receivePoints", "transfer { id state }", apptest.Variables{"partnerId": partner.Partner.ID, "reference": reference, "memberId": b.id, "theirPoints": n})
	}
	first := receive("IN-1", 100)
	require.Empty(t, first.UserErrors)
	require.Equal(t, first.Transfer.ID, receive("IN-1", 100).Transfer.ID, "once for each reference")
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED", receive("IN-1", 150).code())
	require.Equal(t, 900, b.has(t).Usable)
}

func TestWhatIsOutstandingIsReported(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	s.buyer(t, 500)
	var got struct {
		PointLiabilities struct {
			Rows []struct {
				Month  *string
				Points int
				Worth  struct{ Amount string }
			}
			CSV string
		}
		PointTrialBalance []struct {
			Account       string
			Debit, Credit int
		}
	}
	s.DoAs(t, pointDesk, `query($p: ID!) { pointLiabilities { rows { month points worth { amount } } csv } pointTrialBalance(programmeId: $p) { account debit credit } }`, apptest.Variables{"p": s.own}).Into(t, &got)
	require.Len(t, got.PointLiabilities.Rows, 1)
	require.Equal(t, 500, got.PointLiabilities.Rows[0].Points)
	require.Equal(t, "500", got.PointLiabilities.Rows[0].Worth.Amount)
	require.Contains(t, got.PointLiabilities.CSV, ",500,0,500,JPY")
	debits, credits := 0, 0
	for _, sum := range got.PointTrialBalance {
		debits, credits = debits+sum.Debit, credits+sum.Credit
	}
	require.Equal(t, 500, debits)
	require.Equal(t, debits, credits)

	require.NoError(t, s.App.App.Resolvers.Points.BookDays(t.Context()))
	require.Zero(t, s.owes(t), "the day is not over")
	exec(t, s.App, `UPDATE point_entries SET at = at - interval '2 days'`)
	for range 2 {
		require.NoError(t, s.App.App.Resolvers.Points.BookDays(t.Context()))
		require.EqualValues(t, 500, s.owes(t), "booked once")
	}
}

func TestPointsAreWatched(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 100)
	next, leave := subscribe(t, s.URL, `subscription { pointsChanged { usable } }`, question{nil, []string{"Authorization", b.bearer}})
	defer leave()
	require.Equal(t, 100, next().Data.PointsChanged[0].Usable)
	require.Empty(t, s.grant(t, b, 23, nil).UserErrors)
	require.Equal(t, 123, next().Data.PointsChanged[0].Usable)
	exec(t, s.App, `UPDATE point_lots SET expires_on = '2020-01-01'`)
	require.NoError(t, s.App.App.Resolvers.Points.Expire(t.Context()))
	require.Zero(t, next().Data.PointsChanged[0].Usable, "an expiry is told, too")
	var data struct {
		MemberID  uuid.UUID `json:"memberId"`
		Points    int
		Available int
	}
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT data FROM events WHERE type = 'points.moved' AND data->>'kind' = 'EXPIRE' AND brand_id = $1`, s.BrandID).Scan(&data))
	require.Equal(t, []any{keyOf(t, b.id), 123, 0}, []any{data.MemberID, data.Points, data.Available})
}

func TestAPrepaidPickUpEarnsWhenItIsHandedOver(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 0)
	shop := openShop(t, s.App, "umeda", "OSAKA", map[uuid.UUID]int{s.leash: 2})
	var cart struct{ UpdateCart cartAnswer }
	b.do(t, `mutation($s: ID!) { updateCart(input: {shippingMode: PICK_UP, shopId: $s, recipient: "山田 花子"}) { `+cartFields+` } }`,
		apptest.Variables{"s": id.Global("Location", shop)}).Into(t, &cart)
	require.Empty(t, cart.UpdateCart.UserErrors)
	var placed struct{ PlaceOrder orderAnswer }
	b.do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`,
		in(apptest.Variables{"idempotencyKey": s.key(), "expectedTotal": "1980", "paymentMethod": "BANK_TRANSFER"})).Into(t, &placed)
	require.Empty(t, placed.PlaceOrder.UserErrors)
	order, clerk := placed.PlaceOrder.Order.ID, counter{s.App, clerkOf(shop)}
	counter{s.App, packer}.receive(t, order, "1980")
	require.Empty(t, clerk.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).UserErrors)
	var seen struct{ Order struct{ PickUp pickUpSeen } }
	b.do(t, `query($o: ID!) { order(id: $o) { pickUp { code } } }`, apptest.Variables{"o": order}).Into(t, &seen)
	exec(t, s.App, `DELETE FROM river_job WHERE kind = 'points_follow'`)
	require.Empty(t, clerk.handOver(t, order, *seen.Order.PickUp.Code, nil).UserErrors)
	s.follow(t, order)
	exec(t, s.App, `UPDATE point_lots SET confirms_at = confirms_at - interval '7 days 1 minute'`)
	require.NoError(t, s.App.App.Resolvers.Points.Confirm(t.Context()))
	require.Equal(t, 19, b.has(t).Usable)
}
