-- A year of sales and their payments: half a million entries, a million lines.
WITH made AS (
	INSERT INTO journal_entries (id, brand_id, at, posted_at, kind, source, currency, reference, memo)
	SELECT gen_random_uuid(), c.brand_id, timestamptz '2026-01-01 00:00 JST' + n * interval '63 seconds', now(), CASE n % 2 WHEN 0 THEN 'SALE' ELSE 'PAYMENT' END,
		'bench:' || n, 'JPY', 'BENCH-' || n, 'ご注文 ' || n
	FROM channels c, generate_series(1, 500000) n WHERE c.code = 'wanko'
	RETURNING id, kind
)
INSERT INTO journal_lines (entry_id, position, account, sub, debit, credit)
SELECT m.id, l.position, l.account, l.sub, l.debit, l.credit FROM made m CROSS JOIN LATERAL (VALUES
	(1, CASE m.kind WHEN 'SALE' THEN 'DEPOSITS' ELSE 'CLEARING' END, CASE m.kind WHEN 'SALE' THEN '' ELSE 'stripe' END, 2640, 0),
	(2, CASE m.kind WHEN 'SALE' THEN 'SALES' ELSE 'DEPOSITS' END, '', 0, 2640)
) l (position, account, sub, debit, credit)
