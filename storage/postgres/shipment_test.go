package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
	ordering "github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// sent is a shipment of a new order that left with the number, by one of the brand's
// carriers or by one that is known by name.
func sent(t *testing.T, shop *pgtest.Shop, carrier *uuid.UUID, name, number string) ordering.Shipment {
	t.Helper()
	now := time.Now()
	h := ordering.Shipment{
		ID: id.New(), OrderID: placedOrder(t, shop), BrandID: shop.BrandID, LocationID: shop.WarehouseID, Nth: 1, Status: ordering.ShipmentInstructed,
		Currency: "JPY", InstructedAt: now, UpdatedAt: now,
	}
	orders := postgres.NewOrders(shop.DB)
	require.NoError(t, orders.InsertShipments(t.Context(), []ordering.Shipment{h}))
	h.Status, h.ShippedAt, h.CarrierID, h.Carrier, h.TrackingNumber = ordering.ShipmentShipped, &now, carrier, name, number
	require.NoError(t, orders.SaveShipment(t.Context(), h))
	return h
}

func carrierCalled(t *testing.T, shop *pgtest.Shop, code string) uuid.UUID {
	t.Helper()
	key := id.New()
	require.NoError(t, shop.DB.Run(t.Context(), `INSERT INTO shipping_carriers (id, brand_id, code, name) VALUES ($1, $2, $3, '{"ja":"カモメ","en":"Kamome"}')`, key, shop.BrandID, code))
	return key
}

func TestANumberIsTakenWithItsCarrierWhateverThatIsCalled(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	kamome, other := carrierCalled(t, shop, "kamome"), carrierCalled(t, shop, "kamome-west")
	first, orders := sent(t, shop, &kamome, "カモメ", "4900-0001"), postgres.NewOrders(shop.DB)
	for name, c := range map[string]struct {
		order   uuid.UUID
		carrier *uuid.UUID
		called  string
		number  string
		taken   bool
	}{
		"the same carrier in another language": {id.New(), &kamome, "Kamome", "49000001", true},
		"another carrier of the same name":     {id.New(), &other, "カモメ", "4900-0001", false},
		"the same carrier by name":             {id.New(), nil, "カモメ", "4900-0001", true},
		"another carrier by name":              {id.New(), nil, "ハヤテ", "4900-0001", false},
		"another number":                       {id.New(), &kamome, "カモメ", "4900-0002", false},
		"the same order":                       {first.OrderID, &kamome, "カモメ", "4900-0001", false},
	} {
		taken, err := orders.TrackedElsewhere(t.Context(), ordering.Shipment{ID: id.New(), OrderID: c.order, BrandID: shop.BrandID, CarrierID: c.carrier, Carrier: c.called, TrackingNumber: c.number})
		require.NoError(t, err)
		require.Equal(t, c.taken, taken, name)
	}
}

func TestOneOfTwoWhoTakeANumberAtOnceHasIt(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	kamome, orders := carrierCalled(t, shop, "kamome"), postgres.NewOrders(shop.DB)
	all := []ordering.Shipment{sent(t, shop, &kamome, "カモメ", ""), sent(t, shop, &kamome, "カモメ", "")}
	take := func(ctx context.Context, h ordering.Shipment) (bool, error) {
		h.TrackingNumber = "4900-0001"
		taken, err := orders.TrackedElsewhere(ctx, h)
		if err != nil || taken {
			return false, err
		}
		return true, orders.AddParcel(ctx, h, time.Now())
	}
	second := make(chan bool)
	require.NoError(t, shop.DB.InTx(t.Context(), func(ctx context.Context) error {
		ours, err := take(ctx, all[0])
		require.NoError(t, err)
		require.True(t, ours)
		go func() {
			var ours bool
			err := shop.DB.InTx(t.Context(), func(ctx context.Context) (err error) {
				ours, err = take(ctx, all[1])
				return err
			})
			second <- ours || err != nil
		}()
		blocked(t, shop)
		return nil
	}))
	require.False(t, <-second)
}

func TestWhatNoCarrierSpeaksOfIsLateByItsPromisedDay(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	kamome := carrierCalled(t, shop, "kamome")
	now := time.Now().UTC()
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	told := map[uuid.UUID]bool{}
	left := func(carrier *uuid.UUID, number string, ago int, promised *time.Time) uuid.UUID {
		h := sent(t, shop, carrier, "カモメ", number)
		require.NoError(t, shop.DB.Run(t.Context(), `UPDATE shipments SET shipped_at = $2 WHERE id = $1`, h.ID, now.AddDate(0, 0, -ago)))
		require.NoError(t, shop.DB.Run(t.Context(), `UPDATE orders SET promised_on = $2 WHERE id = $1`, h.OrderID, promised))
		return h.ID
	}
	yesterday := today.AddDate(0, 0, -1)
	told[left(&kamome, "1", 10, nil)] = true
	told[left(&kamome, "2", 1, &yesterday)] = true
	told[left(nil, "3", 1, &yesterday)] = false
	told[left(nil, "", 1, &yesterday)] = false
	told[left(&kamome, "", 1, &yesterday)] = false
	left(nil, "4", 10, nil)
	left(nil, "5", 10, &today)
	left(&kamome, "", 10, nil)
	left(nil, "6", 90, &yesterday) // nobody asks for it any more
	found, err := postgres.NewTracking(shop.DB).Late(t.Context(), shop.BrandID, today, now.AddDate(0, 0, -3), 100)
	require.NoError(t, err)
	late := map[uuid.UUID]bool{}
	for _, f := range found {
		late[f.ShipmentID] = f.Told
	}
	require.Equal(t, told, late)
}

func TestWhatIsOverFillsNoPageOfReminders(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	now := time.Now()
	ready := func(until time.Duration) uuid.UUID {
		key := placedOrder(t, shop)
		require.NoError(t, shop.DB.Run(t.Context(), `INSERT INTO pick_ups (order_id, brand_id, shop_id, state, days, nonce, requested_at, ready_at, expires_at, updated_at)
			VALUES ($1, $2, $3, 'READY', 7, 'nonce', now(), now(), $4, now())`, key, shop.BrandID, shop.WarehouseID, now.Add(until)))
		return key
	}
	over, soon := ready(-time.Hour), ready(time.Hour)
	ready(48 * time.Hour)
	orders := postgres.NewOrders(shop.DB)
	due, err := orders.DuePickUps(t.Context(), now, 24*time.Hour, 1)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{soon}, due)
	due, err = orders.DuePickUps(t.Context(), now, 0, 10)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{over}, due)
	require.NoError(t, shop.DB.Run(t.Context(), `UPDATE pick_ups SET reminded_at = now()`))
	due, err = orders.DuePickUps(t.Context(), now, 24*time.Hour, 10)
	require.NoError(t, err)
	require.Empty(t, due)
}
