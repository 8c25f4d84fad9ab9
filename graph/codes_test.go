package graph_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// topLevelCodes are those that never stand in a payload's `userErrors`, and why: what they
// refuse is no mutation.
var topLevelCodes = map[string]string{
	"OPERATION_INVALID":           "of manifests, which the command line registers",
	"PARTNER_CREDENTIALS_INVALID": "no request of the partner is let in",
	"PARTNER_OTHER_BRAND":         "no request of the partner is let into the channel",
	"PARTNER_SCOPE":               "of the endpoint that gives partners tokens (OAuth)",
	"RETURN_LINK_INVALID":         "of links to files, which are opened without GraphQL",
	"SHIPMENT_PAPER_LINK_INVALID": "of links to files, which are opened without GraphQL",
}

// saying are fault's constructors, whose first argument is the code.
var saying = []string{"Invalid", "NotFound", "Conflict", "Forbidden", "Unauthenticated", "Limited", "Unavailable"}

// TestCodesAreInTheSchema compares the codes that the core gives its failures with
// those that the schema declares: UserErrorCode is bound to fault.Code, which is
// written as it is, so a client would read a value that its schema does not have.
func TestCodesAreInTheSchema(t *testing.T) {
	t.Parallel()
	said := saidCodes(t, "core", "resolvers", "storage", "adapters")
	declared := schema().Types["UserErrorCode"].EnumValues
	var unknown, unused []string
	for code, where := range said {
		if declared.ForName(code) == nil && topLevelCodes[code] == "" {
			unknown = append(unknown, code+" at "+where)
		}
	}
	for _, value := range declared {
		if _, ok := said[value.Name]; !ok {
			unused = append(unused, value.Name)
		}
	}
	slices.Sort(unknown)
	assert.Empty(t, unknown, "declare these in UserErrorCode, with a description")
	assert.Empty(t, unused, "nothing says these: take them out of UserErrorCode")
	for code, why := range topLevelCodes {
		require.Contains(t, said, code, why)
		require.Nil(t, declared.ForName(code), "%s is declared: take it off the list", code)
	}
}

// saidCodes are the codes that the Go source gives to fault's constructors or declares
// as a fault.Code, each with a place where it does.
func saidCodes(t *testing.T, roots ...string) map[string]string {
	t.Helper()
	said, files := map[string]string{}, token.NewFileSet()
	for _, root := range roots {
		err := filepath.WalkDir(filepath.Join("..", root), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".generated.go") {
				return err
			}
			src, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(src), "fault") {
				return err
			}
			file, err := parser.ParseFile(files, path, src, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			inFault := file.Name.Name == "fault"
			ast.Inspect(file, func(n ast.Node) bool {
				for _, e := range codesOf(n, inFault) {
					if code, ok := literal(e); ok {
						said[code] = files.Position(e.Pos()).String()
					}
				}
				return true
			})
			return nil
		})
		require.NoError(t, err)
	}
	return said
}

// codesOf are the expressions of a node that are codes.
func codesOf(n ast.Node, inFault bool) []ast.Expr {
	switch n := n.(type) {
	case *ast.CallExpr:
		if name := faultName(n.Fun, inFault); len(n.Args) > 0 && (slices.Contains(saying, name) || name == "Code") {
			return n.Args[:1]
		}
	case *ast.ValueSpec:
		if faultName(n.Type, inFault) == "Code" {
			return n.Values
		}
	}
	return nil
}

// faultName is the name that an expression takes from package fault; empty if from another.
func faultName(e ast.Expr, inFault bool) string {
	switch e := e.(type) {
	case *ast.Ident:
		if inFault {
			return e.Name
		}
	case *ast.SelectorExpr:
		if pkg, ok := e.X.(*ast.Ident); ok && pkg.Name == "fault" {
			return e.Sel.Name
		}
	}
	return ""
}

// literal is the text of a string literal.
func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}
