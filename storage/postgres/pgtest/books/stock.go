package books

// goods is what order lines take from the shelves: their variant, or the parts of their
// set, by order line.
const goods = `goods AS (
	SELECT l.order_id, l.id AS line_id, l.variant_id, l.quantity FROM order_lines l WHERE jsonb_array_length(l.parts) = 0
	UNION ALL
	SELECT l.order_id, l.id, (p ->> 'variantId')::uuid, sum((p ->> 'quantity')::int)::int
	FROM order_lines l, jsonb_array_elements(l.parts) p GROUP BY 1, 2, 3
), packed AS (
	SELECT h.order_id, p.line_id, p.variant_id, h.location_id, h.status, p.quantity FROM shipment_lines p JOIN shipments h ON h.id = p.shipment_id
)`

var stock = []Rule{
	{"stock is the sum of its movements", `
		SELECT format('variant %s at %s: on hand %s, movements %s', variant_id, location_id, coalesce(s.on_hand, 0), coalesce(m.sum, 0))
		FROM stock_levels s FULL JOIN (SELECT variant_id, location_id, sum(quantity) FROM stock_movements GROUP BY 1, 2) m USING (variant_id, location_id)
		WHERE coalesce(s.on_hand, 0) <> coalesce(m.sum, 0)`},
	{"what is reserved is the sum of its movements", `
		SELECT format('variant %s at %s: reserved %s, movements %s', variant_id, location_id, coalesce(s.reserved, 0), coalesce(m.sum, 0))
		FROM stock_levels s FULL JOIN (SELECT variant_id, location_id, sum(reserved) FROM stock_movements GROUP BY 1, 2) m USING (variant_id, location_id)
		WHERE coalesce(s.reserved, 0) <> coalesce(m.sum, 0)`},
	{"what is reserved is what orders hold", `
		SELECT format('variant %s at %s: reserved %s, held %s', variant_id, location_id, coalesce(s.reserved, 0), coalesce(r.sum, 0))
		FROM stock_levels s FULL JOIN (
			SELECT variant_id, location_id, sum(quantity) FROM stock_reservations WHERE state = 'OPEN' AND location_id IS NOT NULL GROUP BY 1, 2
		) r USING (variant_id, location_id)
		WHERE coalesce(s.reserved, 0) <> coalesce(r.sum, 0)`},
	{"who waits is counted", `
		SELECT format('variant %s: counted %s, waiting %s', variant_id, coalesce(b.pieces, 0), coalesce(r.sum, 0))
		FROM back_orders b FULL JOIN (
			SELECT variant_id, sum(quantity) FROM stock_reservations WHERE state = 'OPEN' AND location_id IS NULL GROUP BY 1
		) r USING (variant_id)
		WHERE coalesce(b.pieces, 0) <> coalesce(r.sum, 0)`},
	{"what is coming is announced", `
		SELECT format('variant %s at %s: incoming %s, announced %s', variant_id, location_id, coalesce(s.incoming, 0), coalesce(c.sum, 0))
		FROM (SELECT * FROM stock_levels WHERE incoming <> 0) s FULL JOIN (
			SELECT variant_id, location_id, sum(missing) FROM (
				SELECT l.variant_id, t.to_id AS location_id, l.quantity - l.arrived AS missing
				FROM stock_transfer_lines l JOIN stock_transfers t ON t.id = l.transfer_id WHERE t.state = 'IN_TRANSIT'
				UNION ALL
				SELECT l.variant_id, d.location_id, greatest(l.quantity - l.arrived, 0)
				FROM stock_delivery_lines l JOIN stock_deliveries d ON d.id = l.delivery_id WHERE d.state = 'AWAITED'
			) c GROUP BY 1, 2 HAVING sum(missing) <> 0
		) c USING (variant_id, location_id)
		WHERE coalesce(s.incoming, 0) <> coalesce(c.sum, 0)`},
	{"a given-up order holds nothing", `
		SELECT format('order %s (%s)', o.number, o.status) FROM orders o
		WHERE o.status IN ('CANCELLED', 'SHIPPED', 'DELIVERED') AND EXISTS (SELECT FROM stock_reservations r WHERE r.order_id = o.id AND r.state = 'OPEN')`},
	{"what an order holds and has sent is what it is of", `
		WITH ` + goods + `, has AS (
			SELECT order_id, variant_id, sum(quantity) AS pieces FROM (
				SELECT order_id, variant_id, quantity FROM stock_reservations WHERE state = 'OPEN'
				UNION ALL SELECT order_id, variant_id, quantity FROM packed WHERE status IN ('SHIPPED', 'DELIVERED')
			) h GROUP BY 1, 2
		), wants AS (SELECT order_id, variant_id, sum(quantity) AS pieces FROM goods GROUP BY 1, 2)
		SELECT format('order %s, variant %s: wants %s, has %s', o.number, variant_id, coalesce(w.pieces, 0), coalesce(h.pieces, 0))
		FROM wants w FULL JOIN has h USING (order_id, variant_id) JOIN orders o ON o.id = order_id
		WHERE o.status <> 'CANCELLED' AND coalesce(w.pieces, 0) <> coalesce(h.pieces, 0)`},
	{"no more is packed than the order holds there", `
		WITH ` + goods + `
		SELECT format('order %s, variant %s: packed %s, held %s', o.number, p.variant_id, sum(p.quantity), coalesce(max(r.quantity), 0))
		FROM packed p JOIN orders o ON o.id = p.order_id
		LEFT JOIN stock_reservations r ON r.order_id = p.order_id AND r.variant_id = p.variant_id AND r.location_id = p.location_id AND r.state = 'OPEN'
		WHERE p.status = 'INSTRUCTED' GROUP BY o.number, p.variant_id, p.location_id HAVING sum(p.quantity) > coalesce(max(r.quantity), 0)`},
	{"no line is packed beyond its pieces", `
		WITH ` + goods + `
		SELECT format('line %s, variant %s', g.line_id, g.variant_id)
		FROM goods g JOIN packed p USING (line_id, variant_id) WHERE p.status <> 'CANCELLED'
		GROUP BY g.line_id, g.variant_id, g.quantity HAVING sum(p.quantity) > g.quantity`},
	{"what was sent has left the shelves", `
		WITH ` + goods + `, left_house AS (
			SELECT order_id::text AS reference, variant_id, location_id, sum(quantity) AS pieces FROM packed WHERE status IN ('SHIPPED', 'DELIVERED') GROUP BY 1, 2, 3
		), gone AS (
			SELECT reference, variant_id, location_id, -sum(quantity) AS pieces FROM stock_movements WHERE kind = 'SHIPMENT' GROUP BY 1, 2, 3
		)
		SELECT format('order %s, variant %s: sent %s, gone %s', reference, variant_id, coalesce(l.pieces, 0), coalesce(g.pieces, 0))
		FROM left_house l FULL JOIN gone g USING (reference, variant_id, location_id) WHERE coalesce(l.pieces, 0) <> coalesce(g.pieces, 0)`},
}
