-- +goose Up
-- Cards that the payment gateway keeps for members: its words for them, and what a receipt prints.
CREATE TABLE saved_cards (
	id uuid PRIMARY KEY,
	brand_id uuid NOT NULL REFERENCES brands (id),
	member_id uuid NOT NULL REFERENCES accounts (id),
	gateway text NOT NULL,
	customer text NOT NULL DEFAULT '',
	setup text NOT NULL DEFAULT '',
	reference text NOT NULL DEFAULT '',
	state text NOT NULL CHECK (state IN ('PENDING', 'KEPT', 'DECLINED', 'REMOVED')),
	network text NOT NULL DEFAULT '',
	last4 text NOT NULL DEFAULT '',
	expiry_year int NOT NULL DEFAULT 0,
	expiry_month int NOT NULL DEFAULT 0 CHECK (expiry_month BETWEEN 0 AND 12),
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	CHECK (state <> 'KEPT' OR reference <> '')
);
CREATE INDEX saved_cards_member ON saved_cards (member_id, created_at DESC);
CREATE INDEX saved_cards_removed ON saved_cards (updated_at) WHERE state = 'REMOVED' AND reference <> '';
CREATE INDEX saved_cards_unfinished ON saved_cards (updated_at) WHERE state IN ('PENDING', 'DECLINED');
ALTER TABLE payments ADD COLUMN card_id uuid REFERENCES saved_cards (id);
ALTER TABLE recurring_orders ADD COLUMN card_id uuid REFERENCES saved_cards (id);
CREATE INDEX recurring_orders_card ON recurring_orders (card_id) WHERE card_id IS NOT NULL;

-- +goose Down
ALTER TABLE recurring_orders DROP COLUMN card_id;
ALTER TABLE payments DROP COLUMN card_id;
DROP TABLE saved_cards;
