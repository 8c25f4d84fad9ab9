package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/event"
)

// Relay tells the events of all transactions, each at least once, what happened
// to one subject in its order, to whoever is outside. Several processes may run
// the same relay; one of them works at a time. A transaction that runs for long
// holds up the events of those after it.
type Relay struct {
	db   *DB
	name string
}

// NewRelay makes the relay of the name. Each name has come so far by itself, from
// the first event on.
func NewRelay(db *DB, name string) *Relay { return &Relay{db, name} }

// relayPage is how many events are told in one go.
const relayPage = 1000

// cursor is how far a relay has come. Transactions below FromTx are told.
type cursor struct {
	FromTx, ToTx      uint64
	Position, Highest int64
}

// Next tells the next events through tell, and remembers that they are told if it
// succeeds. It reports how many there were: none when all are told, or when
// another process has its turn.
func (r *Relay) Next(ctx context.Context, tell func(context.Context, []event.Event) error) (told int, err error) {
	err = r.db.InTx(ctx, func(ctx context.Context) error {
		told = 0
		at, err := r.turn(ctx)
		if err != nil || at == nil {
			return err
		}
		events, positions, err := r.after(ctx, at)
		if err != nil {
			return err
		}
		if len(events) > 0 {
			if err := tell(ctx, events); err != nil {
				return fmt.Errorf("tell %d events: %w", len(events), err)
			}
			at.Position = positions[len(positions)-1]
			at.Highest = max(at.Highest, at.Position)
		}
		if told = len(events); told < relayPage {
			at.FromTx, at.Position = at.ToTx, 0
		}
		_, err = r.db.conn(ctx).Exec(ctx, `
			UPDATE event_relays SET from_tx = $2, to_tx = $3, position = $4, highest = $5 WHERE name = $1`,
			r.name, at.FromTx, at.ToTx, at.Position, at.Highest)
		return err
	})
	return told, err
}

// turn locks the cursor and opens the next window if the last is told; nil when
// another process has the turn, or when nothing has happened.
func (r *Relay) turn(ctx context.Context) (*cursor, error) {
	at, err := first[cursor](ctx, r.db, `
		SELECT from_tx, to_tx, position, highest FROM event_relays WHERE name = $1 FOR UPDATE SKIP LOCKED`, r.name)
	if err != nil {
		return nil, err
	}
	if at == nil {
		_, err := r.db.conn(ctx).Exec(ctx, `
			INSERT INTO event_relays (name, from_tx, to_tx, position, highest) VALUES ($1, '0', '0', 0, 0)
			ON CONFLICT DO NOTHING`, r.name)
		return nil, err // its first turn is the next one
	}
	if at.FromTx < at.ToTx {
		return at, nil
	}
	// All transactions below xmin have ended; this one itself is not below.
	ended, err := one[uint64](ctx, r.db, `SELECT pg_snapshot_xmin(pg_current_snapshot())`)
	if err != nil {
		return nil, err
	}
	if ended < at.FromTx {
		// The data came from another cluster (a dump), where transactions had
		// higher numbers. What is newer than all that was told is told.
		at.FromTx, at.Position = 0, at.Highest
	}
	at.ToTx = ended
	return at, nil
}

type relayedRow struct {
	event.Event
	Position int64
}

func (r *Relay) after(ctx context.Context, at *cursor) ([]event.Event, []int64, error) {
	rows, err := collect[relayedRow](ctx, r.db, `
		SELECT id, at, type, coalesce(brand_id, '00000000-0000-0000-0000-000000000000') AS brand_id, subject, subject_id,
			actor_role, coalesce(actor_id, '00000000-0000-0000-0000-000000000000') AS actor_id, data, position
		FROM events WHERE tx >= @from AND tx < @to AND position > @position
		ORDER BY position LIMIT @page`,
		pgx.NamedArgs{"from": at.FromTx, "to": at.ToTx, "position": at.Position, "page": relayPage})
	events, positions := make([]event.Event, len(rows)), make([]int64, len(rows))
	for i, row := range rows {
		events[i], positions[i] = row.Event, row.Position
	}
	return events, positions, err
}

// monthsAhead is how many months' partitions of the events are made in advance.
const monthsAhead = 2

// Partition makes the partitions of the events for the month of now and those
// after it. What no partition was made for lands in the default one.
func (s *Events) Partition(ctx context.Context, now time.Time) error {
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	for range monthsAhead + 1 {
		next := month.AddDate(0, 1, 0)
		name := pgx.Identifier{"events_" + month.Format("2006_01")}.Sanitize()
		var there bool
		if err := s.db.conn(ctx).QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&there); err != nil {
			return err
		}
		if !there {
			// Rows of the month that the default partition holds already (the
			// worker was away at its beginning) keep it from being made: they stay
			// there, and the next months are made as ever.
			_, err := s.db.conn(ctx).Exec(ctx, fmt.Sprintf(
				`CREATE TABLE IF NOT EXISTS %s PARTITION OF events FOR VALUES FROM ('%s') TO ('%s')`,
				name, month.Format(time.RFC3339), next.Format(time.RFC3339)))
			if err != nil && !isCheckViolation(err) {
				return fmt.Errorf("make the events' partition of %s: %w", month.Format("2006-01"), err)
			}
		}
		month = next
	}
	return nil
}

// isCheckViolation reports that rows stand against a constraint.
func isCheckViolation(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23514"
}
