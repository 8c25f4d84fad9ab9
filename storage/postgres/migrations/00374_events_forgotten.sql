-- +goose Up
-- Events about an erased member lose what people typed; null: they have yet to.
ALTER TABLE members ADD COLUMN events_cleaned_at timestamptz;
CREATE INDEX members_uncleaned ON members (id) WHERE erased_at IS NOT NULL AND events_cleaned_at IS NULL;

-- +goose Down
DROP INDEX members_uncleaned;
ALTER TABLE members DROP COLUMN events_cleaned_at;
