package resolvers_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/messaging"
)

// employ makes a staff account with the permissions and logs it in.
func employ(t testing.TB, a *apptest.App, email string, role access.Role, permissions ...access.Permission) loginAnswer {
	t.Helper()
	_, made, err := a.App.Accounts.Ensure(access.With(t.Context(), access.System), identity.EnsureInput{
		Email: email, Password: goodPassword, Name: email, Role: role, Group: "group of " + email, Permissions: permissions,
	})
	require.NoError(t, err)
	require.True(t, made)
	got := login(t, a, email, goodPassword)
	require.Empty(t, got.UserErrors)
	return got
}

// factorFields are those of a login with a second factor.
const factorFields = loginFields + ` enrolment { secret uri } recoveryCodes`

type factorAnswer struct {
	loginAnswer
	Enrolment     *struct{ Secret, URI string }
	RecoveryCodes []string
}

func loginWith(t testing.TB, a *apptest.App, email, code string) factorAnswer {
	t.Helper()
	var got struct{ Login factorAnswer }
	a.Do(t, `mutation($e: String!, $p: String!, $c: String) { login(input: {email: $e, password: $p, code: $c}) { `+factorFields+` } }`,
		apptest.Variables{"e": email, "p": goodPassword, "c": code}).Into(t, &got)
	return got.Login
}

// codeOf is the code of a secret now, give or take some steps.
func codeOf(t testing.TB, secret string, steps int) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, time.Now().Add(time.Duration(steps)*30*time.Second))
	require.NoError(t, err)
	return code
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := register(t, a, "hanako@example.jp", goodPassword)
	var started struct {
		StartTotp struct{ Enrolment struct{ Secret, URI string } }
	}
	a.Do(t, `mutation { startTotp { enrolment { secret uri } } }`, nil, "Authorization", hanako.bearer()).Into(t, &started)
	secret := started.StartTotp.Enrolment.Secret
	require.Contains(t, started.StartTotp.Enrolment.URI, "secret="+secret)
	require.Empty(t, loginWith(t, a, "hanako@example.jp", "").UserErrors, "not in force yet")

	confirm := func(code string) factorAnswer {
		var got struct{ ConfirmTotp factorAnswer }
		a.Do(t, `mutation($c: String!) { confirmTotp(input: {code: $c}) { recoveryCodes userErrors { code } } }`,
			apptest.Variables{"c": code}, "Authorization", hanako.bearer()).Into(t, &got)
		return got.ConfirmTotp
	}
	require.Equal(t, "SECOND_FACTOR_INVALID", confirm("000000").code())
	confirmed := confirm(codeOf(t, secret, -1))
	require.Empty(t, confirmed.UserErrors)
	require.Len(t, confirmed.RecoveryCodes, 10)
	require.Equal(t, "SECOND_FACTOR_EXISTS", confirm(codeOf(t, secret, 0)).code())

	require.Equal(t, "SECOND_FACTOR_REQUIRED", loginWith(t, a, "hanako@example.jp", "").code())
	require.Equal(t, "SECOND_FACTOR_INVALID", loginWith(t, a, "hanako@example.jp", codeOf(t, secret, 20)).code())
	require.Empty(t, loginWith(t, a, "hanako@example.jp", codeOf(t, secret, 1)).UserErrors)
	require.Equal(t, "SECOND_FACTOR_INVALID", loginWith(t, a, "hanako@example.jp", codeOf(t, secret, 1)).code(), "replayed")
	require.Equal(t, "SECOND_FACTOR_INVALID", loginWith(t, a, "hanako@example.jp", codeOf(t, secret, 0)).code(), "older than one that was used")

	recovery := strings.ToLower(confirmed.RecoveryCodes[3])
	require.Empty(t, loginWith(t, a, "hanako@example.jp", recovery).UserErrors)
	require.Equal(t, "SECOND_FACTOR_INVALID", loginWith(t, a, "hanako@example.jp", recovery).code(), "once")
	require.Empty(t, done(t, a, hanako.bearer(), `removeTotp(input: {password: "`+goodPassword+`", code: "`+confirmed.RecoveryCodes[4]+`"})`))
	require.Empty(t, loginWith(t, a, "hanako@example.jp", "").UserErrors)
}

func TestOneCodeLogsInOnceAtOnce(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	admin := employ(t, a, "admin@example.jp", access.RoleAdmin)
	var started struct {
		StartTotp struct{ Enrolment struct{ Secret string } }
	}
	a.Do(t, `mutation { startTotp { enrolment { secret } } }`, nil, "Authorization", admin.bearer()).Into(t, &started)
	secret := started.StartTotp.Enrolment.Secret
	require.Empty(t, done(t, a, admin.bearer(), `confirmTotp(input: {code: "`+codeOf(t, secret, -1)+`"})`))
	code := codeOf(t, secret, 0)
	var entered atomic.Int32
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			if loginWith(t, a, "admin@example.jp", code).Tokens != nil {
				entered.Add(1)
			}
		})
	}
	group.Wait()
	require.Equal(t, int32(1), entered.Load())
}

func TestPolicyRequiresASecondFactorOfStaff(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	admin := employ(t, a, "admin@example.jp", access.RoleAdmin)
	register(t, a, "hanako@example.jp", goodPassword)
	require.Empty(t, done(t, a, admin.bearer(), `setStaffPolicy(input: {networks: [], requireTotp: true})`))
	require.Empty(t, loginWith(t, a, "hanako@example.jp", "").UserErrors, "members need none")

	refused := loginWith(t, a, "admin@example.jp", "")
	require.Equal(t, "SECOND_FACTOR_ENROLMENT_REQUIRED", refused.code())
	require.Nil(t, refused.Tokens)
	again := loginWith(t, a, "admin@example.jp", "")
	require.Equal(t, refused.Enrolment.Secret, again.Enrolment.Secret, "shown again, it stays the same")
	require.Equal(t, "SECOND_FACTOR_INVALID", loginWith(t, a, "admin@example.jp", codeOf(t, refused.Enrolment.Secret, 20)).code())
	entered := loginWith(t, a, "admin@example.jp", codeOf(t, refused.Enrolment.Secret, 0))
	require.Empty(t, entered.UserErrors)
	require.Len(t, entered.RecoveryCodes, 10)
	require.Equal(t, "SECOND_FACTOR_MANDATORY", done(t, a, entered.bearer(), `removeTotp(input: {password: "`+goodPassword+`", code: "`+entered.RecoveryCodes[0]+`"})`))
}

func TestStaffAreInvitedChangedAndDeactivated(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	admin := employ(t, a, "admin@example.jp", access.RoleAdmin)
	as := func(query string, v any) {
		t.Helper()
		a.Do(t, query, nil, "Authorization", admin.bearer()).Into(t, v)
	}
	var group struct {
		CreatePermissionGroup struct{ Group struct{ ID string } }
	}
	as(`mutation { createPermissionGroup(input: {name: "受注", permissions: [ORDER_READ, ORDER_WRITE]}) { group { id } userErrors { code } } }`, &group)
	groupID := group.CreatePermissionGroup.Group.ID
	var created struct {
		CreateStaff struct {
			Account    struct{ ID string }
			UserErrors []userError
		}
	}
	as(`mutation { createStaff(input: {email: "sato@example.jp", name: "佐藤", role: STAFF, groupIds: ["`+groupID+`"]}) { account { id } userErrors { code field } } }`, &created)
	require.Empty(t, created.CreateStaff.UserErrors)
	require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "sato@example.jp", "").code(), "no password yet, and none that fits")
	token := mailedToken(t, a, messaging.KindPasswordReset)
	require.Empty(t, done(t, a, "", `resetPassword(input: {token: "`+token+`", newPassword: "`+goodPassword+`"})`))

	sato := login(t, a, "sato@example.jp", goodPassword)
	orders := func() string {
		return a.Do(t, `{ orders(first: 1) { edges { cursor } } }`, nil, "Authorization", sato.bearer()).Code()
	}
	require.Empty(t, orders())
	require.Equal(t, "FORBIDDEN", a.Do(t, `{ staff { edges { cursor } } }`, nil, "Authorization", sato.bearer()).Code())

	require.Empty(t, done(t, a, admin.bearer(), `updatePermissionGroup(input: {groupId: "`+groupID+`", name: "受注", permissions: [MEMBER_READ]})`))
	require.Equal(t, "FORBIDDEN", orders(), "the right is gone in the open session too")
	var staff struct {
		Staff struct {
			Edges []struct {
				Node struct {
					Name, Role  string
					Permissions []string
					Groups      []struct{ Name string }
				}
			}
		}
	}
	as(`{ staff { edges { node { name role permissions groups { name } } } } }`, &staff)
	require.Equal(t, []string{"MEMBER_READ"}, staff.Staff.Edges[1].Node.Permissions)
	require.Len(t, staff.Staff.Edges[0].Node.Permissions, len(access.Permissions))

	require.Empty(t, done(t, a, admin.bearer(), `deactivateStaff(input: {accountId: "`+created.CreateStaff.Account.ID+`"})`))
	require.Equal(t, "TOKEN_INVALID", whoami(t, a, sato.bearer()).Code())
	require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "sato@example.jp", goodPassword).code())
	require.Equal(t, "LAST_ADMIN", done(t, a, admin.bearer(), `deactivateStaff(input: {accountId: "`+admin.Account.ID+`"})`))
}

func TestNobodyGivesMoreThanTheyHold(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	admin := employ(t, a, "admin@example.jp", access.RoleAdmin)
	clerk := employ(t, a, "clerk@example.jp", access.RoleStaff, access.StaffWrite, access.OrderRead)
	member := register(t, a, "hanako@example.jp", goodPassword)
	for mutation, code := range map[string]string{
		`createPermissionGroup(input: {name: "a", permissions: [ORDER_READ]})`:                                                       "",
		`createPermissionGroup(input: {name: "b", permissions: [ORDER_READ, MEMBER_READ]})`:                                          "FORBIDDEN",
		`createPermissionGroup(input: {name: "c", permissions: [], networks: ["300.1.2.3/8"]})`:                                      "NETWORK_INVALID",
		`createPermissionGroup(input: {name: " ", permissions: []})`:                                                                 "REQUIRED",
		`createPermissionGroup(input: {name: "group of clerk@example.jp", permissions: []})`:                                         "DUPLICATE",
		`createStaff(input: {email: "x@example.jp", name: "x", role: ADMIN})`:                                                        "FORBIDDEN",
		`createStaff(input: {email: "x@example.jp", name: "x", role: MEMBER})`:                                                       "STAFF_ROLE_INVALID",
		`createStaff(input: {email: "hanako@example.jp", name: "x", role: STAFF})`:                                                   "EMAIL_TAKEN",
		`createStaff(input: {email: "x@example.jp", name: "x", role: STAFF, storeIds: ["` + id.Global("Location", id.New()) + `"]})`: "NOT_FOUND",
		`updateStaff(input: {accountId: "` + clerk.Account.ID + `", role: ADMIN})`:                                                   "FORBIDDEN",
		`updateStaff(input: {accountId: "` + member.Account.ID + `", name: "x"})`:                                                    "NOT_FOUND",
		`deactivateStaff(input: {accountId: "` + admin.Account.ID + `"})`:                                                            "FORBIDDEN",
		`resetTotp(input: {accountId: "` + admin.Account.ID + `"})`:                                                                  "FORBIDDEN",
	} {
		require.Equal(t, code, done(t, a, clerk.bearer(), mutation), mutation)
	}
}

func TestStaffActFromAllowedNetworksOnly(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	admin := employ(t, a, "admin@example.jp", access.RoleAdmin)
	clerk := employ(t, a, "clerk@example.jp", access.RoleStaff, access.OrderRead)
	require.Equal(t, "NETWORK_SHUTS_OUT", done(t, a, admin.bearer(), `setStaffPolicy(input: {networks: ["203.0.113.0/24"], requireTotp: false})`))
	require.Empty(t, done(t, a, admin.bearer(), `setStaffPolicy(input: {networks: ["203.0.113.0/24", "127.0.0.1"], requireTotp: false})`))
	require.Empty(t, whoami(t, a, clerk.bearer()).Code())

	var groups struct {
		PermissionGroups []struct{ ID, Name string }
	}
	a.Do(t, `{ permissionGroups { id name } }`, nil, "Authorization", admin.bearer()).Into(t, &groups)
	require.Equal(t, "group of clerk@example.jp", groups.PermissionGroups[1].Name)
	require.Empty(t, done(t, a, admin.bearer(), `updatePermissionGroup(input: {groupId: "`+groups.PermissionGroups[1].ID+`", name: "c", permissions: [ORDER_READ], networks: ["203.0.113.0/24"]})`))
	refused := whoami(t, a, clerk.bearer())
	require.Equal(t, "ADDRESS_NOT_ALLOWED", refused.Code())
	require.Equal(t, 403, refused.Status)
	require.Equal(t, "ADDRESS_NOT_ALLOWED", login(t, a, "clerk@example.jp", goodPassword).code())
	require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "clerk@example.jp", "a wrong password").code())
	require.Empty(t, whoami(t, a, admin.bearer()).Code())
}

func TestStaffListCostsTheSameForManyAsForOne(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	admin := employ(t, a, "admin@example.jp", access.RoleAdmin)
	query := `{ staff { edges { node { name secondFactor permissions groups { name } sessions { device } } } } }`
	one := a.Do(t, query, nil, "Authorization", admin.bearer())
	require.Empty(t, one.Errors)
	for _, email := range []string{"a@example.jp", "b@example.jp", "c@example.jp"} {
		employ(t, a, email, access.RoleStaff, access.OrderRead)
	}
	many := a.Do(t, query, nil, "Authorization", admin.bearer())
	require.LessOrEqual(t, many.Statements, one.Statements)
}
