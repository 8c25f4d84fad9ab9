package resolvers_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// waits is how much waits, as a stream tells it.
type waits struct {
	Data struct {
		WorkListsChanged *struct{ ToShip, OnHold, PendingApproval, Payments, Returns, Recurring, PickUps, DeliveryIssues, StrayPayments, Deposits, StockAlerts int }
	}
	Errors []struct{ Extensions struct{ Code string } }
}

const watchWork = `subscription { workListsChanged { toShip onHold pendingApproval payments returns recurring pickUps deliveryIssues strayPayments deposits stockAlerts } }`

// overEvents watches over server-sent events; next is false when the stream ends.
func overEvents(t *testing.T, a *apptest.App, bearer string) (next func() (waits, bool)) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": watchWork})
	require.NoError(t, err)
	ctx, leave := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(leave)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL+"/graphql", bytes.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Authorization", bearer)
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	lines := bufio.NewScanner(response.Body)
	return func() (w waits, ok bool) {
		for lines.Scan() {
			if data, found := strings.CutPrefix(lines.Text(), "data:"); found && strings.TrimSpace(data) != "" {
				require.NoError(t, json.Unmarshal([]byte(data), &w), data)
				return w, true
			}
		}
		return w, false
	}
}

// overSocket watches by graphql-transport-ws; next is false when the operation ends.
func overSocket(t *testing.T, a *apptest.App, bearer string) (next func() (waits, bool)) {
	t.Helper()
	ctx, leave := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(leave)
	conn, response, err := websocket.Dial(ctx, a.URL+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	require.NoError(t, err)
	if response.Body != nil {
		_ = response.Body.Close()
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	say := func(message any) {
		raw, err := json.Marshal(message)
		require.NoError(t, err)
		require.NoError(t, conn.Write(ctx, websocket.MessageText, raw))
	}
	say(map[string]any{"type": "connection_init", "payload": map[string]string{"Authorization": bearer}})
	said := struct {
		Type    string
		Payload json.RawMessage
	}{}
	hear := func() {
		said.Payload = nil
		_, raw, err := conn.Read(ctx)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, &said))
	}
	hear()
	require.Equal(t, "connection_ack", said.Type)
	say(map[string]any{"id": "1", "type": "subscribe", "payload": map[string]string{"query": watchWork}})
	return func() (w waits, ok bool) {
		for {
			switch hear(); said.Type {
			case "next":
				require.NoError(t, json.Unmarshal(said.Payload, &w))
				return w, true
			case "error", "complete":
				return w, false
			}
		}
	}
}

// Whoever watches hears of each change of what waits, whatever carries it, and nothing
// more once the right is gone.
func TestStaffWatchWhatWaits(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, parcel := a.AddProduct(t, "leash", 1000).Variants[0], a.AddShipping(t, "parcel", 0)
	for name, watch := range map[string]func(*testing.T, *apptest.App, string) func() (waits, bool){"events": overEvents, "socket": overSocket} {
		exec(t, a, `UPDATE orders SET status = 'CANCELLED', held = ''`)
		clerk := employ(t, a, name+"@example.jp", access.RoleStaff, access.OrderRead)
		next := watch(t, a, clerk.bearer())
		first, ok := next()
		require.True(t, ok, name)
		require.Empty(t, first.Errors, name)
		require.Zero(t, *first.Data.WorkListsChanged, name)

		staff := as(t, a, phoneDesk)
		d := *staff.draft(t, "createDraftOrder", apptest.Variables{"terms": with(phoned(parcel, "BANK_TRANSFER", wantedLine(leash, 1, nil)), "email", "guest@example.jp")}).DraftOrder
		placed := staff.draft(t, "placeDraftOrder", placing(d))
		require.Empty(t, placed.UserErrors)
		exec(t, a, `UPDATE orders SET status = 'CONFIRMED', paid = true WHERE status = 'PENDING_PAYMENT'`)
		hold := func(reason string) {
			require.Empty(t, staff.mutate(t, "holdOrder", apptest.Variables{"orderId": placed.Order.ID, "reason": reason}).UserErrors)
		}
		hold("ADDRESS")
		for {
			got, ok := next()
			require.True(t, ok, name)
			if got.Data.WorkListsChanged.OnHold == 1 {
				require.Zero(t, got.Data.WorkListsChanged.ToShip, name)
				break
			}
		}
		// The right is taken away: the next change ends the stream.
		exec(t, a, `UPDATE permission_groups SET permissions = '{}' WHERE name = $1`, "group of "+name+"@example.jp")
		require.Empty(t, staff.mutate(t, "releaseOrder", apptest.Variables{"orderId": placed.Order.ID}).UserErrors)
		for {
			got, ok := next()
			if !ok || len(got.Errors) > 0 {
				break
			}
			require.Equal(t, 1, got.Data.WorkListsChanged.OnHold, "%s hears nothing of what came after", name)
		}
	}
}

func TestStaffOfAShopSeeWhatWaitsInTheirs(t *testing.T) {
	t.Parallel()
	s := newTill(t, "BANK_TRANSFER")
	shops := []uuid.UUID{id.New(), id.New()}
	for i, shop := range shops {
		exec(t, s.App, `INSERT INTO locations (id, brand_id, code, name, kind, priority, ships, active) SELECT $1, brand_id, $2, '{"ja": "店"}', 'SHOP', 9, false, true FROM locations LIMIT 1`, shop, []string{"ginza", "umeda"}[i])
	}
	exec(t, s.App, `UPDATE orders SET status = 'CONFIRMED', paid = true, shop_id = $1`, shops[0])
	const query = `{ workLists { toShip onHold } }`
	for i, want := range []int{1, 0} {
		var got struct{ WorkLists struct{ ToShip int } }
		s.DoAs(t, access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: shops[i : i+1], Permissions: []access.Permission{access.OrderRead}}, query, nil).Into(t, &got)
		require.Equal(t, want, got.WorkLists.ToShip)
	}
	require.Equal(t, "FORBIDDEN", s.DoAs(t, access.Actor{Role: access.RoleStaff, ID: id.New()}, query, nil).Code())
}

func TestWorkListsCountPickUpsAndWhatComesFromOutside(t *testing.T) {
	t.Parallel()
	s := newTill(t, "BANK_TRANSFER")
	shops := []uuid.UUID{openShop(t, s.App, "ginza", "TOKYO", nil), openShop(t, s.App, "umeda", "OSAKA", nil)}
	exec(t, s.App, `UPDATE orders SET status = 'CONFIRMED', paid = true, shipping_mode = 'PICK_UP'`)
	exec(t, s.App, `INSERT INTO pick_ups (order_id, brand_id, shop_id, state, days, requested_at, updated_at) SELECT id, brand_id, $1, 'REQUESTED', 7, now(), now() FROM orders`, shops[0])
	exec(t, s.App, `INSERT INTO delivery_issues (id, brand_id, kind, finger, reported_at) SELECT gen_random_uuid(), id, 'LATE', 'f-' || code, now() FROM brands`)
	exec(t, s.App, `INSERT INTO stray_payments (id, brand_id, gateway, reference, amount, currency, cause, state, reported_at)
		SELECT gen_random_uuid(), b, 'konbini', 'r-' || coalesce(b::text, ''), 500, 'JPY', 'UNKNOWN', 'OPEN', now() FROM (SELECT id AS b FROM brands UNION ALL SELECT NULL) b`)
	exec(t, s.App, `WITH p AS (INSERT INTO bank_statements (id, brand_id, file_name, digest, profile, deposits, others, errors, created_at)
		SELECT gen_random_uuid(), id, 'a.csv', 'd', 'p', 1, 0, '[]', now() FROM brands RETURNING id, brand_id)
		INSERT INTO bank_lines (id, brand_id, statement_id, row, "on", amount, currency, payer, payer_key, text, state, updated_at)
		SELECT gen_random_uuid(), brand_id, id, 1, current_date, 500, 'JPY', 'ﾔﾏﾀﾞ', 'ヤマダ', '', 'OPEN', now() FROM p`)
	type counts struct{ ToShip, PickUps, DeliveryIssues, StrayPayments, Deposits int }
	ask := func(actor access.Actor) counts {
		var got struct{ WorkLists counts }
		s.DoAs(t, actor, `{ workLists { toShip pickUps deliveryIssues strayPayments deposits } }`, nil).Into(t, &got)
		return got.WorkLists
	}
	exec(t, s.App, `INSERT INTO delivery_issues (id, kind, finger, reported_at) VALUES (gen_random_uuid(), 'UNKNOWN_PARCEL', 'nobody''s', now())`)
	staff := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderRead}}
	require.Equal(t, counts{PickUps: 1, DeliveryIssues: 2, StrayPayments: 2}, ask(staff), "what is of no brand is on the list, and whose deposits there are accountants read")
	staff.Permissions = append(staff.Permissions, access.AccountingRead)
	require.Equal(t, counts{PickUps: 1, DeliveryIssues: 2, StrayPayments: 2, Deposits: 1}, ask(staff))
	require.Equal(t, counts{PickUps: 1}, ask(clerkOf(shops[0])), "a shop's staff prepare theirs, and see no money")
	require.Equal(t, counts{}, ask(clerkOf(shops[1])))
}

// waiting are the lists as the actor may read them; nil is what may not be.
func waiting(t *testing.T, a *apptest.App, actor access.Actor) map[string]*int {
	t.Helper()
	var got struct{ WorkLists map[string]*int }
	a.DoAs(t, actor, `{ workLists { toShip returns deliveryIssues lateParcels backOrders shortfalls stockAlerts lateStockDeliveries gatewayDifferences overdueAccounts prizeExchanges pointArrivals purchaseProblems duplicateMembers memberRequests pausedMailings } }`, nil).Into(t, &got)
	return got.WorkLists
}

func TestEachListIsCountedForThoseWhoMayReadIt(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b, p := s.buyer(t, 1000), s.prize(t, nil)
	require.Empty(t, b.exchange(t, p, nil).UserErrors)
	require.Equal(t, 1, s.receiveFile(t, pointAdmin, s.miles(t, nil), "reference,member,points\nIN-1,nobody,50\n").Unknown)
	order, _ := b.bought(t)
	shop := openShop(t, s.App, "umeda", "OSAKA", nil)
	made := asking(func(q string, v apptest.Variables) apptest.Answer { return s.DoAs(t, seller, q, v) }).mutate(t, "createCompany",
		apptest.Variables{"code": "C001", "name": "フクフク商店", "creditLimit": "1000", "creditPolicy": "BLOCK"})
	require.Empty(t, made.UserErrors)
	for _, sql := range []string{
		`INSERT INTO delivery_issues (id, brand_id, kind, finger, reported_at) SELECT gen_random_uuid(), id, k, 'f-' || code || k, now() FROM brands, unnest(ARRAY['LATE', 'RETURNED']) k`,
		`INSERT INTO stock_alerts (id, brand_id, variant_id, location_id, opened_at, closed_at) SELECT gen_random_uuid(), v.brand_id, v.id, o.id, now(), c FROM variants v, locations o, unnest(ARRAY[NULL, now()]) c WHERE o.kind = 'WAREHOUSE'`,
		`INSERT INTO stock_deliveries (id, brand_id, location_id, state, supplier, reference, expected_on, created_at, updated_at)
			SELECT gen_random_uuid(), o.brand_id, o.id, x.state, '', '', current_date + x.days, now(), now()
			FROM locations o, (VALUES ('AWAITED', -2), ('AWAITED', 2), ('ARRIVED', -2)) x (state, days) WHERE o.kind = 'WAREHOUSE'`,
		`WITH r AS (INSERT INTO gateway_reconciliations (id, brand_id, gateway, from_on, to_on, digest, made_at, rows, agreed, differing, currency, gross, fees, bad_rows)
				SELECT gen_random_uuid(), id, 'stripe', current_date, current_date, 'd', now(), 2, 0, 2, 'JPY', 0, 0, '[]' FROM brands RETURNING id, brand_id)
			INSERT INTO gateway_differences (id, brand_id, reconciliation_id, gateway, made_at, kind, reference, currency, journal, report, resolved_at, note)
			SELECT gen_random_uuid(), brand_id, id, 'stripe', now(), 'OTHER_AMOUNT', x.note, 'JPY', 1, 2, x.at, x.note FROM r, (VALUES (NULL::timestamptz, ''), (now(), '解決')) x (at, note)`,
		`INSERT INTO account_statements (id, brand_id, company_id, closes_on, due_on, currency, opening, sales, payments, other, closing, issued_at)
			SELECT gen_random_uuid(), brand_id, id, current_date - 60, current_date - 30, 'JPY', 0, 800, 0, 0, 800, now() FROM companies`,
		`INSERT INTO purchase_problems (id, brand_id, kind, value, state, created_at) SELECT gen_random_uuid(), id, 'PRODUCT', x, x, now() FROM brands, unnest(ARRAY['OPEN', 'IGNORED']) x`,
		`INSERT INTO members (id, created_at, updated_at) SELECT gen_random_uuid(), now(), now() FROM generate_series(1, 2)`,
		`INSERT INTO duplicate_members (id, brand_id, run_id, member_id, other_id, likenesses, state, created_at)
			SELECT gen_random_uuid(), b.id, gen_random_uuid(), m.id, o.id, ARRAY['PHONE'], 'OPEN', now() FROM brands b, members m JOIN members o ON o.id > m.id`,
		`INSERT INTO member_requests (id, member_id, brand_id, kind, state, actor_role, requested_at)
			SELECT gen_random_uuid(), m.id, b.id, 'ERASURE', x, 'MEMBER', now() FROM brands b, unnest(ARRAY['WAITING', 'DONE']) x, (SELECT id FROM members ORDER BY id LIMIT 1) m`,
		`WITH g AS (INSERT INTO segments (id, brand_id, name, kind, currency, conditions, members, counted_at, created_at, updated_at)
				SELECT gen_random_uuid(), id, 'みんな', 'DYNAMIC', 'JPY', '{}', 0, now(), now(), now() FROM brands RETURNING id, brand_id)
			INSERT INTO mailings (id, brand_id, name, medium, segment_id, currency, piece_cost, fixed_cost, hold_out, window_days, state, created_at, updated_at)
			SELECT gen_random_uuid(), brand_id, x, 'MAIL', id, 'JPY', 0, 0, 0, 30, x, now(), now() FROM g, unnest(ARRAY['PAUSED', 'SENT']) x`,
		`INSERT INTO stock_reservations (order_id, variant_id, location_id, quantity) SELECT o.id, v.id, NULL, 2 FROM orders o, variants v`,
	} {
		exec(t, s.App, sql)
	}
	var pairs int
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM duplicate_members`).Scan(&pairs))
	require.Positive(t, pairs)
	type counts map[string]int
	lists := map[access.Permission]counts{
		access.OrderRead:      {"toShip": 1, "returns": 0, "deliveryIssues": 2, "lateParcels": 1, "backOrders": 1},
		access.InventoryRead:  {"shortfalls": 0, "stockAlerts": 1, "lateStockDeliveries": 1},
		access.AccountingRead: {"gatewayDifferences": 1, "overdueAccounts": 1},
		access.PrizeRead:      {"prizeExchanges": 1},
		access.PointRead:      {"pointArrivals": 1},
		access.PurchaseWrite:  {"purchaseProblems": 1},
		access.MemberWrite:    {"duplicateMembers": pairs},
		access.MemberRead:     {"memberRequests": 1},
		access.CampaignRead:   {"pausedMailings": 1},
	}
	seen := func(actor access.Actor) counts {
		all := counts{}
		for name, n := range waiting(t, s.App, actor) {
			if n != nil {
				all[name] = *n
			}
		}
		return all
	}
	staff := func(permissions ...access.Permission) access.Actor {
		return access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: permissions}
	}
	for permission, want := range lists {
		require.Equal(t, want, seen(staff(permission)), permission)
	}
	require.Len(t, seen(access.Actor{Role: access.RoleAdmin, ID: id.New()}), 16, "who may read all")

	inShop := func(shop uuid.UUID, permissions ...access.Permission) access.Actor {
		return access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{shop}, Permissions: permissions}
	}
	both := []access.Permission{access.OrderRead, access.InventoryRead, access.AccountingRead}
	theirs := seen(inShop(shop, both...))
	require.Equal(t, counts{"toShip": 0, "returns": 0, "deliveryIssues": 0, "lateParcels": 0, "backOrders": 0, "shortfalls": 0, "stockAlerts": 0, "lateStockDeliveries": 0}, theirs, "nothing of it is theirs, and books are no shop's")
	exec(t, s.App, `UPDATE orders SET shop_id = $1 WHERE id = $2`, shop, keyOf(t, order))
	exec(t, s.App, `UPDATE stock_alerts SET location_id = $1`, shop)
	exec(t, s.App, `UPDATE stock_deliveries SET location_id = $1`, shop)
	theirs = seen(inShop(shop, both...))
	require.Equal(t, []int{1, 1, 1, 1}, []int{theirs["toShip"], theirs["backOrders"], theirs["stockAlerts"], theirs["lateStockDeliveries"]})
	require.Equal(t, counts{"prizeExchanges": 1}, seen(inShop(shop, access.PrizeRead, access.PointRead, access.PurchaseWrite, access.MemberWrite, access.MemberRead, access.CampaignRead)), "a list that is not held to shops; the others are the head office's")
	for _, nobody := range []access.Actor{staff(), staff(access.CatalogRead), inShop(shop, access.AccountingRead)} {
		require.Equal(t, "FORBIDDEN", s.DoAs(t, nobody, `{ workLists { toShip } }`, nil).Code())
	}
	require.LessOrEqual(t, s.DoAs(t, access.Actor{Role: access.RoleAdmin, ID: id.New()}, `{ workLists { toShip pointArrivals } }`, nil).Statements, 1, "all of it is one statement")

	// What is dealt with waits no more.
	exec(t, s.App, `UPDATE gateway_differences SET resolved_at = now(), note = '解決'`)
	exec(t, s.App, `UPDATE account_statements SET due_on = current_date + 30`)
	exec(t, s.App, `UPDATE prize_exchanges SET state = 'SHIPPED'`)
	exec(t, s.App, `UPDATE point_arrivals SET state = 'REFUSED', settled_at = now()`)
	require.Equal(t, counts{"gatewayDifferences": 0, "overdueAccounts": 0, "prizeExchanges": 0, "pointArrivals": 0}, seen(staff(access.AccountingRead, access.PrizeRead, access.PointRead)))
}

// Who keeps stock hears of alerts, without a right to read orders.
func TestStockKeepersHearOfAlerts(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1000).Variants[0]
	stocker := employ(t, a, "stocker@example.jp", access.RoleStaff, access.InventoryRead)
	next := overEvents(t, a, stocker.bearer())
	first, ok := next()
	require.True(t, ok)
	require.Zero(t, *first.Data.WorkListsChanged)
	rule := func(point int) {
		require.Empty(t, write(t, a, keeper, "setStockRules", "SetStockRulesInput", "level { onHand }", apptest.Variables{
			"variantId": id.Global("Variant", leash), "locationId": id.Global("Location", a.WarehouseID), "reorderPoint": point, "reorderTo": 500}, nil))
		require.NoError(t, a.App.Resolvers.Supply.Watch(t.Context()))
	}
	for i, point := range []int{200, 10} {
		rule(point)
		got, ok := next()
		require.True(t, ok)
		require.Equal(t, 1-i, got.Data.WorkListsChanged.StockAlerts)
	}
	require.Equal(t, []int{1, 1}, []int{countOf(t, a, `SELECT count(*) FROM events WHERE type = 'stock_alert.opened'`), countOf(t, a, `SELECT count(*) FROM events WHERE type = 'stock_alert.ended'`)})
}
