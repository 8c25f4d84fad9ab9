-- +goose Up
-- Customer groups (顧客グループ): trade terms, member ranks and segments alike.
CREATE TABLE customer_groups (
	id         uuid PRIMARY KEY,
	brand_id   uuid NOT NULL REFERENCES brands,
	code       text NOT NULL,
	name       jsonb NOT NULL,
	kind       text NOT NULL DEFAULT 'TRADE' CHECK (kind IN ('TRADE', 'RANK', 'SEGMENT')),
	precedence int NOT NULL DEFAULT 0, -- where two groups' rules compete, the lower number wins
	created_at timestamptz NOT NULL,
	closed_at  timestamptz,
	UNIQUE (brand_id, code)
);

-- Companies that buy on terms (得意先).
CREATE TABLE companies (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	code         text NOT NULL,           -- 得意先コード, the ERP's
	name         text NOT NULL,
	kana         text NOT NULL DEFAULT '',
	tax_rounding text NOT NULL DEFAULT 'DOWN' CHECK (tax_rounding IN ('DOWN', 'HALF_UP', 'UP')), -- 端数処理
	version      bigint NOT NULL DEFAULT 1,
	created_at   timestamptz NOT NULL,
	updated_at   timestamptz NOT NULL,
	closed_at    timestamptz,
	UNIQUE (brand_id, code)
);

-- Who buys for a company, and as what.
CREATE TABLE company_buyers (
	company_id     uuid NOT NULL REFERENCES companies,
	account_id     uuid NOT NULL REFERENCES accounts,
	role           text NOT NULL CHECK (role IN ('BUYER', 'APPROVER', 'ACCOUNTANT', 'MANAGER')),
	approval_limit bigint,                -- minor units; null: no limit of their own
	created_at     timestamptz NOT NULL,
	closed_at      timestamptz,
	PRIMARY KEY (company_id, account_id)
);
-- A buyer stands for one company of a brand at a time.
CREATE UNIQUE INDEX company_buyers_account ON company_buyers (account_id) WHERE closed_at IS NULL;

-- Who is in a group: members and companies; a company's buyers are in its groups.
CREATE TABLE customer_group_members (
	group_id   uuid NOT NULL REFERENCES customer_groups,
	member_id  uuid REFERENCES accounts,
	company_id uuid REFERENCES companies,
	joined_at  timestamptz NOT NULL,
	CHECK (num_nonnulls(member_id, company_id) = 1)
);
CREATE UNIQUE INDEX customer_group_members_member ON customer_group_members (member_id, group_id) WHERE member_id IS NOT NULL;
CREATE UNIQUE INDEX customer_group_members_company ON customer_group_members (company_id, group_id) WHERE company_id IS NOT NULL;
CREATE INDEX customer_group_members_group ON customer_group_members (group_id);

-- A number per brand that moves, in the transaction of the change, with everything
-- that decides prices, campaigns and display: processes keep the rules in memory
-- under it and read it in the statement that reads prices.
CREATE TABLE rulebooks (
	brand_id uuid PRIMARY KEY REFERENCES brands,
	version  bigint NOT NULL DEFAULT 1,
	personal boolean NOT NULL DEFAULT false -- some rule looks at one buyer's birth month or orders
);

-- Members whom some rule names, or has named: what they see is like nobody else's.
CREATE TABLE named_members (
	brand_id  uuid NOT NULL REFERENCES brands,
	member_id uuid NOT NULL REFERENCES accounts,
	PRIMARY KEY (brand_id, member_id)
);

-- For which company an order was placed; null for a member's or guest's own.
ALTER TABLE orders ADD COLUMN company_id uuid REFERENCES companies;
CREATE INDEX orders_company ON orders (company_id, placed_at DESC, id DESC) WHERE company_id IS NOT NULL;

-- +goose Down
ALTER TABLE orders DROP COLUMN company_id;
DROP TABLE named_members, rulebooks, customer_group_members, company_buyers, companies, customer_groups;
