package order

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/member"
)

// masked are the orders as the actor may see them. Staff of a shop read personal data of
// what was bought or is picked up at theirs, leaves it, came back to it, or is their own
// members'; of all others, and of what others' members bought over the counter, they see what they need to take goods back.
func (s *Service) masked(ctx context.Context, orders []Order) ([]Order, error) {
	if !access.From(ctx).Is(access.RoleStoreStaff) || len(orders) == 0 {
		return orders, nil
	}
	ids := make([]uuid.UUID, len(orders))
	for i, o := range orders {
		ids[i] = o.ID
	}
	theirs, err := s.Unmasked(ctx, ids)
	if err != nil {
		return nil, err
	}
	seen := slices.Clone(orders)
	for i := range seen {
		if !slices.Contains(theirs, seen[i].ID) {
			seen[i].mask()
		}
	}
	return seen, nil
}

// Unmasked are those of orders that the actor may see that are not masked for them: what is
// shown beside an order must not tell what the order hides.
func (s *Service) Unmasked(ctx context.Context, orderIDs []uuid.UUID) ([]uuid.UUID, error) {
	actor := access.From(ctx)
	if !actor.Is(access.RoleStoreStaff) || len(orderIDs) == 0 {
		return orderIDs, nil
	}
	return s.store.OfStores(ctx, orderIDs, actor.Stores)
}

func (o *Order) mask() {
	o.Masked, o.Email = true, member.MaskEmail(o.Email)
	o.ShippingAddress = maskAddress(o.ShippingAddress)
	if o.BillingAddress != nil {
		billed := maskAddress(*o.BillingAddress)
		o.BillingAddress = &billed
	}
}

// maskAddress leaves the prefecture and the city, and of the name and the number what a
// shop makes sure by whom it has before it.
func maskAddress(a customer.Address) customer.Address {
	return customer.Address{
		Name: member.MaskName(a.Name), Kana: member.MaskName(a.Kana), Prefecture: a.Prefecture, City: a.City, Line1: member.Hidden, Phone: member.MaskPhone(a.Phone),
	}
}
