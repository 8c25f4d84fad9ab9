-- +goose Up
-- Letters wait until it is known of everybody whether they get one. Of mailings that were
-- cancelled before that none was printed.
UPDATE mailing_recipients r SET state = 'QUEUED' FROM mailings m
WHERE m.id = r.mailing_id AND m.medium = 'DM' AND m.state IN ('PREPARING', 'CANCELLED') AND r.state = 'SENT';
UPDATE mailings SET sent = 0, recount = recount OR state = 'CANCELLED' WHERE medium = 'DM' AND state IN ('PREPARING', 'CANCELLED') AND sent > 0;

-- When the label of a letter was first printed.
ALTER TABLE mailing_recipients ADD COLUMN printed_at timestamptz;

-- +goose Down
ALTER TABLE mailing_recipients DROP COLUMN printed_at;
UPDATE mailing_recipients r SET state = 'SENT' FROM mailings m
WHERE m.id = r.mailing_id AND m.medium = 'DM' AND m.state IN ('PREPARING', 'CANCELLED') AND r.state = 'QUEUED';
UPDATE mailings SET sent = addressed WHERE medium = 'DM' AND state IN ('PREPARING', 'CANCELLED');
