package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/storage/postgres"
)

func TestACardThatWorksSaysWhoHasIt(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	m, card := id.New(), "2900000000018"
	v.exec(t, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now())`, m)
	v.exec(t, `INSERT INTO memberships (member_id, brand_id, joined_at) VALUES ($1, $2, now())`, m, v.BrandID)
	v.exec(t, `INSERT INTO member_cards (id, number, member_id, brand_id, kind, state, issued_at) VALUES ($1, $2, $3, $4, 'PHYSICAL', 'ACTIVE', now())`, id.New(), card, m, v.BrandID)
	store := postgres.NewMemberCodes(v.DB)
	h, err := store.Holder(t.Context(), v.BrandID, card)
	require.NoError(t, err)
	require.Equal(t, m, h.MemberID)
	require.Equal(t, access.RoleMember, h.Role, "with the card alone")
	none := func(why string) {
		t.Helper()
		h, err := store.Holder(t.Context(), v.BrandID, card)
		require.NoError(t, err)
		require.Nil(t, h, why)
	}
	other, err := store.Holder(t.Context(), id.New(), card)
	require.NoError(t, err)
	require.Nil(t, other, "another brand's till")
	v.exec(t, `INSERT INTO accounts (id, role, email, name, created_at, updated_at, closed_at) VALUES ($1, 'MEMBER', 'x@example.jp', '', now(), now(), now())`, m)
	none("the account is closed")
	v.exec(t, `UPDATE accounts SET closed_at = NULL, role = 'COMPANY_BUYER'`)
	h, err = store.Holder(t.Context(), v.BrandID, card)
	require.NoError(t, err)
	require.Equal(t, access.RoleCompanyBuyer, h.Role)
	v.exec(t, `UPDATE member_cards SET state = 'LOST', ended_at = now()`)
	none("a lost card")
	v.exec(t, `UPDATE member_cards SET state = 'ACTIVE', ended_at = NULL`)
	v.exec(t, `UPDATE memberships SET ended_at = now()`)
	none("who left")
}
