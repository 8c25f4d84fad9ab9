package resolvers_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
)

// rotated makes a new data key as another process does.
func rotated(t testing.TB, a *apptest.App) *sealing.Keys {
	t.Helper()
	keys, err := app.NewSealing(app.DevSecret, a.DB, clock.System)
	require.NoError(t, err)
	_, err = keys.Rotate(t.Context())
	require.NoError(t, err)
	return keys
}

// unsealed fails where an account, or what hangs on it, names one of the texts.
func unsealed(t testing.TB, a *apptest.App, texts ...string) {
	t.Helper()
	var kept string
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `
		SELECT (SELECT string_agg(a::text, ' ') FROM accounts a) || coalesce((SELECT string_agg(l::text, ' ') FROM login_links l), '')
			|| coalesce((SELECT string_agg(t::text, ' ') FROM one_time_tokens t), '')`).Scan(&kept))
	for _, text := range texts {
		require.NotContains(t, kept, text)
	}
}

func TestAccountsAreKeptSealedHoweverTheyAreMade(t *testing.T) {
	t.Parallel()
	a, p := startWithSSO(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	hanako.do(t, `mutation { updateProfile(input: {name: "山田 花子"}) { userErrors { code } } }`, nil)
	admin := employ(t, a, "boss@example.jp", access.RoleAdmin)
	a.Do(t, `mutation { createStaff(input: {email: "sato@example.jp", name: "佐藤", role: STAFF, groupIds: []}) { userErrors { code } } }`, nil, "Authorization", admin.bearer())
	p.add("person 1", "taro@example.jp", true)
	require.Empty(t, finishSSO(t, a, visit(t, a, p, "person 1")).UserErrors)
	unsealed(t, a, "hanako", "boss", "sato", "taro", "example.jp", "山田", "花子", "佐藤")

	var got struct {
		Me    struct{ Name, Email string }
		Staff struct {
			Edges []struct{ Node struct{ Name, Email string } }
		}
	}
	hanako.do(t, `{ me { name email } }`, nil).Into(t, &got)
	require.Equal(t, "山田 花子 hanako@example.jp", got.Me.Name+" "+got.Me.Email)
	a.Do(t, `{ staff { edges { node { name email } } } }`, nil, "Authorization", admin.bearer()).Into(t, &got)
	require.Len(t, got.Staff.Edges, 2)
	require.Equal(t, "佐藤 sato@example.jp", got.Staff.Edges[1].Node.Name+" "+got.Staff.Edges[1].Node.Email)
}

func TestMembersLogInWhileKeysRotate(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	newCustomer(t, a, "hanako@example.jp")
	check := func() {
		t.Helper()
		require.Empty(t, login(t, a, "Ｈanako@example.jp", goodPassword).UserErrors)
		require.Equal(t, "EMAIL_TAKEN", register(t, a, "HANAKO@example.jp", goodPassword).code())
		require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "taro@example.jp", goodPassword).code())
	}
	check()
	keys := rotated(t, a)
	check()
	_, err := postgres.NewPersonal(a.DB, keys).Reseal(t.Context(), nil)
	require.NoError(t, err)
	check()
	unsealed(t, a, "hanako")
}

func TestAccountsOfOlderVersionsLogInAndAreSealed(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	exec(t, a, `UPDATE accounts SET email = 'hanako@example.jp', name = '山田 花子', address_hash = NULL, key_id = NULL`)
	check := func() {
		t.Helper()
		require.Equal(t, hanako.id, login(t, a, "hanako@example.jp", goodPassword).Account.ID)
		require.Equal(t, "EMAIL_TAKEN", register(t, a, "hanako@example.jp", goodPassword).code())
	}
	check()
	a.Work(t)
	require.Eventually(t, func() bool {
		var clear int
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM accounts WHERE key_id IS NULL`).Scan(&clear))
		return clear == 0
	}, 30*time.Second, 100*time.Millisecond, "the job seals at once")
	check()
	unsealed(t, a, "hanako", "山田")
}
