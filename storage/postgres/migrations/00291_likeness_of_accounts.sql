-- +goose Up
-- A member with an account is compared by the account's e-mail address. Where that changes,
-- the likeness goes; it is made anew before members are compared again.
-- +goose StatementBegin
CREATE FUNCTION forget_account_likeness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM member_likenesses WHERE member_id = NEW.id;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER accounts_readdressed AFTER UPDATE OF email, closed_at ON accounts FOR EACH ROW
	WHEN (OLD.email IS DISTINCT FROM NEW.email OR OLD.closed_at IS DISTINCT FROM NEW.closed_at) EXECUTE FUNCTION forget_account_likeness();

-- +goose Down
DROP TRIGGER accounts_readdressed ON accounts;
DROP FUNCTION forget_account_likeness();
