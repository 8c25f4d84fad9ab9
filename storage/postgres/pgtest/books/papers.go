package books

var documents = []Rule{
	{"numbers have no gaps", `
		SELECT format('%s of brand %s: %s documents up to %s, counted %s', kind, brand_id, count(d.serial), max(d.serial), max(n.last))
		FROM documents d FULL JOIN document_numbers n USING (brand_id, kind)
		GROUP BY brand_id, kind HAVING count(d.serial) <> max(n.last) OR max(d.serial) <> max(n.last) OR min(d.serial) <> 1`},
	{"what has left is invoiced once, whole", `
		SELECT format('order %s (%s): %s invoices, of %s for %s', o.number, o.status, count(d.id), max(d.total), o.total)
		FROM orders o LEFT JOIN documents d ON d.order_id = o.id AND d.kind = 'INVOICE'
		WHERE o.total > 0 AND EXISTS (SELECT FROM document_issuers i WHERE i.brand_id = o.brand_id)
			AND EXISTS (SELECT FROM shipments h WHERE h.order_id = o.id AND h.status IN ('SHIPPED', 'DELIVERED'))
		GROUP BY o.id HAVING count(d.id) <> 1 OR max(d.total) < o.total`},
	{"no more is credited than was invoiced", `
		SELECT format('document %s: %s, credited %s', d.id, d.total, sum(c.total)) FROM documents d JOIN documents c ON c.corrects_id = d.id
		GROUP BY d.id HAVING sum(c.total) > d.total`},
	{"what documents say of an order that has left is what was sold", `
		SELECT format('order %s: invoiced %s, credited %s, sold %s', o.number, d.total, coalesce(c.sum, 0), j.sold)
		FROM orders o JOIN documents d ON d.order_id = o.id AND d.kind = 'INVOICE'
		LEFT JOIN (SELECT corrects_id, sum(total) FROM documents GROUP BY 1) c ON c.corrects_id = d.id
		JOIN (SELECT e.order_id, sum(l.credit - l.debit) AS sold FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id
			WHERE l.account IN ('SALES', 'SHIPPING', 'CHARGES', 'RETURNS', 'TAX') GROUP BY 1) j ON j.order_id = o.id
		WHERE o.tax_inclusive AND o.status IN ('SHIPPED', 'DELIVERED', 'CANCELLED') AND d.total - coalesce(c.sum, 0) <> j.sold`},
	{"each shipment has its delivery note", `
		SELECT format('shipment %s: %s notes', h.id, count(d.id)) FROM shipments h JOIN document_issuers i ON i.brand_id = h.brand_id
		LEFT JOIN documents d ON d.source LIKE '%' || h.id::text AND d.kind = 'DELIVERY_NOTE'
		WHERE h.status IN ('SHIPPED', 'DELIVERED') GROUP BY h.id HAVING count(d.id) <> 1`},
}

var orders = []Rule{
	{"an order stands where its shipments do", `
		WITH s AS (
			SELECT o.id, o.number, o.status, count(h.id) FILTER (WHERE h.status = 'INSTRUCTED') AS moving,
				count(h.id) FILTER (WHERE h.status IN ('SHIPPED', 'DELIVERED')) AS out, count(h.id) FILTER (WHERE h.status = 'DELIVERED') AS arrived,
				EXISTS (SELECT FROM stock_reservations r WHERE r.order_id = o.id AND r.state = 'OPEN') AS holds
			FROM orders o LEFT JOIN shipments h ON h.order_id = o.id GROUP BY o.id
		), should AS (
			SELECT *, CASE WHEN out > 0 AND holds THEN 'PARTIALLY_SHIPPED' WHEN out > 0 AND out = arrived THEN 'DELIVERED' WHEN out > 0 THEN 'SHIPPED'
				WHEN moving > 0 THEN 'PICKING' ELSE 'CONFIRMED' END AS wanted FROM s
		)
		SELECT format('order %s: %s, should be %s', number, status, wanted) FROM should
		WHERE status NOT IN ('CANCELLED', 'PENDING_PAYMENT', 'PENDING_APPROVAL') AND status <> wanted
			OR status IN ('CANCELLED', 'PENDING_PAYMENT', 'PENDING_APPROVAL') AND moving > 0`},
	{"an order is paid when its money is there", `
		SELECT format('order %s (%s, paid %s): total %s, covered %s', o.number, o.status, o.paid, o.total, coalesce(p.covered, 0)) FROM orders o LEFT JOIN (
			SELECT order_id, sum(authorised + captured + set_off) AS covered, sum(authorised + captured - refunded + set_off) AS there FROM payments GROUP BY 1
		) p ON p.order_id = o.id
		WHERE o.payment_method <> 'ON_ACCOUNT' AND o.status <> 'CANCELLED'
			AND ((o.paid AND coalesce(p.covered, 0) < o.total - o.refused) OR (NOT o.paid AND coalesce(p.there, 0) >= o.total - o.refused))`},
	{"an order waits for money only while it is not there", `
		SELECT format('order %s', number) FROM orders WHERE status = 'PENDING_PAYMENT' AND (paid OR payment_method = 'ON_ACCOUNT')`},
	{"an order's lines come to its total", `
		SELECT format('order %s: total %s, lines %s', o.number, o.total, sum(l.total) + o.shipping_fee + o.charge + CASE WHEN o.tax_inclusive THEN 0 ELSE o.tax END)
		FROM orders o JOIN order_lines l ON l.order_id = o.id GROUP BY o.id
		HAVING o.total <> sum(l.total) + o.shipping_fee + o.charge + CASE WHEN o.tax_inclusive THEN 0 ELSE o.tax END`},
}

var returned = []Rule{
	{"what came back had left", `
		SELECT format('line %s: %s of %s came back', l.id, sum(p.restocked + p.scrapped + p.repaired), l.quantity)
		FROM order_lines l JOIN return_lines r ON r.line_id = l.id JOIN return_receipt_lines p ON p.return_line_id = r.id
		GROUP BY l.id HAVING sum(p.restocked + p.scrapped + p.repaired) > l.quantity`},
	{"no more comes back than was approved", `
		SELECT format('return line %s: %s of %s', r.id, sum(p.restocked + p.scrapped + p.repaired), r.approved)
		FROM return_lines r JOIN return_receipt_lines p ON p.return_line_id = r.id
		GROUP BY r.id HAVING sum(p.restocked + p.scrapped + p.repaired) > r.approved`},
	{"what is sold again is back on the shelves", `
		SELECT format('return %s: restocked %s, moved %s', r.id, sum(c.restocked), (SELECT coalesce(sum(m.quantity), 0) FROM stock_movements m WHERE m.kind = 'RETURN' AND m.reference = o.number || '-R' || r.nth))
		FROM returns r JOIN orders o ON o.id = r.order_id JOIN (
			SELECT k.return_id, p.restocked * greatest(1, coalesce((SELECT sum((x ->> 'quantity')::int) FROM jsonb_array_elements(ol.parts) x), ol.quantity) / ol.quantity) AS restocked
			FROM return_receipt_lines p JOIN return_receipts k ON k.id = p.receipt_id JOIN return_lines rl ON rl.id = p.return_line_id JOIN order_lines ol ON ol.id = rl.line_id
		) c ON c.return_id = r.id
		GROUP BY r.id, o.number
		HAVING sum(c.restocked) <> (SELECT coalesce(sum(m.quantity), 0) FROM stock_movements m WHERE m.kind = 'RETURN' AND m.reference = o.number || '-R' || r.nth)`},
	{"a replaced piece is an order's", `
		SELECT format('receipt %s', k.id) FROM return_receipts k JOIN returns r ON r.id = k.return_id
		WHERE (r.outcome = 'EXCHANGE') <> (k.exchange_order_id IS NOT NULL)`},
}
