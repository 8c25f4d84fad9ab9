package resolvers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/messaging"
)

// rows counts what the member has left in the tables.
func rows(t testing.TB, a *apptest.App, tables ...string) map[string]int {
	t.Helper()
	counted := map[string]int{}
	for _, table := range tables {
		var n int
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&n))
		counted[table] = n
	}
	return counted
}

func TestMemberLeaves(t *testing.T) {
	t.Parallel()
	a, p := startWithSSO(t)
	p.add("hanako", "other@example.jp", true)
	c := newCustomer(t, a, "hanako@example.jp")
	require.Empty(t, linkSSO(t, c, visit(t, a, p, "hanako")).UserErrors)
	require.Empty(t, c.change(t, "updateProfile", apptest.Variables{"kana": "ハナコ", "newsletter": true}).UserErrors)
	require.Empty(t, c.change(t, "addAddress", apptest.Variables{"address": newAddress("自宅")}).UserErrors)
	require.Empty(t, c.change(t, "addPet", apptest.Variables{"name": "ポチ", "species": "DOG"}).UserErrors)

	require.Equal(t, "PASSWORD_WRONG", done(t, a, c.bearer, `closeAccount(input: {password: "wrong"})`))
	require.Equal(t, "PASSWORD_WRONG", done(t, a, c.bearer, `closeAccount(input: {})`))
	require.Len(t, c.book(t), 1, "nothing was half-done")

	require.Empty(t, done(t, a, c.bearer, fmt.Sprintf(`closeAccount(input: {password: %q})`, goodPassword)))
	require.Equal(t, "TOKEN_INVALID", whoami(t, a, c.bearer).Code())
	require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "hanako@example.jp", goodPassword).code())
	require.Equal(t, map[string]int{"accounts": 1, "profiles": 0, "saved_addresses": 0, "pets": 0, "login_links": 0, "newsletter_consents": 1},
		rows(t, a, "accounts", "profiles", "saved_addresses", "pets", "login_links", "newsletter_consents"))
	require.Empty(t, register(t, a, "hanako@example.jp", goodPassword).UserErrors, "and may come back as somebody new")
	require.Empty(t, finishSSO(t, a, visit(t, a, p, "hanako")).UserErrors, "by the provider too")
}

func TestHeadOfficeClosesMembershipsOnRequest(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	closing := `closeMember(input: {accountId: "` + hanako.id + `"})`
	taro := newCustomer(t, a, "taro@example.jp")
	shop := employ(t, a, "shop@example.jp", access.RoleStoreStaff, access.MemberWrite)
	reader := employ(t, a, "reader@example.jp", access.RoleStaff, access.MemberRead)
	writer := employ(t, a, "writer@example.jp", access.RoleStaff, access.MemberWrite)
	for name, bearer := range map[string]string{"a member": taro.bearer, "who reads members": reader.bearer()} {
		require.Equal(t, "FORBIDDEN", a.Do(t, `mutation { `+closing+` { userErrors { code } } }`, nil, "Authorization", bearer).Code(), name)
	}
	require.Equal(t, "FORBIDDEN", done(t, a, shop.bearer(), closing), "a shop")
	till := access.With(t.Context(), access.Actor{Role: access.RolePartner, ID: id.New(), Permissions: []access.Permission{access.MemberWrite}})
	require.ErrorIs(t, a.App.Resolvers.Accounts.CloseMember(till, identity.CloseMemberInput{AccountID: keyOf(t, hanako.id)}), fault.ErrForbidden, "a till, which may register members")
	_, err := a.App.Resolvers.Members.SaveRank(till, member.SaveRankInput{Code: "gold"})
	require.ErrorIs(t, err, fault.ErrForbidden)
	require.Equal(t, "NOT_FOUND", done(t, a, writer.bearer(), `closeMember(input: {accountId: "`+reader.Account.ID+`"})`), "staff are no members")
	require.Empty(t, done(t, a, writer.bearer(), closing))
	require.Equal(t, "NOT_FOUND", done(t, a, writer.bearer(), closing), "once")
	require.Equal(t, "TOKEN_INVALID", whoami(t, a, hanako.bearer).Code())
	require.Equal(t, "FORBIDDEN", a.Do(t, `mutation { closeAccount(input: {password: "x"}) { userErrors { code } } }`, nil, "Authorization", writer.bearer()).Code(), "staff do not just leave")
}

func TestResetByTheOwnerOfTheAddressShutsTheSquatterOut(t *testing.T) {
	t.Parallel()
	a, p := startWithSSO(t)
	p.add("squatter", "", false)
	squatter := newCustomer(t, a, "hanako@example.jp")
	require.Empty(t, linkSSO(t, squatter, visit(t, a, p, "squatter")).UserErrors)

	require.Empty(t, done(t, a, "", `requestPasswordReset(input: {email: "hanako@example.jp"})`))
	token := mailedToken(t, a, messaging.KindPasswordReset)
	require.Empty(t, done(t, a, "", `resetPassword(input: {token: "`+token+`", newPassword: "the owner's own words"})`))
	require.Equal(t, "TOKEN_INVALID", whoami(t, a, squatter.bearer).Code())
	require.Equal(t, "SSO_EMAIL_MISSING", finishSSO(t, a, visit(t, a, p, "squatter")).code(), "the squatter's other way in is closed")
	owner := login(t, a, "hanako@example.jp", "the owner's own words")
	require.Equal(t, squatter.id, owner.Account.ID)
	require.True(t, owner.Account.EmailVerified)
}

func TestAddressAloneDoesNotPassASecondFactor(t *testing.T) {
	t.Parallel()
	a, p := startWithSSO(t)
	p.add("mailbox", "hanako@example.jp", true)
	hanako := newCustomer(t, a, "hanako@example.jp")
	_, err := a.DB.Pool().Exec(t.Context(), `UPDATE accounts SET email_verified_at = now()`)
	require.NoError(t, err)
	var started struct {
		StartTotp struct{ Enrolment struct{ Secret string } }
	}
	hanako.do(t, `mutation { startTotp { enrolment { secret } } }`, nil).Into(t, &started)
	var confirmed struct{ ConfirmTotp changed }
	hanako.do(t, `mutation($c: String!) { confirmTotp(input: {code: $c}) { userErrors { code } } }`,
		apptest.Variables{"c": codeOf(t, started.StartTotp.Enrolment.Secret, 0)}).Into(t, &confirmed)
	require.Empty(t, confirmed.ConfirmTotp.UserErrors)

	require.Equal(t, "SSO_EMAIL_UNVERIFIED", finishSSO(t, a, visit(t, a, p, "mailbox")).code())
	require.Empty(t, linkSSO(t, hanako, visit(t, a, p, "mailbox")).UserErrors)
	require.Equal(t, hanako.id, finishSSO(t, a, visit(t, a, p, "mailbox")).Account.ID, "once its holder has said so")
}

func TestMyPageCostsAFixedNumberOfStatements(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, apptest.Start(t), "hanako@example.jp")
	page := `{ me { id profile { name } addresses { id } pets { id } linkedLogins { id } } }`
	for i := range 3 {
		require.Empty(t, c.change(t, "addAddress", apptest.Variables{"address": newAddress(fmt.Sprint("家", i))}).UserErrors)
		require.Empty(t, c.change(t, "addPet", apptest.Variables{"name": "ポチ", "species": "DOG"}).UserErrors)
		require.Equal(t, 5, c.do(t, page, nil).Statements)
	}
}
