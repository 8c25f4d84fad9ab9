-- +goose Up
-- What the audience bought within the window, counted anew by a job.
ALTER TABLE mailing_recipients
	ADD COLUMN purchases int NOT NULL DEFAULT 0,
	ADD COLUMN revenue   bigint NOT NULL DEFAULT 0;
ALTER TABLE mailings ADD COLUMN counted_at timestamptz;
CREATE INDEX mailings_tracked ON mailings (sent_at) WHERE sent_at IS NOT NULL;

CREATE TABLE mailing_results (
	mailing_id   uuid NOT NULL REFERENCES mailings,
	held         boolean NOT NULL, -- of the hold-out
	recipients   int NOT NULL,
	buyers       int NOT NULL,
	purchases    int NOT NULL,
	items        bigint NOT NULL,
	revenue      bigint NOT NULL,  -- minor units with tax, less what was given back
	squares      numeric NOT NULL, -- sum of the squares of what each buyer's purchases come to
	opened       int NOT NULL,
	clicked      int NOT NULL,
	unsubscribed int NOT NULL,
	bounced      int NOT NULL,
	PRIMARY KEY (mailing_id, held)
);
CREATE TABLE mailing_product_results (
	mailing_id   uuid NOT NULL REFERENCES mailings,
	product_id   uuid,          -- null: not known
	buyers       int NOT NULL,
	items        bigint NOT NULL,
	revenue      bigint NOT NULL,
	held_buyers  int NOT NULL,
	held_items   bigint NOT NULL,
	held_revenue bigint NOT NULL
);
CREATE UNIQUE INDEX mailing_product_results_of ON mailing_product_results (mailing_id, product_id) NULLS NOT DISTINCT;
CREATE TABLE mailing_store_results (
	mailing_id   uuid NOT NULL REFERENCES mailings,
	store_id     uuid,          -- null: online
	buyers       int NOT NULL,
	items        bigint NOT NULL,
	revenue      bigint NOT NULL,
	held_buyers  int NOT NULL,
	held_items   bigint NOT NULL,
	held_revenue bigint NOT NULL
);
CREATE UNIQUE INDEX mailing_store_results_of ON mailing_store_results (mailing_id, store_id) NULLS NOT DISTINCT;

-- +goose Down
DROP TABLE mailing_store_results, mailing_product_results, mailing_results;
DROP INDEX mailings_tracked;
ALTER TABLE mailings DROP COLUMN counted_at;
ALTER TABLE mailing_recipients DROP COLUMN purchases, DROP COLUMN revenue;
