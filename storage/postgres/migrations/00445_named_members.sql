-- +goose Up
-- Who has a card alone may become a member whom rules name: by a merge.
ALTER TABLE named_members DROP CONSTRAINT named_members_member_id_fkey;

CREATE INDEX named_members_member ON named_members (member_id);
CREATE INDEX price_import_rows_member ON price_import_rows (audience_id) WHERE audience_kind = 'MEMBER';

-- Rules that name members who were merged before rules followed: the job that gathers what
-- was written late brings them along.
UPDATE members m SET straggles = true WHERE m.merged_into IS NOT NULL AND NOT m.straggles AND (m.id IN (SELECT member_id FROM named_members)
	OR EXISTS (SELECT FROM shipping_methods s WHERE s.tariff ? 'free' AND s.tariff::text LIKE '%' || m.id || '%'));

-- +goose Down
DROP INDEX price_import_rows_member, named_members_member;
DELETE FROM named_members n WHERE NOT EXISTS (SELECT FROM accounts a WHERE a.id = n.member_id);
ALTER TABLE named_members ADD CONSTRAINT named_members_member_id_fkey FOREIGN KEY (member_id) REFERENCES accounts;
