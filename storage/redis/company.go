package redis

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/company"
)

// termsFor is how long the terms of a buyer are kept; a change makes them
// unreachable at once.
const termsFor = 10 * time.Minute

// Companies is a store of companies that keeps the buyers' terms, which decide with
// whom a buyer shares answers.
type Companies struct {
	company.Store
	terms *Entities[company.Terms]
	inTx  func(context.Context) bool
}

// NewCompanies keeps terms in front of the store. What is read inTx is neither kept
// nor taken from here.
func NewCompanies(store company.Store, client *Client, generations *Generations, inTx func(context.Context) bool) *Companies {
	return &Companies{store, NewEntities[company.Terms](client, generations, "terms", termsFor), inTx}
}

// Terms are the member's terms with the brand.
func (c *Companies) Terms(ctx context.Context, brandID, memberID uuid.UUID) (company.Terms, error) {
	if c.inTx(ctx) {
		return c.Store.Terms(ctx, brandID, memberID)
	}
	found, err := c.terms.Get(ctx, brandID, brandID, []uuid.UUID{memberID}, func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]company.Terms, error) {
		t, err := c.Store.Terms(ctx, brandID, ids[0])
		return map[uuid.UUID]company.Terms{ids[0]: t}, err
	})
	return found[memberID], err
}
