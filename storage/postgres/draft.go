package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/draft"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/sealing"
)

// Drafts keeps draft orders in PostgreSQL.
type Drafts struct {
	db   *DB
	keys *sealing.Keys // of members' addresses
}

// NewDrafts makes the drafts' store.
func NewDrafts(db *DB, keys *sealing.Keys) *Drafts { return &Drafts{db, keys} }

const draftColumns = `d.id, d.number, d.brand_id, d.channel_id, d.shop_id, d.member_id, d.buyer_role, d.name, d.phone, d.email, d.language, d.state, d.revision,
	d.shipping_address, d.billing_address, d.shipping_method_id, d.shipping_mode, d.payment_method, d.convenience_store, d.note, d.message, d.token_hash,
	d.currency, d.total, d.expires_at, d.order_id, d.placed_key, d.placed_by, d.created_by, d.created_at, d.updated_at`

var draftBasket = holder{table: `draft_orders`, lines: `draft_order_lines`, coupons: `draft_order_coupons`, key: `draft_id`, units: true}

// Member is the brand's open member with the id; nil if there is none.
func (s *Drafts) Member(ctx context.Context, brandID, memberID uuid.UUID) (*draft.Member, error) {
	type row struct {
		contact
		Role      access.Role
		Language  string
		Stores    []uuid.UUID
		AddressID *uuid.UUID
		Stored    json.RawMessage
	}
	m, err := first[row](ctx, s.db, `
		SELECT a.id AS account_id, a.name, a.email, a.role, a.language, s.id AS address_id, s.address AS stored,
			ARRAY(SELECT v.id FROM memberships j, unnest(ARRAY[j.registered_store_id, j.home_store_id]) v (id) WHERE j.member_id = a.id AND j.ended_at IS NULL AND v.id IS NOT NULL) AS stores
		FROM accounts a LEFT JOIN LATERAL (
			SELECT s.id, s.address FROM saved_addresses s WHERE s.member_id = a.id AND s.closed_at IS NULL ORDER BY s.is_default DESC, s.created_at LIMIT 1) s ON true
		WHERE a.id = @id AND a.brand_id = @brand AND a.role IN ('MEMBER', 'COMPANY_BUYER') AND a.closed_at IS NULL`,
		pgx.NamedArgs{"id": memberID, "brand": brandID})
	if err != nil || m == nil {
		return nil, err
	}
	member := draft.Member{Name: m.Name, Email: m.Email, Role: m.Role, Language: m.Language, Stores: m.Stores}
	if m.AddressID == nil {
		return &member, nil
	}
	address, err := openAddress(ctx, s.keys, *m.AddressID, m.Stored)
	member.Address = &address
	return &member, err
}

// Known are those of the variants that the brand has.
func (s *Drafts) Known(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]uuid.UUID, error) {
	return read(ctx, s.db, `SELECT id FROM variants WHERE brand_id = $1 AND id = ANY($2)`, []any{brandID, variantIDs}, collectIDs)
}

// Offered reports whether the brand has the active shipping method and the shop.
func (s *Drafts) Offered(ctx context.Context, brandID uuid.UUID, method, shop *uuid.UUID) (hasMethod, hasShop bool, _ error) {
	if method == nil && shop == nil {
		return false, false, nil
	}
	found, err := first[struct{ Method, Shop bool }](ctx, s.db, `
		SELECT EXISTS (SELECT FROM shipping_methods m WHERE m.id = @method AND m.brand_id = @brand AND m.active) AS method,
			EXISTS (SELECT FROM locations l WHERE l.id = @shop AND l.brand_id = @brand AND l.kind = 'SHOP' AND l.active) AS shop`,
		pgx.NamedArgs{"brand": brandID, "method": method, "shop": shop})
	if err != nil {
		return false, false, err
	}
	return found.Method, found.Shop, nil
}

// Insert keeps a new draft.
func (s *Drafts) Insert(ctx context.Context, d draft.Draft) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO draft_orders (id, number, brand_id, channel_id, member_id, buyer_role, language, state, revision, shipping_mode, currency, expires_at, created_by, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)`,
		d.ID, d.Number, d.BrandID, d.ChannelID, d.MemberID, d.BuyerRole, d.Language, d.State, d.Revision, d.ShippingMode, d.Currency, d.ExpiresAt, d.CreatedBy, d.CreatedAt)
	return s.db.later(ctx, batch)
}

// Save writes what may change in a draft.
func (s *Drafts) Save(ctx context.Context, d draft.Draft) error {
	found, err := s.db.found(ctx, d.Name, d.Email, d.Phone)
	if err != nil {
		return err
	}
	keyID, err := s.db.seal(ctx, &d)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE draft_orders SET shop_id = @shop, name = @name, phone = @phone, email = @email, state = @state, revision = @revision,
			shipping_address = @address, billing_address = @billing, shipping_method_id = @method, shipping_mode = @mode, payment_method = @payment,
			convenience_store = @store, note = @note, message = @message, token_hash = @token, total = @total, expires_at = @until,
			order_id = @order, placed_key = @key, placed_by = @by, updated_at = @at, found = @found, key_id = @sealed_by
		WHERE id = @id`, pgx.NamedArgs{
		"id": d.ID, "shop": d.ShopID, "name": d.Name, "phone": d.Phone, "email": d.Email, "state": d.State, "revision": d.Revision,
		"address": d.ShippingAddress, "billing": d.BillingAddress, "method": d.ShippingMethodID, "mode": d.ShippingMode, "payment": d.PaymentMethod,
		"store": d.ConvenienceStore, "note": d.Note, "message": d.Message, "token": d.TokenHash, "total": d.TotalMinor, "until": d.ExpiresAt,
		"order": d.OrderID, "key": d.PlacedKey, "by": d.PlacedBy, "at": d.UpdatedAt,
		"found": found, "sealed_by": keyID,
	})
	return s.db.later(ctx, batch)
}

// SetLines replaces the lines of the draft.
func (s *Drafts) SetLines(ctx context.Context, draftID uuid.UUID, lines []draft.Line) error {
	type row struct {
		ID        uuid.UUID     `json:"id"`
		DraftID   uuid.UUID     `json:"draft_id"`
		Position  int           `json:"position"`
		VariantID uuid.UUID     `json:"variant_id"`
		Quantity  int           `json:"quantity"`
		Choices   []sale.Choice `json:"choices"`
		Unit      *int64        `json:"unit"`
	}
	rows := make([]row, len(lines))
	for i, l := range lines {
		rows[i] = row{l.ID, draftID, l.Position, l.VariantID, l.Quantity, orEmpty(l.Choices), l.UnitMinor}
	}
	raw, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("write down the lines of a draft order: %w", err)
	}
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM draft_order_lines WHERE draft_id = $1`, draftID)
	batch.Queue(`
		INSERT INTO draft_order_lines (id, draft_id, position, variant_id, quantity, choices, unit)
		SELECT id, draft_id, position, variant_id, quantity, choices, unit FROM jsonb_populate_recordset(NULL::draft_order_lines, $1::jsonb)`, string(raw))
	return s.db.later(ctx, batch)
}

// SetCoupons replaces the coupons of the draft.
func (s *Drafts) SetCoupons(ctx context.Context, draftID uuid.UUID, couponIDs []uuid.UUID) error {
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM draft_order_coupons WHERE draft_id = $1`, draftID)
	batch.Queue(`INSERT INTO draft_order_coupons (draft_id, coupon_id, entered_at) SELECT $1, unnest($2::uuid[]), now()`, draftID, couponIDs)
	return s.db.later(ctx, batch)
}

// Lock reads a draft and locks it; nil if there is none.
func (s *Drafts) Lock(ctx context.Context, draftID uuid.UUID) (*draft.Draft, error) {
	return first[draft.Draft](ctx, s.db, `SELECT `+draftColumns+` FROM draft_orders d WHERE d.id = $1 FOR UPDATE`, draftID)
}

// Basket is what the draft holds, as an order takes it.
func (s *Drafts) Basket(ctx context.Context, in cart.Lookup, d draft.Draft) (*cart.Basket, error) {
	return draftBasket.basket(ctx, s.db, in, d.ID, cart.CustomerOf(d.MemberID, d.Email))
}

// Expire ends at most so many drafts whose time is over, and answers them.
func (s *Drafts) Expire(ctx context.Context, at time.Time, most int) ([]draft.Draft, error) {
	return collect[draft.Draft](ctx, s.db, `
		UPDATE draft_orders d SET state = 'EXPIRED', updated_at = @at
		WHERE d.id IN (SELECT id FROM draft_orders WHERE state IN ('OPEN', 'SENT') AND expires_at <= @at ORDER BY expires_at LIMIT @most FOR UPDATE SKIP LOCKED)
		RETURNING `+draftColumns, pgx.NamedArgs{"at": at, "most": most})
}

// Drafts are the drafts with the ids.
func (s *Drafts) Drafts(ctx context.Context, ids []uuid.UUID) ([]draft.Draft, error) {
	return collect[draft.Draft](ctx, s.db, `SELECT `+draftColumns+` FROM draft_orders d WHERE d.id = ANY($1)`, ids)
}

// OfOrders are the drafts that the orders were placed from.
func (s *Drafts) OfOrders(ctx context.Context, orderIDs []uuid.UUID) ([]draft.Draft, error) {
	return collect[draft.Draft](ctx, s.db, `SELECT `+draftColumns+` FROM draft_orders d WHERE d.order_id = ANY($1)`, orderIDs)
}

// List is one page of drafts, newest first.
func (s *Drafts) List(ctx context.Context, q draft.Query) (page.Connection[draft.Draft], error) {
	where := []string{`brand_id = @brand`, `channel_id = @channel`}
	for _, f := range []struct {
		wanted    bool
		condition string
	}{
		{len(q.Stores) > 0, `shop_id = ANY(@stores)`},
		{q.MemberID != nil, `member_id = @member`},
		{len(q.States) > 0, `state = ANY(@states)`},
		{q.Text != "", `(number ILIKE @part OR found && @asked OR (key_id IS NULL AND (name ILIKE @part OR email ILIKE @part OR phone ILIKE @part)))`},
	} {
		if f.wanted {
			where = append(where, f.condition)
		}
	}
	asked, err := s.db.asked(ctx, q.Text)
	if err != nil {
		return page.Connection[draft.Draft]{}, err
	}
	args := pgx.NamedArgs{
		"brand": q.BrandID, "channel": q.ChannelID, "stores": q.Stores, "member": q.MemberID, "states": q.States, "part": `%` + literal(q.Text) + `%`, "asked": asked,
	}
	return newest(ctx, s.db, draftColumns, `draft_orders d`, where, args, q.Page, func(d draft.Draft) newestKey { return newestKey{d.CreatedAt, d.ID} })
}

// Lines are those of the drafts, each draft's in its order.
func (s *Drafts) Lines(ctx context.Context, draftIDs []uuid.UUID) ([]draft.Line, error) {
	return collect[draft.Line](ctx, s.db, `
		SELECT l.id, l.draft_id, l.position, l.variant_id, v.sku, p.name, v.options, l.quantity, l.choices, l.unit, d.currency
		FROM draft_order_lines l JOIN draft_orders d ON d.id = l.draft_id JOIN variants v ON v.id = l.variant_id JOIN products p ON p.id = v.product_id
		WHERE l.draft_id = ANY($1) ORDER BY l.draft_id, l.position`, draftIDs)
}
