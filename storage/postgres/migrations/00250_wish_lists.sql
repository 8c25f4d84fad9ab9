-- +goose Up

-- What a member would like to have (お気に入り). Whoever has the token sees the list.
CREATE TABLE wish_lists (
	id         uuid PRIMARY KEY,
	brand_id   uuid NOT NULL REFERENCES brands,
	member_id  uuid NOT NULL REFERENCES accounts,
	name       text NOT NULL,
	token      text UNIQUE,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	closed_at  timestamptz
);
CREATE INDEX wish_lists_of_member ON wish_lists (member_id, brand_id, id) WHERE closed_at IS NULL;

CREATE TABLE wishes (
	id         uuid PRIMARY KEY,
	list_id    uuid NOT NULL REFERENCES wish_lists ON DELETE CASCADE,
	channel_id uuid NOT NULL REFERENCES channels, -- where it is watched
	variant_id uuid NOT NULL REFERENCES variants,
	quantity   int NOT NULL CHECK (quantity > 0),
	note       text NOT NULL DEFAULT '',
	notify     boolean NOT NULL,
	language   text NOT NULL,
	price      bigint, -- what a piece cost its member when last looked at, in minor units; null: unknown
	sold_out   boolean, -- whether it was sold out then; null: unknown
	added_at   timestamptz NOT NULL,
	UNIQUE (list_id, variant_id)
);
CREATE INDEX wishes_watched ON wishes (list_id) WHERE notify;

-- The products that a member looked at, the last time each.
CREATE TABLE product_views (
	member_id  uuid NOT NULL REFERENCES accounts,
	brand_id   uuid NOT NULL REFERENCES brands,
	product_id uuid NOT NULL REFERENCES products,
	viewed_at  timestamptz NOT NULL,
	PRIMARY KEY (member_id, brand_id, product_id)
);
CREATE INDEX product_views_newest ON product_views (member_id, brand_id, viewed_at DESC);

-- +goose Down
DROP TABLE product_views;
DROP TABLE wishes;
DROP TABLE wish_lists;
