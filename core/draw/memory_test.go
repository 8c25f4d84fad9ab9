package draw_test

import (
	"bytes"
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/draw"
	"github.com/noren-commerce/noren/storage/postgres"
)

// weighed is a store that looks at the memory in use while a list is gone through.
type weighed struct {
	draw.Store
	calls int
	most  uint64
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TicketsAfter weighs each twentieth portion.
func (w *weighed) TicketsAfter(ctx context.Context, drawID, after uuid.UUID, most int) ([]draw.Ticket, error) {
	some, err := w.Store.TicketsAfter(ctx, drawID, after, most)
	if w.calls++; w.calls%20 == 0 {
		w.most = max(w.most, inUse())
	}
	return some, err
}

// Not parallel: nothing else is in memory then.
func TestALongListIsDrawnInLittleMemory(t *testing.T) { //nolint:paralleltest // see above
	f := openFair(t)
	d := f.draw(t, nil)
	const entries, each = 200_000, 4
	f.exec(t, `WITH who AS (INSERT INTO draw_entrants (draw_id, member_id, entries) SELECT $1, gen_random_uuid(), $2 FROM generate_series(1, $3::int / $2::int) RETURNING member_id)
		INSERT INTO draw_entries (id, draw_id, member_id, source, created_at) SELECT gen_random_uuid(), $1, member_id, 'GRANT', now() FROM who, generate_series(1, $2)`, d.ID, each, entries)
	store := &weighed{Store: f.Store}
	f.Store = store
	f.pass(24 * time.Hour)
	before := inUse()
	f.turn(t)
	f.pass(time.Hour)
	f.turn(t)
	require.Greater(t, store.calls, 300, "once for the close, twice for the draw")
	require.Less(t, int64(store.most)-int64(before), int64(4<<20), "%d entries of 32 bytes, and as many in another order, are 12 MB", entries)

	drawn, err := postgres.NewDraws(f.shop.DB).Draw(t.Context(), d.ID)
	require.NoError(t, err)
	require.Equal(t, entries, drawn.Entries)
	proof := draw.Proof{Algorithm: draw.Algorithm, Commitment: d.Committed(), Digest: *drawn.Listed(), Entries: drawn.Entries, Seed: *drawn.Revealed()}
	for _, w := range f.winners(t, d) {
		proof.Called = append(proof.Called, w.Number())
	}
	require.Len(t, proof.Called, 5)
	var text bytes.Buffer
	f.listed(t, d, &text)
	require.NoError(t, proof.Verify(&text), "by the whole list, as anyone draws again")
}
