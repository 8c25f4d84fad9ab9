package resolvers_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// carrier moves stock between a warehouse and a shop.
type carrier struct {
	*apptest.App
	leash, toy      string
	warehouse, shop string
	keys            atomic.Int32
}

type transfer struct {
	ID, State string
	Lines     []struct{ Quantity, Arrived, Missing int }
}

type transferAnswer struct {
	Transfer   *transfer
	UserErrors []userError
}

func (a transferAnswer) code() string {
	if len(a.UserErrors) == 0 {
		return ""
	}
	return a.UserErrors[0].Code
}

func newCarrier(t *testing.T) *carrier {
	t.Helper()
	c := &carrier{App: apptest.Start(t)}
	c.leash = globalID("Variant", c.AddProduct(t, "leash", 100).Variants[0])
	c.toy = globalID("Variant", c.AddProduct(t, "toy", 100).Variants[0])
	c.warehouse = globalID("Location", c.WarehouseID)
	var saved struct {
		SaveLocation struct{ Location struct{ ID string } }
	}
	require.Empty(t, write(t, c.App, keeper, "saveLocation", "SaveLocationInput", "location { id }",
		apptest.Variables{"code": "shibuya", "name": apptest.Variables{"ja": "渋谷店"}, "kind": "SHOP", "ships": false}, &saved))
	c.shop = saved.SaveLocation.Location.ID
	return c
}

func (c *carrier) change(t *testing.T, mutation, kind string, input apptest.Variables) transferAnswer {
	t.Helper()
	var got map[string]transferAnswer
	c.DoAs(t, keeper, fmt.Sprintf(`mutation($input: %s!) { %s(input: $input) { transfer { id state lines { quantity arrived missing } } userErrors { code field message } } }`, kind, mutation),
		in(keyed(mutation, input))).Into(t, &got)
	return got[mutation]
}

func (c *carrier) send(t *testing.T, more apptest.Variables, lines ...apptest.Variables) transferAnswer {
	t.Helper()
	input := apptest.Variables{"idempotencyKey": fmt.Sprintf("transfer-%03d", c.keys.Add(1)), "fromId": c.warehouse, "toId": c.shop, "lines": lines}
	for name, value := range more {
		input[name] = value
	}
	return c.change(t, "sendStock", "SendStockInput", input)
}

func (c *carrier) receive(t *testing.T, transferID string, arrived map[string]int) transferAnswer {
	t.Helper()
	lines := []apptest.Variables{}
	for variant, pieces := range arrived {
		lines = append(lines, apptest.Variables{"variantId": variant, "arrived": pieces})
	}
	return c.change(t, "receiveStockTransfer", "ReceiveStockTransferInput", apptest.Variables{"transferId": transferID, "lines": lines})
}

func (c *carrier) close(t *testing.T, transferID string, returned bool) transferAnswer {
	t.Helper()
	return c.change(t, "closeStockTransfer", "CloseStockTransferInput", apptest.Variables{"transferId": transferID, "returned": returned})
}

// lies is what a location has of a variant, and what is on its way there. Whatever
// lies anywhere is the sum of its movements.
func (c *carrier) lies(t *testing.T, variant, location string) (onHand, incoming int) {
	t.Helper()
	require.NoError(t, c.DB.Pool().QueryRow(t.Context(), `SELECT on_hand, incoming FROM stock_levels WHERE variant_id = $1 AND location_id = $2`,
		keyOf(t, variant), keyOf(t, location)).Scan(&onHand, &incoming))
	var differ int
	require.NoError(t, c.DB.Pool().QueryRow(t.Context(), `
		SELECT count(*) FROM stock_levels l WHERE on_hand <>
			(SELECT coalesce(sum(quantity), 0) FROM stock_movements m WHERE m.variant_id = l.variant_id AND m.location_id = l.location_id)`).Scan(&differ))
	require.Zero(t, differ, "levels that are not the sum of their movements")
	return onHand, incoming
}

func (c *carrier) requireLies(t *testing.T, variant, location string, onHand, incoming int) {
	t.Helper()
	lie, come := c.lies(t, variant, location)
	require.Equal(t, [2]int{onHand, incoming}, [2]int{lie, come}, "on hand, incoming")
}

func pieces(variant string, quantity int) apptest.Variables {
	return apptest.Variables{"variantId": variant, "quantity": quantity}
}

func TestATransferLeavesOnePlaceAndArrivesAtAnother(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	key := apptest.Variables{"idempotencyKey": "transfer-once", "reference": "伝票 12", "expectedOn": "2026-11-20"}
	sent := c.send(t, key, pieces(c.leash, 30), pieces(c.toy, 5))
	require.Empty(t, sent.UserErrors)
	require.Equal(t, "IN_TRANSIT", sent.Transfer.State)
	again := c.send(t, key, pieces(c.leash, 30), pieces(c.toy, 5))
	require.Equal(t, sent.Transfer.ID, again.Transfer.ID, "the same key sends once")
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED", c.send(t, key, pieces(c.leash, 31)).code())
	c.requireLies(t, c.leash, c.warehouse, 70, 0)
	c.requireLies(t, c.leash, c.shop, 0, 30)

	for range 2 { // saying the same again changes nothing
		part := c.receive(t, sent.Transfer.ID, map[string]int{c.leash: 20})
		require.Empty(t, part.UserErrors)
		require.Equal(t, "IN_TRANSIT", part.Transfer.State)
		require.Equal(t, 10, part.Transfer.Lines[0].Missing)
		c.requireLies(t, c.leash, c.shop, 20, 10)
	}
	for name, arrived := range map[string]map[string]int{"fewer than before": {c.leash: 19}, "more than left": {c.leash: 31}, "negative": {c.toy: -1}} {
		require.Equal(t, "TRANSFER_ARRIVED_INVALID", c.receive(t, sent.Transfer.ID, arrived).code(), name)
	}
	other := globalID("Variant", c.AddProduct(t, "other", 100).Variants[0])
	require.Equal(t, "NOT_FOUND", c.receive(t, sent.Transfer.ID, map[string]int{other: 1}).code())

	var late struct {
		StockTransfers struct {
			TotalCount int
			Nodes      []struct {
				ID    string
				Lines []struct {
					Variant struct{ Sku string }
				}
			}
		}
	}
	c.DoAs(t, keeper, `query($l: ID) { stockTransfers(late: true, locationId: $l) { totalCount nodes { id lines { variant { sku } } } } }`, apptest.Variables{"l": c.shop}).Into(t, &late)
	require.Equal(t, 1, late.StockTransfers.TotalCount)
	require.Len(t, late.StockTransfers.Nodes[0].Lines, 2)

	whole := c.receive(t, sent.Transfer.ID, map[string]int{c.leash: 30, c.toy: 5})
	require.Empty(t, whole.UserErrors)
	require.Equal(t, "ARRIVED", whole.Transfer.State)
	c.requireLies(t, c.leash, c.shop, 30, 0)
	c.requireLies(t, c.toy, c.shop, 5, 0)
	require.Equal(t, "TRANSFER_OVER", c.receive(t, sent.Transfer.ID, map[string]int{c.leash: 30}).code())
	require.Equal(t, "TRANSFER_OVER", c.close(t, sent.Transfer.ID, true).code())
	c.DoAs(t, keeper, `{ stockTransfers(late: true) { totalCount nodes { id lines { variant { sku } } } } }`, nil).Into(t, &late)
	require.Zero(t, late.StockTransfers.TotalCount)

	var found struct{ StockTransfer, Node *struct{ ID string } }
	query := `query($id: ID!) { stockTransfer(id: $id) { id } node(id: $id) { id } }`
	c.DoAs(t, keeper, query, apptest.Variables{"id": sent.Transfer.ID}).Into(t, &found)
	require.Equal(t, sent.Transfer.ID, found.StockTransfer.ID)
	require.Equal(t, sent.Transfer.ID, found.Node.ID)
	hidden := c.Do(t, `query($id: ID!) { node(id: $id) { id } }`, apptest.Variables{"id": sent.Transfer.ID})
	require.JSONEq(t, `{"node": null}`, string(hidden.Data), "a shopper does not see it")
}

func TestATransferThatNeverArrivesIsLostOrGoesBack(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	lost, back := c.send(t, nil, pieces(c.leash, 10)), c.send(t, nil, pieces(c.leash, 10))
	require.Empty(t, c.receive(t, lost.Transfer.ID, map[string]int{c.leash: 7}).UserErrors)
	require.Empty(t, c.receive(t, back.Transfer.ID, map[string]int{c.leash: 4}).UserErrors)
	require.Equal(t, "LOST", c.close(t, lost.Transfer.ID, false).Transfer.State)
	require.Equal(t, "RETURNED", c.close(t, back.Transfer.ID, true).Transfer.State)
	c.requireLies(t, c.leash, c.warehouse, 86, 0)
	c.requireLies(t, c.leash, c.shop, 11, 0)
	require.Equal(t, "NOT_FOUND", c.close(t, globalID("StockTransfer", id.New()), true).code())
}

func TestOnlyFreePiecesAreSent(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	exec(t, c.App, `UPDATE stock_levels SET reserved = 60 WHERE on_hand = 100`)
	short := c.send(t, nil, pieces(c.toy, 1), pieces(c.leash, 41))
	require.Equal(t, "STOCK_NOT_FREE", short.code())
	require.Contains(t, short.UserErrors[0].Message, "40")
	c.requireLies(t, c.toy, c.warehouse, 100, 0)
	for name, c := range map[string]struct{ want, got string }{
		"to itself":         {"TRANSFER_SAME_LOCATION", c.send(t, apptest.Variables{"toId": c.warehouse}, pieces(c.leash, 1)).code()},
		"no lines":          {"TRANSFER_LINES_INVALID", c.send(t, nil, []apptest.Variables{}...).code()},
		"a variant twice":   {"TRANSFER_LINES_INVALID", c.send(t, nil, pieces(c.leash, 1), pieces(c.leash, 2)).code()},
		"nothing":           {"STOCK_QUANTITY_INVALID", c.send(t, nil, pieces(c.leash, 0)).code()},
		"less than nothing": {"STOCK_QUANTITY_INVALID", c.send(t, nil, pieces(c.leash, -1)).code()},
		"too much":          {"STOCK_QUANTITY_INVALID", c.send(t, nil, pieces(c.leash, 1<<31-1)).code()},
		"unknown variant":   {"NOT_FOUND", c.send(t, nil, pieces(globalID("Variant", id.New()), 1)).code()},
		"unknown location":  {"LOCATION_UNKNOWN", c.send(t, apptest.Variables{"toId": globalID("Location", id.New())}, pieces(c.leash, 1)).code()},
		"short key":         {"IDEMPOTENCY_KEY_INVALID", c.send(t, apptest.Variables{"idempotencyKey": "short"}, pieces(c.leash, 1)).code()},
	} {
		require.Equal(t, c.want, c.got, name)
	}

	// Of many at once, those that find nothing free take nothing, whichever way round
	// their lines stand.
	var group sync.WaitGroup
	var went atomic.Int32
	for i := range 16 {
		group.Go(func() {
			lines := []apptest.Variables{pieces(c.leash, 4), pieces(c.toy, 4)}
			if i%2 == 0 {
				lines[0], lines[1] = lines[1], lines[0]
			}
			if sent := c.send(t, nil, lines...); sent.code() == "" {
				went.Add(1)
			} else if sent.code() != "STOCK_NOT_FREE" {
				t.Errorf("%+v", sent.UserErrors)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 10, went.Load())
	c.requireLies(t, c.leash, c.warehouse, 60, 0)
	c.requireLies(t, c.toy, c.shop, 0, 40)
}
