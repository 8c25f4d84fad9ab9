-- +goose Up
-- What a brand asks for cash on delivery (代金引換).
CREATE TABLE delivery_terms (
	brand_id   uuid PRIMARY KEY REFERENCES brands,
	active     boolean NOT NULL,
	most       bigint NOT NULL CHECK (most > 0),
	tax_class  text NOT NULL,
	bands      jsonb NOT NULL, -- [{"upTo": minor units or null, "fee": minor units}], ascending
	updated_at timestamptz NOT NULL
);

-- What carriers reported to have collected: each report counts once.
CREATE TABLE delivery_collections (
	brand_id     uuid NOT NULL REFERENCES brands,
	finger       text NOT NULL,
	carrier      text NOT NULL,
	reference    text NOT NULL,
	amount       bigint NOT NULL CHECK (amount > 0),
	currency     text NOT NULL,
	collected_on timestamptz NOT NULL,
	recorded_by  uuid,
	recorded_at  timestamptz NOT NULL,
	PRIMARY KEY (brand_id, finger)
);

ALTER TABLE carts ADD COLUMN payment_method text;
ALTER TABLE orders ADD COLUMN charge bigint NOT NULL DEFAULT 0 CHECK (charge >= 0);

-- +goose Down
ALTER TABLE orders DROP COLUMN charge;
ALTER TABLE carts DROP COLUMN payment_method;
DROP TABLE delivery_collections, delivery_terms;
