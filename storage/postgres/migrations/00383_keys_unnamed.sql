-- +goose Up
-- Keys of mails that went to several end in whom they went to: in a digest of the address,
-- no more in the address.
UPDATE sent_messages SET key = regexp_replace(key, '[^/ ]+@[^/ ]+$', '')
	|| left(encode(sha256(convert_to(substring(key FROM '[^/ ]+@[^/ ]+$'), 'UTF8')), 'hex'), 32)
WHERE key ~ '[^/ ]+@[^/ ]+$';

-- +goose Down
SELECT;
