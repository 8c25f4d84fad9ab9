-- +goose Up
-- The customer group that members are in while they have the rank: prices by rank follow it.
ALTER TABLE member_ranks ADD COLUMN group_id uuid REFERENCES customer_groups;
CREATE INDEX member_ranks_group ON member_ranks (group_id) WHERE group_id IS NOT NULL;

-- +goose Down
ALTER TABLE member_ranks DROP COLUMN group_id;
