package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
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
	ask  func(t testing.TB, q asked) apptest.Answer
}

// asked is a question of the matrix. A file, which JSON cannot carry, stands for the
// variable at the path, such as input.file; there is none if the path is empty.
type asked struct {
	query     string
	variables apptest.Variables
	file      string
}

// sent is what a client sends where a file is asked for.
func sent() apptest.File {
	return apptest.File{Name: "x.csv", ContentType: "text/csv", Content: []byte("x\n1\n")}
}

// askedBy asks as somebody with these headers.
func askedBy(t testing.TB, a *apptest.App, q asked, headers ...string) apptest.Answer {
	t.Helper()
	if q.file == "" {
		return a.Do(t, q.query, q.variables, headers...)
	}
	return a.Upload(t, q.query, q.variables, q.file, sent(), append(headers, "X-Noren-CSRF", "1")...)
}

func TestAccessMatrix(t *testing.T) {
	t.Parallel()
	a, s := apptest.Start(t), schema()
	roles := []caller{{"GUEST", func(t testing.TB, q asked) apptest.Answer { return askedBy(t, a, q) }}}
	for _, role := range []access.Role{access.RoleMember, access.RoleCompanyBuyer, access.RoleStoreStaff, access.RoleStaff, access.RoleAdmin} {
		roles = append(roles, holder(t, a, string(role), role))
	}
	roles = append(roles, partner(a), caller{"SYSTEM", func(t testing.TB, q asked) apptest.Answer {
		if q.file != "" {
			return a.UploadAs(t, access.System, q.query, q.variables, q.file, sent())
		}
		return a.DoAs(t, access.System, q.query, q.variables)
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
// matrix has ended the session or the account.
func holder(t testing.TB, a *apptest.App, name string, role access.Role, permissions ...access.Permission) caller {
	const password = "correct horse battery"
	in := identity.EnsureInput{Email: strings.ToLower(name) + "@example.jp", Password: password, Name: name, Role: role}
	if len(permissions) > 0 {
		in.Group, in.Permissions = name, permissions
	}
	ctx := access.With(t.Context(), access.System)
	bearer := func() string {
		_, _, err := a.App.Accounts.Ensure(ctx, in) // a mutation may have erased the account
		require.NoError(t, err)
		grant, err := a.App.Accounts.Login(ctx, identity.LoginInput{Email: in.Email, Password: password})
		require.NoError(t, err)
		return "Bearer " + grant.Grant.AccessToken
	}
	token := bearer()
	return caller{name, func(t testing.TB, q asked) apptest.Answer {
		answer := askedBy(t, a, q, "Authorization", token)
		if answer.Code() == string(identity.ErrTokenInvalid.Code) {
			token = bearer()
			answer = askedBy(t, a, q, "Authorization", token)
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
	return caller{"PARTNER", func(t testing.TB, q asked) (answer apptest.Answer) {
		ch, err := a.App.Channels.Resolve(t.Context(), "web", "")
		require.NoError(t, err)
		ctx := access.With(channel.With(t.Context(), ch), access.Actor{Role: access.RolePartner, ID: id.New()})
		ctx = graphql.StartOperationTrace(a.App.Resolvers.WithLoaders(ctx))
		operation, faults := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: q.query, Variables: q.attached()})
		require.Empty(t, faults)
		run, ctx := exec.DispatchOperation(ctx, operation)
		raw, err := json.Marshal(run(ctx))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, &answer))
		return answer
	}}
}

// attached are the variables with the file in its place, as the endpoint reads a form.
func (q asked) attached() map[string]any {
	if q.file == "" {
		return q.variables
	}
	file := sent()
	return placed(q.variables, strings.Split(q.file, "."), graphql.Upload{
		File: bytes.NewReader(file.Content), Filename: file.Name, Size: int64(len(file.Content)), ContentType: file.ContentType,
	})
}

// placed is a copy of the object with the value at the path.
func placed(object map[string]any, path []string, value any) map[string]any {
	object = maps.Clone(object)
	if len(path) > 1 {
		inner, _ := object[path[0]].(map[string]any)
		value = placed(inner, path[1:], value)
	}
	object[path[0]] = value
	return object
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
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		q := question(s, root, f)
		fmt.Fprintf(out, "| %s |", f.Name)
		staff := false
		for _, r := range roles {
			in := letIn(t, r, q)
			staff = staff || in && r.name == "STAFF"
			fmt.Fprintf(out, " %s |", map[bool]string{true: "yes", false: "-"}[in])
		}
		var with []string
		for _, c := range clerks {
			if !staff && letIn(t, c, q) {
				with = append(with, c.name)
			}
		}
		fmt.Fprintf(out, " %s |\n", strings.Join(with, ", "))
	}
	out.WriteByte('\n')
}

// letIn asks, and reports whether the schema let the caller in.
func letIn(t testing.TB, c caller, q asked) bool {
	t.Helper()
	answer := c.ask(t, q)
	code := answer.Code()
	require.NotContains(t, []string{"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "INTERNAL", "UNAVAILABLE", "REGISTERED_OPERATIONS_ONLY", "TOKEN_INVALID", "CSRF_PREVENTED"}, code, "%s asks %s: %v", c.name, q.query, answer.Errors)
	return code != "UNAUTHENTICATED" && code != "FORBIDDEN"
}

// question asks for the field with made-up arguments and as little as can be asked.
func question(s *ast.Schema, root *ast.Definition, f *ast.FieldDefinition) asked {
	variables, declared, given, file := apptest.Variables{}, []string{}, []string{}, ""
	for _, argument := range f.Arguments {
		if argument.Type.NonNull && argument.DefaultValue == nil {
			variables[argument.Name] = madeUp(s, argument.Type)
			declared = append(declared, "$"+argument.Name+": "+argument.Type.String())
			given = append(given, argument.Name+": $"+argument.Name)
			if path := uploadIn(s, argument.Type); path != nil {
				file = argument.Name + *path
			}
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
	return asked{query + " }", variables, file}
}

// uploadIn is where in a value of the type a file is wanted; nil if nowhere.
func uploadIn(s *ast.Schema, typed *ast.Type) *string {
	path := ""
	if typed.Name() == "Upload" {
		return &path
	}
	for _, f := range s.Types[typed.Name()].Fields {
		if !f.Type.NonNull || f.DefaultValue != nil || s.Types[typed.Name()].Kind != ast.InputObject {
			continue
		}
		if inner := uploadIn(s, f.Type); inner != nil {
			path = "." + f.Name + *inner
			return &path
		}
	}
	return nil
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
	if definition.Name == "Upload" {
		return nil // the file takes its place
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
