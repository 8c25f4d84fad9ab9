package resolvers_test

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

type refundAnswer struct {
	Payment *struct {
		Status                     string
		Refunded, RefundedAsPoints struct{ Amount string }
		Operations                 []struct {
			Kind, Status string
			Points       int
		}
	}
	UserErrors []userError
}

func (r refundAnswer) code() string {
	if len(r.UserErrors) == 0 {
		return ""
	}
	return r.UserErrors[0].Code + " " + strings.Join(r.UserErrors[0].Field, ".")
}

// refund gives so much of a payment back; as points unless more says otherwise.
func (s *pointShop) refund(t testing.TB, payment, amount string, more apptest.Variables) refundAnswer {
	t.Helper()
	input := apptest.Variables{"idempotencyKey": s.key(), "paymentId": payment, "amount": amount, "asPoints": true, "reason": "お客様のご希望"}
	maps.Copy(input, more)
	var got struct{ RefundPayment refundAnswer }
	s.DoAs(t, pointDesk, `mutation($input: RefundPaymentInput!) { refundPayment(input: $input) {
		payment { status refunded { amount } refundedAsPoints { amount } operations { kind status points } } userErrors { code field message } } }`, in(input)).Into(t, &got)
	return got.RefundPayment
}

// bought is a confirmed order of 2,640 yen, paid by bank transfer.
func (b *collector) bought(t testing.TB) (order, payment string) {
	t.Helper()
	placed := b.place(t, "BANK_TRANSFER")
	require.Empty(t, placed.UserErrors)
	counter{b.shop.App, packer}.receive(t, placed.Order.ID, "2640")
	payment, _ = b.shop.paid(t, placed.Order.ID, "BANK_TRANSFER")
	return placed.Order.ID, payment
}

func (s *pointShop) letters(t testing.TB, email string) (texts []string) {
	t.Helper()
	for _, l := range s.App.App.Mailbox.To(email) {
		texts = append(texts, l.Text)
	}
	return texts
}

func TestMoneyGoesBackAsPoints(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	s.Work(t)
	b := s.buyer(t, 0)
	_, payment := b.bought(t)

	once := apptest.Variables{"idempotencyKey": "once-00001"}
	got := s.refund(t, payment, "1000", once)
	require.Empty(t, got.UserErrors)
	require.Equal(t, []string{"PARTLY_REFUNDED", "1000", "1000"}, []string{got.Payment.Status, got.Payment.Refunded.Amount, got.Payment.RefundedAsPoints.Amount})
	require.Equal(t, 1000, got.Payment.Operations[len(got.Payment.Operations)-1].Points)
	require.Equal(t, 1000, b.has(t).Usable, "they are there at once")
	require.EqualValues(t, 1000, s.owes(t), "what they pay is owed")
	balance := trialBalance(t, s.App)
	require.Equal(t, "2640", balance["BANK"], "the money stays")
	require.Equal(t, "-1640", balance["DEPOSITS"])
	require.Empty(t, s.refund(t, payment, "1000", once).UserErrors)
	require.Equal(t, 1000, b.has(t).Usable, "the same key gives once")
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED idempotencyKey", s.refund(t, payment, "1000", apptest.Variables{"idempotencyKey": "once-00001", "asPoints": false}).code())
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED idempotencyKey", s.refund(t, payment, "999", once).code())
	require.Eventually(t, func() bool {
		return slices.ContainsFunc(s.letters(t, "m@example.jp"), func(text string) bool { return strings.Contains(text, "わんポイント 1000 ポイント") })
	}, 3*time.Minute, 20*time.Millisecond)

	require.Equal(t, "REFUND_EXCEEDS_PAYMENT amount", s.refund(t, payment, "1641", nil).code())
	require.Equal(t, "REFUND_EXCEEDS_PAYMENT amount", s.refund(t, payment, "1641", apptest.Variables{"asPoints": false}).code(), "money and points together")
	require.Empty(t, s.refund(t, payment, "640", apptest.Variables{"asPoints": false}).UserErrors)
	last := s.refund(t, payment, "1000", nil)
	require.Empty(t, last.UserErrors)
	require.Equal(t, []string{"REFUNDED", "2640", "2000"}, []string{last.Payment.Status, last.Payment.Refunded.Amount, last.Payment.RefundedAsPoints.Amount})
	require.Equal(t, "REFUND_EXCEEDS_PAYMENT amount", s.refund(t, payment, "1", nil).code())
	require.Equal(t, 2000, b.has(t).Usable)
	balance = trialBalance(t, s.App)
	require.Equal(t, []string{"2000", "0"}, []string{balance["BANK"], balance["DEPOSITS"]})

	// Days that are booked later do not owe them again.
	exec(t, s.App, `UPDATE point_entries SET at = at - interval '1 day'`)
	require.NoError(t, s.App.App.Resolvers.Points.BookDays(access.With(t.Context(), access.System)))
	require.EqualValues(t, 2000, s.owes(t))
}

func TestImpossibleRefundsAsPoints(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 100)
	placed := b.place(t, "BANK_TRANSFER", b.own(100))
	require.Empty(t, placed.UserErrors)
	points, _ := s.paid(t, placed.Order.ID, "POINTS")
	transfer, _ := s.paid(t, placed.Order.ID, "BANK_TRANSFER")
	require.Equal(t, "REFUND_EXCEEDS_PAYMENT amount", s.refund(t, transfer, "1", nil).code(), "nothing has come in")
	var got struct {
		RecordBankTransfer struct{ UserErrors []userError }
	}
	s.DoAs(t, packer, `mutation($p: ID!) { recordBankTransfer(input: {idempotencyKey: "receipt-1", paymentId: $p, amount: "2540", receivedAt: "2026-11-24T01:00:00Z"}) { userErrors { code } } }`,
		apptest.Variables{"p": transfer}).Into(t, &got)
	require.Empty(t, got.RecordBankTransfer.UserErrors)

	five := s.programme(t, apptest.Variables{"code": "five", "name": ja("五円ポイント"), "unitPoints": 1, "unitMinor": 5, "grantLimit": 10})
	dollar := s.programme(t, apptest.Variables{"code": "dollar", "name": ja("ドル"), "grantLimit": 10})
	exec(t, s.App, `UPDATE point_programmes SET currency = 'USD' WHERE code = 'dollar'`)
	gone := s.programme(t, apptest.Variables{"code": "gone", "name": ja("終了"), "grantLimit": 10})
	exec(t, s.App, `UPDATE point_programmes SET closed_at = now() WHERE code = 'gone'`)
	for name, c := range map[string]struct {
		payment, amount string
		more            apptest.Variables
		code            string
	}{
		"what points paid":         {points, "50", nil, "POINTS_PAID paymentId"},
		"no whole points":          {transfer, "1003", apptest.Variables{"programmeId": five}, "POINTS_REFUND_UNIT amount"},
		"another currency":         {transfer, "10", apptest.Variables{"programmeId": dollar}, "POINTS_OTHER_CURRENCY programmeId"},
		"a programme that is over": {transfer, "10", apptest.Variables{"programmeId": gone}, "POINT_PROGRAMME_CLOSED programmeId"},
		"a programme of nobody's":  {transfer, "10", apptest.Variables{"programmeId": id.Global("PointProgramme", id.New())}, "POINT_PROGRAMME_UNKNOWN programmeId"},
		"nothing":                  {transfer, "0", nil, "AMOUNT_INVALID amount"},
		"half a yen":               {transfer, "0.5", nil, "AMOUNT_INVALID amount"},
	} {
		code := s.refund(t, c.payment, c.amount, c.more).code()
		if name == "half a yen" {
			require.NotEmpty(t, code, name)
			continue
		}
		require.Equal(t, c.code, code, name)
	}
	var given int
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM point_entries WHERE kind = 'REFUND'`).Scan(&given))
	require.Zero(t, given, "nothing was given")
	require.Empty(t, s.refund(t, transfer, "1000", apptest.Variables{"programmeId": five}).UserErrors)

	guest := &shopper{App: s.App}
	guest.add(t, s.leash, 1)
	guest.fillIn(t, s.parcel)
	other := guest.place(t, "intent-1", "2640")
	require.Empty(t, other.UserErrors)
	counter{s.App, packer}.receive(t, other.Order.ID, "2640")
	payment, _ := s.paid(t, other.Order.ID, "BANK_TRANSFER")
	require.Equal(t, "POINTS_MEMBERS_ONLY asPoints", s.refund(t, payment, "100", nil).code())
}

func TestTwoRefundsAtOnceGiveNoMoreThanWasPaid(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 0)
	_, payment := b.bought(t)
	codes := make([]string, 6)
	var group sync.WaitGroup
	for i := range codes {
		group.Go(func() { codes[i] = s.refund(t, payment, "2000", apptest.Variables{"asPoints": i%2 == 0}).code() })
	}
	group.Wait()
	done := 0
	for _, code := range codes {
		if code == "" {
			done++
		} else {
			require.Equal(t, "REFUND_EXCEEDS_PAYMENT amount", code)
		}
	}
	require.Equal(t, 1, done, "%v", codes)
	require.Contains(t, []int{0, 2000}, b.has(t).Usable)
	require.EqualValues(t, b.has(t).Usable, s.owes(t))
}

type pointedReturn struct {
	Return *struct {
		ID, Status, Wished, RefundAs string
		Lines                        []struct{ ID string }
		Receipts                     []struct {
			Refund, RefundAsPoints struct{ Amount string }
			Points                 int
		}
	}
	UserErrors []userError
}

func (p pointedReturn) code() string {
	if len(p.UserErrors) == 0 {
		return ""
	}
	return p.UserErrors[0].Code + " " + strings.Join(p.UserErrors[0].Field, ".")
}

const pointedFields = `return { id status wished refundAs lines { id } receipts { refund { amount } refundAsPoints { amount } points } } userErrors { code field message }`

// arrived is a member's delivered order of three leashes and a parcel, 6,600 yen.
func (b *collector) arrived(t testing.TB) (order, line string) {
	t.Helper()
	var changed struct{ AddCartLine cartAnswer }
	b.do(t, `mutation($v: ID!) { addCartLine(input: {variantId: $v, quantity: 2}) { `+cartFields+` } }`, apptest.Variables{"v": id.Global("Variant", b.shop.leash)}).Into(t, &changed)
	require.Empty(t, changed.AddCartLine.UserErrors)
	var placed struct{ PlaceOrder orderAnswer }
	b.do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`,
		in(apptest.Variables{"idempotencyKey": b.shop.key(), "expectedTotal": "6600", "paymentMethod": "BANK_TRANSFER"})).Into(t, &placed)
	require.Empty(t, placed.PlaceOrder.UserErrors)
	order = placed.PlaceOrder.Order.ID
	staff := counter{b.shop.App, packer}
	staff.receive(t, order, "6600")
	for _, h := range staff.ship(t, order) {
		require.Empty(t, staff.move(t, "deliverShipment", apptest.Variables{"shipmentId": h.ID}).UserErrors)
	}
	var lines struct {
		Order struct{ Lines []struct{ ID string } }
	}
	b.do(t, `query($o: ID!) { order(id: $o) { lines { id } } }`, apptest.Variables{"o": order}).Into(t, &lines)
	return order, lines.Order.Lines[0].ID
}

func (b *collector) wants(t testing.TB, order, line, outcome string, pieces int, more apptest.Variables) pointedReturn {
	t.Helper()
	input := apptest.Variables{"idempotencyKey": b.shop.key(), "orderId": order, "outcome": outcome, "lines": []apptest.Variables{piecesOf(line, pieces, "DEFECTIVE", nil)}}
	maps.Copy(input, more)
	var got struct{ RequestReturn pointedReturn }
	b.do(t, `mutation($in: RequestReturnInput!) { requestReturn(input: $in) { `+pointedFields+` } }`, apptest.Variables{"in": input}).Into(t, &got)
	return got.RequestReturn
}

func (s *pointShop) returned(t testing.TB, field string, input apptest.Variables) pointedReturn {
	t.Helper()
	var got map[string]pointedReturn
	s.DoAs(t, packer, `mutation($in: `+strings.ToUpper(field[:1])+field[1:]+`Input!) { `+field+`(input: $in) { `+pointedFields+` } }`, apptest.Variables{"in": input}).Into(t, &got)
	return got[field]
}

func (s *pointShop) takes(r pointedReturn, pieces int, more apptest.Variables) apptest.Variables {
	input := apptest.Variables{"idempotencyKey": s.key(), "returnId": r.Return.ID, "locationId": id.Global("Location", s.WarehouseID),
		"lines": []apptest.Variables{{"lineId": r.Return.Lines[0].ID, "restock": pieces}}}
	maps.Copy(input, more)
	return input
}

func TestReturnedGoodsAreRefundedAsPoints(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	issueAs(t, s.App)
	b := s.buyer(t, 0)
	order, line := b.arrived(t)
	s.follow(t, order)
	require.Equal(t, 59, b.has(t).Pending, "of 5,940 yen of goods")

	require.Equal(t, "INVALID refundAs", b.wants(t, order, line, "EXCHANGE", 1, apptest.Variables{"refundAs": "POINTS"}).code())
	asked := b.wants(t, order, line, "REFUND", 1, apptest.Variables{"refundAs": "POINTS"})
	require.Empty(t, asked.UserErrors)
	require.Equal(t, []string{"POINTS", "POINTS"}, []string{asked.Return.Wished, asked.Return.RefundAs})
	may := s.returned(t, "approveReturn", apptest.Variables{"returnId": asked.Return.ID})
	require.Empty(t, may.UserErrors)
	came := s.returned(t, "receiveReturn", s.takes(may, 1, nil))
	require.Empty(t, came.UserErrors)
	receipt := came.Return.Receipts[0]
	require.Equal(t, []string{"1980", "1980"}, []string{receipt.Refund.Amount, receipt.RefundAsPoints.Amount})
	require.Equal(t, 1980, receipt.Points)
	require.Equal(t, 1980, b.has(t).Usable)
	s.follow(t, order)
	require.Equal(t, 39, b.has(t).Pending, "what was earned goes back with the goods, whatever the money becomes")
	require.EqualValues(t, 1980, s.owes(t))
	balance := trialBalance(t, s.App)
	require.Equal(t, "6600", balance["BANK"])
	require.Equal(t, "0", balance["DEPOSITS"])
	require.Equal(t, []int64{1980}, s.notes(t, order), "the sale is corrected in writing")

	// Staff decide otherwise, and give a part as points.
	second := b.wants(t, order, line, "REFUND", 1, apptest.Variables{"refundAs": "POINTS"})
	require.Empty(t, second.UserErrors)
	decided := s.returned(t, "approveReturn", apptest.Variables{"returnId": second.Return.ID, "refundAs": "MONEY"})
	require.Equal(t, []string{"POINTS", "MONEY"}, []string{decided.Return.Wished, decided.Return.RefundAs})
	require.Equal(t, "REFUND_EXCEEDS_PAYMENT asPoints", s.returned(t, "receiveReturn", s.takes(decided, 1, apptest.Variables{"asPoints": "1981"})).code())
	require.Equal(t, "AMOUNT_INVALID asPoints", s.returned(t, "receiveReturn", s.takes(decided, 1, apptest.Variables{"asPoints": "-1"})).code())
	part := s.takes(decided, 1, apptest.Variables{"asPoints": "980"})
	for range 2 {
		mixed := s.returned(t, "receiveReturn", part)
		require.Empty(t, mixed.UserErrors)
		require.Equal(t, []string{"1980", "980"}, []string{mixed.Return.Receipts[0].Refund.Amount, mixed.Return.Receipts[0].RefundAsPoints.Amount})
	}
	require.Equal(t, 2960, b.has(t).Usable, "the same intent gives once")
	require.Equal(t, "5600", trialBalance(t, s.App)["BANK"])

	// The last piece brings the parcel's fee with it.
	third := b.wants(t, order, line, "REFUND", 1, nil)
	require.Equal(t, "MONEY", third.Return.Wished)
	as := s.returned(t, "approveReturn", apptest.Variables{"returnId": third.Return.ID, "refundAs": "POINTS"})
	all := s.returned(t, "receiveReturn", s.takes(as, 1, nil))
	require.Empty(t, all.UserErrors)
	require.Equal(t, "2640", all.Return.Receipts[0].RefundAsPoints.Amount)
	payment, _ := s.paid(t, order, "BANK_TRANSFER")
	require.Equal(t, "REFUND_EXCEEDS_PAYMENT amount", s.refund(t, payment, "1", nil).code())
	s.follow(t, order)
	require.Zero(t, b.has(t).Pending)
	require.Equal(t, 5600, b.has(t).Usable)
	require.EqualValues(t, 5600, s.owes(t))
	require.Equal(t, []int64{1980, 1980, 2640}, s.notes(t, order))
}

// notes are the totals of an order's credit notes, oldest first.
func (s *pointShop) notes(t testing.TB, order string) (all []int64) {
	t.Helper()
	rows, err := s.DB.Pool().Query(t.Context(), `SELECT total FROM documents WHERE order_id = $1 AND kind = 'CREDIT_NOTE' ORDER BY id`, keyOf(t, order))
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var total int64
		require.NoError(t, rows.Scan(&total))
		all = append(all, total)
	}
	return all
}

func TestGuestsAreNotRefundedAsPoints(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	wish := d.wish("REFUND", piecesOf(d.leashes, 1, "DEFECTIVE", nil))
	wish["refundAs"] = "POINTS"
	require.Equal(t, "POINTS_MEMBERS_ONLY refundAs", d.back(t, "requestReturn", wish).code())
	r := d.approved(t, "REFUND", piecesOf(d.leashes, 1, "DEFECTIVE", nil))
	in := d.came(r, "restock", 1)
	in["asPoints"] = "10"
	require.Equal(t, "POINTS_MEMBERS_ONLY asPoints", d.staff.back(t, "receiveReturn", in).code())
	require.Zero(t, d.refunded(t))
}
