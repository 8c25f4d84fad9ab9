package resolvers_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// promised is a paid order of a box, of which the day is told.
func (p punctual) promised(t *testing.T) (order string) {
	t.Helper()
	s := &shopper{App: p.App}
	s.add(t, p.box, 1)
	s.fillIn(t, p.method)
	order = s.place(t, "intent-1", "1980").Order.ID
	counter{p.App, cashier}.receive(t, order, "1980")
	require.Equal(t, p.day(2), *p.order(t, order).PromisedOn)
	return order
}

// requireTaken is that no day is told any more, and that the customer was told so.
func (p punctual) requireTaken(t *testing.T, order, event string) {
	t.Helper()
	got := p.order(t, order)
	require.Nil(t, got.PromisedOn, "nobody knows when it comes")
	require.NotNil(t, got.ShipBy, "it is late from now on")
	require.Equal(t, []string{order}, lateOrders(t, p.App, cashier))
	last := got.History[len(got.History)-1]
	require.Equal(t, [2]string{event, p.day(2)}, [2]string{last.Type, *last.PromisedBefore})
	require.Nil(t, last.PromisedOn)
}

func TestGoodsThatAreAddedMoveThePromise(t *testing.T) {
	t.Parallel()
	p := newPunctual(t)
	order, staff := p.promised(t), counter{p.App, editor}
	toy := p.AddProduct(t, "toy", 300).Variants[0]
	before := mails(t, p.App)
	require.Empty(t, staff.edit(t, order, adding(toy, 1)).UserErrors)
	require.Equal(t, p.day(2), *p.order(t, order).PromisedOn, "it lies where the box does")
	require.Equal(t, before+1, mails(t, p.App), "of the edit alone")
	p.SetStock(t, toy, 1)
	backOrders(t, p.App, nil, 5)
	require.Empty(t, staff.edit(t, order, adding(toy, 1)).UserErrors)
	p.requireTaken(t, order, "order.edited")
	require.Equal(t, before+3, mails(t, p.App), "of the edit, and of the day")
}

func TestGoodsThatLeaveElsewhereMoveThePromise(t *testing.T) {
	t.Parallel()
	p := newPunctual(t)
	order := p.promised(t)
	p.SetStock(t, p.box, 1)
	before := mails(t, p.App)
	require.Empty(t, counter{p.App, packer}.reallocate(t, apptest.Variables{"orderId": order, "locationId": id.Global("Location", p.WarehouseID), "reason": "欠品", "missing": true}).UserErrors)
	p.requireTaken(t, order, "order.reallocated")
	require.Equal(t, before+1, mails(t, p.App))
}

func TestWhatChangesIsWrittenForTheCarrierAgain(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	d.send(t, "yamato-b2")
	guest, cart := d.cart(t, 2, "CASH_ON_DELIVERY")
	order := d.place(t, guest, cart.Total.Amount, "CASH_ON_DELIVERY").Order.ID
	require.Len(t, d.staff.instruct(t, order, nil).Shipments, 1)
	written := func() int {
		t.Helper()
		made := d.export(t, dispatcher, nil)
		if len(made.UserErrors) > 0 {
			require.Equal(t, "NOTHING_TO_EXPORT", made.UserErrors[0].Code)
			return 0
		}
		return made.Batch.Shipments
	}
	require.Equal(t, []int{1, 0}, []int{written(), written()})

	exec(t, d.App, `UPDATE orders SET deliver_on = $2 WHERE id = $1`, keyOf(t, order), time.Now().AddDate(0, 0, 3))
	require.Empty(t, write(t, d.App, cashier, "rescheduleOrder", "RescheduleOrderInput", `order { id }`,
		apptest.Variables{"orderId": order, "reason": "遅延", "promisedOn": time.Now().AddDate(0, 0, 5).Format(time.DateOnly)}, nil))
	require.Equal(t, []int{1, 0}, []int{written(), written()}, "the label has another day")

	line := counter{d.App, packer}.look(t, order).Lines[0].ID
	require.Empty(t, counter{d.App, packer}.reallocate(t, apptest.Variables{"orderId": order, "locationId": id.Global("Location", d.WarehouseID), "reason": "欠品", "missing": true,
		"lines": []apptest.Variables{{"lineId": line, "quantity": 1}}}).UserErrors)
	require.Equal(t, []int{1, 0}, []int{written(), written()}, "it has fewer pieces")
}
