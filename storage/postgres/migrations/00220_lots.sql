-- +goose Up
-- How a variant's pieces are told apart: by lot, or one by one. Variants without a row are
-- counted alone. A lot whose best-before day (賞味期限) is less than min_days away does not
-- leave any more; staff are warned alert_days before that.
CREATE TABLE stock_tracking (
	variant_id uuid PRIMARY KEY REFERENCES variants ON DELETE CASCADE,
	mode       text NOT NULL CHECK (mode IN ('LOT', 'SERIAL')),
	expires    boolean NOT NULL, -- whether each lot has a best-before day
	min_days   int NOT NULL CHECK (min_days BETWEEN 0 AND 3650),
	alert_days int NOT NULL CHECK (alert_days BETWEEN 0 AND 3650),
	updated_at timestamptz NOT NULL
);

-- Whether the level's variant is tracked: its lots together are what lies there. withheld is
-- what of it may not leave: expired, recalled, or set apart for another reason.
ALTER TABLE stock_levels DROP COLUMN free,
	ADD COLUMN tracked  boolean NOT NULL DEFAULT false,
	ADD COLUMN withheld int NOT NULL DEFAULT 0 CHECK (withheld >= 0),
	ADD COLUMN free     int GENERATED ALWAYS AS (greatest(on_hand - reserved - safety - withheld, 0)) STORED;
CREATE INDEX stock_levels_tracked ON stock_levels (variant_id, location_id) WHERE tracked;

-- A lot, or with serial numbers one piece, of a variant. The lot without a number is what
-- nobody has told apart. code is what a customer follows it up by.
CREATE TABLE stock_lots (
	id          uuid PRIMARY KEY,
	brand_id    uuid NOT NULL REFERENCES brands,
	variant_id  uuid NOT NULL REFERENCES variants ON DELETE CASCADE,
	number      text NOT NULL,
	expires_on  date,
	code        text NOT NULL UNIQUE,
	blocked_at  timestamptz, -- recalled (リコール)
	blocked_for text NOT NULL DEFAULT '',
	origin      jsonb NOT NULL DEFAULT '{}',
	materials   jsonb NOT NULL DEFAULT '{}',
	route       jsonb NOT NULL DEFAULT '[]',
	created_at  timestamptz NOT NULL,
	UNIQUE (variant_id, number)
);
CREATE INDEX stock_lots_listed ON stock_lots (brand_id, (coalesce(expires_on, 'infinity')), id);

-- How much of a lot lies where: the sum of its movements.
CREATE TABLE stock_lot_levels (
	lot_id      uuid NOT NULL REFERENCES stock_lots ON DELETE CASCADE,
	variant_id  uuid NOT NULL REFERENCES variants ON DELETE CASCADE,
	location_id uuid NOT NULL REFERENCES locations,
	available   int NOT NULL DEFAULT 0 CHECK (available >= 0),
	quarantined int NOT NULL DEFAULT 0 CHECK (quarantined >= 0),
	warned_at   timestamptz, -- that it expires soon
	PRIMARY KEY (lot_id, location_id)
);
CREATE INDEX stock_lot_levels_place ON stock_lot_levels (variant_id, location_id);
CREATE INDEX stock_lot_levels_left ON stock_lot_levels (lot_id) WHERE available > 0;

CREATE TABLE stock_lot_movements (
	id          uuid PRIMARY KEY,
	at          timestamptz NOT NULL,
	lot_id      uuid NOT NULL REFERENCES stock_lots ON DELETE CASCADE,
	location_id uuid NOT NULL REFERENCES locations,
	kind        text NOT NULL,
	available   int NOT NULL,
	quarantined int NOT NULL,
	reference   text NOT NULL,
	shipment_id uuid REFERENCES shipments,
	line_id     uuid REFERENCES order_lines,
	actor_id    uuid,
	CHECK (available <> 0 OR quarantined <> 0)
);
CREATE INDEX stock_lot_movements_lot ON stock_lot_movements (lot_id, at, id);
CREATE INDEX stock_lot_movements_shipment ON stock_lot_movements (shipment_id) WHERE shipment_id IS NOT NULL;
CREATE INDEX stock_lot_movements_line ON stock_lot_movements (line_id) WHERE line_id IS NOT NULL;
CREATE INDEX stock_lot_movements_transfer ON stock_lot_movements (reference) WHERE kind = 'TRANSFER';

-- What a stocktake found of lots.
CREATE TABLE stocktake_lots (
	stocktake_id uuid NOT NULL REFERENCES stocktakes ON DELETE CASCADE,
	variant_id   uuid NOT NULL REFERENCES variants ON DELETE CASCADE,
	lot_id       uuid NOT NULL REFERENCES stock_lots ON DELETE CASCADE,
	book         int NOT NULL,
	counted      int NOT NULL CHECK (counted >= 0),
	PRIMARY KEY (stocktake_id, lot_id)
);

-- +goose StatementBegin
CREATE FUNCTION stock_level_tracked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.tracked := EXISTS (SELECT FROM stock_tracking t WHERE t.variant_id = NEW.variant_id);
	RETURN NEW;
END $$;

-- Whoever moves pieces of a tracked variant says of which lots, by the end of the transaction.
CREATE FUNCTION stock_level_lots() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM FROM stock_levels s CROSS JOIN LATERAL (
		SELECT coalesce(sum(l.available + l.quarantined), 0) AS pieces, coalesce(sum(l.quarantined), 0) AS quarantined
		FROM stock_lot_levels l WHERE l.variant_id = s.variant_id AND l.location_id = s.location_id) k
	WHERE s.variant_id = NEW.variant_id AND s.location_id = NEW.location_id AND s.tracked AND (s.on_hand <> k.pieces OR s.withheld <> k.quarantined);
	IF FOUND THEN
		RAISE EXCEPTION 'the lots of variant % at location % are not what lies there', NEW.variant_id, NEW.location_id USING ERRCODE = 'check_violation';
	END IF;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER stock_levels_tracked BEFORE INSERT ON stock_levels FOR EACH ROW EXECUTE FUNCTION stock_level_tracked();
CREATE CONSTRAINT TRIGGER stock_levels_lots AFTER INSERT OR UPDATE ON stock_levels DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (NEW.tracked) EXECUTE FUNCTION stock_level_lots();

-- +goose Down
DROP TRIGGER stock_levels_lots ON stock_levels;
DROP TRIGGER stock_levels_tracked ON stock_levels;
DROP FUNCTION stock_level_lots, stock_level_tracked;
DROP TABLE stocktake_lots, stock_lot_movements, stock_lot_levels, stock_lots;
ALTER TABLE stock_levels DROP COLUMN free, DROP COLUMN tracked, DROP COLUMN withheld,
	ADD COLUMN free int GENERATED ALWAYS AS (greatest(on_hand - reserved - safety, 0)) STORED;
DROP TABLE stock_tracking;
