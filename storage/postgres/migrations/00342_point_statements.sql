-- +goose Up
-- A member's statement has what members brought along who became this one: the entries of
-- several accounts, in the order of their times.
CREATE INDEX point_entries_statement ON point_entries (account_id, at DESC, number DESC);

-- +goose Down
DROP INDEX point_entries_statement;
