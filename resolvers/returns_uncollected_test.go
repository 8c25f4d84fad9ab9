package resolvers_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// ask brings pieces of a line to where they may be received, and answers how they are.
func (c counter) ask(t testing.TB, order, line string, pieces int, more apptest.Variables) apptest.Variables {
	t.Helper()
	asked := c.back(t, "requestReturn", apptest.Variables{
		"idempotencyKey": id.New().String(), "orderId": order, "outcome": "REFUND", "lines": []apptest.Variables{piecesOf(line, pieces, "DEFECTIVE", nil)},
	})
	require.Empty(t, asked.UserErrors)
	require.Empty(t, c.back(t, "approveReturn", apptest.Variables{"returnId": asked.Return.ID}).UserErrors)
	in := apptest.Variables{
		"idempotencyKey": id.New().String(), "returnId": asked.Return.ID, "locationId": id.Global("Location", c.WarehouseID),
		"lines": []apptest.Variables{{"lineId": asked.Return.Lines[0].ID, "scrap": pieces}},
	}
	for name, value := range more {
		in[name] = value
	}
	return in
}

// dues are the amounts that staff were asked to send back.
func (s *door) dues(t testing.TB) (all []int) {
	t.Helper()
	rows, err := s.DB.Pool().Query(t.Context(), `SELECT (data->>'amount')::int FROM events WHERE type = 'payment.refund_due' ORDER BY position`)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var minor int
		require.NoError(t, rows.Scan(&minor))
		all = append(all, minor)
	}
	return all
}

// Goods are back at a shop before the carrier has brought the money: they are worth what
// they are worth, and their customer gets it when the carrier does.
func TestGoodsThatComeBackBeforeTheCarrierBringsTheMoney(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	issueAs(t, s.App)
	order, _, _ := s.twoParcels(t, "CASH_ON_DELIVERY", true)
	staff := counter{s.App, dispatcher}
	line := staff.linesOf(t, order)[0]
	require.Equal(t, "1980", staff.takeBack(t, order, line, 1).Refund.Amount)
	require.Equal(t, "REFUND_EXCEEDS_PAYMENT asPoints", staff.back(t, "receiveReturn", staff.ask(t, order, line, 1, apptest.Variables{"asPoints": "1980"})).code(), "there is no money yet to be kept for points")
	books := s.books(t, order)
	require.Equal(t, []int64{6930, -1980}, []int64{books["RECEIVABLEcarrier"], books["DEPOSITS"]}, "the carrier owes all, and the customer is owed the leash")
	require.Empty(t, s.dues(t), "nothing is there yet to be sent back")
	d := delivered{shopper: &shopper{App: s.App}, order: order}
	var notes []int64
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT array_agg(total) FROM documents WHERE order_id = $1 AND kind = 'CREDIT_NOTE'`, keyOf(t, order)).Scan(&notes))
	require.Equal(t, []int64{1980}, notes)

	require.Equal(t, 1, s.collect(t, "49000001", "6930", "2026-01-05").Matched)
	require.Equal(t, []int{1980}, s.dues(t))
	require.Equal(t, int64(1980), d.refunded(t))
	books = s.books(t, order)
	require.Zero(t, books["RECEIVABLEcarrier"])
	require.Zero(t, books["DEPOSITS"])
	require.Equal(t, int64(4950), books["CLEARINGcash_on_delivery"])
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT array_agg(total) FROM documents WHERE order_id = $1 AND kind = 'CREDIT_NOTE'`, keyOf(t, order)).Scan(&notes))
	require.Equal(t, []int64{1980}, notes, "the goods are credited once")
	require.Equal(t, "4950", staff.takeBackOpen(t, order), "the rest goes back as it was collected, with the fee and the charge")
	require.Equal(t, []int{1980, 4950}, s.dues(t))
	require.Empty(t, nonZero(s.books(t, order)))
}

// takeBackOpen withdraws what waits, and brings all that is left of an order's first line back.
func (c counter) takeBackOpen(t testing.TB, order string) string {
	t.Helper()
	var waits string
	var key uuid.UUID
	require.NoError(t, c.DB.Pool().QueryRow(t.Context(), `SELECT id FROM returns WHERE order_id = $1 AND status = 'APPROVED'`, keyOf(t, order)).Scan(&key))
	waits = id.Global("Return", key)
	require.Empty(t, c.back(t, "withdrawReturn", apptest.Variables{"returnId": waits}).UserErrors)
	return c.takeBack(t, order, c.linesOf(t, order)[0], 2).Refund.Amount
}

func TestAStrayThatPaysACollectedOrderGivesBackWhatIsOwed(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	staff := counter{s.App, dispatcher}
	order, number := s.shipped(t, "9900-0001")
	require.Equal(t, "2970", staff.takeBack(t, order, staff.linesOf(t, order)[0], 1).Refund.Amount)
	require.Equal(t, 1, s.collect(t, number, "2900", "2026-01-05").Strays)
	var stray, owed uuid.UUID
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT s.id, p.id FROM stray_payments s, payments p WHERE p.order_id = $1`, keyOf(t, order)).Scan(&stray, &owed))
	var got struct {
		SettleStrayPayment struct{ UserErrors []userError }
	}
	s.DoAs(t, dispatcher, `mutation($input: SettleStrayPaymentInput!) { settleStrayPayment(input: $input) { userErrors { code field message } } }`, in(apptest.Variables{
		"idempotencyKey": id.New().String(), "id": id.Global("StrayPayment", stray), "state": "APPLIED", "paymentId": id.Global("Payment", owed),
	})).Into(t, &got)
	require.Empty(t, got.SettleStrayPayment.UserErrors)
	require.Equal(t, []int{2900}, s.dues(t), "no more goes back than has come")
	require.Equal(t, map[string]int64{"RECEIVABLEcarrier": 70, "DEPOSITS": -70}, nonZero(s.books(t, order)))
}

// While the money of a parcel is being taken, nobody knows what there is to give back.
func TestGoodsComeBackWhileTheirMoneyIsBeingTaken(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	s.Work(t)
	require.Empty(t, s.pay(t, "attempt-1", stripetest.CardVisa).UserErrors)
	staff := counter{s.App, packer}
	staff.ship(t, s.order)
	in := staff.ask(t, s.order, staff.linesOf(t, s.order)[0], 1, nil)
	operation := id.New()
	exec(t, s.App, `INSERT INTO payment_operations (id, payment_id, kind, status, amount, client_key, reason, detail, created_at)
		SELECT $1, id, 'CAPTURE', 'OUTSTANDING', 2640, '', 'SHIPPED', '', now() FROM payments`, operation)
	require.Equal(t, "PAYMENT_IN_PROGRESS ", staff.back(t, "receiveReturn", in).code())
	exec(t, s.App, `UPDATE payment_operations SET status = 'DONE' WHERE id = $1`, operation)
	got := staff.back(t, "receiveReturn", in)
	require.Empty(t, got.UserErrors)
	require.Equal(t, "2640", got.Return.Refund.Amount)
	require.Eventually(t, func() bool { return s.payment(t).Refunded.Amount == "2640" }, 3*time.Minute, 20*time.Millisecond)
}

// One parcel was refused at the door, and the other comes back whole: all of the fee has
// come back then, each part of it once.
func TestTheRestOfTheFeeComesBackWithWhatWasNotRefused(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	staff := counter{s.App, dispatcher}
	order, _, shipments := s.twoParcels(t, "BANK_TRANSFER", true)
	require.Empty(t, staff.refuse(t, shipments[1], nil).UserErrors)
	require.Equal(t, "4400", staff.takeBack(t, order, staff.linesOf(t, order)[0], 2).Refund.Amount)
	require.Empty(t, nonZero(s.books(t, order)))
	require.Equal(t, int64(6600), delivered{shopper: &shopper{App: s.App}, order: order}.refunded(t))
}

// What came back as a return was accepted at the door: it is not taken in, nor paid back, once
// more as a parcel that was not.
func TestWhatWasReturnedIsNotRefusedToo(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	staff := counter{s.App, dispatcher}
	order, _, shipments := s.twoParcels(t, "BANK_TRANSFER", true)
	staff.takeBack(t, order, staff.linesOf(t, order)[0], 2)
	shelf, books := s.shelf(t), s.books(t, order)
	require.Equal(t, "SHIPMENT_STATUS_CONFLICT", staff.refuse(t, shipments[0], nil).code(), "one piece is left, and two are in it")
	require.Equal(t, shelf, s.shelf(t))
	require.Equal(t, books, s.books(t, order))
	require.Empty(t, staff.refuse(t, shipments[1], nil).UserErrors, "the two that came back may be those of the other parcel")
	require.Equal(t, shelf+1, s.shelf(t))
	require.Equal(t, "SHIPMENT_STATUS_CONFLICT", staff.refuse(t, shipments[0], nil).code())

	unpaid, _ := s.shipped(t, "9900-0001")
	staff.takeBack(t, unpaid, staff.linesOf(t, unpaid)[0], 1)
	var whole struct{ RecordRefusedDelivery orderAnswer }
	s.DoAs(t, dispatcher, `mutation($o: ID!) { recordRefusedDelivery(input: {`+aKey()+` orderId: $o}) { `+orderFields+` } }`, apptest.Variables{"o": unpaid}).Into(t, &whole)
	require.Equal(t, "SHIPMENT_STATUS_CONFLICT", whole.RecordRefusedDelivery.UserErrors[0].Code)
}
