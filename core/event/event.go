// Package event is what happened: domain events recorded in the transaction that
// caused them. They are the audit history and the source of every message sent.
package event

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/id"
)

// Event is one thing that happened to one subject. It never changes.
type Event struct {
	ID        uuid.UUID
	At        time.Time
	Type      string // "order.placed", "product.updated"
	BrandID   uuid.UUID
	Subject   string // kind of the entity: "Order"
	SubjectID uuid.UUID
	ActorRole access.Role
	ActorID   uuid.UUID
	Data      json.RawMessage // what the event's consumers need; for changes: before and after
}

// Recorder keeps events in the transaction of the context.
type Recorder interface {
	Record(ctx context.Context, events ...Event) error
}

// New makes the event of something that the context's actor did in its channel.
// data must marshal to JSON; what does not is recorded as null.
func New(ctx context.Context, at time.Time, eventType, subject string, subjectID uuid.UUID, data any) Event {
	raw, err := json.Marshal(data)
	if err != nil {
		raw = json.RawMessage("null")
	}
	actor := access.From(ctx)
	return Event{
		ID: id.New(), At: at, Type: eventType, BrandID: channel.From(ctx).BrandID,
		Subject: subject, SubjectID: subjectID,
		ActorRole: actor.Role, ActorID: actor.ID, Data: raw,
	}
}
