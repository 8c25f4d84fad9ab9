-- +goose Up
-- What of a receipt's points expired unused is found by its lots.
CREATE INDEX point_lots_purchase ON point_lots (purchase_id) WHERE purchase_id IS NOT NULL;

-- +goose Down
DROP INDEX point_lots_purchase;
