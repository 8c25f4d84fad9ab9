-- +goose Up

-- Goods of one order that leave one location together. What a shipment was worth is
-- written when it leaves.
CREATE TABLE shipments (
	id              uuid PRIMARY KEY,
	order_id        uuid NOT NULL REFERENCES orders,
	brand_id        uuid NOT NULL REFERENCES brands,
	location_id     uuid NOT NULL REFERENCES locations,
	nth             int NOT NULL,
	status          text NOT NULL CHECK (status IN ('INSTRUCTED', 'SHIPPED', 'DELIVERED', 'CANCELLED')),
	carrier_id      uuid REFERENCES shipping_carriers,
	carrier         text NOT NULL DEFAULT '',
	tracking_number text NOT NULL DEFAULT '',
	tracking_url    text NOT NULL DEFAULT '',
	currency        text NOT NULL,
	total           bigint NOT NULL DEFAULT 0,
	shipping_fee    bigint NOT NULL DEFAULT 0,
	taxes           jsonb NOT NULL DEFAULT '[]',
	instructed_at   timestamptz NOT NULL,
	shipped_at      timestamptz,
	delivered_at    timestamptz,
	updated_at      timestamptz NOT NULL,
	UNIQUE (order_id, nth)
);
CREATE INDEX shipments_work ON shipments (brand_id, status, instructed_at, id);
CREATE INDEX shipments_place ON shipments (location_id, status, instructed_at, id);
CREATE INDEX shipments_listed ON shipments (brand_id, instructed_at, id);
CREATE INDEX shipments_tracking ON shipments (tracking_number) WHERE tracking_number <> '';

CREATE TABLE shipment_lines (
	shipment_id uuid NOT NULL REFERENCES shipments,
	line_id     uuid NOT NULL REFERENCES order_lines,
	variant_id  uuid NOT NULL,
	quantity    int NOT NULL CHECK (quantity > 0),
	PRIMARY KEY (shipment_id, line_id, variant_id)
);

-- Orders that left before there were shipments: one for each location.
INSERT INTO shipments (id, order_id, brand_id, location_id, nth, status, currency, total, shipping_fee, taxes, instructed_at, shipped_at, delivered_at, updated_at)
SELECT gen_random_uuid(), o.id, o.brand_id, r.location_id, r.nth, o.status, o.currency,
	CASE r.nth WHEN 1 THEN o.total ELSE 0 END, CASE r.nth WHEN 1 THEN o.shipping_fee ELSE 0 END, CASE r.nth WHEN 1 THEN o.taxes ELSE '[]' END,
	o.updated_at, o.updated_at, CASE o.status WHEN 'DELIVERED' THEN o.updated_at END, o.updated_at
FROM orders o JOIN (
	SELECT order_id, location_id, row_number() OVER (PARTITION BY order_id ORDER BY location_id) AS nth
	FROM stock_reservations WHERE state = 'SHIPPED' GROUP BY order_id, location_id
) r ON r.order_id = o.id
WHERE o.status IN ('SHIPPED', 'DELIVERED');

-- +goose Down
DROP TABLE shipment_lines, shipments;
