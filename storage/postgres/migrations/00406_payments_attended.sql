-- +goose Up
-- What an order has more than it comes to: of one that was given up, all. Staff send it back, so
-- it is found without reading every order. The database keeps it, whoever moves money.
ALTER TABLE orders ADD COLUMN overpaid bigint NOT NULL DEFAULT 0;

-- +goose StatementBegin
CREATE FUNCTION overpaid(of_order uuid, stands text, owed bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
	SELECT greatest(coalesce(sum(p.captured - p.refunded + p.set_off), 0) - CASE WHEN stands = 'CANCELLED' THEN 0 ELSE owed END, 0)::bigint
	FROM payments p WHERE p.order_id = of_order
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION order_overpaid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.overpaid := overpaid(NEW.id, NEW.status, NEW.total - NEW.refused);
	RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION payment_overpaid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE orders o SET overpaid = overpaid(o.id, o.status, o.total - o.refused)
	WHERE o.id = NEW.order_id AND o.overpaid <> overpaid(o.id, o.status, o.total - o.refused);
	RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER order_overpaid BEFORE UPDATE ON orders FOR EACH ROW
	WHEN (NEW.status <> OLD.status OR NEW.total - NEW.refused <> OLD.total - OLD.refused) EXECUTE FUNCTION order_overpaid();
CREATE TRIGGER payment_overpaid AFTER UPDATE ON payments FOR EACH ROW
	WHEN (NEW.captured <> OLD.captured OR NEW.refunded <> OLD.refunded OR NEW.set_off <> OLD.set_off) EXECUTE FUNCTION payment_overpaid();

UPDATE orders o SET overpaid = x.more FROM (
	SELECT o.id, overpaid(o.id, o.status, o.total - o.refused) AS more FROM orders o
	JOIN (SELECT order_id, sum(captured - refunded) AS there FROM payments WHERE captured > refunded GROUP BY 1) p ON p.order_id = o.id
	WHERE o.status = 'CANCELLED' OR p.there > o.total - o.refused
) x WHERE x.id = o.id AND x.more > 0;

CREATE INDEX orders_overpaid ON orders (brand_id) WHERE overpaid > 0;
CREATE INDEX orders_lapsed ON orders (brand_id) WHERE NOT paid AND payment_method NOT IN ('ON_ACCOUNT', 'CASH_ON_DELIVERY')
	AND status IN ('CONFIRMED', 'PICKING', 'PARTIALLY_SHIPPED', 'SHIPPED', 'DELIVERED');
CREATE INDEX payments_over ON payments (brand_id) WHERE captured - refunded > amount;
CREATE INDEX payments_short ON payments (brand_id) WHERE status = 'PENDING' AND captured > 0;

-- +goose Down
DROP INDEX payments_short, payments_over, orders_lapsed, orders_overpaid;
DROP TRIGGER payment_overpaid ON payments;
DROP TRIGGER order_overpaid ON orders;
DROP FUNCTION payment_overpaid(), order_overpaid(), overpaid(uuid, text, bigint);
ALTER TABLE orders DROP COLUMN overpaid;
