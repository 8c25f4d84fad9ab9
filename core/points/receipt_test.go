package points_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/purchase"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// counter is the bench with a shop whose receipts earn.
type counter struct {
	*bench
	purchases *purchase.Service
	location  uuid.UUID
	goods     pgtest.Product
	member    uuid.UUID // who has a card and no account
}

// ByID knows every member.
func (*counter) ByID(_ context.Context, memberID uuid.UUID) (*member.Member, error) {
	return &member.Member{ID: memberID}, nil
}

// Shown is nobody.
func (*counter) Shown(context.Context, member.Criterion) (*member.Member, error) { return nil, nil }

func openCounter(t testing.TB) *counter {
	c := &counter{bench: open(t, 1), location: id.New()}
	c.goods = c.shop.AddProduct(t, "lead", 1980)
	c.exec(t, `INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, 'shibuya', '{"ja":"渋谷店"}', 'SHOP')`, c.location, c.shop.BrandID)
	c.member = c.card(t, "2911111111110")
	c.purchases = purchase.New(purchase.Parts{
		Tx: c.shop.DB, Store: postgres.NewPurchases(c.shop.DB), Keys: c.Keys, Members: c, Earner: c.Service, Events: postgres.NewEvents(c.shop.DB), Now: c.clock,
	})
	c.rule(t, "1%", points.Terms{Occasion: points.Purchased, PerMinor: 100, Points: 1})
	return c
}

func (c *counter) exec(t testing.TB, sql string, args ...any) {
	_, err := c.shop.DB.Pool().Exec(context.Background(), sql, args...)
	require.NoError(t, err)
}

// card makes a member who has a card alone.
func (c *counter) card(t testing.TB, number string) uuid.UUID {
	m := id.New()
	c.exec(t, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now())`, m)
	c.exec(t, `INSERT INTO memberships (member_id, brand_id, joined_at) VALUES ($1, $2, now())`, m, c.shop.BrandID)
	c.exec(t, `INSERT INTO member_cards (id, number, member_id, brand_id, kind, state, issued_at) VALUES ($1, $2, $3, $4, 'PHYSICAL', 'ACTIVE', now())`, id.New(), number, m, c.shop.BrandID)
	return m
}

func (c *counter) rule(t testing.TB, name string, terms points.Terms) {
	_, err := c.SaveRule(c.as(access.Actor{Role: access.RoleAdmin}), points.SaveRuleInput{ProgrammeID: c.own.ID, Name: i18n.JA(name), Terms: terms})
	require.NoError(t, err)
}

// ring takes a receipt in: lines are code, pieces and yen.
func (c *counter) ring(t testing.TB, receipt, card string, at time.Time, lines ...[3]any) {
	all := make([]purchase.ReceiptLine, len(lines))
	for i, l := range lines {
		all[i] = purchase.ReceiptLine{Code: l[0].(string), Quantity: l[1].(int), Amount: decimal.NewFromInt(int64(l[2].(int)))}
	}
	local := at.In(jst)
	_, err := c.purchases.Record(c.as(access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PurchaseWrite}}), purchase.RecordInput{Receipts: []purchase.Receipt{{
		Store: "shibuya", Till: "1", Receipt: receipt, BoughtOn: time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC), BoughtAt: &at, CardNumber: card, Lines: all,
	}}})
	require.NoError(t, err)
}

// has is what the member can use, is promised and owes, once receipts have earned.
func (c *counter) has(t testing.TB, m uuid.UUID) [3]int64 {
	require.NoError(t, c.EarnReceipts(context.Background()))
	c.audit(t)
	all, err := c.ledger().Balances(context.Background(), []uuid.UUID{m}, c.clock())
	require.NoError(t, err)
	for _, b := range all {
		if b.ProgrammeID == c.own.ID {
			return [3]int64{b.Usable, b.Pending, b.Owed}
		}
	}
	return [3]int64{}
}

func (c *counter) ledger() *postgres.Points { return c.store }

const card = "2911111111110"

func TestAReceiptEarnsOnceAndLateOnesLate(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	bought := c.clock()
	c.pass(3 * 24 * time.Hour)
	c.ring(t, "100", card, bought, [3]any{"lead-1", 2, 3960}, [3]any{"gum", 1, 150})
	require.Equal(t, [3]int64{0, 41, 0}, c.has(t, c.member), "1%% of 4,110 yen, promised as what an order earns")
	c.ring(t, "100", card, bought, [3]any{"lead-1", 2, 3960}, [3]any{"gum", 1, 150})
	require.Equal(t, [3]int64{0, 41, 0}, c.has(t, c.member), "the same receipt again earns nothing")
	c.pass(4*24*time.Hour + time.Second)
	require.NoError(t, c.Confirm(context.Background()))
	require.Equal(t, [3]int64{41, 0, 0}, c.has(t, c.member), "seven days after it was bought")
	c.ring(t, "101", card, bought, [3]any{"gum", 1, 1000})
	require.Equal(t, [3]int64{51, 0, 0}, c.has(t, c.member), "what comes so late can be used at once")
	page, err := c.ledger().Statement(context.Background(), points.Holder{ProgrammeID: c.own.ID, MemberID: c.member}, page.Args{})
	require.NoError(t, err)
	require.NotNil(t, page.Nodes()[0].PurchaseID)
	require.Nil(t, page.Nodes()[0].OrderID)
}

func TestAReceiptEarnsByTheRulesOfItsDay(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	bought := c.clock()
	before := bought.Add(-time.Hour)
	c.pass(24 * time.Hour)
	factor := decimal.NewFromInt(5)
	c.rule(t, "×5", points.Terms{Occasion: points.Purchased, Factor: &factor})
	c.ring(t, "1", card, before, [3]any{"lead-1", 1, 10000})
	require.Equal(t, [3]int64{}, c.has(t, c.member), "no rule stood then")
	c.ring(t, "2", card, bought, [3]any{"lead-1", 1, 10000})
	require.Equal(t, [3]int64{0, 100, 0}, c.has(t, c.member))
	c.ring(t, "3", card, c.clock(), [3]any{"lead-1", 1, 10000})
	require.Equal(t, [3]int64{0, 600, 0}, c.has(t, c.member))
}

func TestTheFirstPurchaseIsPaidOnce(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	c.rule(t, "first", points.Terms{Occasion: points.Purchased, Points: 500, First: true})
	noon := c.clock()
	c.pass(3 * time.Hour)
	c.ring(t, "1", card, noon.Add(time.Hour), [3]any{"lead-1", -1, -1000})
	require.Equal(t, [3]int64{0, 0, 10}, c.has(t, c.member), "what comes back is no purchase")
	c.ring(t, "2", card, noon.Add(2*time.Hour), [3]any{"lead-1", 1, 1000})
	c.ring(t, "3", card, noon.Add(2*time.Hour), [3]any{"lead-1", 1, 1000})
	require.Equal(t, [3]int64{0, 520, 10}, c.has(t, c.member), "one of two at the same time")
	c.ring(t, "4", card, noon, [3]any{"lead-1", 1, 1000})
	require.Equal(t, [3]int64{0, 530, 10}, c.has(t, c.member), "an earlier one that comes late")

	other := c.card(t, "2911111111127")
	require.NoError(t, c.Merge(t.Context(), other, c.member))
	c.exec(t, `UPDATE members SET merged_into = $2 WHERE id = $1`, c.member, other)
	c.ring(t, "5", "2911111111127", noon, [3]any{"lead-1", 1, 1000})
	require.Equal(t, [3]int64{0, 540, 10}, c.has(t, other), "who is one with them bought before, too")
}

func TestReturnsTakeBackInProportionToTheirReceipt(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	factor := decimal.NewFromInt(5)
	c.rule(t, "Sundays ×5", points.Terms{Occasion: points.Purchased, Factor: &factor, Weekdays: []int{0}})
	sunday := c.clock() // 2026-03-01
	c.ring(t, "1", card, sunday, [3]any{"lead-1", 3, 6000}, [3]any{"gum", 1, 1000}, [3]any{"gum", -1, -1000})
	require.Equal(t, [3]int64{0, 300, 0}, c.has(t, c.member), "what was voided earns nothing")
	c.pass(24 * time.Hour)
	c.ring(t, "2", card, c.clock(), [3]any{"lead-1", -1, -2000}, [3]any{"lead-2", 1, 1000})
	require.Equal(t, [3]int64{0, 210, 0}, c.has(t, c.member), "a third of 300 goes back, though it is Monday; 10 for what was bought instead")
	c.ring(t, "3", card, c.clock(), [3]any{"lead-1", -1, -2000})
	c.ring(t, "4", card, c.clock(), [3]any{"lead-1", -1, -2000})
	require.Equal(t, [3]int64{0, 10, 0}, c.has(t, c.member), "all that was earned is back when all goods are")
	c.ring(t, "5", card, c.clock(), [3]any{"lead-1", -1, -2000})
	require.Equal(t, [3]int64{0, 10, 20}, c.has(t, c.member), "of what nobody knows the receipt: as much as it would earn")
}

func TestWhatExpiredUnusedIsNotTakenBack(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	bought := c.clock()
	c.pass(7*24*time.Hour + time.Second)
	c.ring(t, "1", card, bought, [3]any{"lead-1", 1, 10000})
	require.Equal(t, [3]int64{100, 0, 0}, c.has(t, c.member))
	_, err := c.Post(t.Context(), c.posting(points.Use, c.member, "used", 30))
	require.NoError(t, err)
	c.pass(31 * 24 * time.Hour)
	require.NoError(t, c.Expire(t.Context()))
	_, err = c.Post(t.Context(), c.posting(points.Earn, c.member, "other", 500))
	require.NoError(t, err)
	c.ring(t, "2", card, c.clock(), [3]any{"lead-1", -1, -10000})
	require.Equal(t, [3]int64{470, 0, 0}, c.has(t, c.member), "70 expired; the 30 that were used go back")

	order := id.New()
	earned := c.posting(points.Earn, c.member, "order", 100)
	earned.OrderID = &order
	_, err = c.Post(t.Context(), earned)
	require.NoError(t, err)
	c.pass(31 * 24 * time.Hour)
	require.NoError(t, c.Expire(t.Context()))
	got, err := c.ledger().Earned(t.Context(), order, c.clock())
	require.NoError(t, err)
	require.Equal(t, []points.Earned{{ProgrammeID: c.own.ID, Points: 100, Postings: 1, Lapsed: 100}}, got)
}

func TestAStrangersReceiptEarnsWhenItsMemberIsKnown(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	c.ring(t, "1", "9999", c.clock(), [3]any{"lead-1", 1, 5000})
	require.Equal(t, [3]int64{}, c.has(t, c.member))
	staff := c.as(access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PurchaseWrite}})
	problems, err := c.purchases.Problems(staff, purchase.ProblemOpen, page.Args{})
	require.NoError(t, err)
	require.Len(t, problems.Nodes(), 1)
	_, err = c.purchases.Resolve(staff, purchase.ResolveInput{ProblemID: problems.Nodes()[0].ID, MemberID: &c.member})
	require.NoError(t, err)
	require.Equal(t, [3]int64{0, 50, 0}, c.has(t, c.member))
}

func TestWhatIsBoughtOnlineEarnsWithItsOrderAlone(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	order := id.New()
	require.NoError(t, c.Bought(context.Background(), []purchase.Purchase{
		{ID: id.New(), Source: purchase.Online, OrderID: &order, MemberID: &c.member, BoughtAt: c.clock(), BoughtOn: c.clock()},
		{ID: id.New(), Source: purchase.InStore, BoughtAt: c.clock(), BoughtOn: c.clock()},
	}))
	var n int
	require.NoError(t, c.shop.DB.Pool().QueryRow(context.Background(), `SELECT count(*) FROM point_purchases`).Scan(&n))
	require.Zero(t, n)
}

func TestReceiptsKnowTheRankOfTheirDay(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	gold := id.New()
	c.exec(t, `INSERT INTO member_ranks (id, brand_id, code, name, min_spend, months, updated_at) VALUES ($1, $2, 'GOLD', '{"ja":"ゴールド"}', 0, 12, now())`, gold, c.shop.BrandID)
	c.rule(t, "gold", points.Terms{Occasion: points.Purchased, PerMinor: 100, Points: 2, Ranks: []string{"GOLD"}})
	plain := c.clock()
	c.pass(time.Hour)
	c.exec(t, `UPDATE memberships SET rank_id = $1`, gold)
	c.exec(t, `INSERT INTO member_rank_changes (id, member_id, brand_id, to_id, spend, at) VALUES ($1, $2, $3, $4, 0, $5)`, id.New(), c.member, c.shop.BrandID, gold, c.clock())
	c.ring(t, "1", card, plain, [3]any{"lead-1", 1, 1000})
	require.Equal(t, [3]int64{0, 10, 0}, c.has(t, c.member), "it was not gold then")
	c.ring(t, "2", card, c.clock(), [3]any{"lead-1", 1, 1000})
	require.Equal(t, [3]int64{0, 40, 0}, c.has(t, c.member))
}

func TestReceiptsReckonedAtOnceEarnOnce(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	for n := range 60 {
		c.ring(t, fmt.Sprint(n), card, c.clock(), [3]any{"lead-1", 1, 1000})
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() { require.NoError(t, c.EarnReceipts(context.Background())) })
	}
	group.Wait()
	require.Equal(t, [3]int64{0, 600, 0}, c.has(t, c.member))
}

func TestMembersWhoBecomeOneHaveThePointsOfBoth(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	ctx, gone, kept := context.Background(), c.member, c.members[0]
	order := id.New()
	post := func(p points.Posting) {
		_, err := c.Post(ctx, p)
		require.NoError(t, err)
	}
	post(c.posting(points.Earn, kept, "kept", 100))
	c.pass(24 * time.Hour)
	post(c.posting(points.Earn, gone, "gone", 300))
	use := c.posting(points.Use, gone, "use:payment", 120)
	use.OrderID = &order
	post(use)
	promised := c.posting(points.Earn, gone, "order", 70)
	promised.Pending, promised.OrderID = true, &order
	post(promised)
	owed := c.posting(points.TakeBack, kept, "owed", 130) // 30 more than there are
	owed.OrderID = &order
	post(owed)
	for range 2 { // again finds nothing
		require.NoError(t, c.Merge(ctx, kept, gone))
	}
	require.Equal(t, [3]int64{150, 70, 0}, c.has(t, kept), "180 of the gone one's less the 30 that were owed, and what is promised")
	require.Equal(t, [3]int64{}, c.has(t, gone))

	_, err := c.Post(ctx, c.posting(points.Earn, gone, "late", 5))
	require.ErrorIs(t, err, points.ErrMember, "nothing reaches the gone member any more")
	holder, used, err := c.ledger().Used(ctx, order, "use:payment")
	require.NoError(t, err)
	require.Equal(t, kept, holder.MemberID)
	require.EqualValues(t, 120, used)
	back := c.posting(points.Return, kept, "return:payment", 120)
	back.Undoes, back.OrderID = "use:payment", &order
	post(back)
	require.Equal(t, [3]int64{270, 70, 0}, c.has(t, kept), "what the gone one's order gives back is the kept one's")
	post(points.Posting{Holder: points.Holder{ProgrammeID: c.own.ID, MemberID: kept}, Key: "confirm:order", Kind: points.Confirm, OrderID: &order, At: c.clock()})
	require.Equal(t, [3]int64{340, 0, 0}, c.has(t, kept))

	c.pass(31 * 24 * time.Hour)
	third := c.card(t, "2911111111127")
	require.NoError(t, c.Merge(ctx, third, kept))
	require.NoError(t, c.Expire(ctx))
	require.Equal(t, [3]int64{}, c.has(t, third), "points keep their last days")
}

func TestPointsAreUsedWhileTheirMembersBecomeOne(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	ctx, gone, kept := context.Background(), c.member, c.members[0]
	_, err := c.Post(ctx, c.posting(points.Earn, gone, "gone", 1000), c.posting(points.Earn, kept, "kept", 1000))
	require.NoError(t, err)
	var group sync.WaitGroup
	for n := range 20 {
		group.Go(func() {
			m := []uuid.UUID{gone, kept}[n%2]
			if _, err := c.Post(ctx, c.posting(points.Use, m, fmt.Sprint("use", n), 10)); err != nil {
				require.ErrorIs(t, err, points.ErrMember)
			}
		})
		if n == 8 {
			group.Go(func() { require.NoError(t, c.Merge(ctx, kept, gone)) })
		}
	}
	group.Wait()
	var used int64
	require.NoError(t, c.shop.DB.Pool().QueryRow(ctx, `SELECT coalesce(sum(points), 0)::bigint FROM point_entries WHERE kind = 'USE'`).Scan(&used))
	require.Equal(t, [3]int64{2000 - used, 0, 0}, c.has(t, kept))
}

// BenchmarkUploadOfMembers takes 50,000 lines in that all earn.
func BenchmarkUploadOfMembers(b *testing.B) {
	c := openCounter(b)
	ctx := c.as(access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PurchaseWrite}})
	const lines = 50_000
	for round := range b.N {
		var rows strings.Builder
		rows.WriteString("店舗コード,端末番号,レシート番号,営業日,会員番号,明細数,商品コード,商品名,数量,金額\n")
		for n := range lines / 2 {
			for range 2 {
				fmt.Fprintf(&rows, "shibuya,%d,%d,2026/03/%02d,%s,2,lead-1,リード,1,1980\n", round, n, 2+n%28, card)
			}
		}
		b.ResetTimer()
		begun := time.Now()
		_, err := c.purchases.Upload(ctx, purchase.UploadInput{File: strings.NewReader(rows.String())})
		require.NoError(b, err)
		b.ReportMetric(lines/time.Since(begun).Seconds(), "lines/s")
		begun = time.Now()
		require.NoError(b, c.EarnReceipts(context.Background()))
		b.ReportMetric(lines/2/time.Since(begun).Seconds(), "receipts/s earned")
	}
}

func TestOneAccountThatFailsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	other := c.card(t, "2911111111127")
	c.ring(t, "1", card, c.clock(), [3]any{"lead-1", 1, 10000})
	c.ring(t, "2", "2911111111127", c.clock(), [3]any{"lead-1", 1, 20000})
	require.Equal(t, [3]int64{0, 200, 0}, c.has(t, other))
	c.pass(8 * 24 * time.Hour)
	c.exec(t, `UPDATE point_accounts SET merged_into = id WHERE member_id = $1`, c.member) // broken on purpose
	require.ErrorIs(t, c.Confirm(context.Background()), points.ErrMember)
	c.exec(t, `UPDATE point_accounts SET merged_into = NULL WHERE member_id = $1`, c.member)
	require.Equal(t, [3]int64{200, 0, 0}, c.has(t, other))
	require.Equal(t, [3]int64{0, 100, 0}, c.has(t, c.member))
	require.NoError(t, c.Confirm(context.Background()))
	require.Equal(t, [3]int64{100, 0, 0}, c.has(t, c.member), "the next round tries again")
}

func TestAReceiptIsWhoseItsMemberBecame(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	second, third := c.card(t, "2911111111127"), c.card(t, "2911111111134")
	c.ring(t, "100", card, c.clock(), [3]any{"lead-1", 2, 3960})
	for gone, kept := range map[uuid.UUID]uuid.UUID{c.member: second, second: third} {
		c.exec(t, `UPDATE members SET merged_into = $2 WHERE id = $1`, gone, kept)
	}
	require.Equal(t, [3]int64{0, 39, 0}, c.has(t, third), "merged twice before it earned")
}
