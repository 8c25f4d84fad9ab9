-- +goose Up
-- Of a row that broke off the whole of it was kept: whose card it was, and what they bought.
UPDATE purchase_imports i SET errors = (
	SELECT jsonb_agg(CASE WHEN e->>'column' = '' THEN e || '{"value": ""}' ELSE e END ORDER BY n) FROM jsonb_array_elements(i.errors) WITH ORDINALITY AS x (e, n))
WHERE EXISTS (SELECT FROM jsonb_array_elements(i.errors) e WHERE e->>'column' = '' AND e->>'value' <> '');

-- +goose Down
SELECT 1;
