package points_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/points"
)

func TestATransferIsReplayedWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	b := open(t, 3)
	from, to, other := b.members[0], b.members[1], b.members[2]
	_, err := b.Post(t.Context(), b.posting(points.Earn, from, "earned", 100))
	require.NoError(t, err)
	_, err = b.Post(t.Context(), b.posting(points.TransferOut, from, "give-1", 40), b.posting(points.TransferIn, to, "give-1", 40))
	require.NoError(t, err)
	_, err = b.Post(t.Context(), b.posting(points.TransferOut, from, "give-1", 40), b.posting(points.TransferIn, to, "give-1", 40))
	require.NoError(t, err, "the whole is replayed")
	_, err = b.Post(t.Context(), b.posting(points.TransferOut, from, "give-1", 40), b.posting(points.TransferIn, other, "give-1", 40))
	require.ErrorIs(t, err, idempotency.ErrReused, "the points left once, and would arrive twice")
	_, err = b.Post(t.Context(), b.posting(points.TransferOut, other, "give-1", 40), b.posting(points.TransferIn, to, "give-1", 40))
	require.Error(t, err)
	require.Equal(t, []int64{60, 40, 0}, []int64{b.usable(t, from), b.usable(t, to), b.usable(t, other)})
}

func TestExchangedPointsKeepTheirLastDays(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m, admin := b.members[0], b.as(access.Actor{Role: access.RoleAdmin})
	_, err := b.SaveRate(admin, points.SaveRateInput{FromID: b.own.ID, ToID: b.pool.ID, FromPoints: 2, ToPoints: 1})
	require.NoError(t, err)
	today := b.own.Day(b.clock())
	days := []int{3, 9, 300}
	for i, n := range []int64{99, 1, 100} {
		p, last := b.posting(points.Earn, m, fmt.Sprint("earned", i), n), today.AddDate(0, 0, days[i])
		p.Until = &last
		_, err := b.Post(t.Context(), p)
		require.NoError(t, err)
	}
	_, err = b.Exchange(b.member(m), points.ExchangeInput{IdempotencyKey: "intent-01", FromID: b.own.ID, ToID: b.pool.ID, Points: 150})
	require.NoError(t, err)
	lots, err := b.Lots(b.member(m), b.pool.ID, nil)
	require.NoError(t, err)
	found := map[int]int64{}
	for _, l := range lots {
		found[int(l.ExpiresOn.Sub(today).Hours())/24] += l.Remaining
	}
	require.Equal(t, map[int]int64{3: 50, 30: 25}, found, "half of each, an odd one to what expires first; none lives longer than new points")
	b.audit(t)
}

func TestPointsAreExchangedForAnotherBrands(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m, admin, theirs, brand := b.members[0], b.as(access.Actor{Role: access.RoleAdmin}), id.New(), id.New()
	for _, sql := range []string{
		`INSERT INTO brands (id, code, name, created_at) SELECT $2, 'nyan', name, created_at FROM brands WHERE id = (SELECT brand_id FROM point_programmes WHERE id = $3) AND $1::uuid IS NOT NULL`,
		`INSERT INTO point_programmes (id, brand_id, code, name, currency, unit_points, unit_minor, expiry_days, confirm_days, grace_days, notice_days, grant_limit, zone, created_at, updated_at)
			SELECT $1, $2, 'nyan', name, currency, 1, 1, 30, 7, 14, 7, 0, zone, created_at, updated_at FROM point_programmes WHERE id = $3`,
	} {
		_, err := b.shop.DB.Pool().Exec(t.Context(), sql, theirs, brand, b.own.ID)
		require.NoError(t, err)
	}
	_, err := b.Post(t.Context(), b.posting(points.Earn, m, "earned", 100))
	require.NoError(t, err)
	exchange := func(from, to uuid.UUID) ([]points.Balance, error) {
		return b.Exchange(b.member(m), points.ExchangeInput{IdempotencyKey: id.New().String(), FromID: from, ToID: to, Points: 50})
	}
	_, err = exchange(b.own.ID, theirs)
	require.ErrorIs(t, err, points.ErrRate, "nobody has agreed on a rate")
	rate := points.SaveRateInput{FromID: b.own.ID, ToID: theirs, FromPoints: 5, ToPoints: 4}
	_, err = b.SaveRate(b.as(access.Actor{Role: access.RoleStoreStaff, Permissions: []access.Permission{access.PointAdmin}}), rate)
	require.ErrorIs(t, err, fault.ErrForbidden, "rates are the head office's")
	_, err = b.SaveRate(admin, points.SaveRateInput{FromID: theirs, ToID: b.own.ID, FromPoints: 1, ToPoints: 1})
	require.ErrorIs(t, err, points.ErrProgramme, "what leaves the other brand is set there")
	_, err = b.SaveRate(admin, rate)
	require.NoError(t, err)
	all, err := exchange(b.own.ID, theirs)
	require.NoError(t, err)
	found := map[uuid.UUID]int64{}
	for _, x := range all {
		found[x.ProgrammeID] = x.Usable
	}
	require.Equal(t, map[uuid.UUID]int64{b.own.ID: 50, b.pool.ID: 0, theirs: 40}, found)
	_, err = exchange(theirs, b.own.ID)
	require.ErrorIs(t, err, points.ErrProgramme, "they are used in their own brand")
	require.Equal(t, int64(1), b.count(t, `SELECT count(*) FROM events WHERE type = 'points.moved' AND brand_id = $1 AND data->>'kind' = 'EXCHANGE_IN'`, brand))
	_, err = b.shop.DB.Pool().Exec(t.Context(), `UPDATE point_programmes SET closed_at = now() WHERE id = $1`, theirs)
	require.NoError(t, err)
	_, err = exchange(b.own.ID, theirs)
	require.ErrorIs(t, err, points.ErrClosed)
	b.audit(t)
}

func TestAnExchangesKeyIsOfOneExchange(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m, admin := b.members[0], b.as(access.Actor{Role: access.RoleAdmin})
	days := 30
	third, err := b.SaveProgramme(admin, points.SaveProgrammeInput{Code: "third", Name: b.own.Name, UnitPoints: 1, UnitMinor: 1, ExpiryDays: &days})
	require.NoError(t, err)
	for _, to := range []points.Programme{b.pool, *third} {
		_, err := b.SaveRate(admin, points.SaveRateInput{FromID: b.own.ID, ToID: to.ID, FromPoints: 1, ToPoints: 1})
		require.NoError(t, err)
	}
	_, err = b.Post(t.Context(), b.posting(points.Earn, m, "earned", 100))
	require.NoError(t, err)
	in := points.ExchangeInput{IdempotencyKey: "intent-01", FromID: b.own.ID, ToID: b.pool.ID, Points: 30}
	_, err = b.Exchange(b.member(m), in)
	require.NoError(t, err)
	_, err = b.shop.DB.Pool().Exec(t.Context(), `DELETE FROM idempotency_keys`) // as time does
	require.NoError(t, err)
	b.pass(time.Hour)
	in.ToID = third.ID
	_, err = b.Exchange(b.member(m), in)
	require.ErrorIs(t, err, idempotency.ErrReused)
	all, err := b.Mine(b.member(m))
	require.NoError(t, err)
	sum := int64(0)
	for _, x := range all {
		sum += x.Usable
	}
	require.EqualValues(t, 100, sum, "as many as before")
}

// Midnight passes, and the job with it, while points that are given back wait for the account:
// they would come back to a lot that is written off already, and could not be again.
func TestWhatComesBackAfterMidnightComesBackToNoLotThatIsOver(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m := b.members[0]
	b.set(time.Date(2026, 3, 1, 12, 0, 0, 0, jst))
	_, err := b.Post(t.Context(), b.posting(points.Earn, m, "earned", 100))
	require.NoError(t, err)
	_, err = b.Post(t.Context(), b.posting(points.Use, m, "use:1", 40))
	require.NoError(t, err)
	b.set(time.Date(2026, 3, 31, 23, 59, 59, 0, jst)) // thirty days after
	back := b.posting(points.Return, m, "back:1", 40)
	back.Undoes = "use:1"
	b.pass(time.Second)
	require.NoError(t, b.Expire(t.Context()))
	require.Zero(t, b.usable(t, m))
	_, err = b.Post(t.Context(), back)
	require.NoError(t, err)
	require.EqualValues(t, 40, b.usable(t, m), "they live on for the days of grace")
	b.pass(15 * 24 * time.Hour)
	require.NoError(t, b.Expire(t.Context()), "and are written off under a key of their own")
	require.Zero(t, b.usable(t, m))
	b.audit(t)
}
