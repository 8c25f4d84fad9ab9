-- +goose Up
-- Who opens a file by its link is written down as who asked for it, and that says their role.
ALTER TABLE shipment_batches ADD COLUMN actor_role text NOT NULL DEFAULT 'STAFF';
ALTER TABLE shipment_papers ADD COLUMN actor_role text NOT NULL DEFAULT 'STAFF';
UPDATE shipment_batches SET actor_role = 'SYSTEM' WHERE created_by IS NULL;
UPDATE shipment_papers SET actor_role = 'SYSTEM' WHERE created_by IS NULL;

-- +goose Down
ALTER TABLE shipment_papers DROP COLUMN actor_role;
ALTER TABLE shipment_batches DROP COLUMN actor_role;
