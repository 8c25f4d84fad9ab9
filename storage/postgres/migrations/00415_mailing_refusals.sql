-- +goose Up
-- What the mail server said when it refused everybody, so that a mailing was paused.
ALTER TABLE mailings ADD COLUMN refusal text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE mailings DROP COLUMN refusal;
