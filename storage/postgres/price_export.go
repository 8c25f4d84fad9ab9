package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/core/sealing"
)

// exportedRow is a row of a file of prices. Where it is for a member, their address fills
// the cell of the audience.
type exportedRow struct {
	Holder   string
	SKU      string
	ID       uuid.UUID
	Cells    map[string]string
	From     time.Time
	Until    time.Time
	MemberID uuid.UUID
	Email    string
}

// Sealed are the values that are sealed with the member's account.
func (r *exportedRow) Sealed() (uuid.UUID, []sealing.Column) {
	return r.MemberID, []sealing.Column{{Field: "email", Value: sealing.Text(&r.Email)}}
}

// exportedHolder is a list by whose prices a file goes on, and what the file calls it: a
// company by its code, a member by their address, which is sealed and no order.
type exportedHolder struct {
	ID       uuid.UUID
	Holder   string
	MemberID uuid.UUID
	Shown    string
}

// Sealed are the values that are sealed with the member's account.
func (h *exportedHolder) Sealed() (uuid.UUID, []sealing.Column) {
	return h.MemberID, []sealing.Column{{Field: "email", Value: sealing.Text(&h.Shown)}}
}

// exportedLists is how many lists are looked at together.
const exportedLists = 100

// ExportPrices are rows of a kind behind a cursor. It goes from list to list, so that a
// part costs what it holds and not what the brand has.
func (s *PriceImports) ExportPrices(ctx context.Context, q importing.ExportQuery) ([]importing.ExportRow, error) {
	args := pgx.NamedArgs{"brand": q.BrandID, "list": q.List, "now": q.Now, "holder": printable(q.After.Holder), "sku": printable(q.After.SKU), "id": q.After.ID,
		"size": q.Size, "currency": q.Currency, "past": false, "lists": exportedLists}
	if q.Kind == importing.RatePrices {
		rows, err := collect[exportedRow](ctx, s.DB, exportRates, args)
		return exported(rows), err
	}
	sql := exportedListsOf
	if q.Kind == importing.CustomerPrices {
		sql = exportedCustomers
	}
	var all []exportedRow
	for {
		holders, err := collect[exportedHolder](ctx, s.DB, sql, args)
		if err != nil || len(holders) == 0 {
			return exported(all), err
		}
		ids, names, shown := make([]uuid.UUID, len(holders)), make([]string, len(holders)), make([]string, len(holders))
		for i, h := range holders {
			ids[i], names[i], shown[i] = h.ID, h.Holder, h.Shown
		}
		args["ids"], args["names"], args["shown"], args["size"] = ids, names, shown, q.Size-len(all)
		rows, err := collect[exportedRow](ctx, s.DB, exportPrices, args)
		if all = append(all, rows...); err != nil || len(all) == q.Size || len(holders) < exportedLists {
			return exported(all), err
		}
		args["holder"], args["past"] = names[len(names)-1], true
	}
}

func exported(rows []exportedRow) []importing.ExportRow {
	all := make([]importing.ExportRow, len(rows))
	for i, r := range rows {
		if r.Email != "" {
			r.Cells["audience"] = r.Email
		}
		w := scope.Window{From: r.From, Until: r.Until}
		all[i] = importing.ExportRow{Key: importing.ExportKey{Holder: r.Holder, SKU: r.SKU, ID: r.ID}, Cells: r.Cells, From: w.Opens(), Until: w.Closes()}
	}
	return all
}

const (
	exportWindow = `greatest(p.valid_from, '0001-01-01Z') AS "from", least(p.valid_until, '9999-12-31Z') AS until`

	// The lists from the holder on, or those past it.
	nextHolders = ` AND (k.code > @holder OR k.code = @holder AND NOT @past) ORDER BY k.code, l.id LIMIT @lists`

	exportedListsOf = `SELECT l.id, k.code AS holder, k.code AS shown, '00000000-0000-0000-0000-000000000000'::uuid AS member_id FROM price_lists l, LATERAL (SELECT l.code) k
		WHERE l.brand_id = @brand AND l.closed_at IS NULL AND l.audience_kind NOT IN ('MEMBER', 'COMPANY') AND (@list = '' OR l.code = @list)` + nextHolders

	exportedCustomers = `SELECT l.id, k.code AS holder, k.shown, l.audience_id AS member_id FROM price_lists l JOIN LATERAL (
			SELECT c.code, c.code AS shown FROM companies c WHERE l.audience_kind = 'COMPANY' AND c.id = l.audience_id AND c.closed_at IS NULL
			UNION ALL SELECT a.id::text, a.email FROM accounts a WHERE l.audience_kind = 'MEMBER' AND a.id = l.audience_id AND a.closed_at IS NULL) k ON true
		WHERE l.brand_id = @brand AND l.closed_at IS NULL AND l.audience_kind IN ('MEMBER', 'COMPANY')
			AND l.currency = @currency` + nextHolders

	exportPrices = `SELECT h.holder, v.sku, p.id, jsonb_build_object('list', h.shown, 'customer', h.shown, 'sku', v.sku, 'min_quantity', p.min_quantity::text,
			'price', p.amount::text, 'compare_at', coalesce(p.compare_at::text, ''), 'currency', l.currency) AS cells, ` + exportWindow + `,
			'00000000-0000-0000-0000-000000000000'::uuid AS member_id, '' AS email
		FROM unnest(@ids::uuid[], @names::text[], @shown::text[]) AS h (list_id, holder, shown) JOIN price_lists l ON l.id = h.list_id
		JOIN prices p ON p.price_list_id = h.list_id JOIN variants v ON v.id = p.variant_id AND v.brand_id = @brand
		WHERE p.valid_until > @now AND (h.holder, v.sku, p.id) > (@holder, @sku, @id)
		ORDER BY h.holder, v.sku, p.id LIMIT @size`

	exportRates = `SELECT * FROM (SELECT p.audience_kind AS holder, p.target_kind AS sku, p.id, jsonb_build_object('kind', p.kind, 'name.ja', coalesce(p.name->>'ja', ''), 'name.en', coalesce(p.name->>'en', ''),
			'audience_kind', p.audience_kind, 'audience', coalesce(CASE p.audience_kind
				WHEN 'COMPANY' THEN (SELECT code FROM companies WHERE id = p.audience_id)
				WHEN 'GROUP' THEN (SELECT code FROM customer_groups WHERE id = p.audience_id) END, ''),
			'target_kind', p.target_kind, 'target', coalesce(CASE p.target_kind
				WHEN 'VARIANT' THEN (SELECT sku FROM variants WHERE id = p.target_id)
				WHEN 'PRODUCT' THEN (SELECT slug FROM products WHERE id = p.target_id)
				WHEN 'CATEGORY' THEN (SELECT slug FROM categories WHERE id = p.target_id)
				WHEN 'BRAND' THEN (SELECT slug FROM product_brands WHERE id = p.target_id)
				WHEN 'ATTRIBUTE' THEN (SELECT code || '=' || p.target_value FROM attributes WHERE id = p.target_id)
				ELSE p.target_value END, ''),
			'percent', trim_scale(p.percent)::text, 'rounding', p.rounding, 'round_to', p.round_to::text, 'below_floor', p.below_floor::text) AS cells, ` + exportWindow + `,
			p.audience_id AS member_id, coalesce(a.email, '') AS email
		FROM rates p LEFT JOIN accounts a ON p.audience_kind = 'MEMBER' AND a.id = p.audience_id
		 WHERE p.brand_id = @brand AND p.closed_at IS NULL AND p.valid_until > @now) r
		WHERE (r.holder, r.sku, r.id) > (@holder, @sku, @id) ORDER BY r.holder, r.sku, r.id LIMIT @size`
)
