package resolvers_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

// watched is one answer of a subscription.
type watched struct {
	Data   struct{ OrderChanged struct{ Status string } }
	Errors []struct{ Extensions struct{ Code string } }
}

// watch subscribes to an order over server-sent events; each call of the function
// it gives waits for the next answer.
func watch(t *testing.T, a *apptest.App, order, token string) func() watched {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"query": `subscription($id: ID!) { orderChanged(id: $id) { status } }`, "variables": map[string]any{"id": order},
	})
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+"/graphql", bytes.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("X-Cart-Token", token)
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	lines := bufio.NewScanner(response.Body)
	return func() (w watched) {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data:"); ok && strings.TrimSpace(data) != "" {
				require.NoError(t, json.Unmarshal([]byte(data), &w), data)
				return w
			}
		}
		require.Fail(t, "the stream ended", "%v", lines.Err())
		return w
	}
}

func TestAnOrderIsWatchedByItsCustomerOnly(t *testing.T) {
	t.Parallel()
	s := newTill(t, "BANK_TRANSFER")
	next := watch(t, s.App, s.order, s.token)
	require.Equal(t, "PENDING_PAYMENT", next().Data.OrderChanged.Status, "as it is now")
	s.Do(t, `mutation($o: ID!) { cancelOrder(input: {orderId: $o}) { order { status } userErrors { code } } }`,
		apptest.Variables{"o": s.order}, "X-Cart-Token", s.token)
	require.Equal(t, "CANCELLED", next().Data.OrderChanged.Status, "and when it changes")

	stranger := watch(t, s.App, s.order, strings.Repeat("x", 43))()
	require.Len(t, stranger.Errors, 1)
	require.Equal(t, "NOT_FOUND", stranger.Errors[0].Extensions.Code)
}
