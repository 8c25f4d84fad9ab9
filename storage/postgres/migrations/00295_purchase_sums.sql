-- +goose Up
-- What each purchase of a member comes to, all months together: searches ask for sums of
-- many members, and would look into every month's partition for each of them.
CREATE TABLE purchase_sums (
	member_id   uuid NOT NULL,
	bought_on   date NOT NULL,
	purchase_id uuid NOT NULL,
	brand_id    uuid NOT NULL,
	store_id    uuid,
	items       int NOT NULL,
	total       bigint NOT NULL -- minor units
) WITH (autovacuum_vacuum_insert_scale_factor = 0.02); -- is read out of its index alone
CREATE UNIQUE INDEX purchase_sums_member ON purchase_sums (member_id, bought_on, purchase_id) INCLUDE (brand_id, store_id, items, total);

-- +goose StatementBegin
CREATE FUNCTION sum_purchases() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO purchase_sums (member_id, bought_on, purchase_id, brand_id, store_id, items, total)
	SELECT member_id, bought_on, id, brand_id, store_id, items, total FROM added WHERE member_id IS NOT NULL;
	RETURN NULL;
END $$;
-- Of a purchase that changed or went.
CREATE FUNCTION sum_purchase_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM purchase_sums WHERE member_id = OLD.member_id AND bought_on = OLD.bought_on AND purchase_id = OLD.id;
	IF TG_OP = 'UPDATE' AND NEW.member_id IS NOT NULL THEN
		INSERT INTO purchase_sums (member_id, bought_on, purchase_id, brand_id, store_id, items, total)
		VALUES (NEW.member_id, OLD.bought_on, OLD.id, NEW.brand_id, NEW.store_id, NEW.items, NEW.total);
	END IF;
	RETURN NULL;
END $$;
-- Which would move the purchase to another month's partition, past the triggers.
CREATE FUNCTION refuse_another_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'the day of purchase % cannot change', OLD.id;
END $$;
-- +goose StatementEnd
CREATE TRIGGER purchases_day BEFORE UPDATE OF bought_on ON purchases FOR EACH ROW WHEN (OLD.bought_on IS DISTINCT FROM NEW.bought_on) EXECUTE FUNCTION refuse_another_day();
CREATE TRIGGER purchases_summed AFTER INSERT ON purchases REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION sum_purchases();
CREATE TRIGGER purchases_summed_again AFTER UPDATE OF brand_id, store_id, member_id, items, total ON purchases FOR EACH ROW
	WHEN ((OLD.brand_id, OLD.store_id, OLD.member_id, OLD.items, OLD.total) IS DISTINCT FROM (NEW.brand_id, NEW.store_id, NEW.member_id, NEW.items, NEW.total))
	EXECUTE FUNCTION sum_purchase_again();
CREATE TRIGGER purchases_unsummed AFTER DELETE ON purchases FOR EACH ROW EXECUTE FUNCTION sum_purchase_again();

INSERT INTO purchase_sums (member_id, bought_on, purchase_id, brand_id, store_id, items, total)
SELECT member_id, bought_on, id, brand_id, store_id, items, total FROM purchases WHERE member_id IS NOT NULL;
DROP INDEX purchases_sums;

-- Searches read out of these alone whom a brand has, and of what age and gender they are.
CREATE INDEX memberships_search ON memberships (brand_id, member_id) INCLUDE (registered_store_id, home_store_id, rank_id) WHERE ended_at IS NULL;
CREATE INDEX profiles_search ON profiles (member_id) INCLUDE (gender, birth_year, birth_month);

-- +goose Down
DROP INDEX profiles_search, memberships_search;
CREATE INDEX purchases_sums ON purchases (member_id, bought_on) INCLUDE (brand_id, store_id, items, total) WHERE member_id IS NOT NULL;
DROP TRIGGER purchases_unsummed ON purchases;
DROP TRIGGER purchases_summed_again ON purchases;
DROP TRIGGER purchases_summed ON purchases;
DROP TRIGGER purchases_day ON purchases;
DROP FUNCTION refuse_another_day, sum_purchase_again, sum_purchases;
DROP TABLE purchase_sums;
