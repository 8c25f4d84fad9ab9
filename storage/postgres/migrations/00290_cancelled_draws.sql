-- +goose Up
-- Draws that are called off (抽選の中止): points of entries go back by a job, some entrants
-- at a time.
ALTER TABLE draws
	ADD COLUMN reason       text NOT NULL DEFAULT '',
	ADD COLUMN cancelled_at timestamptz,
	ADD COLUMN settled_at   timestamptz, -- when all entrants had their points back
	DROP CONSTRAINT draws_state_check,
	DROP CONSTRAINT draws_check1, -- an open draw alone has no digest
	ADD CONSTRAINT draws_states CHECK (state IN ('OPEN', 'CLOSED', 'DRAWN', 'CANCELLED')),
	ADD CONSTRAINT draws_lists CHECK (state = 'CANCELLED' OR (state = 'OPEN') = (digest IS NULL)),
	ADD CONSTRAINT draws_cancelled CHECK ((state = 'CANCELLED') = (cancelled_at IS NOT NULL));
CREATE INDEX draws_unsettled ON draws (id) WHERE state = 'CANCELLED' AND settled_at IS NULL;
ALTER TABLE draw_entrants ADD COLUMN settled_at timestamptz; -- of a cancelled draw

-- +goose Down
ALTER TABLE draw_entrants DROP COLUMN settled_at;
DROP INDEX draws_unsettled;
ALTER TABLE draws
	DROP CONSTRAINT draws_cancelled,
	DROP CONSTRAINT draws_lists,
	DROP CONSTRAINT draws_states,
	DROP COLUMN settled_at,
	DROP COLUMN cancelled_at,
	DROP COLUMN reason,
	ADD CONSTRAINT draws_state_check CHECK (state IN ('OPEN', 'CLOSED', 'DRAWN')) NOT VALID,
	ADD CONSTRAINT draws_check1 CHECK ((state = 'OPEN') = (digest IS NULL)) NOT VALID;
