package books

var points = []Rule{
	{"a member's points are the sum of their entries", `
		SELECT format('account %s: %s usable, %s promised, %s owed; entries %s, %s, %s', a.id, a.available, a.pending, a.owed, e.available, e.pending, e.owed)
		FROM point_accounts a LEFT JOIN LATERAL (SELECT
			coalesce(sum(CASE 'AVAILABLE' WHEN credit THEN points WHEN debit THEN -points ELSE 0 END), 0) AS available,
			coalesce(sum(CASE 'PENDING' WHEN credit THEN points WHEN debit THEN -points ELSE 0 END), 0) AS pending,
			coalesce(sum(CASE 'OWED' WHEN debit THEN points WHEN credit THEN -points ELSE 0 END), 0) AS owed, count(*) AS entries
			FROM point_entries WHERE account_id = a.id) e ON true
		WHERE (a.available, a.pending, a.owed, a.number) IS DISTINCT FROM (e.available, e.pending, e.owed, e.entries)`},
	{"a member's points are what is left of their lots", `
		SELECT format('account %s: %s usable, %s promised; lots %s, %s', a.id, a.available, a.pending, l.available, l.pending)
		FROM point_accounts a LEFT JOIN LATERAL (SELECT coalesce(sum(remaining) FILTER (WHERE NOT pending), 0) AS available, coalesce(sum(remaining) FILTER (WHERE pending), 0) AS pending
			FROM point_lots WHERE account_id = a.id) l ON true
		WHERE (a.available, a.pending) IS DISTINCT FROM (l.available, l.pending)`},
	{"no points are on the way from member to member", `
		SELECT format('programme %s: %s', programme_id, sum(CASE WHEN credit = 'TRANSFER' THEN points ELSE -points END))
		FROM point_entries WHERE 'TRANSFER' IN (debit, credit) GROUP BY programme_id HAVING sum(CASE WHEN credit = 'TRANSFER' THEN points ELSE -points END) <> 0`},
	{"what points pay has left their account", `
		SELECT format('payment %s: holds %s, points %s', p.id, p.captured - p.refunded, coalesce(e.sum, 0))
		FROM payments p LEFT JOIN (
			SELECT CASE kind WHEN 'USE' THEN split_part(key, ':', 2) ELSE split_part(undoes, ':', 2) END AS payment, sum(CASE kind WHEN 'USE' THEN points ELSE -points END)
			FROM point_entries WHERE kind IN ('USE', 'RETURN') AND order_id IS NOT NULL GROUP BY 1
		) e ON e.payment = p.id::text
		WHERE p.method = 'POINTS' AND p.captured - p.refunded <> coalesce(e.sum, 0)
			AND NOT EXISTS (SELECT FROM point_programmes WHERE unit_points <> unit_minor)`},
	{"no more points are taken back than an order earned", `
		SELECT format('order %s in account %s: %s', order_id, account_id, sum(CASE kind WHEN 'EARN' THEN points ELSE -points END))
		FROM point_entries WHERE kind IN ('EARN', 'TAKE_BACK') AND order_id IS NOT NULL
		GROUP BY order_id, account_id HAVING sum(CASE kind WHEN 'EARN' THEN points ELSE -points END) < 0`},
}

// rewarded hold when the points of every order have been looked after.
var rewarded = []Rule{
	{"a given-up order has earned nothing", `
		SELECT format('order %s: %s', o.number, sum(CASE e.kind WHEN 'EARN' THEN e.points ELSE -e.points END))
		FROM orders o JOIN point_entries e ON e.order_id = o.id AND e.kind IN ('EARN', 'TAKE_BACK')
		WHERE o.status = 'CANCELLED' GROUP BY o.id HAVING sum(CASE e.kind WHEN 'EARN' THEN e.points ELSE -e.points END) <> 0`},
	{"what was paid and has arrived has earned", `
		SELECT format('order %s', o.number) FROM orders o
		WHERE o.status = 'DELIVERED' AND o.member_id IS NOT NULL AND o.subtotal >= 1000
			AND EXISTS (SELECT FROM point_rules WHERE terms ->> 'occasion' = 'PURCHASE')
			AND NOT EXISTS (SELECT FROM point_entries e WHERE e.order_id = o.id AND e.kind = 'EARN')
			AND (SELECT coalesce(sum(p.captured - p.refunded) FILTER (WHERE p.method <> 'POINTS'), 0) FROM payments p WHERE p.order_id = o.id) >= 1000`},
}

var lots = []Rule{
	{"what lies at a location is its lots", `
		SELECT format('variant %s at %s: on hand %s, lots %s', s.variant_id, s.location_id, s.on_hand, coalesce(sum(l.available + l.quarantined), 0))
		FROM stock_levels s LEFT JOIN stock_lot_levels l USING (variant_id, location_id) WHERE s.tracked
		GROUP BY s.variant_id, s.location_id, s.on_hand HAVING s.on_hand <> coalesce(sum(l.available + l.quarantined), 0)`},
	{"a lot at a location is the sum of its movements", `
		SELECT format('lot %s at %s: %s, movements %s', lot_id, location_id, coalesce(l.available, 0), coalesce(m.sum, 0))
		FROM stock_lot_levels l FULL JOIN (SELECT lot_id, location_id, sum(available) FROM stock_lot_movements GROUP BY 1, 2) m USING (lot_id, location_id)
		WHERE coalesce(l.available, 0) <> coalesce(m.sum, 0)`},
}
