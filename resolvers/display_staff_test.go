package resolvers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

func TestRulesThatCannotBe(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	other := id.New()
	exec(t, s.App, `INSERT INTO brands (id, code, name) VALUES ($1, 'nyan', '{"ja":"別"}')`, other)
	foreign, group := id.New(), id.New()
	exec(t, s.App, `INSERT INTO products (id, brand_id, slug, name, created_at, updated_at) VALUES ($1, $2, 'foreign', '{"ja":"別"}', now(), now())`, foreign, other)
	exec(t, s.App, `INSERT INTO customer_groups (id, brand_id, code, name, created_at) VALUES ($1, $2, 'NYAN', '{}', now())`, group, other)
	for name, c := range map[string]struct {
		input apptest.Variables
		code  string
	}{
		"says nothing":            {apptest.Variables{}, "EFFECT_MISSING"},
		"ends before it starts":   {apptest.Variables{"visible": "DENY", "validFrom": "2026-12-02T00:00:00Z", "validUntil": "2026-12-01T00:00:00Z"}, "WINDOW_INVALID"},
		"unknown product":         {apptest.Variables{"visible": "DENY", "target": target("PRODUCT", "Product", id.New())}, "TARGET_UNKNOWN"},
		"another brand's product": {apptest.Variables{"visible": "DENY", "target": target("PRODUCT", "Product", foreign)}, "TARGET_UNKNOWN"},
		"another brand's group":   {apptest.Variables{"visible": "DENY", "audience": apptest.Variables{"kind": "GROUP", "id": id.Global("CustomerGroup", group)}}, "AUDIENCE_UNKNOWN"},
		"member without id":       {apptest.Variables{"visible": "DENY", "audience": apptest.Variables{"kind": "MEMBER"}}, "AUDIENCE_INVALID"},
		"product without id":      {apptest.Variables{"visible": "DENY", "target": apptest.Variables{"kind": "PRODUCT"}}, "TARGET_INVALID"},
		"season 02-30":            {apptest.Variables{"visible": "DENY", "season": apptest.Variables{"from": "02-30", "until": "03-01"}}, "SEASON_INVALID"},
		"season without a day":    {apptest.Variables{"visible": "DENY", "season": apptest.Variables{"from": "02", "until": "03-01"}}, "SEASON_INVALID"},
		"hidden variant":          {apptest.Variables{"visible": "DENY", "target": target("VARIANT", "Variant", s.variant(t, "p1"))}, "VARIANT_NOT_HIDEABLE"},
		"unknown channel":         {apptest.Variables{"visible": "DENY", "channel": "moon"}, "CHANNEL_UNKNOWN"},
		"no name":                 {apptest.Variables{"visible": "DENY", "name": ""}, "REQUIRED"},
		"long name":               {apptest.Variables{"visible": "DENY", "name": strings.Repeat("長", 101)}, "TOO_LONG"},
		"long message":            {apptest.Variables{"visible": "DENY", "message": apptest.Variables{"ja": strings.Repeat("長", 501)}}, "TOO_LONG"},
		"unknown rule":            {apptest.Variables{"visible": "DENY", "id": id.Global("DisplayRule", id.New())}, "NOT_FOUND"},
	} {
		if c.input["name"] == nil {
			c.input["name"] = name
		}
		errors := write(t, s.App, merchandiser, "saveDisplayRule", "SaveDisplayRuleInput", `rule { id }`, c.input, nil)
		require.Len(t, errors, 1, name)
		require.Equal(t, c.code, errors[0].Code, name)
	}
	require.Zero(t, count(t, s.App, "display_rules"))
	require.Equal(t, "FORBIDDEN", s.DoAs(t, clerk, `{ displayRules { totalCount } }`, nil).Code())
	closed := rule(t, s.App, apptest.Variables{"visible": "DENY"})
	for _, code := range []string{"", "RULE_CLOSED"} {
		errors := write(t, s.App, merchandiser, "closeDisplayRule", "CloseDisplayInput", `rule { id }`, apptest.Variables{"id": closed}, nil)
		require.Equal(t, code != "", len(errors) == 1)
	}
	require.Equal(t, "RULE_CLOSED", write(t, s.App, merchandiser, "saveDisplayRule", "SaveDisplayRuleInput", `rule { id }`, apptest.Variables{"id": closed, "name": "x", "visible": "DENY"}, nil)[0].Code)
}

func TestStaffSeeWhyABuyerSeesAProduct(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	group := newGroup(t, s.App, "TRADE")
	member := newMember(t, s.App, group)
	wide := rule(t, s.App, apptest.Variables{"name": "all", "visible": "DENY"})
	narrow := rule(t, s.App, apptest.Variables{"name": "trade", "visible": "ALLOW", "audience": apptest.Variables{"kind": "GROUP", "id": id.Global("CustomerGroup", group)}})
	asleep := rule(t, s.App, apptest.Variables{"name": "later", "visible": "DENY", "validFrom": "2099-01-01T00:00:00Z", "season": apptest.Variables{"from": "11-01", "until": "02-28"}})
	preview := func(input apptest.Variables) (allowed bool, outcomes map[string]string) {
		t.Helper()
		var got struct {
			DisplayPreview []struct {
				Aspect  string
				Allowed bool
				Rule    *struct{ ID string }
				Steps   []struct {
					Outcome string
					Rule    struct{ ID string }
				}
			}
		}
		input["productId"] = globalID("Product", s.ids["p1"])
		s.DoAs(t, merchandiser, `query($input: DisplayPreviewInput!) { displayPreview(input: $input) { aspect allowed rule { id audience { kind id } season { from until } } steps { outcome rule { id } } } }`, apptest.Variables{"input": input}).Into(t, &got)
		require.Len(t, got.DisplayPreview, 3)
		outcomes = map[string]string{}
		for _, step := range got.DisplayPreview[0].Steps {
			outcomes[step.Rule.ID] = step.Outcome
		}
		return got.DisplayPreview[0].Allowed, outcomes
	}
	allowed, outcomes := preview(apptest.Variables{})
	require.False(t, allowed)
	require.Equal(t, map[string]string{wide: "WON", narrow: "OTHER_AUDIENCE", asleep: "OUT_OF_WINDOW"}, outcomes)
	allowed, outcomes = preview(apptest.Variables{"memberId": id.Global("Account", member.ID)})
	require.True(t, allowed)
	require.Equal(t, map[string]string{wide: "WIDER_AUDIENCE", narrow: "WON", asleep: "OUT_OF_WINDOW"}, outcomes)
	_, outcomes = preview(apptest.Variables{"at": "2099-07-01T00:00:00Z"})
	require.Equal(t, "OUT_OF_SEASON", outcomes[asleep])
	_, outcomes = preview(apptest.Variables{"at": "2099-12-31T15:00:00Z"}) // the new year in Tokyo
	require.Equal(t, "WON", outcomes[asleep])
	require.Equal(t, "NOT_FOUND", s.DoAs(t, merchandiser, `query($p: ID!) { displayPreview(input: {productId: $p}) { aspect } }`, apptest.Variables{"p": id.Global("Product", id.New())}).Code())

	// Who changed what is kept, before and after.
	rule(t, s.App, apptest.Variables{"id": wide, "name": "all", "visible": "ALLOW"})
	var before, after string
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT data->'before'->>'Visible', data->'after'->>'Visible' FROM events
		WHERE type = 'display_rule.saved' AND subject_id = (SELECT id FROM display_rules WHERE name = 'all') AND actor_id = $1 ORDER BY position DESC LIMIT 1`, merchandiser.ID).Scan(&before, &after))
	require.Equal(t, []string{"DENY", "ALLOW"}, []string{before, after})
	var page struct {
		DisplayRules struct {
			TotalCount int
			Nodes      []struct{ ID string }
		}
	}
	s.DoAs(t, merchandiser, `{ displayRules(first: 2) { totalCount nodes { id } } }`, nil).Into(t, &page)
	require.Equal(t, 3, page.DisplayRules.TotalCount)
	require.Len(t, page.DisplayRules.Nodes, 2)
}

func TestBadgesAreWorn(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	badge := func(input apptest.Variables) []writeError {
		return write(t, s.App, merchandiser, "saveBadge", "SaveBadgeInput", `badge { id }`, input, nil)
	}
	worn := func() map[string][]string {
		t.Helper()
		var got struct {
			Products struct {
				Nodes []struct {
					Slug   string
					Badges []struct{ Code string }
				}
			}
		}
		s.Do(t, `{ products { nodes { slug badges { code kind label } } } }`, nil).Into(t, &got)
		all := map[string][]string{}
		for _, p := range got.Products.Nodes {
			for _, b := range p.Badges {
				all[p.Slug] = append(all[p.Slug], b.Code)
			}
		}
		return all
	}
	require.Empty(t, worn())
	exec(t, s.App, `UPDATE prices SET compare_at = 9999 WHERE variant_id = $1`, s.variant(t, "p3"))
	require.Equal(t, map[string][]string{"p3": {"sale"}}, worn(), "a crossed-out price shows without a definition")
	exec(t, s.App, `UPDATE product_listings SET published_at = now() - interval '10 days' WHERE product_id = ANY($1)`, []uuid.UUID{s.ids["p1"].(uuid.UUID), s.ids["p2"].(uuid.UUID)})
	label := apptest.Variables{"ja": "新着", "en": "New"}
	require.Empty(t, badge(apptest.Variables{"code": "new", "kind": "NEW", "label": label, "days": 30}))
	require.Equal(t, map[string][]string{"p1": {"new"}, "p2": {"new"}, "p3": {"sale"}}, worn())
	require.Empty(t, badge(apptest.Variables{"code": "new", "kind": "NEW", "label": label, "days": 5, "target": target("CATEGORY", "Category", s.ids["dog-food"]), "channel": "web"}))
	require.Equal(t, map[string][]string{"p2": {"new"}, "p3": {"sale"}}, worn(), "the window of the narrower shelf counts")
	require.Empty(t, badge(apptest.Variables{"code": "limited", "kind": "LIMITED", "label": label, "target": target("BRAND", "ProductBrand", s.ids["sakura"]), "position": -1}))
	require.Empty(t, badge(apptest.Variables{"code": "over", "kind": "CUSTOM", "label": label, "validUntil": "2026-01-01T00:00:00Z"}))
	require.Equal(t, map[string][]string{"p2": {"limited", "new"}, "p3": {"limited", "sale"}}, worn())
	for name, c := range map[string]struct {
		input apptest.Variables
		code  string
	}{
		"NEW without days":      {apptest.Variables{"code": "x", "kind": "NEW", "label": label}, "BADGE_DAYS_INVALID"},
		"SALE with days":        {apptest.Variables{"code": "x", "kind": "SALE", "label": label, "days": 3}, "BADGE_DAYS_INVALID"},
		"days of a year":        {apptest.Variables{"code": "x", "kind": "NEW", "label": label, "days": 366}, "BADGE_DAYS_INVALID"},
		"no Japanese":           {apptest.Variables{"code": "x", "kind": "CUSTOM", "label": apptest.Variables{"en": "x"}}, "REQUIRED"},
		"bad code":              {apptest.Variables{"code": "X Y", "kind": "CUSTOM", "label": label}, "INVALID"},
		"a variant":             {apptest.Variables{"code": "x", "kind": "CUSTOM", "label": label, "target": target("VARIANT", "Variant", s.variant(t, "p1"))}, "TARGET_INVALID"},
		"ends before it starts": {apptest.Variables{"code": "x", "kind": "CUSTOM", "label": label, "validFrom": "2026-02-01T00:00:00Z", "validUntil": "2026-01-01T00:00:00Z"}, "WINDOW_INVALID"},
	} {
		errors := badge(c.input)
		require.Len(t, errors, 1, name)
		require.Equal(t, c.code, errors[0].Code, name)
	}
}

func TestThoseWhoWaitAreToldOnce(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	variant, member := s.variant(t, "p2"), newMember(t, s.App, uuid.Nil)
	ask := func(actor access.Actor, email any) []writeError {
		return write(t, s.App, actor, "requestRestock", "RequestRestockInput", `request { id email variant { sku } }`, apptest.Variables{"variantId": globalID("Variant", variant), "email": email}, nil)
	}
	require.Equal(t, "RESTOCK_NOT_OFFERED", ask(access.Guest, "hanako@example.jp")[0].Code, "no policy offers it")
	require.Empty(t, write(t, s.App, merchandiser, "setSoldOutPolicy", "SetSoldOutPolicyInput", `policies { policy }`, apptest.Variables{"policy": "NOTIFY_ME"}, nil))
	require.Equal(t, "RESTOCK_NOT_OFFERED", ask(access.Guest, "hanako@example.jp")[0].Code, "it is in stock")
	s.SetStock(t, variant, 0)
	exec(t, s.App, `UPDATE product_listings SET in_stock = false WHERE product_id = $1`, s.ids["p2"])
	var offered struct {
		Product struct {
			Variants []struct{ RestockOffered bool }
		}
	}
	s.Do(t, `{ product(slug: "p2") { variants { restockOffered } } }`, nil).Into(t, &offered)
	require.True(t, offered.Product.Variants[0].RestockOffered)
	require.Equal(t, "EMAIL_INVALID", ask(access.Guest, "hanako")[0].Code)
	require.Equal(t, "REQUIRED", ask(access.Guest, nil)[0].Code)
	for range 2 {
		require.Empty(t, ask(access.Guest, "hanako@example.jp"), "asking twice is waiting once")
	}
	told := func() (ids []string) {
		var got struct {
			RequestRestock struct {
				Request struct{ ID, RequestedAt string }
			}
		}
		s.DoAs(t, access.Guest, `mutation($input: RequestRestockInput!) { requestRestock(input: $input) { request { id requestedAt } } }`, in(apptest.Variables{"variantId": globalID("Variant", variant), "email": "hanako@example.jp"})).Into(t, &got)
		return []string{got.RequestRestock.Request.ID, got.RequestRestock.Request.RequestedAt}
	}
	first, second := told(), told()
	require.NotEqual(t, first[0], second[0], "a guest is not told whether the address waited already")
	require.NotEqual(t, first[1], second[1])
	require.Empty(t, ask(member, nil))
	require.Empty(t, ask(access.Guest, "taro@example.jp"))
	exec(t, s.App, `UPDATE restock_requests SET closed_at = now() WHERE id = (SELECT id FROM restock_requests ORDER BY created_at DESC LIMIT 1)`) // Taro's
	mails := func() (n int) {
		require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE kind = 'send_message'`).Scan(&n))
		return n
	}
	system := access.With(t.Context(), access.System)
	require.NoError(t, s.App.App.Resolvers.Restock.Tell(system))
	require.Zero(t, mails(), "nothing has come")
	require.Empty(t, write(t, s.App, keeper, "receiveStock", "StockInput", `level { free }`, apptest.Variables{"idempotencyKey": id.New().String(), "variantId": globalID("Variant", variant), "locationId": globalID("Location", s.WarehouseID), "quantity": 1}, nil))
	require.Equal(t, 1, jobsOf(t, s.App, "tell_restocked"), "queued with the stock")
	done := make(chan error)
	for range 4 {
		go func() { done <- s.App.App.Resolvers.Restock.Tell(system) }()
	}
	for range 4 {
		require.NoError(t, <-done)
	}
	require.Equal(t, 2, mails(), "the guest and the member, once each, whoever runs the job")

	// The mail's link ends what its reader waits for.
	s.SetStock(t, variant, 0)
	require.Empty(t, ask(access.Guest, "hanako@example.jp"))
	var closeURL string
	openMails(t, s.App)
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT args->'message'->'content'->>'closeUrl' FROM river_job
		WHERE kind = 'send_message' AND args->'message'->'to'->>'email' = 'hanako@example.jp'`).Scan(&closeURL))
	_, token, _ := strings.Cut(closeURL, "token=")
	closing := func(actor access.Actor, input apptest.Variables) string {
		var got struct {
			CloseRestock struct{ UserErrors []writeError }
		}
		s.DoAs(t, actor, `mutation($input: CloseRestockInput!) { closeRestock(input: $input) { userErrors { code field } } }`, apptest.Variables{"input": input}).Into(t, &got)
		if len(got.CloseRestock.UserErrors) == 0 {
			return ""
		}
		return got.CloseRestock.UserErrors[0].Code
	}
	require.Equal(t, "NOT_FOUND", closing(access.Guest, apptest.Variables{"token": "nobody's"}))
	require.Equal(t, "REQUIRED", closing(access.Guest, apptest.Variables{}))
	require.Empty(t, closing(access.Guest, apptest.Variables{"token": token}))
	s.SetStock(t, variant, 5)
	require.NoError(t, s.App.App.Resolvers.Restock.Tell(system))
	require.Equal(t, 2, mails())
	var mine struct {
		RestockRequests []struct{ ID, NotifiedAt string }
	}
	s.DoAs(t, member, `{ restockRequests { id notifiedAt variant { sku } } }`, nil).Into(t, &mine)
	require.Len(t, mine.RestockRequests, 1)
	require.NotEmpty(t, mine.RestockRequests[0].NotifiedAt)
	require.Equal(t, "NOT_FOUND", closing(newMember(t, s.App, uuid.Nil), apptest.Variables{"id": mine.RestockRequests[0].ID}), "another member's")
	require.Empty(t, closing(member, apptest.Variables{"id": mine.RestockRequests[0].ID}))
}

func jobsOf(t *testing.T, a *apptest.App, kind string) (n int) {
	t.Helper()
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE kind = $1`, kind).Scan(&n))
	return n
}

func TestAWindowOpensByItself(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	opens := time.Now().Add(time.Second)
	rule(t, s.App, apptest.Variables{"visible": "DENY", "validFrom": opens.UTC().Format(time.RFC3339Nano)})
	require.Len(t, s.look(t, access.Guest, "p1").slugs(), 5)
	time.Sleep(time.Until(opens) + 50*time.Millisecond)
	require.Empty(t, s.look(t, access.Guest, "p1").slugs())
}
