-- +goose Up
-- What became of each message: a row here means it is never sent again.
CREATE TABLE sent_messages (
	key        text PRIMARY KEY,
	kind       text NOT NULL,
	brand_id   uuid,
	recipient  text NOT NULL,
	message_id text NOT NULL,
	sent_at    timestamptz, -- null: rejected for good
	rejection  text NOT NULL DEFAULT '',
	at         timestamptz NOT NULL
);
CREATE INDEX sent_messages_recipient ON sent_messages (recipient, at DESC);

-- +goose Down
DROP TABLE sent_messages;
