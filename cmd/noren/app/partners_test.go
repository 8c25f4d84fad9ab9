package app_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/operation"
)

func partnerStaff() access.Actor {
	return access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PartnerWrite, access.InventoryRead, access.CatalogRead}}
}

type issuedKey struct {
	Key    struct{ ID, Prefix string }
	Secret string
}

// makePartner creates a partner with a key, as staff do.
func makePartner(t *testing.T, a *apptest.App, rate int, permissions ...string) (partnerID string, key issuedKey) {
	t.Helper()
	if permissions == nil {
		permissions = []string{}
	}
	var made struct {
		CreatePartner struct {
			Partner    struct{ ID string }
			UserErrors []struct{ Code string }
		}
	}
	a.DoAs(t, partnerStaff(), `mutation($p: [Permission!]!, $r: Int!) { createPartner(input: {name: "倉庫連携", permissions: $p, ratePerMinute: $r}) {
		partner { id } userErrors { code } } }`, apptest.Variables{"p": permissions, "r": rate}).Into(t, &made)
	require.Empty(t, made.CreatePartner.UserErrors)
	var issued struct{ IssuePartnerKey issuedKey }
	a.DoAs(t, partnerStaff(), `mutation($id: ID!) { issuePartnerKey(input: {partnerId: $id}) { key { id prefix } secret userErrors { code } } }`,
		apptest.Variables{"id": made.CreatePartner.Partner.ID}).Into(t, &issued)
	require.True(t, strings.HasPrefix(issued.IssuePartnerKey.Secret, issued.IssuePartnerKey.Key.Prefix+"."))
	return made.CreatePartner.Partner.ID, issued.IssuePartnerKey
}

const partnerShelf = `query PartnerShelf { products(first: 5) { nodes { slug } } }`

func partnerShop(t *testing.T) *apptest.App {
	t.Helper()
	a := apptest.Start(t)
	a.AddProduct(t, "leash", 1980)
	register(t, a, "partner",
		operation.Operation{ID: "shelf", Name: "PartnerShelf", Kind: "query", Source: partnerShelf},
		operation.Operation{ID: "notes", Name: "Notes", Kind: "query", Source: `query Notes { products(first: 1) { nodes { internalNote } } }`})
	register(t, a, "app", operation.Operation{ID: "app-only", Name: "Shelf", Kind: "query", Source: shelf})
	return a
}

func run(t *testing.T, a *apptest.App, id string, headers ...string) apptest.Answer {
	t.Helper()
	return raw(t, a, map[string]any{"documentId": id}, headers...)
}

func TestPartnersRunTheirRegisteredOperationsOnly(t *testing.T) {
	t.Parallel()
	a := partnerShop(t)
	_, key := makePartner(t, a, 600)
	bearer := []string{"Authorization", "Bearer " + key.Secret}
	for _, headers := range [][]string{bearer, {"X-API-Key", key.Secret}} {
		answer := run(t, a, "shelf", headers...)
		require.Empty(t, answer.Errors)
		require.Contains(t, string(answer.Data), "leash")
		require.Equal(t, `"partner";q=600;w=60`, answer.Header.Get("RateLimit-Policy"))
		require.Contains(t, answer.Header.Get("RateLimit"), `"partner";r=`)
	}
	adHoc := a.Do(t, partnerShelf, nil, bearer...)
	require.Equal(t, http.StatusForbidden, adHoc.Status)
	require.Equal(t, "REGISTERED_OPERATIONS_ONLY", adHoc.Code())
	require.Equal(t, "PERSISTED_QUERY_NOT_FOUND", run(t, a, "app-only", bearer...).Code(), "another client's operation")
	require.Equal(t, "FORBIDDEN", run(t, a, "notes", bearer...).Code(), "it lacks the permission")
	_, reader := makePartner(t, a, 600, "CATALOG_READ")
	require.Empty(t, run(t, a, "notes", "X-API-Key", reader.Secret).Errors)
}

func TestWrongCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	a := partnerShop(t)
	_, key := makePartner(t, a, 600)
	for _, credential := range []string{"pk_", "pk_nobody.secret", key.Key.Prefix, key.Key.Prefix + ".", key.Secret + "x", key.Key.Prefix + "." + strings.Repeat("A", 43), "pt_unknown", "nonsense"} {
		answer := run(t, a, "shelf", "X-API-Key", credential)
		require.Equal(t, http.StatusUnauthorized, answer.Status, credential)
		require.Equal(t, "PARTNER_CREDENTIALS_INVALID", answer.Code(), credential)
	}
}

func TestPartnersAreLimited(t *testing.T) {
	t.Parallel()
	a := partnerShop(t)
	_, slow := makePartner(t, a, 6) // one at once, then one in ten seconds
	_, other := makePartner(t, a, 6)
	require.Empty(t, run(t, a, "shelf", "X-API-Key", slow.Secret).Errors)
	limited := run(t, a, "shelf", "X-API-Key", slow.Secret)
	require.Equal(t, http.StatusTooManyRequests, limited.Status)
	require.Equal(t, "RATE_LIMITED", limited.Code())
	require.NotEmpty(t, limited.Header.Get("Retry-After"))
	require.Empty(t, run(t, a, "shelf", "X-API-Key", other.Secret).Errors, "each partner has its own count")
}

func TestRotatedKeysWorkForTheirGrace(t *testing.T) {
	t.Parallel()
	a := partnerShop(t)
	partnerID, key := makePartner(t, a, 600)
	rotate := func(keyID string, hours int) issuedKey {
		var got struct {
			RotatePartnerKey struct {
				issuedKey
				UserErrors []struct{ Code string }
			}
		}
		a.DoAs(t, partnerStaff(), `mutation($id: ID!, $h: Int!) { rotatePartnerKey(input: {keyId: $id, graceHours: $h}) { key { id prefix } secret userErrors { code } } }`,
			apptest.Variables{"id": keyID, "h": hours}).Into(t, &got)
		require.Empty(t, got.RotatePartnerKey.UserErrors)
		return got.RotatePartnerKey.issuedKey
	}
	second := rotate(key.Key.ID, 24)
	require.Equal(t, http.StatusOK, run(t, a, "shelf", "X-API-Key", key.Secret).Status)
	require.Equal(t, http.StatusOK, run(t, a, "shelf", "X-API-Key", second.Secret).Status)
	third := rotate(second.Key.ID, 0)
	require.Equal(t, http.StatusUnauthorized, run(t, a, "shelf", "X-API-Key", second.Secret).Status)
	require.Equal(t, http.StatusOK, run(t, a, "shelf", "X-API-Key", third.Secret).Status)

	a.DoAs(t, partnerStaff(), `mutation($id: ID!) { revokePartnerKey(input: {keyId: $id}) { key { revokedAt } userErrors { code } } }`, apptest.Variables{"id": third.Key.ID})
	require.Equal(t, http.StatusUnauthorized, run(t, a, "shelf", "X-API-Key", third.Secret).Status)
	a.DoAs(t, partnerStaff(), `mutation($id: ID!) { closePartner(input: {partnerId: $id}) { userErrors { code } } }`, apptest.Variables{"id": partnerID})
	require.Equal(t, http.StatusUnauthorized, run(t, a, "shelf", "X-API-Key", key.Secret).Status)

	var list struct {
		Partners []struct {
			ClosedAt *string
			Keys     []struct{ Prefix, LastUsedAt *string }
		}
	}
	a.DoAs(t, partnerStaff(), `{ partners { closedAt keys { prefix lastUsedAt } } }`, nil).Into(t, &list)
	require.NotNil(t, list.Partners[0].ClosedAt)
	require.Len(t, list.Partners[0].Keys, 3)
	require.NotNil(t, list.Partners[0].Keys[2].LastUsedAt)
}

func TestPartnersAreKeptByThoseWhoMay(t *testing.T) {
	t.Parallel()
	a := partnerShop(t)
	create := func(actor access.Actor, input string) string {
		answer := a.DoAs(t, actor, `mutation { createPartner(input: `+input+`) { partner { id } userErrors { code } } }`, nil)
		var got struct {
			CreatePartner struct {
				Partner    *struct{ ID string }
				UserErrors []struct{ Code string }
			}
		}
		if len(answer.Errors) > 0 {
			return "refused"
		}
		answer.Into(t, &got)
		if len(got.CreatePartner.UserErrors) == 0 {
			return ""
		}
		require.Nil(t, got.CreatePartner.Partner)
		return got.CreatePartner.UserErrors[0].Code
	}
	staff := partnerStaff()
	require.Equal(t, "refused", create(access.Guest, `{name: "a"}`))
	require.Equal(t, "refused", create(access.Actor{Role: access.RoleStaff, Permissions: []access.Permission{access.CatalogWrite}}, `{name: "a"}`))
	require.Equal(t, "REQUIRED", create(staff, `{name: " "}`))
	require.Equal(t, "TOO_LONG", create(staff, `{name: "`+strings.Repeat("あ", 201)+`"}`))
	require.Equal(t, "PARTNER_RATE", create(staff, `{name: "a", ratePerMinute: 0}`))
	require.Equal(t, "PARTNER_RATE", create(staff, `{name: "a", ratePerMinute: 60001}`))
	require.Equal(t, "PARTNER_GRANT", create(staff, `{name: "a", permissions: [ORDER_READ]}`), "staff do not hold it")
	require.Equal(t, "PARTNER_GRANT", create(access.Actor{Role: access.RoleAdmin}, `{name: "a", permissions: [PARTNER_WRITE]}`))
	require.Empty(t, create(staff, `{name: "a", permissions: [INVENTORY_READ]}`))
}

// askToken asks the token endpoint.
func askToken(t *testing.T, a *apptest.App, form url.Values, basic ...string) (int, http.Header, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+"/oauth/token", strings.NewReader(form.Encode()))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if len(basic) == 2 {
		request.SetBasicAuth(basic[0], basic[1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var body map[string]any
	require.NoError(t, json.NewDecoder(response.Body).Decode(&body))
	return response.StatusCode, response.Header, body
}

func TestClientCredentialsGetATokenWithTheScopesAsked(t *testing.T) {
	t.Parallel()
	a := partnerShop(t)
	_, key := makePartner(t, a, 600, "CATALOG_READ", "INVENTORY_READ")
	_, secret, _ := strings.Cut(key.Secret, ".")
	grant := url.Values{"grant_type": {"client_credentials"}}

	status, header, body := askToken(t, a, grant, key.Key.Prefix, secret)
	require.Equal(t, http.StatusOK, status, body)
	require.Equal(t, "no-store", header.Get("Cache-Control"))
	require.Equal(t, "Bearer", body["token_type"])
	require.EqualValues(t, 3600, body["expires_in"])
	require.Equal(t, "CATALOG_READ INVENTORY_READ", body["scope"])
	require.Empty(t, run(t, a, "notes", "Authorization", "Bearer "+body["access_token"].(string)).Errors)

	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"INVENTORY_READ"}, "client_id": {key.Key.Prefix}, "client_secret": {key.Secret}}
	status, _, body = askToken(t, a, form)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "INVENTORY_READ", body["scope"])
	narrow := "Bearer " + body["access_token"].(string)
	require.Equal(t, "FORBIDDEN", run(t, a, "notes", "Authorization", narrow).Code())
	require.Empty(t, run(t, a, "shelf", "Authorization", narrow).Errors)

	a.DoAs(t, partnerStaff(), `mutation($id: ID!) { revokePartnerKey(input: {keyId: $id}) { userErrors { code } } }`, apptest.Variables{"id": key.Key.ID})
	require.Equal(t, http.StatusUnauthorized, run(t, a, "shelf", "Authorization", narrow).Status, "a token ends with its key")
}

func TestTokenRequestsThatAreWrong(t *testing.T) {
	t.Parallel()
	a := partnerShop(t)
	_, key := makePartner(t, a, 600)
	_, secret, _ := strings.Cut(key.Secret, ".")
	for name, c := range map[string]struct {
		form   url.Values
		basic  []string
		status int
		code   string
	}{
		"no grant":      {url.Values{}, []string{key.Key.Prefix, secret}, 400, "invalid_request"},
		"other grant":   {url.Values{"grant_type": {"password"}}, []string{key.Key.Prefix, secret}, 400, "unsupported_grant_type"},
		"twice":         {url.Values{"grant_type": {"client_credentials", "client_credentials"}}, nil, 400, "invalid_request"},
		"two ways":      {url.Values{"grant_type": {"client_credentials"}, "client_secret": {secret}}, []string{key.Key.Prefix, secret}, 400, "invalid_request"},
		"nobody":        {url.Values{"grant_type": {"client_credentials"}}, nil, 401, "invalid_client"},
		"wrong secret":  {url.Values{"grant_type": {"client_credentials"}}, []string{key.Key.Prefix, secret + "x"}, 401, "invalid_client"},
		"scope not had": {url.Values{"grant_type": {"client_credentials"}, "scope": {"ORDER_READ"}}, []string{key.Key.Prefix, secret}, 400, "invalid_scope"},
		"scope unknown": {url.Values{"grant_type": {"client_credentials"}, "scope": {"everything"}}, []string{key.Key.Prefix, secret}, 400, "invalid_scope"},
		"too large":     {url.Values{"grant_type": {"client_credentials"}, "x": {strings.Repeat("x", 20<<10)}}, nil, 400, "invalid_request"},
	} {
		status, header, body := askToken(t, a, c.form, c.basic...)
		require.Equal(t, c.status, status, name)
		require.Equal(t, c.code, body["error"], name)
		if status == http.StatusUnauthorized {
			require.Contains(t, header.Get("WWW-Authenticate"), "Basic", name)
		}
	}
}

func TestPartnersStayWithTheirBrand(t *testing.T) {
	t.Parallel()
	a := partnerShop(t)
	_, key := makePartner(t, a, 600)
	ctx := t.Context()
	for _, sql := range []string{
		`INSERT INTO brands (id, code, name) VALUES ('00000000-0000-7000-8000-000000000001', 'nyan', '{"ja":"にゃんこ堂"}')`,
		`INSERT INTO price_lists (id, brand_id, code, name, currency, tax_inclusive) VALUES ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', 'standard', '{"ja":"標準"}', 'JPY', true)`,
		`INSERT INTO channels (id, brand_id, code, name, currency, price_list_id) VALUES ('00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-000000000001', 'nyan', '{"ja":"にゃん"}', 'JPY', '00000000-0000-7000-8000-000000000002')`,
	} {
		_, err := a.DB.Pool().Exec(ctx, sql)
		require.NoError(t, err)
	}
	fresh, err := app.New(a.App.Config, a.DB, clock.System) // the first one has read the channels already
	require.NoError(t, err)
	web := httptest.NewServer(fresh.Handler())
	t.Cleanup(web.Close)
	second := &apptest.App{Shop: a.Shop, App: fresh, URL: web.URL}
	require.Equal(t, http.StatusOK, run(t, second, "shelf", "X-API-Key", key.Secret, "X-Noren-Channel", "web").Status)
	other := run(t, second, "shelf", "X-API-Key", key.Secret, "X-Noren-Channel", "nyan")
	require.Equal(t, http.StatusForbidden, other.Status)
	require.Equal(t, "PARTNER_OTHER_BRAND", other.Code())
}

func TestPartnersOpenNoSockets(t *testing.T) {
	t.Parallel()
	a := partnerShop(t)
	_, key := makePartner(t, a, 600)
	_, response, err := websocket.Dial(t.Context(), a.URL+"/graphql", &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{"X-Api-Key": {key.Secret}},
	})
	require.Error(t, err)
	require.Equal(t, http.StatusForbidden, response.StatusCode)
	_ = response.Body.Close()
	conn, response, err := websocket.Dial(t.Context(), a.URL+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	require.NoError(t, err)
	if response.Body != nil {
		_ = response.Body.Close()
	}
	require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"connection_init","payload":{"Authorization":"Bearer `+key.Secret+`"}}`)))
	_, _, err = conn.Read(t.Context())
	require.EqualValues(t, 4403, websocket.CloseStatus(err))
}
