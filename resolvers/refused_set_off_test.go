package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/storage/postgres/pgtest/books"
)

// changedMind brings a piece of a line back that its customer does not want after all: the
// shop keeps the shipping fee.
func (c counter) changedMind(t testing.TB, order, line string) string {
	t.Helper()
	asked := c.back(t, "requestReturn", apptest.Variables{
		"idempotencyKey": id.New().String(), "orderId": order, "outcome": "REFUND", "beyondRules": true,
		"lines": []apptest.Variables{piecesOf(line, 1, "CHANGED_MIND", nil)},
	})
	require.Empty(t, asked.UserErrors)
	require.Empty(t, c.back(t, "approveReturn", apptest.Variables{"returnId": asked.Return.ID}).UserErrors)
	got := c.back(t, "receiveReturn", apptest.Variables{
		"idempotencyKey": id.New().String(), "returnId": asked.Return.ID, "locationId": id.Global("Location", c.WarehouseID),
		"lines": []apptest.Variables{{"lineId": asked.Return.Lines[0].ID, "scrap": 1}},
	})
	require.Empty(t, got.UserErrors)
	return got.Return.Refund.Amount
}

// agree fails unless the shop's books do.
func (s *door) agree(t testing.TB) {
	t.Helper()
	broken, err := books.Broken(t.Context(), s.DB.Pool(), books.Money(), books.Settled())
	require.NoError(t, err)
	require.Empty(t, broken)
}

// asked is what the carrier's payment of an order stands at: its state, what it asks for, what
// it has set off, and what goes back once it is there.
func (s *door) asked(t testing.TB, order string) (status string, sums [3]int) {
	t.Helper()
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT status, amount, set_off, owed_back FROM payments WHERE order_id = $1`, keyOf(t, order)).
		Scan(&status, &sums[0], &sums[1], &sums[2]))
	return status, sums
}

// A leash of the second parcel comes back before the carrier has brought the money, and then
// the first parcel, with which it was to collect, is refused: neither side pays the leash.
func TestWhatIsOwedForAReturnIsSetOffWhenTheCollectingParcelIsRefused(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	issueAs(t, s.App)
	staff := counter{s.App, dispatcher}
	order, number, shipments := s.twoParcels(t, "CASH_ON_DELIVERY", true)
	require.Equal(t, "1980", staff.changedMind(t, order, staff.linesOf(t, order)[0]))
	owed := s.books(t, order)
	require.Equal(t, []int64{6930, -1980}, []int64{owed["RECEIVABLEcarrier"], owed["DEPOSITS"]})

	key := apptest.Variables{"idempotencyKey": "refusal-1"}
	require.Empty(t, staff.refuse(t, shipments[0], key).UserErrors)
	require.Empty(t, staff.refuse(t, shipments[0], key).UserErrors, "the same intent is done once")
	status, sums := s.asked(t, order)
	require.Equal(t, "PENDING", status)
	require.Equal(t, [3]int{330, 1980, 0}, sums, "the fees of the second parcel are asked for")
	require.Equal(t, map[string]int64{"RECEIVABLEcarrier": 330, "sold": -330}, nonZero(s.books(t, order)))
	require.False(t, staff.look(t, order).Paid)
	require.Empty(t, s.dues(t))
	require.Equal(t, []int64{6930, 1980, 4620}, issuedOf(t, s.App, order))

	require.Equal(t, 1, s.collect(t, number, "2310", "2026-01-05").Strays, "so much is not owed any more")
	require.Equal(t, 1, s.collect(t, number, "330", "2026-01-05").Matched)
	require.True(t, staff.look(t, order).Paid)
	require.Equal(t, map[string]int64{"CLEARINGcash_on_delivery": 330, "sold": -330}, nonZero(s.books(t, order)))
	require.Empty(t, s.dues(t))
	s.agree(t)
}

// The same the other way round: nobody is to collect any more when the leash comes back.
func TestWhatIsOwedForAReturnIsSetOffAfterTheCollectingParcelWasRefused(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	issueAs(t, s.App)
	staff := counter{s.App, dispatcher}
	order, number, shipments := s.twoParcels(t, "CASH_ON_DELIVERY", true)
	require.Empty(t, staff.refuse(t, shipments[0], nil).UserErrors)
	require.Equal(t, "1980", staff.changedMind(t, order, staff.linesOf(t, order)[0]))
	_, sums := s.asked(t, order)
	require.Equal(t, [3]int{330, 1980, 0}, sums)
	require.Equal(t, map[string]int64{"RECEIVABLEcarrier": 330, "sold": -330}, nonZero(s.books(t, order)))
	require.Equal(t, 1, s.collect(t, number, "330", "2026-01-05").Matched)
	require.True(t, staff.look(t, order).Paid)
	require.Equal(t, map[string]int64{"CLEARINGcash_on_delivery": 330, "sold": -330}, nonZero(s.books(t, order)))
	require.Equal(t, []int64{6930, 4620, 1980}, issuedOf(t, s.App, order))
	s.agree(t)
}

// All of an order is back, some of it returned and the rest refused: its fees go back, in
// whatever order that happened, as they do when all of it is refused.
func TestTheFeesComeBackHoweverAllOfAnOrderDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method string
		first  bool // the parcel is refused before the other's goods are returned
	}{
		"collected, returned then refused":   {"CASH_ON_DELIVERY", false},
		"collected, refused then returned":   {"CASH_ON_DELIVERY", true},
		"paid before, returned then refused": {"BANK_TRANSFER", false},
		"paid before, refused then returned": {"BANK_TRANSFER", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDoor(t)
			issueAs(t, s.App)
			staff := counter{s.App, dispatcher}
			order, _, shipments := s.twoParcels(t, c.method, true)
			line := staff.linesOf(t, order)[0]
			if c.first {
				require.Empty(t, staff.refuse(t, shipments[0], nil).UserErrors)
			}
			staff.takeBack(t, order, line, 1)
			if !c.first {
				require.Empty(t, staff.refuse(t, shipments[0], nil).UserErrors)
			}
			require.Empty(t, nonZero(s.books(t, order)), "nothing is sold, owed or kept")
			require.True(t, staff.look(t, order).Paid)
			issued := issuedOf(t, s.App, order)
			var credited int64
			for _, note := range issued[1:] {
				credited += note
			}
			require.Equal(t, issued[0], credited, "all of the invoice is credited")
			if c.method == "CASH_ON_DELIVERY" {
				status, sums := s.asked(t, order)
				require.Equal(t, "CANCELLED", status, "nothing is asked for any more")
				require.Equal(t, 2310, sums[1])
				require.Empty(t, s.dues(t))
			} else {
				require.Equal(t, int64(6600), delivered{shopper: &shopper{App: s.App}, order: order}.refunded(t))
			}
			s.agree(t)
		})
	}
}

// Of three parcels the second was returned and the first refused: the third, which is refused
// too, was not to collect either.
func TestAParcelIsRefusedThatNobodyWasToCollectWith(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	staff := counter{s.App, dispatcher}
	guest, _ := s.cart(t, 3, "CASH_ON_DELIVERY")
	placed := s.place(t, guest, "6930", "CASH_ON_DELIVERY")
	require.Empty(t, placed.UserErrors)
	order, line := placed.Order.ID, staff.look(t, placed.Order.ID).Lines[0].ID
	var shipments []string
	for _, number := range []string{"4900-0021", "4900-0022", "4900-0023"} {
		packed := staff.instruct(t, order, lines(line, 1))
		require.Empty(t, packed.UserErrors)
		require.Empty(t, staff.move(t, "shipShipment", apptest.Variables{"shipmentId": packed.Shipments[0].ID, "trackingNumber": number}).UserErrors)
		shipments = append(shipments, packed.Shipments[0].ID)
	}
	require.Empty(t, staff.refuse(t, shipments[0], nil).UserErrors)
	require.Empty(t, staff.refuse(t, shipments[2], nil).UserErrors)
	require.Equal(t, map[string]int64{"RECEIVABLEcarrier": 2310, "sold": -2310}, nonZero(s.books(t, order)), "the second was accepted")
	_, sums := s.asked(t, order)
	require.Equal(t, [3]int{2310, 0, 0}, sums)
	staff.takeBack(t, order, line, 1)
	require.Empty(t, nonZero(s.books(t, order)))
	require.True(t, staff.look(t, order).Paid)
}
