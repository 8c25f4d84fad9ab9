package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// subprotocol is GraphQL over WebSocket as the npm package graphql-ws speaks it.
const subprotocol = "graphql-transport-ws"

// Close codes of the protocol.
const (
	closeBadMessage   websocket.StatusCode = 4400
	closeUnauthorized websocket.StatusCode = 4401
	closeForbidden    websocket.StatusCode = 4403
	closeNoProtocol   websocket.StatusCode = 4406
	closeInitTimeout  websocket.StatusCode = 4408
	closeDuplicate    websocket.StatusCode = 4409
	closeTooMany      websocket.StatusCode = 4429
)

func isWebSocket(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// message is a message of the protocol, in either direction.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// socket is one WebSocket connection. Its reads and writes do not use the contexts
// of operations: the library drops the connection when such a context ends.
type socket struct {
	server *Server
	conn   *websocket.Conn
	mu     sync.Mutex
	active map[string]*running
	work   sync.WaitGroup
}

// running is an operation under way.
type running struct{ cancel context.CancelFunc }

func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	ctx, leave, ok := s.streams.enter(r.Context())
	if !ok {
		s.refuse(w, mediaJSON, refuseStreams(ctx))
		return
	}
	defer leave()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol}, OriginPatterns: s.Origins,
	})
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }()
	if conn.Subprotocol() != subprotocol {
		_ = conn.Close(closeNoProtocol, "Subprotocol not acceptable")
		return
	}
	conn.SetReadLimit(s.Limits.Body)
	k := &socket{server: s, conn: conn, active: map[string]*running{}}
	err = k.serve(ctx)
	var end *closing
	if errors.As(err, &end) {
		_ = conn.Close(end.code, end.reason)
	}
}

// closing is the end of a connection that the server decided on.
type closing struct {
	code   websocket.StatusCode
	reason string
}

func (c *closing) Error() string { return c.reason }

// serve speaks with the client until one of them ends the connection.
func (k *socket) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer k.work.Wait()
	defer cancel()
	ctx, release, err := k.connect(ctx)
	defer release()
	if err != nil {
		return err
	}
	k.work.Go(func() { k.ping(ctx) })
	defer k.closeWith(ctx)()
	defer cancel()
	return k.listen(ctx)
}

// closeWith closes the connection politely when ctx ends first, because the server
// drains or the caller's token has expired; stop takes that back.
func (k *socket) closeWith(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		switch {
		case errors.Is(context.Cause(ctx), errDraining):
			_ = k.conn.Close(websocket.StatusGoingAway, "Server is going away")
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			_ = k.conn.Close(closeUnauthorized, "Unauthorized")
		}
	})
}

// connect waits for connection_init and identifies the caller by it.
func (k *socket) connect(ctx context.Context) (context.Context, context.CancelFunc, error) {
	late := time.AfterFunc(k.server.Limits.ConnectTime, func() {
		_ = k.conn.Close(closeInitTimeout, "Connection initialisation timeout")
	})
	defer late.Stop()
	defer k.closeWith(ctx)()
	nothing := func() {}
	m, err := k.read()
	switch {
	case err != nil:
		return ctx, nothing, err
	case m.Type != "connection_init":
		return ctx, nothing, &closing{closeUnauthorized, "Unauthorized"}
	}
	var payload map[string]any
	if len(m.Payload) > 0 && json.Unmarshal(m.Payload, &payload) != nil {
		return ctx, nothing, &closing{closeBadMessage, "Invalid connection_init payload"}
	}
	identified, release, err := k.server.Connect(ctx, payload)
	if err != nil {
		return ctx, nothing, &closing{closeForbidden, "Forbidden"}
	}
	return identified, release, k.write(appendMessage("connection_ack", "", nil))
}

func (k *socket) read() (message, error) {
	var m message
	kind, raw, err := k.conn.Read(context.Background())
	if err != nil {
		return m, err
	}
	if kind != websocket.MessageText || json.Unmarshal(raw, &m) != nil || m.Type == "" {
		return m, &closing{closeBadMessage, "Invalid message"}
	}
	return m, nil
}

// write sends within a bounded time: a client that does not read is cut off.
func (k *socket) write(raw []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return k.conn.Write(ctx, websocket.MessageText, raw)
}

// appendMessage makes a message around a payload that is JSON already.
func appendMessage(kind, id string, payload []byte) []byte {
	out := make([]byte, 0, len(payload)+len(id)+48)
	out = append(out, `{"type":"`+kind+`"`...)
	if id != "" {
		out = append(append(out, `,"id":`...), mustJSON(id)...)
	}
	if payload != nil {
		out = append(append(out, `,"payload":`...), payload...)
	}
	return append(out, '}')
}

// ping keeps the connection alive; a client that does not answer is cut off.
func (k *socket) ping(ctx context.Context) {
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		waiting, cancel := context.WithTimeout(ctx, keepAlive)
		err := k.conn.Ping(waiting)
		cancel()
		if err != nil && ctx.Err() == nil {
			_ = k.conn.CloseNow()
			return
		}
	}
}

func (k *socket) listen(ctx context.Context) error {
	for {
		m, err := k.read()
		if err != nil {
			return err
		}
		switch m.Type {
		case "subscribe":
			err = k.subscribe(ctx, m)
		case "complete":
			k.finish(m.ID, nil)
		case "ping":
			err = k.write(appendMessage("pong", "", m.Payload))
		case "pong":
		case "connection_init":
			err = &closing{closeTooMany, "Too many initialisation requests"}
		default:
			err = &closing{closeBadMessage, "Invalid message"}
		}
		if err != nil {
			return err
		}
	}
}

// subscribe starts the operation of the message in a goroutine of its own.
func (k *socket) subscribe(ctx context.Context, m message) error {
	if m.ID == "" || len(m.Payload) == 0 {
		return &closing{closeBadMessage, "Invalid message"}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch _, taken := k.active[m.ID]; {
	case taken:
		return &closing{closeDuplicate, "Subscriber for " + clip(m.ID) + " already exists"}
	case len(k.active) >= k.server.Limits.Subscriptions:
		return k.write(errorMessage(m.ID, refuseStreams(ctx).errors))
	}
	ctx, cancel := context.WithCancel(ctx)
	op := &running{cancel: cancel}
	k.active[m.ID] = op
	k.work.Go(func() {
		last := k.run(ctx, m)
		k.finish(m.ID, op) // before the client hears of it: it may use the id again at once
		if last != nil {
			_ = k.write(last)
		}
	})
	return nil
}

// run runs the operation and gives the message that ends it; nil when the client
// or the connection ended it.
func (k *socket) run(ctx context.Context, m message) []byte {
	started := time.Now()
	s := k.server
	p, refused := decodeParams(ctx, m.Payload)
	var c *call
	if refused == nil {
		c, refused = s.prepare(ctx, p)
	}
	ctx, end := s.Observer.Begin(ctx, describe(c, p, "websocket"))
	outcome := Outcome{}
	defer func() { outcome.Elapsed = time.Since(started); end(outcome) }()
	if refused != nil {
		outcome.Codes, outcome.Refused = refused.codes(), true
		return errorMessage(m.ID, refused.errors)
	}
	if !c.isSubscription() {
		a := s.answer(ctx, c)
		outcome.Codes, outcome.Cached, outcome.Bytes = a.codes, a.cached, len(a.body)
		if ctx.Err() != nil || k.write(appendMessage("next", m.ID, a.body)) != nil {
			return nil
		}
		return appendMessage("complete", m.ID, nil)
	}
	next, refused := s.stream(ctx, c)
	if refused != nil {
		outcome.Codes = refused.codes()
		return errorMessage(m.ID, refused.errors)
	}
	for {
		a, more := next()
		switch {
		case ctx.Err() != nil:
			return nil
		case !more:
			return appendMessage("complete", m.ID, nil)
		case k.write(appendMessage("next", m.ID, a.body)) != nil:
			return nil
		}
	}
}

func errorMessage(id string, errs gqlerror.List) []byte {
	return appendMessage("error", id, mustJSON(errs))
}

// finish ends the operation of the id and frees the id. Where only is given, the
// id must still be that operation's.
func (k *socket) finish(id string, only *running) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if op, ok := k.active[id]; ok && (only == nil || only == op) {
		op.cancel()
		delete(k.active, id)
	}
}

// clip bounds what a close reason repeats; a reason has 123 bytes at most.
func clip(id string) string {
	if len(id) > 60 {
		return id[:60]
	}
	return id
}
