package graph_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/graph/generated"
)

func schema() *ast.Schema { return generated.NewExecutableSchema(generated.Config{}).Schema() }

// rootFields are the fields of the operation types, introspection left out.
func rootFields(s *ast.Schema) map[string]ast.FieldList {
	fields := map[string]ast.FieldList{}
	for _, root := range []*ast.Definition{s.Query, s.Mutation, s.Subscription} {
		if root == nil {
			continue
		}
		for _, f := range root.Fields {
			if !strings.HasPrefix(f.Name, "__") {
				fields[root.Name] = append(fields[root.Name], f)
			}
		}
	}
	return fields
}

// allowed is what an @allow says.
type allowed struct {
	anyone             bool
	roles, permissions []string
}

func allowOf(t testing.TB, f *ast.FieldDefinition) (a allowed, decided bool) {
	d := f.Directives.ForName("allow")
	if d == nil {
		return a, false
	}
	for _, argument := range d.Arguments {
		value, err := argument.Value.Value(nil)
		require.NoError(t, err)
		switch argument.Name {
		case "anyone":
			a.anyone = value.(bool)
		case "roles":
			a.roles = texts(value)
		case "permissions":
			a.permissions = texts(value)
		}
	}
	return a, a.anyone || len(a.roles)+len(a.permissions) > 0
}

func texts(list any) (all []string) {
	for _, v := range list.([]any) {
		all = append(all, v.(string))
	}
	return all
}

func TestEveryRootFieldIsDecided(t *testing.T) {
	t.Parallel()
	for root, fields := range rootFields(schema()) {
		for _, f := range fields {
			_, decided := allowOf(t, f)
			require.True(t, decided, "%s.%s has no @allow that lets anybody in", root, f.Name)
		}
	}
}

// guarded are names of fields that shoppers must not read, wherever they stand.
var guarded = regexp.MustCompile(`(?i)cost|internal|margin|onHand|reserved|incoming|stockLevel|freePieces|movement|secret|password`)

// unguarded are fields whose name sounds so and that are no secret, or that stand
// in a type that only guarded fields lead to.
var unguarded = map[string]string{
	"TotpEnrolment.secret":         "the owner's own, shown at set-up",
	"PayOrderPayload.clientSecret": "what the payer's browser needs",
	"SaveCardPayload.clientSecret": "what the card holder's browser needs",
}

func TestWhatShoppersMustNotSeeIsGuarded(t *testing.T) {
	t.Parallel()
	require.Empty(t, exposed(t, schema()))

	careless := schema()
	for _, name := range []string{"Order", "Product"} {
		careless.Types[name].Fields.ForName("internalNote").Directives = nil
	}
	require.Equal(t, []string{"Order.internalNote", "Product.internalNote"}, exposed(t, careless), "the test sees what is missing")
}

// exposed are the fields that sound like staff's own and are open to shoppers, and
// the exceptions that are none any more.
func exposed(t testing.TB, s *ast.Schema) (names []string) {
	roots, reached, excused := rootFields(s), reachable(t, s, string(access.RoleMember)), map[string]bool{}
	for _, definition := range s.Types {
		if !reached[definition.Name] || roots[definition.Name] != nil || definition.Kind == ast.InputObject {
			continue
		}
		for _, f := range definition.Fields {
			name := definition.Name + "." + f.Name
			if !guarded.MatchString(f.Name) {
				continue
			}
			a, decided := allowOf(t, f)
			open := !decided || a.anyone || slices.Contains(a.roles, "GUEST") || slices.Contains(a.roles, "MEMBER")
			if open && unguarded[name] == "" {
				names = append(names, name)
			}
			excused[name] = open
		}
	}
	for name := range unguarded {
		if !excused[name] {
			names = append(names, name+" needs no exception")
		}
	}
	slices.Sort(names)
	return names
}

// reachable are the types that the role can come to see from the root.
func reachable(t testing.TB, s *ast.Schema, role string) map[string]bool {
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		definition := s.Types[name]
		if seen[name] || definition == nil {
			return
		}
		seen[name] = true
		for _, possible := range s.GetPossibleTypes(definition) {
			visit(possible.Name)
		}
		for _, f := range definition.Fields {
			a, decided := allowOf(t, f)
			if !decided || a.anyone || slices.Contains(a.roles, role) {
				visit(f.Type.Name())
			}
		}
	}
	for root := range rootFields(s) {
		visit(root)
	}
	return seen
}
