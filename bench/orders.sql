-- Two million orders of three years of the sample shop: most are delivered, one in two
-- hundred thousand waits for an approver, one in fifty is a company's, one in three has a common tag, one
-- in seventy thousand a rare one.
CREATE TEMP TABLE place AS SELECT c.brand_id, c.id AS channel_id, k.id AS company_id, (SELECT l.id FROM locations l WHERE l.brand_id = c.brand_id ORDER BY l.code LIMIT 1) AS shop_id FROM channels c JOIN companies k ON k.brand_id = c.brand_id WHERE c.code = 'wanko' ORDER BY k.code LIMIT 1;
INSERT INTO orders (id, number, brand_id, channel_id, member_id, company_id, email, language, status, currency, tax_inclusive, subtotal, shipping_fee, tax, total,
	taxes, breakdown, shipping_address, shipping_method, payment_method, paid, placed_at, updated_at, held, tags, shop_id, promised_on, ship_by)
SELECT gen_random_uuid(), upper(lpad(to_hex(i), 10, '0')), brand_id, channel_id, CASE WHEN i % 3 > 0 THEN md5((i % 300000)::text)::uuid END, CASE WHEN i % 50 = 0 THEN company_id END,
	'buyer' || i % 300000 || '@example.jp', 'ja',
	CASE WHEN i % 200000 = 0 THEN 'PENDING_APPROVAL' WHEN i % 97 = 0 THEN 'CANCELLED' WHEN i > 1990000 AND i % 2 = 0 THEN 'CONFIRMED' WHEN i > 1995000 THEN 'PICKING' ELSE 'DELIVERED' END,
	'JPY', true, 3000 + i % 20000, 500, 300, 3500 + i % 20000,
	'[{"rate": 10, "base": {"amount": "3000", "currency": "JPY"}, "tax": {"amount": "300", "currency": "JPY"}}]', '[]',
	'{"name": "山田 花子", "postalCode": "1500001", "prefecture": "TOKYO", "city": "渋谷区", "line1": "神宮前1-2-3", "phone": "0312345678"}',
	'{"id": "00000000-0000-0000-0000-000000000000", "name": {"ja": "宅配便"}}', CASE WHEN i % 1000 = 0 THEN 'CASH' WHEN i % 2 = 0 THEN 'CARD' ELSE 'BANK_TRANSFER' END, true,
	'2024-01-01'::timestamptz + i * interval '47 seconds', '2024-01-01'::timestamptz + i * interval '47 seconds',
	CASE WHEN i % 500000 = 7 THEN 'FRAUD' ELSE '' END, CASE WHEN i % 70001 = 0 THEN ARRAY['gift', 'first'] WHEN i % 3 = 0 THEN ARRAY['first'] ELSE ARRAY[]::text[] END,
	CASE WHEN i % 100 = 0 THEN shop_id END, d.leaves + 2, d.leaves
FROM generate_series(1, 2000000) i CROSS JOIN place
-- One in four of those that have not left is late on the day that is asked for.
CROSS JOIN LATERAL (SELECT CASE WHEN i > 1990000 AND i % 8 > 1 THEN date '2027-02-01' ELSE ('2024-01-01'::timestamptz + i * interval '47 seconds')::date + 1 END AS leaves) d;
INSERT INTO order_tags (brand_id, tag, placed_at, order_id) SELECT brand_id, unnest(tags), placed_at, id FROM orders WHERE tags <> '{}';
