package resolvers_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/operation"
)

// both is a text in two languages.
func both(word string) apptest.Variables {
	return apptest.Variables{"ja": word + "の名前", "en": "the name of " + word}
}

// saves runs a mutation as the administrator, and fails unless it did what was asked.
func (s *pointShop) saves(t testing.TB, mutation, fields string, input apptest.Variables) map[string]any {
	t.Helper()
	var got map[string]map[string]any
	name := strings.ToUpper(mutation[:1]) + mutation[1:]
	s.DoAs(t, pointAdmin, `mutation($input: `+name+`Input!) { `+mutation+`(input: $input) { `+fields+` userErrors { code field message } } }`, in(input)).Into(t, &got)
	require.Empty(t, got[mutation]["userErrors"])
	return got[mutation]
}

func TestWhatIsSavedIsReadInAllItsLanguages(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	mine := s.buyer(t, 0)
	text := map[string]any{"ja": "品の名前", "en": "the name of 品"}
	prize := s.saves(t, "savePrize", "prize { id }", apptest.Variables{"idempotencyKey": s.key(), "programmeId": s.own, "name": both("品"), "description": both("品"), "points": 10, "stock": 1})["prize"].(map[string]any)["id"]
	rule := apptest.Variables{"programmeId": s.own, "name": both("品"), "terms": apptest.Variables{"perMinor": 100, "points": 1}}
	require.Equal(t, text, s.saves(t, "savePointRule", "rule { names }", rule)["rule"].(map[string]any)["names"])
	other := apptest.Variables{"programmeId": s.own, "code": "sky", "name": both("品"), "way": "FILE", "ourPoints": 1, "theirPoints": 1, "minPoints": 1}
	require.Equal(t, text, s.saves(t, "savePointPartner", "partner { names }", other)["partner"].(map[string]any)["names"])
	rank := apptest.Variables{"code": "gold", "name": both("品"), "minSpend": "1000", "months": 12}
	require.Equal(t, text, s.saves(t, "saveMemberRank", "rank { names }", rank)["rank"].(map[string]any)["names"])
	programme := apptest.Variables{"code": "named", "name": both("品")}
	require.Equal(t, text, s.saves(t, "savePointProgramme", "programme { names }", programme)["programme"].(map[string]any)["names"])

	read := `query($id: ID!) { prize(id: $id) { name names descriptions } }`
	var got struct {
		Prize struct {
			Name                string
			Names, Descriptions map[string]any
		}
	}
	s.DoAs(t, pointAdmin, read, apptest.Variables{"id": prize}).Into(t, &got)
	require.Equal(t, text, got.Prize.Names)
	require.Equal(t, text, got.Prize.Descriptions)
	require.Equal(t, "FORBIDDEN", mine.do(t, read, apptest.Variables{"id": prize}).Code(), "members read their own language")

	change := apptest.Variables{"id": prize, "programmeId": s.own, "name": got.Prize.Names, "description": got.Prize.Descriptions, "points": 20}
	saved := s.saves(t, "savePrize", "prize { points names }", change)["prize"].(map[string]any)
	require.Equal(t, []any{20.0, text}, []any{saved["points"], saved["names"]}, "what was read can be saved as it is")
}

func TestAPrizeIsReadByItsIDAsTheCatalogueShowsIt(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	now := time.Now().UTC()
	seen := func(actor access.Actor, prize string) bool {
		var got struct{ Prize *struct{ ID string } }
		s.DoAs(t, actor, `query($id: ID!) { prize(id: $id) { id } }`, apptest.Variables{"id": prize}).Into(t, &got)
		require.True(t, got.Prize == nil || got.Prize.ID == prize)
		return got.Prize != nil
	}
	guest, desk := access.Actor{Role: access.RoleGuest, ID: id.New()}, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PrizeRead}}
	offered := s.prize(t, nil)
	require.True(t, seen(guest, offered))
	for name, hidden := range map[string]string{
		"not yet":          s.prize(t, apptest.Variables{"validFrom": now.Add(time.Hour)}),
		"no more":          s.prize(t, apptest.Variables{"validFrom": now.Add(-time.Hour), "validUntil": now.Add(-time.Minute)}),
		"closed":           s.prize(t, apptest.Variables{"closed": true}),
		"in draws alone":   s.prize(t, apptest.Variables{"points": 0}),
		"of another brand": s.foreign(t),
	} {
		require.False(t, seen(guest, hidden), name)
		require.Equal(t, name != "of another brand", seen(desk, hidden), name)
	}
	require.False(t, seen(guest, id.Global("Prize", id.New())), "there is none")
}

// foreign is a prize of another brand.
func (s *pointShop) foreign(t *testing.T) string {
	t.Helper()
	key, brand := keyOf(t, s.prize(t, nil)), id.New()
	exec(t, s.App, `INSERT INTO brands (id, code, name) VALUES ($1, 'foreign', '{"ja":"よそ"}')`, brand)
	exec(t, s.App, `UPDATE prizes SET brand_id = $2 WHERE id = $1`, key, brand)
	return id.Global("Prize", key)
}

func TestADrawsTextsChangeWhileItTakesEntries(t *testing.T) {
	t.Parallel()
	d := openCardCounter(t, 0)
	draw := d.openDraw(t, nil)
	fields := `name names descriptions points maxEntries state minRankId segmentId proof { commitment }`
	read := func() (all map[string]any) {
		var got struct{ Draw map[string]any }
		d.DoAs(t, pointAdmin, `query($id: ID!) { draw(id: $id) { `+fields+` } }`, apptest.Variables{"id": draw}).Into(t, &got)
		return got.Draw
	}
	was := read()
	say := func(actor access.Actor, input apptest.Variables) string {
		var got struct {
			DescribeDraw struct{ UserErrors []userError }
		}
		answer := d.DoAs(t, actor, `mutation($input: DescribeDrawInput!) { describeDraw(input: $input) { draw { id } userErrors { code field message } } }`, in(with(input, "drawId", draw)))
		if answer.Code() != "" {
			return answer.Code()
		}
		answer.Into(t, &got)
		if len(got.DescribeDraw.UserErrors) == 0 {
			return ""
		}
		return got.DescribeDraw.UserErrors[0].Code
	}
	require.Empty(t, say(pointAdmin, apptest.Variables{"name": both("秋"), "description": both("賞品")}))
	now := read()
	require.Equal(t, []any{map[string]any{"ja": "秋の名前", "en": "the name of 秋"}, map[string]any{"ja": "賞品の名前", "en": "the name of 賞品"}}, []any{now["names"], now["descriptions"]})
	for _, same := range []string{"points", "maxEntries", "state", "proof"} {
		require.Equal(t, was[same], now[same], same)
	}
	require.Equal(t, 1, countOf(t, d.App, `SELECT count(*) FROM events WHERE type = 'draw.described' AND subject_id = $1`, keyOf(t, draw)))
	require.Equal(t, "REQUIRED", say(pointAdmin, apptest.Variables{"name": apptest.Variables{"en": "autumn"}}))
	require.Equal(t, "FORBIDDEN", say(pointDesk, apptest.Variables{"name": both("秋")}))
	require.Empty(t, d.tells(t, pointAdmin, "cancelDraw", "draw { id }", apptest.Variables{"idempotencyKey": d.key(), "drawId": draw, "reason": "賞品の不備"}).UserErrors)
	require.Equal(t, "DRAW_STATE", say(pointAdmin, apptest.Variables{"name": both("冬")}))
	require.Equal(t, now["names"], read()["names"], "what is over stays as it was told")
}

func TestWhoMayEnterADrawIsRead(t *testing.T) {
	t.Parallel()
	d := openCardCounter(t, 0)
	draw := d.openDraw(t, nil)
	rank, segment := id.New(), id.New()
	exec(t, d.App, `INSERT INTO member_ranks (id, brand_id, code, name, min_spend, months, updated_at) VALUES ($1, $2, 'gold', '{"ja":"金"}', 100, 12, now())`, rank, d.BrandID)
	exec(t, d.App, `ALTER TABLE draws DROP CONSTRAINT IF EXISTS draws_segment_id_fkey`)
	exec(t, d.App, `UPDATE draws SET min_rank_id = $1, segment_id = $2 WHERE id = $3`, rank, segment, keyOf(t, draw))
	var got struct {
		Draw struct{ MinRankID, SegmentID *string }
	}
	guest := access.Actor{Role: access.RoleGuest, ID: id.New()}
	d.DoAs(t, guest, `query($id: ID!) { draw(id: $id) { minRankId } }`, apptest.Variables{"id": draw}).Into(t, &got)
	require.Equal(t, id.Global("MemberRank", rank), *got.Draw.MinRankID)
	require.Equal(t, "UNAUTHENTICATED", d.DoAs(t, guest, `query($id: ID!) { draw(id: $id) { segmentId } }`, apptest.Variables{"id": draw}).Code())
	d.DoAs(t, pointAdmin, `query($id: ID!) { draw(id: $id) { segmentId } }`, apptest.Variables{"id": draw}).Into(t, &got)
	require.Equal(t, id.Global("Segment", segment), *got.Draw.SegmentID)
}

func TestTransfersAndArrivalsSayWhosePointsTheyAre(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	partner := s.miles(t, nil)
	hanako := registeredAt(t, s.App, openShop(t, s.App, "umeda", "OSAKA", nil), "山田 花子", "09012345612")
	s.receiveFile(t, pointAdmin, partner, "reference,member,points\nIN-1,2900000000001,50\nIN-2,2900000000002,50\nIN-3,2900000000003,50\n")
	waiting := s.arrivals(t, "OPEN")
	require.Len(t, waiting, 3)
	require.Empty(t, s.settle(t, apptest.Variables{"idempotencyKey": s.key(), "arrivalId": waiting[0].ID, "memberId": hanako}))
	require.Empty(t, s.settle(t, apptest.Variables{"idempotencyKey": s.key(), "arrivalId": waiting[1].ID, "reason": "不明"}))

	type whose struct {
		Reference string
		MemberID  *string
		Member    *struct{ ID, Name string }
	}
	var got struct {
		PointTransfers, PointArrivals struct{ Nodes []whose }
	}
	query := `{ pointTransfers { nodes { reference memberId member { id name } } } pointArrivals { nodes { reference memberId member { id name } } } }`
	s.DoAs(t, pointAdmin, query, nil).Into(t, &got)
	require.Len(t, got.PointTransfers.Nodes, 1)
	for _, w := range append(got.PointArrivals.Nodes, got.PointTransfers.Nodes...) {
		if w.Reference != waiting[0].Reference {
			require.Nil(t, w.MemberID, w.Reference)
			require.Nil(t, w.Member, w.Reference)
			continue
		}
		require.Equal(t, hanako, *w.MemberID)
		require.Equal(t, "山田 花子", w.Member.Name)
	}
	require.Equal(t, "FORBIDDEN", s.DoAs(t, pointDesk, `{ pointTransfers { nodes { member { name } } } }`, nil).Code(), "who may not read members")
	sky := partnerKey(t, s.App, access.PointRead)
	exec(t, s.App, `UPDATE point_partners SET api_partner_id = (SELECT id FROM partners)`)
	require.Empty(t, s.Registered(t, partnerOperation(t, "PointTransfers"), nil, "X-API-Key", sky).Code())
	const nosy = `query Nosy { pointTransfers { nodes { memberId } } }`
	asked := fmt.Sprintf("%x", sha256.Sum256([]byte(nosy)))
	_, err := s.App.App.Operations.Register(t.Context(), "partner", []operation.Operation{{ID: asked, Name: "Nosy", Kind: "query", Source: nosy}})
	require.NoError(t, err)
	require.Equal(t, "FORBIDDEN", s.Registered(t, asked, nil, "X-API-Key", sky).Code(), "the other system has its own numbers")
}

func TestAMemberReadsTheErasureThatWaits(t *testing.T) {
	t.Parallel()
	d := newMemberDesk(t)
	hanako := newCustomer(t, d.App, "hanako@example.jp")
	hanako.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	waits, done := id.New(), id.New()
	for key, state := range map[string][]any{"ERASURE": {waits, "WAITING"}, "EXPORT": {done, "DONE"}} {
		exec(t, d.App, `INSERT INTO member_requests (id, member_id, brand_id, kind, state, waits_for, actor_role, requested_at) VALUES ($1, $2, $3, $4, $5, 'ORDERS', 'MEMBER', '2026-01-31T00:00:00Z')`, state[0], keyOf(t, hanako.id), d.BrandID, key, state[1])
	}
	type request struct{ ID, Kind, WaitsFor, RequestedAt string }
	var mine struct{ MyMembership struct{ Requests []request } }
	hanako.do(t, `{ myMembership { requests { id kind waitsFor requestedAt } } }`, nil).Into(t, &mine)
	require.Equal(t, []request{{id.Global("MemberRequest", waits), "ERASURE", "ORDERS", "2026-01-31T00:00:00Z"}}, mine.MyMembership.Requests)
	read := `query($id: ID!) { member(id: $id) { requests { id } } }`
	of := apptest.Variables{"id": id.Global("Member", keyOf(t, hanako.id))}
	require.Equal(t, []string{"1"}, d.office.read(t, read, of, "member.requests"))
	require.Equal(t, []string{"0"}, d.clerk.read(t, read, of, "member.requests"), "a shop reads no requests")
	named := apptest.Variables{"input": apptest.Variables{"requestId": mine.MyMembership.Requests[0].ID}}
	require.Empty(t, hanako.do(t, `mutation($input: WithdrawMemberErasureInput!) { withdrawMemberErasure(input: $input) { request { state } userErrors { code } } }`, named).Code())
	hanako.do(t, `{ myMembership { requests { id kind waitsFor requestedAt } } }`, nil).Into(t, &mine)
	require.Empty(t, mine.MyMembership.Requests)
}

func TestAVariantSaysWhichProductItIsOf(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hana := newCustomer(t, a, "hana@example.jp")
	bed := a.AddProduct(t, "bed", 4800).Variants[0]
	_, errors := hana.wish(t, "saveWish", apptest.Variables{"variantId": variantOf(bed)})
	require.Empty(t, errors)
	var got struct {
		WishLists []struct {
			Wishes []struct {
				Variant *struct {
					Product *struct{ Slug, Name string }
				}
			}
		}
	}
	query := `{ wishLists { wishes { variant { product { slug name } } } } }`
	hana.do(t, query, nil).Into(t, &got)
	require.Equal(t, "bed", got.WishLists[0].Wishes[0].Variant.Product.Slug)
	require.NotEmpty(t, got.WishLists[0].Wishes[0].Variant.Product.Name)
}

func TestATillIsToldWhatBecameOfItsReceipts(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	shopOf(t, a, "umeda")
	key := partnerKey(t, a, access.PurchaseWrite)
	slip := apptest.Variables{"store": "umeda", "till": "1", "receipt": "77", "boughtOn": "2026-01-31", "lines": []apptest.Variables{{"code": "X", "quantity": 2, "amount": "1960"}}}
	send := func(receipt apptest.Variables) map[string]any {
		var got struct {
			RecordPurchases struct {
				Import     map[string]any
				UserErrors []userError
			}
		}
		a.Registered(t, partnerOperation(t, "RecordPurchases"), in(apptest.Variables{"receipts": []apptest.Variables{receipt}}), "X-API-Key", key).Into(t, &got)
		require.Empty(t, got.RecordPurchases.UserErrors)
		return got.RecordPurchases.Import
	}
	require.Equal(t, 1.0, send(slip)["receipts"])
	got := send(with(slip, "lines", []apptest.Variables{{"code": "X", "quantity": 1, "amount": "980"}}))
	require.Equal(t, []any{0.0, 1.0, false}, []any{got["repeated"], got["differing"], got["again"]}, "what came with other lines waits for people")
	require.Contains(t, got, "errors")
}
