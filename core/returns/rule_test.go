package returns

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/scope"
)

func TestWhatARuleAllows(t *testing.T) {
	t.Parallel()
	arrived := time.Date(2026, 11, 1, 14, 30, 0, 0, japan)
	food := scope.Target{Kind: scope.Category, ID: id.New()}
	rule := Standard(id.New())
	rule.Excluded = []scope.Target{food}
	for i := range rule.Terms {
		if rule.Terms[i].Reason == Other {
			rule.Terms[i].Days = nil
		}
	}
	line := order.Line{ID: id.New(), VariantID: id.New(), Quantity: 2}
	shipment := func(status order.ShipmentStatus, delivered *time.Time) order.Shipment {
		return order.Shipment{Status: status, DeliveredAt: delivered, Lines: []order.Packed{{LineID: line.ID, VariantID: line.VariantID, Quantity: 2}}}
	}
	there := []order.Shipment{shipment(order.ShipmentDelivered, &arrived)}
	wish := Wish{Line: line, Shipments: there, Reason: ChangedMind}
	edible, made := wish, wish
	edible.Goods = []scope.Goods{{VariantID: line.VariantID, Categories: []uuid.UUID{id.New(), food.ID}}}
	made.Line.SoldAs = sale.MadeToOrder
	lastDay, dayAfter := time.Date(2026, 11, 9, 23, 59, 59, 0, japan), time.Date(2026, 11, 10, 0, 0, 0, 0, japan)

	for name, c := range map[string]struct {
		wish func() Wish
		now  time.Time
		want []fault.Code
	}{
		"on the last day":         {func() Wish { return wish }, lastDay, nil},
		"the day after":           {func() Wish { return wish }, dayAfter, []fault.Code{"RETURN_PERIOD_OVER"}},
		"defective the day after": {func() Wish { w := wish; w.Reason = Defective; return w }, dayAfter, nil},
		"still under way":         {func() Wish { w := wish; w.Shipments = []order.Shipment{shipment(order.ShipmentShipped, nil)}; return w }, dayAfter.AddDate(1, 0, 0), nil},
		"not shipped": {func() Wish {
			w := wish
			w.Shipments = []order.Shipment{shipment(order.ShipmentInstructed, nil)}
			return w
		}, lastDay, []fault.Code{"RETURN_NOT_SHIPPED"}},
		"opened":                      {func() Wish { w := wish; w.Opened = true; return w }, lastDay, []fault.Code{"RETURN_OPENED"}},
		"opened and damaged":          {func() Wish { w := wish; w.Opened, w.Reason = true, Damaged; return w }, lastDay, nil},
		"excluded":                    {func() Wish { return edible }, lastDay, []fault.Code{"RETURN_EXCLUDED"}},
		"excluded, but another":       {func() Wish { w := edible; w.Reason = WrongItem; return w }, lastDay, nil},
		"made to order":               {func() Wish { return made }, lastDay, []fault.Code{"RETURN_MADE_TO_ORDER"}},
		"made to order, defective":    {func() Wish { w := made; w.Reason = Defective; return w }, lastDay, nil},
		"a reason that is refused":    {func() Wish { w := wish; w.Reason = Other; return w }, lastDay, []fault.Code{"RETURN_REASON_REFUSED"}},
		"everything that can be said": {func() Wish { w := edible; w.Opened = true; return w }, dayAfter, []fault.Code{"RETURN_PERIOD_OVER", "RETURN_OPENED", "RETURN_EXCLUDED"}},
	} {
		var codes []fault.Code
		for _, f := range fault.All(rule.Allowed(c.wish(), c.now)) {
			codes = append(codes, f.Code)
		}
		require.Equal(t, c.want, codes, name)
	}

	late := arrived.AddDate(0, 0, 5)
	parts := wish
	parts.Shipments = append([]order.Shipment{shipment(order.ShipmentDelivered, &late)}, there...)
	require.Equal(t, dayAfter.AddDate(0, 0, 5).UTC(), *rule.Until(parts), "the last parcel counts")
	require.ErrorIs(t, rule.Allowed(wish, dayAfter), ErrPeriod)
	require.False(t, errors.Is(rule.Allowed(wish, lastDay), ErrPeriod))
}

func TestAReturnTakesUpWhatItMayStillReceive(t *testing.T) {
	t.Parallel()
	line := Line{ID: id.New(), LineID: id.New(), Asked: 5, Approved: 3}
	r := Return{Lines: []Line{line}, Receipts: []Receipt{{Lines: []Inspected{{LineID: line.LineID, ReturnLineID: line.ID, Restocked: 1, Scrapped: 1}}}}}
	for status, want := range map[Status]int{Requested: 5, Approved: 3, PartlyReceived: 3, Completed: 2, Rejected: 2, Withdrawn: 2} {
		r.Status = status
		require.Equal(t, want, Claimed([]Return{r}, line.LineID), status)
	}
	require.Equal(t, 2, Received([]Return{r}, line.LineID))
}
