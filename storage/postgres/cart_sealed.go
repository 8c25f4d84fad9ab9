package postgres

import (
	"cmp"
	"context"

	"github.com/noren-commerce/noren/core/cart"
)

// openCart opens what is sealed of a cart, or of what is named as one, and finds whoever
// picks it up among it: who was named, else whoever would get the parcel, else its member.
func (db *DB) openCart(ctx context.Context, c *cart.Cart) error {
	if err := db.open(ctx, c); err != nil {
		return err
	}
	if c.Recipient == "" && c.ShippingAddress != nil {
		c.Recipient = c.ShippingAddress.Name
	}
	c.Recipient = cmp.Or(c.Recipient, c.MemberName)
	return nil
}
