package resolvers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// lotPieces is pieces of a lot, as staff name them.
func lotPieces(number, expires string, pieces int) apptest.Variables {
	p := apptest.Variables{"number": number, "quantity": pieces}
	if expires != "" {
		p["expiresOn"] = expires
	}
	return p
}

// pantry is a shop whose food is tracked by lot.
type pantry struct {
	counter
	food   uuid.UUID
	method uuid.UUID
}

func newPantry(t *testing.T) pantry {
	t.Helper()
	a := apptest.Start(t)
	a.Work(t)
	p := pantry{counter: counter{a, packer}, food: a.AddProduct(t, "food", 1980).Variants[0], method: a.AddShipping(t, "parcel", 500)}
	a.SetStock(t, p.food, 0)
	var set struct {
		SetStockTracking struct {
			Tracking   struct{ Mode string }
			UserErrors []userError
		}
	}
	a.DoAs(t, packer, `mutation($in: SetStockTrackingInput!) { setStockTracking(input: $in) { tracking { mode } userErrors { code field message } } }`,
		apptest.Variables{"in": apptest.Variables{"variantId": id.Global("Variant", p.food), "mode": "LOT"}}).Into(t, &set)
	require.Equal(t, "LOT", set.SetStockTracking.Tracking.Mode)
	return p
}

// receive books pieces that came; it gives the code of the failure.
func (p pantry) receive(t *testing.T, pieces int, lots ...apptest.Variables) string {
	t.Helper()
	if lots == nil {
		lots = []apptest.Variables{}
	}
	errors := write(t, p.App, packer, "receiveStock", "StockInput", "level { onHand withheld }", apptest.Variables{
		"idempotencyKey": id.New().String(), "variantId": id.Global("Variant", p.food), "locationId": id.Global("Location", p.WarehouseID), "quantity": pieces, "lots": lots}, nil)
	if len(errors) == 0 {
		return ""
	}
	return errors[0].Code
}

// order is an order of so many pieces that is paid.
func (p pantry) order(t *testing.T, pieces int, total string) string {
	t.Helper()
	guest := &shopper{App: p.App}
	require.Empty(t, guest.add(t, p.food, pieces).UserErrors)
	require.Empty(t, guest.fillIn(t, p.method).UserErrors)
	placed := guest.place(t, "intent-"+id.New().String(), total)
	require.Empty(t, placed.UserErrors)
	counter{p.App, cashier}.receive(t, placed.Order.ID, total)
	return placed.Order.ID
}

func TestALotIsFollowedForwardAndBack(t *testing.T) {
	t.Parallel()
	p := newPantry(t)
	require.Equal(t, "LOTS_REQUIRED", p.receive(t, 5))
	require.Equal(t, "LOT_EXPIRY_REQUIRED", p.receive(t, 5, lotPieces("A", "", 5)))
	require.Equal(t, "LOTS_SUM", p.receive(t, 5, lotPieces("A", "2099-01-31", 4)))
	require.Empty(t, p.receive(t, 2, lotPieces("A", "2099-01-31", 2)))
	require.Empty(t, p.receive(t, 5, lotPieces("B", "2099-02-28", 5)))
	require.Empty(t, p.receive(t, 5, lotPieces("OLD", "2020-01-31", 5)))

	order := p.order(t, 3, "6440")
	made := p.instruct(t, order, nil)
	require.Empty(t, made.UserErrors)
	shipment := made.Shipments[0]
	line := shipment.Lines[0].Line.ID
	choose := func(number string, pieces int) apptest.Variables {
		return apptest.Variables{"shipmentId": shipment.ID, "lots": []apptest.Variables{{"lineId": line, "number": number, "quantity": pieces}}}
	}
	require.Equal(t, "LOT_UNFIT", p.move(t, "shipShipment", choose("OLD", 1)).code())
	require.Equal(t, "LOT_UNKNOWN", p.move(t, "shipShipment", choose("X", 1)).code())
	require.Equal(t, "LOT_SHORT", p.move(t, "shipShipment", choose("A", 3)).code())
	require.Equal(t, "LOTS_SUM", p.move(t, "shipShipment", choose("B", 4)).code())
	require.Empty(t, p.move(t, "shipShipment", apptest.Variables{"shipmentId": shipment.ID}).UserErrors)

	// Back: from the order to its lots.
	var seen struct {
		Order struct {
			Shipments []struct {
				Lots []struct {
					LotID, SKU, Number, Code string
					ExpiresOn                string
					Quantity                 int
					Line                     struct{ ID string }
				}
			}
		}
	}
	p.DoAs(t, packer, `query($id: ID!) { order(id: $id) { shipments { lots { lotId sku number code expiresOn quantity line { id } } } } }`, apptest.Variables{"id": order}).Into(t, &seen)
	lots := seen.Order.Shipments[0].Lots
	require.Len(t, lots, 2)
	require.Equal(t, []any{"A", 2, "2099-01-31", "food-1", line}, []any{lots[0].Number, lots[0].Quantity, lots[0].ExpiresOn, lots[0].SKU, lots[0].Line.ID})
	require.Equal(t, []any{"B", 1}, []any{lots[1].Number, lots[1].Quantity})

	// Forward: from the lot to its customers, and recalled it stays.
	var got struct {
		StockLotRecipients struct {
			TotalCount int
			Nodes      []struct {
				OrderNumber, Email string
				Quantity           int
				Order              struct{ ID string }
			}
		}
		StockLotRecipientsFile struct{ Text, Next string }
	}
	p.DoAs(t, packer, `query($id: ID!) { stockLotRecipients(lotId: $id) { totalCount nodes { orderNumber email quantity order { id } } } stockLotRecipientsFile(lotId: $id) { text next } }`,
		apptest.Variables{"id": lots[1].LotID}).Into(t, &got)
	require.Equal(t, 1, got.StockLotRecipients.TotalCount)
	require.Equal(t, order, got.StockLotRecipients.Nodes[0].Order.ID)
	require.Contains(t, got.StockLotRecipientsFile.Text, got.StockLotRecipients.Nodes[0].Email)
	recall := apptest.Variables{"lotId": lots[1].LotID, "reason": "表示の誤り"}
	require.Empty(t, write(t, p.App, packer, "recallStockLot", "RecallStockLotInput", "lot { recalledFor levels { available quarantined } }", recall, nil))
	requireStock(t, p.App, p.food, 9, 0)
	guest := &shopper{App: p.App}
	require.NotEmpty(t, guest.add(t, p.food, 1).UserErrors, "what expired or is recalled is not sold")

	var traced struct {
		Trace struct {
			Goods *struct {
				Product, Number, RecalledFor, Origin string
				Route                                []struct{ On, Text string }
			}
			UserErrors []userError
		}
	}
	describe := apptest.Variables{"lotId": lots[1].LotID, "origin": apptest.Variables{"ja": "北海道十勝"}, "route": []apptest.Variables{{"on": "2026-10-01", "text": apptest.Variables{"ja": "帯広工場で製造"}}}}
	require.Empty(t, write(t, p.App, packer, "describeStockLot", "DescribeStockLotInput", "lot { origin }", describe, nil))
	const trace = `query($code: String!) { trace(code: $code) { goods { product number recalledFor origin route { on text } } userErrors { code } } }`
	p.Do(t, trace, apptest.Variables{"code": lots[1].Code}).Into(t, &traced)
	require.NotNil(t, traced.Trace.Goods)
	require.Equal(t, []any{"B", "表示の誤り", "北海道十勝", "帯広工場で製造"}, []any{traced.Trace.Goods.Number, traced.Trace.Goods.RecalledFor, traced.Trace.Goods.Origin, traced.Trace.Goods.Route[0].Text})
}

func TestCodesOfLotsAreNotGuessed(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	for i := range 40 {
		var got struct {
			Trace struct{ UserErrors []userError }
		}
		a.Do(t, `{ trace(code: "2222-2222-2222-2222-2222-2") { userErrors { code } } }`, nil).Into(t, &got)
		if code := got.Trace.UserErrors[0].Code; i < 30 {
			require.Equal(t, "TRACE_UNKNOWN", code)
		} else {
			require.Equal(t, "TRACE_TRIES", code)
		}
	}
}

func TestCustomersDoNotSeeLots(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	clerk := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderRead}}
	for _, query := range []string{`{ stockLots { totalCount } }`, `{ stockShortfalls { totalCount } }`, `{ stockLotRecipients(lotId: "U3RvY2tMb3Q6eA") { totalCount } }`} {
		require.NotEmpty(t, a.Do(t, query, nil).Errors, query)
		require.NotEmpty(t, a.DoAs(t, clerk, query, nil).Errors, query)
	}
}
