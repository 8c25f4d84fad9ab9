-- +goose Up
-- Goods of receipts that came back: on which receipt, and of which. Of goods whose receipt
-- nobody knows both are one, and points are what was taken back for them, by programme.
CREATE TABLE point_returns (
	back_id uuid NOT NULL,
	code    text NOT NULL,
	sold_id uuid NOT NULL,
	pieces  int NOT NULL,
	minor   bigint NOT NULL CHECK (minor > 0),
	points  jsonb NOT NULL DEFAULT '{}',
	PRIMARY KEY (back_id, code, sold_id)
);
CREATE INDEX point_returns_sold ON point_returns (sold_id);

ALTER TABLE point_purchases
	ADD COLUMN earned      jsonb,                         -- by programme, what all goods earn; null: what it earned, less what was undone
	ADD COLUMN backs_known boolean NOT NULL DEFAULT false; -- what came back on it is in point_returns
ALTER TABLE point_purchases ALTER COLUMN backs_known SET DEFAULT true;

-- Of before, what the keys of postings tell: where all goods of a code that came back on a
-- receipt are of one, which has nothing else back.
WITH keyed AS (
	SELECT DISTINCT q.purchase_id AS sold_id, q.returned, substr(e.key, 6, 36)::uuid AS back_id, substr(e.key, 80) AS code
	FROM point_purchases q JOIN point_entries e ON e.purchase_id = q.purchase_id AND e.kind = 'TAKE_BACK' AND e.key LIKE 'back:%'
	WHERE q.returned > 0 AND substr(e.key, 6, 36) <> q.purchase_id::text
), weighed AS (
	SELECT k.*, l.pieces, l.minor, sum(l.minor) OVER (PARTITION BY k.sold_id) AS back
	FROM keyed k JOIN point_purchases b ON b.purchase_id = k.back_id
	CROSS JOIN LATERAL (SELECT greatest(-sum(l.quantity), 0)::int AS pieces, -sum(l.amount) AS minor FROM purchase_lines l WHERE l.purchase_id = k.back_id AND l.bought_on = b.bought_on AND l.code = k.code) l
)
INSERT INTO point_returns (back_id, code, sold_id, pieces, minor)
SELECT back_id, code, sold_id, pieces, minor FROM weighed WHERE back = returned AND minor > 0;

UPDATE point_purchases q SET backs_known = true
FROM (SELECT back_id, sum(minor) AS minor FROM point_returns GROUP BY back_id) z
WHERE q.purchase_id = z.back_id AND z.minor = (
	SELECT -sum(c.amount) FROM (
		SELECT sum(l.amount) AS amount FROM purchase_lines l WHERE l.purchase_id = q.purchase_id AND l.bought_on = q.bought_on GROUP BY l.code HAVING sum(l.amount) < 0
	) c);

-- +goose Down
ALTER TABLE point_purchases DROP COLUMN backs_known, DROP COLUMN earned;
DROP TABLE point_returns;
