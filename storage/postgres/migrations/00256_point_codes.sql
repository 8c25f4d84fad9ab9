-- +goose Up
-- Codes that give points to whoever enters them: at a shop (来店ポイント), or of a campaign.
CREATE TABLE point_codes (
	id           uuid PRIMARY KEY,
	programme_id uuid NOT NULL REFERENCES point_programmes,
	brand_id     uuid NOT NULL REFERENCES brands,
	code         text NOT NULL,
	name         jsonb NOT NULL,
	points       bigint NOT NULL CHECK (points > 0),
	daily        boolean NOT NULL,                 -- once a day for each member; otherwise once
	shop_id      uuid REFERENCES locations,
	valid_from   timestamptz,
	valid_until  timestamptz,
	most_uses    bigint CHECK (most_uses > 0),     -- by all members together
	uses         bigint NOT NULL DEFAULT 0,
	created_at   timestamptz NOT NULL,
	closed_at    timestamptz,
	CHECK (most_uses IS NULL OR uses <= most_uses),
	UNIQUE (brand_id, code)
);

CREATE TABLE point_code_uses (
	code_id   uuid NOT NULL REFERENCES point_codes,
	member_id uuid NOT NULL,
	day       date NOT NULL, -- of the use; of the code's making where it is used once
	at        timestamptz NOT NULL,
	PRIMARY KEY (code_id, member_id, day)
);
CREATE INDEX point_code_uses_member ON point_code_uses (member_id);

-- +goose Down
DROP TABLE point_code_uses, point_codes;
