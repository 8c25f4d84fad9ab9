-- +goose Up
-- What a piece cost when cheaper goods were asked for in its place, and what one of those did.
ALTER TABLE return_lines ADD COLUMN had bigint NOT NULL DEFAULT 0, ADD COLUMN wants bigint NOT NULL DEFAULT 0,
	ADD CONSTRAINT return_lines_wants CHECK (wants BETWEEN 0 AND had);

-- +goose Down
ALTER TABLE return_lines DROP COLUMN had, DROP COLUMN wants;
