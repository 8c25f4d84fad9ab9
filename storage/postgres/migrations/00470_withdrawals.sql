-- +goose Up
-- Withdrawals by day, beside registrations. The days on which memberships have ended get a
-- mark, so that the job counts them anew.
ALTER TABLE daily_statistics ADD COLUMN withdrawals int NOT NULL DEFAULT 0; -- memberships that ended

-- +goose StatementBegin
-- Of a row that was added, changed or went, the days on which its membership ended.
CREATE FUNCTION mark_withdrawals() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	rows jsonb := CASE TG_OP WHEN 'DELETE' THEN jsonb_build_array(to_jsonb(OLD)) WHEN 'INSERT' THEN jsonb_build_array(to_jsonb(NEW)) ELSE jsonb_build_array(to_jsonb(OLD), to_jsonb(NEW)) END;
BEGIN
	INSERT INTO statistic_marks (brand_id, day)
	SELECT DISTINCT (r->>'brand_id')::uuid, ((r->>'ended_at')::timestamptz AT TIME ZONE 'Asia/Tokyo')::date
	FROM jsonb_array_elements(rows) r WHERE r->>'ended_at' IS NOT NULL;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER memberships_ended_added AFTER INSERT ON memberships FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION mark_withdrawals();
CREATE TRIGGER memberships_ended AFTER UPDATE OF brand_id, registered_store_id, ended_at ON memberships FOR EACH ROW
	WHEN ((OLD.brand_id, OLD.registered_store_id, OLD.ended_at) IS DISTINCT FROM (NEW.brand_id, NEW.registered_store_id, NEW.ended_at))
	EXECUTE FUNCTION mark_withdrawals();
CREATE TRIGGER memberships_ended_gone AFTER DELETE ON memberships FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION mark_withdrawals();

INSERT INTO statistic_marks (brand_id, day)
	SELECT DISTINCT brand_id, (ended_at AT TIME ZONE 'Asia/Tokyo')::date FROM memberships WHERE ended_at IS NOT NULL;

-- +goose Down
DROP TRIGGER memberships_ended_added ON memberships;
DROP TRIGGER memberships_ended ON memberships;
DROP TRIGGER memberships_ended_gone ON memberships;
DROP FUNCTION mark_withdrawals();
ALTER TABLE daily_statistics DROP COLUMN withdrawals;
