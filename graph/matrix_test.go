package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/graph"
	"github.com/noren-commerce/noren/graph/generated"
)

var update = flag.Bool("update", false, "write testdata/access.md anew")

const matrixFile = "testdata/access.md"

// matrixIntro heads the file.
const matrixIntro = `# Who may run what

Each root field was asked for by each kind of caller. **yes**: the schema lets the
caller in (what it then finds is the core's to say); **-**: refused. *With* names the
permissions of which one alone lets staff in that has no other.
` + "`go test ./graph -run Matrix -update`" + ` writes this file anew.

`

// caller asks for one field at a time and says whether it was let in.
type caller struct {
	name string
	ask  func(t testing.TB, query string, variables apptest.Variables) apptest.Answer
}

func TestAccessMatrix(t *testing.T) {
	t.Parallel()
	a, s := apptest.Start(t), schema()
	roles := []caller{{"GUEST", func(t testing.TB, q string, v apptest.Variables) apptest.Answer { return a.Do(t, q, v) }}}
	for _, role := range []access.Role{access.RoleMember, access.RoleCompanyBuyer, access.RoleStoreStaff, access.RoleStaff, access.RoleAdmin} {
		roles = append(roles, holder(t, a, string(role), role))
	}
	roles = append(roles, partner(a), caller{"SYSTEM", func(t testing.TB, q string, v apptest.Variables) apptest.Answer {
		return a.DoAs(t, access.System, q, v)
	}})
	var clerks []caller
	for _, p := range access.Permissions {
		clerks = append(clerks, holder(t, a, string(p), access.RoleStaff, p))
	}
	var out bytes.Buffer
	out.WriteString(matrixIntro)
	for _, root := range []*ast.Definition{s.Query, s.Mutation} {
		writeMatrix(t, &out, s, root, roles, clerks)
	}
	if *update {
		require.NoError(t, os.WriteFile(matrixFile, out.Bytes(), 0o600))
	}
	want, err := os.ReadFile(matrixFile)
	require.NoError(t, err)
	require.Equal(t, string(want), out.String(), "who may run what has changed; if that is meant, run with -update and read the difference")
}

// holder is somebody who has logged in, and does so again when a mutation of the
// matrix has ended the session.
func holder(t testing.TB, a *apptest.App, name string, role access.Role, permissions ...access.Permission) caller {
	const password = "correct horse battery"
	in := identity.EnsureInput{Email: strings.ToLower(name) + "@example.jp", Password: password, Name: name, Role: role}
	if len(permissions) > 0 {
		in.Group, in.Permissions = name, permissions
	}
	ctx := access.With(t.Context(), access.System)
	_, _, err := a.App.Accounts.Ensure(ctx, in)
	require.NoError(t, err)
	bearer := func() string {
		grant, err := a.App.Accounts.Login(ctx, identity.LoginInput{Email: in.Email, Password: password})
		require.NoError(t, err)
		return "Bearer " + grant.Grant.AccessToken
	}
	token := bearer()
	return caller{name, func(t testing.TB, q string, v apptest.Variables) apptest.Answer {
		answer := a.Do(t, q, v, "Authorization", token)
		if answer.Code() == string(identity.ErrTokenInvalid.Code) {
			token = bearer()
			answer = a.Do(t, q, v, "Authorization", token)
		}
		return answer
	}}
}

// partner runs operations as if they were registered: the endpoint runs no others
// for partners, and here it is @allow that is asked.
func partner(a *apptest.App) caller {
	exec := executor.New(generated.NewExecutableSchema(generated.Config{Resolvers: a.App.Resolvers, Directives: graph.Directives()}))
	exec.SetErrorPresenter(func(_ context.Context, err error) *gqlerror.Error {
		shown := &gqlerror.Error{Message: err.Error()}
		if faults := fault.All(err); len(faults) > 0 {
			shown.Extensions = map[string]any{"code": string(faults[0].Code)}
		}
		return shown
	})
	return caller{"PARTNER", func(t testing.TB, q string, v apptest.Variables) (answer apptest.Answer) {
		ch, err := a.App.Channels.Resolve(t.Context(), "web", "")
		require.NoError(t, err)
		ctx := access.With(channel.With(t.Context(), ch), access.Actor{Role: access.RolePartner, ID: id.New()})
		ctx = graphql.StartOperationTrace(a.App.Resolvers.WithLoaders(ctx))
		operation, faults := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: q, Variables: v})
		require.Empty(t, faults)
		run, ctx := exec.DispatchOperation(ctx, operation)
		raw, err := json.Marshal(run(ctx))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, &answer))
		return answer
	}}
}

func writeMatrix(t testing.TB, out *bytes.Buffer, s *ast.Schema, root *ast.Definition, roles, clerks []caller) {
	fmt.Fprintf(out, "## %s\n\n| field |", root.Name)
	for _, r := range roles {
		fmt.Fprintf(out, " %s |", r.name)
	}
	fmt.Fprintf(out, " with |\n|---|%s---|\n", strings.Repeat("---|", len(roles)))
	fields := slices.Clone(root.Fields)
	slices.SortFunc(fields, func(a, b *ast.FieldDefinition) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range fields {
		if strings.HasPrefix(f.Name, "__") || takesUpload(s, f) {
			continue
		}
		query, variables := question(s, root, f)
		fmt.Fprintf(out, "| %s |", f.Name)
		staff := false
		for _, r := range roles {
			in := letIn(t, r, f, query, variables)
			staff = staff || in && r.name == "STAFF"
			fmt.Fprintf(out, " %s |", map[bool]string{true: "yes", false: "-"}[in])
		}
		var with []string
		for _, c := range clerks {
			if !staff && letIn(t, c, f, query, variables) {
				with = append(with, c.name)
			}
		}
		fmt.Fprintf(out, " %s |\n", strings.Join(with, ", "))
	}
	out.WriteByte('\n')
}

// letIn asks, and reports whether the schema let the caller in.
func letIn(t testing.TB, c caller, f *ast.FieldDefinition, query string, variables apptest.Variables) bool {
	t.Helper()
	answer := c.ask(t, query, variables)
	code := answer.Code()
	require.NotContains(t, []string{"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "INTERNAL", "UNAVAILABLE", "REGISTERED_OPERATIONS_ONLY", "TOKEN_INVALID"}, code, "%s asks %s: %v", c.name, query, answer.Errors)
	return code != "UNAUTHENTICATED" && code != "FORBIDDEN"
}

// question asks for the field with made-up arguments and as little as can be asked.
func question(s *ast.Schema, root *ast.Definition, f *ast.FieldDefinition) (string, apptest.Variables) {
	variables, declared, given := apptest.Variables{}, []string{}, []string{}
	for _, argument := range f.Arguments {
		if argument.Type.NonNull && argument.DefaultValue == nil {
			variables[argument.Name] = madeUp(s, argument.Type)
			declared = append(declared, "$"+argument.Name+": "+argument.Type.String())
			given = append(given, argument.Name+": $"+argument.Name)
		}
	}
	query := strings.ToLower(root.Name)
	if len(declared) > 0 {
		query += "(" + strings.Join(declared, ", ") + ")"
	}
	query += " { " + f.Name
	if len(given) > 0 {
		query += "(" + strings.Join(given, ", ") + ")"
	}
	if s.Types[f.Type.Name()].IsCompositeType() {
		query += " { __typename }"
	}
	return query + " }", variables
}

// madeUp is some value of the type that noren can read.
func madeUp(s *ast.Schema, typed *ast.Type) any {
	if typed.Elem != nil {
		return []any{}
	}
	definition := s.Types[typed.Name()]
	switch definition.Kind {
	case ast.Enum:
		return definition.EnumValues[0].Name
	case ast.InputObject:
		object := map[string]any{}
		for _, f := range definition.Fields {
			if f.Type.NonNull && f.DefaultValue == nil {
				object[f.Name] = madeUp(s, f.Type)
			}
		}
		return object
	}
	if value, known := madeUpScalars()[definition.Name]; known {
		return value
	}
	return "x"
}

func madeUpScalars() map[string]any {
	return map[string]any{
		"ID": id.Global("Nothing", id.New()), "Int": 1, "Float": 1.5, "Boolean": false, "Decimal": "1",
		"DateTime": "2026-11-23T03:00:00Z", "Date": "2026-11-23", "CurrencyCode": "JPY", "Translations": map[string]any{"ja": "x"},
	}
}

// takesUpload reports whether the field takes a file, which JSON cannot carry.
func takesUpload(s *ast.Schema, f *ast.FieldDefinition) bool {
	for _, argument := range f.Arguments {
		raw, _ := json.Marshal(madeUpNames(s, argument.Type.Name(), 0))
		if strings.Contains(string(raw), `"Upload"`) {
			return true
		}
	}
	return false
}

func madeUpNames(s *ast.Schema, name string, depth int) (names []string) {
	names = append(names, name)
	if d := s.Types[name]; d.Kind == ast.InputObject && depth < 5 {
		for _, f := range d.Fields {
			names = append(names, madeUpNames(s, f.Type.Name(), depth+1)...)
		}
	}
	return names
}
