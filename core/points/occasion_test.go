package points_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/points"
)

// brittle breaks off after so many transactions.
type brittle struct {
	idempotency.Tx
	left int
}

var errBroken = errors.New("broken off")

func (b *brittle) InTx(ctx context.Context, f func(context.Context) error) error {
	return b.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := f(ctx); err != nil {
			return err
		}
		if b.left--; b.left < 0 {
			return errBroken
		}
		return nil
	})
}

// A job that is broken off in the middle of a transaction goes on with the members who are
// left, and gives nobody points twice.
func TestOccasionsGoOnWhereTheyWereBrokenOff(t *testing.T) {
	t.Parallel()
	b := open(t, 0)
	ctx, admin := access.With(t.Context(), access.System), b.as(access.Actor{Role: access.RoleAdmin})
	b.day(t, "2026-02-27")
	_, err := b.SaveRule(admin, points.SaveRuleInput{ProgrammeID: b.own.ID, Name: i18n.JA("入会記念日"), Terms: points.Terms{Occasion: points.Anniversary, Points: 10}})
	require.NoError(t, err)
	const many = 1200
	_, err = b.shop.DB.Pool().Exec(ctx, `
		WITH made AS (INSERT INTO members (id, created_at, updated_at) SELECT gen_random_uuid(), now(), now() FROM generate_series(1, $2) RETURNING id)
		INSERT INTO memberships (member_id, brand_id, joined_at) SELECT id, $1, '2024-02-29T03:00:00Z' FROM made`, b.shop.BrandID, many)
	require.NoError(t, err)
	b.day(t, "2026-02-28")
	sound := b.Tx
	count := func() (n int) {
		require.NoError(t, b.shop.DB.Pool().QueryRow(ctx, `SELECT count(*) FROM point_entries WHERE kind = 'EARN'`).Scan(&n))
		return n
	}
	// 27 February, three times 500 at most of the 28th, and what posts within them.
	broken := 0
	for range 50 {
		b.Tx = &brittle{sound, broken}
		if err := b.Celebrate(ctx); err == nil {
			break
		} else {
			require.ErrorIs(t, err, errBroken)
		}
		require.Zero(t, count()%100, "all of a transaction, or nothing")
		broken++
	}
	require.Positive(t, broken)
	b.Tx = sound
	require.NoError(t, b.Celebrate(ctx))
	require.Equal(t, many, count())
	var twice []uuid.UUID
	rows, err := b.shop.DB.Pool().Query(ctx, `SELECT account_id FROM point_entries GROUP BY 1 HAVING count(*) > 1`)
	require.NoError(t, err)
	for rows.Next() {
		var key uuid.UUID
		require.NoError(t, rows.Scan(&key))
		twice = append(twice, key)
	}
	require.Empty(t, twice)
	b.audit(t)
}
