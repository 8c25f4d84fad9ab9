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
	for _, e := range events {
		queueEvent(batch, e)
	}
	if err := s.db.later(ctx, batch); err != nil {
		return err
	}
	s.db.recorded(ctx, events)
	return nil
}

func queueEvent(batch *pgx.Batch, e event.Event) {
	batch.Queue(`
		INSERT INTO events (id, at, type, brand_id, subject, subject_id, actor_role, actor_id, data)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		e.ID, e.At, e.Type, orNull(e.BrandID), e.Subject, e.SubjectID, e.ActorRole, orNull(e.ActorID), e.Data)
}

// orNull turns the zero key into SQL's null.
func orNull(key uuid.UUID) *uuid.UUID {
	if key == uuid.Nil {
		return nil
	}
	return &key
}
