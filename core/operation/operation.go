// Package operation keeps the operations that clients have registered: they send
// an id instead of a document, and partners may run nothing else.
package operation

import (
	"context"
	"time"

	"github.com/noren-commerce/noren/core/fault"
)

// Operation is one registered version of a client's operation.
type Operation struct {
	Client       string // "app", "web", "partner": whose manifest it came with
	ID           string // by which it is called
	Name         string
	Kind         string // query, mutation or subscription
	Source       string // the document, its fragments included
	RegisteredAt time.Time
	RetiredAt    *time.Time // when it ceased to be runnable
	Uses         int64      // counted in batches, so a few seconds late
	LastUsedAt   *time.Time
}

// Use is how often an operation was run since the last count.
type Use struct {
	Client string
	ID     string
	Times  int64
	LastAt time.Time
}

// Retirement says which operations cease to be runnable: those of IDs, or, with no
// IDs, all of the client that nobody has run since UnusedSince and that are not
// among Keep.
type Retirement struct {
	Client      string
	IDs         []string
	UnusedSince time.Time
	Keep        []string
	At          time.Time
}

// Store keeps the registry.
type Store interface {
	// Register adds what is new and revives what was retired; it says how many
	// of them were not runnable before.
	Register(ctx context.Context, operations []Operation) (int, error)
	// Runnable are the operations with the id that are not retired.
	Runnable(ctx context.Context, id string) ([]Operation, error)
	// Operations are a client's, or everyone's for an empty client, newest first.
	Operations(ctx context.Context, client string) ([]Operation, error)
	// Retire says how many it retired.
	Retire(ctx context.Context, r Retirement) (int, error)
	// CountUses adds to the counts.
	CountUses(ctx context.Context, uses []Use) error
}

// ErrInvalid says that an operation does not fit the schema.
var ErrInvalid = fault.Invalid("OPERATION_INVALID", "操作%qはスキーマに合いません: %s", "Operation %q does not fit the schema: %s")
