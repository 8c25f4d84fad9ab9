-- +goose Up
-- Of a company's or a shop's orders those in a status, or paid in a way, are told by the
-- index alone, where few or none are.
DROP INDEX orders_company;
DROP INDEX orders_shop;
CREATE INDEX orders_company ON orders (company_id, placed_at DESC, id DESC, status, payment_method) WHERE company_id IS NOT NULL;
CREATE INDEX orders_shop ON orders (shop_id, placed_at DESC, id DESC, status, payment_method) WHERE shop_id IS NOT NULL;
-- Shops and companies of orders go together; taken for independent, they would be sorted.
CREATE STATISTICS orders_related (dependencies, mcv) ON shop_id, company_id FROM orders;

-- +goose Down
DROP STATISTICS orders_related;
DROP INDEX orders_company;
DROP INDEX orders_shop;
CREATE INDEX orders_company ON orders (company_id, placed_at DESC, id DESC) WHERE company_id IS NOT NULL;
CREATE INDEX orders_shop ON orders (shop_id, placed_at DESC, id DESC) WHERE shop_id IS NOT NULL;
