package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/wishlist"
)

// WishLists keeps members' wishes in PostgreSQL.
type WishLists struct{ db *DB }

// NewWishLists makes the wishes' store.
func NewWishLists(db *DB) *WishLists { return &WishLists{db} }

const (
	wishListColumns = `l.id, l.brand_id, l.member_id, l.name, l.token, l.created_at, l.updated_at, l.closed_at`
	wishColumns     = `w.id, w.list_id, w.channel_id, w.variant_id, w.quantity, w.note, w.notify, w.language, w.price, w.sold_out, w.added_at`
)

// Lock holds the member against other changes until the transaction ends; false if
// there is no such open account.
func (s *WishLists) Lock(ctx context.Context, memberID uuid.UUID) (bool, error) {
	return (&Customers{db: s.db}).Lock(ctx, memberID)
}

// Lists are the member's open lists with the brand, the oldest first.
func (s *WishLists) Lists(ctx context.Context, brandID, memberID uuid.UUID) ([]wishlist.List, error) {
	return collect[wishlist.List](ctx, s.db, `
		SELECT `+wishListColumns+` FROM wish_lists l
		WHERE l.member_id = $1 AND l.brand_id = $2 AND l.closed_at IS NULL ORDER BY l.id`, memberID, brandID)
}

// Shared is the open list of the brand with the token; nil if there is none.
func (s *WishLists) Shared(ctx context.Context, brandID uuid.UUID, token string) (*wishlist.List, error) {
	return first[wishlist.List](ctx, s.db, `
		SELECT `+wishListColumns+` FROM wish_lists l JOIN accounts a ON a.id = l.member_id
		WHERE l.token = $1 AND l.brand_id = $2 AND l.closed_at IS NULL AND a.closed_at IS NULL`, token, brandID)
}

// SaveList keeps the list, new or changed.
func (s *WishLists) SaveList(ctx context.Context, l wishlist.List) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO wish_lists (id, brand_id, member_id, name, token, created_at, updated_at, closed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET name = $4, token = $5, updated_at = $7, closed_at = $8`,
		l.ID, l.BrandID, l.MemberID, l.Name, l.Token, l.CreatedAt, l.UpdatedAt, l.ClosedAt)
	return err
}

// Wishes are what lists hold, the newest first.
func (s *WishLists) Wishes(ctx context.Context, listIDs []uuid.UUID) ([]wishlist.Wish, error) {
	return collect[wishlist.Wish](ctx, s.db, `
		SELECT `+wishColumns+` FROM wishes w WHERE w.list_id = ANY($1) ORDER BY w.list_id, w.id DESC`, listIDs)
}

// SaveWish keeps the wish, new or changed.
func (s *WishLists) SaveWish(ctx context.Context, w wishlist.Wish) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO wishes (id, list_id, channel_id, variant_id, quantity, note, notify, language, price, sold_out, added_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (id) DO UPDATE SET channel_id = $3, quantity = $5, note = $6, notify = $7, language = $8, price = $9, sold_out = $10`,
		w.ID, w.ListID, w.ChannelID, w.VariantID, w.Quantity, w.Note, w.Notify, w.Language, w.Price, w.SoldOut, w.AddedAt)
	return err
}

// RemoveWish forgets the wish.
func (s *WishLists) RemoveWish(ctx context.Context, wishID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM wishes WHERE id = $1`, wishID)
	return err
}

// View notes that a member looked at a product that the channel shows, keeps the
// newest so many, and reports whether there is such a product.
func (s *WishLists) View(ctx context.Context, memberID uuid.UUID, c channel.Channel, productID uuid.UUID, keep int, at time.Time) (bool, error) {
	return one[bool](ctx, s.db, `
		WITH looked AS (
			INSERT INTO product_views (member_id, brand_id, product_id, viewed_at)
			SELECT @member, @brand, p.id, @at FROM products p JOIN product_listings l ON l.product_id = p.id AND l.channel_id = @channel
			WHERE p.id = @product AND p.status = 'ACTIVE' AND l.published AND l.published_at <= @at AND l.retired_at > @at
			ON CONFLICT (member_id, brand_id, product_id) DO UPDATE SET viewed_at = excluded.viewed_at
			RETURNING product_id
		), forgotten AS (
			DELETE FROM product_views WHERE member_id = @member AND brand_id = @brand AND product_id IN (
				SELECT v.product_id FROM product_views v WHERE v.member_id = @member AND v.brand_id = @brand
				ORDER BY v.viewed_at DESC OFFSET @keep)
		) SELECT EXISTS (SELECT FROM looked)`,
		pgx.NamedArgs{"member": memberID, "brand": c.BrandID, "channel": c.ID, "product": productID, "keep": keep, "at": at})
}

// Viewed are the products that the member looked at, the newest first.
func (s *WishLists) Viewed(ctx context.Context, brandID, memberID uuid.UUID, most int) ([]uuid.UUID, error) {
	return read(ctx, s.db, `
		SELECT product_id FROM product_views WHERE member_id = $1 AND brand_id = $2 ORDER BY viewed_at DESC LIMIT $3`,
		[]any{memberID, brandID, most}, collectIDs)
}

// Watched are the watched wishes of the members behind the given one, whole members
// only: about so many wishes, and at least one member's. What the channel does not
// sell at the moment is left out.
func (s *WishLists) Watched(ctx context.Context, behind uuid.UUID, about int) ([]wishlist.Watched, error) {
	return collect[wishlist.Watched](ctx, s.db, `
		SELECT * FROM (
			SELECT `+wishColumns+`, l.member_id, a.role, a.name, a.email, p.name AS product, p.slug, v.options
			FROM wish_lists l JOIN wishes w ON w.list_id = l.id AND w.notify
			JOIN accounts a ON a.id = l.member_id AND a.closed_at IS NULL
			JOIN variants v ON v.id = w.variant_id AND v.active JOIN products p ON p.id = v.product_id AND p.status = 'ACTIVE'
			JOIN product_listings s ON s.product_id = p.id AND s.channel_id = w.channel_id
			WHERE l.closed_at IS NULL AND l.member_id > $1 AND s.published AND s.published_at <= now() AND s.retired_at > now()
			ORDER BY l.member_id FETCH FIRST $2 ROWS WITH TIES
		) watched ORDER BY member_id, channel_id, language, id`, behind, about)
}

// Place is the member behind whom the last look at wishes broke off.
func (s *WishLists) Place(ctx context.Context) (uuid.UUID, error) {
	return one[uuid.UUID](ctx, s.db, `SELECT behind FROM wish_watch`)
}

// KeepPlace keeps it.
func (s *WishLists) KeepPlace(ctx context.Context, behind uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE wish_watch SET behind = $1`, behind)
	return err
}

// Silence lets the member, or in whose place another goes on by now, be told of no wish any
// more.
func (s *WishLists) Silence(ctx context.Context, brandID, memberID uuid.UUID) (int, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		WITH RECURSIVE chain AS (
			SELECT $2::uuid AS id UNION ALL SELECT m.merged_into FROM members m JOIN chain c ON m.id = c.id WHERE m.merged_into IS NOT NULL
		)
		UPDATE wishes w SET notify = false, price = NULL, sold_out = NULL FROM wish_lists l
		WHERE l.id = w.list_id AND l.brand_id = $1 AND l.member_id IN (SELECT id FROM chain) AND w.notify`, brandID, memberID)
	return int(tag.RowsAffected()), err
}

// Noted keeps what was seen of wishes.
func (s *WishLists) Noted(ctx context.Context, wishes []wishlist.Wish) error {
	batch := &pgx.Batch{}
	for _, w := range wishes {
		batch.Queue(`UPDATE wishes SET price = $2, sold_out = $3 WHERE id = $1`, w.ID, w.Price, w.SoldOut)
	}
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}
