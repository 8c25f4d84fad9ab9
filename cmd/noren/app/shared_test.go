package app_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// member is somebody who has logged in, by account and bearer token.
func member(t *testing.T, a *apptest.App, email string) (accountID uuid.UUID, bearer string) {
	t.Helper()
	const password = "correct horse battery"
	ctx := access.With(t.Context(), access.System)
	account, _, err := a.App.Accounts.Ensure(ctx, identity.EnsureInput{Email: email, Password: password, Name: email, Role: access.RoleMember})
	require.NoError(t, err)
	grant, err := a.App.Accounts.Login(ctx, identity.LoginInput{Email: email, Password: password})
	require.NoError(t, err)
	return account.ID, "Bearer " + grant.Grant.AccessToken
}

// join puts the member into the group and records the event, as staff does.
func join(t *testing.T, a *apptest.App, groupID, memberID uuid.UUID) {
	t.Helper()
	_, err := a.DB.Pool().Exec(t.Context(), `INSERT INTO customer_group_members (group_id, member_id, joined_at) VALUES ($1, $2, now())`, groupID, memberID)
	require.NoError(t, err)
	ctx := channel.With(t.Context(), channel.Channel{BrandID: a.BrandID})
	require.NoError(t, postgres.NewEvents(a.DB).Record(ctx, event.New(ctx, time.Now().UTC(), "group.members_added", "CustomerGroup", groupID, nil)))
}

func TestAnswersAreSharedByThoseWithTheSameTermsOnly(t *testing.T) {
	t.Parallel()
	a, b := two(t, pgtest.Redis(t).URL)
	p := a.AddProduct(t, "collar", 1200)
	group := id.New()
	_, err := a.DB.Pool().Exec(t.Context(), `INSERT INTO customer_groups (id, brand_id, code, name, created_at) VALUES ($1, $2, 'GOLD', '{}', now())`, group, a.BrandID)
	require.NoError(t, err)
	gold, goldBearer := member(t, a, "gold@example.jp")
	other, otherBearer := member(t, a, "other@example.jp")
	_, plainBearer := member(t, a, "plain@example.jp")
	statements := func(process *apptest.App, bearer string) int {
		t.Helper()
		process.Do(t, `{ me { id } }`, nil, "Authorization", bearer) // the session is known, the channel too
		answer := process.Do(t, productName, apptest.Variables{"slug": p.Slug}, "Authorization", bearer)
		require.Empty(t, answer.Errors)
		return answer.Statements
	}
	const terms = 1 // whose answer this is costs one statement, once
	join(t, a, group, gold)
	a.Do(t, `{ __typename }`, nil) // the channel is known
	_, guests := nameOf(t, a, p.Slug)
	whole := guests.Statements // as many as an answer takes that nobody has kept
	_, again := nameOf(t, a, p.Slug)
	require.Zero(t, again.Statements)

	require.Equal(t, whole+terms, statements(a, goldBearer), "a guest's bytes are not a group's")
	require.Zero(t, statements(a, goldBearer))
	require.Equal(t, whole+terms, statements(a, plainBearer), "nor a plain member's")
	require.Equal(t, terms, statements(b, otherBearer), "plain members share, in every process")
	require.Zero(t, statements(b, otherBearer))

	// What somebody joins holds in every process at once.
	join(t, a, group, other)
	require.Equal(t, whole+terms, statements(b, otherBearer))
	require.Equal(t, terms, statements(a, goldBearer), "now they share")
	require.Zero(t, statements(a, otherBearer), "and who they are is known here too")
}
