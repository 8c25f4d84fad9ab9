package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/sealing"
)

// Messages keeps the log of sent messages in PostgreSQL. Of whom a message went to it keeps
// a keyed hash: the log outlives an erasure.
type Messages struct {
	db   *DB
	keys *sealing.Keys
}

// NewMessages makes the messages' log.
func NewMessages(db *DB, keys *sealing.Keys) *Messages { return &Messages{db, keys} }

// Settled reports whether the message has been sent or rejected for good.
func (s *Messages) Settled(ctx context.Context, key string) (bool, error) {
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM sent_messages WHERE key = $1)`, key)
}

// Record remembers what became of a message.
func (s *Messages) Record(ctx context.Context, d messaging.Delivery) error {
	hash, err := s.keys.Hash(ctx, "email", sealing.Email(d.Recipient))
	if err != nil {
		return err
	}
	_, err = s.db.conn(ctx).Exec(ctx, `
		INSERT INTO sent_messages (key, kind, brand_id, recipient_hash, message_id, sent_at, rejection, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (key) DO NOTHING`,
		d.Key, d.Kind, orNull(d.BrandID), hash, d.MessageID, d.SentAt, d.Rejection, d.At)
	return err
}

// HashRecipients puts a keyed hash where an older version kept an address in clear, some
// hundred in a transaction: broken off, the next run goes on.
func (s *Messages) HashRecipients(ctx context.Context) error {
	for {
		n := 0
		err := s.db.InTx(ctx, func(ctx context.Context) error {
			rows, err := collect[struct{ Key, Recipient string }](ctx, s.db, `
				SELECT key, recipient FROM sent_messages WHERE recipient <> '' LIMIT $1 FOR UPDATE SKIP LOCKED`, resealAtOnce)
			if err != nil {
				return err
			}
			batch := &pgx.Batch{}
			for _, r := range rows {
				hash, err := s.keys.Hash(ctx, "email", sealing.Email(r.Recipient))
				if err != nil {
					return err
				}
				batch.Queue(`UPDATE sent_messages SET recipient = '', recipient_hash = $2 WHERE key = $1`, r.Key, hash)
			}
			n = len(rows)
			return s.db.conn(ctx).SendBatch(ctx, batch).Close()
		})
		if err != nil || n < resealAtOnce {
			return wrapped("hash to whom messages went", err)
		}
	}
}

// ShopName is the name of a brand as customers know it.
func (s *Messages) ShopName(ctx context.Context, brandID uuid.UUID) (i18n.Text, error) {
	return one[i18n.Text](ctx, s.db, `SELECT name FROM brands WHERE id = $1`, brandID)
}
