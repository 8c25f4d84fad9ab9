package server

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/noren-commerce/noren/core/fault"
)

// serveHTTP answers a GET or POST with one response, or with an event stream when
// the client accepts nothing but that.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	media := negotiate(r.Header.Get("Accept"))
	if media == "" {
		s.refuse(w, mediaJSON, refuseWith(ctx, http.StatusNotAcceptable, CodeNotAcceptable,
			"application/graphql-response+jsonまたはapplication/jsonで応答します", "Answers are application/graphql-response+json or application/json"))
		return
	}
	if refused := checkForgery(r); refused != nil {
		s.refuse(w, media, refused)
		return
	}
	p, refused := s.readParams(w, r)
	if p != nil {
		defer p.close()
	}
	if refused != nil {
		s.refuse(w, media, refused)
		return
	}
	if media == mediaEvents {
		s.serveEvents(w, r, p)
		return
	}
	s.serveAnswer(w, r, media, p)
}

func (s *Server) serveAnswer(w http.ResponseWriter, r *http.Request, media string, p *params) {
	ctx := r.Context()
	started := time.Now()
	c, refused := s.prepare(ctx, p)
	if refused == nil {
		refused = admissible(ctx, r, c)
	}
	ctx, end := s.Observer.Begin(ctx, describe(c, p, "http"))
	if refused != nil {
		end(Outcome{Codes: refused.codes(), Refused: true, Elapsed: time.Since(started)})
		s.refuse(w, media, refused)
		return
	}
	a := s.answer(ctx, c)
	s.write(w, media, statusOf(a), a.body)
	end(Outcome{Codes: a.codes, Cached: a.cached, Bytes: len(a.body), Elapsed: time.Since(started)})
}

// admissible refuses what cannot be answered by one response, or not to a GET.
func admissible(ctx context.Context, r *http.Request, c *call) *refusal {
	switch {
	case c.isSubscription():
		refused := refuseOperation(ctx, CodeStreamNeeded,
			"サブスクリプションはWebSocketまたはtext/event-streamで実行してください",
			"Subscriptions are served over WebSocket or text/event-stream")
		refused.status = http.StatusNotAcceptable
		return refused
	case r.Method == http.MethodGet && c.operation.definition.Operation != "query":
		return refuseMutationByGET(ctx)
	}
	return nil
}

// statusOf is 200 unless nothing at all could be answered because something that
// noren needs is down: then 503, so that proxies and clients know to try again.
func statusOf(a answer) int {
	if a.unavailable {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

// write sends the response. Answers are the caller's own and are kept by nobody.
func (s *Server) write(w http.ResponseWriter, media string, status int, body []byte) {
	h := w.Header()
	if status == http.StatusServiceUnavailable && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "1")
	}
	h.Set("Content-Type", media+"; charset=utf-8")
	if h.Get("Trailer") == "" { // trailers follow chunks only
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Accept, Accept-Language, Authorization")
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // JSON with nosniff, not a page
}

// refuse sends a refusal, as one event of a stream where a stream was asked for.
func (s *Server) refuse(w http.ResponseWriter, media string, r *refusal) {
	if r.allow != "" {
		w.Header().Set("Allow", r.allow)
	}
	body := appendResponse(nil, nil, r.errors, nil)
	if media == mediaEvents && r.graphql {
		writeEvents(w, body)
		return
	}
	if media == mediaEvents {
		media = mediaGraphQL
	}
	if r.status == http.StatusRequestEntityTooLarge {
		w.Header().Set("Connection", "close")
	}
	s.write(w, media, r.statusFor(media), body)
}

// WriteFault answers a request that middleware in front of the endpoint turned
// away: the status of the fault's kind and a GraphQL response with its code.
func (s *Server) WriteFault(w http.ResponseWriter, r *http.Request, err error) {
	media := negotiate(r.Header.Get("Accept"))
	if media != mediaGraphQL {
		media = mediaJSON
	}
	s.refuse(w, media, s.refuseFault(r.Context(), err))
}

func describe(c *call, p *params, transport string) Operation {
	op := Operation{Transport: transport}
	if p != nil {
		op.Name = p.operationName
	}
	if c != nil {
		op.Name = c.operation.definition.Name
		op.Kind = string(c.operation.definition.Operation)
		op.Hash = c.operation.document.hash
		op.Source = c.source
	}
	return op
}

// preflighted reports whether the request carries a header that a page of another
// site cannot set without a preflight, which CORS then answers.
func preflighted(h http.Header) bool {
	for _, name := range [...]string{
		"X-Noren-Csrf", "Graphql-Require-Preflight", "Apollo-Require-Preflight", "X-Apollo-Operation-Name", "X-Requested-With",
	} {
		if h.Get(name) != "" {
			return true
		}
	}
	return false
}

// checkForgery refuses requests that a page of another site can make a browser send
// with the caller's cookies: form posts, and GETs by links, images and scripts.
func checkForgery(r *http.Request) *refusal {
	if preflighted(r.Header) {
		return nil
	}
	simple := false
	if r.Method == http.MethodPost {
		media, _ := contentType(r.Header.Get("Content-Type"))
		simple = media == mediaForm
	} else {
		mode := r.Header.Get("Sec-Fetch-Mode")
		simple = r.Header.Get("Sec-Fetch-Site") == "cross-site" && (mode == "no-cors" || mode == "navigate")
	}
	if !simple {
		return nil
	}
	f := faultForgery
	return refuseWith(r.Context(), http.StatusForbidden, f.Code, f.JA, f.EN)
}

var faultForgery = fault.Forbidden(CodeCSRF,
	"X-Noren-CSRFヘッダーを付けて送信してください",
	"Send the header X-Noren-CSRF (any value): it proves that no other site's form sent this")
