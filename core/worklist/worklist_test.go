package worklist_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/worklist"
)

// office is a store, a board and who stands there.
type office struct {
	sync.Mutex
	alerts    int
	counted   int
	actor     access.Actor
	published []string
	changed   chan []byte
}

func (o *office) Count(context.Context, worklist.Query) (worklist.Counts, error) {
	o.Lock()
	defer o.Unlock()
	o.counted++
	n := o.alerts
	return worklist.Counts{StockAlerts: &n}, nil
}

func (o *office) times() int {
	o.Lock()
	defer o.Unlock()
	return o.counted
}

func (o *office) Stands(context.Context) (access.Actor, error) {
	o.Lock()
	defer o.Unlock()
	return o.actor, nil
}

func (o *office) Publish(_ context.Context, topic string, _ []byte) {
	o.published = append(o.published, topic)
}

func (o *office) Listen(context.Context, string) <-chan []byte { return o.changed }

func (o *office) set(alerts int, permissions ...access.Permission) {
	o.Lock()
	defer o.Unlock()
	o.alerts, o.actor = alerts, access.Actor{Role: access.RoleStaff, Permissions: permissions}
}

func TestAWatcherLooksAgainWhenToldAndWhenADayMayHavePassed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &office{changed: make(chan []byte, 8)}
		o.set(0, access.InventoryRead)
		ctx := channel.With(t.Context(), channel.Channel{BrandID: uuid.New(), TimeZone: "Asia/Tokyo"})
		counts, err := worklist.New(o, o, time.Now).Watch(ctx, o)
		require.NoError(t, err)
		require.Zero(t, *(<-counts).StockAlerts)

		o.set(0, access.InventoryRead)
		for range 3 {
			o.changed <- nil
		}
		time.Sleep(time.Second)
		require.Empty(t, counts, "nothing new")
		require.Equal(t, 2, o.times(), "what follows quickly is looked at once")

		o.set(4, access.InventoryRead)
		require.Equal(t, 4, *(<-counts).StockAlerts, "though nobody told")
		o.set(4)
		o.changed <- nil
		_, open := <-counts
		require.False(t, open, "who may read nothing any more hears nothing more")
		_, err = worklist.New(o, o, time.Now).Counts(ctx)
		require.ErrorIs(t, err, fault.ErrForbidden)
	})
}

func TestWatchersAreToldOfWhatChangesAList(t *testing.T) {
	t.Parallel()
	o, brand, other := &office{}, uuid.New(), uuid.New()
	for _, subject := range []string{"Order", "Stock", "StockLot", "StockAlert", "StockDelivery", "Stocktake", "GatewayReconciliation", "GatewayDifference", "AccountStatement", "CompanyCredit", "PrizeExchange", "PointArrival"} {
		o.published = nil
		worklist.Signalled(t.Context(), o, []event.Event{{Subject: subject, BrandID: brand}, {Subject: subject, BrandID: brand}, {Subject: subject, BrandID: other}, {Subject: "Product", BrandID: uuid.New()}})
		require.Len(t, o.published, 2, subject)
		require.False(t, slices.Equal(o.published[:1], o.published[1:]), "each brand once")
	}
}
