package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/scope"
)

// Campaigns keeps campaigns and coupons in PostgreSQL.
type Campaigns struct{ db *DB }

// NewCampaigns makes the campaigns' store.
func NewCampaigns(db *DB) *Campaigns { return &Campaigns{db} }

const campaignColumns = `id, brand_id, code, name, badge, currency, status, ` + windowColumns + `, recurrence, audiences, channels, shops,
	regions, goods, except_goods, conditions, benefits, stacking, group_code, priority, needs_coupon, limits, experiment, notify_members,
	spent_at, created_at, updated_at`

// campaignMemory is how long a campaign that is over stays in memory, so that staff
// who ask why a price changed find it.
const campaignMemory = `valid_until > now() - interval '31 days'`

// Live are the brand's campaigns that quoting may meet. The version is read first:
// campaigns that change while they are read are newer than it says, and are read again.
func (s *Campaigns) Live(ctx context.Context, brandID uuid.UUID) (version int64, campaigns []promotion.Campaign, err error) {
	args := pgx.NamedArgs{"brand": brandID}
	batch := &pgx.Batch{}
	batch.Queue(`SELECT `+rulesVersion, args).QueryRow(func(row pgx.Row) error { return row.Scan(&version) })
	queueRows(batch, &campaigns, nil, `SELECT `+campaignColumns+` FROM campaigns
		WHERE brand_id = @brand AND status = 'READY' AND `+campaignMemory, args)
	err = s.db.unavailable(ctx, s.db.conn(ctx).SendBatch(ctx, batch).Close())
	return version, campaigns, err
}

// CampaignsByID are the campaigns with the ids.
func (s *Campaigns) CampaignsByID(ctx context.Context, ids []uuid.UUID) ([]promotion.Campaign, error) {
	return collect[promotion.Campaign](ctx, s.db, `SELECT `+campaignColumns+` FROM campaigns WHERE id = ANY($1)`, ids)
}

// Used is how often the buyer has used campaigns that count it.
func (s *Campaigns) Used(ctx context.Context, buyerID uuid.UUID) (map[uuid.UUID]int, error) {
	type row struct {
		CampaignID uuid.UUID
		Uses       int
	}
	rows, err := collect[row](ctx, s.db, `SELECT campaign_id, uses FROM campaign_buyers WHERE buyer_id = @buyer`, pgx.NamedArgs{"buyer": buyerID})
	used := make(map[uuid.UUID]int, len(rows))
	for _, r := range rows {
		used[r.CampaignID] = r.Uses
	}
	return used, err
}

// Campaigns is one page of campaigns, newest first.
func (s *Campaigns) Campaigns(ctx context.Context, q promotion.Query) (page.Connection[promotion.Campaign], error) {
	where, args := []string{`brand_id = @brand`}, pgx.NamedArgs{"brand": q.BrandID}
	if len(q.Statuses) > 0 {
		where, args["statuses"] = append(where, `status = ANY(@statuses)`), q.Statuses
	}
	if !q.RunsAt.IsZero() {
		where, args["at"] = append(where, `valid_from <= @at AND valid_until > @at`), q.RunsAt
	}
	return newest(ctx, s.db, campaignColumns, `campaigns`, where, args, q.Page, func(c promotion.Campaign) newestKey { return newestKey{c.CreatedAt, c.ID} })
}

// Campaign is a campaign of the brand; nil if there is none.
func (s *Campaigns) Campaign(ctx context.Context, brandID, campaignID uuid.UUID) (*promotion.Campaign, error) {
	return first[promotion.Campaign](ctx, s.db, `SELECT `+campaignColumns+` FROM campaigns WHERE brand_id = @brand AND id = @id`,
		pgx.NamedArgs{"brand": brandID, "id": campaignID})
}

// Lock reads a campaign of the brand and locks it; nil if there is none.
func (s *Campaigns) Lock(ctx context.Context, brandID, campaignID uuid.UUID) (*promotion.Campaign, error) {
	return first[promotion.Campaign](ctx, s.db, `SELECT `+campaignColumns+` FROM campaigns WHERE brand_id = @brand AND id = @id FOR UPDATE`,
		pgx.NamedArgs{"brand": brandID, "id": campaignID})
}

// Save writes a campaign and its bounds, and moves the brand's rules. What the
// campaign has given so far stays.
func (s *Campaigns) Save(ctx context.Context, c promotion.Campaign) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO campaigns (id, brand_id, code, name, badge, currency, status, valid_from, valid_until, recurrence, audiences, channels,
			shops, regions, goods, except_goods, conditions, benefits, stacking, group_code, priority, needs_coupon, limits, experiment,
			notify_members, spent_at, created_at, updated_at)
		VALUES (@id, @brand, @code, @name, @badge, @currency, @status, @from, @until, @recurrence, @audiences, @channels,
			@shops, @regions, @goods, @except, @conditions, @benefits, @stacking, @group, @priority, @coupon, @limits, @experiment,
			@notify, @spent, @created, @updated)
		ON CONFLICT (id) DO UPDATE SET code = excluded.code, name = excluded.name, badge = excluded.badge, status = excluded.status,
			valid_from = excluded.valid_from, valid_until = excluded.valid_until, recurrence = excluded.recurrence,
			audiences = excluded.audiences, channels = excluded.channels, shops = excluded.shops, regions = excluded.regions,
			goods = excluded.goods, except_goods = excluded.except_goods, conditions = excluded.conditions, benefits = excluded.benefits,
			stacking = excluded.stacking, group_code = excluded.group_code, priority = excluded.priority,
			needs_coupon = excluded.needs_coupon, limits = excluded.limits, experiment = excluded.experiment,
			notify_members = excluded.notify_members, spent_at = excluded.spent_at,
			updated_at = excluded.updated_at`, pgx.NamedArgs{
		"id": c.ID, "brand": c.BrandID, "code": c.Code, "name": c.Name, "badge": textOrEmpty(c.Badge), "currency": c.Currency, "status": c.Status,
		"from": c.From, "until": c.Until, "recurrence": c.Recurrence, "audiences": c.Audiences, "channels": c.Channels, "shops": c.Shops,
		"regions": c.Regions, "goods": c.Goods, "except": c.Except, "conditions": c.Conditions, "benefits": c.Benefits,
		"stacking": c.Stacking, "group": c.Group, "priority": c.Priority, "coupon": c.NeedsCoupon, "limits": c.Limits,
		"experiment": c.Experiment, "notify": c.NotifyMembers, "spent": c.SpentAt, "created": c.CreatedAt, "updated": c.UpdatedAt,
	})
	batch.Queue(`
		INSERT INTO campaign_totals (campaign_id, budget, max_uses) VALUES ($1, $2, $3)
		ON CONFLICT (campaign_id) DO UPDATE SET budget = excluded.budget, max_uses = excluded.max_uses`, c.ID, c.Limits.Budget, c.Limits.Uses)
	for _, b := range c.Benefits {
		if b.Kind == promotion.FreeGift {
			batch.Queue(`
				INSERT INTO campaign_gifts (campaign_id, variant_id, allotment) VALUES ($1, $2, $3)
				ON CONFLICT (campaign_id, variant_id) DO UPDATE SET allotment = excluded.allotment`, c.ID, b.Variant, b.Allotment)
		}
	}
	if err := s.db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil {
		var pg *pgconn.PgError
		if errors.As(err, &pg) {
			switch pg.ConstraintName {
			case "campaigns_brand_id_code_key":
				return promotion.ErrCodeTaken.At("code")
			case "campaign_totals_budget":
				return promotion.ErrBelowGiven.At("budget")
			case "campaign_totals_uses":
				return promotion.ErrBelowGiven.At("uses")
			case "campaign_gifts_allotment":
				return promotion.ErrBelowGiven.At("benefits")
			}
		}
		return err
	}
	return s.db.moveRules(ctx, c.BrandID, rulesMoved{For: c.Audiences, Personal: c.Personal()})
}

// textOrEmpty is a text as an object, also when nothing was said.
func textOrEmpty[M ~map[string]string](m M) M {
	if m == nil {
		return M{}
	}
	return m
}

// Moved moves the number of the brand's rules.
func (s *Campaigns) Moved(ctx context.Context, brandID uuid.UUID) error {
	return s.db.moveRules(ctx, brandID, rulesMoved{})
}

// Known reports what the campaign names that the brand does not have; empty if it
// has everything.
func (s *Campaigns) Known(ctx context.Context, c promotion.Campaign) (string, error) {
	targets := slices.Concat(c.Goods, c.Except)
	for _, p := range c.Conditions.Combination {
		targets = append(targets, p.Goods...)
	}
	tables := map[string][]uuid.UUID{"groups": slices.Clone(c.Conditions.Groups), "channels": c.Channels, "shops": c.Shops}
	for _, t := range targets {
		if name, ok := targetTables[t.Kind]; ok {
			tables[name] = append(tables[name], t.ID)
		}
	}
	for _, a := range c.Audiences {
		switch a.Kind {
		case scope.Group:
			tables["groups"] = append(tables["groups"], a.ID)
		case scope.Company:
			tables["companies"] = append(tables["companies"], a.ID)
		case scope.Segment:
			tables["segments"] = append(tables["segments"], a.ID)
		}
	}
	for _, b := range c.Benefits {
		switch b.Kind {
		case promotion.FreeGift:
			tables["variants"], tables["gifts"] = append(tables["variants"], b.Variant), append(tables["gifts"], b.Variant)
		case promotion.IssueCoupon:
			tables["issues"] = append(tables["issues"], b.Issues)
		}
	}
	if gifts := tables["gifts"]; len(gifts) > 0 { // who gives one of them slots waits, or is waited for
		if _, err := s.db.conn(ctx).Exec(ctx, `SELECT FROM variants WHERE id = ANY($1) ORDER BY id FOR SHARE`, gifts); err != nil {
			return "", err
		}
	}
	if segments := tables["segments"]; len(segments) > 0 { // who closes one of them waits, or is waited for
		if _, err := s.db.conn(ctx).Exec(ctx, `SELECT FROM segments WHERE id = ANY($1) ORDER BY id FOR SHARE`, segments); err != nil {
			return "", err
		}
	}
	return one[string](ctx, s.db, `SELECT coalesce(min(m.name), '') FROM (`+missingSQL+`) m`, pgx.NamedArgs{
		"brand": c.BrandID, "variants": tables["variants"], "products": tables["products"], "categories": tables["categories"],
		"makers": tables["makers"], "attributes": tables["attributes"], "groups": tables["groups"], "companies": tables["companies"],
		"channels": tables["channels"], "shops": tables["shops"], "issues": tables["issues"], "gifts": tables["gifts"],
		"segments": tables["segments"],
	})
}

var targetTables = map[scope.TargetKind]string{
	scope.Variant: "variants", scope.Product: "products", scope.Category: "categories", scope.ProductBrand: "makers", scope.Attribute: "attributes",
}

// missingSQL finds the kinds of things of which the brand has not all.
const missingSQL = `
	SELECT '` + promotion.GiftChoices + `' AS name FROM unnest(@gifts::uuid[]) k WHERE EXISTS (SELECT FROM set_slots o WHERE o.set_id = k)
	UNION ALL SELECT 'variants' FROM unnest(@variants::uuid[]) k WHERE NOT EXISTS (SELECT FROM variants t WHERE t.id = k AND t.brand_id = @brand)
	UNION ALL SELECT 'products' FROM unnest(@products::uuid[]) k WHERE NOT EXISTS (SELECT FROM products t WHERE t.id = k AND t.brand_id = @brand)
	UNION ALL SELECT 'categories' FROM unnest(@categories::uuid[]) k WHERE NOT EXISTS (SELECT FROM categories t WHERE t.id = k AND t.brand_id = @brand)
	UNION ALL SELECT 'brands' FROM unnest(@makers::uuid[]) k WHERE NOT EXISTS (SELECT FROM product_brands t WHERE t.id = k AND t.brand_id = @brand)
	UNION ALL SELECT 'attributes' FROM unnest(@attributes::uuid[]) k WHERE NOT EXISTS (SELECT FROM attributes t WHERE t.id = k AND t.brand_id = @brand)
	UNION ALL SELECT 'groups' FROM unnest(@groups::uuid[]) k WHERE NOT EXISTS (SELECT FROM customer_groups t WHERE t.id = k AND t.brand_id = @brand)
	UNION ALL SELECT 'companies' FROM unnest(@companies::uuid[]) k WHERE NOT EXISTS (SELECT FROM companies t WHERE t.id = k AND t.brand_id = @brand)
	UNION ALL SELECT 'segments' FROM unnest(@segments::uuid[]) k WHERE NOT EXISTS (SELECT FROM segments t WHERE t.id = k AND t.brand_id = @brand AND t.closed_at IS NULL)
	UNION ALL SELECT 'channels' FROM unnest(@channels::uuid[]) k WHERE NOT EXISTS (SELECT FROM channels t WHERE t.id = k AND t.brand_id = @brand)
	UNION ALL SELECT 'shops' FROM unnest(@shops::uuid[]) k WHERE NOT EXISTS (SELECT FROM locations t WHERE t.id = k AND t.brand_id = @brand)
	UNION ALL SELECT 'benefits' FROM unnest(@issues::uuid[]) k WHERE NOT EXISTS (SELECT FROM campaigns t WHERE t.id = k AND t.brand_id = @brand AND t.needs_coupon)`
