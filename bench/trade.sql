-- Rules of a large wholesaler: 2,000 companies with 100 prices each, 10,000 rates and
-- 500 campaigns. One company in two thousand is the buyer's, one rate in four is for its
-- group, and half of the campaigns are for everybody.

CREATE TEMP TABLE place AS SELECT c.brand_id, c.price_list_id, b.company_id, m.group_id
	FROM channels c JOIN companies k ON k.brand_id = c.brand_id JOIN company_buyers b ON b.company_id = k.id
	JOIN accounts a ON a.id = b.account_id JOIN customer_group_members m ON m.company_id = k.id
	WHERE c.code = 'wanko' AND a.email = 'approver@noren.example' LIMIT 1;
CREATE TEMP TABLE goods AS SELECT v.id AS variant_id, v.product_id, p.product_brand_id, row_number() OVER (ORDER BY v.id) - 1 AS n
	FROM variants v JOIN products p ON p.id = v.product_id JOIN place ON place.brand_id = v.brand_id JOIN prices r ON r.variant_id = v.id AND r.price_list_id = place.price_list_id;
CREATE INDEX ON goods (n);
CREATE TEMP TABLE shelf AS SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM categories JOIN place USING (brand_id);
INSERT INTO companies (id, brand_id, code, name, created_at, updated_at)
	SELECT gen_random_uuid(), brand_id, 'BENCH-' || i, '計測' || i, now(), now() FROM place, generate_series(2, 2000) i;
INSERT INTO price_lists (id, brand_id, code, name, currency, tax_inclusive, audience_kind, audience_id)
	SELECT gen_random_uuid(), k.brand_id, 'bench-' || k.code, '{"ja":"特価"}', l.currency, l.tax_inclusive, 'COMPANY', k.id
	FROM companies k JOIN place USING (brand_id) JOIN price_lists l ON l.id = place.price_list_id
	WHERE k.code LIKE 'BENCH-%' OR k.id = place.company_id ON CONFLICT DO NOTHING;
INSERT INTO prices (id, price_list_id, variant_id, amount)
	SELECT gen_random_uuid(), l.id, g.variant_id, 300 + g.n % 900 FROM (
		SELECT l.id, row_number() OVER (ORDER BY l.audience_id <> place.company_id, l.id) - 1 AS n FROM price_lists l JOIN place USING (brand_id) WHERE l.audience_kind = 'COMPANY') l
	CROSS JOIN generate_series(0, 99) i
	JOIN goods g ON g.n = (l.n * 7 + 25 + i) % (SELECT count(*) FROM goods) ON CONFLICT DO NOTHING;
INSERT INTO rates (id, brand_id, kind, audience_kind, audience_id, target_kind, target_id, valid_from, valid_until, percent, rounding, round_to, created_at)
	SELECT gen_random_uuid(), place.brand_id, 'CUSTOMER', CASE WHEN i % 4 = 0 THEN 'GROUP' ELSE 'COMPANY' END, CASE WHEN i % 4 = 0 THEN place.group_id ELSE k.id END,
		CASE WHEN i % 3 = 0 THEN 'CATEGORY' ELSE 'PRODUCT' END, CASE WHEN i % 3 = 0 THEN c.id ELSE g.product_id END, '-infinity', 'infinity', 60 + i % 30, 'DOWN', 1, now()
	FROM generate_series(1, 10000) i CROSS JOIN place
	JOIN companies k ON k.code = 'BENCH-' || 2 + i % 1999
	JOIN goods g ON g.n = i JOIN shelf c ON c.n = i % (SELECT count(*) FROM shelf);
INSERT INTO campaigns (id, brand_id, code, name, currency, status, valid_from, valid_until, audiences, goods, conditions, benefits, stacking, group_code, priority, created_at, updated_at)
	SELECT gen_random_uuid(), place.brand_id, 'bench-' || i, jsonb_build_object('ja', '計測' || i), 'JPY', 'READY', '2020-01-01', '2099-01-01',
		jsonb_build_array(CASE WHEN i % 2 = 0 THEN '{"kind":"EVERYONE","id":"00000000-0000-0000-0000-000000000000"}'::jsonb
			ELSE jsonb_build_object('kind', 'GROUP', 'id', place.group_id) END),
		CASE WHEN i % 10 = 0 THEN '[]'::jsonb
			WHEN i % 10 IN (1, 2) THEN jsonb_build_array(jsonb_build_object('kind', 'CATEGORY', 'id', c.id))
			WHEN i % 10 = 3 THEN jsonb_build_array(jsonb_build_object('kind', 'BRAND', 'id', g.product_brand_id))
			ELSE jsonb_build_array(jsonb_build_object('kind', 'PRODUCT', 'id', g.product_id)) END,
		CASE i % 10 WHEN 0 THEN jsonb_build_object('minAmount', i * 200) WHEN 1 THEN '{"combination":[{"quantity":3}]}'::jsonb ELSE '{}'::jsonb END,
		CASE i % 10 WHEN 0 THEN jsonb_build_array(jsonb_build_object('kind', 'ORDER_PERCENT', 'percent', (1 + i / 10 % 5)::text))
			WHEN 1 THEN '[{"kind":"SET_AMOUNT","amount":100}]'::jsonb
			WHEN 2 THEN jsonb_build_array(jsonb_build_object('kind', 'LINE_PERCENT', 'percent', (1 + i % 20)::text))
			ELSE '[{"kind":"LINE_AMOUNT","amount":10}]'::jsonb END,
		'COMBINABLE', CASE i % 10 WHEN 0 THEN 'order' WHEN 1 THEN '' ELSE 'sale' END, i % 7, now(), now()
	FROM generate_series(1, 500) i CROSS JOIN place
	JOIN goods g ON g.n = i % 150 JOIN shelf c ON c.n = i % (SELECT count(*) FROM shelf);
INSERT INTO rulebooks (brand_id) SELECT brand_id FROM place ON CONFLICT (brand_id) DO UPDATE SET version = rulebooks.version + 1;
