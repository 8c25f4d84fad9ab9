package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/event"
)

// Events keeps domain events in PostgreSQL.
type Events struct{ db *DB }

// NewEvents makes the events' store.
func NewEvents(db *DB) *Events { return &Events{db} }

// Record adds the events in the transaction of the context; they travel with what
// comes next.
func (s *Events) Record(ctx context.Context, events ...event.Event) error {
	batch := &pgx.Batch{}
	queueEvents(batch, events...)
	if err := s.db.later(ctx, batch); err != nil {
		return err
	}
	s.db.recorded(ctx, events)
	return nil
}

var recordEvents = forRows("id uuid, at timestamptz, type text, brand_id uuid, subject text, subject_id uuid, actor_role text, actor_id uuid, data text", `
	INSERT INTO events (id, at, type, brand_id, subject, subject_id, actor_role, actor_id, data)
	SELECT id, at, type, brand_id, subject, subject_id, actor_role, actor_id, data::jsonb FROM ROWS`)

// queueEvents queues one statement for all.
func queueEvents(batch *pgx.Batch, events ...event.Event) {
	n := len(events)
	if n == 0 {
		return
	}
	ids, subjectIDs, times := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]time.Time, n)
	brands, actors := make([]*uuid.UUID, n), make([]*uuid.UUID, n)
	types, subjects, roles, data := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, e := range events {
		ids[i], times[i], types[i], brands[i], subjects[i], subjectIDs[i] = e.ID, e.At, e.Type, orNull(e.BrandID), e.Subject, e.SubjectID
		roles[i], actors[i], data[i] = string(e.ActorRole), orNull(e.ActorID), "null"
		if e.Data != nil {
			data[i] = string(e.Data)
		}
	}
	recordEvents.queue(batch, ids, times, types, brands, subjects, subjectIDs, roles, actors, data)
}

// orNull turns the zero key into SQL's null.
func orNull(key uuid.UUID) *uuid.UUID {
	if key == uuid.Nil {
		return nil
	}
	return &key
}
