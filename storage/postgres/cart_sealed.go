package postgres

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/customer"
)

// cartWords is what a customer said of themselves in a change of their cart, as it is kept.
type cartWords struct {
	keyID, guest, email, recipient *string
	shipping, billing              *customer.Address
}

// told seals what the change says of the customer. Without keys it is kept as it is.
func (s *Carts) told(ctx context.Context, in cart.Lookup, c cart.Change) (cartWords, error) {
	t := cartWords{email: c.Email, recipient: c.Recipient, shipping: c.ShippingAddress, billing: c.BillingAddress}
	if s.db.keys == nil || c.Email == nil && c.Recipient == nil && c.ShippingAddress == nil && c.BillingAddress == nil {
		return t, nil
	}
	var err error
	own := cart.Cart{SealedFor: in.Owner.SealedFor(), ShippingAddress: t.shipping, BillingAddress: t.billing}
	if c.Email != nil {
		own.Email, t.email = *c.Email, &own.Email
		if t.guest, err = guest(ctx, s.db.keys, own.Email); err != nil {
			return t, err
		}
	}
	if c.Recipient != nil {
		own.Recipient, t.recipient = *c.Recipient, &own.Recipient
	}
	t.keyID, err = s.db.seal(ctx, &own)
	t.shipping, t.billing = own.ShippingAddress, own.BillingAddress
	return t, err
}

// cartsTable is how carts are sealed: for their member, or for whoever has the token.
var cartsTable = sealedTable{
	name: "carts", texts: []string{"recipient", "email"}, addresses: []string{"shipping_address", "billing_address"}, found: "guest", holding: heldInCart,
	owner: `coalesce(member_id, substring(encode(token_hash, 'hex') FOR 32)::uuid, id)`,
}

// sealMoved locks the carts that the condition means, which may become the member's, and
// answers what seals those for the member that have: it is queued behind that.
func (db *DB) sealMoved(ctx context.Context, memberID uuid.UUID, which string, args pgx.NamedArgs) (then func(*pgx.Batch), err error) {
	rows, err := read(ctx, db, cartsTable.read()+` WHERE `+which+` FOR UPDATE`, []any{args}, func(rows pgx.Rows) ([]tableRow, error) {
		return pgx.CollectRows(rows, pgx.RowToStructByNameLax[tableRow])
	})
	if err != nil || db.keys == nil {
		return func(*pgx.Batch) {}, err
	}
	keep := cartsTable.keep()
	all := make([][]any, len(rows))
	for i := range rows {
		if all[i], err = (&Personal{db, db.keys}).resealed(ctx, cartsTable, &rows[i], memberID); err != nil {
			return nil, err
		}
		all[i] = append(all[i], memberID)
	}
	return func(batch *pgx.Batch) {
		for _, args := range all {
			batch.Queue(fmt.Sprintf(`%s AND t.member_id = $%d`, keep, len(args)), args...)
		}
	}, nil
}

// heldInCart is the condition that the cart has something of its customer's.
const heldInCart = `(email <> '' OR recipient <> '' OR shipping_address IS NOT NULL OR billing_address IS NOT NULL)`

// keyAfterTold is the key of the cart c after a change: none, if it holds what another key
// sealed, or none did; the job then seals all of it.
const keyAfterTold = `CASE WHEN @key::text IS NULL THEN c.key_id WHEN c.key_id = @key OR NOT ` + heldInCart + ` THEN @key END`

// openCart opens what is sealed of a cart, or of what is named as one, and finds whoever
// picks it up among it: who was named, else whoever would get the parcel.
func (db *DB) openCart(ctx context.Context, c *cart.Cart) error {
	if err := db.open(ctx, c); err != nil {
		return err
	}
	if c.Recipient == "" && c.ShippingAddress != nil {
		c.Recipient = c.ShippingAddress.Name
	}
	return nil
}
