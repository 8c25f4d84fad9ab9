package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// listener remembers what it was told.
type listener struct {
	types []string
	fail  bool
}

func (l *listener) tell(_ context.Context, events []event.Event) error {
	if l.fail {
		return errors.New("nobody there")
	}
	for _, e := range events {
		l.types = append(l.types, e.Type)
	}
	return nil
}

// drain runs the relay until it has nothing more to tell.
func drain(t *testing.T, relay *postgres.Relay, l *listener) {
	t.Helper()
	for idle := 0; idle < 2; { // the first turn of all only makes the cursor
		n, err := relay.Next(t.Context(), l.tell)
		require.NoError(t, err)
		if n == 0 {
			idle++
		}
	}
}

func TestRelayTellsEachEventInOrderAndNothingBeforeCommit(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	events, relay, l := postgres.NewEvents(db), postgres.NewRelay(db, "test"), &listener{}
	record := func(ctx context.Context, name string) { require.NoError(t, events.Record(ctx, anEvent(ctx, name))) }
	record(t.Context(), "first")
	drain(t, relay, l)
	require.Equal(t, []string{"first"}, l.types)

	// One transaction takes a lower position and ends after the other.
	slowInside, slowMayEnd := make(chan struct{}), make(chan struct{})
	var slow sync.WaitGroup
	slow.Go(func() {
		_ = db.InTx(t.Context(), func(ctx context.Context) error {
			record(ctx, "slow")
			close(slowInside)
			<-slowMayEnd
			return nil
		})
	})
	<-slowInside
	record(t.Context(), "quick")
	drain(t, relay, l)
	require.Equal(t, []string{"first", "quick"}, l.types, "what is not committed is not told, and holds nobody up")
	close(slowMayEnd)
	slow.Wait()
	drain(t, relay, l)
	require.Equal(t, []string{"first", "quick", "slow"}, l.types, "its lower position is not passed over")
	drain(t, relay, l)
	require.Len(t, l.types, 3, "nothing is told again")

	l.fail = true
	record(t.Context(), "later")
	_, err := relay.Next(t.Context(), l.tell)
	require.ErrorContains(t, err, "nobody there")
	l.fail = false
	drain(t, relay, l)
	require.Equal(t, []string{"first", "quick", "slow", "later"}, l.types, "what was not heard is told again")
}

// The transaction that changes a subject later may be the one that began earlier,
// and another one, that has not ended, may have begun between the two.
func TestRelayIsNotMisledByTheOrderOfBeginnings(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	events, relay, l := postgres.NewEvents(db), postgres.NewRelay(db, "test"), &listener{}
	subject := id.New()
	record := func(ctx context.Context, name string) error {
		return events.Record(ctx, event.New(ctx, time.Now().UTC(), name, "Test", subject, nil))
	}
	begin := func(ctx context.Context) error {
		_, err := postgres.One[uint64](ctx, db, `SELECT pg_current_xact_id()`)
		return err
	}
	apart := context.WithoutCancel(t.Context()) // a transaction of its own
	require.NoError(t, db.InTx(t.Context(), func(later context.Context) error {
		require.NoError(t, begin(later))
		var between sync.WaitGroup
		begun, mayEnd := make(chan struct{}), make(chan struct{})
		between.Go(func() {
			_ = db.InTx(apart, func(ctx context.Context) error {
				err := begin(ctx)
				close(begun)
				<-mayEnd
				return err
			})
		})
		<-begun
		t.Cleanup(func() { close(mayEnd); between.Wait() })
		require.NoError(t, db.InTx(apart, func(ctx context.Context) error { return record(ctx, "earlier") }))
		return record(later, "later")
	}))
	drain(t, relay, l)
	require.Equal(t, []string{"earlier", "later"}, l.types)
}

// Many writers change few subjects under row locks while two relays of one name
// run: every event arrives, and each subject's in the order of its changes.
func TestRelayKeepsTheOrderOfEachSubjectUnderLoad(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	_, err := db.Pool().Exec(t.Context(), `CREATE TABLE counters (k int PRIMARY KEY, n int NOT NULL); INSERT INTO counters VALUES (0, 0), (1, 0)`)
	require.NoError(t, err)
	subjects := []uuid.UUID{id.New(), id.New()}
	events := postgres.NewEvents(db)
	const writers, each = 3, 40
	var writing, relaying sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				k := (w + i) % 2
				require.NoError(t, db.InTx(t.Context(), func(ctx context.Context) error {
					n, err := postgres.One[int](ctx, db, `UPDATE counters SET n = n + 1 WHERE k = $1 RETURNING n`, k)
					if err != nil {
						return err
					}
					return events.Record(ctx, event.New(ctx, time.Now().UTC(), fmt.Sprint(n), "Test", subjects[k], nil))
				}))
			}
		})
	}
	var mu sync.Mutex
	heard, all := map[uuid.UUID][]string{}, 0
	for range 2 {
		relaying.Go(func() {
			relay := postgres.NewRelay(db, "test")
			for total := 0; total < writers*each; {
				_, err := relay.Next(t.Context(), func(_ context.Context, events []event.Event) error {
					mu.Lock()
					defer mu.Unlock()
					for _, e := range events {
						heard[e.SubjectID] = append(heard[e.SubjectID], e.Type)
						all++
					}
					return nil
				})
				require.NoError(t, err)
				mu.Lock()
				total = all
				mu.Unlock()
			}
		})
	}
	writing.Wait()
	relaying.Wait()
	for _, subject := range subjects {
		require.Len(t, heard[subject], writers*each/2)
		for i, n := range heard[subject] {
			require.Equal(t, fmt.Sprint(i+1), n)
		}
	}
}

func TestEventsLieInTheirMonthsPartition(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	events := postgres.NewEvents(db)
	at := time.Date(2031, 12, 15, 0, 0, 0, 0, time.UTC)
	record := func(at time.Time) {
		require.NoError(t, events.Record(t.Context(), event.New(t.Context(), at, "x", "Test", id.New(), nil)))
	}
	record(at.AddDate(0, 1, 0)) // January has no partition yet: the default one takes it
	require.NoError(t, events.Partition(t.Context(), at), "what lies in the default one does not stand in the way")
	require.NoError(t, events.Partition(t.Context(), at), "again")
	record(at)
	record(at.AddDate(0, 2, 0))
	for table, rows := range map[string]int{"events_2031_12": 1, "events_2032_02": 1, "events_default": 1} {
		n, err := postgres.One[int](t.Context(), db, `SELECT count(*) FROM `+table)
		require.NoError(t, err)
		require.Equal(t, rows, n, table)
	}
}
