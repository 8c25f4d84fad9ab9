-- +goose Up
-- E-mails of mailings: what has become of each.
ALTER TABLE mailing_recipients
	ADD COLUMN tries           int NOT NULL DEFAULT 0,
	ADD COLUMN message_id      text,
	ADD COLUMN email_hash      bytea, -- keyed; of the address that it went to
	ADD COLUMN sent_at         timestamptz,
	ADD COLUMN opened_at       timestamptz,
	ADD COLUMN clicked_at      timestamptz,
	ADD COLUMN unsubscribed_at timestamptz,
	ADD COLUMN bounce          text NOT NULL DEFAULT '' CHECK (bounce IN ('', 'HARD', 'SOFT'));
CREATE UNIQUE INDEX mailing_recipients_message ON mailing_recipients (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX mailing_recipients_queue ON mailing_recipients (mailing_id, tries, position) WHERE state = 'QUEUED';

-- Which links of an e-mail somebody followed, once each; links are counted from 0 in the
-- mailing's text.
CREATE TABLE mailing_clicks (
	mailing_id uuid NOT NULL REFERENCES mailings,
	link       int NOT NULL,
	member_id  uuid NOT NULL,
	at         timestamptz NOT NULL,
	PRIMARY KEY (mailing_id, link, member_id)
);

-- What came back. Of e-mails that noren does not know there is no mailing.
CREATE TABLE mail_bounces (
	id         uuid PRIMARY KEY,
	digest     bytea NOT NULL UNIQUE,
	message_id text NOT NULL,
	mailing_id uuid REFERENCES mailings,
	member_id  uuid,
	kind       text NOT NULL CHECK (kind IN ('HARD', 'SOFT')),
	status     text NOT NULL,
	diagnosis  text NOT NULL,
	at         timestamptz NOT NULL
);
CREATE INDEX mail_bounces_mailing ON mail_bounces (mailing_id) WHERE mailing_id IS NOT NULL;

-- +goose Down
DROP TABLE mail_bounces, mailing_clicks;
DROP INDEX mailing_recipients_queue, mailing_recipients_message;
ALTER TABLE mailing_recipients DROP COLUMN tries, DROP COLUMN message_id, DROP COLUMN email_hash, DROP COLUMN sent_at, DROP COLUMN opened_at, DROP COLUMN clicked_at,
	DROP COLUMN unsubscribed_at, DROP COLUMN bounce;
