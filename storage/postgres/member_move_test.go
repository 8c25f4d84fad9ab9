package postgres_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// whatAMergeDoes says of each column that names a member, or an account, what becomes of the
// gone member's rows when two become one. A new one is added here, and to what it says.
var whatAMergeDoes = map[string]string{
	// The kept member's from then on: Move.
	"member_cards.member_id": moves, "pets.member_id": moves, "purchases.member_id": moves, "purchases.voided_of": moves, "purchase_lines.member_id": moves,
	"purchase_problems.member_id": moves, "orders.member_id": moves, "member_rank_changes.member_id": moves, "coupons.member_id": moves, "campaign_uses.buyer_id": moves,
	"prize_exchanges.member_id": moves, "vouchers.member_id": moves, "migration_sources.member_id": moves, "draw_winners.member_id": moves, "saved_addresses.member_id": moves,
	"wish_lists.member_id": moves, "restock_requests.member_id": moves, "quotations.member_id": moves, "saved_cards.member_id": moves,
	"recurring_orders.member_id": moves, "draft_orders.member_id": moves,
	"segment_members.member_id": moves, "mailing_recipients.member_id": moves, "coupon_waiters.member_id": moves, "point_waiters.member_id": moves, // by who follow
	"purchase_sums.member_id": moves, // by a trigger on purchases

	// One row for both: Move, Retire, and the points' own Merge.
	"customer_group_members.member_id": joins, "campaign_buyers.buyer_id": joins, "point_code_uses.member_id": joins, "point_occasions.member_id": joins, "product_views.member_id": joins, "carts.member_id": joins,
	"draw_entrants.member_id": joins, "draw_entries.member_id": joins, "memberships.member_id": joins, "member_settings.member_id": joins, "profiles.member_id": joins,
	"point_accounts.member_id": joins, "point_firsts.member_id": joins,

	// Of an account of points, which says into which it was merged.
	"point_entries.account_id": "stays; statements and what is undone look into merged accounts", "point_lots.account_id": moves, "point_transfers.account_id": moves,
	"point_notices.account_id": "stays: they were told",

	// What happened, to whom it happened.
	"member_consents.member_id": stays, "newsletter_consents.member_id": "stays, withdrawn", "member_requests.member_id": stays, "member_code_uses.member_id": stays,
	"duplicate_members.member_id": stays, "duplicate_members.other_id": stays, "mailing_clicks.member_id": stays, "mail_bounces.member_id": stays,
	"purchase_corrections.from_id": stays, "purchase_corrections.to_id": stays,
	"members.merged_into": "is the merge", "point_accounts.merged_into": "is the merge", "member_likenesses.member_id": "goes, by a trigger",

	// Rules for an audience that is one member: queueRules.
	"rates.audience_id": moves, "quantity_discounts.audience_id": moves, "display_rules.audience_id": moves, "price_lists.audience_id": "moves; of two lists the kept one's holds",
	"price_import_rows.audience_id": "moves until they are in force", "price_import_rows.list_id": "moves, where the list goes", "price_import_rows.rate": "moves, as its audience", "price_import_rows.old_rate": "moves, as its audience",
	"function_rules.audience_id": joins, "named_members.member_id": joins, "campaigns.audiences": joins, "shipping_methods.tariff": moves,
	"campaign_simulations.campaign": "moves while it runs", "campaign_simulations.outcome": stays,

	// Records of what was said and done, as it was.
	"events.subject_id": stays, "events.data": stays, "idempotency_keys.scope": stays, "idempotency_keys.answer": stays, "river_job.args": "stays: a job finds what has become of whom it names", "sent_messages.brand_id": stays,
	"draw_entrants.tag": "goes with the entrant", "members.household_id": "the kept one's, or the gone one's where the kept one has none",

	// Of an account, which is closed with all that opens it.
	"sessions.account_id": ends, "one_time_tokens.account_id": ends, "login_links.account_id": ends, "account_groups.account_id": ends, "account_stores.account_id": ends,
	"totp_factors.account_id": ends, "recovery_codes.account_id": ends,
	"company_buyers.account_id": "never there: buyers of companies are not merged away",
}

const (
	moves = "moves"
	joins = "joins"
	stays = "stays"
	ends  = "ends with the account"
)

// namesNoMember are columns that could name a member and do not: documents, lists of keys, and
// keys that refer to no table. A name alone says that no column of that name does, in whatever
// table.
const namesNoMember = `
	name description seo_title seo_description alt message label badge address billing_address shipping_address instructions
	taxes breakdown promise options choices band
	brand_id company_id store_id location_id product_id variant_id target_id programme_id order_id payment_id shipment_id purchase_id coupon_id batch_id run_id import_id
	river_job.metadata river_queue.metadata shipping_methods.limits shipping_methods.zone_ids shipping_methods.schedule shipping_zones.postal_codes
	orders.shipping_method orders.missed_gifts order_lines.parts quantity_discounts.tiers product_listings.sold_out_rule
	campaigns.recurrence campaigns.channels campaigns.shops campaigns.goods campaigns.except_goods campaigns.conditions campaigns.benefits campaigns.limits campaigns.experiment
	coupons.issued_for campaign_uses.gifts campaign_uses.issues campaign_simulations.failure price_imports.relisted price_import_rows.old_id
	bank_statements.errors document_issuers.issuer documents.content delivery_terms.bands return_rules.terms return_rules.excluded returns.terms
	shipment_batches.remarks shipment_batches.exchange_ids shipment_results.rows shipment_results.rejections shipment_results.actor shipment_papers.shipment_ids delivery_issues.detail
	business_calendars.closed member_code_uses.nonce stock_lots.origin stock_lots.materials stock_lots.route
	point_rules.terms point_entries.portions point_purchases.earned point_firsts.source_id point_returns.back_id point_returns.sold_id point_returns.points
	purchase_imports.errors purchase_problems.lines purchase_corrections.lines_before purchase_corrections.lines_after
	segments.conditions mailings.product_ids mailings.category_ids migrations.conversions statistic_exports.stores wish_watch.behind
	gateway_reconciliations.bad_rows gateway_reconciliations.fee_entry_id
	actor_id committed_by created_by placed_by recorded_by resolved_by settled_by uploaded_by
	point_rounds.after point_places.source_id point_places.segment_ids prize_exchanges.served_by
`

func TestEveryColumnThatNamesAMemberIsDealtWithInAMerge(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	type column struct {
		Table, Column string
		Names         bool // a member or an account
	}
	rows, err := db.Pool().Query(t.Context(), `
		SELECT c.relname AS "table", a.attname AS "column", a.attname IN ('member_id', 'account_id', 'buyer_id', 'audience_id', 'merged_into', 'voided_of')
			OR a.atttypid IN ('jsonb'::regtype, 'json'::regtype, 'uuid[]'::regtype) OR a.attname <> 'id' AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f' AND a.attnum = ANY(f.conkey))
			OR EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.confrelid IN ('members'::regclass, 'accounts'::regclass) AND a.attnum = ANY(f.conkey)) AS names
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
			AND a.atttypid IN ('uuid'::regtype, 'jsonb'::regtype, 'json'::regtype, 'uuid[]'::regtype)`)
	require.NoError(t, err)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[column])
	require.NoError(t, err)
	others := map[string]bool{}
	for _, name := range strings.Fields(namesNoMember) {
		others[name] = true
	}
	var unsaid, there []string
	for _, c := range found {
		name := c.Table + "." + c.Column
		if there = append(there, name, c.Column); c.Names && whatAMergeDoes[name] == "" && !others[name] && !others[c.Column] {
			unsaid = append(unsaid, name)
		}
	}
	require.Subset(t, there, slices.Collect(maps.Keys(others)), "of what is not there nothing need be said")
	require.Empty(t, unsaid, "say what a merge does with them")
	require.Subset(t, there, slices.Collect(maps.Keys(whatAMergeDoes)))
}

// A registration is counted once, on its day and in its store, whoever becomes who.
func TestAMergeLeavesRegistrationsWhereTheyWere(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	members, at := postgres.NewMembers(shop.DB, nil), time.Date(2026, 6, 1, 3, 0, 0, 0, time.UTC)
	exec := func(sql string, args ...any) { require.NoError(t, shop.DB.Run(t.Context(), sql, args...)) }
	stores := []uuid.UUID{id.New(), id.New()}
	for i, store := range stores {
		exec(`INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, $3, '{"ja":"店"}', 'SHOP')`, store, shop.BrandID, fmt.Sprint("s", i))
	}
	other := id.New()
	exec(`INSERT INTO brands (id, code, name) SELECT $1, 'other', name FROM brands WHERE id = $2`, other, shop.BrandID)
	join := func(brand, member, store uuid.UUID, day string) {
		exec(`INSERT INTO members (id, created_at, updated_at) VALUES ($1, $2, $2) ON CONFLICT DO NOTHING`, member, at)
		exec(`INSERT INTO memberships (member_id, brand_id, registered_store_id, joined_at) VALUES ($1, $2, $3, $4::date)`, member, brand, store, day)
	}
	registered := func() string {
		all, err := postgres.One[string](t.Context(), shop.DB, `SELECT string_agg(concat_ws(' ', brand_id, registered_store_id, joined_at::date), ',' ORDER BY brand_id, joined_at) FROM memberships`)
		require.NoError(t, err)
		return all
	}
	kept, gone := id.New(), id.New()
	join(shop.BrandID, gone, stores[0], "2026-01-01")
	join(shop.BrandID, kept, stores[1], "2026-02-01")
	join(other, gone, stores[0], "2026-03-01")
	before := registered()
	require.NoError(t, members.Retire(t.Context(), kept, gone, at))
	require.Equal(t, before, registered())
	now, err := postgres.One[string](t.Context(), shop.DB, `SELECT string_agg(joined_at::date::text, ' ' ORDER BY joined_at) FROM memberships WHERE member_id = $1 AND ended_at IS NULL`, kept)
	require.NoError(t, err)
	require.Equal(t, "2026-01-01 2026-03-01", now, "the member joined on the earlier day")
}

// Files of prices that wait and campaigns that are being tried name the kept member, what is
// over stays as it was, and a second merge brings along what the first brought.
func TestWhatWaitsNamesTheKeptMember(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	members, at := postgres.NewMembers(shop.DB, nil), time.Date(2026, 6, 1, 3, 0, 0, 0, time.UTC)
	exec := func(sql string, args ...any) { require.NoError(t, shop.DB.Run(t.Context(), sql, args...)) }
	text := func(sql string, args ...any) string {
		all, err := postgres.One[string](t.Context(), shop.DB, sql, args...)
		require.NoError(t, err)
		return all
	}
	gone, card, kept := id.New(), id.New(), id.New() // the second has a card alone
	for _, m := range []uuid.UUID{gone, card, kept} {
		exec(`INSERT INTO members (id, created_at, updated_at) VALUES ($1, $2, $2)`, m, at)
	}
	exec(`INSERT INTO rulebooks (brand_id) VALUES ($1) ON CONFLICT (brand_id) DO UPDATE SET version = 1`, shop.BrandID)
	exec(`INSERT INTO named_members (brand_id, member_id) VALUES ($1, $2)`, shop.BrandID, gone)
	list, staged := id.New(), map[string]uuid.UUID{"PREVIEWED": id.New(), "COMMITTED": id.New()}
	exec(`INSERT INTO price_lists (id, brand_id, code, name, currency, tax_inclusive, created_at, audience_kind, audience_id) VALUES ($1, $2, 'theirs', '{"ja":"特価"}', 'JPY', true, $3, 'MEMBER', $4)`, list, shop.BrandID, at, gone)
	audience := map[string]any{"Audience": map[string]any{"Kind": "MEMBER", "ID": gone}}
	for state, file := range staged {
		exec(`INSERT INTO price_imports (id, brand_id, channel_id, kind, file_name, file_hash, state, may_below, created_at, finished_at)
			VALUES ($1, $2, $3, 'CUSTOMER_PRICES', 'x', $4, $4, false, $5, CASE WHEN $4 = 'COMMITTED' THEN $5::timestamptz END)`, file, shop.BrandID, shop.ChannelID, state, at)
		exec(`INSERT INTO price_import_rows (import_id, line, key, change, holder, sku, audience_kind, audience_id, list_id, valid_from, valid_until, below, rate, old_rate)
			VALUES ($1, 1, 'k', 'ADDED', 'x', 'x', 'MEMBER', $2, $3, '-infinity', 'infinity', false, $4, $4)`, file, gone, list, audience)
	}
	for _, status := range []string{"RUNNING", "DONE"} {
		exec(`INSERT INTO campaign_simulations (id, brand_id, actor_id, campaign, from_at, until_at, time_zone, status, orders, created_at)
			VALUES (gen_random_uuid(), $1, $1, $2, $3, $3::timestamptz + interval '1 day', 'Asia/Tokyo', $4, 1, $3)`, shop.BrandID, map[string]any{"Audiences": []any{audience["Audience"]}}, at, status)
	}
	for _, into := range [][2]uuid.UUID{{card, gone}, {kept, card}} {
		require.NoError(t, members.Move(t.Context(), into[0], into[1], at))
	}
	const row = `SELECT concat_ws(' ', audience_id, rate #>> '{Audience,ID}', old_rate #>> '{Audience,ID}') FROM price_import_rows WHERE import_id = $1`
	require.Equal(t, fmt.Sprint(kept, " ", kept, " ", kept), text(row, staged["PREVIEWED"]))
	require.Equal(t, fmt.Sprint(gone, " ", gone, " ", gone), text(row, staged["COMMITTED"]), "a record")
	const tried = `SELECT campaign #>> '{Audiences,0,ID}' FROM campaign_simulations WHERE status = $1`
	require.Equal(t, kept.String(), text(tried, "RUNNING"))
	require.Equal(t, gone.String(), text(tried, "DONE"))
	require.Equal(t, kept.String(), text(`SELECT audience_id::text FROM price_lists WHERE id = $1`, list))
	require.Equal(t, kept.String(), text(`SELECT string_agg(member_id::text, ' ') FROM named_members`))
	require.Equal(t, "2", text(`SELECT (version - 1)::text FROM rulebooks WHERE brand_id = $1`, shop.BrandID), "buyers' prices are read anew")
}
