-- +goose Up
-- Campaigns (キャンペーン). What a campaign asks and gives is read as a whole into
-- memory and never searched by SQL, so it stands in documents.
CREATE TABLE campaigns (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	code         text NOT NULL,
	name         jsonb NOT NULL,
	badge        jsonb NOT NULL DEFAULT '{}',
	currency     text NOT NULL,
	status       text NOT NULL CHECK (status IN ('DRAFT', 'READY', 'STOPPED')),
	valid_from   timestamptz NOT NULL,
	valid_until  timestamptz NOT NULL,
	recurrence   jsonb NOT NULL DEFAULT '{}',
	audiences    jsonb NOT NULL,
	channels     uuid[] NOT NULL DEFAULT '{}',
	shops        uuid[] NOT NULL DEFAULT '{}',
	regions      text[] NOT NULL DEFAULT '{}',
	goods        jsonb NOT NULL DEFAULT '[]',
	except_goods jsonb NOT NULL DEFAULT '[]',
	conditions   jsonb NOT NULL DEFAULT '{}',
	benefits     jsonb NOT NULL,
	stacking     text NOT NULL CHECK (stacking IN ('COMBINABLE', 'PRIORITY', 'EXCLUSIVE')),
	group_code   text NOT NULL DEFAULT '',
	priority     int NOT NULL DEFAULT 0,
	needs_coupon boolean NOT NULL DEFAULT false,
	limits       jsonb NOT NULL DEFAULT '{}',
	experiment   jsonb NOT NULL DEFAULT '{}',
	spent_at     timestamptz, -- an order did not fit into budget or uses any more
	created_at   timestamptz NOT NULL,
	updated_at   timestamptz NOT NULL,
	UNIQUE (brand_id, code),
	CHECK (valid_from < valid_until)
);
CREATE INDEX campaigns_newest ON campaigns (brand_id, created_at DESC, id DESC);

-- What a campaign that is bounded has given so far. Orders raise it by a conditional
-- update: given never passes budget, uses never pass max_uses.
CREATE TABLE campaign_totals (
	campaign_id uuid PRIMARY KEY REFERENCES campaigns,
	budget      bigint,
	max_uses    int,
	given       bigint NOT NULL DEFAULT 0 CHECK (given >= 0),
	uses        int NOT NULL DEFAULT 0 CHECK (uses >= 0),
	CONSTRAINT campaign_totals_budget CHECK (given <= budget),
	CONSTRAINT campaign_totals_uses CHECK (uses <= max_uses)
);

-- The allotment of a gift, and how much of it has gone.
CREATE TABLE campaign_gifts (
	campaign_id uuid NOT NULL REFERENCES campaigns,
	variant_id  uuid NOT NULL,
	allotment   int,
	given       int NOT NULL DEFAULT 0 CHECK (given >= 0),
	PRIMARY KEY (campaign_id, variant_id),
	CONSTRAINT campaign_gifts_allotment CHECK (given <= allotment)
);

-- How often a buyer has used a campaign that counts it; a company is one buyer.
CREATE TABLE campaign_buyers (
	campaign_id uuid NOT NULL REFERENCES campaigns,
	buyer_id    uuid NOT NULL,
	uses        int NOT NULL CHECK (uses >= 0),
	PRIMARY KEY (buyer_id, campaign_id)
);

-- Codes that open campaigns. A code that many share is kept as it is; one of many is
-- kept as a hash alone, and shown once.
CREATE TABLE coupons (
	id          uuid PRIMARY KEY,
	brand_id    uuid NOT NULL REFERENCES brands,
	campaign_id uuid NOT NULL REFERENCES campaigns,
	batch_id    uuid,            -- the codes made at once
	code        text,            -- of a shared code alone
	hint        text NOT NULL,   -- its last characters, to tell one from another
	hash        bytea NOT NULL,
	member_id   uuid,            -- the only one who may use it
	valid_from  timestamptz NOT NULL,
	valid_until timestamptz NOT NULL,
	state       text NOT NULL DEFAULT 'ISSUED' CHECK (state IN ('ISSUED', 'USED', 'VOID')),
	order_id    uuid,            -- that used it
	issued_for  uuid,            -- the order that earned it
	created_at  timestamptz NOT NULL,
	UNIQUE (brand_id, hash),
	CHECK (valid_from < valid_until)
);
CREATE INDEX coupons_campaign ON coupons (campaign_id, created_at DESC, id DESC);
CREATE INDEX coupons_member ON coupons (member_id) WHERE member_id IS NOT NULL;
CREATE UNIQUE INDEX coupons_earned ON coupons (issued_for, campaign_id) WHERE issued_for IS NOT NULL;

CREATE TABLE cart_coupons (
	cart_id    uuid NOT NULL REFERENCES carts ON DELETE CASCADE,
	coupon_id  uuid NOT NULL REFERENCES coupons,
	entered_at timestamptz NOT NULL,
	PRIMARY KEY (cart_id, coupon_id)
);

-- What campaigns gave to an order. Returned, a row stays as history.
CREATE TABLE campaign_uses (
	campaign_id uuid NOT NULL REFERENCES campaigns,
	order_id    uuid NOT NULL REFERENCES orders,
	buyer_id    uuid,            -- null: a guest
	coupon_id   uuid,
	discount    bigint NOT NULL CHECK (discount >= 0),
	counted     boolean NOT NULL, -- raised the campaign's totals
	gifts       jsonb NOT NULL DEFAULT '[]',
	points      numeric(8, 4) NOT NULL DEFAULT 0,
	issues      uuid,            -- the campaign whose coupon is due when the order ships
	used_at     timestamptz NOT NULL,
	returned_at timestamptz,
	PRIMARY KEY (order_id, campaign_id)
);
CREATE INDEX campaign_uses_campaign ON campaign_uses (campaign_id, used_at);

ALTER TABLE orders ADD COLUMN missed_gifts jsonb NOT NULL DEFAULT '[]'; -- names of gifts that were sold out

-- +goose Down
ALTER TABLE orders DROP COLUMN missed_gifts;
DROP TABLE campaign_uses, cart_coupons, coupons, campaign_buyers, campaign_gifts, campaign_totals, campaigns;
