-- +goose NO TRANSACTION
-- +goose Up
-- The buyers of a product in their order, of each month: a search reads them out of this
-- alone, and has each once without sorting. One month at a time is closed to writing, for as
-- long as its index is made.
CREATE INDEX IF NOT EXISTS purchase_lines_buyers ON ONLY purchase_lines (product_id, member_id) INCLUDE (bought_on, quantity, amount)
	WHERE product_id IS NOT NULL AND member_id IS NOT NULL;
-- +goose StatementBegin
DO $$
DECLARE month text;
BEGIN
	FOR month IN
		SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'purchase_lines'::regclass
			AND NOT EXISTS (SELECT FROM pg_index x JOIN pg_inherits a ON a.inhrelid = x.indexrelid WHERE x.indrelid = c.oid AND a.inhparent = 'purchase_lines_buyers'::regclass)
	LOOP
		EXECUTE format('CREATE INDEX %I ON %I (product_id, member_id) INCLUDE (bought_on, quantity, amount) WHERE product_id IS NOT NULL AND member_id IS NOT NULL', month || '_buyers', month);
		EXECUTE format('ALTER INDEX purchase_lines_buyers ATTACH PARTITION %I', month || '_buyers');
		COMMIT;
	END LOOP;
END $$;
-- +goose StatementEnd
DROP INDEX IF EXISTS purchase_lines_product;

-- +goose Down
CREATE INDEX IF NOT EXISTS purchase_lines_product ON purchase_lines (product_id, bought_on) INCLUDE (member_id, quantity, amount) WHERE product_id IS NOT NULL;
DROP INDEX IF EXISTS purchase_lines_buyers;
