-- +goose Up

-- Parcels that were refused at the door are taken off the history of purchases, once.
ALTER TABLE shipments ADD COLUMN refused_at timestamptz, ADD COLUMN out_of_history boolean NOT NULL DEFAULT false;
UPDATE shipments h SET refused_at = h.updated_at FROM orders o
WHERE o.id = h.order_id AND (h.status = 'REFUSED' OR (h.status = 'SHIPPED' AND o.status = 'CANCELLED'));
CREATE INDEX shipments_out_of_history ON shipments (refused_at) WHERE refused_at IS NOT NULL AND NOT out_of_history;

-- +goose Down
DROP INDEX shipments_out_of_history;
ALTER TABLE shipments DROP COLUMN out_of_history, DROP COLUMN refused_at;
