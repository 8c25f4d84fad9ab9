-- +goose Up
-- Stock movements go only with their level, whose trigger takes them along.
CREATE TRIGGER stock_movements_stay BEFORE DELETE ON stock_movements FOR EACH STATEMENT
	WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION stock_movement_stays();
CREATE TRIGGER stock_movements_whole BEFORE TRUNCATE ON stock_movements FOR EACH STATEMENT EXECUTE FUNCTION stock_movement_stays();

-- +goose Down
DROP TRIGGER stock_movements_stay ON stock_movements;
DROP TRIGGER stock_movements_whole ON stock_movements;
