package resolvers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// depot is a shop whose warehouse is supplied.
type depot struct {
	*apptest.App
	keys int
}

type delivery struct {
	ID, State  string
	ExpectedOn *string
	Lines      []struct{ Quantity, Arrived, Missing int }
}

func (d *depot) change(t *testing.T, mutation, kind string, input apptest.Variables) (*delivery, string) {
	t.Helper()
	var got map[string]struct {
		Delivery   *delivery
		UserErrors []userError
	}
	d.DoAs(t, keeper, fmt.Sprintf(`mutation($input: %s!) { %s(input: $input) { delivery { id state expectedOn lines { quantity arrived missing } } userErrors { code field message } } }`, kind, mutation),
		in(keyed(mutation, input))).Into(t, &got)
	requireSums(t, d.App)
	answer := got[mutation]
	if len(answer.UserErrors) > 0 {
		return nil, answer.UserErrors[0].Code + " " + strings.Join(answer.UserErrors[0].Field, ".")
	}
	return answer.Delivery, ""
}

func (d *depot) announcement(lines map[uuid.UUID]int, day string) apptest.Variables {
	d.keys++
	input := apptest.Variables{"idempotencyKey": fmt.Sprintf("delivery-%03d", d.keys), "locationId": id.Global("Location", d.WarehouseID), "supplier": "もりのけ商事", "reference": "PO-12"}
	if day != "" {
		input["expectedOn"] = day
	}
	var all []apptest.Variables
	for variant, quantity := range lines {
		all = append(all, pieces(id.Global("Variant", variant), quantity))
	}
	input["lines"] = all
	return input
}

func (d *depot) announce(t *testing.T, variant uuid.UUID, quantity int, day string) *delivery {
	t.Helper()
	made, code := d.change(t, "announceStockDelivery", "AnnounceStockDeliveryInput", d.announcement(map[uuid.UUID]int{variant: quantity}, day))
	require.Empty(t, code)
	return made
}

func (d *depot) arrived(t *testing.T, of *delivery, variant uuid.UUID, quantity int) (*delivery, string) {
	t.Helper()
	return d.change(t, "receiveStockDelivery", "ReceiveStockDeliveryInput", apptest.Variables{
		"deliveryId": of.ID, "lines": []apptest.Variables{{"variantId": id.Global("Variant", variant), "arrived": quantity}},
	})
}

func (d *depot) closed(t *testing.T, of *delivery) (*delivery, string) {
	t.Helper()
	return d.change(t, "closeStockDelivery", "CloseStockDeliveryInput", apptest.Variables{"deliveryId": of.ID})
}

func TestAnAnnouncedDeliveryArrivesInParts(t *testing.T) {
	t.Parallel()
	d := &depot{App: apptest.Start(t)}
	bed := d.AddProduct(t, "bed", 100).Variants[0]
	input := d.announcement(map[uuid.UUID]int{bed: 30}, "2026-11-20")
	first, code := d.change(t, "announceStockDelivery", "AnnounceStockDeliveryInput", input)
	require.Empty(t, code)
	again, code := d.change(t, "announceStockDelivery", "AnnounceStockDeliveryInput", input)
	require.Empty(t, code)
	require.Equal(t, first.ID, again.ID, "the same key announces once")
	for range 2 {
		part, code := d.arrived(t, first, bed, 20)
		require.Empty(t, code)
		require.Equal(t, "AWAITED", part.State)
		require.Equal(t, 10, part.Lines[0].Missing)
		requireStock(t, d.App, bed, 120, 0)
	}
	_, code = d.arrived(t, first, bed, 19)
	require.Equal(t, "DELIVERY_ARRIVED_INVALID lines", code, "fewer than before")
	_, code = d.arrived(t, first, bed, 1_000_001)
	require.Equal(t, "DELIVERY_ARRIVED_INVALID lines", code)
	_, code = d.arrived(t, first, d.AddProduct(t, "toy", 100).Variants[0], 1)
	require.Equal(t, "NOT_FOUND lines", code)
	whole, code := d.arrived(t, first, bed, 33)
	require.Empty(t, code)
	require.Equal(t, "ARRIVED", whole.State, "three more than were announced")
	requireStock(t, d.App, bed, 133, 0)
	_, code = d.arrived(t, first, bed, 34)
	require.Equal(t, "DELIVERY_OVER deliveryId", code)

	second := d.announce(t, bed, 10, "")
	_, code = d.arrived(t, second, bed, 4)
	require.Empty(t, code)
	over, code := d.closed(t, second)
	require.Empty(t, code)
	require.Equal(t, "CLOSED", over.State)
	requireStock(t, d.App, bed, 137, 0)
	_, code = d.closed(t, second)
	require.Equal(t, "DELIVERY_OVER deliveryId", code)

	late := d.announce(t, bed, 5, "2026-11-01")
	var listed struct {
		StockDeliveries struct {
			TotalCount int
			Nodes      []struct{ ID string }
		}
	}
	list := func() int {
		d.DoAs(t, keeper, `{ stockDeliveries(late: true) { totalCount nodes { id } } }`, nil).Into(t, &listed)
		return listed.StockDeliveries.TotalCount
	}
	require.Equal(t, 1, list())
	require.Equal(t, late.ID, listed.StockDeliveries.Nodes[0].ID)
	moved, code := d.change(t, "rescheduleStockDelivery", "RescheduleStockDeliveryInput", apptest.Variables{"deliveryId": late.ID, "expectedOn": "2099-01-01"})
	require.Empty(t, code)
	require.Equal(t, "2099-01-01", *moved.ExpectedOn)
	require.Zero(t, list())
}

func TestDeliveriesThatCannotBe(t *testing.T) {
	t.Parallel()
	d := &depot{App: apptest.Start(t)}
	bed := d.AddProduct(t, "bed", 100).Variants[0]
	line := pieces(id.Global("Variant", bed), 1)
	for name, bad := range map[string]struct {
		change apptest.Variables
		code   string
	}{
		"no lines":         {apptest.Variables{"lines": []apptest.Variables{}}, "TRANSFER_LINES_INVALID lines"},
		"twice":            {apptest.Variables{"lines": []apptest.Variables{line, line}}, "TRANSFER_LINES_INVALID lines"},
		"nothing":          {apptest.Variables{"lines": []apptest.Variables{pieces(id.Global("Variant", bed), 0)}}, "STOCK_QUANTITY_INVALID quantity"},
		"too much":         {apptest.Variables{"lines": []apptest.Variables{pieces(id.Global("Variant", bed), 1_000_001)}}, "STOCK_QUANTITY_INVALID quantity"},
		"unknown goods":    {apptest.Variables{"lines": []apptest.Variables{pieces(id.Global("Variant", id.New()), 1)}}, "NOT_FOUND lines"},
		"unknown location": {apptest.Variables{"locationId": id.Global("Location", id.New())}, "LOCATION_UNKNOWN locationId"},
		"a long supplier":  {apptest.Variables{"supplier": strings.Repeat("長", 201)}, "TOO_LONG supplier"},
		"a short key":      {apptest.Variables{"idempotencyKey": "x"}, "IDEMPOTENCY_KEY_INVALID idempotencyKey"},
	} {
		input := d.announcement(map[uuid.UUID]int{bed: 1}, "")
		for field, value := range bad.change {
			input[field] = value
		}
		_, code := d.change(t, "announceStockDelivery", "AnnounceStockDeliveryInput", input)
		require.Equal(t, bad.code, code, name)
	}
	require.Zero(t, count(t, d.App, "stock_deliveries"))
	_, code := d.closed(t, &delivery{ID: id.Global("StockDelivery", id.New())})
	require.Equal(t, "NOT_FOUND deliveryId", code)
}

// TestWhoWaitsLearnsWhenItComes lets three orders wait and announces two deliveries.
func TestWhoWaitsLearnsWhenItComes(t *testing.T) {
	t.Parallel()
	d := &depot{App: apptest.Start(t)}
	method := d.AddShipping(t, "parcel", 0)
	bed := d.AddProduct(t, "bed", 100).Variants[0]
	d.SetStock(t, bed, 0)
	backOrders(t, d.App, nil, 50)
	var guests [3]*shopper
	var orders [3]string
	for i := range guests {
		guests[i] = buyer(t, d.App, method, bed, 4)
		placed := guests[i].place(t, "intent-1", "400")
		require.Empty(t, placed.code())
		orders[i] = placed.Order.ID
	}
	due := func() (days [3]string) {
		for i := range guests {
			if on := guests[i].waits(t, orders[i]).DueOn; on != nil {
				days[i] = *on
			}
		}
		return days
	}
	next := func() *string {
		var got struct {
			Product struct{ Variants []struct{ ArrivesOn *string } }
		}
		d.Do(t, `{ product(slug: "bed") { variants { arrivesOn } } }`, nil).Into(t, &got)
		return got.Product.Variants[0].ArrivesOn
	}
	require.Equal(t, [3]string{}, due())
	later := d.announce(t, bed, 6, "2099-02-01")
	require.Equal(t, [3]string{"2099-02-01", "", ""}, due(), "six pieces do for the first, not for both")
	require.Nil(t, next())
	sooner := d.announce(t, bed, 4, "2099-01-01")
	require.Equal(t, [3]string{"2099-01-01", "2099-02-01", ""}, due())
	d.announce(t, bed, 100, "")
	require.Equal(t, [3]string{"2099-01-01", "2099-02-01", ""}, due(), "nobody said when the hundred come")
	d.announce(t, bed, 3, "2099-03-01")
	require.Equal(t, [3]string{"2099-01-01", "2099-02-01", "2099-03-01"}, due())
	require.Equal(t, "2099-03-01", *next(), "thirteen are dated, twelve are waited for")

	_, code := d.arrived(t, sooner, bed, 4)
	require.Empty(t, code)
	require.Equal(t, waitingLine{BackOrdered: 0, Promise: guests[0].waits(t, orders[0]).Promise}, guests[0].waits(t, orders[0]))
	require.Equal(t, [3]string{"", "2099-02-01", "2099-03-01"}, due())
	_, code = d.closed(t, later)
	require.Empty(t, code)
	require.Equal(t, [3]string{"", "", ""}, due(), "three are not enough for the second")
	var waiting struct {
		BackOrders struct {
			Nodes []struct {
				Quantity int
				DueOn    *string
			}
		}
	}
	d.announce(t, bed, 1, "2099-04-01")
	d.DoAs(t, shipper, `{ backOrders { nodes { quantity dueOn } } }`, nil).Into(t, &waiting)
	require.Len(t, waiting.BackOrders.Nodes, 2)
	require.Equal(t, "2099-04-01", *waiting.BackOrders.Nodes[0].DueOn)
	require.Nil(t, waiting.BackOrders.Nodes[1].DueOn)
}

func (d *depot) rules(t *testing.T, variant uuid.UUID, more apptest.Variables) string {
	t.Helper()
	input := apptest.Variables{"variantId": id.Global("Variant", variant), "locationId": id.Global("Location", d.WarehouseID)}
	for field, value := range more {
		input[field] = value
	}
	errors := write(t, d.App, keeper, "setStockRules", "SetStockRulesInput", `level { safety free reorderPoint reorderTo short }`, input, nil)
	if len(errors) == 0 {
		return ""
	}
	return errors[0].Code
}

func TestSafetyStockIsNotOffered(t *testing.T) {
	t.Parallel()
	d := &depot{App: apptest.Start(t)}
	method := d.AddShipping(t, "parcel", 0)
	bed := d.AddProduct(t, "bed", 100).Variants[0]
	d.SetStock(t, bed, 10)
	require.Empty(t, d.rules(t, bed, apptest.Variables{"safety": 7}))
	guest := buyer(t, d.App, method, bed, 3)
	require.Equal(t, "INSUFFICIENT_STOCK", (&shopper{App: d.App}).add(t, bed, 4).code())
	availability := func() string {
		var got struct {
			Product struct {
				Variants []struct{ Availability string }
			}
		}
		d.Do(t, `{ product(slug: "bed") { variants { availability } } }`, nil).Into(t, &got)
		return got.Product.Variants[0].Availability
	}
	require.Equal(t, "LOW_STOCK", availability())
	require.Empty(t, guest.place(t, "intent-1", "300").code())
	requireStock(t, d.App, bed, 10, 3)
	require.Equal(t, "OUT_OF_STOCK", availability())
	require.NotEmpty(t, (&shopper{App: d.App}).add(t, bed, 1).code())
	var got facets
	d.Do(t, facetQuery, apptest.Variables{"filter": apptest.Variables{"inStock": true}}).Into(t, &got)
	require.Empty(t, got.slugs())
	require.Empty(t, d.rules(t, bed, nil))
	d.Do(t, facetQuery, apptest.Variables{"filter": apptest.Variables{"inStock": true}}).Into(t, &got)
	require.Equal(t, []string{"bed"}, got.slugs())
	for code, bad := range map[string]apptest.Variables{
		"STOCK_QUANTITY_INVALID": {"safety": -1},
		"REORDER_INVALID":        {"reorderPoint": 5},
		"NOT_FOUND":              {"variantId": id.Global("Variant", id.New())},
		"LOCATION_UNKNOWN":       {"locationId": id.Global("Location", id.New())},
	} {
		require.Equal(t, code, d.rules(t, bed, bad))
	}
	require.Equal(t, "REORDER_INVALID", d.rules(t, bed, apptest.Variables{"reorderPoint": 5, "reorderTo": 5}))
	require.Equal(t, "REORDER_INVALID", d.rules(t, bed, apptest.Variables{"reorderPoint": -1, "reorderTo": 5}))
}

func TestStaffAreToldOnceThatMoreIsNeeded(t *testing.T) {
	t.Parallel()
	d := &depot{App: apptest.Start(t)}
	employ(t, d.App, "keeps@example.jp", "STAFF", "INVENTORY_WRITE")
	bed, toy := d.AddProduct(t, "bed", 100).Variants[0], d.AddProduct(t, "toy", 100).Variants[0]
	for _, v := range []uuid.UUID{bed, toy} {
		d.SetStock(t, v, 10)
		require.Empty(t, d.rules(t, v, apptest.Variables{"reorderPoint": 5, "reorderTo": 40}))
	}
	watch := func() (short []int) {
		require.NoError(t, d.App.App.Resolvers.Supply.Watch(t.Context()))
		var got struct {
			StockAlerts struct {
				Nodes []struct{ Level struct{ Short int } }
			}
		}
		d.DoAs(t, keeper, `{ stockAlerts { nodes { level { short } variant { sku } } } }`, nil).Into(t, &got)
		for _, n := range got.StockAlerts.Nodes {
			short = append(short, n.Level.Short)
		}
		return short
	}
	require.Empty(t, watch())
	d.SetStock(t, bed, 5)
	require.Equal(t, []int{35}, watch())
	require.Equal(t, []int{35}, watch())
	require.Equal(t, 1, queuedMails(t, d.App, "stock_low"), "told once")
	coming := d.announce(t, bed, 35, "")
	require.Empty(t, watch(), "what is coming counts")
	_, code := d.closed(t, coming)
	require.Empty(t, code)
	require.Equal(t, []int{35}, watch())
	require.Equal(t, 2, queuedMails(t, d.App, "stock_low"), "it fell again")
}
