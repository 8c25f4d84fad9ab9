-- +goose Up
-- Receipts that staff put right, and what they were before (購買の訂正).
ALTER TABLE purchases
	ADD COLUMN content   bytea,                          -- digest of what the till said last; null: of before there were digests
	ADD COLUMN by_hand   boolean NOT NULL DEFAULT false, -- staff have said whose it is: its card does not any more
	ADD COLUMN voided_at timestamptz,                    -- recorded in error: nobody's, and in no sum
	ADD COLUMN voided_of uuid;                           -- whose it was
CREATE INDEX purchases_voided ON purchases (voided_of, bought_at DESC, id DESC) WHERE voided_of IS NOT NULL;

CREATE TABLE purchase_corrections (
	id           uuid PRIMARY KEY,
	purchase_id  uuid NOT NULL,
	brand_id     uuid NOT NULL REFERENCES brands,
	kind         text NOT NULL CHECK (kind IN ('MOVED', 'CORRECTED', 'VOIDED')),
	reason       text NOT NULL,
	from_id      uuid,            -- the member before; null: nobody
	to_id        uuid,
	items_before int NOT NULL,
	total_before bigint NOT NULL, -- minor units
	items_after  int NOT NULL,
	total_after  bigint NOT NULL,
	lines_before jsonb NOT NULL,  -- empty unless lines changed
	lines_after  jsonb NOT NULL,
	actor_id     uuid,
	at           timestamptz NOT NULL
);
CREATE INDEX purchase_corrections_of ON purchase_corrections (purchase_id, at, id);
CREATE INDEX purchase_corrections_from ON purchase_corrections (from_id) WHERE from_id IS NOT NULL;
CREATE INDEX purchase_corrections_to ON purchase_corrections (to_id) WHERE to_id IS NOT NULL;

-- Receipts that came again with other content are problems, too.
ALTER TABLE purchase_problems
	ADD COLUMN purchase_id uuid,
	ADD COLUMN content     bytea,
	ADD COLUMN card_number text NOT NULL DEFAULT '', -- as it came
	ADD COLUMN lines       jsonb NOT NULL DEFAULT '[]';
ALTER TABLE purchase_problems DROP CONSTRAINT purchase_problems_kind_check, DROP CONSTRAINT purchase_problems_brand_id_kind_value_key;
ALTER TABLE purchase_problems ADD CHECK (kind IN ('PRODUCT', 'MEMBER', 'RECEIPT')), ADD CHECK ((kind = 'RECEIPT') = (purchase_id IS NOT NULL AND content IS NOT NULL));
CREATE UNIQUE INDEX purchase_problems_value ON purchase_problems (brand_id, kind, value) WHERE kind <> 'RECEIPT';
CREATE UNIQUE INDEX purchase_problems_content ON purchase_problems (purchase_id, content) WHERE kind = 'RECEIPT';
ALTER TABLE purchase_imports ADD COLUMN differing int NOT NULL DEFAULT 0; -- receipts that were there with other content

-- Mailings whose results are to be counted again, though their time is over.
ALTER TABLE mailings ADD COLUMN recount boolean NOT NULL DEFAULT false;
CREATE INDEX mailings_recount ON mailings (id) WHERE recount;

-- A day's figures are without what was voided.
DROP TRIGGER purchases_changed ON purchases;
CREATE TRIGGER purchases_changed AFTER UPDATE OF bought_on, brand_id, store_id, member_id, items, total, currency, voided_at ON purchases FOR EACH ROW
	WHEN ((OLD.bought_on, OLD.brand_id, OLD.store_id, OLD.member_id IS NULL, OLD.items, OLD.total, OLD.currency, OLD.voided_at)
		IS DISTINCT FROM (NEW.bought_on, NEW.brand_id, NEW.store_id, NEW.member_id IS NULL, NEW.items, NEW.total, NEW.currency, NEW.voided_at))
	EXECUTE FUNCTION mark_statistics_again('bought_on');

-- +goose Down
DROP TRIGGER purchases_changed ON purchases;
CREATE TRIGGER purchases_changed AFTER UPDATE OF bought_on, brand_id, store_id, member_id, items, total, currency ON purchases FOR EACH ROW
	WHEN ((OLD.bought_on, OLD.brand_id, OLD.store_id, OLD.member_id IS NULL, OLD.items, OLD.total, OLD.currency)
		IS DISTINCT FROM (NEW.bought_on, NEW.brand_id, NEW.store_id, NEW.member_id IS NULL, NEW.items, NEW.total, NEW.currency))
	EXECUTE FUNCTION mark_statistics_again('bought_on');
DROP INDEX mailings_recount;
ALTER TABLE mailings DROP COLUMN recount;
ALTER TABLE purchase_imports DROP COLUMN differing;
DELETE FROM purchase_problems WHERE kind = 'RECEIPT';
DROP INDEX purchase_problems_content, purchase_problems_value;
ALTER TABLE purchase_problems DROP CONSTRAINT purchase_problems_check, DROP CONSTRAINT purchase_problems_kind_check;
ALTER TABLE purchase_problems DROP COLUMN lines, DROP COLUMN card_number, DROP COLUMN content, DROP COLUMN purchase_id;
ALTER TABLE purchase_problems ADD CHECK (kind IN ('PRODUCT', 'MEMBER')), ADD UNIQUE (brand_id, kind, value);
DROP TABLE purchase_corrections;
DROP INDEX purchases_voided;
ALTER TABLE purchases DROP COLUMN voided_of, DROP COLUMN voided_at, DROP COLUMN by_hand, DROP COLUMN content;
