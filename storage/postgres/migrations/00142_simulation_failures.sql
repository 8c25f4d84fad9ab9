-- +goose Up
-- Why a simulation failed, as staff read it.
ALTER TABLE campaign_simulations ADD COLUMN failure jsonb;
CREATE INDEX campaign_simulations_running ON campaign_simulations (id) WHERE status = 'RUNNING';

-- +goose Down
ALTER TABLE campaign_simulations DROP COLUMN failure;
