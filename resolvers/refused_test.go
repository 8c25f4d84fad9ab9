package resolvers_test

import (
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

type refusedSeen struct {
	Shipment *struct {
		ID, Status string
		Order      struct {
			ID, Status string
			Paid       bool
			Refused    editedSum
		}
	}
	UserErrors []userError
}

func (r refusedSeen) code() string {
	if len(r.UserErrors) == 0 {
		return ""
	}
	return r.UserErrors[0].Code
}

// refuse takes a shipment back; the key is new unless it is given.
func (c counter) refuse(t testing.TB, shipment string, more apptest.Variables) refusedSeen {
	t.Helper()
	input := apptest.Variables{"idempotencyKey": id.New().String(), "shipmentId": shipment, "reason": "受取拒否"}
	maps.Copy(input, more)
	var got struct{ RecordRefusedShipment refusedSeen }
	c.DoAs(t, c.actor, `mutation($input: RefusedShipmentInput!) { recordRefusedShipment(input: $input) {
		shipment { id status order { id status paid refused { amount } } } userErrors { code field message } } }`, in(input)).Into(t, &got)
	return got.RecordRefusedShipment
}

// twoParcels is an order of three leashes for 6,600 yen, and 330 at the door: two of them
// are in the first parcel, 4900-0001; the second, 4900-0002, has the third, if it left.
func (s *door) twoParcels(t testing.TB, method string, second bool) (order, number string, shipments []string) {
	t.Helper()
	return s.twoParcelsAs(t, method, []string{"4900-0001", "4900-0002"}[:1+one(second)]...)
}

// twoParcelsAs is twoParcels with other numbers.
func (s *door) twoParcelsAs(t testing.TB, method string, numbers ...string) (order, number string, shipments []string) {
	t.Helper()
	guest, _ := s.cart(t, 3, method)
	total := "6600"
	if method == "CASH_ON_DELIVERY" {
		total = "6930"
	}
	placed := s.place(t, guest, total, method)
	require.Empty(t, placed.UserErrors)
	order = placed.Order.ID
	staff := counter{s.App, dispatcher}
	if method == "BANK_TRANSFER" {
		staff.receive(t, order, total)
	}
	line := staff.look(t, order).Lines[0].ID
	parts := []int{2, 1}
	for i, number := range numbers {
		packed := staff.instruct(t, order, lines(line, parts[i]))
		require.Empty(t, packed.UserErrors)
		require.Empty(t, staff.move(t, "shipShipment", apptest.Variables{"shipmentId": packed.Shipments[0].ID, "trackingNumber": number}).UserErrors)
		shipments = append(shipments, packed.Shipments[0].ID)
	}
	return order, placed.Order.Number, shipments
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// shelf is how many leashes have left and not come back, below zero; what lies on the
// shelves agrees.
func (s *door) shelf(t testing.TB) (moved int) {
	t.Helper()
	var differ bool
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT (SELECT sum(on_hand) FROM stock_levels WHERE variant_id = $1) <> (SELECT sum(quantity) FROM stock_movements WHERE variant_id = $1)`, s.leash).Scan(&differ))
	require.False(t, differ)
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT coalesce(sum(quantity), 0)::int FROM stock_movements WHERE variant_id = $1 AND kind IN ('SHIPMENT', 'RETURN')`, s.leash).Scan(&moved))
	return moved
}

func TestTheSecondParcelIsRefusedWhileTheFirstCollects(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	staff := counter{s.App, dispatcher}
	order, _, shipments := s.twoParcels(t, "CASH_ON_DELIVERY", true)
	require.Equal(t, -3, s.shelf(t))

	key := apptest.Variables{"idempotencyKey": "refusal-1"}
	got := staff.refuse(t, shipments[1], key)
	require.Empty(t, got.UserErrors)
	require.Equal(t, []string{"REFUSED", "SHIPPED", "2310"}, []string{got.Shipment.Status, got.Shipment.Order.Status, got.Shipment.Order.Refused.Amount})
	require.Equal(t, -2, s.shelf(t))
	require.Equal(t, got, staff.refuse(t, shipments[1], key), "the same intent is done once")
	require.Equal(t, "SHIPMENT_STATUS_CONFLICT", staff.refuse(t, shipments[1], nil).code())
	require.Equal(t, -2, s.shelf(t))

	// The carrier knows the money by the number of either parcel, and brings all of it.
	require.Equal(t, int64(6930), s.books(t, order)["RECEIVABLEcarrier"])
	require.Equal(t, 1, s.collect(t, "49000001", "6930", "2026-01-05").Matched)
	left := s.books(t, order)
	require.Equal(t, int64(6930), left["CLEARINGcash_on_delivery"])
	require.Equal(t, int64(-2310), left["DEPOSITS"], "the customer gets the rest back")
	require.Zero(t, left["RECEIVABLEcarrier"])
	require.Equal(t, int64(-4620), left["SALES"]+left["SHIPPING"]+left["CHARGES"]+left["RETURNS"]+left["TAXSTANDARD"])
	var due int
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT (data->>'amount')::int FROM events WHERE type = 'payment.refund_due'`).Scan(&due))
	require.Equal(t, 2310, due)
	require.Empty(t, staff.move(t, "deliverShipment", apptest.Variables{"shipmentId": shipments[0]}).UserErrors)
	require.Equal(t, "DELIVERED", staff.look(t, order).Status)
	require.True(t, staff.look(t, order).Paid)
}

func TestTheCollectingParcelIsRefused(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	staff := counter{s.App, dispatcher}
	order, _, shipments := s.twoParcels(t, "CASH_ON_DELIVERY", false)
	got := staff.refuse(t, shipments[0], nil)
	require.Empty(t, got.UserErrors)
	require.Equal(t, []string{"CONFIRMED", "4620"}, []string{got.Shipment.Order.Status, got.Shipment.Order.Refused.Amount}, "the third leash is yet to leave")
	require.Empty(t, nonZero(s.books(t, order)), "nothing is owed of what came back")
	require.Equal(t, "COLLECTOR_TOLD", staff.edit(t, order, lines(staff.look(t, order).Lines[0].ID, 2)).code())

	staff.ship(t, order)
	require.Equal(t, "SHIPPED", staff.look(t, order).Status)
	require.Equal(t, int64(2310), s.books(t, order)["RECEIVABLEcarrier"])
	var number string
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT number FROM orders WHERE id = $1`, keyOf(t, order)).Scan(&number))
	require.Equal(t, 1, s.collect(t, number, "6930", "2026-01-05").Strays, "so much is not owed any more")
	require.Equal(t, 1, s.collect(t, number, "2310", "2026-01-05").Matched)
	require.True(t, staff.look(t, order).Paid)
	require.Zero(t, s.books(t, order)["RECEIVABLEcarrier"])
}

// nonZero leaves the accounts of sales together, as one sum.
func nonZero(all map[string]int64) map[string]int64 {
	sold := []string{"SALES", "SHIPPING", "CHARGES", "RETURNS", "TAXSTANDARD", "TAXREDUCED"}
	left := maps.Clone(all)
	for _, account := range sold {
		left["sold"] += left[account]
		delete(left, account)
	}
	maps.DeleteFunc(left, func(_ string, minor int64) bool { return minor == 0 })
	return left
}

func TestEveryParcelOfAPaidOrderIsRefused(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	staff := counter{s.App, dispatcher}
	issueAs(t, s.App)
	order, _, shipments := s.twoParcels(t, "BANK_TRANSFER", true)
	require.Equal(t, "SHIPPED", staff.refuse(t, shipments[0], nil).Shipment.Order.Status)
	require.Equal(t, map[string]int64{"BANK": 2200, "sold": -2200}, nonZero(s.books(t, order)))
	require.Equal(t, []int64{6600, 4400}, issuedOf(t, s.App, order), "an invoice, and a credit note")

	// At once from two desks: one of them does it.
	var group sync.WaitGroup
	codes := make([]string, 2)
	for i := range codes {
		group.Go(func() { codes[i] = staff.refuse(t, shipments[1], nil).code() })
	}
	group.Wait()
	require.ElementsMatch(t, []string{"", "SHIPMENT_STATUS_CONFLICT"}, codes)
	require.Equal(t, "CANCELLED", staff.look(t, order).Status)
	require.Zero(t, s.shelf(t))
	require.Equal(t, map[string]int64{"BANK": 2200, "DEPOSITS": -2200}, nonZero(s.books(t, order)), "staff send it back")
	require.Equal(t, []int64{6600, 4400, 2200}, issuedOf(t, s.App, order))
}

// issuedOf are the totals of an order's invoice and credit notes, in their order.
func issuedOf(t testing.TB, a *apptest.App, order string) (totals []int64) {
	t.Helper()
	rows, err := a.DB.Pool().Query(t.Context(), `SELECT abs(total) FROM documents WHERE order_id = $1 AND kind IN ('INVOICE', 'CREDIT_NOTE') ORDER BY issued_at, id`, keyOf(t, order))
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var total int64
		require.NoError(t, rows.Scan(&total))
		totals = append(totals, total)
	}
	return totals
}

func TestACarrierBringsOneOfTwoParcelsBack(t *testing.T) {
	t.Parallel()
	d := newDock(t, startKamome(t).settings)
	order, _, shipments := d.twoParcels(t, "CASH_ON_DELIVERY", true)
	d.reported(t, "4900-0002", said("RETURNED", time.Hour))
	require.Equal(t, "SHIPPED", d.staff.look(t, order).Status, "the other parcel is still on its way")
	open := d.issues(t, apptest.Variables{"kinds": []string{"RETURNED"}, "states": []string{"OPEN"}})
	require.Len(t, open, 1)
	require.Equal(t, shipments[1], open[0].Shipment.ID)
	require.Empty(t, d.staff.refuse(t, open[0].Shipment.ID, nil).UserErrors)
	require.Empty(t, d.issues(t, apptest.Variables{"kinds": []string{"RETURNED"}, "states": []string{"OPEN"}}))

	// Neither was accepted: the second word is taken in like the first, and what follows too.
	both, _, parcels := d.twoParcelsAs(t, "CASH_ON_DELIVERY", "4900-0011", "4900-0012")
	d.reported(t, "4900-0012", said("RETURNED", time.Hour))
	d.reported(t, "4900-0011", said("RETURNED", time.Hour))
	require.Equal(t, "SHIPPED", d.staff.look(t, both).Status, "which of them was refused is for people to say")
	open = d.issues(t, apptest.Variables{"kinds": []string{"RETURNED"}, "states": []string{"OPEN"}})
	require.Len(t, open, 2)
	for _, shipment := range parcels {
		require.Empty(t, d.staff.refuse(t, shipment, nil).UserErrors)
	}
	require.Equal(t, "CANCELLED", d.staff.look(t, both).Status)

	// Of a single parcel the order was given up by the carrier's word; the goods are here now.
	single, shipment := d.sent(t, "4912-3456-7890")
	d.reported(t, "4912-3456-7890", said("RETURNED", time.Hour))
	require.Equal(t, "CANCELLED", d.staff.look(t, single).Status)
	before := d.books(t, single)
	require.Equal(t, -3, d.shelf(t))
	got := d.staff.refuse(t, shipment, nil)
	require.Empty(t, got.UserErrors)
	require.Equal(t, []string{"REFUSED", "CANCELLED"}, []string{got.Shipment.Status, got.Shipment.Order.Status})
	require.Equal(t, -2, d.shelf(t))
	require.Equal(t, before, d.books(t, single))
}

func TestShipmentsThatCannotBeRefused(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	staff := counter{s.App, dispatcher}
	order, _, shipments := s.twoParcels(t, "CASH_ON_DELIVERY", true)
	var whole struct{ RecordRefusedDelivery orderAnswer }
	s.DoAs(t, dispatcher, `mutation($o: ID!) { recordRefusedDelivery(input: {`+aKey()+` orderId: $o}) { `+orderFields+` } }`, apptest.Variables{"o": order}).Into(t, &whole)
	require.Equal(t, "ORDER_SEVERAL_SHIPMENTS", whole.RecordRefusedDelivery.UserErrors[0].Code)

	require.Equal(t, "SHIPMENT_UNKNOWN", staff.refuse(t, id.Global("Shipment", uuid.New()), nil).code())
	nowhere := staff.refuse(t, shipments[0], apptest.Variables{"locationId": id.Global("Location", uuid.New())})
	require.Equal(t, []string{"locationId"}, nowhere.UserErrors[0].Field)
	long := make([]byte, 501)
	for i := range long {
		long[i] = 'a'
	}
	require.Equal(t, "TOO_LONG", staff.refuse(t, shipments[0], apptest.Variables{"reason": string(long)}).code())
	require.Equal(t, -3, s.shelf(t), "nothing has changed")
	clerk := counter{s.App, access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{uuid.New()}, Permissions: dispatcher.Permissions}}
	require.Equal(t, "SHIPMENT_UNKNOWN", clerk.refuse(t, shipments[0], nil).code(), "it left another place")
	require.NotEmpty(t, s.DoAs(t, access.Actor{Role: access.RoleStaff, ID: id.New()}, `mutation($s: ID!) { recordRefusedShipment(input: {idempotencyKey: "refusal-9", shipmentId: $s}) { userErrors { code } } }`, apptest.Variables{"s": shipments[0]}).Errors)

	require.Empty(t, staff.move(t, "deliverShipment", apptest.Variables{"shipmentId": shipments[0]}).UserErrors)
	require.Equal(t, "SHIPMENT_STATUS_CONFLICT", staff.refuse(t, shipments[0], nil).code())
	scrapped := staff.refuse(t, shipments[1], apptest.Variables{"restock": false})
	require.Equal(t, "DELIVERED", scrapped.Shipment.Order.Status, "the other one arrived")
	require.Equal(t, -3, s.shelf(t))
}

func TestFewerPiecesAreCollectedAtTheDoor(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	staff := counter{s.App, dispatcher}
	guest, _ := s.cart(t, 3, "CASH_ON_DELIVERY")
	placed := s.place(t, guest, "6930", "CASH_ON_DELIVERY")
	require.Empty(t, placed.UserErrors)
	order, line := placed.Order.ID, staff.look(t, placed.Order.ID).Lines[0].ID
	got := staff.edit(t, order, lines(line, 2))
	require.Empty(t, got.UserErrors)
	require.Equal(t, []string{"CONFIRMED", "4950"}, []string{got.Order.Status, got.Order.Total.Amount})
	require.Equal(t, "0", got.Refund.Amount)

	packed := staff.instruct(t, order, nil)
	require.Empty(t, packed.UserErrors)
	require.Equal(t, "COLLECTOR_TOLD", staff.edit(t, order, lines(line, 1)).code(), "the carrier is told with the instruction")
	require.Empty(t, staff.move(t, "cancelShipment", apptest.Variables{"shipmentId": packed.Shipments[0].ID}).UserErrors)
	require.Empty(t, staff.edit(t, order, lines(line, 1)).UserErrors)
	staff.ship(t, order)
	require.Equal(t, "ORDER_STATUS_CONFLICT", staff.edit(t, order, lines(line, 1)).code())
	require.Equal(t, int64(2970), s.books(t, order)["RECEIVABLEcarrier"])
	require.Equal(t, 1, s.collect(t, placed.Order.Number, "2970", "2026-01-05").Matched)
	require.True(t, staff.look(t, order).Paid)
}

func TestASlipIsForWhatTheOrderCameTo(t *testing.T) {
	t.Parallel()
	s := newCorner(t)
	more := s.AddProduct(t, "bowl", 500).Variants[0]
	s.add(t, more, 2)
	placed := s.place(t, apptest.Variables{"convenienceStore": "LAWSON", "expectedTotal": "3640"})
	require.Empty(t, placed.UserErrors)
	staff := counter{s.App, editor}
	order := placed.Order.ID
	all := staff.look(t, order).Lines
	require.Empty(t, staff.edit(t, order, lines(all[1].ID, 3)).UserErrors)
	require.Empty(t, staff.edit(t, order, lines(all[1].ID, 1)).UserErrors)

	s.Work(t)
	require.Eventually(t, func() bool { return s.order(t, order).Payments[0].Instructions.SlipNumber != "" }, time.Minute, 20*time.Millisecond)
	var slips, asked int
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE status = 'DONE'), max(amount) FILTER (WHERE status = 'DONE') FROM payment_operations WHERE kind = 'START'`).Scan(&slips, &asked))
	require.Equal(t, []int{1, 3140}, []int{slips, asked}, "one slip, of the last amount")
	require.Equal(t, "COLLECTOR_TOLD", staff.edit(t, order, lines(all[1].ID, 0)).code())
	_, outcome := s.hears(t, s.provider.Pay(keyOf(t, s.order(t, order).Payments[0].ID).String()))
	require.Equal(t, "APPLIED", outcome)
	require.True(t, s.order(t, order).Paid)
}
