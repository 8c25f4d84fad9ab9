package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/promotion"
)

// NoteTold notes that the occasion is told, unless it was.
func (s *Campaigns) NoteTold(ctx context.Context, campaignID uuid.UUID, occasion promotion.Occasion, at time.Time) (bool, int64, error) {
	type row struct{ Given int64 }
	r, err := first[row](ctx, s.db, `
		INSERT INTO campaign_notices (campaign_id, occasion, told_at) VALUES (@campaign, @occasion, @at) ON CONFLICT DO NOTHING
		RETURNING coalesce((SELECT t.given FROM campaign_totals t WHERE t.campaign_id = @campaign), 0) AS given`,
		pgx.NamedArgs{"campaign": campaignID, "occasion": occasion, "at": at})
	if err != nil || r == nil {
		return false, 0, err
	}
	return true, r.Given, nil
}

// StaffToTell are the open accounts of staff who may read campaigns.
func (s *Campaigns) StaffToTell(ctx context.Context) ([]promotion.Recipient, error) {
	return collect[promotion.Recipient](ctx, s.db, `
		SELECT a.id AS account_id, a.name, a.email, a.language FROM accounts a
		WHERE a.closed_at IS NULL AND (a.role = 'ADMIN' OR a.role = 'STAFF' AND EXISTS (
			SELECT FROM account_groups m JOIN permission_groups g ON g.id = m.group_id
			WHERE m.account_id = a.id AND @permission = ANY(g.permissions)))
		ORDER BY a.id`, pgx.NamedArgs{"permission": string(access.CampaignRead)})
}

// ReadersBehind are members who agreed to the brand's mail magazine, by id.
func (s *Campaigns) ReadersBehind(ctx context.Context, brandID, memberID uuid.UUID, most int) ([]promotion.Reader, error) {
	return collect[promotion.Reader](ctx, s.db, `
		SELECT a.id AS account_id, a.name, a.email, a.language,
			a.id AS member_id, coalesce(c.id, @none) AS company_id, coalesce(c.tax_rounding, '') AS tax_rounding, `+buyerGroups+`, false AS stock_hidden,
			coalesce((SELECT coalesce(p.birth_month, extract(month FROM p.birthday)::int) FROM profiles p WHERE p.member_id = a.id), 0) AS birth_month,
			CASE WHEN EXISTS (SELECT FROM orders o WHERE o.brand_id = @brand AND o.status <> 'CANCELLED'
				AND (o.member_id = a.id OR o.company_id = c.id)) THEN 1 ELSE 0 END AS ordered, '' AS region
		FROM newsletter_consents n JOIN accounts a ON a.id = n.member_id AND a.closed_at IS NULL AND a.role IN ('MEMBER', 'COMPANY_BUYER')
		LEFT JOIN (company_buyers b JOIN companies c ON c.id = b.company_id AND c.brand_id = @brand AND c.closed_at IS NULL)
			ON b.account_id = a.id AND b.closed_at IS NULL
		WHERE n.brand_id = @brand AND n.withdrawn_at IS NULL AND a.id > @after ORDER BY a.id LIMIT @most`,
		pgx.NamedArgs{"brand": brandID, "after": memberID, "most": most, "none": uuid.Nil})
}

// BudgetsReached are the occasions of budgets that nobody was told of.
func (s *Campaigns) BudgetsReached(ctx context.Context) ([]promotion.NoticeJob, error) {
	return collect[promotion.NoticeJob](ctx, s.db, `
		SELECT c.id AS campaign_id, c.brand_id, o.occasion, NULL::uuid AS after
		FROM campaigns c JOIN campaign_totals t ON t.campaign_id = c.id, (VALUES ('BUDGET_80', 80), ('BUDGET_100', 100)) o (occasion, percent)
		WHERE c.status = 'READY' AND c.valid_until > now() - interval '1 day' AND t.budget IS NOT NULL
			AND (t.given * 100 >= t.budget * o.percent OR o.percent = 100 AND c.spent_at IS NOT NULL)
			AND NOT EXISTS (SELECT FROM campaign_notices n WHERE n.campaign_id = c.id AND n.occasion = o.occasion)
		ORDER BY c.id, o.percent`)
}
