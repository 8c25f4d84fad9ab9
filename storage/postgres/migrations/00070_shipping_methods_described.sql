-- +goose Up
ALTER TABLE shipping_methods ADD COLUMN description jsonb NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE shipping_methods DROP COLUMN description;
