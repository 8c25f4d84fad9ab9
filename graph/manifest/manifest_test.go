package manifest_test

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/noren-commerce/noren/graph/generated"
	"github.com/noren-commerce/noren/graph/manifest"
)

func toy() *ast.Schema {
	return gqlparser.MustLoadSchema(&ast.Source{Input: `type Query { shop: Shop } type Shop { name: String city: String next: Shop }`})
}

func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m["app/"+pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

func TestEachOperationCarriesTheFragmentsItUses(t *testing.T) {
	t.Parallel()
	operations, err := manifest.Read(files(
		"fragments.graphql", "fragment Name on Shop { name next { ...City } } fragment City on Shop { city } fragment Other on Shop { name }",
		"b.graphql", "query B { shop { ...Name } }", "deep/a.graphql", "query A { shop { name } }", "notes.txt", "{",
	), "app", toy())
	require.NoError(t, err)
	require.Len(t, operations, 2)
	require.Equal(t, "A", operations[0].Name)
	require.NotContains(t, operations[0].Body, "fragment")
	require.Contains(t, operations[1].Body, "fragment City")
	require.Contains(t, operations[1].Body, "fragment Name")
	require.NotContains(t, operations[1].Body, "Other")
	require.Len(t, operations[1].ID, 64)
	require.NoError(t, manifest.Check(toy())(operations[1].Body))
}

func TestWhatDoesNotFitTheSchemaIsNamedWithFileAndLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"query A {\n shop { colour } }":           "app/x.graphql:2",
		"{ shop { name } }":                       "name of its own",
		"query A { shop { ...Gone } }":            "Gone",
		"query A { shop { name }":                 "app/x.graphql",
		"query A{shop{name}} query A{shop{city}}": "name of its own",
	} {
		_, err := manifest.Read(files("x.graphql", text), "app", toy())
		require.ErrorContains(t, err, want, text)
	}
}

func TestBothFormatsAreReadBack(t *testing.T) {
	t.Parallel()
	operations, err := manifest.Read(files("a.graphql", "query A { shop { name } } query B { shop { city } }"), "app", toy())
	require.NoError(t, err)
	apollo, err := manifest.Apollo(operations)
	require.NoError(t, err)
	relay, err := manifest.Relay(operations)
	require.NoError(t, err)
	for _, raw := range [][]byte{apollo, relay} {
		again, err := manifest.Parse(raw)
		require.NoError(t, err)
		require.Equal(t, operations, again)
	}
	for _, raw := range []string{"", "[]", `{"format":"apollo-persisted-query-manifest","version":2}`, `{"format":"x"}`, `{"a":"{"}`} {
		_, err := manifest.Parse([]byte(raw))
		require.Error(t, err, raw)
	}
}

func TestTheClientsManifestsAreFresh(t *testing.T) {
	t.Parallel()
	root := os.DirFS("../../clients")
	clients, err := os.ReadDir("../../clients")
	require.NoError(t, err)
	require.NotEmpty(t, clients)
	for _, client := range clients {
		if !client.IsDir() {
			continue
		}
		operations, err := manifest.Read(root, client.Name(), generated.NewExecutableSchema(generated.Config{}).Schema())
		require.NoError(t, err)
		raw, err := manifest.Apollo(operations)
		require.NoError(t, err)
		kept, err := os.ReadFile("../../clients/" + client.Name() + "/persisted-query-manifest.json")
		require.NoError(t, err)
		require.Equal(t, string(raw), string(kept), "run: noren operations build")
	}
}
