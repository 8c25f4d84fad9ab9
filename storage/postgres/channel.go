package postgres

import (
	"context"

	"github.com/noren-commerce/noren/core/channel"
)

// Channels keeps brands and channels in PostgreSQL.
type Channels struct{ db *DB }

// NewChannels makes the channels' store.
func NewChannels(db *DB) *Channels { return &Channels{db} }

// Channels are all channels, oldest first.
func (s *Channels) Channels(ctx context.Context) ([]channel.Channel, error) {
	return collect[channel.Channel](ctx, s.db, `
		SELECT id, brand_id, code, name, currency, default_locale, locales, time_zone, price_list_id, hosts, tax_inclusive, allocation, approval_days
		FROM channels ORDER BY created_at, id`)
}

// Brands are all brands, oldest first.
func (s *Channels) Brands(ctx context.Context) ([]channel.Brand, error) {
	return collect[channel.Brand](ctx, s.db, `SELECT id, code, name FROM brands ORDER BY created_at, id`)
}
