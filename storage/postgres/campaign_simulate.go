package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/scope"
)

// AddSimulation keeps a new simulation.
func (s *Campaigns) AddSimulation(ctx context.Context, x promotion.Simulation) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO campaign_simulations (id, brand_id, actor_id, campaign, from_at, until_at, time_zone, status, orders, looked, outcome, failure, created_at, finished_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		x.ID, x.BrandID, x.ActorID, x.Campaign, x.From, x.Until, x.TimeZone, x.Status, x.Orders, x.Looked, x.Outcome, x.Failure, x.CreatedAt, x.FinishedAt)
	return err
}

// Simulation is one of the brand's simulations; nil if there is none.
func (s *Campaigns) Simulation(ctx context.Context, brandID, simulationID uuid.UUID) (*promotion.Simulation, error) {
	return first[promotion.Simulation](ctx, s.db, `
		SELECT id, brand_id, actor_id, campaign, from_at AS "from", until_at AS until, time_zone, status, orders, looked, outcome, failure, created_at, finished_at
		FROM campaign_simulations WHERE brand_id = @brand AND id = @id`, pgx.NamedArgs{"brand": brandID, "id": simulationID})
}

// Progress notes how far a simulation has come.
func (s *Campaigns) Progress(ctx context.Context, x promotion.Simulation) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE campaign_simulations SET status = $2, looked = $3, outcome = $4, failure = $5, finished_at = $6 WHERE id = $1`,
		x.ID, x.Status, x.Looked, x.Outcome, x.Failure, x.FinishedAt)
	return err
}

// BreakOff ends running simulations whose job is not in the queue any more. One is
// queued in the transaction that adds its simulation: there is none yet to be added.
func (s *Campaigns) BreakOff(ctx context.Context, at time.Time, why i18n.Text) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE campaign_simulations x SET status = $1, failure = $2, finished_at = $3
		WHERE x.status = $4 AND NOT EXISTS (
			SELECT FROM river_job j WHERE j.kind = $5 AND j.finalized_at IS NULL AND (j.args->>'simulation')::uuid = x.id)`,
		promotion.SimulationFailed, why, at, promotion.SimulationRunning, promotion.SimulateJob{}.Kind())
	return err
}

// standing are the orders o of a past window that stand.
const standing = `o.brand_id = @brand AND o.placed_at >= @from AND o.placed_at < @until AND o.status <> 'CANCELLED'`

func pastArgs(q promotion.PastQuery) pgx.NamedArgs {
	return pgx.NamedArgs{
		"brand": q.BrandID, "from": q.From, "until": q.Until, "after_at": q.AfterAt, "after_id": q.AfterID, "limit": q.Most, "none": uuid.Nil,
		"standard": money.TaxStandard,
	}
}

// CountPast counts the orders that stand.
func (s *Campaigns) CountPast(ctx context.Context, q promotion.PastQuery) (int, error) {
	return one[int](ctx, s.db, `SELECT count(*) FROM orders o WHERE `+standing, pastArgs(q))
}

// pastRow is an order as it is read.
type pastRow struct {
	ID           uuid.UUID
	PlacedAt     time.Time
	ChannelID    uuid.UUID
	ShopID       uuid.UUID
	Currency     money.Currency
	TaxInclusive bool
	Total        int64
	Breakdown    []pricing.Step
	FeeClass     money.TaxClass
	scope.Buyer
	Coupons []pricing.Coupon
}

// pastLine is a line as it is read, with the goods as they are known today.
type pastLine struct {
	OrderID   uuid.UUID
	VariantID uuid.UUID
	ProductID uuid.UUID
	Quantity  int
	TaxClass  money.TaxClass
	Breakdown []pricing.Step
	goodsRow
}

// Past is one page of orders that stand, as they were placed: two statements. Who is
// in which group, and what goods are, is known of today alone.
func (s *Campaigns) Past(ctx context.Context, q promotion.PastQuery) ([]promotion.Past, error) {
	rows, err := collect[pastRow](ctx, s.db, `
		SELECT o.id, o.placed_at, o.channel_id, coalesce(o.shop_id, @none) AS shop_id, o.currency, o.tax_inclusive, o.total, o.breakdown,
			coalesce((SELECT m.tax_class FROM shipping_methods m WHERE m.id = (o.shipping_method ->> 'id')::uuid), @standard) AS fee_class,
			coalesce(a.id, @none) AS member_id, coalesce(o.company_id, @none) AS company_id, coalesce(c.tax_rounding, '') AS tax_rounding,
			`+buyerGroups+`, false AS stock_hidden,
			coalesce((SELECT coalesce(p.birth_month, extract(month FROM p.birthday)::int) FROM profiles p WHERE p.member_id = a.id), 0) AS birth_month,
			CASE WHEN EXISTS (SELECT FROM orders e WHERE e.brand_id = @brand AND e.status <> 'CANCELLED'
				AND (e.member_id = o.member_id OR e.company_id = o.company_id) AND (e.placed_at, e.id) < (o.placed_at, o.id)) THEN 1 ELSE 0 END AS ordered,
			coalesce(o.shipping_address ->> 'prefecture', '') AS region,
			(SELECT coalesce(jsonb_agg(jsonb_build_object('ID', u.coupon_id, 'CampaignID', u.campaign_id) ORDER BY u.campaign_id), '[]')
				FROM campaign_uses u WHERE u.order_id = o.id AND u.coupon_id IS NOT NULL) AS coupons
		FROM orders o LEFT JOIN companies c ON c.id = o.company_id, LATERAL (SELECT o.member_id AS id) a
		WHERE `+standing+` AND (o.placed_at, o.id) > (@after_at, @after_id)
		ORDER BY o.placed_at, o.id LIMIT @limit`, pastArgs(q))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	orders, at, keys := make([]promotion.Past, len(rows)), make(map[uuid.UUID]int, len(rows)), make([]uuid.UUID, len(rows))
	for i, r := range rows {
		orders[i] = promotion.Past{
			ID: r.ID, PlacedAt: r.PlacedAt, ChannelID: r.ChannelID, ShopID: r.ShopID, Currency: r.Currency, TaxInclusive: r.TaxInclusive, Total: r.Total,
			Breakdown: r.Breakdown, FeeClass: r.FeeClass, Buyer: r.Buyer, Coupons: r.Coupons,
		}
		at[r.ID], keys[i] = i, r.ID
	}
	lines, err := collect[pastLine](ctx, s.db, `
		SELECT l.order_id, l.variant_id, l.product_id, l.quantity, l.tax_class, l.breakdown, `+goodsColumns+`
		FROM order_lines l LEFT JOIN variants v ON v.id = l.variant_id LEFT JOIN products p ON p.id = v.product_id
		WHERE l.order_id = ANY(@orders) ORDER BY l.order_id, l.position`, pgx.NamedArgs{"orders": keys})
	for _, l := range lines {
		o := &orders[at[l.OrderID]]
		o.Lines = append(o.Lines, promotion.PastLine{Quantity: l.Quantity, TaxClass: l.TaxClass, Breakdown: l.Breakdown, Sheet: l.sheet(l.VariantID, l.ProductID)})
	}
	return orders, err
}

// History is what happened to the brand's campaigns until the moment, and the
// campaigns as they are. That something was given back is of interest only behind a
// limit that was reached.
func (s *Campaigns) History(ctx context.Context, brandID uuid.UUID, until time.Time) ([]promotion.Change, []promotion.Campaign, error) {
	args := pgx.NamedArgs{"brand": brandID, "until": until}
	campaigns, err := collect[promotion.Campaign](ctx, s.db, `SELECT `+campaignColumns+` FROM campaigns WHERE brand_id = @brand AND created_at < @until ORDER BY id`, args)
	if err != nil {
		return nil, nil, err
	}
	type row struct {
		SubjectID uuid.UUID
		At        time.Time
		Type      string
		After     json.RawMessage
	}
	rows, err := collect[row](ctx, s.db, `
		SELECT e.subject_id, e.at, e.type, e.data -> 'after' AS after
		FROM campaigns c JOIN events e ON e.subject_id = c.id AND e.subject = 'Campaign'
		WHERE c.brand_id = @brand AND e.at < @until AND (e.type IN ('campaign.saved', 'campaign.status', 'campaign.spent')
			OR e.type = 'campaign.returned' AND EXISTS (
				SELECT FROM events s WHERE s.subject_id = c.id AND s.type = 'campaign.spent' AND s.position < e.position))
		ORDER BY e.position`, args)
	changes := make([]promotion.Change, len(rows))
	for i, r := range rows {
		changes[i] = promotion.Change{ID: r.SubjectID, At: r.At, Type: r.Type}
		if r.Type == "campaign.saved" || r.Type == "campaign.status" {
			if err := json.Unmarshal(r.After, &changes[i].Campaign); err != nil {
				return nil, nil, fmt.Errorf("read what campaign %s was: %w", r.SubjectID, err)
			}
		}
	}
	return changes, campaigns, err
}

// UsedBefore is how often buyers used campaigns that count it before the moment.
func (s *Campaigns) UsedBefore(ctx context.Context, brandID uuid.UUID, at time.Time) (map[uuid.UUID]map[uuid.UUID]int, error) {
	type row struct {
		BuyerID    uuid.UUID
		CampaignID uuid.UUID
		Uses       int
	}
	rows, err := collect[row](ctx, s.db, `
		SELECT u.buyer_id, u.campaign_id, count(*) AS uses FROM campaigns c JOIN campaign_uses u ON u.campaign_id = c.id
		WHERE c.brand_id = @brand AND c.limits ? 'perMember' AND u.used_at < @at AND u.returned_at IS NULL AND u.buyer_id IS NOT NULL
		GROUP BY u.buyer_id, u.campaign_id`, pgx.NamedArgs{"brand": brandID, "at": at})
	used := map[uuid.UUID]map[uuid.UUID]int{}
	for _, r := range rows {
		if used[r.BuyerID] == nil {
			used[r.BuyerID] = map[uuid.UUID]int{}
		}
		used[r.BuyerID][r.CampaignID] = r.Uses
	}
	return used, err
}

// Costs are what the variants cost, where that is known.
func (s *Campaigns) Costs(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) (map[uuid.UUID]int64, error) {
	costs := map[uuid.UUID]int64{}
	if len(variantIDs) == 0 {
		return costs, nil
	}
	type row struct {
		ID   uuid.UUID
		Cost int64
	}
	rows, err := collect[row](ctx, s.db, `SELECT id, cost FROM variants WHERE brand_id = @brand AND id = ANY(@ids) AND cost IS NOT NULL`,
		pgx.NamedArgs{"brand": brandID, "ids": variantIDs})
	for _, r := range rows {
		costs[r.ID] = r.Cost
	}
	return costs, err
}
