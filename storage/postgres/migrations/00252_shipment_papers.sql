-- +goose Up

-- Which shipments are printed together: packing lists, a pick list or labels. The file is
-- drawn when it is opened; nothing personal is kept here.
CREATE TABLE shipment_papers (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	kind         text NOT NULL CHECK (kind IN ('PACKING_LISTS', 'PICK_LIST', 'ADDRESS_LABELS')),
	shipment_ids uuid[] NOT NULL,
	format       text NOT NULL DEFAULT '',
	skip         int NOT NULL DEFAULT 0,
	created_by   uuid,
	created_at   timestamptz NOT NULL
);

-- +goose Down
DROP TABLE shipment_papers;
