-- +goose NO TRANSACTION
-- +goose Up
-- Who of an audience has the same e-mail address. Audiences are many: they are written on.
CREATE INDEX CONCURRENTLY IF NOT EXISTS mailing_recipients_email ON mailing_recipients (mailing_id, email_hash) WHERE email_hash IS NOT NULL;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS mailing_recipients_email;
