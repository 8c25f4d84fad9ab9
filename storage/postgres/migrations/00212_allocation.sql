-- +goose Up
-- What counts when the goods of a channel's orders are looked for, beside the order of the
-- locations: the most important first.
ALTER TABLE channels ADD COLUMN allocation text[] NOT NULL DEFAULT '{}'
	CHECK (allocation <@ ARRAY['NEAREST', 'SINGLE_PARCEL', 'SHOPS_LAST']);

-- +goose Down
ALTER TABLE channels DROP COLUMN allocation;
