-- +goose Up
-- A list's prices are paged and exported list by list.
CREATE INDEX prices_list ON prices (price_list_id, variant_id);

-- +goose Down
DROP INDEX prices_list;
