package books

// held is what orders have used of campaigns and not given back.
const held = `(SELECT * FROM campaign_uses WHERE returned_at IS NULL)`

var campaigns = []Rule{
	{"what a campaign has given is what orders hold of it", `
		SELECT format('campaign %s: gave %s in %s orders; they hold %s in %s', c.code, t.given, t.uses, coalesce(u.sum, 0), coalesce(u.count, 0))
		FROM campaigns c JOIN campaign_totals t ON t.campaign_id = c.id
		LEFT JOIN (SELECT campaign_id, sum(discount), count(*) FROM ` + held + ` h WHERE counted GROUP BY 1) u ON u.campaign_id = c.id
		WHERE (t.given, t.uses) <> (coalesce(u.sum, 0), coalesce(u.count, 0))`},
	{"what of a gift is gone is what orders hold of it", `
		SELECT format('campaign %s, gift %s: %s gone, orders hold %s', g.campaign_id, g.variant_id, g.given, coalesce(u.sum, 0))
		FROM campaign_gifts g LEFT JOIN (SELECT campaign_id, (e ->> 'VariantID')::uuid AS variant_id, sum((e ->> 'Quantity')::int)
			FROM ` + held + ` h, jsonb_array_elements(gifts) e GROUP BY 1, 2) u USING (campaign_id, variant_id)
		WHERE g.given <> coalesce(u.sum, 0)`},
	{"how often a buyer has used a campaign is how many orders hold it", `
		SELECT format('campaign %s, buyer %s: counted %s, orders %s', b.campaign_id, b.buyer_id, b.uses, count(h.order_id))
		FROM campaign_buyers b LEFT JOIN ` + held + ` h USING (campaign_id, buyer_id)
		GROUP BY b.campaign_id, b.buyer_id, b.uses HAVING b.uses <> count(h.order_id)`},
	{"a given-up order holds nothing of campaigns", `
		SELECT format('order %s: campaign %s', o.number, h.campaign_id) FROM orders o JOIN ` + held + ` h ON h.order_id = o.id WHERE o.status = 'CANCELLED'`},
	{"an order's gifts are what campaigns gave", `
		SELECT format('order %s: %s pieces of %s from %s, should be %s', o.number, coalesce(l.sum, 0), variant_id, campaign_id, coalesce(u.sum, 0))
		FROM (SELECT order_id, campaign_id, (e ->> 'VariantID')::uuid AS variant_id, sum((e ->> 'Quantity')::int)
			FROM ` + held + ` h, jsonb_array_elements(gifts) e GROUP BY 1, 2, 3) u
		FULL JOIN (SELECT l.order_id, (l.breakdown -> 0 ->> 'Source')::uuid AS campaign_id, l.variant_id, sum(l.quantity) FROM order_lines l
			WHERE l.unit = 0 AND l.breakdown -> 0 ->> 'Rule' = 'CAMPAIGN' AND l.quantity > 0
				AND EXISTS (SELECT FROM ` + held + ` h WHERE h.order_id = l.order_id AND h.campaign_id = (l.breakdown -> 0 ->> 'Source')::uuid)
			GROUP BY 1, 2, 3) l USING (order_id, campaign_id, variant_id)
		JOIN orders o ON o.id = order_id WHERE coalesce(l.sum, 0) <> coalesce(u.sum, 0)`},
}

var recurring = []Rule{
	{"a due day is ordered once", `
		SELECT format('order %s of %s days', order_id, count(*)) FROM recurring_occurrences WHERE result = 'PLACED' GROUP BY order_id HAVING order_id IS NULL OR count(*) <> 1
		UNION ALL SELECT format('recurring order %s: %s placed, %s noted', r.number, count(e.*), (SELECT count(*) FROM recurring_occurrences n WHERE n.recurring_id = r.id AND n.result = 'PLACED'))
		FROM recurring_orders r LEFT JOIN events e ON e.subject_id = r.id AND e.type = 'recurring_order.placed' GROUP BY r.id
		HAVING count(e.*) <> (SELECT count(*) FROM recurring_occurrences n WHERE n.recurring_id = r.id AND n.result = 'PLACED')`},
}
