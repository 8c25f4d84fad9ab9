-- +goose Up
-- What the buyer wishes of the delivery.
ALTER TABLE carts
	ADD COLUMN deliver_on    date,
	ADD COLUMN delivery_band text NOT NULL DEFAULT ''; -- a code of the method's schedule

-- What the buyer was told and chose; band as the schedule had it.
ALTER TABLE orders
	ADD COLUMN promised_on date,
	ADD COLUMN ship_by     date,
	ADD COLUMN deliver_on  date,
	ADD COLUMN band        jsonb;
ALTER TABLE shipments
	ADD COLUMN ship_by    date,
	ADD COLUMN deliver_on date,
	ADD COLUMN band       jsonb;

-- +goose StatementBegin
-- What comes in of a variant where it ships from, by what is announced; how many pieces
-- orders wait for; and when it is released, if it is sold in advance.
CREATE FUNCTION stock_coming(of_variant uuid) RETURNS jsonb LANGUAGE sql STABLE STRICT AS $$
	SELECT jsonb_build_object(
		'waiting', coalesce((SELECT w.pieces FROM back_orders w WHERE w.variant_id = of_variant), 0),
		'releaseAt', (SELECT t.release_at FROM sale_terms t WHERE t.variant_id = of_variant AND t.kind = 'ADVANCE'),
		'arrivals', (SELECT coalesce(jsonb_agg(jsonb_build_object('on', to_char(a.expected_on, 'YYYY-MM-DD"T00:00:00Z"'), 'pieces', a.missing) ORDER BY a.expected_on), '[]') FROM (
			SELECT d.expected_on, l.quantity - l.arrived AS missing
			FROM stock_delivery_lines l JOIN stock_deliveries d ON d.id = l.delivery_id JOIN locations o ON o.id = d.location_id
			WHERE l.variant_id = of_variant AND d.state = 'AWAITED' AND d.expected_on IS NOT NULL AND o.ships AND o.active AND l.quantity > l.arrived
			UNION ALL
			SELECT t.expected_on, l.quantity - l.arrived
			FROM stock_transfer_lines l JOIN stock_transfers t ON t.id = l.transfer_id JOIN locations o ON o.id = t.to_id
			WHERE l.variant_id = of_variant AND t.state = 'IN_TRANSIT' AND t.expected_on IS NOT NULL AND o.ships AND o.active AND l.quantity > l.arrived
		) a))
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION stock_coming;
ALTER TABLE shipments DROP COLUMN band, DROP COLUMN deliver_on, DROP COLUMN ship_by;
ALTER TABLE orders DROP COLUMN band, DROP COLUMN deliver_on, DROP COLUMN ship_by, DROP COLUMN promised_on;
ALTER TABLE carts DROP COLUMN delivery_band, DROP COLUMN deliver_on;
