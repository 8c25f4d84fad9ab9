// Package audit lets administrators read what was done (監査ログ).
package audit

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/page"
)

// Entry is a recorded event as administrators read it.
type Entry struct{ event.Event }

// GlobalID is the entry's id in the schema.
func (e Entry) GlobalID() string { return id.Global("AuditEvent", e.ID) }

// SubjectGlobal is the global id of what it happened to.
func (e Entry) SubjectGlobal() string { return id.Global(e.Subject, e.SubjectID) }

// Actor is the global id of who did it; nil for guests and noren itself.
func (e Entry) Actor() *string {
	if e.ActorID == uuid.Nil {
		return nil
	}
	kind := "Account"
	if e.ActorRole == access.RolePartner {
		kind = "Partner"
	}
	actor := id.Global(kind, e.ActorID)
	return &actor
}

// Recorded is what was recorded of it, as JSON.
func (e Entry) Recorded() string { return string(e.Data) }

// Filter says which entries are wanted; what is nil does not count.
type Filter struct {
	SubjectID *uuid.UUID
	Subject   *string
	Type      *string
	ActorID   *uuid.UUID
	From      *time.Time
	To        *time.Time // before it
}

// Store reads events.
type Store interface {
	// Audited is one page of the events of the brand and of no brand, newest first.
	Audited(ctx context.Context, brandID uuid.UUID, f Filter, args page.Args) (page.Connection[Entry], error)
}

// Log answers what was done.
type Log struct{ store Store }

// NewLog makes the log.
func NewLog(store Store) *Log { return &Log{store} }

// List is one page of what was done in the context's brand and to what all brands share,
// newest first; for administrators.
func (l *Log) List(ctx context.Context, f Filter, args page.Args) (page.Connection[Entry], error) {
	if !access.From(ctx).Is(access.RoleAdmin, access.RoleSystem) {
		return page.Connection[Entry]{}, fault.ErrForbidden
	}
	if f.From != nil && f.To != nil && !f.From.Before(*f.To) {
		return page.Connection[Entry]{}, fault.ErrPeriod.At("filter.to")
	}
	return l.store.Audited(ctx, channel.From(ctx).BrandID, f, args)
}
