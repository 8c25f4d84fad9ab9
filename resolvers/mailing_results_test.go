package resolvers_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// buys lets members of the audience buy something: so many in that state, in their order
// behind those left out, each for the amount at the store, some days after it was sent.
func (p *postRoom) buys(t *testing.T, mailingID, state string, skip, n, days int, store *uuid.UUID, product *uuid.UUID, quantity, amount int) {
	t.Helper()
	p.exec(t, `WITH who AS (SELECT member_id, gen_random_uuid() AS id FROM mailing_recipients WHERE mailing_id = $1 AND state = $2 ORDER BY member_id OFFSET $3 LIMIT $4),
		moment AS (SELECT sent_at + make_interval(days => $5) + interval '1 second' AS at FROM mailings WHERE id = $1),
		bought AS (INSERT INTO purchases (id, bought_on, bought_at, brand_id, member_id, source, store_id, till, receipt, items, total, currency, created_at)
			SELECT id, (at AT TIME ZONE 'Asia/Tokyo')::date, at, $6, member_id, CASE WHEN $7::uuid IS NULL THEN 'ONLINE' ELSE 'STORE' END, $7, '1', id::text, $9, $10, 'JPY', now() FROM who, moment)
		INSERT INTO purchase_lines (purchase_id, bought_on, position, brand_id, member_id, store_id, product_id, code, name, quantity, amount)
			SELECT id, (at AT TIME ZONE 'Asia/Tokyo')::date, 0, $6, member_id, $7, $8, 'X', 'x', $9, $10 FROM who, moment`,
		keyOf(t, mailingID), state, skip, n, days, p.BrandID, store, product, quantity, amount)
}

// track counts what came of all mailings.
func (p *postRoom) track(t *testing.T) {
	t.Helper()
	p.exec(t, `UPDATE mailings SET counted_at = NULL`)
	require.NoError(t, p.App.App.Resolvers.Mailings.Track(access.With(t.Context(), access.System)))
}

func TestWhoFollowsAMailingWaitsForWhoCountsIt(t *testing.T) {
	t.Parallel()
	p := newPostRoom(t, apptest.Start(t))
	p.crowd(t, 3)
	sent := p.sent(t, nil)
	p.track(t)
	p.buys(t, sent, "SENT", 0, 1, 0, nil, nil, 1, 1000)
	counting, err := p.DB.Pool().Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = counting.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = counting.Exec(t.Context(), `SELECT pg_advisory_xact_lock(hashtextextended('mailing ' || $1::uuid::text, 0))`, keyOf(t, sent))
	require.NoError(t, err)

	followed := make(chan mailingDone, 1)
	go func() {
		followed <- p.do(t, p.office, "followMailing", "FollowMailingInput", apptest.Variables{"mailingId": sent, "to": "BOUGHT", "name": "お礼"})
	}()
	require.Eventually(t, func() bool {
		return countOf(t, p.App, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) > 0 || len(followed) > 0
	}, time.Minute, 20*time.Millisecond)
	require.Empty(t, followed, "it would go by results of before")
	require.NoError(t, counting.Rollback(t.Context()))
	done := <-followed
	require.Empty(t, done.UserErrors)
	require.Equal(t, 1, countOf(t, p.App, `SELECT count(*) FROM segment_members f JOIN mailings m ON m.segment_id = f.segment_id WHERE m.id = $1`, keyOf(t, done.Mailing.ID)))
}

type mailingSum struct {
	Recipients, Buyers, Purchases, Items int
	Rate                                 *string
	Revenue, PerRecipient                struct{ Amount string }
}

type mailingResults struct {
	Mailing    struct{ ID, Name string }
	Sent, Held mailingSum
	Lift       *struct{ Points, Low, High string }
	Uplift     *struct {
		Uplift *string
		TooFew bool
	}
	Cost, Revenue           struct{ Amount string }
	Return, ExtraReturn     *string
	ExtraRevenue            *struct{ Amount string }
	TrackedUntil, CountedAt *string
}

const resultFields = `mailing { id name } sent { ...g } held { ...g } lift { points low high } uplift { uplift tooFew } cost { amount } revenue { amount } return extraReturn extraRevenue { amount } trackedUntil countedAt`
const sumFields = ` fragment g on MailingGroup { recipients buyers purchases items rate revenue { amount } perRecipient { amount } }`

func (p *postRoom) results(t *testing.T, mailingID string) mailingResults {
	t.Helper()
	var got struct{ MailingResults mailingResults }
	p.DoAs(t, p.office, `query($id: ID!) { mailingResults(mailingId: $id) { `+resultFields+` } }`+sumFields, apptest.Variables{"id": mailingID}).Into(t, &got)
	return got.MailingResults
}

// divided sets what has become of the audience: chance would make it differ each time.
func (p *postRoom) divided(t *testing.T, mailingID string, held int) {
	t.Helper()
	p.exec(t, `UPDATE mailing_recipients SET state = 'HELD_OUT', position = NULL WHERE mailing_id = $1 AND member_id IN (SELECT member_id FROM mailing_recipients WHERE mailing_id = $1 ORDER BY member_id DESC LIMIT $2)`, keyOf(t, mailingID), held)
	p.exec(t, `UPDATE mailings SET addressed = addressed - $2::int, sent = sent - $2::int, held_out = $2 WHERE id = $1`, keyOf(t, mailingID), held)
}

func TestWhoBoughtIsFollowed(t *testing.T) {
	t.Parallel()
	p := newPostRoom(t, apptest.Start(t))
	p.crowd(t, 200)
	umeda := shopOf(t, p.App, "umeda")
	food, toy := p.AddProduct(t, "food", 1000), p.AddProduct(t, "toy", 1000)
	m := p.sent(t, apptest.Variables{"pieceCost": "100", "fixedCost": "5000", "windowDays": 10})
	p.divided(t, m, 100)
	require.Nil(t, p.results(t, m).CountedAt)
	p.buys(t, m, "SENT", 0, 30, 0, &p.shop, &food.ID, 2, 3000)
	p.buys(t, m, "SENT", 20, 20, 9, nil, &toy.ID, 1, 1000)      // ten of them for the second time
	p.buys(t, m, "SENT", 0, 1, 1, &p.shop, &food.ID, -2, -3000) // brings it all back
	p.buys(t, m, "HELD_OUT", 0, 10, 3, &umeda, &food.ID, 1, 1500)
	p.buys(t, m, "SENT", 50, 5, -1, &p.shop, &food.ID, 1, 99999) // before
	p.buys(t, m, "SENT", 60, 5, 10, &p.shop, &food.ID, 1, 99999) // after
	p.track(t)

	r := p.results(t, m)
	require.Equal(t, []int{100, 39, 50, 78}, []int{r.Sent.Recipients, r.Sent.Buyers, r.Sent.Purchases, r.Sent.Items})
	require.Equal(t, []int{100, 10, 10, 10}, []int{r.Held.Recipients, r.Held.Buyers, r.Held.Purchases, r.Held.Items})
	require.Equal(t, "39 10 107000 15000 1070", strings.Join([]string{*r.Sent.Rate, *r.Held.Rate, r.Revenue.Amount, r.Held.Revenue.Amount, r.Sent.PerRecipient.Amount}, " "))
	require.Equal(t, "15000 613.3 92000 513.3", strings.Join([]string{r.Cost.Amount, *r.Return, r.ExtraRevenue.Amount, *r.ExtraReturn}, " "))
	// Newcombe's interval for 39/100 and 10/100, worked out by hand from Wilson's
	// (30.01, 48.80) and (5.52, 17.44).
	require.Equal(t, "29 17.34 39.77", strings.Join([]string{r.Lift.Points, r.Lift.Low, r.Lift.High}, " "))
	require.Equal(t, "613.3", *r.Uplift.Uplift)
	require.True(t, r.Uplift.TooFew)
	sentOn := time.Now().In(time.FixedZone("JST", 9*60*60))
	require.Equal(t, sentOn.AddDate(0, 0, 9).Format(time.DateOnly), *r.TrackedUntil)
	p.track(t)
	again := p.results(t, m)
	again.CountedAt = r.CountedAt
	require.Equal(t, r, again, "counted twice it is the same")

	var parts struct {
		ByProduct []struct {
			ProductID     *string
			Buyers, Items int
			Revenue       struct{ Amount string }
			HeldBuyers    int
			HeldRevenue   struct{ Amount string }
		}
		ByStore []struct {
			StoreID    *string
			Buyers     int
			Revenue    struct{ Amount string }
			HeldBuyers int
		}
		Products, Stores string
	}
	p.DoAs(t, p.office, `query($id: ID!) {
		byProduct: mailingProductResults(mailingId: $id) { productId buyers items revenue { amount } heldBuyers heldRevenue { amount } }
		byStore: mailingStoreResults(mailingId: $id) { storeId buyers revenue { amount } heldBuyers }
		products: mailingResultsCsv(mailingId: $id, by: PRODUCT) stores: mailingResultsCsv(mailingId: $id, by: STORE) }`, apptest.Variables{"id": m}).Into(t, &parts)
	require.Len(t, parts.ByProduct, 2)
	require.Equal(t, id.Global("Product", food.ID), *parts.ByProduct[0].ProductID)
	require.Equal(t, "58 87000 10 15000", strings.Join([]string{strconv.Itoa(parts.ByProduct[0].Items), parts.ByProduct[0].Revenue.Amount, strconv.Itoa(parts.ByProduct[0].HeldBuyers), parts.ByProduct[0].HeldRevenue.Amount}, " "))
	require.Len(t, parts.ByStore, 3)
	require.Equal(t, id.Global("Location", p.shop), *parts.ByStore[0].StoreID)
	require.Nil(t, parts.ByStore[1].StoreID)
	require.Equal(t, []int{20, 10}, []int{parts.ByStore[1].Buyers, parts.ByStore[2].HeldBuyers})
	require.Equal(t, 3, strings.Count(parts.Products, "\n"))
	require.Contains(t, parts.Stores, "オンライン,20,20,20000,0,0,0,JPY")

	toys := p.sent(t, apptest.Variables{"productIds": []string{id.Global("Product", toy.ID)}})
	p.buys(t, toys, "SENT", 0, 3, 1, nil, &toy.ID, 1, 1000)
	p.buys(t, toys, "SENT", 5, 3, 1, nil, &food.ID, 1, 7000)
	p.track(t)
	only := p.results(t, toys)
	require.Nil(t, only.Lift)
	require.Nil(t, only.ExtraRevenue)
	require.GreaterOrEqual(t, only.Sent.Buyers, 3)
	var foods int
	require.NoError(t, p.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM mailing_product_results WHERE mailing_id = $1 AND product_id <> $2`, keyOf(t, toys), toy.ID).Scan(&foods))
	require.Zero(t, foods)
}

func TestMailingsAreFollowedByOthersAndCompared(t *testing.T) {
	t.Parallel()
	p := newPostRoom(t, apptest.Start(t))
	p.crowd(t, 40)
	m := p.sent(t, apptest.Variables{"name": "初回"})
	p.divided(t, m, 10)
	p.buys(t, m, "SENT", 0, 12, 0, &p.shop, nil, 1, 5000)
	p.buys(t, m, "HELD_OUT", 0, 4, 0, &p.shop, nil, 1, 5000)
	p.exec(t, `UPDATE mailing_recipients SET opened_at = now() WHERE member_id IN (SELECT member_id FROM mailing_recipients WHERE state = 'SENT' ORDER BY member_id LIMIT 7)`)
	follow := func(to, name string) mailingDone {
		return p.do(t, p.office, "followMailing", "FollowMailingInput", apptest.Variables{"mailingId": m, "to": to, "name": name})
	}
	for to, want := range map[string]int{"BOUGHT": 12, "NOT_BOUGHT": 18, "OPENED": 7, "NOT_OPENED": 23, "SENT": 30, "HELD_OUT": 10} {
		done := follow(to, "再 "+to)
		require.Empty(t, done.UserErrors, to)
		require.Equal(t, "DRAFT", done.Mailing.State)
		require.Equal(t, want, p.send(t, done.Mailing.ID).Mailing.Audience, to)
	}
	require.Equal(t, "MAILING_SEGMENT_EMPTY", follow("CLICKED", "誰も").UserErrors[0].Code)
	require.Equal(t, "DUPLICATE", follow("BOUGHT", "再 BOUGHT").UserErrors[0].Code)
	require.Equal(t, "REQUIRED", follow("BOUGHT", " ").UserErrors[0].Code)
	draft := p.save(t, nil)
	require.Equal(t, "MAILING_STATE", p.do(t, p.office, "followMailing", "FollowMailingInput", apptest.Variables{"mailingId": draft.Mailing.ID, "to": "SENT", "name": "x"}).UserErrors[0].Code)
	var follows string
	require.NoError(t, p.DB.Pool().QueryRow(t.Context(), `SELECT string_agg(DISTINCT follows_id::text, ',') FROM mailings WHERE follows_id IS NOT NULL`).Scan(&follows))
	require.Equal(t, keyOf(t, m).String(), follows)

	found := func(where apptest.Variables) searched {
		var got searched
		p.DoAs(t, p.office, searchMembers, apptest.Variables{"where": where}).Into(t, &got)
		return got
	}
	require.Equal(t, 12, found(apptest.Variables{"mailing": apptest.Variables{"mailingIds": []string{m}, "response": "BOUGHT"}}).MemberSearch.TotalCount)
	require.Equal(t, 28, found(apptest.Variables{"not": apptest.Variables{"mailing": apptest.Variables{"mailingIds": []string{m}, "response": "BOUGHT"}}}).MemberSearch.TotalCount)
	require.Equal(t, 17, found(apptest.Variables{"any": []apptest.Variables{
		{"mailing": apptest.Variables{"mailingIds": []string{m}, "response": "HELD_OUT"}}, {"mailing": apptest.Variables{"mailingIds": []string{m}, "response": "OPENED"}},
	}}).MemberSearch.TotalCount)
	unknown := p.DoAs(t, p.office, searchMembers, apptest.Variables{"where": apptest.Variables{"mailing": apptest.Variables{"mailingIds": []string{id.Global("Mailing", id.New())}, "response": "SENT"}}})
	require.Equal(t, "CONDITION_UNKNOWN", unknown.Code())

	p.work(t)
	dear := p.sent(t, apptest.Variables{"name": "=高い", "fixedCost": "900000"})
	p.buys(t, dear, "SENT", 0, 1, 0, &p.shop, nil, 1, 1000)
	p.track(t)
	var compared struct {
		ByReturn, ByCost []mailingResults
		CSV              string
	}
	p.DoAs(t, p.office, `{ byReturn: mailingComparison(medium: DM) { `+resultFields+` } byCost: mailingComparison(by: COST) { `+resultFields+` } csv: mailingComparisonCsv(by: COST) }`+sumFields, nil).Into(t, &compared)
	require.Len(t, compared.ByReturn, 8)
	require.Equal(t, dear, compared.ByCost[0].Mailing.ID)
	require.NotEqual(t, dear, compared.ByReturn[0].Mailing.ID)
	lines := strings.Split(compared.CSV, "\n")
	require.True(t, strings.HasPrefix(lines[1], "'=高い,DM,"), lines[1])
	require.Len(t, lines, 10)
	require.Equal(t, "FORBIDDEN", p.DoAs(t, access.Actor{Role: access.RoleStaff, ID: id.New()}, `{ mailingComparison { mailing { id } } }`, nil).Code())
}
