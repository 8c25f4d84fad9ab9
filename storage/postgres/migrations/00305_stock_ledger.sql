-- +goose Up
-- Stock is a ledger: what is promised to orders changes by movements too, and each says
-- who did it. Before this, staff or noren itself moved what lies there; what orders hold
-- now is opened by one allocation each.
ALTER TABLE stock_movements
	ADD COLUMN reserved   int  NOT NULL DEFAULT 0,        -- by how many pieces what is reserved changed
	ADD COLUMN actor_role text NOT NULL DEFAULT 'SYSTEM', -- who did it; actor_id is their account
	DROP CONSTRAINT stock_movements_quantity_check,
	ADD CONSTRAINT stock_movements_moves CHECK (quantity <> 0 OR reserved <> 0);
UPDATE stock_movements SET actor_role = 'STAFF' WHERE actor_id IS NOT NULL;
INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity, reserved, reference)
SELECT gen_random_uuid(), now(), variant_id, location_id, 'ALLOCATION', 0, quantity, order_id::text
FROM stock_reservations WHERE state = 'OPEN' AND location_id IS NOT NULL;

-- A movement is of a level. A reference to it would be checked under the level's lock, and
-- those to variant and location would lock rows that all transactions share: movements are
-- written with their levels, and go with them.
ALTER TABLE stock_movements
	DROP CONSTRAINT stock_movements_variant_id_fkey,
	DROP CONSTRAINT stock_movements_location_id_fkey;
-- +goose StatementBegin
CREATE FUNCTION stock_level_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM stock_movements WHERE variant_id = OLD.variant_id AND location_id = OLD.location_id;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER stock_levels_gone AFTER DELETE ON stock_levels FOR EACH ROW EXECUTE FUNCTION stock_level_gone();

-- Allocations outnumber all else, so each kind is walked by its own part of an index.
DROP INDEX stock_movements_level;
CREATE INDEX stock_movements_kind ON stock_movements (variant_id, kind, at, id);
CREATE INDEX stock_movements_place ON stock_movements (variant_id, location_id, kind, at, id);

-- +goose StatementBegin
CREATE FUNCTION stock_movement_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'stock movements are only added' USING ERRCODE = 'check_violation', CONSTRAINT = 'stock_movements_append_only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER stock_movements_append_only BEFORE UPDATE ON stock_movements FOR EACH STATEMENT EXECUTE FUNCTION stock_movement_stays();

-- What a transfer is for the stock, by the kinds of its two locations when it was sent.
ALTER TABLE stock_transfers ADD COLUMN kind text NOT NULL DEFAULT 'TRANSFER' CHECK (kind IN ('TRANSFER', 'EVENT_TAKE_OUT', 'EVENT_BRING_BACK'));
UPDATE stock_transfers t SET kind = CASE o.kind WHEN 'EVENT' THEN 'EVENT_BRING_BACK' ELSE 'EVENT_TAKE_OUT' END
FROM locations o, locations d WHERE o.id = t.from_id AND d.id = t.to_id AND (o.kind = 'EVENT') <> (d.kind = 'EVENT');

-- +goose Down
ALTER TABLE stock_transfers DROP COLUMN kind;
DROP TRIGGER stock_movements_append_only ON stock_movements;
DROP FUNCTION stock_movement_stays();
DELETE FROM stock_movements WHERE quantity = 0;
DROP INDEX stock_movements_kind, stock_movements_place;
CREATE INDEX stock_movements_level ON stock_movements (variant_id, location_id, at);
DROP TRIGGER stock_levels_gone ON stock_levels;
DROP FUNCTION stock_level_gone();
ALTER TABLE stock_movements
	DROP CONSTRAINT stock_movements_moves,
	DROP COLUMN reserved, DROP COLUMN actor_role,
	ADD CONSTRAINT stock_movements_quantity_check CHECK (quantity <> 0),
	ADD CONSTRAINT stock_movements_variant_id_fkey FOREIGN KEY (variant_id) REFERENCES variants ON DELETE CASCADE,
	ADD CONSTRAINT stock_movements_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations;
