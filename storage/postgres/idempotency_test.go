package postgres_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// once runs an intent in one of the two ways, counting how often it was done.
type once func(ctx context.Context, key, input, answer string, do func() error) (string, error)

func bothWays(db *postgres.DB) map[string]once {
	keys := idempotency.New(db, postgres.NewKeys(db), clock.System)
	return map[string]once{
		"the answer comes after": func(ctx context.Context, key, input, answer string, do func() error) (string, error) {
			return idempotency.Once(ctx, keys, "after", key, input, func(context.Context) (string, error) { return answer, do() })
		},
		"the answer is known before": func(ctx context.Context, key, input, answer string, do func() error) (string, error) {
			return idempotency.OnceAs(ctx, keys, "before", key, input, answer,
				func(ctx context.Context) (int, error) { return postgres.One[int](ctx, db, `SELECT 7`) },
				func(_ context.Context, read int) error {
					if read != 7 {
						return errors.New("what was read is lost")
					}
					return do()
				})
		},
	}
}

func TestAnIntentHappensOnceAndIsAnsweredTheSame(t *testing.T) {
	t.Parallel()
	for name, once := range bothWays(pgtest.New(t)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := 0
			do := func() error { done++; return nil }
			refused := errors.New("refused")

			_, err := once(t.Context(), "intent-1", "in", "zero", func() error { return refused })
			require.ErrorIs(t, err, refused)
			first, err := once(t.Context(), "intent-1", "in", "first", do)
			require.NoError(t, err, "what was refused has used nothing up")
			again, err := once(t.Context(), "intent-1", "in", "second", do)
			require.NoError(t, err)
			require.Equal(t, [2]string{"first", "first"}, [2]string{first, again})
			require.Equal(t, 1, done)
			_, err = once(t.Context(), "intent-1", "other", "third", do)
			require.ErrorIs(t, err, idempotency.ErrReused)
			_, err = once(t.Context(), "short", "in", "fourth", do)
			require.ErrorIs(t, err, idempotency.ErrKey)
			require.Equal(t, 1, done)
		})
	}
}

func TestOneIntentAtOnceFromManySidesHappensOnce(t *testing.T) {
	t.Parallel()
	for name, once := range bothWays(pgtest.New(t)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var done atomic.Int32
			answers := make([]string, 8)
			group, ctx := errgroup.WithContext(t.Context())
			for i := range answers {
				group.Go(func() (err error) {
					answers[i], err = once(ctx, "intent-1", "in", string(rune('a'+i)), func() error { done.Add(1); return nil })
					return err
				})
			}
			require.NoError(t, group.Wait())
			require.EqualValues(t, 1, done.Load())
			for _, answer := range answers {
				require.Equal(t, answers[0], answer)
			}
		})
	}
}

func TestOldKeysAreForgotten(t *testing.T) {
	t.Parallel()
	db, done := pgtest.New(t), 0
	do := func(at time.Time) (err error) {
		keys := idempotency.New(db, postgres.NewKeys(db), func() time.Time { return at })
		require.NoError(t, keys.Forget(t.Context()))
		_, err = idempotency.Once(t.Context(), keys, "intent", "intent-1", "in", func(context.Context) (int, error) { done++; return done, nil })
		return err
	}
	now := clock.System()
	require.NoError(t, do(now))
	require.NoError(t, do(now.Add(idempotency.Remembered)))
	require.Equal(t, 1, done, "it is remembered to the end")
	require.NoError(t, do(now.Add(idempotency.Remembered+time.Second)))
	require.Equal(t, 2, done, "and is another intent after it")
}

func TestAKeyIsOfOneBrand(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	keys, done := idempotency.New(db, postgres.NewKeys(db), clock.System), 0
	in := func(brand uuid.UUID) error {
		ctx := channel.With(t.Context(), channel.Channel{BrandID: brand})
		_, err := idempotency.Once(ctx, keys, "intent", "intent-1", "in", func(context.Context) (int, error) { done++; return done, nil })
		return err
	}
	here := id.New()
	require.NoError(t, in(here))
	require.NoError(t, in(here))
	require.ErrorIs(t, in(id.New()), idempotency.ErrReused, "one brand's answer is none of another's")
	require.Equal(t, 1, done)
}

// Versions before the brand was in the hash kept keys without it. What they did is not done
// again, unless there are brands whose answer it might be.
func TestAKeyThatWasKeptWithoutTheBrandStillAnswers(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	keys, done, actor := idempotency.New(shop.DB, postgres.NewKeys(shop.DB), clock.System), 0, access.Actor{Role: access.RoleMember, ID: id.New()}
	ctx := channel.With(t.Context(), channel.Channel{BrandID: shop.BrandID})
	ask := func(input string) (int, error) {
		ctx := access.With(ctx, actor)
		return idempotency.Once(ctx, keys, "intent", "intent-1", input, func(context.Context) (int, error) { done++; return done, nil })
	}
	first, err := ask("in")
	require.NoError(t, err)
	old := sha256.Sum256([]byte(`"in"`))
	_, err = shop.DB.Pool().Exec(t.Context(), `UPDATE idempotency_keys SET input_hash = $1`, old[:])
	require.NoError(t, err)
	again, err := ask("in")
	require.NoError(t, err)
	require.Equal(t, first, again)
	_, err = ask("other")
	require.ErrorIs(t, err, idempotency.ErrReused)

	_, err = shop.DB.Pool().Exec(t.Context(), `INSERT INTO brands SELECT (jsonb_populate_record(b, jsonb_build_object('id', gen_random_uuid(), 'code', 'second'))).* FROM brands b LIMIT 1`)
	require.NoError(t, err)
	_, err = ask("in")
	require.ErrorIs(t, err, idempotency.ErrReused, "of which brand it was is not known")
	actor.Role = access.RolePartner
	again, err = ask("in")
	require.NoError(t, err, "a partner is one of a brand")
	require.Equal(t, first, again)
	require.Equal(t, 1, done)
}
