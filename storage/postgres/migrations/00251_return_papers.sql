-- +goose Up

-- Where parcels with returned goods go; null: nobody has said, and no slip is printed.
ALTER TABLE return_rules ADD COLUMN address jsonb;

-- What customers and staff show of returned goods: JPEG that noren has drawn itself. They
-- are the customer's data, and go with it.
CREATE TABLE return_photos (
	id        uuid PRIMARY KEY,
	return_id uuid NOT NULL REFERENCES returns,
	nth       int NOT NULL,
	hash      bytea NOT NULL,
	width     int NOT NULL,
	height    int NOT NULL,
	content   bytea NOT NULL,
	by_staff  boolean NOT NULL,
	added_at  timestamptz NOT NULL,
	UNIQUE (return_id, nth),
	UNIQUE (return_id, hash)
);
ALTER TABLE return_photos ALTER COLUMN content SET STORAGE EXTERNAL; -- JPEG does not get smaller

-- +goose Down
DROP TABLE return_photos;
ALTER TABLE return_rules DROP COLUMN address;
