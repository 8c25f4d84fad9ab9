-- +goose Up
-- Files of instructions to carriers are sealed as a whole, with what they could not say, issued documents in whom they
-- are for and where the goods go. Rows that are not sealed yet stay readable and are sealed
-- by the job.
ALTER TABLE shipment_batches ADD COLUMN key_id text;
CREATE INDEX shipment_batches_key ON shipment_batches (key_id) WHERE (content <> '' OR remarks <> '[]');

ALTER TABLE documents ADD COLUMN key_id text;
CREATE INDEX documents_key ON documents (key_id);

-- A document never changes but in how whom it is for is sealed: it opens to what it was, or
-- not at all.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION documents_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'key_id' - 'content' = to_jsonb(OLD) - 'key_id' - 'content'
		AND NEW.content - 'to' - 'shipTo' = OLD.content - 'to' - 'shipTo'
		AND (NEW.content->'to'->>'sealed' LIKE 's1.%' OR NEW.content->'to' IS NOT DISTINCT FROM OLD.content->'to')
		AND (NEW.content->'shipTo'->>'sealed' LIKE 's1.%' OR NEW.content->'shipTo' IS NOT DISTINCT FROM OLD.content->'shipTo') THEN
		RETURN NEW;
	END IF;
	RAISE EXCEPTION 'an issued document never changes: correct it by a credit note';
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION documents_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'an issued document never changes: correct it by a credit note';
END $$;
-- +goose StatementEnd
ALTER TABLE documents DROP COLUMN key_id;
ALTER TABLE shipment_batches DROP COLUMN key_id;
