package resolvers_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// ledgerLine is a movement as staff read it, without where and when.
type ledgerLine struct {
	Kind               string
	Quantity, Reserved int
	Actor              string
	CauseID            *string
}

// movements are those of the variant that the filter wants, newest first.
func movements(t *testing.T, a *apptest.App, variant string, filter apptest.Variables) []ledgerLine {
	t.Helper()
	var got struct{ StockMovements struct{ Nodes []ledgerLine } }
	a.DoAs(t, keeper, `query($v: ID!, $f: StockMovementFilter!) { stockMovements(variantId: $v, filter: $f) { nodes { kind quantity reserved actor causeId } } }`,
		apptest.Variables{"v": variant, "f": filter}).Into(t, &got)
	return got.StockMovements.Nodes
}

func kinds(all []ledgerLine) []string {
	kinds := make([]string, len(all))
	for i, l := range all {
		kinds[i] = l.Kind
	}
	return kinds
}

// requireLedger holds what lies anywhere, and what is reserved of it, to the sums of the movements.
func requireLedger(t *testing.T, a *apptest.App) {
	t.Helper()
	var off int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `
		SELECT count(*) FROM stock_levels s WHERE (on_hand, reserved) <> (
			SELECT coalesce(sum(quantity), 0), coalesce(sum(m.reserved), 0) FROM stock_movements m WHERE m.variant_id = s.variant_id AND m.location_id = s.location_id)`).Scan(&off))
	require.Zero(t, off, "levels that are not the sums of their movements")
}

func TestWhatAnOrderDoesToStockIsMovements(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, method := a.AddProduct(t, "leash", 1980).Variants[0], a.AddShipping(t, "parcel", 0)
	variant, staff := globalID("Variant", leash), counter{a, cashier}

	_, given := ordered(t, a, leash, method)
	require.Empty(t, staff.act(t, "cancelOrder", apptest.Variables{"orderId": given.Order.ID}).UserErrors)
	_, kept := ordered(t, a, leash, method)
	staff.receive(t, kept.Order.ID, "1980")
	shipment := staff.instruct(t, kept.Order.ID, nil).Shipments[0].ID
	requireLedger(t, a)
	require.Empty(t, staff.move(t, "shipShipment", apptest.Variables{"shipmentId": shipment}).UserErrors)
	requireLedger(t, a)
	requireStock(t, a, leash, 99, 0)

	require.Equal(t, []ledgerLine{
		{"SHIPMENT", -1, -1, "STAFF", &kept.Order.ID},
		{"ALLOCATION", 0, 1, "GUEST", &kept.Order.ID},
		{"RELEASE", 0, -1, "STAFF", &given.Order.ID},
		{"ALLOCATION", 0, 1, "GUEST", &given.Order.ID},
		{"RECEIPT", 100, 0, "SYSTEM", nil},
	}, movements(t, a, variant, apptest.Variables{}))

	require.Equal(t, []string{"RELEASE", "RECEIPT"}, kinds(movements(t, a, variant, apptest.Variables{"kinds": []string{"RECEIPT", "RELEASE", "RECEIPT"}})))
	require.Len(t, movements(t, a, variant, apptest.Variables{"locationId": globalID("Location", a.WarehouseID)}), 5)
	require.Empty(t, movements(t, a, variant, apptest.Variables{"locationId": globalID("Location", id.New())}))
	long := time.Now().AddDate(0, 0, -1).Format(time.RFC3339)
	require.Len(t, movements(t, a, variant, apptest.Variables{"from": long}), 4, "the goods came long before")
	require.Equal(t, []string{"RECEIPT"}, kinds(movements(t, a, variant, apptest.Variables{"to": long})))

	for filter, code := range map[string]string{
		`from: "2026-02-01T00:00:00Z", to: "2026-02-01T00:00:00Z"`: "PERIOD_INVALID",
		`locationId: "nonsense"`:                                   "INVALID",
	} {
		require.Equal(t, code, a.DoAs(t, keeper, `query($v: ID!) { stockMovements(variantId: $v, filter: {`+filter+`}) { nodes { id } } }`, apptest.Variables{"v": variant}).Code(), filter)
	}
	_, err := a.DB.Pool().Exec(t.Context(), `UPDATE stock_movements SET quantity = 2 WHERE kind = 'RECEIPT'`)
	require.ErrorContains(t, err, "only added")
}

func TestPagesOfMovementsHangTogetherAcrossKinds(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, method := a.AddProduct(t, "leash", 1980).Variants[0], a.AddShipping(t, "parcel", 0)
	for range 3 {
		_, placed := ordered(t, a, leash, method)
		require.Empty(t, counter{a, cashier}.act(t, "cancelOrder", apptest.Variables{"orderId": placed.Order.ID}).UserErrors)
	}
	var seen []string
	after, more := "", true
	for more {
		var got struct {
			StockMovements struct {
				TotalCount int
				Nodes      []struct{ ID string }
				PageInfo   struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
		arguments := `variantId: $v, first: 2`
		if after != "" {
			arguments += `, after: "` + after + `"`
		}
		a.DoAs(t, keeper, `query($v: ID!) { stockMovements(`+arguments+`) { totalCount nodes { id } pageInfo { hasNextPage endCursor } } }`, apptest.Variables{"v": globalID("Variant", leash)}).Into(t, &got)
		require.Equal(t, 7, got.StockMovements.TotalCount)
		for _, n := range got.StockMovements.Nodes {
			require.NotContains(t, seen, n.ID)
			seen = append(seen, n.ID)
		}
		after, more = got.StockMovements.PageInfo.EndCursor, got.StockMovements.PageInfo.HasNextPage
	}
	require.Len(t, seen, 7, "each once")
}

func TestGoodsOfAnEventAreTakenOutAndBroughtBack(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	var saved struct {
		SaveLocation struct{ Location struct{ ID string } }
	}
	require.Empty(t, write(t, c.App, keeper, "saveLocation", "SaveLocationInput", "location { id }",
		apptest.Variables{"code": "dog-run", "name": apptest.Variables{"ja": "ドッグラン祭"}, "kind": "EVENT", "ships": false}, &saved))
	stand := saved.SaveLocation.Location.ID

	out := c.send(t, apptest.Variables{"toId": stand}, pieces(c.leash, 10))
	require.Empty(t, out.UserErrors)
	require.Empty(t, c.receive(t, out.Transfer.ID, map[string]int{c.leash: 10}).UserErrors)
	back := c.send(t, apptest.Variables{"fromId": stand, "toId": c.warehouse}, pieces(c.leash, 4))
	require.Empty(t, c.receive(t, back.Transfer.ID, map[string]int{c.leash: 4}).UserErrors)
	moved := c.send(t, nil, pieces(c.leash, 1))
	require.Empty(t, c.close(t, moved.Transfer.ID, true).UserErrors)
	requireLedger(t, c.App)
	c.requireLies(t, c.leash, stand, 6, 0)

	require.Equal(t, []ledgerLine{
		{"EVENT_BRING_BACK", -4, 0, "STAFF", &back.Transfer.ID},
		{"EVENT_TAKE_OUT", 10, 0, "STAFF", &out.Transfer.ID},
	}, movements(t, c.App, c.leash, apptest.Variables{"locationId": stand}))
	require.Equal(t, []string{"TRANSFER", "TRANSFER", "EVENT_BRING_BACK", "EVENT_TAKE_OUT", "RECEIPT"},
		kinds(movements(t, c.App, c.leash, apptest.Variables{"locationId": c.warehouse})))
}
