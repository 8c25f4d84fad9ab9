package resolvers_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/points"
)

// party is a shop that gives points for what members celebrate.
type party struct {
	*pointShop
	store  uuid.UUID
	office asking
	desk   asking
}

func newParty(t *testing.T) party {
	t.Helper()
	s := newPointShop(t)
	return party{s, shopOf(t, s.App, "shibuya"), as(t, s.App, merger), as(t, s.App, pointDesk)}
}

// rule gives points for an occasion and answers its id.
func (p party) rule(t *testing.T, programme string, terms apptest.Variables) string {
	t.Helper()
	return as(t, p.App, pointAdmin).done(t, "savePointRule", "rule { id }", apptest.Variables{"programmeId": programme, "name": ja("お祝い"), "terms": terms}, "rule.id")[0]
}

// born is a member who has a card alone, and the birthday.
func (p party) born(t *testing.T, phone, birthday string) string {
	t.Helper()
	member := registeredAt(t, p.App, p.store, "山田 花子", phone)
	p.corrected(t, member, birthday)
	return member
}

func (p party) corrected(t *testing.T, member, birthday string) {
	t.Helper()
	require.Equal(t, []string{member}, p.office.done(t, "updateMember", "member { id }", apptest.Variables{"memberId": member, "person": apptest.Variables{"birthday": birthday}, "reason": "訂正"}, "member.id"))
}

// on is the points' service at a moment of Japan.
func (p party) on(t *testing.T, moment string) *points.Service {
	t.Helper()
	at, err := time.ParseInLocation(time.DateTime, moment, time.FixedZone("JST", 9*60*60))
	require.NoError(t, err)
	service := *p.App.App.Resolvers.Points
	service.Now = func() time.Time { return at.UTC() }
	return &service
}

// celebrate lets the job run at the moment.
func (p party) celebrate(t *testing.T, moment string) {
	t.Helper()
	require.NoError(t, p.on(t, moment).Celebrate(access.With(t.Context(), access.System)))
}

// got is what the member's statement says, the newest first.
func (p party) got(t *testing.T, member, programme string) (all []string) {
	t.Helper()
	var got struct {
		PointStatement struct {
			Nodes []struct {
				Kind, Reason string
				Points       int
				RuleID       *string
			}
		}
	}
	p.desk(`query($m: ID!, $p: ID!) { pointStatement(programmeId: $p, memberId: $m) { nodes { kind reason points ruleId } } }`, apptest.Variables{"m": member, "p": programme}).Into(t, &got)
	for _, n := range got.PointStatement.Nodes {
		require.NotNil(t, n.RuleID, "which rule gave them")
		all = append(all, fmt.Sprint(n.Kind, " ", n.Points, " ", n.Reason))
	}
	return all
}

func TestABirthdayGivesPointsOnceAYear(t *testing.T) {
	t.Parallel()
	p := newParty(t)
	rule := p.rule(t, p.own, apptest.Variables{"occasion": "BIRTHDAY", "points": 500})
	p.rule(t, p.pool, apptest.Variables{"occasion": "BIRTHDAY", "points": 100})
	hanako, taro := p.born(t, "09012345611", "1990-12-20"), p.born(t, "09012345612", "1985-12-21")
	p.celebrate(t, "2026-12-19 23:59:59")
	require.Empty(t, p.got(t, hanako, p.own))
	p.celebrate(t, "2026-12-20 00:00:00")
	p.celebrate(t, "2026-12-20 12:00:00")
	require.Equal(t, []string{"EARN 500 BIRTHDAY"}, p.got(t, hanako, p.own), "once, however often the job runs")
	require.Equal(t, []string{"EARN 100 BIRTHDAY"}, p.got(t, hanako, p.pool), "in each programme")
	require.Empty(t, p.got(t, taro, p.own))
	require.Equal(t, []string{rule, "2027-12-20"}, p.desk.read(t, `query($m: ID!, $p: ID!) { pointStatement(programmeId: $p, memberId: $m) { nodes { ruleId } } pointLots(programmeId: $p, memberId: $m) { expiresOn } }`,
		apptest.Variables{"m": hanako, "p": p.own}, "pointStatement.nodes.0.ruleId", "pointLots.0.expiresOn"), "with the rule, and the programme's last day")

	p.corrected(t, hanako, "1990-12-25")
	p.celebrate(t, "2026-12-25 09:00:00")
	require.Len(t, p.got(t, hanako, p.own), 1, "a birthday that is corrected comes once a year")
	require.Equal(t, []string{"EARN 500 BIRTHDAY"}, p.got(t, taro, p.own), "days on which the job did not run are made up for")
	p.celebrate(t, "2027-12-25 09:00:00")
	require.Len(t, p.got(t, hanako, p.own), 2)
	require.Len(t, p.got(t, taro, p.own), 2)
}

func TestABirthdayOnALeapDayComesADayEarlier(t *testing.T) {
	t.Parallel()
	p := newParty(t)
	p.rule(t, p.own, apptest.Variables{"occasion": "BIRTHDAY", "points": 500})
	leap, before, baby := p.born(t, "09012345611", "1992-02-29"), p.born(t, "09012345612", "1991-02-28"), p.born(t, "09012345613", "2026-02-28")
	count := func() [3]int {
		return [3]int{len(p.got(t, leap, p.own)), len(p.got(t, before, p.own)), len(p.got(t, baby, p.own))}
	}
	p.celebrate(t, "2027-02-27 12:00:00")
	require.Equal(t, [3]int{0, 0, 0}, count())
	p.celebrate(t, "2027-02-28 12:00:00")
	require.Equal(t, [3]int{1, 1, 1}, count(), "2027 has no 29 February")
	p.celebrate(t, "2028-02-28 12:00:00")
	require.Equal(t, [3]int{1, 2, 2}, count())
	p.celebrate(t, "2028-02-29 12:00:00")
	require.Equal(t, [3]int{2, 2, 2}, count())
}

func TestAnOccasionIsGivenOnceWhoeverBecomesWho(t *testing.T) {
	t.Parallel()
	p := newParty(t)
	terms := apptest.Variables{"occasion": "BIRTHDAY", "points": 500}
	p.rule(t, p.own, terms)
	gone, kept := p.born(t, "09012345611", "1990-12-20"), p.born(t, "09012345612", "1990-12-24")
	var jobs sync.WaitGroup
	for range 4 {
		jobs.Go(func() { p.celebrate(t, "2026-12-20 00:10:00") })
	}
	jobs.Wait()
	require.Len(t, p.got(t, gone, p.own), 1, "of jobs that run at once one gives")
	require.Empty(t, write(t, p.App, merger, "mergeMembers", "MergeMembersInput", `member { id }`, apptest.Variables{"idempotencyKey": "merge-0001", "keepId": kept, "goneId": gone, "reason": "同一人物"}, nil))
	p.celebrate(t, "2026-12-24 00:10:00")
	require.Equal(t, 1, countOf(t, p.App, `SELECT count(*) FROM point_entries WHERE kind = 'EARN'`), "who had it as another has had it")
	require.Equal(t, 1, countOf(t, p.App, `SELECT count(*) FROM point_occasions WHERE member_id = $1`, keyOf(t, kept)))

	erased := p.born(t, "09012345613", "1990-12-25")
	for _, member := range []string{erased, kept} {
		require.Empty(t, write(t, p.App, merger, "requestMemberErasure", "MemberRequestInput", `request { id }`, apptest.Variables{"memberId": member}, nil))
	}
	require.Zero(t, countOf(t, p.App, `SELECT count(*) FROM point_occasions`), "what tells a birthday goes with it")
	left := p.born(t, "09012345614", "1990-12-25")
	exec(t, p.App, `UPDATE memberships SET ended_at = now() WHERE member_id = $1`, keyOf(t, left))
	p.celebrate(t, "2026-12-25 00:10:00")
	require.Equal(t, 1, countOf(t, p.App, `SELECT count(*) FROM point_entries WHERE kind = 'EARN'`), "who was erased, or left, celebrates elsewhere")
}

func TestAnAnniversaryGivesPointsByRank(t *testing.T) {
	t.Parallel()
	p := newParty(t)
	gold := p.office.done(t, "saveMemberRank", "rank { id }", apptest.Variables{"code": "GOLD", "name": ja("金"), "minSpend": "1000", "months": 12}, "rank.id")[0]
	p.rule(t, p.own, apptest.Variables{"occasion": "ANNIVERSARY", "points": 50})
	p.rule(t, p.own, apptest.Variables{"occasion": "ANNIVERSARY", "points": 200, "ranks": []string{"GOLD"}})
	hanako, taro := p.born(t, "09012345611", "1990-01-01"), p.born(t, "09012345612", "1990-01-01")
	exec(t, p.App, `UPDATE memberships SET joined_at = '2024-12-19T15:00:00Z' WHERE member_id = $1`, keyOf(t, hanako))
	exec(t, p.App, `UPDATE memberships SET joined_at = '2026-12-19T15:00:00Z', rank_id = $2 WHERE member_id = $1`, keyOf(t, taro), keyOf(t, gold))
	p.celebrate(t, "2026-12-20 08:00:00")
	require.Equal(t, []string{"EARN 50 ANNIVERSARY"}, p.got(t, hanako, p.own), "the day is Japan's")
	require.Empty(t, p.got(t, taro, p.own), "who joined today has no anniversary")
	p.celebrate(t, "2027-12-20 08:00:00")
	require.Len(t, p.got(t, hanako, p.own), 2)
	require.ElementsMatch(t, []string{"EARN 200 ANNIVERSARY", "EARN 50 ANNIVERSARY"}, p.got(t, taro, p.own), "rules add up")
}

func TestARankThatIsReachedGivesPointsOnceInItsWindow(t *testing.T) {
	t.Parallel()
	p := newParty(t)
	rank := func(code, least string) string {
		return p.office.done(t, "saveMemberRank", "rank { id }", apptest.Variables{"code": code, "name": ja(code), "minSpend": least, "months": 12}, "rank.id")[0]
	}
	silver, gold := rank("SILVER", "1000"), rank("GOLD", "5000")
	hanako := p.born(t, "09012345611", "1990-01-01")
	ctx := access.With(t.Context(), access.System)
	spend := func(yen int) {
		t.Helper()
		exec(t, p.App, `INSERT INTO purchases (id, bought_on, bought_at, brand_id, member_id, source, items, total, currency, created_at)
			VALUES ($1, now()::date, now(), $2, $3, 'STORE', 1, $4, 'JPY', now())`, id.New(), p.BrandID, keyOf(t, hanako), yen)
		exec(t, p.App, `UPDATE memberships SET rank_due_on = '2026-01-01'`)
		require.NoError(t, p.App.App.Resolvers.Members.WorkRanks(ctx))
	}
	spend(1000)
	p.rule(t, p.own, apptest.Variables{"occasion": "RANK_UP", "points": 300, "ranks": []string{"GOLD"}})
	require.NoError(t, p.App.App.Resolvers.Points.Celebrate(ctx))
	require.Empty(t, p.got(t, hanako, p.own), "what was reached before there was a rule gives nothing")
	spend(4000)
	for range 2 {
		require.NoError(t, p.App.App.Resolvers.Points.Celebrate(ctx))
	}
	require.Equal(t, []string{"EARN 300 RANK_UP GOLD"}, p.got(t, hanako, p.own))
	turns := func(from, to, after string) {
		t.Helper()
		exec(t, p.App, `INSERT INTO member_rank_changes (id, member_id, brand_id, from_id, to_id, spend, at) VALUES ($1, $2, $3, $4, $5, 0, now() + $6::interval)`,
			id.New(), keyOf(t, hanako), p.BrandID, keyOf(t, from), keyOf(t, to), after)
		require.NoError(t, p.App.App.Resolvers.Points.Celebrate(ctx))
	}
	turns(gold, silver, "1 month")
	turns(silver, gold, "11 months")
	require.Len(t, p.got(t, hanako, p.own), 1, "a rank that comes back within its months gives none")
	turns(gold, silver, "12 months")
	turns(silver, gold, "13 months")
	require.Len(t, p.got(t, hanako, p.own), 2)
	require.Zero(t, countOf(t, p.App, `SELECT count(*) FROM member_rank_changes WHERE points_due`), "all were looked at")
}

func TestRulesForOccasionsThatCannotBe(t *testing.T) {
	t.Parallel()
	p := newParty(t)
	admin := as(t, p.App, pointAdmin)
	for _, occasion := range []string{"BIRTHDAY", "ANNIVERSARY", "RANK_UP"} {
		for want, terms := range map[string]apptest.Variables{
			"INVALID shopIds":    {"points": 5, "shopIds": []string{id.Global("Location", p.store)}},
			"INVALID oncePerDay": {"points": 5, "oncePerDay": true},
			"INVALID occasion":   {"points": 5, "perMinor": 100},
			"INVALID points":     {},
		} {
			terms["occasion"] = occasion
			require.Equal(t, []string{want}, admin.done(t, "savePointRule", "rule { id }", apptest.Variables{"programmeId": p.own, "name": ja("お祝い"), "terms": terms}), occasion)
		}
		require.Equal(t, []string{"POINT_EVENT_INVALID occasion"}, p.desk.done(t, "rewardPoints", "points",
			apptest.Variables{"idempotencyKey": "told-" + occasion, "occasion": occasion, "memberId": p.born(t, "0901234561"+fmt.Sprint(len(occasion)%10), "1990-01-01")}), "nobody tells of what noren sees")
	}
}

func TestAnOccasionIsForTheMembersOfTheRulesSegments(t *testing.T) {
	t.Parallel()
	p := newParty(t)
	marketer := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead, access.SegmentWrite}}
	segment := as(t, p.App, marketer).done(t, "saveSegment", "segment { id }", apptest.Variables{"name": "渋谷店の会員", "kind": "DYNAMIC",
		"where": apptest.Variables{"store": apptest.Variables{"kind": "REGISTERED", "storeIds": []string{id.Global("Location", p.store)}}}}, "segment.id")[0]
	for occasion, points := range map[string]int{"BIRTHDAY": 500, "RANK_UP": 300} {
		p.rule(t, p.own, apptest.Variables{"occasion": occasion, "points": points, "segmentIds": []string{segment}})
	}
	gold := p.office.done(t, "saveMemberRank", "rank { id }", apptest.Variables{"code": "gold", "name": ja("金"), "minSpend": "1", "months": 12}, "rank.id")[0]
	theirs, others := p.born(t, "09012345611", "1990-12-20"), registeredAt(t, p.App, shopOf(t, p.App, "umeda"), "佐藤 太郎", "09012345612")
	p.corrected(t, others, "1985-12-20")
	exec(t, p.App, `INSERT INTO member_rank_changes (id, member_id, brand_id, from_id, to_id, spend, at)
		SELECT gen_random_uuid(), m.id, b.id, NULL, $1, 1, now() FROM members m, brands b`, keyOf(t, gold))
	p.celebrate(t, "2026-12-20 09:00:00")
	require.ElementsMatch(t, []string{"EARN 500 BIRTHDAY", "EARN 300 RANK_UP gold"}, p.got(t, theirs, p.own))
	require.Empty(t, p.got(t, others, p.own), "a rule for a segment gives nobody else anything")
	exec(t, p.App, `UPDATE memberships SET registered_store_id = $1`, p.store)
	p.celebrate(t, "2027-12-20 09:00:00")
	require.Equal(t, []string{"EARN 500 BIRTHDAY"}, p.got(t, others, p.own), "who is in it by then")
}
