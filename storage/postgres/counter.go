package postgres

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/membercode"
	"github.com/noren-commerce/noren/core/order"
)

// SaleBasket is goods as the shop has them; nil if the brand has no such shop.
func (s *Orders) SaleBasket(ctx context.Context, by cart.Lookup, in order.SellInput) (*cart.Basket, error) {
	lines := in.Lines
	keys, variants, quantities := make([]uuid.UUID, len(lines)), make([]uuid.UUID, len(lines)), make([]int, len(lines))
	for i, l := range lines {
		keys[i], variants[i], quantities[i] = id.New(), l.VariantID, l.Quantity
	}
	slices.SortFunc(keys, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }) // lines are read by their keys
	names, err := s.db.counted(ctx, cart.CustomerOf(by.Owner.MemberID, in.Email))
	if err != nil {
		return nil, err
	}
	args := cartArgs(by, pgx.NamedArgs{"shop": in.ShopID, "customers": names, "keys": keys, "variants": variants, "quantities": quantities})
	var b cart.Basket
	found := false
	batch := &pgx.Batch{}
	queueRows(batch, &[]cart.Cart{}, func(rows []cart.Cart) {
		if found = len(rows) > 0; found {
			b.Cart = rows[0]
		}
	}, `SELECT coalesce(@member, @none)::uuid AS id, o.brand_id, @channel::uuid AS channel_id, @member::uuid AS member_id, coalesce(a.email, '') AS email, NULL::jsonb AS shipping_address,
			NULL::jsonb AS billing_address, NULL::uuid AS shipping_method_id, 'PICK_UP' AS shipping_mode, o.id AS shop_id, NULL::text AS payment_method,
			@at::timestamptz AS updated_at, coalesce(a.name, '') AS recipient, jsonb_build_object('name', o.name, 'address', o.address, 'days', 1) AS pick_up,
			NULL::jsonb AS delivery, NULL::date AS deliver_on, '' AS delivery_band, '[]'::jsonb AS entered
		FROM locations o LEFT JOIN accounts a ON a.id = @member WHERE o.id = @shop AND o.brand_id = @brand AND o.kind IN ('SHOP', 'EVENT') AND o.active`, args)
	args["none"] = uuid.Nil
	batch.Queue(`SELECT EXISTS (SELECT FROM locations WHERE id = @shop AND kind = 'EVENT')`, args).QueryRow(func(row pgx.Row) error { return row.Scan(&b.AtEvent) })
	queueContents(batch, basketLines{
		`(SELECT u.id, u.variant_id, u.quantity, '[]'::jsonb AS choices FROM unnest(@keys::uuid[], @variants::uuid[], @quantities::int[]) AS u (id, variant_id, quantity)
			JOIN variants x ON x.id = u.variant_id AND x.brand_id = @brand) k`,
		`true`, share, `o.id = @shop`,
	}, args, &b)
	if err := s.db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil || !found {
		return nil, err
	}
	// What is known of the member is sealed with their account, whose id it has been read with.
	err = s.db.open(ctx, &b.Cart)
	b.Cart.ID = uuid.Nil
	return &b, err
}

// MemberCodes remembers members' codes that were used.
type MemberCodes struct{ db *DB }

// NewMemberCodes makes the store.
func NewMemberCodes(db *DB) *MemberCodes { return &MemberCodes{db} }

// Use notes that the code was used, and forgets those that are too old to be used again.
func (s *MemberCodes) Use(ctx context.Context, nonce, memberID uuid.UUID, at, until time.Time) (bool, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM member_code_uses WHERE expires_at < $1`, at.Add(-time.Hour)); err != nil {
		return false, err
	}
	tag, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO member_code_uses (nonce, member_id, used_at, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, nonce, memberID, at, until)
	return tag.RowsAffected() > 0, err
}

// Role is the role of the member with the account; empty if it is closed.
func (s *MemberCodes) Role(ctx context.Context, memberID uuid.UUID) (access.Role, error) {
	return one[access.Role](ctx, s.db, `SELECT coalesce((SELECT role FROM accounts WHERE id = $1 AND closed_at IS NULL), '')`, memberID)
}

// Holder is the brand's member who has the card, while both can be used.
func (s *MemberCodes) Holder(ctx context.Context, brandID uuid.UUID, number string) (*membercode.Holder, error) {
	return first[membercode.Holder](ctx, s.db, `
		SELECT c.member_id, coalesce(a.role, 'MEMBER') AS role
		FROM member_cards c JOIN members m ON m.id = c.member_id AND m.erased_at IS NULL AND m.merged_into IS NULL
		JOIN memberships j ON j.member_id = m.id AND j.brand_id = c.brand_id AND j.ended_at IS NULL
		LEFT JOIN accounts a ON a.id = m.id
		WHERE c.number = $1 AND c.brand_id = $2 AND c.state = 'ACTIVE' AND (a.id IS NULL OR (a.closed_at IS NULL AND a.role IN ('MEMBER', 'COMPANY_BUYER')))`, number, brandID)
}
