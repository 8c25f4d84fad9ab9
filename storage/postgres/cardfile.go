package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/cardfile"
	"github.com/noren-commerce/noren/core/payment"
)

// CardFile keeps what noren knows of members' cards in PostgreSQL.
type CardFile struct{ db *DB }

// NewCardFile makes the store.
func NewCardFile(db *DB) *CardFile { return &CardFile{db} }

const savedCardColumns = `id, brand_id, member_id, gateway, customer, setup, reference, state, network, last4, expiry_year, expiry_month, created_at, updated_at`

// Insert keeps a new card.
func (s *CardFile) Insert(ctx context.Context, c cardfile.Card) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO saved_cards (id, brand_id, member_id, gateway, customer, state, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)`,
		c.ID, c.BrandID, c.MemberID, c.Gateway, c.Customer, c.State, c.CreatedAt)
	return err
}

// Update writes what may change of a card.
func (s *CardFile) Update(ctx context.Context, c cardfile.Card) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE saved_cards SET customer = $2, setup = $3, reference = $4, state = $5, network = $6, last4 = $7, expiry_year = $8, expiry_month = $9, updated_at = $10
		WHERE id = $1`, c.ID, c.Customer, c.Setup, c.Reference, c.State, c.Network, c.Last4, c.ExpiryYear, c.ExpiryMonth, c.UpdatedAt)
	return err
}

// Locked is the card, locked; nil if there is none.
func (s *CardFile) Locked(ctx context.Context, cardID uuid.UUID) (*cardfile.Card, error) {
	return first[cardfile.Card](ctx, s.db, `SELECT `+savedCardColumns+` FROM saved_cards WHERE id = $1 FOR UPDATE`, cardID)
}

// Cards are the cards with the ids.
func (s *CardFile) Cards(ctx context.Context, ids []uuid.UUID) ([]cardfile.Card, error) {
	return collect[cardfile.Card](ctx, s.db, `SELECT `+savedCardColumns+` FROM saved_cards WHERE id = ANY($1)`, ids)
}

// Of are the member's kept cards of the brand, newest first.
func (s *CardFile) Of(ctx context.Context, brandID, memberID uuid.UUID) ([]cardfile.Card, error) {
	return collect[cardfile.Card](ctx, s.db, `
		SELECT `+savedCardColumns+` FROM saved_cards WHERE member_id = $2 AND brand_id = $1 AND state = 'KEPT' ORDER BY created_at DESC, id`, brandID, memberID)
}

// Count locks the member and counts the cards that are kept or about to be.
func (s *CardFile) Count(ctx context.Context, brandID, memberID uuid.UUID) (int, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, `SELECT FROM accounts WHERE id = $1 FOR UPDATE`, memberID); err != nil {
		return 0, err
	}
	return one[int](ctx, s.db, `SELECT count(*) FROM saved_cards WHERE brand_id = $1 AND member_id = $2 AND state IN ('PENDING', 'KEPT')`, brandID, memberID)
}

// Customer is the gateway's word for the member; empty before the first card.
func (s *CardFile) Customer(ctx context.Context, gateway string, memberID uuid.UUID) (string, error) {
	return one[string](ctx, s.db, `
		SELECT coalesce((SELECT customer FROM saved_cards WHERE member_id = $2 AND gateway = $1 AND customer <> '' ORDER BY created_at DESC LIMIT 1), '')`, gateway, memberID)
}

// PaysFor is the number of a recurring order that goes on and is charged to the card.
func (s *CardFile) PaysFor(ctx context.Context, cardID uuid.UUID) (string, error) {
	return one[string](ctx, s.db, `
		SELECT coalesce((SELECT number FROM recurring_orders WHERE card_id = $1 AND state <> 'CANCELLED' AND payment_method = 'CARD' ORDER BY number LIMIT 1), '')`, cardID)
}

// Forgettable are removed cards that the gateway still keeps.
func (s *CardFile) Forgettable(ctx context.Context, most int) ([]cardfile.Card, error) {
	return collect[cardfile.Card](ctx, s.db, `
		SELECT `+savedCardColumns+` FROM saved_cards WHERE state = 'REMOVED' AND reference <> '' ORDER BY updated_at LIMIT $1`, most)
}

// Unfinished are cards whose keeping was begun before the moment and not finished.
func (s *CardFile) Unfinished(ctx context.Context, before time.Time, most int) ([]cardfile.Card, error) {
	return collect[cardfile.Card](ctx, s.db, `
		SELECT `+savedCardColumns+` FROM saved_cards WHERE state IN ('PENDING', 'DECLINED') AND updated_at < $1 ORDER BY updated_at LIMIT $2`, before, most)
}

// Delete deletes a card that is not kept.
func (s *CardFile) Delete(ctx context.Context, cardID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM saved_cards WHERE id = $1 AND state IN ('PENDING', 'DECLINED')`, cardID)
	return err
}

// KeptCard is the kept card, while it is kept; nil otherwise.
func (s *Payments) KeptCard(ctx context.Context, cardID uuid.UUID) (*payment.KeptCard, error) {
	return first[payment.KeptCard](ctx, s.db, `SELECT id, brand_id, member_id, gateway, customer, reference FROM saved_cards WHERE id = $1 AND state = 'KEPT'`, cardID)
}
