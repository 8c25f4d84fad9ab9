package points_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/points"
)

// counted lets so many tries of each key pass.
type counted struct {
	sync.Mutex
	most int
	keys map[string]int
}

// GiveBack takes a try out of the count.
func (c *counted) GiveBack(_ context.Context, key string, _ limit.Rate) {
	c.Lock()
	defer c.Unlock()
	c.keys[key]--
}

// Allow counts a try.
func (c *counted) Allow(_ context.Context, key string, _ limit.Rate) limit.Verdict {
	c.Lock()
	defer c.Unlock()
	c.keys[key]++
	return limit.Verdict{Allowed: c.keys[key] <= c.most, RetryAfter: time.Minute}
}

func (b *bench) code(t *testing.T, in points.SaveCodeInput) *points.Code {
	in.ProgrammeID, in.Name = b.own.ID, i18n.JA("来店ポイント")
	c, err := b.SaveCode(b.as(access.Actor{Role: access.RoleAdmin}), in)
	require.NoError(t, err)
	return c
}

func TestACodeGivesItsPointsOnceADay(t *testing.T) {
	t.Parallel()
	b := open(t, 2)
	c := b.code(t, points.SaveCodeInput{Points: 10, Daily: true})
	require.Len(t, c.Code, 26, "nobody guesses it")
	m, now := b.members[0], b.clock()
	var done atomic.Int32
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			given, err := b.Redeem(b.member(m), points.RedeemInput{IdempotencyKey: fmt.Sprint("intent-0", n), Code: " " + c.Code})
			if err != nil {
				require.ErrorIs(t, err, points.ErrCodeUsed)
				return
			}
			require.EqualValues(t, 10, given.Points)
			done.Add(1)
		})
	}
	group.Wait()
	require.EqualValues(t, 1, done.Load())
	require.EqualValues(t, 10, b.usable(t, m))
	b.set(time.Date(now.Year(), now.Month(), now.Day(), 15, 0, 0, 0, time.UTC)) // the next day in Japan
	for range 2 {                                                               // the same intent again answers the same
		given, err := b.Redeem(b.member(m), points.RedeemInput{IdempotencyKey: "intent-next", Code: c.Code})
		require.NoError(t, err)
		require.EqualValues(t, 20, given.Balance.Usable)
	}
	_, err := b.Redeem(b.as(access.Actor{Role: access.RoleGuest}), points.RedeemInput{IdempotencyKey: "intent-guest", Code: c.Code})
	require.ErrorIs(t, err, points.ErrGuest)
	b.audit(t)
}

func TestACampaignsCodeHasItsBounds(t *testing.T) {
	t.Parallel()
	b := open(t, 3)
	one, text, until := int64(1), "spring-2026", b.clock().Add(48*time.Hour)
	c := b.code(t, points.SaveCodeInput{Points: 5, Code: &text, ValidUntil: &until, MostUses: &one})
	redeem := func(m int, key, code string) error {
		_, err := b.Redeem(b.member(b.members[m]), points.RedeemInput{IdempotencyKey: key, Code: code})
		return err
	}
	require.NoError(t, redeem(0, "intent-1", "Spring-2026"))
	b.pass(24 * time.Hour)
	require.ErrorIs(t, redeem(0, "intent-2", c.Code), points.ErrCodeUsed, "once, not once a day")
	require.ErrorIs(t, redeem(1, "intent-3", c.Code), points.ErrCodeFull)
	require.ErrorIs(t, redeem(1, "intent-4", "spring-2027"), points.ErrCodeUnknown)
	b.pass(24 * time.Hour)
	require.ErrorIs(t, redeem(2, "intent-5", c.Code), points.ErrCodeUnknown, "what is over answers like what never was")
	admin := b.as(access.Actor{Role: access.RoleAdmin})
	for text, want := range map[string]error{"short": points.ErrCodeForm, "spring-2026": points.ErrCode} {
		_, err := b.SaveCode(admin, points.SaveCodeInput{ProgrammeID: b.own.ID, Name: i18n.JA("春"), Points: 5, Code: &text})
		require.ErrorIs(t, err, want)
	}
	require.NoError(t, b.CloseCode(admin, points.CloseCodeInput{CodeID: c.ID}))
	require.Error(t, b.CloseCode(admin, points.CloseCodeInput{CodeID: c.ID}))
}

func TestCodesAndAddressesAreNotTriedOut(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	b.Limiter = &counted{most: 3, keys: map[string]int{}}
	ctx := b.member(b.members[0])
	for n := range 4 {
		want := []error{points.ErrCodeUnknown, points.ErrTries}[n/3]
		_, err := b.Redeem(ctx, points.RedeemInput{IdempotencyKey: fmt.Sprint("intent-0", n), Code: fmt.Sprint("GUESS-000", n)})
		require.ErrorIs(t, err, want)
		want = []error{points.ErrMember, points.ErrTries}[n/3]
		_, err = b.Give(ctx, points.GiveInput{IdempotencyKey: fmt.Sprint("intent-0", n), ProgrammeID: b.own.ID, Email: fmt.Sprint(n, "@example.jp"), Points: 1})
		require.ErrorIs(t, err, want)
	}
}
