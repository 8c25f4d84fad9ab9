-- +goose Up
-- Members who have a card alone have points too: their id is in members, not in accounts.
-- An account that was merged stays with its entries; merged_into is where its points are.
ALTER TABLE point_accounts DROP CONSTRAINT point_accounts_member_id_fkey;
ALTER TABLE point_accounts ADD COLUMN merged_into uuid REFERENCES point_accounts;
CREATE INDEX point_accounts_merged ON point_accounts (merged_into) WHERE merged_into IS NOT NULL;

-- What was bought in a shop earns like an order.
ALTER TABLE point_entries ADD COLUMN purchase_id uuid;
ALTER TABLE point_lots ADD COLUMN purchase_id uuid;
CREATE INDEX point_entries_purchase ON point_entries (purchase_id) WHERE purchase_id IS NOT NULL;

-- Receipts of members: which are to earn, and what came back of those that have.
CREATE TABLE point_purchases (
	purchase_id uuid PRIMARY KEY,
	bought_on   date NOT NULL,
	bought_at   timestamptz NOT NULL,
	reckoned_at timestamptz,                -- null: to earn yet
	goods       bigint NOT NULL DEFAULT 0,  -- minor units that it earned on
	returned    bigint NOT NULL DEFAULT 0 CHECK (returned BETWEEN 0 AND goods)
);
CREATE INDEX point_purchases_due ON point_purchases (bought_at, purchase_id) WHERE reckoned_at IS NULL;

ALTER TABLE point_entries DROP CONSTRAINT point_entries_kind_check;
ALTER TABLE point_entries ADD CONSTRAINT point_entries_kind_check CHECK (kind IN ('EARN', 'CONFIRM', 'SETTLE', 'TAKE_BACK', 'USE', 'RETURN', 'EXPIRE', 'GRANT', 'DEDUCT',
	'TRANSFER_OUT', 'TRANSFER_IN', 'EXCHANGE_OUT', 'EXCHANGE_IN', 'SEND', 'SENT', 'SEND_BACK', 'RECEIVE', 'OPENING', 'MERGE_OUT', 'MERGE_IN')) NOT VALID;
ALTER TABLE point_entries VALIDATE CONSTRAINT point_entries_kind_check;

-- +goose Down
ALTER TABLE point_entries DROP CONSTRAINT point_entries_kind_check;
ALTER TABLE point_entries ADD CONSTRAINT point_entries_kind_check CHECK (kind IN ('EARN', 'CONFIRM', 'SETTLE', 'TAKE_BACK', 'USE', 'RETURN', 'EXPIRE', 'GRANT', 'DEDUCT',
	'TRANSFER_OUT', 'TRANSFER_IN', 'EXCHANGE_OUT', 'EXCHANGE_IN', 'SEND', 'SENT', 'SEND_BACK', 'RECEIVE', 'OPENING')) NOT VALID;
DROP TABLE point_purchases;
DROP INDEX point_entries_purchase;
ALTER TABLE point_lots DROP COLUMN purchase_id;
ALTER TABLE point_entries DROP COLUMN purchase_id;
DROP INDEX point_accounts_merged;
ALTER TABLE point_accounts DROP COLUMN merged_into;
ALTER TABLE point_accounts ADD CONSTRAINT point_accounts_member_id_fkey FOREIGN KEY (member_id) REFERENCES accounts NOT VALID;
