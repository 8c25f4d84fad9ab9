package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/customer"
)

// cartWords is what a customer said of themselves in a change of their cart, as it is kept.
type cartWords struct {
	id                             *uuid.UUID
	keyID, guest, email, recipient *string
	shipping, billing              *customer.Address
}

// told seals what the change says of the customer, for the cart that it is of: this is
// read first, and no other is changed then. Without keys it is kept as it is.
func (s *Carts) told(ctx context.Context, in cart.Lookup, c cart.Change) (cartWords, error) {
	t := cartWords{email: c.Email, recipient: c.Recipient, shipping: c.ShippingAddress, billing: c.BillingAddress}
	if s.db.keys == nil || c.Email == nil && c.Recipient == nil && c.ShippingAddress == nil && c.BillingAddress == nil {
		return t, nil
	}
	found, err := column[uuid.UUID](ctx, s.db, `SELECT c.id FROM carts c WHERE `+ownCart(in.Owner), cartArgs(in, nil))
	if err != nil || len(found) == 0 {
		return t, err
	}
	own := cart.Cart{ID: found[0], ShippingAddress: t.shipping, BillingAddress: t.billing}
	if c.Email != nil {
		own.Email = *c.Email
		if t.guest, err = guest(ctx, s.db.keys, own.Email); err != nil {
			return t, err
		}
	}
	if c.Recipient != nil {
		own.Recipient = *c.Recipient
	}
	if t.keyID, err = s.db.seal(ctx, &own); err != nil {
		return t, err
	}
	t.id, t.shipping, t.billing = &own.ID, own.ShippingAddress, own.BillingAddress
	if c.Email != nil {
		t.email = &own.Email
	}
	if c.Recipient != nil {
		t.recipient = &own.Recipient
	}
	return t, nil
}

// heldInCart is the condition that the cart has something of its customer's.
const heldInCart = `(email <> '' OR recipient <> '' OR shipping_address IS NOT NULL OR billing_address IS NOT NULL)`

// keyAfterTold is the key of the cart c after a change: none, if it holds what another key
// sealed, or none did; the job then seals all of it.
const keyAfterTold = `CASE WHEN @key::text IS NULL THEN c.key_id WHEN c.key_id = @key OR NOT ` + heldInCart + ` THEN @key END`

// openCart opens what is sealed of a cart, or of what is named as one, and finds whoever
// picks it up among it.
func (db *DB) openCart(ctx context.Context, c *cart.Cart) error {
	if err := db.open(ctx, c); err != nil {
		return err
	}
	if c.Recipient == "" && c.ShippingAddress != nil {
		c.Recipient = c.ShippingAddress.Name
	}
	return nil
}
