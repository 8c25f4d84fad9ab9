package resolvers_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

// pathsOf is what an answer has at the paths ("member.cards.0.state"), each as text; a list
// says how long it is.
func pathsOf(t testing.TB, data any, paths ...string) []string {
	t.Helper()
	all := make([]string, len(paths))
	for i, path := range paths {
		at := data
		for step := range strings.SplitSeq(path, ".") {
			switch there := at.(type) {
			case map[string]any:
				at = there[step]
			case []any:
				n, err := strconv.Atoi(step)
				require.NoError(t, err, path)
				require.Less(t, n, len(there), path)
				at = there[n]
			}
		}
		if list, ok := at.([]any); ok {
			at = len(list)
		}
		all[i] = fmt.Sprint(at)
	}
	return all
}

// read is what a query answers at the paths below its field.
func (ask asking) read(t testing.TB, query string, variables apptest.Variables, paths ...string) []string {
	t.Helper()
	var got any
	ask(query, variables).Into(t, &got)
	return pathsOf(t, got, paths...)
}

// done is what a mutation answers at the paths below its field, or, alone, why it was not done.
func (ask asking) done(t testing.TB, field, fields string, input apptest.Variables, paths ...string) []string {
	t.Helper()
	answer := ask(pointMutation(field, fields), in(keyed(field, input)))
	if code := answer.Code(); code == "FORBIDDEN" || code == "UNAUTHENTICATED" {
		return []string{code}
	}
	var got map[string]any
	answer.Into(t, &got)
	if refused := pathsOf(t, got[field], "userErrors"); refused[0] != "0" {
		f := got[field].(map[string]any)["userErrors"].([]any)[0].(map[string]any)
		where := []string{}
		for _, step := range f["field"].([]any) {
			where = append(where, fmt.Sprint(step))
		}
		return []string{strings.TrimSpace(fmt.Sprint(f["code"], " ", strings.Join(where, ".")))}
	}
	return pathsOf(t, got[field], paths...)
}
