package points_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/purchase"
)

const otherCard = "2911111111127"

// desk are staff of the head office who correct receipts.
func (c *counter) desk() context.Context {
	return c.as(access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PurchaseCorrect, access.MemberRead}})
}

// receiptID is the id of the receipt with the number.
func (c *counter) receiptID(t testing.TB, number string) (key uuid.UUID) {
	require.NoError(t, c.shop.DB.Pool().QueryRow(context.Background(), `SELECT id FROM purchases WHERE receipt = $1`, number).Scan(&key))
	return key
}

func (c *counter) correcting(t testing.TB, number string) purchase.CorrectionInput {
	return purchase.CorrectionInput{IdempotencyKey: id.New().String(), PurchaseID: c.receiptID(t, number), Reason: "別の会員のカードで登録"}
}

func (c *counter) move(t testing.TB, number string, to *uuid.UUID) error {
	_, err := c.purchases.Move(c.desk(), purchase.MoveInput{CorrectionInput: c.correcting(t, number), MemberID: to, Nobody: to == nil})
	return err
}

func (c *counter) rewrite(t testing.TB, number string, lines ...purchase.ReceiptLine) error {
	_, err := c.purchases.Correct(c.desk(), purchase.CorrectInput{CorrectionInput: c.correcting(t, number), Lines: lines})
	return err
}

func (c *counter) void(t testing.TB, number string) error {
	_, err := c.purchases.Void(c.desk(), purchase.VoidInput{CorrectionInput: c.correcting(t, number)})
	return err
}

func leads(n int, yen int64) purchase.ReceiptLine {
	return purchase.ReceiptLine{Code: "lead-1", Quantity: n, Amount: decimal.NewFromInt(yen)}
}

func TestAMovedReceiptEarnsForWhoHasIt(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	other := c.card(t, otherCard)
	sunday := c.clock()
	factor := decimal.NewFromInt(5)
	c.rule(t, "Sundays ×5", points.Terms{Occasion: points.Purchased, Factor: &factor, Weekdays: []int{0}})
	c.ring(t, "1", card, sunday, [3]any{"lead-1", 2, 10000})
	require.Equal(t, [3]int64{0, 500, 0}, c.has(t, c.member))
	c.pass(24 * time.Hour) // Monday
	require.NoError(t, c.move(t, "1", &other))
	require.Equal(t, [3]int64{}, c.has(t, c.member))
	require.Equal(t, [3]int64{0, 500, 0}, c.has(t, other), "by the rules of the day on which it was bought")
	require.NoError(t, c.move(t, "1", &c.member), "and back")
	require.Equal(t, [3]int64{0, 500, 0}, c.has(t, c.member))
	require.Equal(t, [3]int64{}, c.has(t, other))
	require.NoError(t, c.move(t, "1", nil))
	require.Equal(t, [3]int64{}, c.has(t, c.member))
	require.NoError(t, c.move(t, "1", &other))
	require.Equal(t, [3]int64{0, 500, 0}, c.has(t, other))
	c.pass(7 * 24 * time.Hour)
	require.NoError(t, c.Confirm(t.Context()))
	require.Equal(t, [3]int64{500, 0, 0}, c.has(t, other))

	c.ring(t, "2", otherCard, c.clock(), [3]any{"lead-1", -1, -5000})
	require.Equal(t, [3]int64{250, 0, 0}, c.has(t, other), "half of what it earned for who has it now, however often it was moved")
}

func TestWhatWasSpentOfAMovedReceiptIsOwed(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	other := c.card(t, otherCard)
	bought := c.clock()
	c.pass(8 * 24 * time.Hour)
	c.ring(t, "1", card, bought, [3]any{"lead-1", 1, 10000})
	require.Equal(t, [3]int64{100, 0, 0}, c.has(t, c.member))
	_, err := c.Post(t.Context(), c.posting(points.Use, c.member, "used", 70))
	require.NoError(t, err)
	require.NoError(t, c.move(t, "1", &other))
	require.Equal(t, [3]int64{0, 0, 70}, c.has(t, c.member), "as after a return")
	require.Equal(t, [3]int64{100, 0, 0}, c.has(t, other), "usable at once, so long after it was bought")
	c.ring(t, "2", card, bought, [3]any{"lead-1", 1, 9000})
	require.Equal(t, [3]int64{20, 0, 0}, c.has(t, c.member), "it comes off what is earned next")
}

func TestWhatExpiredOfAMovedReceiptIsNotOwed(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	other := c.card(t, otherCard)
	bought := c.clock()
	c.pass(8 * 24 * time.Hour)
	c.ring(t, "1", card, bought, [3]any{"lead-1", 1, 10000})
	require.Equal(t, [3]int64{100, 0, 0}, c.has(t, c.member))
	_, err := c.Post(t.Context(), c.posting(points.Use, c.member, "used", 30))
	require.NoError(t, err)
	c.pass(31 * 24 * time.Hour)
	require.NoError(t, c.Expire(t.Context()))
	require.NoError(t, c.move(t, "1", &other))
	require.Equal(t, [3]int64{0, 0, 30}, c.has(t, c.member))
	require.Equal(t, [3]int64{100, 0, 0}, c.has(t, other))
	c.ring(t, "2", otherCard, c.clock(), [3]any{"lead-1", -1, -10000})
	require.Equal(t, [3]int64{}, c.has(t, other), "what expired of another's is nothing to it")
}

func TestCorrectedLinesMoveTheDifference(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	c.ring(t, "1", card, c.clock(), [3]any{"lead-1", 2, 10000})
	require.Equal(t, [3]int64{0, 100, 0}, c.has(t, c.member))
	require.NoError(t, c.rewrite(t, "1", leads(1, 5000)))
	require.Equal(t, [3]int64{0, 50, 0}, c.has(t, c.member))
	require.NoError(t, c.rewrite(t, "1", leads(3, 15000), purchase.ReceiptLine{Code: "gum", Quantity: 1, Amount: decimal.NewFromInt(500)}))
	require.Equal(t, [3]int64{0, 155, 0}, c.has(t, c.member))
	var entries int
	require.NoError(t, c.shop.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM point_entries`).Scan(&entries))
	require.Equal(t, 3, entries, "the difference alone moves")
	c.ring(t, "2", card, c.clock(), [3]any{"lead-1", -1, -5000})
	require.Equal(t, [3]int64{0, 105, 0}, c.has(t, c.member), "a return knows what the receipt earns now")
}

func TestAVoidedReceiptEarnsNothing(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	noon := c.clock()
	c.pass(time.Hour)
	c.rule(t, "first", points.Terms{Occasion: points.Purchased, Points: 500, First: true})
	c.ring(t, "1", card, noon, [3]any{"lead-1", 1, 1000})
	require.Equal(t, [3]int64{0, 10, 0}, c.has(t, c.member), "the rule came later")
	c.ring(t, "2", card, c.clock(), [3]any{"lead-1", 1, 1000})
	require.NoError(t, c.void(t, "1"))
	require.Equal(t, [3]int64{0, 510, 0}, c.has(t, c.member), "so the second is the first, which had not earned")
	require.NoError(t, c.void(t, "2"))
	require.Equal(t, [3]int64{}, c.has(t, c.member))
	c.ring(t, "2", card, c.clock(), [3]any{"lead-1", 1, 1000})
	require.Equal(t, [3]int64{}, c.has(t, c.member), "it comes again as what it was: a repeat")
	c.ring(t, "3", card, c.clock(), [3]any{"lead-1", 1, 1000})
	require.Equal(t, [3]int64{0, 510, 0}, c.has(t, c.member), "another purchase is the first now")
	require.ErrorIs(t, c.void(t, "2"), purchase.ErrVoided)
}

func TestAReceiptThatHasNotEarnedYetIsMoved(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	other := c.card(t, otherCard)
	c.ring(t, "1", card, c.clock(), [3]any{"lead-1", 1, 1000})
	require.NoError(t, c.move(t, "1", &other))
	require.Equal(t, [3]int64{}, c.has(t, c.member))
	require.Equal(t, [3]int64{0, 10, 0}, c.has(t, other))
	c.ring(t, "2", "", c.clock(), [3]any{"lead-1", 1, 1000})
	require.NoError(t, c.move(t, "2", &other), "nobody's until now")
	require.Equal(t, [3]int64{0, 20, 0}, c.has(t, other))
	c.ring(t, "3", card, c.clock(), [3]any{"lead-1", 1, 1000})
	require.NoError(t, c.void(t, "3"))
	require.Equal(t, [3]int64{}, c.has(t, c.member))
}

func TestAReceiptOfMergedMembersIsMoved(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	second, third := c.card(t, otherCard), c.card(t, "2911111111134")
	c.ring(t, "1", card, c.clock(), [3]any{"lead-1", 1, 1000})
	require.Equal(t, [3]int64{0, 10, 0}, c.has(t, c.member))
	require.NoError(t, c.Merge(t.Context(), second, c.member))
	c.exec(t, `UPDATE members SET merged_into = $2 WHERE id = $1`, c.member, second)
	for _, table := range []string{"purchases", "purchase_lines"} {
		c.exec(t, `UPDATE `+table+` SET member_id = $2 WHERE member_id = $1`, c.member, second)
	}
	require.Equal(t, [3]int64{0, 10, 0}, c.has(t, second))
	require.ErrorIs(t, c.move(t, "1", &c.member), purchase.ErrNoMember)
	require.NoError(t, c.move(t, "1", &third))
	require.Equal(t, [3]int64{}, c.has(t, second))
	require.Equal(t, [3]int64{0, 10, 0}, c.has(t, third))
}

func TestMovedByManyAtOnceItIsOnes(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	all := []uuid.UUID{c.member, c.card(t, otherCard), c.card(t, "2911111111134")}
	for n := range 10 {
		c.ring(t, fmt.Sprint(n), card, c.clock(), [3]any{"lead-1", 1, 1000})
	}
	var group sync.WaitGroup
	failures := make(chan error, 30)
	for who := range 3 {
		var moves []purchase.MoveInput
		for n := range 10 {
			moves = append(moves, purchase.MoveInput{CorrectionInput: c.correcting(t, fmt.Sprint(n)), MemberID: &all[(who+n)%3]})
		}
		group.Go(func() {
			for _, in := range moves {
				if _, err := c.purchases.Move(c.desk(), in); err != nil {
					failures <- err
				}
			}
		})
	}
	var earned error
	group.Go(func() { earned = c.EarnReceipts(context.Background()) })
	group.Wait()
	close(failures)
	require.NoError(t, earned)
	for err := range failures {
		require.ErrorIs(t, err, purchase.ErrSame)
	}
	var sum int64
	for _, m := range all {
		has := c.has(t, m)
		var theirs int64
		require.NoError(t, c.shop.DB.Pool().QueryRow(context.Background(), `SELECT 10 * count(*) FROM purchases WHERE member_id = $1`, m).Scan(&theirs))
		require.Equal(t, [3]int64{0, theirs, 0}, has)
		sum += has[1]
	}
	require.EqualValues(t, 100, sum)
}

func TestCorrectionsAreNoGrantsOfTheClerks(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	other := c.card(t, otherCard)
	c.ring(t, "1", card, c.clock(), [3]any{"lead-1", 1, 450_000})
	require.Equal(t, [3]int64{0, 4500, 0}, c.has(t, c.member))
	clerk := c.as(access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PurchaseCorrect, access.PointWrite, access.PointRead, access.MemberRead}})
	_, err := c.purchases.Move(clerk, purchase.MoveInput{CorrectionInput: c.correcting(t, "1"), MemberID: &other})
	require.NoError(t, err)
	require.Equal(t, [3]int64{0, 4500, 0}, c.has(t, other), "earned by the clerk's word")
	grant := func(n int64) error {
		_, err := c.Grant(clerk, points.GrantInput{IdempotencyKey: id.New().String(), ProgrammeID: c.own.ID, MemberID: other, Points: n, Reason: "お詫び"})
		return err
	}
	require.NoError(t, grant(5000), "all that they may grant in a day")
	require.ErrorIs(t, grant(1), points.ErrLimit)
}

// Who corrects a receipt types what was bought: what that adds is theirs to give, and no more
// than what they may give in a day.
func TestWhatTypedLinesAddCountsForTheDaysLimit(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	c.ring(t, "1", card, c.clock(), [3]any{"lead-1", 1, 10_000})
	clerk := c.as(access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PurchaseCorrect, access.PointWrite, access.PointRead, access.MemberRead}})
	types := func(yen int64) error {
		_, err := c.purchases.Correct(clerk, purchase.CorrectInput{CorrectionInput: c.correcting(t, "1"), Lines: []purchase.ReceiptLine{leads(1, yen)}})
		return err
	}
	grant := func(n int64) error {
		_, err := c.Grant(clerk, points.GrantInput{IdempotencyKey: id.New().String(), ProgrammeID: c.own.ID, MemberID: c.member, Points: n, Reason: "お詫び"})
		return err
	}
	require.Equal(t, [3]int64{0, 100, 0}, c.has(t, c.member))
	require.ErrorIs(t, types(510_100), points.ErrLimit, "5,001 points more")
	require.Equal(t, [3]int64{0, 100, 0}, c.has(t, c.member))
	require.NoError(t, types(410_000))
	require.Equal(t, [3]int64{0, 4100, 0}, c.has(t, c.member))
	require.ErrorIs(t, grant(1001), points.ErrLimit, "4,000 of 5,000 are given")
	require.NoError(t, types(10_000), "what goes back is no matter")
	require.ErrorIs(t, types(110_100), points.ErrLimit, "and gives nothing back to them")
	require.NoError(t, types(60_000))
	require.NoError(t, grant(500))
	require.ErrorIs(t, grant(1), points.ErrLimit)
	require.ErrorIs(t, types(60_100), points.ErrLimit)
	c.pass(24 * time.Hour)
	require.NoError(t, types(70_000), "another day")
}

// What was written off before two members became one is owed by neither, whether an order or a
// receipt goes back.
func TestWhatExpiredBeforeAMergeIsNotOwedAfterIt(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	kept := c.card(t, otherCard)
	bought := c.clock()
	c.pass(8 * 24 * time.Hour)
	c.ring(t, "1", card, bought, [3]any{"lead-1", 2, 10000})
	c.ring(t, "2", card, bought, [3]any{"lead-1", 1, 5000})
	require.Equal(t, [3]int64{150, 0, 0}, c.has(t, c.member))
	order := id.New()
	earned := c.posting(points.Earn, c.member, "earned", 40)
	earned.OrderID = &order
	_, err := c.Post(t.Context(), earned)
	require.NoError(t, err)
	c.pass(31 * 24 * time.Hour)
	require.NoError(t, c.Expire(t.Context()))
	require.NoError(t, c.Merge(t.Context(), kept, c.member))
	c.exec(t, `UPDATE purchases SET member_id = $1`, kept)
	c.exec(t, `UPDATE purchase_lines SET member_id = $1`, kept)
	c.exec(t, `UPDATE members SET merged_into = $1 WHERE id = $2`, kept, c.member)

	has, err := c.store.Earned(t.Context(), order, c.clock())
	require.NoError(t, err)
	require.EqualValues(t, 40, has[0].Lapsed, "of an order")
	require.NoError(t, c.void(t, "2"))
	require.Equal(t, [3]int64{}, c.has(t, kept), "of a receipt that is put right")
	c.ring(t, "3", otherCard, c.clock(), [3]any{"lead-1", -1, -5000})
	require.Equal(t, [3]int64{}, c.has(t, kept), "of one that something comes back of")
}
