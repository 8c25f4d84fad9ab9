package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// filtered is the WHERE clause of a filter of conditions.
func filtered(brandID uuid.UUID, f pricing.ConditionFilter) ([]string, pgx.NamedArgs) {
	where, args := []string{`brand_id = @brand`}, pgx.NamedArgs{"brand": brandID}
	if !f.Closed {
		where = append(where, `closed_at IS NULL`)
	}
	if a := f.Audience; a != nil {
		where, args["audience_kind"], args["audience"] = append(where, `audience_kind = @audience_kind AND audience_id = @audience`), a.Kind, a.ID
	}
	if t := f.Target; t != nil {
		where = append(where, `target_kind = @target_kind AND target_id = @target AND target_value = @value`)
		args["target_kind"], args["target"], args["value"] = t.Kind, t.ID, printable(t.Value)
	}
	if f.HoldingAt != nil {
		where, args["at"] = append(where, `valid_from <= @at AND valid_until > @at`), *f.HoldingAt
	}
	return where, args
}

// Rates is one page of the brand's rates, newest first.
func (s *Pricing) Rates(ctx context.Context, brandID uuid.UUID, in pricing.RatesInput) (page.Connection[pricing.Rate], error) {
	where, args := filtered(brandID, in.ConditionFilter)
	if in.Kind != nil {
		where, args["kind"] = append(where, `kind = @kind`), *in.Kind
	}
	return newest(ctx, s.db, rateColumns, `rates`, where, args, in.Page, func(r pricing.Rate) newestKey { return newestKey{r.CreatedAt, r.ID} })
}

// Discounts is one page of the brand's quantity discounts, newest first.
func (s *Pricing) Discounts(ctx context.Context, brandID uuid.UUID, in pricing.DiscountsInput) (page.Connection[pricing.QuantityDiscount], error) {
	where, args := filtered(brandID, in.ConditionFilter)
	return newest(ctx, s.db, discountColumns, `quantity_discounts`, where, args, in.Page,
		func(q pricing.QuantityDiscount) newestKey { return newestKey{q.CreatedAt, q.ID} })
}

const openOf = ` WHERE brand_id = @brand AND id = @id AND closed_at IS NULL FOR UPDATE`

// LockRate reads an open rate of the brand and locks it; nil if there is none.
func (s *Pricing) LockRate(ctx context.Context, brandID, rateID uuid.UUID) (*pricing.Rate, error) {
	return first[pricing.Rate](ctx, s.db, `SELECT `+rateColumns+` FROM rates`+openOf, pgx.NamedArgs{"brand": brandID, "id": rateID})
}

// LockDiscount reads an open discount of the brand and locks it; nil if there is none.
func (s *Pricing) LockDiscount(ctx context.Context, brandID, discountID uuid.UUID) (*pricing.QuantityDiscount, error) {
	return first[pricing.QuantityDiscount](ctx, s.db, `SELECT `+discountColumns+` FROM quantity_discounts`+openOf,
		pgx.NamedArgs{"brand": brandID, "id": discountID})
}

// scopeValues are the values of scopeColumns.
func scopeValues(args pgx.NamedArgs, a scope.Audience, t scope.Target, w scope.Window) pgx.NamedArgs {
	args["audience_kind"], args["audience"] = a.Kind, a.ID
	args["target_kind"], args["target"], args["value"] = t.Kind, t.ID, printable(t.Value)
	args["from"], args["until"] = w.From, w.Until
	return args
}

// The ends of the calendar are open ends of a window.
const (
	windowFrom  = `CASE WHEN @from::timestamptz < '0002-01-01' THEN '-infinity' ELSE @from END`
	windowUntil = `CASE WHEN @until::timestamptz > '9999-01-01' THEN 'infinity' ELSE @until END`

	scopeInsert = `audience_kind, audience_id, target_kind, target_id, target_value, valid_from, valid_until`
	scopeParams = `@audience_kind, @audience, @target_kind, @target, @value, ` + windowFrom + `, ` + windowUntil
	scopeUpdate = `audience_kind = excluded.audience_kind, audience_id = excluded.audience_id, target_kind = excluded.target_kind,
		target_id = excluded.target_id, target_value = excluded.target_value, valid_from = excluded.valid_from, valid_until = excluded.valid_until`
)

// SaveRate writes a rate, new or not, and moves the brand's rules.
func (s *Pricing) SaveRate(ctx context.Context, r pricing.Rate) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO rates (id, brand_id, kind, name, `+scopeInsert+`, percent, rounding, round_to, below_floor, created_at, closed_at)
		VALUES (@id, @brand, @kind, @name, `+scopeParams+`, @percent::text::numeric, @rounding, @round_to, @below, @created, @closed)
		ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, name = excluded.name, `+scopeUpdate+`, percent = excluded.percent,
			rounding = excluded.rounding, round_to = excluded.round_to, below_floor = excluded.below_floor, closed_at = excluded.closed_at`,
		scopeValues(pgx.NamedArgs{"id": r.ID, "brand": r.BrandID, "kind": r.Kind, "name": r.Name, "percent": r.Percent.String(), "rounding": r.Rounding,
			"round_to": r.RoundTo, "below": r.BelowFloor, "created": r.CreatedAt, "closed": r.ClosedAt}, r.Audience, r.Target, r.Window))
	if err != nil {
		return err
	}
	return s.db.moveRules(ctx, r.BrandID, rulesMoved{For: []scope.Audience{r.Audience}})
}

// SaveDiscount writes a quantity discount, new or not, and moves the brand's rules.
func (s *Pricing) SaveDiscount(ctx context.Context, q pricing.QuantityDiscount) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO quantity_discounts (id, brand_id, name, `+scopeInsert+`, mixed, on_customer_price, rounding, round_to, tiers, created_at, closed_at)
		VALUES (@id, @brand, @name, `+scopeParams+`, @mixed, @on_customer, @rounding, @round_to, @tiers, @created, @closed)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, `+scopeUpdate+`, mixed = excluded.mixed, on_customer_price = excluded.on_customer_price,
			rounding = excluded.rounding, round_to = excluded.round_to, tiers = excluded.tiers, closed_at = excluded.closed_at`,
		scopeValues(pgx.NamedArgs{"id": q.ID, "brand": q.BrandID, "name": q.Name, "mixed": q.Mixed, "on_customer": q.OnCustomerPrice,
			"rounding": q.Rounding, "round_to": q.RoundTo, "tiers": q.Tiers, "created": q.CreatedAt, "closed": q.ClosedAt}, q.Audience, q.Target, q.Window))
	if err != nil {
		return err
	}
	return s.db.moveRules(ctx, q.BrandID, rulesMoved{For: []scope.Audience{q.Audience}})
}

// memberKnown is whether the brand knows the account a as a member.
const memberKnown = `a.role IN ('MEMBER', 'COMPANY_BUYER') AND a.closed_at IS NULL
	AND (a.brand_id IS NULL OR a.brand_id = @brand OR EXISTS (SELECT FROM orders o WHERE o.member_id = a.id AND o.brand_id = @brand)
		OR EXISTS (SELECT FROM company_buyers b JOIN companies c ON c.id = b.company_id WHERE b.account_id = a.id AND b.closed_at IS NULL AND c.brand_id = @brand))`

// Known reports whether the brand knows the audience, and the goods of the target.
func (s *Pricing) Known(ctx context.Context, brandID uuid.UUID, a scope.Audience, t scope.Target) (audience, target bool, err error) {
	type known struct{ Audience, Target bool }
	k, err := first[known](ctx, s.db, `
		SELECT CASE @audience_kind::text
			WHEN 'MEMBER' THEN EXISTS (
				SELECT FROM accounts a WHERE a.id = @audience AND `+memberKnown+`)
			WHEN 'COMPANY' THEN EXISTS (SELECT FROM companies WHERE id = @audience AND brand_id = @brand AND closed_at IS NULL)
			WHEN 'GROUP' THEN EXISTS (SELECT FROM customer_groups WHERE id = @audience AND brand_id = @brand AND closed_at IS NULL)
			ELSE true END AS audience,
		CASE @target_kind::text
			WHEN 'VARIANT' THEN EXISTS (SELECT FROM variants WHERE id = @target AND brand_id = @brand)
			WHEN 'PRODUCT' THEN EXISTS (SELECT FROM products WHERE id = @target AND brand_id = @brand)
			WHEN 'CATEGORY' THEN EXISTS (SELECT FROM categories WHERE id = @target AND brand_id = @brand)
			WHEN 'BRAND' THEN EXISTS (SELECT FROM product_brands WHERE id = @target AND brand_id = @brand)
			WHEN 'ATTRIBUTE' THEN EXISTS (SELECT FROM attributes WHERE id = @target AND brand_id = @brand)
			ELSE true END AS target`,
		pgx.NamedArgs{"brand": brandID, "audience_kind": a.Kind, "audience": a.ID, "target_kind": t.Kind, "target": t.ID})
	if err != nil || k == nil {
		return false, false, err
	}
	return k.Audience, k.Target, nil
}
