package proof_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/returns"
)

func (w *world) instruct(d dice) (string, error) {
	key, err := w.orderIn(d, `o.shipping_mode <> 'PICK_UP' AND o.status IN ('CONFIRMED', 'PICKING', 'PARTIALLY_SHIPPED') AND (o.paid OR $1 < '2' OR o.payment_method IN ('ON_ACCOUNT', 'CASH_ON_DELIVERY'))`)
	if err != nil {
		return "", err
	}
	in := order.InstructInput{IdempotencyKey: w.key(), OrderID: key, Partial: d.once(2)}
	if d.once(2) {
		lines, err := w.Orders.Lines(w.staff, []uuid.UUID{key})
		if err != nil {
			return "", err
		}
		l := lines[d.of(len(lines))]
		in.Lines = []order.AskedLine{{LineID: l.ID, Quantity: 1 + d.of(l.Quantity)}}
	}
	if d.once(4) {
		in.LocationID = &w.locations[d.of(2)]
	}
	_, err = w.Orders.Instruct(w.staff, in)
	return key.String(), err
}

// shipment is one in the state.
func (w *world) shipment(d dice, status string) (key uuid.UUID, err error) {
	err = w.ask([]any{&key}, `SELECT h.id FROM shipments h LEFT JOIN pick_ups u USING (order_id) WHERE h.status = $1 AND u IS NULL ORDER BY md5(h.id::text || $2) LIMIT 1`, status, fmt.Sprint(d.of(1000)))
	if err == nil && key == uuid.Nil {
		err = errNothing
	}
	return key, err
}

func (w *world) ship(d dice) (string, error) {
	key, err := w.shipment(d, "INSTRUCTED")
	if err != nil {
		return "", err
	}
	moved, err := w.Orders.Ship(w.staff, order.ShipInput{IdempotencyKey: w.key(), ShipmentID: key, Carrier: "ヤマト運輸", TrackingNumber: w.key()})
	if err != nil {
		return key.String(), err
	}
	return fmt.Sprint(moved.Order.ID, " ", moved.Shipment.TotalMinor), nil
}

func (w *world) deliver(d dice) (string, error) {
	key, err := w.shipment(d, "SHIPPED")
	if err != nil {
		return "", err
	}
	_, err = w.Orders.Deliver(w.staff, order.DeliverInput{ShipmentID: key})
	return key.String(), err
}

func (w *world) callOff(d dice) (string, error) {
	key, err := w.shipment(d, "INSTRUCTED")
	if err != nil {
		return "", err
	}
	_, err = w.Orders.CancelShipment(w.staff, order.CancelShipmentInput{IdempotencyKey: w.key(), ShipmentID: key, Reason: "欠品"})
	return key.String(), err
}

func (w *world) cancel(d dice) (string, error) {
	o, err := w.order(d)
	if err != nil {
		return "", err
	}
	by := w.staff
	if d.once(2) {
		by = o.customer
	}
	_, err = w.Orders.Cancel(by, order.CancelInput{IdempotencyKey: w.key(), OrderID: o.id, Reason: "不要になった"})
	return o.id.String(), err
}

func (w *world) refuse(d dice) (string, error) {
	key, err := w.orderIn(d, `o.payment_method = 'CASH_ON_DELIVERY' AND o.status IN ('SHIPPED', 'DELIVERED') AND $1 <> ''`)
	if err != nil {
		return "", err
	}
	_, err = w.Orders.Refuse(w.staff, order.RefuseInput{IdempotencyKey: w.key(), OrderID: key, Reason: "受取拒否"})
	return key.String(), err
}

func (w *world) edit(d dice) (string, error) {
	o, err := w.order(d)
	if key, none := w.orderIn(d, `o.status = 'PARTIALLY_SHIPPED' AND $1 <> ''`); none == nil && d.once(2) {
		o.id = key // what has not left may be taken away
	}
	if err != nil {
		return "", err
	}
	lines, err := w.Orders.Lines(w.staff, []uuid.UUID{o.id})
	if err != nil {
		return "", err
	}
	in := order.EditInput{IdempotencyKey: w.key(), OrderID: o.id, Reason: "変更"}
	if d.once(4) {
		in.Add = []order.AddedLine{{VariantID: w.variants[d.of(len(w.variants))], Quantity: 1 + d.of(2)}}
	} else {
		l := lines[d.of(len(lines))]
		in.Lines = []order.EditedLine{{LineID: l.ID, Quantity: d.of(l.Quantity + 2)}}
	}
	in.DryRun = d.once(8)
	done, err := w.Orders.Edit(w.staff, in)
	return fmt.Sprint(o.id, " ", done.Difference.Minor, " ", done.Refund.Minor), err
}

func (w *world) hold(d dice) (string, error) {
	if key, err := w.orderIn(d, `o.held <> '' AND $1 <> ''`); err == nil {
		_, err = w.Orders.ReleaseHold(w.staff, order.ReleaseHoldInput{OrderID: key})
		return "release " + key.String(), err
	}
	o, err := w.order(d)
	if err != nil {
		return "", err
	}
	_, err = w.Orders.Hold(w.staff, order.HoldInput{OrderID: o.id, Reason: order.HoldAddress})
	return o.id.String(), err
}

func (w *world) askReturn(d dice) (string, error) {
	key, err := w.orderIn(d, `o.status IN ('PARTIALLY_SHIPPED', 'SHIPPED', 'DELIVERED') AND $1 <> ''`)
	if err != nil {
		return "", err
	}
	lines, err := w.Orders.Lines(w.staff, []uuid.UUID{key})
	if err != nil {
		return "", err
	}
	l := lines[d.of(len(lines))]
	in := returns.AskInput{IdempotencyKey: w.key(), OrderID: key, Outcome: returns.Refund, BeyondRules: true, Lines: []returns.AskedLine{
		{LineID: l.ID, Quantity: 1 + d.of(l.Quantity), Reason: returns.Reasons[d.of(len(returns.Reasons))]},
	}}
	if d.once(4) {
		in.Outcome = returns.Exchange
	}
	if d.once(4) {
		in.RefundAs = returns.AsPoints
	}
	r, err := w.Returns.Ask(w.staff, in)
	if err != nil {
		return key.String(), err
	}
	return r.Number(), nil
}

func (w *world) returnIn(d dice, statuses string) (key uuid.UUID, err error) {
	err = w.ask([]any{&key}, `SELECT id FROM returns WHERE status = ANY(string_to_array($1, ' ')) ORDER BY md5(id::text || $2) LIMIT 1`, statuses, fmt.Sprint(d.of(1000)))
	if err == nil && key == uuid.Nil {
		err = errNothing
	}
	return key, err
}

func (w *world) decideReturn(d dice) (string, error) {
	key, err := w.returnIn(d, "REQUESTED")
	if err != nil {
		return "", err
	}
	switch d.of(10) {
	case 0:
		_, err = w.Returns.Reject(w.staff, returns.RejectInput{ReturnID: key, Note: "使用済みのため"})
	case 1:
		_, err = w.Returns.Withdraw(w.staff, returns.WithdrawInput{ReturnID: key})
	default:
		_, err = w.Returns.Approve(w.staff, returns.ApproveInput{ReturnID: key})
	}
	return key.String(), err
}

func (w *world) receiveReturn(d dice) (string, error) {
	key, err := w.returnIn(d, "APPROVED PARTLY_RECEIVED")
	if err != nil {
		return "", err
	}
	r, err := w.Returns.ByID(w.staff, key)
	if err != nil {
		return "", err
	}
	l := r.Lines[d.of(len(r.Lines))]
	came := returns.InspectedLine{LineID: l.ID}
	for range 1 + d.of(max(l.Approved, 1)) {
		switch d.of(4) {
		case 0:
			came.Scrap++
		case 1:
			came.Repair++
		default:
			came.Restock++
		}
	}
	in := returns.ReceiveInput{IdempotencyKey: w.key(), ReturnID: key, LocationID: w.locations[d.of(2)], Lines: []returns.InspectedLine{came}}
	after, err := w.Returns.Receive(w.staff, in)
	if err != nil {
		return r.Number(), err
	}
	return fmt.Sprint(r.Number(), " refund ", after.Refund()), nil
}

func (w *world) receipt(d dice) (string, error) {
	o, err := w.order(d)
	if err != nil {
		return "", err
	}
	_, err = w.Invoices.Receipt(w.staff, invoice.ReceiptInput{IdempotencyKey: w.key(), OrderID: o.id, Addressee: "山田 花子", Proviso: "ペット用品代として"})
	return o.id.String(), err
}

func (w *world) shelf(d dice, quantity int) inventory.StockInput {
	return w.byLot(d, inventory.StockInput{IdempotencyKey: w.key(), VariantID: w.variants[d.of(len(w.variants))], LocationID: w.locations[d.of(2)], Quantity: quantity})
}

// byLot says of which lot the pieces are, if their variant is kept by lots.
func (w *world) byLot(d dice, in inventory.StockInput) inventory.StockInput {
	if in.VariantID == w.lotted && in.Quantity > 0 {
		n := d.of(6)
		best := w.now().Truncate(24*time.Hour).AddDate(0, n+1, 0)
		in.Lots = []inventory.LotPieces{{Number: fmt.Sprint("L-", n, "-", best.Format("0102")), ExpiresOn: &best, Quantity: in.Quantity}}
	}
	return in
}

// keepLots puts goods on the shelves of which every lot has its best-before day.
func (w *world) keepLots(t testing.TB) {
	w.lotted = w.shop.AddProduct(t, "food", 2480).Variants[0]
	w.variants = append(w.variants, w.lotted)
	w.shop.SetStock(t, w.lotted, 0)
	_, err := w.Lots.SetTracking(w.staff, inventory.TrackingInput{VariantID: w.lotted, Mode: inventory.ByLot, Expires: true, MinDays: 7, AlertDays: 30})
	require.NoError(t, err)
	for i, at := range append(w.locations, w.counter) {
		_, err = w.Stock.Receive(w.staff, w.byLot(dice{rand.New(rand.NewPCG(1, uint64(i)))}, inventory.StockInput{IdempotencyKey: w.key(), VariantID: w.lotted, LocationID: at, Quantity: pieces / 2}))
		require.NoError(t, err)
	}
	w.variants = append(w.variants, w.lotted)
}

func (w *world) count(d dice) (string, error) {
	in := w.shelf(d, d.of(pieces))
	_, err := w.Stock.Count(w.staff, in)
	return fmt.Sprint(in.VariantID, " ", in.Quantity), err
}

func (w *world) restock(d dice) (string, error) {
	in := w.shelf(d, 1+d.of(20))
	if d.once(4) {
		in.Quantity = -in.Quantity
		_, err := w.Stock.Adjust(w.staff, in)
		return "lost", err
	}
	_, err := w.Stock.Receive(w.staff, in)
	return "", err
}

func (w *world) send(d dice) (string, error) {
	from := d.of(2)
	_, err := w.Stock.Send(w.staff, inventory.SendStockInput{IdempotencyKey: w.key(), FromID: w.locations[from], ToID: w.locations[1-from], Lines: []inventory.SendLineInput{
		{VariantID: w.variants[d.of(len(w.variants))], Quantity: 1 + d.of(6)},
	}})
	return "", err
}

func (w *world) arrive(d dice) (string, error) {
	var key, variant uuid.UUID
	var quantity int
	err := w.ask([]any{&key, &variant, &quantity}, `SELECT t.id, l.variant_id, l.quantity FROM stock_transfers t JOIN stock_transfer_lines l ON l.transfer_id = t.id
		WHERE t.state = 'IN_TRANSIT' ORDER BY md5(t.id::text || $1) LIMIT 1`, fmt.Sprint(d.of(1000)))
	if err != nil || key == uuid.Nil {
		return "", errors.Join(err, errNothing)
	}
	if d.once(5) {
		_, err = w.Stock.CloseTransfer(w.staff, inventory.CloseTransferInput{IdempotencyKey: w.key(), TransferID: key, Returned: d.once(2)})
		return "closed", err
	}
	_, err = w.Stock.ReceiveTransfer(w.staff, inventory.ReceiveTransferInput{IdempotencyKey: w.key(), TransferID: key, Lines: []inventory.ArrivedLineInput{{VariantID: variant, Arrived: 1 + d.of(quantity)}}})
	return "", err
}

func (w *world) announce(d dice) (string, error) {
	_, err := w.Supply.Announce(w.staff, inventory.AnnounceInput{IdempotencyKey: w.key(), LocationID: w.locations[d.of(2)], Supplier: "問屋", Lines: []inventory.SendLineInput{
		{VariantID: w.variants[d.of(len(w.variants))], Quantity: 1 + d.of(20)},
	}})
	return "", err
}

func (w *world) supply(d dice) (string, error) {
	var key, variant uuid.UUID
	var quantity int
	err := w.ask([]any{&key, &variant, &quantity}, `SELECT s.id, l.variant_id, l.quantity FROM stock_deliveries s JOIN stock_delivery_lines l ON l.delivery_id = s.id
		WHERE s.state = 'AWAITED' ORDER BY md5(s.id::text || $1) LIMIT 1`, fmt.Sprint(d.of(1000)))
	if err != nil || key == uuid.Nil {
		return "", errors.Join(err, errNothing)
	}
	_, err = w.Supply.ReceiveDelivery(w.staff, inventory.ReceiveDeliveryInput{IdempotencyKey: w.key(), DeliveryID: key, Lines: []inventory.ArrivedLineInput{{VariantID: variant, Arrived: 1 + d.of(quantity+2)}}})
	return "", err
}
