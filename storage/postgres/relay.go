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
// the same relay; one of them works at a time.
//
// Positions are given out before commit, so a lower one may appear after a higher.
// A relay therefore tells what one snapshot sees and the one before did not, by
// position. Whoever changes a subject has locked it and so comes after all that
// was recorded of it before: a snapshot that sees an event sees those as well.
type Relay struct {
	db   *DB
	name string
}

// NewRelay makes the relay of the name. Each name has come so far by itself, from
// the first event on.
func NewRelay(db *DB, name string) *Relay { return &Relay{db, name} }

// relayPage is how many events are told in one go.
const relayPage = 1000

// cursor is how far a relay has come: the events that Told sees are told, those
// that Telling sees are told up to Position.
type cursor struct {
	Told, Telling     string
	Position, Highest int64
}

// nothing is a snapshot that sees no transaction.
const nothing = "3:3:"

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
			at.Told, at.Position = at.Telling, 0
		}
		_, err = r.db.conn(ctx).Exec(ctx, `
			UPDATE event_relays SET told = $2::text::pg_snapshot, telling = $3::text::pg_snapshot, position = $4, highest = $5
			WHERE name = $1`, r.name, at.Told, at.Telling, at.Position, at.Highest)
		return err
	})
	return told, err
}

// turn locks the cursor and takes a new snapshot if all that the last one saw is
// told; nil when another process has the turn.
func (r *Relay) turn(ctx context.Context) (*cursor, error) {
	at, err := first[cursor](ctx, r.db, `
		SELECT told::text, telling::text, position, highest FROM event_relays WHERE name = $1 FOR UPDATE SKIP LOCKED`, r.name)
	if err != nil {
		return nil, err
	}
	if at == nil {
		_, err := r.db.conn(ctx).Exec(ctx, `
			INSERT INTO event_relays (name, told, telling, position, highest) VALUES ($1, $2::text::pg_snapshot, $2::text::pg_snapshot, 0, 0)
			ON CONFLICT DO NOTHING`, r.name, nothing)
		return nil, err // its first turn is the next one
	}
	if at.Told != at.Telling {
		return at, nil
	}
	type look struct {
		Now   string
		Alien bool
	}
	now, err := first[look](ctx, r.db, `
		SELECT pg_current_snapshot()::text AS now,
			pg_snapshot_xmax(pg_current_snapshot()) < pg_snapshot_xmin($1::text::pg_snapshot) AS alien`, at.Told)
	if err != nil {
		return nil, err
	}
	if now.Alien {
		// The data came from another cluster (a dump), where transactions had
		// higher numbers. What is recorded from here on is told.
		at.Told, at.Position = nothing, at.Highest
	}
	at.Telling = now.Now
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
		FROM events
		WHERE tx >= pg_snapshot_xmin(@told::text::pg_snapshot) AND NOT pg_visible_in_snapshot(tx, @told::text::pg_snapshot)
			AND pg_visible_in_snapshot(tx, @telling::text::pg_snapshot) AND position > @position
		ORDER BY position LIMIT @page`,
		pgx.NamedArgs{"told": at.Told, "telling": at.Telling, "position": at.Position, "page": relayPage})
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
