-- +goose Up
-- Behind whose wishes the next look goes on: one row.
CREATE TABLE wish_watch (
	sole   boolean PRIMARY KEY DEFAULT true CHECK (sole),
	behind uuid NOT NULL -- the nil id: from the beginning
);
INSERT INTO wish_watch (behind) VALUES ('00000000-0000-0000-0000-000000000000');

-- +goose Down
DROP TABLE wish_watch;
