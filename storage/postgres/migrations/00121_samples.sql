-- +goose Up
-- Samples (サンプル): sold at nothing, so many for each customer, and only beside goods of
-- an amount, a product or a category, where the terms say so.
ALTER TABLE sale_terms
	DROP CONSTRAINT sale_terms_kind_check,
	ADD COLUMN min_amount bigint CHECK (min_amount > 0), -- minor units
	ADD COLUMN with_product uuid REFERENCES products,
	ADD COLUMN with_category uuid REFERENCES categories,
	ADD CONSTRAINT sale_terms_kind_check CHECK (kind IN ('LIMITED', 'ADVANCE', 'MADE_TO_ORDER', 'SAMPLE')),
	ADD CONSTRAINT sale_terms_sample CHECK (kind = 'SAMPLE' AND per_customer IS NOT NULL OR num_nonnulls(min_amount, with_product, with_category) = 0);
CREATE INDEX sale_terms_samples ON sale_terms (brand_id) WHERE kind = 'SAMPLE';

-- +goose Down
DROP INDEX sale_terms_samples;
UPDATE sale_terms SET kind = NULL WHERE kind = 'SAMPLE';
ALTER TABLE sale_terms
	DROP CONSTRAINT sale_terms_sample,
	DROP CONSTRAINT sale_terms_kind_check,
	DROP COLUMN min_amount, DROP COLUMN with_product, DROP COLUMN with_category,
	ADD CONSTRAINT sale_terms_kind_check CHECK (kind IN ('LIMITED', 'ADVANCE', 'MADE_TO_ORDER'));
