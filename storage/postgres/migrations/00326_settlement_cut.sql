-- +goose Up
-- A settlement file has what was written down by a moment that lies a while before it was
-- made, so that nothing which was in flight then comes into it later.
ALTER TABLE settlement_files ADD COLUMN written_by timestamptz;
UPDATE settlement_files SET written_by = made_at;
ALTER TABLE settlement_files ALTER COLUMN written_by SET NOT NULL;

-- +goose Down
ALTER TABLE settlement_files DROP COLUMN written_by;
