package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/points"
)

// welcomed works the jobs that wait for who joined.
func (s *pointShop) welcomed(t *testing.T) (jobs int) {
	t.Helper()
	rows, err := s.DB.Pool().Query(t.Context(), `DELETE FROM river_job WHERE kind = 'points_welcome' RETURNING args`)
	require.NoError(t, err)
	var all []points.WelcomeJob
	for rows.Next() {
		var j points.WelcomeJob
		require.NoError(t, rows.Scan(&j))
		all = append(all, j)
	}
	require.NoError(t, rows.Err())
	for _, j := range all {
		require.NoError(t, s.App.App.Resolvers.Points.Welcome(t.Context(), j))
	}
	return len(all)
}

func TestWhoJoinsIsWelcomedOnce(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	require.Empty(t, s.by(t, pointAdmin, "savePointRule", "rule { id }", apptest.Variables{
		"programmeId": s.own, "name": ja("入会"), "terms": apptest.Variables{"occasion": "SIGN_UP", "points": 100},
	}).UserErrors)
	join := func(c customer) {
		c.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	}
	online, early := newCustomer(t, s.App, "online@example.jp"), newCustomer(t, s.App, "early@example.jp")
	proves := func() { // by the mail that came last
		require.Empty(t, done(t, s.App, "", `verifyEmail(input: {token: "`+mailedToken(t, s.App, messaging.KindEmailVerification)+`"})`))
	}
	join(online)
	require.Equal(t, 1, s.welcomed(t))
	has := func(member string) int {
		return countOf(t, s.App, `SELECT coalesce(sum(available), 0) FROM point_accounts WHERE member_id = $1`, keyOf(t, member))
	}
	require.Zero(t, has(online.id), "an address that nobody has proved may be anybody's")
	online.do(t, `mutation { requestEmailVerification { userErrors { code } } }`, nil)
	proves()
	require.Equal(t, 1, s.welcomed(t))
	require.Equal(t, 100, has(online.id), "who proves it is welcomed then")
	exec(t, s.App, `UPDATE accounts SET email_verified_at = now() - interval '1 day' WHERE id = $1`, keyOf(t, early.id))
	join(early)
	umeda := shopOf(t, s.App, "umeda")
	inShop := registeredAt(t, s.App, umeda, "山田 花子", "09012345612")
	exec(t, s.App, `UPDATE memberships SET joined_at = joined_at - interval '2 days' WHERE member_id = $1`, keyOf(t, early.id))
	require.Equal(t, 2, s.welcomed(t))
	join(online)
	require.Equal(t, 1, s.welcomed(t), "who joins again has been welcomed")
	require.Equal(t, []int{100, 100, 0}, []int{has(online.id), has(inShop), has(early.id)}, "in a shop too, and nobody who joined long ago")
	require.Zero(t, countOf(t, s.App, `SELECT count(*) FROM point_entries WHERE actor_id IS NOT NULL`), "nobody's grants of the day")
}

// Who proves another address than the one that they began with has proved one; who changes a
// proved one has been welcomed.
func TestTheFirstAddressThatIsProvedWelcomes(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	rule := func() {
		require.Empty(t, s.by(t, pointAdmin, "savePointRule", "rule { id }", apptest.Variables{
			"programmeId": s.own, "name": ja("入会"), "terms": apptest.Variables{"occasion": "SIGN_UP", "points": 100},
		}).UserErrors)
	}
	rule()
	hanako := newCustomer(t, s.App, "hanako@example.jp")
	hanako.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	for _, to := range []string{"new@example.jp", "newer@example.jp"} {
		require.Empty(t, hanako.moves(t, to))
		require.Empty(t, confirms(t, s.App, mailedToken(t, s.App, messaging.KindEmailChange), hanako.bearer))
		s.welcomed(t)
		require.Equal(t, 100, countOf(t, s.App, `SELECT coalesce(sum(available), 0) FROM point_accounts WHERE member_id = $1`, keyOf(t, hanako.id)))
		rule()
	}
}

func TestARewardIsGivenToWhoShowsACardAndHasTheRank(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead, access.MemberWrite}}
	gold := as(t, s.App, office).done(t, "saveMemberRank", "rank { id }", apptest.Variables{"code": "gold", "name": ja("ゴールド"), "minSpend": "1", "months": 12}, "rank.id")[0]
	require.Empty(t, s.by(t, pointAdmin, "savePointRule", "rule { id }", apptest.Variables{
		"programmeId": s.own, "name": ja("来店"), "terms": apptest.Variables{"occasion": "CHECK_IN", "points": 5, "oncePerDay": true, "ranks": []string{"gold"}},
	}).UserErrors)
	umeda := shopOf(t, s.App, "umeda")
	hanako := registeredAt(t, s.App, umeda, "山田 花子", "09012345612")
	var number string
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT number FROM member_cards WHERE member_id = $1`, keyOf(t, hanako)).Scan(&number))
	reward := func(more apptest.Variables) pointAnswer {
		input := apptest.Variables{"idempotencyKey": s.key(), "occasion": "CHECK_IN", "shopId": id.Global("Location", umeda)}
		for name, value := range more {
			input[name] = value
		}
		return s.by(t, pointDesk, "rewardPoints", "points", input)
	}
	card := apptest.Variables{"cardNumber": number}
	require.Equal(t, "POINT_EVENT_INVALID", reward(card).code(), "without the rank no rule gives any")
	exec(t, s.App, `UPDATE memberships SET rank_id = $1`, keyOf(t, gold))
	for range 2 {
		require.Equal(t, 5, reward(card).Points, "once a day")
	}
	require.Equal(t, 5, countOf(t, s.App, `SELECT available FROM point_accounts WHERE member_id = $1`, keyOf(t, hanako)))
	for code, wrong := range map[string]apptest.Variables{
		"INVALID": {"cardNumber": number, "memberId": hanako}, "CARD_NUMBER_INVALID": {"cardNumber": "2900000000017"}, "MEMBER_CARD_INVALID": {"cardNumber": "2900000000018"},
	} {
		require.Equal(t, code, reward(wrong).code())
	}
	require.Equal(t, "INVALID", reward(nil).code(), "whom?")
	poster := as(t, s.App, pointAdmin).done(t, "savePointCode", "code { code squareCode { text } }", apptest.Variables{"programmeId": s.own, "name": ja("ポスター"), "points": 5}, "code.code", "code.squareCode.text")
	require.Equal(t, poster[0], poster[1])
}

func TestPointsOfWhoLeavesAreWrittenOff(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b, stays := s.buyer(t, 300), s.buyer(t, 200)
	exec(t, s.App, `UPDATE point_lots SET expires_on = NULL`)
	b.do(t, `mutation { closeAccount(input: {password: "`+goodPassword+`"}) { userErrors { code } } }`, nil)
	require.NoError(t, s.App.App.Resolvers.Points.Expire(access.With(t.Context(), access.System)))
	require.Equal(t, []int{0, 1, 300}, []int{
		countOf(t, s.App, `SELECT sum(available) FROM point_accounts WHERE member_id = $1`, keyOf(t, b.id)),
		countOf(t, s.App, `SELECT count(*) FROM point_entries WHERE kind = 'EXPIRE'`), countOf(t, s.App, `SELECT sum(points) FROM point_entries WHERE kind = 'EXPIRE'`),
	}, "nobody can use them any more, and the ledger says so")
	require.Equal(t, 200, stays.has(t).Usable)
}
