package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/giftcard"
	"github.com/noren-commerce/noren/core/page"
)

// GiftCards keeps gift cards in PostgreSQL.
type GiftCards struct{ db *DB }

// NewGiftCards makes the gift cards' store.
func NewGiftCards(db *DB) *GiftCards { return &GiftCards{db} }

const giftCardColumns = `id, brand_id, batch_id, ending, currency, initial, balance, voided, expires_at, note, created_at, updated_at`

// Insert writes cards with their first entries, by COPY.
func (s *GiftCards) Insert(ctx context.Context, cards []giftcard.NewCard, entries []giftcard.Entry) error {
	columns := []string{"id", "brand_id", "batch_id", "code_hash", "ending", "currency", "initial", "balance", "expires_at", "note", "created_at", "updated_at"}
	_, err := s.db.conn(ctx).CopyFrom(ctx, pgx.Identifier{"gift_cards"}, columns, pgx.CopyFromSlice(len(cards), func(i int) ([]any, error) {
		c := cards[i]
		return []any{c.ID, c.BrandID, c.BatchID, c.Hash, c.Ending, c.Currency, c.InitialMinor, c.BalanceMinor, c.ExpiresAt, c.Note, c.CreatedAt, c.UpdatedAt}, nil
	}))
	if err != nil {
		return err
	}
	_, err = s.db.conn(ctx).CopyFrom(ctx, pgx.Identifier{"gift_card_entries"}, []string{"id", "card_id", "kind", "amount", "actor_id", "at"},
		pgx.CopyFromSlice(len(entries), func(i int) ([]any, error) {
			e := entries[i]
			return []any{e.ID, e.CardID, e.Kind, e.AmountMinor, e.ActorID, e.At}, nil
		}))
	return err
}

// ByHash are the brand's cards with the hashes.
func (s *GiftCards) ByHash(ctx context.Context, brandID uuid.UUID, hashes [][]byte) ([]giftcard.NewCard, error) {
	return collect[giftcard.NewCard](ctx, s.db, `SELECT `+giftCardColumns+`, code_hash FROM gift_cards WHERE brand_id = $1 AND code_hash = ANY($2)`, brandID, hashes)
}

// LockByHash are the same, locked by their ids' order.
func (s *GiftCards) LockByHash(ctx context.Context, brandID uuid.UUID, hashes [][]byte) ([]giftcard.NewCard, error) {
	return collect[giftcard.NewCard](ctx, s.db, `
		SELECT `+giftCardColumns+`, code_hash FROM gift_cards WHERE brand_id = $1 AND code_hash = ANY($2) ORDER BY id FOR UPDATE`, brandID, hashes)
}

// Lock are the brand's cards with the ids, locked by their order.
func (s *GiftCards) Lock(ctx context.Context, brandID uuid.UUID, cardIDs []uuid.UUID) ([]giftcard.Card, error) {
	return collect[giftcard.Card](ctx, s.db, `
		SELECT `+giftCardColumns+` FROM gift_cards WHERE brand_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE`, brandID, cardIDs)
}

// LockExpired are cards that expired before and have a balance.
func (s *GiftCards) LockExpired(ctx context.Context, before time.Time, most int) ([]giftcard.Card, error) {
	return collect[giftcard.Card](ctx, s.db, `
		SELECT `+giftCardColumns+` FROM gift_cards WHERE expires_at <= $1 AND balance > 0 AND NOT voided ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED`, before, most)
}

// Change adds entries and their amounts to the balances, in one statement; the balance's
// own check refuses what would make it fall below zero.
func (s *GiftCards) Change(ctx context.Context, entries []giftcard.Entry) error {
	batch := &pgx.Batch{}
	for _, e := range entries {
		batch.Queue(`
			WITH entry AS (
				INSERT INTO gift_card_entries (id, card_id, kind, amount, order_id, payment_id, reason, actor_id, at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			)
			UPDATE gift_cards SET balance = balance + $4, updated_at = $9 WHERE id = $2`,
			e.ID, e.CardID, e.Kind, e.AmountMinor, e.OrderID, e.PaymentID, e.Reason, e.ActorID, e.At)
	}
	return s.db.later(ctx, batch)
}

// MarkVoid takes cards out of use.
func (s *GiftCards) MarkVoid(ctx context.Context, cardIDs []uuid.UUID, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE gift_cards SET voided = true, updated_at = $2 WHERE id = ANY($1)`, cardIDs, at)
	return err
}

// Extend lets a card live at least until.
func (s *GiftCards) Extend(ctx context.Context, cardID uuid.UUID, until time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE gift_cards SET expires_at = greatest(expires_at, $2) WHERE id = $1`, cardID, until)
	return err
}

// List is one page of a brand's cards, newest first.
func (s *GiftCards) List(ctx context.Context, q giftcard.Query) (page.Connection[giftcard.Card], error) {
	where, args := []string{`brand_id = @brand`}, pgx.NamedArgs{"brand": q.BrandID, "now": q.Now, "ending": q.Ending, "batch": q.BatchID}
	if q.Ending != "" {
		where = append(where, `ending = @ending`)
	}
	if q.BatchID != nil {
		where = append(where, `batch_id = @batch`)
	}
	switch q.State {
	case giftcard.Active:
		where = append(where, `NOT voided AND (expires_at IS NULL OR expires_at > @now)`)
	case giftcard.Expired:
		where = append(where, `NOT voided AND expires_at <= @now`)
	case giftcard.Void:
		where = append(where, `voided`)
	}
	return newest(ctx, s.db, giftCardColumns, `gift_cards`, where, args, q.Page, func(c giftcard.Card) newestKey { return newestKey{c.CreatedAt, c.ID} })
}

// EntriesOf are the changes of the cards' balances, oldest first.
func (s *GiftCards) EntriesOf(ctx context.Context, cardIDs []uuid.UUID) ([]giftcard.Entry, error) {
	return collect[giftcard.Entry](ctx, s.db, `
		SELECT e.id, e.card_id, e.kind, e.amount, c.currency, e.order_id, e.payment_id, e.reason, e.actor_id, e.at
		FROM gift_card_entries e JOIN gift_cards c ON c.id = e.card_id WHERE e.card_id = ANY($1) ORDER BY e.id`, cardIDs)
}
