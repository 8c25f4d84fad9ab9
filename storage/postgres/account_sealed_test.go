package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
)

const everyAccount = `SELECT coalesce(string_agg(a::text, ' '), '') || coalesce((SELECT string_agg(l::text, ' ') FROM login_links l), '')
	|| coalesce((SELECT string_agg(t::text, ' ') FROM one_time_tokens t), '') FROM accounts a`

func (v *vault) member(email string) identity.Account {
	return identity.Account{ID: id.New(), Role: access.RoleMember, Email: email, Name: "山田 花子", BrandID: &v.BrandID, Language: "ja", CreatedAt: v.now, UpdatedAt: v.now}
}

// process is another that works on the same database. It reads the keys now.
func (v *vault) process(t *testing.T) (*postgres.DB, *sealing.Keys) {
	t.Helper()
	db, err := postgres.Open(t.Context(), v.DB.Pool().Config().ConnString(), postgres.WithMaxConns(4))
	require.NoError(t, err)
	t.Cleanup(db.Close)
	master, err := identity.Sealer("a secret", "test")
	require.NoError(t, err)
	now := v.now
	keys := sealing.New(postgres.NewDataKeys(db), master, func() time.Time { return now })
	_, err = keys.Current(t.Context())
	require.NoError(t, err)
	db.SealWith(keys)
	return db, keys
}

func (v *vault) rotate(t *testing.T) {
	t.Helper()
	v.now = v.now.Add(time.Hour)
	_, err := v.keys.Rotate(t.Context())
	require.NoError(t, err)
}

func (v *vault) reseal(t *testing.T) int {
	t.Helper()
	n, err := postgres.NewPersonal(v.DB, v.keys).Reseal(t.Context(), nil)
	require.NoError(t, err)
	return n
}

func TestAccountsAreSealedFoundAndUniqueWhicheverKeySealsThem(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	ctx, store := t.Context(), postgres.NewAccounts(v.DB)
	old, fresh := v.member("old@example.jp"), v.member("fresh@example.jp")
	require.NoError(t, store.InsertAccount(ctx, old))
	v.DB.SealWith(v.keys)
	require.NoError(t, store.InsertAccount(ctx, fresh))
	before, _ := v.process(t)
	check := func() {
		t.Helper()
		for _, db := range []*postgres.DB{v.DB, before} {
			store := postgres.NewAccounts(db)
			for _, a := range []identity.Account{old, fresh} {
				found, err := store.AccountByEmail(ctx, a.Email)
				require.NoError(t, err)
				require.Equal(t, [2]string{a.ID.String(), "山田 花子 " + a.Email}, [2]string{found.ID.String(), found.Name + " " + found.Email})
				require.ErrorIs(t, store.InsertAccount(ctx, v.member(a.Email)), identity.ErrEmailTaken)
			}
			none, err := store.AccountByEmail(ctx, "nobody@example.jp")
			require.NoError(t, err)
			require.Nil(t, none)
		}
	}
	check()
	require.Contains(t, v.text(t, everyAccount), "old@example.jp", "an older version's")
	require.NotContains(t, v.text(t, everyAccount), "fresh@")

	require.Equal(t, 1, v.reseal(t))
	clean := func() {
		t.Helper()
		for _, clear := range []string{"old@", "fresh@", "山田"} {
			require.NotContains(t, v.text(t, everyAccount), clear)
		}
	}
	check()
	clean()
	hash := v.text(t, `SELECT address_hash::text FROM accounts WHERE id = $1`, old.ID)

	late, _ := v.process(t)
	v.rotate(t)
	check() // the other process does not know the new key yet
	fresh.Name = "山田　花子"
	require.NoError(t, store.UpdateAccount(ctx, fresh))
	renamed, err := postgres.NewAccounts(before).Account(ctx, fresh.ID)
	require.NoError(t, err)
	require.Equal(t, "山田　花子", renamed.Name)
	fresh.Name = "山田 花子"
	require.NoError(t, store.UpdateAccount(ctx, fresh))
	require.Equal(t, 2, v.reseal(t))
	require.Zero(t, v.reseal(t))
	check()
	clean()
	require.NoError(t, postgres.NewAccounts(late).UpdateAccount(ctx, fresh))
	require.Equal(t, 1, v.reseal(t), "a name under the key before is sealed anew, though the row was")
	require.Equal(t, hash, v.text(t, `SELECT address_hash::text FROM accounts WHERE id = $1`, old.ID), "no rotation changes it")

	require.NoError(t, store.CloseAccount(ctx, old.ID, v.now))
	require.NoError(t, store.InsertAccount(ctx, v.member("old@example.jp")), "a closed account frees its address")
	v.exec(t, `UPDATE accounts SET email = (SELECT email FROM accounts WHERE id = $1) WHERE id = $2`, fresh.ID, old.ID)
	v.exec(t, `UPDATE accounts SET closed_at = NULL, address_hash = NULL WHERE id = $1`, old.ID)
	_, err = store.Account(ctx, old.ID)
	require.Error(t, err, "another account's value does not open")
}

func TestOneOfManyWhoRegisterAtOnceGetsTheAddressWhileKeysChange(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	ctx := t.Context()
	const addresses = 12
	address := func(n int) string { return fmt.Sprintf("member-%d@example.jp", n) }
	for n := range addresses {
		if n%3 == 0 { // of an older version
			require.NoError(t, postgres.NewAccounts(v.DB).InsertAccount(ctx, v.member(address(n))))
		}
	}
	before, _ := v.process(t)
	v.rotate(t)
	after, keys := v.process(t)
	v.DB.SealWith(v.keys)
	var made [addresses]atomic.Int32
	var g errgroup.Group
	g.Go(func() error {
		_, err := postgres.NewPersonal(after, keys).Reseal(ctx, nil)
		return err
	})
	for n := range addresses {
		for _, db := range []*postgres.DB{before, after, v.DB} {
			g.Go(func() error {
				err := db.InTx(ctx, func(ctx context.Context) error {
					return postgres.NewAccounts(db).InsertAccount(ctx, v.member(address(n)))
				})
				if err == nil {
					made[n].Add(1)
				}
				if errors.Is(err, identity.ErrEmailTaken) {
					err = nil
				}
				return err
			})
		}
	}
	require.NoError(t, g.Wait())
	for n := range addresses {
		want := int32(1)
		if n%3 == 0 {
			want = 0
		}
		require.Equal(t, want, made[n].Load(), address(n))
	}
	_, err := postgres.NewPersonal(after, keys).Reseal(ctx, nil)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(addresses, " ", addresses), v.text(t, `SELECT count(*) || ' ' || count(DISTINCT address_hash) FROM accounts`))
	require.NotContains(t, v.text(t, everyAccount), "@example.jp")
}

func TestTokensAndLinksOfAccountsAreSealed(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	ctx, store := t.Context(), postgres.NewAccounts(v.DB)
	a := v.member("hanako@example.jp")
	require.NoError(t, store.InsertAccount(ctx, a))
	token := func(hash string, lasts time.Duration) identity.OneTimeToken {
		return identity.OneTimeToken{Hash: []byte(hash), AccountID: a.ID, Purpose: identity.ResetPassword, Email: a.Email, CreatedAt: v.now, ExpiresAt: v.now.Add(lasts)}
	}
	use := func(hash string) *identity.Account {
		found, err := store.UseToken(ctx, []byte(hash), identity.ResetPassword, v.now)
		require.NoError(t, err)
		return found
	}
	link := identity.Link{ID: id.New(), AccountID: a.ID, Provider: "ours", Issuer: "https://id.example.jp", Subject: "1", Email: "hanako@mail.example", CreatedAt: v.now}
	linked := func() []identity.Link {
		links, err := store.Links(ctx, []uuid.UUID{a.ID})
		require.NoError(t, err)
		return links
	}
	kept, err := store.Link(ctx, link)
	require.NoError(t, err)
	require.True(t, kept)
	require.NoError(t, store.InsertToken(ctx, token("clear", time.Hour)))
	v.DB.SealWith(v.keys)
	require.Equal(t, 2, v.reseal(t), "the account and its link")
	require.Equal(t, a.Email, use("clear").Email, "a token of an older version is good")
	require.Equal(t, link.Email, linked()[0].Email)

	require.NoError(t, store.InsertToken(ctx, token("sealed", time.Hour)))
	v.rotate(t)
	v.now = v.now.Add(-time.Hour)
	require.Equal(t, 2, v.reseal(t))
	require.Equal(t, "山田 花子", use("sealed").Name)
	require.Nil(t, use("sealed"), "once")
	require.NoError(t, store.InsertToken(ctx, token("elsewhere", time.Hour)))
	v.exec(t, `UPDATE one_time_tokens SET email = 'another@example.jp' WHERE hash = 'elsewhere'`)
	require.Nil(t, use("elsewhere"), "the account has another address")

	require.NoError(t, store.InsertToken(ctx, token("over", -time.Minute)))
	require.NoError(t, postgres.NewPersonal(v.DB, v.keys).DropTokens(ctx))
	require.Equal(t, "0", v.text(t, `SELECT count(*)::text FROM one_time_tokens WHERE hash = 'over'`), "addresses go with what is over")
	v.exec(t, `DELETE FROM one_time_tokens WHERE hash IN ('clear', 'elsewhere')`)

	link.ID, link.Subject = id.New(), "2"
	_, err = store.Link(ctx, link)
	require.NoError(t, err)
	require.Equal(t, []string{link.Email, link.Email}, []string{linked()[0].Email, linked()[1].Email})
	for _, clear := range []string{"hanako", "山田", "mail.example"} {
		require.NotContains(t, v.text(t, everyAccount), clear)
	}
}
