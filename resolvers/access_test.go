package resolvers_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/graph/generated"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func schema() *ast.Schema { return generated.NewExecutableSchema(generated.Config{}).Schema() }

// roots are the fields by which a client enters the schema.
func roots() []*ast.FieldDefinition {
	var all []*ast.FieldDefinition
	s := schema()
	for _, root := range []*ast.Definition{s.Query, s.Mutation, s.Subscription} {
		if root == nil {
			continue
		}
		for _, f := range root.Fields {
			if !strings.HasPrefix(f.Name, "__") {
				all = append(all, f)
			}
		}
	}
	return all
}

func TestEveryRootFieldDecidesWhoMayUseIt(t *testing.T) {
	t.Parallel()
	for _, f := range roots() {
		allow := f.Directives.ForName("allow")
		if !isDecided(allow) {
			t.Errorf("%s has no @allow that lets anyone in: deny is the default, so say who may", f.Name)
		}
	}
}

// isDecided reports whether the directive names anybody.
func isDecided(allow *ast.Directive) bool {
	if allow == nil {
		return false
	}
	for _, argument := range allow.Arguments {
		if argument.Value.Raw == "true" || len(argument.Value.Children) > 0 {
			return true
		}
	}
	return false
}

// guardedNames are words of fields that are never everybody's.
var guardedNames = []string{"cost", "internalNote", "onHand", "reserved", "incoming", "translations", "passwordHash"}

func TestFieldsOfTheBackRoomAreGuarded(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, definition := range schema().Types {
		if definition.Kind != ast.Object || definition.BuiltIn {
			continue
		}
		for _, f := range definition.Fields {
			if !slices.Contains(guardedNames, f.Name) {
				continue
			}
			seen++
			if !isDecided(f.Directives.ForName("allow")) && !onlyReachedByStaff(definition.Name) {
				t.Errorf("%s.%s is of the back room and has no @allow", definition.Name, f.Name)
			}
		}
	}
	require.Positive(t, seen)
}

// onlyReachedByStaff reports whether no field without a guard leads to the type.
func onlyReachedByStaff(name string) bool {
	for _, definition := range schema().Types {
		for _, f := range definition.Fields {
			if f.Type.Name() == name && !isDecided(f.Directives.ForName("allow")) && !strings.HasSuffix(definition.Name, "Payload") &&
				!strings.HasSuffix(definition.Name, "Edge") && !strings.HasSuffix(definition.Name, "Connection") {
				return false
			}
		}
	}
	return true
}

func TestEverythingIsDescribed(t *testing.T) {
	t.Parallel()
	for _, definition := range schema().Types {
		if definition.BuiltIn || strings.HasPrefix(definition.Name, "__") || (definition.Position != nil && definition.Position.Src.BuiltIn) {
			continue
		}
		require.NotEmpty(t, definition.Description, definition.Name)
		for _, f := range definition.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			require.NotEmpty(t, f.Description, "%s.%s", definition.Name, f.Name)
			for _, a := range f.Arguments {
				require.NotEmpty(t, a.Description, "%s.%s(%s:)", definition.Name, f.Name, a.Name)
			}
		}
		for _, v := range definition.EnumValues {
			require.NotEmpty(t, v.Description, "%s.%s", definition.Name, v.Name)
		}
	}
}

// columns are the callers of the matrix.
func columns() []access.Actor {
	var all []access.Actor
	for _, role := range access.Roles {
		all = append(all, access.Actor{Role: role, ID: id.New()})
	}
	all[0].ID = access.Guest.ID
	return append(all, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: access.Permissions})
}

func title(a access.Actor) string {
	if len(a.Permissions) > 0 {
		return "STAFF with every permission"
	}
	return string(a.Role)
}

// TestRoleMatrix asks every root field as every role and holds who came in
// against docs/access.md, which a person reviews when it changes.
func TestRoleMatrix(t *testing.T) {
	t.Parallel()
	actors := columns()
	admitted := map[string]map[string]bool{}
	a := apptest.Start(t)
	for _, f := range roots() {
		admitted[f.Name] = map[string]bool{}
		for _, actor := range actors {
			admitted[f.Name][title(actor)] = enters(t, a, actor, f)
		}
	}
	golden := filepath.Join("..", "docs", "access.md")
	got := matrix(actors, admitted)
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "who may use what has changed: review it and run the test with -update")
}

// enters reports whether the door lets the actor in, whatever waits behind it.
func enters(t *testing.T, a *apptest.App, actor access.Actor, f *ast.FieldDefinition) bool {
	kind := "query"
	if schema().Mutation.Fields.ForName(f.Name) != nil {
		kind = "mutation"
	}
	if s := schema().Subscription; s != nil && s.Fields.ForName(f.Name) != nil {
		kind = "subscription"
	}
	if kind == "subscription" || needsUpload(f) { // no stream is opened here, no file sent
		return declared(actor, f.Directives.ForName("allow"))
	}
	if actor.Role == access.RolePartner { // a partner runs registered operations only
		refused := a.DoAs(t, actor, "{ __typename }", nil)
		require.NotEmpty(t, refused.Errors)
		return declared(actor, f.Directives.ForName("allow"))
	}
	answer := a.DoAs(t, actor, kind+" { "+f.Name+arguments(f.Arguments)+selection(f.Type)+" }", nil)
	for _, e := range answer.Errors {
		if code := e.Extensions["code"]; (code == "UNAUTHENTICATED" || code == "FORBIDDEN") && len(e.Path) == 1 {
			return false
		}
	}
	return true
}

func needsUpload(f *ast.FieldDefinition) bool {
	for _, a := range f.Arguments {
		if d := schema().Types[a.Type.Name()]; d != nil {
			for _, in := range d.Fields {
				if in.Type.Name() == "Upload" && in.Type.NonNull {
					return true
				}
			}
		}
	}
	return false
}

func declared(actor access.Actor, allow *ast.Directive) bool {
	has := func(argument, value string) bool {
		a := allow.Arguments.ForName(argument)
		return a != nil && slices.ContainsFunc(a.Value.Children, func(c *ast.ChildValue) bool { return c.Value.Raw == value })
	}
	if anyone := allow.Arguments.ForName("anyone"); anyone != nil && anyone.Value.Raw == "true" {
		return true
	}
	return has("roles", string(actor.Role)) || slices.ContainsFunc(access.Permissions, func(p access.Permission) bool {
		return actor.May(p) && has("permissions", string(p))
	})
}

// arguments are literals for what an operation cannot leave out.
func arguments(list ast.ArgumentDefinitionList) string {
	var all []string
	for _, a := range list {
		if a.Type.NonNull && a.DefaultValue == nil {
			all = append(all, a.Name+": "+literal(a.Type))
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "(" + strings.Join(all, ", ") + ")"
}

func literal(t *ast.Type) string {
	if t.Elem != nil {
		return "[]"
	}
	switch t.Name() {
	case "ID":
		return fmt.Sprintf("%q", id.Global("Nothing", id.New()))
	case "Int":
		return "1"
	case "Float", "Decimal":
		return `"1"`
	case "Boolean":
		return "true"
	case "DateTime":
		return `"2026-11-23T00:00:00Z"`
	case "Date":
		return `"2026-11-23"`
	}
	d := schema().Types[t.Name()]
	switch d.Kind {
	case ast.Enum:
		return d.EnumValues[0].Name
	case ast.InputObject:
		var all []string
		for _, f := range d.Fields {
			if f.Type.NonNull && f.DefaultValue == nil {
				all = append(all, f.Name+": "+literal(f.Type))
			}
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	return `"nothing-of-the-kind"`
}

func selection(t *ast.Type) string {
	switch schema().Types[t.Name()].Kind {
	case ast.Object, ast.Interface, ast.Union:
		return " { __typename }"
	}
	return ""
}

// matrix draws who may use which field.
func matrix(actors []access.Actor, admitted map[string]map[string]bool) string {
	var b strings.Builder
	b.WriteString("# Who may use what\n\nEvery field by which a client enters the schema, asked as every role. A test keeps this table (`go test ./resolvers -run RoleMatrix -update` rewrites it). Whose order, cart or profile it is, the core checks behind the door. Partners come in by registered operations only.\n\n| field |")
	for _, a := range actors {
		b.WriteString(" " + title(a) + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat(":-:|", len(actors)) + "\n")
	for _, f := range roots() {
		b.WriteString("| `" + f.Name + "` |")
		for _, a := range actors {
			if admitted[f.Name][title(a)] {
				b.WriteString(" ● |")
			} else {
				b.WriteString("  |")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
