package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/graph/server"
)

// client is a graphql-transport-ws client that says exactly what a test wants.
type client struct {
	t    *testing.T
	conn *websocket.Conn
}

func dial(t *testing.T, e *edge, options *websocket.DialOptions) *client {
	t.Helper()
	if options == nil {
		options = &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}}
	}
	conn, response, err := websocket.Dial(t.Context(), e.url, options)
	require.NoError(t, err)
	if response.Body != nil {
		_ = response.Body.Close()
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &client{t, conn}
}

func connected(t *testing.T, e *edge) *client {
	t.Helper()
	c := dial(t, e, nil)
	c.say(`{"type":"connection_init"}`)
	require.Equal(t, "connection_ack", c.hear()["type"])
	return c
}

func (c *client) say(text string) {
	c.t.Helper()
	require.NoError(c.t, c.conn.Write(c.t.Context(), websocket.MessageText, []byte(text)))
}

func (c *client) hear() map[string]any {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 3*time.Minute)
	defer cancel()
	_, raw, err := c.conn.Read(ctx)
	require.NoError(c.t, err)
	var m map[string]any
	require.NoError(c.t, json.Unmarshal(raw, &m))
	return m
}

// closed reads until the server closes, and says with what.
func (c *client) closed() websocket.CloseError {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 3*time.Minute)
	defer cancel()
	for {
		if _, _, err := c.conn.Read(ctx); err != nil {
			var end websocket.CloseError
			require.ErrorAs(c.t, err, &end)
			return end
		}
	}
}

func TestWebSocketRunsOperations(t *testing.T) {
	t.Parallel()
	c := connected(t, serve(t))
	c.say(`{"id":"1","type":"subscribe","payload":{"query":"subscription{count(to:2)}"}}`)
	require.Equal(t, map[string]any{"type": "next", "id": "1", "payload": map[string]any{"data": map[string]any{"count": 1.0}}}, c.hear())
	require.Equal(t, "next", c.hear()["type"])
	require.Equal(t, map[string]any{"type": "complete", "id": "1"}, c.hear())
	c.say(`{"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`)
	require.Equal(t, map[string]any{"data": map[string]any{"hello": "hello"}}, c.hear()["payload"])
	require.Equal(t, "complete", c.hear()["type"])
	c.say(`{"type":"ping","payload":{"a":1}}`)
	require.Equal(t, map[string]any{"type": "pong", "payload": map[string]any{"a": 1.0}}, c.hear())
	for _, payload := range []string{`{"query":"{"}`, `{"query":"subscription{refuse}"}`, `{"query":"{nothing}"}`, `[]`, `"x"`} {
		c.say(`{"id":"e","type":"subscribe","payload":` + payload + `}`)
		m := c.hear()
		require.Equal(t, "error", m["type"], payload)
		require.NotEmpty(t, m["payload"])
	}
}

func TestWebSocketStopsWhatTheClientCompletes(t *testing.T) {
	t.Parallel()
	e := serve(t)
	c := connected(t, e)
	for range 3 { // the id is free again at once
		c.say(`{"id":"f","type":"subscribe","payload":{"query":"subscription{forever}"}}`)
		require.Equal(t, "next", c.hear()["type"])
		c.say(`{"id":"f","type":"complete"}`)
		<-e.toy.stopped
	}
	c.say(`{"type":"ping"}`)
	require.Equal(t, "pong", c.hear()["type"])
}

func TestWebSocketClosesOnWhatBreaksTheProtocol(t *testing.T) {
	t.Parallel()
	e := serve(t, func(c *server.Config) {
		c.Limits = server.DefaultLimits()
		c.Limits.ConnectTime = 50 * time.Millisecond
		c.Connect = func(ctx context.Context, payload map[string]any) (context.Context, context.CancelFunc, error) {
			switch payload["token"] {
			case "bad":
				return ctx, func() {}, fault.ErrUnauthenticated
			case "short":
				ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
				return ctx, cancel, nil
			}
			return ctx, func() {}, nil
		}
	})
	say := func(lines ...string) websocket.CloseError {
		c := dial(t, e, nil)
		for _, l := range lines { // the server may close before it has read them all
			_ = c.conn.Write(t.Context(), websocket.MessageText, []byte(l))
		}
		return c.closed()
	}
	const start = `{"type":"connection_init"}`
	const forever = `{"id":"1","type":"subscribe","payload":{"query":"subscription{forever}"}}`
	require.EqualValues(t, 4408, say().Code)
	require.EqualValues(t, 4400, say(`nonsense`).Code)
	require.EqualValues(t, 4400, say(`{"type":"connection_init","payload":[1]}`).Code)
	require.EqualValues(t, 4401, say(forever).Code)
	require.EqualValues(t, 4403, say(`{"type":"connection_init","payload":{"token":"bad"}}`).Code)
	require.EqualValues(t, 4429, say(start, start).Code)
	require.EqualValues(t, 4409, say(start, forever, forever).Code)
	require.EqualValues(t, 4400, say(start, `{"type":"dance"}`).Code)
	require.EqualValues(t, 4400, say(start, `{"type":"subscribe","payload":{}}`).Code)
	require.EqualValues(t, 4401, say(`{"type":"connection_init","payload":{"token":"short"}}`, forever).Code)
	c := dial(t, e, &websocket.DialOptions{})
	require.EqualValues(t, 4406, c.closed().Code)
}

func TestWebSocketRefusesOtherOrigins(t *testing.T) {
	t.Parallel()
	e := serve(t, func(c *server.Config) { c.Origins = []string{"https://shop.example"} })
	for origin, allowed := range map[string]bool{"https://shop.example": true, "https://evil.example": false, "http://shop.example": false} {
		conn, response, err := websocket.Dial(t.Context(), e.url, &websocket.DialOptions{
			Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{"Origin": {origin}},
		})
		if allowed {
			require.NoError(t, err)
			_ = conn.CloseNow()
			continue
		}
		require.Error(t, err)
		require.Equal(t, 403, response.StatusCode)
		_ = response.Body.Close()
	}
}

func TestWebSocketBoundsSubscriptions(t *testing.T) {
	t.Parallel()
	e := serve(t, func(c *server.Config) {
		c.Limits = server.DefaultLimits()
		c.Limits.Subscriptions, c.Limits.Streams = 1, 1
	})
	c := connected(t, e)
	c.say(`{"id":"1","type":"subscribe","payload":{"query":"subscription{forever}"}}`)
	require.Equal(t, "next", c.hear()["type"])
	c.say(`{"id":"2","type":"subscribe","payload":{"query":"subscription{forever}"}}`)
	require.Equal(t, "error", c.hear()["type"])
	_, response, err := websocket.Dial(t.Context(), e.url, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	require.Error(t, err)
	require.Equal(t, 503, response.StatusCode)
	_ = response.Body.Close()
}

func TestDrainEndsStreamsAndRefusesNewOnes(t *testing.T) {
	t.Parallel()
	e := serve(t)
	c := connected(t, e)
	c.say(`{"id":"1","type":"subscribe","payload":{"query":"subscription{forever}"}}`)
	require.Equal(t, "next", c.hear()["type"])
	events, _ := openEvents(t, e, "subscription{forever}")
	require.Contains(t, readEvent(t, events), `{"forever":1}`)

	drained := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
		defer cancel()
		drained <- e.Drain(ctx)
	}()
	require.Equal(t, websocket.StatusGoingAway, c.closed().Code)
	rest := readAll(t, events)
	require.NotContains(t, rest, "complete") // so that the client comes again
	require.NoError(t, <-drained)
	_, status := openEvents(t, e, "subscription{forever}")
	require.Equal(t, 503, status)
	require.Equal(t, 200, e.post(t, legacy, query("{hello}")).status)
}

func openEvents(t *testing.T, e *edge, q string) (*bufio.Reader, int) {
	t.Helper()
	body, err := json.Marshal(query(q))
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.url, strings.NewReader(string(body)))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	return bufio.NewReader(response.Body), response.StatusCode
}

// readEvent reads up to the blank line that ends an event, comments left out.
func readEvent(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	event := ""
	for {
		line, err := r.ReadString('\n')
		require.NoError(t, err)
		switch {
		case line == "\n" && event != "":
			return event
		case line != "\n" && !strings.HasPrefix(line, ":"):
			event += line
		}
	}
}

func readAll(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	all := ""
	for {
		line, err := r.ReadString('\n')
		all += line
		if err != nil {
			return all
		}
	}
}

func TestEventStreams(t *testing.T) {
	t.Parallel()
	e := serve(t)
	all := func(q string) string {
		r, status := openEvents(t, e, q)
		require.Equal(t, 200, status)
		return strings.TrimPrefix(readAll(t, r), ":\n\n")
	}
	require.Equal(t, "event: next\ndata: {\"data\":{\"count\":1}}\n\nevent: next\ndata: {\"data\":{\"count\":2}}\n\nevent: complete\ndata:\n\n",
		all("subscription{count(to:2)}"))
	require.Equal(t, "event: next\ndata: {\"data\":{\"hello\":\"hello\"}}\n\nevent: complete\ndata:\n\n", all("{hello}"))
	require.Contains(t, all("{nothing}"), "GRAPHQL_VALIDATION_FAILED")
	require.Contains(t, all("subscription{refuse}"), "FORBIDDEN")
	require.Equal(t, 406, e.post(t, modern, query("subscription{count(to:1)}")).status)
	require.Equal(t, "SUBSCRIPTION_NEEDS_STREAM", e.post(t, legacy, query("subscription{count(to:1)}")).code())
}

func TestEventStreamEndsWithItsClient(t *testing.T) {
	t.Parallel()
	e := serve(t)
	ctx, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+"/?query=subscription%7Bforever%7D", nil)
	require.NoError(t, err)
	request.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Contains(t, readEvent(t, bufio.NewReader(response.Body)), "forever")
	leave()
	select {
	case <-e.toy.stopped:
	case <-time.After(3 * time.Minute):
		t.Fatal(errors.New("the subscription outlived its client"))
	}
}
