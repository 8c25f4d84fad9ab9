-- +goose Up
-- Prizes (景品): what members get for their points, or win.
CREATE TABLE prizes (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	programme_id uuid NOT NULL REFERENCES point_programmes,
	kind         text NOT NULL CHECK (kind IN ('GOODS')),
	code         text NOT NULL DEFAULT '',              -- as the warehouse calls it
	name         jsonb NOT NULL,
	description  jsonb NOT NULL DEFAULT '{}',
	points       bigint NOT NULL CHECK (points >= 0),   -- of a piece; 0: in draws only
	stock        bigint NOT NULL CHECK (stock >= 0),    -- pieces that are left
	member_limit int CHECK (member_limit > 0),          -- for each member
	limit_days   int CHECK (limit_days > 0),            -- within so many days; null: ever
	valid_from   timestamptz,
	valid_until  timestamptz,
	min_rank_id  uuid REFERENCES member_ranks,
	segment_id   uuid REFERENCES segments,
	created_at   timestamptz NOT NULL,
	updated_at   timestamptz NOT NULL,
	closed_at    timestamptz
);
CREATE INDEX prizes_brand ON prizes (brand_id, created_at DESC, id DESC);

-- What members exchanged or won, and where it goes. Addresses are sealed.
CREATE TABLE prize_exchanges (
	id              uuid PRIMARY KEY,
	prize_id        uuid NOT NULL REFERENCES prizes,
	brand_id        uuid NOT NULL REFERENCES brands,
	programme_id    uuid NOT NULL REFERENCES point_programmes,
	member_id       uuid NOT NULL,
	quantity        int NOT NULL CHECK (quantity > 0),
	points          bigint NOT NULL CHECK (points >= 0), -- for all pieces
	state           text NOT NULL CHECK (state IN ('REQUESTED', 'PACKED', 'SHIPPED', 'DELIVERED', 'CANCELLED')),
	address         jsonb,
	key_id          text,                                -- that sealed it
	carrier         text NOT NULL DEFAULT '',
	tracking_number text NOT NULL DEFAULT '',
	reason          text NOT NULL DEFAULT '',            -- why it was cancelled
	created_at      timestamptz NOT NULL,
	updated_at      timestamptz NOT NULL,
	shipped_at      timestamptz,
	delivered_at    timestamptz
);
CREATE INDEX prize_exchanges_brand ON prize_exchanges (brand_id, created_at DESC, id DESC);
CREATE INDEX prize_exchanges_member ON prize_exchanges (member_id, created_at DESC, id DESC);
CREATE INDEX prize_exchanges_prize ON prize_exchanges (prize_id, member_id);
CREATE INDEX prize_exchanges_open ON prize_exchanges (brand_id, created_at) WHERE state IN ('REQUESTED', 'PACKED');
CREATE INDEX prize_exchanges_key ON prize_exchanges (key_id) WHERE address IS NOT NULL;

ALTER TABLE point_entries DROP CONSTRAINT point_entries_kind_check;
ALTER TABLE point_entries ADD CONSTRAINT point_entries_kind_check CHECK (kind IN ('EARN', 'CONFIRM', 'SETTLE', 'TAKE_BACK', 'USE', 'RETURN', 'REFUND', 'EXPIRE', 'GRANT', 'DEDUCT',
	'TRANSFER_OUT', 'TRANSFER_IN', 'EXCHANGE_OUT', 'EXCHANGE_IN', 'SEND', 'SENT', 'SEND_BACK', 'RECEIVE', 'OPENING', 'MERGE_OUT', 'MERGE_IN', 'PRIZE', 'PRIZE_BACK')) NOT VALID;
ALTER TABLE point_entries VALIDATE CONSTRAINT point_entries_kind_check;

-- +goose Down
ALTER TABLE point_entries DROP CONSTRAINT point_entries_kind_check;
ALTER TABLE point_entries ADD CONSTRAINT point_entries_kind_check CHECK (kind IN ('EARN', 'CONFIRM', 'SETTLE', 'TAKE_BACK', 'USE', 'RETURN', 'REFUND', 'EXPIRE', 'GRANT', 'DEDUCT',
	'TRANSFER_OUT', 'TRANSFER_IN', 'EXCHANGE_OUT', 'EXCHANGE_IN', 'SEND', 'SENT', 'SEND_BACK', 'RECEIVE', 'OPENING', 'MERGE_OUT', 'MERGE_IN')) NOT VALID;
DROP TABLE prize_exchanges, prizes;
