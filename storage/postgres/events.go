package postgres

import (
	"context"

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

// queueEvents queues one statement for all.
func queueEvents(batch *pgx.Batch, events ...event.Event) {
	if len(events) == 0 {
		return
	}
	if e := events[0]; len(events) == 1 {
		batch.Queue(`
			INSERT INTO events (id, at, type, brand_id, subject, subject_id, actor_role, actor_id, data)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			e.ID, e.At, e.Type, orNull(e.BrandID), e.Subject, e.SubjectID, e.ActorRole, orNull(e.ActorID), e.Data)
		return
	}
	rows := make([]map[string]any, len(events))
	for i, e := range events {
		rows[i] = map[string]any{
			"id": e.ID, "at": e.At, "type": e.Type, "brand_id": orNull(e.BrandID), "subject": e.Subject, "subject_id": e.SubjectID,
			"actor_role": e.ActorRole, "actor_id": orNull(e.ActorID), "data": e.Data,
		}
	}
	batch.Queue(`
		INSERT INTO events (id, at, type, brand_id, subject, subject_id, actor_role, actor_id, data)
		SELECT id, at, type, brand_id, subject, subject_id, actor_role, actor_id, coalesce(data, 'null')
		FROM jsonb_to_recordset($1) AS e (id uuid, at timestamptz, type text, brand_id uuid, subject text, subject_id uuid,
			actor_role text, actor_id uuid, data jsonb)`, rows)
}

// orNull turns the zero key into SQL's null.
func orNull(key uuid.UUID) *uuid.UUID {
	if key == uuid.Nil {
		return nil
	}
	return &key
}
