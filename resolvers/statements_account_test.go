package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/messaging"
)

// accountOperations are those of logging in, being somebody and leaving.
var accountOperations = map[string]clientOperation{
	"app/Register":                 {10, registering},
	"web/Register":                 {10, registering},
	"app/Login":                    {7, loggingIn},
	"web/Login":                    {7, loggingIn},
	"app/RefreshToken":             {4, refreshing},
	"web/RefreshToken":             {4, refreshing},
	"app/Logout":                   {4, asNewcomer(nil)},
	"web/Logout":                   {4, asNewcomer(nil)},
	"app/LogoutEverywhere":         {5, asNewcomer(nil)},
	"app/RequestEmailVerification": {6, asNewcomer(nil)},
	"app/VerifyEmail":              {6, verifying},
	"web/VerifyEmail":              {6, verifying},
	"app/RequestEmailChange":       {13, asMover(anotherAddress)},
	"web/RequestEmailChange":       {13, asMover(anotherAddress)},
	"app/CancelEmailChange":        {6, givingUp},
	"web/CancelEmailChange":        {6, givingUp},
	"app/ConfirmEmailChange":       {16, moving},
	"web/ConfirmEmailChange":       {16, moving},
	"app/EmailAddress":             {2, func(_ *testing.T, w *world) question { return question{nil, w.member.headers()} }},
	"app/RequestPasswordReset":     {6, forgetting},
	"web/RequestPasswordReset":     {6, forgetting},
	"app/ResetPassword":            {15, resetting},
	"web/ResetPassword":            {15, resetting},
	"app/ChangePassword":           {7, asNewcomer(changedPassword)},
	"app/StartTotp":                {3, asNewcomer(nil)},
	"app/ConfirmTotp":              {8, confirming},
	"app/RemoveTotp":               {9, removingFactor},
	"app/Sessions":                 {2, func(_ *testing.T, w *world) question { return question{nil, w.member.headers()} }},
	"app/RevokeSession": {5, func(t *testing.T, w *world) question {
		c := newCustomer(t, w.App, w.email())
		return question{in(apptest.Variables{"sessionId": c.session(t)}), c.headers()}
	}},

	"admin/StaffLogin": {10, func(t *testing.T, w *world) question {
		email := w.email()
		employ(t, w.App, email, access.RoleStaff, access.CatalogRead)
		return question{in(apptest.Variables{"email": email, "password": goodPassword}), nil}
	}},
	"admin/StaffRefreshToken": {5, func(t *testing.T, w *world) question {
		return question{in(apptest.Variables{"refreshToken": employ(t, w.App, w.email(), access.RoleStaff, access.CatalogRead).Tokens.RefreshToken}), nil}
	}},
	"admin/StaffLogout": {4, asClerk(nil)},
	"admin/StaffMe":     {4, asClerk(nil)},
	"admin/ResetPassword": {7, func(t *testing.T, w *world) question {
		email := w.email()
		employ(t, w.App, email, access.RoleStaff, access.CatalogRead)
		return w.resetting(t, email)
	}},
	"admin/ChangePassword": {7, asClerk(changedPassword)},
}

const betterPassword = "a better horse battery"

var changedPassword = apptest.Variables{"currentPassword": goodPassword, "newPassword": betterPassword}

// email is an address that nobody has yet.
func (w *world) email() string { return w.key() + "@example.jp" }

// asNewcomer is asked by somebody who has just registered.
func asNewcomer(input apptest.Variables) func(*testing.T, *world) question {
	return func(t *testing.T, w *world) question {
		return question{given(input), newCustomer(t, w.App, w.email()).headers()}
	}
}

// asClerk is asked by staff who have just been employed.
func asClerk(input apptest.Variables) func(*testing.T, *world) question {
	return func(t *testing.T, w *world) question {
		return question{given(input), []string{"Authorization", employ(t, w.App, w.email(), access.RoleStaff, access.CatalogRead).bearer()}}
	}
}

// given is the input as variables; none where there is none.
func given(input apptest.Variables) apptest.Variables {
	if input == nil {
		return nil
	}
	return in(input)
}

func registering(_ *testing.T, w *world) question {
	return question{in(apptest.Variables{"email": w.email(), "password": goodPassword}), nil}
}

func loggingIn(t *testing.T, w *world) question {
	email := w.email()
	newCustomer(t, w.App, email)
	return question{in(apptest.Variables{"email": email, "password": goodPassword}), nil}
}

func refreshing(t *testing.T, w *world) question {
	return question{in(apptest.Variables{"refreshToken": register(t, w.App, w.email(), goodPassword).Tokens.RefreshToken}), nil}
}

func verifying(t *testing.T, w *world) question {
	newCustomer(t, w.App, w.email())
	return question{in(apptest.Variables{"token": mailedToken(t, w.App, messaging.KindEmailVerification)}), nil}
}

func anotherAddress(w *world) apptest.Variables {
	return apptest.Variables{"email": w.email(), "password": goodPassword}
}

// mover is a member who has just logged in.
func (w *world) mover(t *testing.T) customer {
	email := w.email()
	_, _, err := w.App.App.Accounts.Ensure(access.With(t.Context(), access.System), identity.EnsureInput{Email: email, Password: goodPassword, Role: access.RoleMember, BrandID: &w.BrandID})
	require.NoError(t, err)
	got := login(t, w.App, email, goodPassword)
	require.Empty(t, got.UserErrors)
	return customer{w.App, got.Account.ID, got.bearer()}
}

func asMover(input func(*world) apptest.Variables) func(*testing.T, *world) question {
	return func(t *testing.T, w *world) question { return question{in(input(w)), w.mover(t).headers()} }
}

func givingUp(t *testing.T, w *world) question {
	c := w.mover(t)
	require.Empty(t, c.moves(t, w.email()))
	return question{nil, c.headers()}
}

func moving(t *testing.T, w *world) question {
	c := w.mover(t)
	require.Empty(t, c.moves(t, w.email()))
	return question{in(apptest.Variables{"token": mailedToken(t, w.App, messaging.KindEmailChange)}), c.headers()}
}

func forgetting(t *testing.T, w *world) question {
	email := w.email()
	newCustomer(t, w.App, email)
	return question{in(apptest.Variables{"email": email}), nil}
}

func resetting(t *testing.T, w *world) question {
	email := w.email()
	newCustomer(t, w.App, email)
	return w.resetting(t, email)
}

func (w *world) resetting(t *testing.T, email string) question {
	require.Empty(t, done(t, w.App, "", `requestPasswordReset(input: {email: "`+email+`"})`))
	return question{in(apptest.Variables{"token": mailedToken(t, w.App, messaging.KindPasswordReset), "newPassword": betterPassword}), nil}
}

// session is the customer's session.
func (c customer) session(t *testing.T) string {
	var got struct {
		Me struct{ Sessions []struct{ ID string } }
	}
	c.do(t, `{ me { sessions { id } } }`, nil).Into(t, &got)
	require.NotEmpty(t, got.Me.Sessions)
	return got.Me.Sessions[0].ID
}

// enrolled begins a second factor and answers its secret.
func (c customer) enrolled(t *testing.T) string {
	var got struct {
		StartTotp struct{ Enrolment struct{ Secret string } }
	}
	c.do(t, `mutation { startTotp { enrolment { secret } } }`, nil).Into(t, &got)
	return got.StartTotp.Enrolment.Secret
}

func confirming(t *testing.T, w *world) question {
	c := newCustomer(t, w.App, w.email())
	return question{in(apptest.Variables{"code": codeOf(t, c.enrolled(t), 0)}), c.headers()}
}

func removingFactor(t *testing.T, w *world) question {
	c := newCustomer(t, w.App, w.email())
	secret := c.enrolled(t)
	require.Empty(t, done(t, w.App, c.bearer, `confirmTotp(input: {code: "`+codeOf(t, secret, -1)+`"})`))
	return question{in(apptest.Variables{"password": goodPassword, "code": codeOf(t, secret, 1)}), c.headers()}
}
