-- +goose Up
CREATE INDEX products_newest ON products (brand_id, created_at DESC, id DESC);
CREATE INDEX media_variant ON media (variant_id) WHERE variant_id IS NOT NULL;
CREATE INDEX product_brands_shown ON product_brands (brand_id, position, slug);

-- +goose Down
DROP INDEX products_newest, media_variant, product_brands_shown;
