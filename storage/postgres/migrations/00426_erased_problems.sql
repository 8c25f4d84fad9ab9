-- +goose Up
CREATE INDEX purchase_problems_member ON purchase_problems (member_id) WHERE member_id IS NOT NULL;
CREATE INDEX duplicate_members_member ON duplicate_members (member_id);
CREATE INDEX duplicate_members_other ON duplicate_members (other_id);

-- Members who were erased before staff's words about them were.
UPDATE purchase_problems p SET member_id = NULL, reason = '', state = 'IGNORED' FROM members m WHERE m.id = p.member_id AND m.erased_at IS NOT NULL;
UPDATE purchase_problems p SET reason = '' FROM purchases b, members m
WHERE p.kind = 'RECEIPT' AND p.reason <> '' AND b.id = p.purchase_id AND m.id IN (b.member_id, b.voided_of) AND m.erased_at IS NOT NULL;
UPDATE purchase_problems p SET reason = '' FROM purchase_corrections c, members m
WHERE p.kind = 'RECEIPT' AND p.reason <> '' AND c.purchase_id = p.purchase_id AND m.id IN (c.from_id, c.to_id) AND m.erased_at IS NOT NULL;
UPDATE duplicate_members d SET reason = '' FROM members m WHERE m.id IN (d.member_id, d.other_id) AND m.erased_at IS NOT NULL AND d.reason <> '';

-- +goose Down
DROP INDEX duplicate_members_other, duplicate_members_member, purchase_problems_member;
