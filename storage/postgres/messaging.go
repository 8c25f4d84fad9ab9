package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/messaging"
)

// Messages keeps the log of sent messages in PostgreSQL.
type Messages struct{ db *DB }

// NewMessages makes the messages' log.
func NewMessages(db *DB) *Messages { return &Messages{db} }

// Settled reports whether the message has been sent or rejected for good.
func (s *Messages) Settled(ctx context.Context, key string) (bool, error) {
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM sent_messages WHERE key = $1)`, key)
}

// Record remembers what became of a message.
func (s *Messages) Record(ctx context.Context, d messaging.Delivery) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO sent_messages (key, kind, brand_id, recipient, message_id, sent_at, rejection, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (key) DO NOTHING`,
		d.Key, d.Kind, orNull(d.BrandID), d.Recipient, d.MessageID, d.SentAt, d.Rejection, d.At)
	return err
}

// ShopName is the name of a brand as customers know it.
func (s *Messages) ShopName(ctx context.Context, brandID uuid.UUID) (i18n.Text, error) {
	return one[i18n.Text](ctx, s.db, `SELECT name FROM brands WHERE id = $1`, brandID)
}
