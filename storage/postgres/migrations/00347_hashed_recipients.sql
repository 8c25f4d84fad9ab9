-- +goose Up
-- To whom a message went is kept as a keyed hash: the log outlives an erasure. The hourly
-- job that seals personal data hashes what is here in clear.
ALTER TABLE sent_messages ADD COLUMN recipient_hash bytea, ALTER COLUMN recipient SET DEFAULT '';
DROP INDEX sent_messages_recipient;
CREATE INDEX sent_messages_recipient ON sent_messages (recipient) WHERE recipient <> ''; -- not hashed yet
CREATE INDEX sent_messages_hash ON sent_messages (recipient_hash, at DESC) WHERE recipient_hash IS NOT NULL;
-- What mail servers said names addresses, too.
UPDATE sent_messages SET rejection = regexp_replace(rejection, '[^\s<>()\[\]:;,"]+@[^\s<>()\[\]:;,"]+', '…@…', 'g') WHERE rejection LIKE '%@%';
DELETE FROM one_time_tokens WHERE expires_at <= now();

-- +goose Down
DROP INDEX sent_messages_hash, sent_messages_recipient;
CREATE INDEX sent_messages_recipient ON sent_messages (recipient, at DESC);
ALTER TABLE sent_messages DROP COLUMN recipient_hash, ALTER COLUMN recipient DROP DEFAULT;
