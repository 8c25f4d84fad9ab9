package points_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/points"
)

// field is the field that the refusal names; empty if nothing was refused.
func field(err error) string {
	all := fault.All(err)
	if len(all) == 0 {
		return ""
	}
	return all[0].Field
}

func TestGrantedPointsMayLiveForALimitedTime(t *testing.T) {
	t.Parallel()
	b := open(t, 2)
	m, other := b.members[0], b.members[1]
	b.lives(t, points.ByMovement, 12, nil)
	b.day(t, "2026-03-01")
	clerk := b.as(access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PointWrite}})
	grant := func(key string, n int64, deduct bool, last string) error {
		day, err := time.Parse(time.DateOnly, last)
		require.NoError(t, err)
		_, err = b.Grant(clerk, points.GrantInput{IdempotencyKey: key, ProgrammeID: b.own.ID, MemberID: m, Points: n, Deduct: deduct, Reason: "キャンペーン", ExpiresOn: &day})
		return err
	}
	require.Equal(t, "expiresOn", field(grant("granted-01", 10, false, "2026-02-28")), "yesterday")
	require.Equal(t, "expiresOn", field(grant("granted-02", 10, false, "2126-03-01")))
	require.Equal(t, "expiresOn", field(grant("granted-03", 10, true, "2026-03-31")), "what is taken has no last day")
	require.NoError(t, grant("granted-04", 100, false, "2026-03-20"))
	require.NoError(t, grant("granted-05", 7, false, "2026-03-01"), "today is in time")
	b.does(t, points.Earn, m, "earned-1", 50)
	require.Equal(t, map[string]int64{"2026-03-01": 7, "2026-03-20": 100, "2027-03-01": 50}, b.ends(t, m))
	b.day(t, "2026-03-10")
	b.does(t, points.Use, m, "used-001", 40)
	require.Equal(t, map[string]int64{"2026-03-01": 0, "2026-03-20": 60, "2027-03-10": 50}, withNone(b.ends(t, m), "2026-03-01"), "those that end first are used first, and a movement prolongs the others alone")
	_, err := b.Post(t.Context(), b.posting(points.TransferOut, m, "transfer", 10), b.posting(points.TransferIn, other, "transfer", 10))
	require.NoError(t, err)
	b.does(t, points.Earn, other, "earned-1", 1)
	require.Equal(t, map[string]int64{"2026-03-20": 10, "2027-03-10": 1}, b.ends(t, other), "whoever gets them")
	b.does(t, points.Return, m, "back-001", 15, func(p *points.Posting) { p.Undoes = "used-001" })
	require.Equal(t, map[string]int64{"2026-03-20": 65, "2027-03-10": 50}, b.ends(t, m), "with their own day")
	b.day(t, "2026-03-25")
	require.NoError(t, b.Expire(t.Context()))
	b.does(t, points.Return, m, "back-002", 25, func(p *points.Posting) { p.Undoes = "used-001" })
	b.does(t, points.Use, m, "used-002", 1)
	require.Equal(t, map[string]int64{"2026-04-08": 24, "2027-03-25": 50}, b.ends(t, m), "for the days of grace, and no longer")
	b.audit(t)
}

// withNone adds what is nothing.
func withNone(ends map[string]int64, day string) map[string]int64 {
	ends[day] += 0
	return ends
}

func TestRulesAndCodesGivePointsForALimitedTime(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m, admin := b.members[0], b.as(access.Actor{Role: access.RoleAdmin})
	b.day(t, "2026-03-01")
	rule := func(terms points.Terms) error {
		_, err := b.SaveRule(admin, points.SaveRuleInput{ProgrammeID: b.own.ID, Name: i18n.JA("期間限定"), Terms: terms})
		return err
	}
	none, week := 0, 7
	require.Equal(t, "terms.lifeDays", field(rule(points.Terms{Occasion: points.CheckedIn, Points: 5, LifeDays: &none})))
	require.NoError(t, rule(points.Terms{Occasion: points.CheckedIn, Points: 5, LifeDays: &week}))
	_, err := b.Reward(access.With(admin, access.System), points.RewardInput{IdempotencyKey: "check-in-1", Occasion: points.CheckedIn, MemberID: &m})
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"2026-03-08": 5}, b.ends(t, m))

	_, err = b.SaveCode(admin, points.SaveCodeInput{ProgrammeID: b.own.ID, Name: i18n.JA("来店"), Points: 3, LifeDays: &none})
	require.Equal(t, "lifeDays", field(err))
	c, err := b.SaveCode(admin, points.SaveCodeInput{ProgrammeID: b.own.ID, Name: i18n.JA("来店"), Points: 3, LifeDays: &week})
	require.NoError(t, err)
	b.day(t, "2026-03-02")
	_, err = b.Redeem(b.member(m), points.RedeemInput{IdempotencyKey: "redeem-01", Code: c.Code})
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"2026-03-08": 5, "2026-03-09": 3}, b.ends(t, m))
	b.audit(t)
}

// What a purchase earns by rules of several lives is in as many lots; the days count from when
// the points can be used.
func TestAPurchaseEarnsPartsThatLiveForALimitedTime(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m, order := b.members[0], id.New()
	b.day(t, "2026-03-01")
	week, day := 7, 1
	b.does(t, points.Earn, m, "earned-1", 101, func(p *points.Posting) {
		p.Pending, p.OrderID, p.Lives = true, &order, []points.Life{{Weight: 100}, {Days: &week, Weight: 200}, {Days: &day, Weight: 3}}
	})
	require.Equal(t, map[string]int64{"pending": 101}, b.ends(t, m))
	b.day(t, "2026-03-11")
	b.does(t, points.Confirm, m, "confirm-1", 0, func(p *points.Posting) { p.OrderID = &order })
	require.Equal(t, map[string]int64{"2026-04-10": 33, "2026-03-18": 67, "2026-03-12": 1}, b.ends(t, m))
	b.audit(t)
}

// What a factor adds lives as long as the factor's rule says; what came before it as ever.
func TestAReceiptEarnsWhatEachRuleGivesForItsTime(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	factor, week := decimal.NewFromInt(3), 7
	c.rule(t, "期間限定3倍", points.Terms{Occasion: points.Purchased, Factor: &factor, LifeDays: &week})
	c.day(t, "2026-03-10")
	c.ring(t, "1", card, c.clock(), [3]any{"lead-1", 1, 1980})
	require.Equal(t, [3]int64{0, 57, 0}, c.has(t, c.member))
	c.day(t, "2026-03-18")
	require.NoError(t, c.Confirm(t.Context()))
	require.Equal(t, map[string]int64{"2026-04-17": 19, "2026-03-25": 38}, c.ends(t, c.member))
	held, err := c.store.EarnedFor(t.Context(), c.receipts(t))
	require.NoError(t, err)
	require.Len(t, held, 1)
	require.Equal(t, [2]int64{0, 57}, [2]int64{held[0].Pending, held[0].Confirmed})
	c.ring(t, "2", card, c.clock(), [3]any{"lead-1", -1, -1980})
	require.Equal(t, [3]int64{}, c.has(t, c.member), "goods that come back take all of it back")
	held, err = c.store.EarnedFor(t.Context(), c.receipts(t))
	require.NoError(t, err)
	require.Empty(t, held)
}

// receipts are the keys of all that was rung up.
func (c *counter) receipts(t *testing.T) []uuid.UUID {
	t.Helper()
	rows, err := c.shop.DB.Pool().Query(t.Context(), `SELECT id FROM purchases`)
	require.NoError(t, err)
	keys, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	require.NoError(t, err)
	return keys
}

func TestOnlyAMemberIsToldWhatACartWouldEarn(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	m := c.members[0]
	w := points.Wanted{Goods: []points.Good{{ProductID: c.goods.ID, Minor: 1980}}, Total: 2640, Shipping: 660, Campaign: decimal.NewFromInt(2)}
	earned, err := c.WouldEarn(c.bench.member(m), w)
	require.NoError(t, err)
	require.Equal(t, []points.Earned{{ProgrammeID: c.own.ID, Points: 38}}, earned, "twice by the campaign, of the goods and not of the parcel")
	for _, a := range []access.Actor{{Role: access.RoleGuest}, {Role: access.RoleCompanyBuyer, ID: m}, {Role: access.RoleAdmin, ID: m}} {
		earned, err := c.WouldEarn(c.as(a), w)
		require.NoError(t, err)
		require.Empty(t, earned, a.Role)
	}
	w.MemberID = &m
	for role, told := range map[access.Role]int{access.RoleStoreStaff: 1, access.RoleStaff: 1, access.RolePartner: 0, access.RoleGuest: 0} {
		earned, err := c.WouldEarn(c.as(access.Actor{Role: role, ID: id.New()}), w)
		require.NoError(t, err)
		require.Len(t, earned, told, "%s, of whom is served at a counter", role)
	}
}
