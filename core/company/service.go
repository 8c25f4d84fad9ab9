// Package company is whom noren trades with on terms (取引条件): companies, who buys
// for them, the groups that customers are put into, and credit.
package company

import (
	"context"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
)

// Store keeps companies and groups.
type Store interface {
	BuyerStore
}

// Tx runs f in one transaction, which the context carries.
type Tx interface {
	InTx(ctx context.Context, f func(context.Context) error) error
}

// Parts are what the service is made of.
type Parts struct {
	Tx     Tx
	Store  Store
	Events event.Recorder
	Now    clock.Clock
}

// Service keeps companies, their buyers and customer groups.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }
