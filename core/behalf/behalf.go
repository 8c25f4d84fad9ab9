// Package behalf lets staff, and noren itself, buy for a customer: what is bought is
// shown, priced and judged as for that customer.
package behalf

import (
	"cmp"
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/scope"
)

// Buyer is for whom somebody else buys.
type Buyer struct {
	MemberID *uuid.UUID  // nil for a guest
	Role     access.Role // of the member
	Guest    uuid.UUID   // whose idempotency keys a guest's are
	Token    string      // the guest's key to the order; empty while there is none
	Language string
}

// In is the context in which the buyer acts.
func (b Buyer) In(ctx context.Context) context.Context {
	buyer := access.Actor{Role: access.RoleGuest, ID: b.Guest, CartToken: b.Token, Address: access.From(ctx).Address}
	if b.MemberID != nil {
		buyer.Role, buyer.ID, buyer.CartToken = b.Role, *b.MemberID, ""
	}
	return access.With(i18n.WithLanguage(ctx, cmp.Or(b.Language, i18n.Language(ctx))), buyer)
}

// Audience is for whom prices of the buyer are.
func (b Buyer) Audience() scope.Audience {
	if b.MemberID == nil {
		return scope.All
	}
	return scope.Audience{Kind: scope.Member, ID: *b.MemberID}
}
