package resolvers_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

func TestStaffLookIntoAMembersPoints(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 500)
	desk := as(t, s.App, pointDesk)
	require.Equal(t, []string{"wan", "365", "10000"}, desk.read(t, `{ pointProgrammes { code expiryDays grantLimit } }`, nil, "pointProgrammes.0.code", "pointProgrammes.0.expiryDays", "pointProgrammes.0.grantLimit"))
	require.NotEmpty(t, as(t, s.App, access.Guest)(`{ pointProgrammes { code grantLimit } }`, nil).Errors, "the limit of staff is theirs")
	named := apptest.Variables{"m": b.id, "p": s.own}
	require.Equal(t, []string{"500"}, desk.read(t, `query($m: ID!) { memberPoints(memberId: $m) { usable } }`, apptest.Variables{"m": b.id}, "memberPoints.0.usable"))
	require.Equal(t, []string{"1", "500", "500"}, desk.read(t, `query($m: ID!, $p: ID!) { pointLots(programmeId: $p, memberId: $m) { issued remaining } }`, named, "pointLots", "pointLots.0.issued", "pointLots.0.remaining"))
	require.Equal(t, 3, countOf(t, s.App, `SELECT count(*) FROM events WHERE type = 'member.viewed' AND subject_id = $1 AND data->>'by' = 'points' AND actor_id IS NOT NULL`, keyOf(t, b.id)), "the views are written down, the answer to what was granted too")
	other := s.buyer(t, 0)
	require.NotEmpty(t, other.do(t, `query($m: ID!, $p: ID!) { pointLots(programmeId: $p, memberId: $m) { issued } }`, named).Errors, "another member's")

	b.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	shop := id.New()
	exec(t, s.App, `INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, 'shibuya', '{"ja":"渋谷店"}', 'SHOP')`, shop, s.BrandID)
	clerk := as(t, s.App, access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{shop}, Permissions: []access.Permission{access.PointRead, access.MemberRead}})
	const ask = `query($m: ID!) { memberPoints(memberId: $m) { usable } }`
	require.Equal(t, "FORBIDDEN", clerk(ask, apptest.Variables{"m": b.id}).Code(), "no member of the shop's")
	require.Equal(t, "FORBIDDEN", clerk(`{ pointTransfers { nodes { theirMember } } }`, nil).Code())
	require.Equal(t, "FORBIDDEN", clerk(`{ pointArrivals { nodes { theirMember } } }`, nil).Code())
	exec(t, s.App, `UPDATE memberships SET home_store_id = $1 WHERE member_id = $2`, shop, keyOf(t, b.id))
	require.Equal(t, []string{"500"}, clerk.read(t, ask, apptest.Variables{"m": b.id}, "memberPoints.0.usable"))
}

func TestARewardIsGivenOnce(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 0)
	rule := as(t, s.App, pointAdmin).done(t, "savePointRule", "rule { id }", apptest.Variables{
		"programmeId": s.own, "name": ja("レビュー投稿"), "terms": apptest.Variables{"occasion": "REVIEW", "points": 30},
	}, "rule.id")[0]
	desk, input := as(t, s.App, pointDesk), apptest.Variables{"idempotencyKey": "review-0001", "occasion": "REVIEW", "memberId": b.id}
	require.Equal(t, []string{"30"}, desk.done(t, "rewardPoints", "points", input, "points"))
	require.Equal(t, []string{"30"}, desk.done(t, "rewardPoints", "points", input, "points"))
	require.Equal(t, 30, b.has(t).Usable)
	require.Equal(t, []string{"POINT_EVENT_INVALID occasion"}, desk.done(t, "rewardPoints", "points", with(input, "occasion", "PURCHASE")), "purchases earn by themselves")
	require.Empty(t, s.grant(t, b, 9950, nil).UserErrors)
	require.Equal(t, []string{"POINTS_STAFF_LIMIT occasion"}, desk.done(t, "rewardPoints", "points", with(with(input, "idempotencyKey", "review-0003"), "subjectId", id.Global("Review", id.New()))), "with what was granted beyond the day's limit")
	require.Equal(t, []string{"POINT_SUBJECT_UNKNOWN subjectId"}, desk.done(t, "rewardPoints", "points", with(with(input, "idempotencyKey", "review-0004"), "subjectId", id.Global("Product", id.New()))), "nobody reviewed what is not there")
	require.Equal(t, []string{"30"}, desk.done(t, "rewardPoints", "points", input, "points"), "what was given before is told again")
	require.Equal(t, []string{"0"}, as(t, s.App, pointAdmin).done(t, "closePointRule", "", apptest.Variables{"programmeId": s.own, "ruleId": rule}, "userErrors"))
	require.Equal(t, []string{"POINT_EVENT_INVALID occasion"}, desk.done(t, "rewardPoints", "points", with(input, "idempotencyKey", "review-0002")), "no rule, no points")
}

func TestTransfersAreComparedWithTheOtherSystem(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 1000)
	partner := as(t, s.App, pointAdmin).done(t, "savePointPartner", "partner { id }", apptest.Variables{
		"programmeId": s.own, "code": "sky-miles", "name": ja("空マイル"), "way": "FILE", "ourPoints": 100, "theirPoints": 50, "minPoints": 100,
	}, "partner.id")[0]
	require.Equal(t, []string{"sky-miles"}, asking(func(q string, v apptest.Variables) apptest.Answer { return b.do(t, q, v) }).read(t, `{ pointPartners { code sends } }`, nil, "pointPartners.0.code"))
	send := func(n int) string {
		return asking(func(q string, v apptest.Variables) apptest.Answer { return b.do(t, q, v) }).done(t, "sendPoints", "transfer { id }",
			apptest.Variables{"idempotencyKey": s.key(), "partnerId": partner, "theirMember": "77-1", "points": n}, "transfer.id")[0]
	}
	one, two, three := send(100), send(200), send(300)
	desk := as(t, s.App, pointDesk)
	require.Equal(t, []string{"3"}, desk.done(t, "exportPointTransfers", "count", apptest.Variables{"idempotencyKey": s.key(), "partnerId": partner}, "count"))
	answers := fmt.Sprintf("id,result,reference,reason\n%s,OK,R-1,\n%s,OK,R-2,\n", keyOf(t, one), keyOf(t, two))
	require.Equal(t, []string{"2"}, as(t, s.App, pointAdmin).done(t, "importPointAnswers", "acknowledged", apptest.Variables{"partnerId": partner, "csv": answers}, "acknowledged"))
	theirs := fmt.Sprintf("id,points\n%s,50\n%s,999\n%s,150\n%s,1\n", keyOf(t, one), keyOf(t, two), keyOf(t, three), id.New())
	compare := func(csv string, paths ...string) []string {
		return desk.read(t, `query($in: ReconcilePointsInput!) { reconcilePoints(input: $in) { matched differences { cause } userErrors { code } } }`,
			apptest.Variables{"in": apptest.Variables{"partnerId": partner, "from": time.Now().Add(-time.Hour), "until": time.Now().Add(time.Hour), "csv": csv}}, paths...)
	}
	require.Equal(t, []string{"1", "3"}, compare(theirs, "reconcilePoints.matched", "reconcilePoints.differences"), "other points, not answered yet, unknown here")
	require.Equal(t, []string{"POINT_FILE_INVALID"}, compare("no heading", "reconcilePoints.userErrors.0.code"))
	exec(t, s.App, `UPDATE point_transfers SET created_at = created_at - interval '1 day' WHERE id = '`+keyOf(t, one).String()+`'`)
	require.Equal(t, []string{"1", "3"}, compare(theirs, "reconcilePoints.matched", "reconcilePoints.differences"), "what we had in the books the day before they did is the same")
	again := fmt.Sprintf("id,result,reference,reason\n%[1]s,OK,R-1,\n%[2]s,NG,R-2,no\n%[3]s,NG,R-3,unknown\n%[3]s,NG,R-3,unknown\n%[3]s,OK,R-3,\n%[4]s,OK,R-4,\n", keyOf(t, one), keyOf(t, two), keyOf(t, three), id.New())
	var imported struct {
		ImportPointAnswers struct {
			Acknowledged, Returned, Repeated int
			UserErrors                       []userError
		}
	}
	s.DoAs(t, pointAdmin, `mutation($input: ImportPointAnswersInput!) { importPointAnswers(input: $input) { acknowledged returned repeated userErrors { code field message } } }`,
		in(apptest.Variables{"partnerId": partner, "csv": again})).Into(t, &imported)
	got := imported.ImportPointAnswers
	require.Equal(t, []int{0, 1, 2}, []int{got.Acknowledged, got.Returned, got.Repeated})
	require.Len(t, got.UserErrors, 3)
	for i, line := range []string{"3行目", "6行目", "7行目"} {
		require.Equal(t, "POINT_FILE_INVALID", got.UserErrors[i].Code)
		require.Contains(t, got.UserErrors[i].Message, line)
	}
	require.Equal(t, 700, b.has(t).Usable, "what was turned down is back")
	require.Equal(t, []string{"3", "1"}, desk.read(t, `query($p: ID!) { all: pointTransfers { nodes { id } } back: pointTransfers(filter: {partnerId: $p, state: RETURNED}) { nodes { id } } }`,
		apptest.Variables{"p": partner}, "all.nodes", "back.nodes"))
}

func TestWhatIsOfAnEndedProgrammeIsListed(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 1000)
	admin, desk := as(t, s.App, pointAdmin), as(t, s.App, pointDesk)
	partner := admin.done(t, "savePointPartner", "partner { id }", apptest.Variables{
		"programmeId": s.own, "code": "sky-miles", "name": ja("空マイル"), "way": "FILE", "ourPoints": 100, "theirPoints": 50, "minPoints": 100,
	}, "partner.id")[0]
	asking(func(q string, v apptest.Variables) apptest.Answer { return b.do(t, q, v) }).done(t, "sendPoints", "transfer { id }",
		apptest.Variables{"idempotencyKey": s.key(), "partnerId": partner, "theirMember": "77-1", "points": 100}, "transfer.id")
	exec(t, s.App, `INSERT INTO point_arrivals (id, partner_id, reference, their_member, their_points, state, reason, created_at) SELECT gen_random_uuid(), id, 'R-1', '9999', 50, 'OPEN', '', now() FROM point_partners`)
	admin.done(t, "savePointRate", "rate { toId }", apptest.Variables{"fromId": s.own, "toId": s.pool, "fromPoints": 2, "toPoints": 1}, "rate.toId")
	require.Equal(t, []string{s.pool, "pool", "true"}, desk.read(t, `{ pointProgrammes { code rates { toId to { code shared } } } }`, nil,
		"pointProgrammes.0.rates.0.toId", "pointProgrammes.0.rates.0.to.code", "pointProgrammes.0.rates.0.to.shared"))
	exec(t, s.App, `UPDATE point_programmes SET closed_at = now() WHERE id = '`+keyOf(t, s.own).String()+`'`)
	listed := func(programme any) []string {
		return desk.read(t, `query($p: ID) { pointTransfers(filter: {programmeId: $p}) { nodes { id } totalCount } pointArrivals(programmeId: $p) { nodes { id } } }`,
			apptest.Variables{"p": programme}, "pointTransfers.nodes", "pointTransfers.totalCount", "pointArrivals.nodes")
	}
	require.Equal(t, []string{"1", "1", "1"}, listed(nil), "what is under way is finished, so it is seen")
	require.Equal(t, []string{"1", "1", "1"}, listed(s.own))
	require.Equal(t, []string{"0", "0", "0"}, listed(s.pool))
	require.Equal(t, []string{"1"}, desk.read(t, `{ pointPartners { id } }`, nil, "pointPartners"))
	mine := asking(func(q string, v apptest.Variables) apptest.Answer { return b.do(t, q, v) })
	require.Equal(t, []string{"1"}, mine.read(t, `{ pointTransfers { nodes { id } } }`, nil, "pointTransfers.nodes"))
	require.Equal(t, []string{"0"}, mine.read(t, `{ pointPartners { id } }`, nil, "pointPartners"), "nothing new goes out")
	for _, ask := range []string{`pointTransfers(filter: {programmeId: $p}) { nodes { id } }`, `pointArrivals(programmeId: $p) { nodes { id } }`} {
		require.Equal(t, "POINT_PROGRAMME_UNKNOWN", desk(`query($p: ID) { `+ask+` }`, apptest.Variables{"p": id.Global("PointProgramme", id.New())}).Code())
	}
}

func TestPrizesStockIsMoved(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	admin, prize := as(t, s.App, pointAdmin), s.prize(t, nil)
	require.Equal(t, []string{"5"}, admin.done(t, "movePrizeStock", "prize { stock }", apptest.Variables{"prizeId": prize, "by": 2, "reason": "入荷"}, "prize.stock"))
	require.Equal(t, []string{"PRIZE_STOCK by"}, admin.done(t, "movePrizeStock", "prize { stock }", apptest.Variables{"prizeId": prize, "by": -6, "reason": "破損"}))
	require.Equal(t, []string{"REQUIRED reason"}, admin.done(t, "movePrizeStock", "prize { stock }", apptest.Variables{"prizeId": prize, "by": -1, "reason": ""}))
	require.Equal(t, []string{"4"}, admin.done(t, "movePrizeStock", "prize { stock }", apptest.Variables{"prizeId": prize, "by": -1, "reason": "破損"}, "prize.stock"))
}

func TestEntriesOfADrawAreGrantedAndSeen(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b, prize := s.buyer(t, 0), s.prize(t, nil)
	admin := as(t, s.App, pointAdmin)
	draw := admin.done(t, "saveDraw", "draw { id }", apptest.Variables{
		"programmeId": s.own, "name": ja("秋の大抽選会"), "maxEntries": 3, "opensAt": time.Now().Add(-time.Hour), "closesAt": time.Now().Add(time.Hour), "drawsAt": time.Now().Add(2 * time.Hour),
		"ranks": []apptest.Variables{{"prizeId": prize, "count": 1}},
	}, "draw.id")[0]
	grant := apptest.Variables{"idempotencyKey": "entries-001", "drawId": draw, "memberId": b.id, "count": 2, "reason": "来店"}
	require.Equal(t, []string{"2"}, admin.done(t, "grantDrawEntries", "entries { number source }", grant, "entries"))
	require.Equal(t, []string{"2"}, admin.done(t, "grantDrawEntries", "entries { number source }", grant, "entries"), "once")
	mine := asking(func(q string, v apptest.Variables) apptest.Answer { return b.do(t, q, v) })
	require.Equal(t, []string{"2"}, mine.read(t, `query($d: ID!) { myDrawEntries(drawId: $d) { number } }`, apptest.Variables{"d": draw}, "myDrawEntries"))
	other := s.buyer(t, 0)
	require.Equal(t, []string{"0"}, asking(func(q string, v apptest.Variables) apptest.Answer { return other.do(t, q, v) }).read(t, `query($d: ID!) { myDrawEntries(drawId: $d) { number } }`, apptest.Variables{"d": draw}, "myDrawEntries"))
}
