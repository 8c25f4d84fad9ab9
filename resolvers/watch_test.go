package resolvers_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/graph/manifest"
	"github.com/noren-commerce/noren/storage/postgres"
)

// watched is one answer of a subscription.
type watched struct {
	Data struct {
		OrderChanged  struct{ Status string }
		PointsChanged []struct{ Usable int }
	}
	Errors []struct{ Extensions struct{ Code string } }
}

// watch subscribes to an order over server-sent events; each call of the function
// it gives waits for the next answer.
func watch(t *testing.T, a *apptest.App, order, token string) func() watched {
	t.Helper()
	next, _ := subscribe(t, a.URL, `subscription($id: ID!) { orderChanged(id: $id) { status } }`,
		question{apptest.Variables{"id": order}, []string{"X-Cart-Token", token}})
	return next
}

// subscribe subscribes over server-sent events; each call of next waits for the
// next answer, leave ends the stream.
func subscribe(t *testing.T, url, operation string, q question) (next func() watched, leave func()) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": operation, "variables": q.variables})
	require.NoError(t, err)
	ctx, leave := context.WithCancel(t.Context())
	t.Cleanup(leave)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/graphql", bytes.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i+1 < len(q.headers); i += 2 {
		r.Header.Set(q.headers[i], q.headers[i+1])
	}
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
	}, leave
}

// eventCost is the number of statements of one event of a subscription: what the second
// answer takes, the first being how it stands.
func (w *world) eventCost(t *testing.T, o manifest.Operation, q question) int {
	t.Helper()
	counts := make(chan *postgres.Statements, 1)
	handler := w.App.App.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ctx, statements := postgres.CountStatements(r.Context())
		counts <- statements
		handler.ServeHTTP(rw, r.WithContext(ctx))
	}))
	defer server.Close()
	next, leave := subscribe(t, server.URL, o.Body, q)
	defer leave()
	require.Empty(t, next().Errors)
	statements := <-counts
	before := statements.Count()
	require.NotZero(t, before, "it is counted")
	switch o.Name {
	case "WorkListsChanged":
		w.made(t, "holdOrder", "order", apptest.Variables{"orderId": q.variables["id"], "reason": "OTHER"})
	case "PointsChanged":
		w.made(t, "grantPoints", "", apptest.Variables{"idempotencyKey": w.key(), "programmeId": w.programme(1), "memberId": w.member.id, "points": 1, "reason": "お詫び"})
	default:
		w.made(t, "noteOrder", "order", apptest.Variables{"orderId": q.variables["id"], "note": "お電話あり"})
	}
	require.Empty(t, next().Errors)
	return statements.Count() - before
}

func TestAnOrderIsWatchedByItsCustomerOnly(t *testing.T) {
	t.Parallel()
	s := newTill(t, "BANK_TRANSFER")
	next := watch(t, s.App, s.order, s.token)
	require.Equal(t, "PENDING_PAYMENT", next().Data.OrderChanged.Status, "as it is now")
	s.Do(t, `mutation($o: ID!) { cancelOrder(input: {`+aKey()+` orderId: $o}) { order { status } userErrors { code } } }`,
		apptest.Variables{"o": s.order}, "X-Cart-Token", s.token)
	require.Equal(t, "CANCELLED", next().Data.OrderChanged.Status, "and when it changes")

	stranger := watch(t, s.App, s.order, strings.Repeat("x", 43))()
	require.Len(t, stranger.Errors, 1)
	require.Equal(t, "NOT_FOUND", stranger.Errors[0].Extensions.Code)
}
