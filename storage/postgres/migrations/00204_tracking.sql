-- +goose Up

-- What carriers have said of parcels. The same word of the same moment is said once.
CREATE TABLE tracking_events (
	id          uuid PRIMARY KEY,
	parcel_id   uuid NOT NULL REFERENCES parcels,
	status      text NOT NULL CHECK (status IN ('ACCEPTED', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'ABSENT', 'DELIVERED', 'RETURNED')),
	at          timestamptz NOT NULL,
	place       text NOT NULL,
	received_at timestamptz NOT NULL,
	UNIQUE (parcel_id, status, at)
);

ALTER TABLE parcels ADD COLUMN asked_at timestamptz; -- when its carrier was last asked where it is
CREATE INDEX shipments_on_the_way ON shipments (carrier_id, shipped_at) WHERE status = 'SHIPPED';

-- +goose Down
DROP INDEX shipments_on_the_way;
ALTER TABLE parcels DROP COLUMN asked_at;
DROP TABLE tracking_events;
