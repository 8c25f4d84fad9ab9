package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

func TestHostileOperationsAreRefused(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	var aliases strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&aliases, "a%d:__typename ", i)
	}
	deep := "{node(id:\"x\"){...on Category{" + strings.Repeat("parent{", 50) + "id" + strings.Repeat("}", 50) + "}}}"
	for query, code := range map[string]string{
		deep:                         "QUERY_TOO_DEEP",
		"{" + aliases.String() + "}": "TOO_MANY_TOKENS",
		"{...A} fragment A on Query{...B} fragment B on Query{...A}":          "FRAGMENT_CYCLE",
		"{products(first:100){nodes{" + many("a%d:variants{sku}", 40) + "}}}": "QUERY_TOO_COSTLY",
		"{" + many("a%d:products(first:1){nodes{id}}", 31) + "}":              "TOO_MANY_ROOT_FIELDS",
		"{products(first:1){... @defer{nodes{id}}}}":                          "DEFER_NOT_SUPPORTED",
		"query($n:Int){products(first:$n){nodes{id}}} query b{__typename}":    "GRAPHQL_VALIDATION_FAILED",
		"{": "GRAPHQL_PARSE_FAILED",
		"{product(slug:\"" + strings.Repeat("x", 2<<20) + "\"){id}}": "BODY_TOO_LARGE",
	} {
		answer := a.Do(t, query, nil)
		require.Equal(t, code, answer.Code(), query[:min(len(query), 80)])
		require.Empty(t, answer.Data)
	}
}

func many(field string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, field+" ", i)
	}
	return b.String()
}

func TestPagesOfOtherSitesMayCallOnlyWhenNamed(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	answer := a.Do(t, "{__typename}", nil, "Origin", "https://evil.example")
	require.Empty(t, answer.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
	require.Contains(t, answer.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	require.Equal(t, "no-referrer", answer.Header.Get("Referrer-Policy"))
	require.Empty(t, answer.Header.Get("Strict-Transport-Security"))
	require.Equal(t, http.StatusOK, answer.Status)
}

func TestUnknownChannelIsAGraphQLError(t *testing.T) {
	t.Parallel()
	answer := apptest.Start(t).Do(t, "{__typename}", nil, "X-Noren-Channel", "nowhere")
	require.Equal(t, http.StatusNotFound, answer.Status)
	require.Equal(t, "NOT_FOUND", answer.Code())
}

func TestIntrospectionIsForStaffInProduction(t *testing.T) {
	t.Parallel()
	public := apptest.Start(t, func(c *app.Config) { c.Dev = false })
	require.Equal(t, "INTROSPECTION_DISABLED", public.Do(t, "{__schema{types{name}}}", nil).Code())
	require.NotContains(t, public.Do(t, "{productz{id}}", nil).Errors[0].Message, "products")
	dev := apptest.Start(t)
	require.Empty(t, dev.Do(t, "{__schema{types{name}}}", nil).Errors)
}
