package resolvers_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"

	"github.com/noren-commerce/noren/adapters/openid"
	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

const (
	publicURL = "http://noren.test"
	donePage  = "https://shop.example.jp/login/done"
)

// people are the users of a provider.
type people struct {
	storage.UserStore
	all map[string]*storage.User
}

func (p people) GetUserByID(id string) *storage.User         { return p.all[id] }
func (p people) GetUserByUsername(name string) *storage.User { return p.all[name] }

// provider is a running OpenID Connect provider.
type provider struct {
	*httptest.Server
	people people
}

func startProvider(t testing.TB) *provider {
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String()
	p := &provider{server, people{storage.NewUserStore(issuer), map[string]*storage.User{}}}
	client := storage.WebClient("noren", "secret", publicURL+"/sso/return")
	store := storage.NewStorageWithClients(p.people, map[string]*storage.Client{"noren": client})
	server.Config.Handler = exampleop.SetupServer(issuer, store, nil, false)
	server.Start()
	t.Cleanup(server.Close)
	return p
}

// add makes a person whom the provider knows.
func (p *provider) add(subject, email string, verified bool) {
	p.people.all[subject] = &storage.User{ID: subject, Username: subject, Password: "pw", FirstName: "花子", LastName: "山田", Email: email, EmailVerified: verified}
}

func startWithSSO(t testing.TB) (*apptest.App, *provider) {
	p := startProvider(t)
	a := apptest.Start(t, func(c *app.Config) {
		c.PublicURL, c.SSOReturnURLs = publicURL, []string{donePage}
		c.SSOProviders.Settings = []openid.Settings{{Key: "ours", Name: "Ours", Issuer: p.URL, ClientID: "noren", ClientSecret: "secret"}}
	})
	return a, p
}

type startedSSO struct {
	Started    *struct{ AuthorizationURL, Ticket, ExpiresAt string }
	UserErrors []userError
}

func startSSO(t testing.TB, a *apptest.App, provider, returnURL string) startedSSO {
	t.Helper()
	var got struct{ StartSso startedSSO }
	a.Do(t, `mutation($p: String!, $r: String!) { startSso(input: {provider: $p, returnUrl: $r}) { started { authorizationUrl ticket expiresAt } userErrors { code field } } }`,
		apptest.Variables{"p": provider, "r": returnURL}).Into(t, &got)
	return got.StartSso
}

// back is what came back to the shop's page.
type back struct{ ticket, state, code string }

func (b back) variables() apptest.Variables {
	return apptest.Variables{"in": apptest.Variables{"ticket": b.ticket, "state": b.state, "code": b.code}}
}

// visit logs the person in at the provider and follows them back to the shop's page.
func visit(t testing.TB, a *apptest.App, p *provider, subject string) back {
	t.Helper()
	started := startSSO(t, a, "ours", donePage)
	require.Empty(t, started.UserErrors)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	var arrived *url.URL
	browser := &http.Client{Jar: jar, Timeout: 10 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), publicURL) { // noren's name, as the provider knows it
			here, _ := url.Parse(a.URL)
			r.URL.Host, r.Host = here.Host, here.Host
		}
		if strings.HasPrefix(r.URL.String(), donePage) {
			arrived = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	page, err := browser.Get(started.Started.AuthorizationURL)
	require.NoError(t, err)
	page.Body.Close()
	require.Equal(t, http.StatusOK, page.StatusCode)
	answer, err := browser.PostForm(p.URL+"/login/username", url.Values{
		"username": {subject}, "password": {"pw"}, "id": {page.Request.URL.Query().Get("authRequestID")},
	})
	require.NoError(t, err)
	answer.Body.Close()
	require.NotNil(t, arrived, "came back to the shop's page")
	return back{started.Started.Ticket, arrived.Query().Get("state"), arrived.Query().Get("code")}
}

func finishSSO(t testing.TB, a *apptest.App, b back, headers ...string) loginAnswer {
	t.Helper()
	var got struct{ FinishSso loginAnswer }
	a.Do(t, `mutation($in: FinishSsoInput!) { finishSso(input: $in) { `+loginFields+` } }`, b.variables(), headers...).Into(t, &got)
	return got.FinishSso
}

type linkAnswer struct {
	Link       *struct{ ID, Provider, Email string }
	UserErrors []userError
}

func linkSSO(t testing.TB, c customer, b back) linkAnswer {
	t.Helper()
	var got struct{ LinkSso linkAnswer }
	c.do(t, `mutation($in: FinishSsoInput!) { linkSso(input: $in) { link { id provider email } userErrors { code } } }`, b.variables()).Into(t, &got)
	return got.LinkSso
}

func TestNewcomerLogsInThroughAProvider(t *testing.T) {
	t.Parallel()
	a, p := startWithSSO(t)
	p.add("hanako", "Hanako@example.jp", true)
	var providers struct {
		SsoProviders []struct{ Key, Name string }
	}
	a.Do(t, `{ ssoProviders { key name } }`, nil).Into(t, &providers)
	require.Equal(t, []struct{ Key, Name string }{{"ours", "Ours"}}, providers.SsoProviders)

	guest := &shopper{App: a}
	guest.add(t, a.AddProduct(t, "leash", 1980).Variants[0], 2)
	first := finishSSO(t, a, visit(t, a, p, "hanako"), "X-Cart-Token", guest.token)
	require.Empty(t, first.UserErrors)
	require.Equal(t, "hanako@example.jp", first.Account.Email)
	require.Equal(t, "MEMBER", first.Account.Role)
	require.True(t, first.Account.EmailVerified, "the provider vouches for it")
	var mine struct {
		Cart struct{ Lines []struct{ Quantity int } }
		Me   struct {
			Name         string
			LinkedLogins []struct{ ID, Provider string }
		}
	}
	a.Do(t, `{ cart { lines { quantity } } me { name linkedLogins { id provider } } }`, nil, "Authorization", first.bearer()).Into(t, &mine)
	require.Equal(t, []struct{ Quantity int }{{2}}, mine.Cart.Lines, "the guest's cart merged")
	require.Equal(t, "花子 山田", mine.Me.Name)
	require.Equal(t, "ours", mine.Me.LinkedLogins[0].Provider)

	p.add("hanako", "married@example.jp", true)
	again := finishSSO(t, a, visit(t, a, p, "hanako"))
	require.Equal(t, first.Account.ID, again.Account.ID, "the subject counts, not the address")
	require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "hanako@example.jp", "").code(), "there is no password")
	c := customer{a, again.Account.ID, again.bearer()}
	require.Equal(t, "SSO_LAST_LOGIN", unlinkSSO(t, c, mine.Me.LinkedLogins[0].ID))
}

func unlinkSSO(t testing.TB, c customer, link string) string {
	t.Helper()
	var got struct{ UnlinkSso changed }
	c.do(t, `mutation($in: UnlinkSsoInput!) { unlinkSso(input: $in) { userErrors { code } } }`, apptest.Variables{"in": apptest.Variables{"id": link}}).Into(t, &got)
	return got.UnlinkSso.code()
}

func TestKnownAddressIsEnteredOnlyWhenTheProviderVouches(t *testing.T) {
	t.Parallel()
	a, p := startWithSSO(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	_, err := a.DB.Pool().Exec(t.Context(), `UPDATE accounts SET email_verified_at = now()`)
	require.NoError(t, err)
	p.add("stranger", "hanako@example.jp", false)
	require.Equal(t, "SSO_EMAIL_UNVERIFIED", finishSSO(t, a, visit(t, a, p, "stranger")).code())
	p.add("mute", "", false)
	require.Equal(t, "SSO_EMAIL_MISSING", finishSSO(t, a, visit(t, a, p, "mute")).code())

	p.add("hanako", "hanako@example.jp", true)
	entered := finishSSO(t, a, visit(t, a, p, "hanako"))
	require.Equal(t, hanako.id, entered.Account.ID)
	require.Empty(t, login(t, a, "hanako@example.jp", goodPassword).UserErrors, "the password is still good")
}

func TestAccountThatNeverProvedItsAddressIsTakenFromItsMaker(t *testing.T) {
	t.Parallel()
	a, p := startWithSSO(t)
	squatter := newCustomer(t, a, "hanako@example.jp")
	p.add("hanako", "hanako@example.jp", true)
	owner := finishSSO(t, a, visit(t, a, p, "hanako"))
	require.Equal(t, squatter.id, owner.Account.ID)
	require.True(t, owner.Account.EmailVerified)
	require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "hanako@example.jp", goodPassword).code(), "the squatter's password is void")
	require.Equal(t, "TOKEN_INVALID", whoami(t, a, squatter.bearer).Code(), "and so are its sessions")
	require.Equal(t, http.StatusOK, whoami(t, a, owner.bearer()).Status)
}

func TestStaffDoNotComeThroughProviders(t *testing.T) {
	t.Parallel()
	a, p := startWithSSO(t)
	newCustomer(t, a, "boss@example.jp")
	_, err := a.DB.Pool().Exec(t.Context(), `UPDATE accounts SET role = 'ADMIN', email_verified_at = now()`)
	require.NoError(t, err)
	p.add("boss", "boss@example.jp", true)
	require.Equal(t, "SSO_NOT_FOR_STAFF", finishSSO(t, a, visit(t, a, p, "boss")).code())
}

func TestMemberLinksAndUnlinksAProvider(t *testing.T) {
	t.Parallel()
	a, p := startWithSSO(t)
	p.add("line", "", false) // such as LINE: it vouches for nothing
	hanako, taro := newCustomer(t, a, "hanako@example.jp"), newCustomer(t, a, "taro@example.jp")
	linked := linkSSO(t, hanako, visit(t, a, p, "line"))
	require.Empty(t, linked.UserErrors)
	require.Equal(t, hanako.id, finishSSO(t, a, visit(t, a, p, "line")).Account.ID)
	require.Equal(t, "SSO_LINKED_ELSEWHERE", linkSSO(t, taro, visit(t, a, p, "line")).UserErrors[0].Code)
	require.Equal(t, "NOT_FOUND", unlinkSSO(t, taro, linked.Link.ID), "not taro's")
	require.Empty(t, unlinkSSO(t, hanako, linked.Link.ID))
	require.Equal(t, "SSO_EMAIL_MISSING", finishSSO(t, a, visit(t, a, p, "line")).code())
	require.Equal(t, "UNAUTHENTICATED", a.Do(t, `mutation($in: FinishSsoInput!) { linkSso(input: $in) { userErrors { code } } }`, back{"t", "s", "c"}.variables()).Code())
}

func TestLoginThatWasNotBegunHereIsRefused(t *testing.T) {
	t.Parallel()
	a, p := startWithSSO(t)
	p.add("hanako", "hanako@example.jp", true)
	p.add("evil", "evil@example.jp", true)
	require.Equal(t, "SSO_PROVIDER_UNKNOWN", startSSO(t, a, "theirs", donePage).UserErrors[0].Code)
	require.Equal(t, "SSO_RETURN_URL_INVALID", startSSO(t, a, "ours", "https://evil.example/").UserErrors[0].Code)
	require.Equal(t, "SSO_RETURN_URL_INVALID", startSSO(t, a, "ours", donePage+"/../steal").UserErrors[0].Code)

	evil, mine := visit(t, a, p, "evil"), startSSO(t, a, "ours", donePage).Started
	require.Equal(t, "SSO_STATE_INVALID", finishSSO(t, a, back{mine.Ticket, evil.state, evil.code}).code(), "another's code and state in my browser")
	require.Equal(t, "SSO_STATE_INVALID", finishSSO(t, a, back{evil.ticket, evil.state + "A", evil.code}).code())
	require.Equal(t, "SSO_STATE_INVALID", finishSSO(t, a, back{evil.ticket, "", evil.code}).code())
	authorization, err := url.Parse(mine.AuthorizationURL)
	require.NoError(t, err)
	require.Equal(t, "S256", authorization.Query().Get("code_challenge_method"))
	require.Equal(t, "SSO_REFUSED", finishSSO(t, a, back{mine.Ticket, authorization.Query().Get("state"), evil.code}).code(), "another's code with my state fails PKCE")
	require.Equal(t, "REQUIRED", finishSSO(t, a, back{mine.Ticket, authorization.Query().Get("state"), ""}).code())

	good := visit(t, a, p, "hanako")
	require.Empty(t, finishSSO(t, a, good).UserErrors)
	require.Equal(t, "SSO_REFUSED", finishSSO(t, a, good).code(), "a code works once")
	p.Close()
	require.Equal(t, "UNAVAILABLE", a.Do(t, `mutation($in: FinishSsoInput!) { finishSso(input: $in) { userErrors { code } } }`, good.variables()).Code())
}

func TestOnePersonWhoComesTwiceAtOnceGetsOneAccount(t *testing.T) {
	t.Parallel()
	a, p := startWithSSO(t)
	p.add("hanako", "hanako@example.jp", true)
	one, two := visit(t, a, p, "hanako"), visit(t, a, p, "hanako")
	answers := make([]loginAnswer, 2)
	var group sync.WaitGroup
	for i, b := range []back{one, two} {
		group.Go(func() { answers[i] = finishSSO(t, a, b) })
	}
	group.Wait()
	require.Empty(t, answers[0].UserErrors)
	require.Empty(t, answers[1].UserErrors)
	require.Equal(t, answers[0].Account.ID, answers[1].Account.ID)
}

func TestPeopleComeBackOnlyToTheShop(t *testing.T) {
	t.Parallel()
	a, _ := startWithSSO(t)
	state := func() string {
		u, err := url.Parse(startSSO(t, a, "ours", donePage).Started.AuthorizationURL)
		require.NoError(t, err)
		return u.Query().Get("state")
	}()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	posted, err := browser.PostForm(a.URL+"/sso/return", url.Values{"state": {state}, "code": {"c&d"}, "user": {"{}"}}) // as Apple does
	require.NoError(t, err)
	posted.Body.Close()
	require.Equal(t, http.StatusSeeOther, posted.StatusCode)
	arrived, err := posted.Location()
	require.NoError(t, err)
	require.Equal(t, donePage, "https://"+arrived.Host+arrived.Path)
	require.Equal(t, url.Values{"state": {state}, "code": {"c&d"}}, arrived.Query())

	refused, err := browser.Get(a.URL + "/sso/return?code=c&state=https://evil.example")
	require.NoError(t, err)
	refused.Body.Close()
	require.Equal(t, http.StatusBadRequest, refused.StatusCode)
	require.Empty(t, refused.Header.Get("Location"))
}
