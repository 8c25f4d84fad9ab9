// Package stripetest is a Stripe to test against. stripe-mock, run in this
// process, checks every request against Stripe's own API description; on top of
// it stands what stripe-mock does not have: a memory, declined cards, idempotency
// keys, lost answers and signed webhooks.
package stripetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v85/webhook"
	"github.com/stripe/stripe-mock/embedded"
	mock "github.com/stripe/stripe-mock/server"
)

// Key and WebhookSecret are what the gateway under test is set up with.
const (
	Key           = "sk_test_123"
	WebhookSecret = "whsec_test"
)

// Cards that behave in a certain way, as Stripe's own test cards do.
const (
	CardVisa         = "pm_card_visa"
	CardDeclined     = "pm_card_visa_chargeDeclinedInsufficientFunds"
	CardThreeDSecure = "pm_card_threeDSecure2Required"
	CardLaterFails   = "pm_card_chargeCustomerFail"     // can be kept; a later charge is declined
	CardLaterAsks    = "pm_card_authenticationRequired" // can be kept; a charge in the customer's absence is declined
)

// Server is one Stripe with its memory.
type Server struct {
	URL string

	mu        sync.Mutex
	mock      http.Handler
	intents   []*intent
	refunds   []*refund
	setups    []*setup
	customers int
	kept      map[string]string // what kept cards behave like, by id
	answers   map[string]answer // by idempotency key
	requests  []Request
	lose      int // of the next calls that change something, the answer is lost
	drop      int // the next calls that change something never arrive
	events    int
	onCall    func()
}

// Request is one call that Stripe has received.
type Request struct {
	Method, Path, Key string
	Form              url.Values
}

type intent struct {
	id, secret, status, currency, capture string
	amount, capturable, received          int64
	refunded                              int64
	created                               int64
	metadata                              map[string]string
	customer                              string
	declined                              string
}

type refund struct {
	id, intent string
	amount     int64
	metadata   map[string]string
}

type answer struct {
	status int
	body   []byte
	form   string
}

// stub is stripe-mock, read once: its API description is large.
var stub = sync.OnceValues(func() (http.Handler, error) {
	spec, err := mock.LoadSpec(embedded.OpenAPISpec, "")
	if err != nil {
		return nil, err
	}
	fixtures, err := mock.LoadFixtures(embedded.OpenAPIFixtures, "")
	if err != nil {
		return nil, err
	}
	s, err := mock.NewStubServer(fixtures, spec, false, false)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(s.HandleRequest), nil
})

// Mock is stripe-mock alone, running until the test ends.
func Mock(t testing.TB) string {
	t.Helper()
	handler, err := stub()
	require.NoError(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// New runs a Stripe until the test ends.
func New(t testing.TB) *Server {
	t.Helper()
	handler, err := stub()
	require.NoError(t, err)
	s := &Server{mock: handler, answers: map[string]answer{}, kept: map[string]string{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// LoseAnswers lets the next n changing calls (their retries count) take effect
// without an answer: the connection breaks.
func (s *Server) LoseAnswers(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = n
}

// DropCalls lets the next n changing calls never arrive.
func (s *Server) DropCalls(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop = n
}

// Requests are the calls that have arrived, repetitions included.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Taken is the sum of money that Stripe has taken from customers and not given back.
func (s *Server) Taken() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum int64
	for _, i := range s.intents {
		sum += i.received - i.refunded
	}
	return sum
}

// Held is the sum of money that Stripe holds and has not taken.
func (s *Server) Held() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum int64
	for _, i := range s.intents {
		sum += i.capturable
	}
	return sum
}

// Refunds is the number of refunds that were made.
func (s *Server) Refunds() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.refunds)
}

// Intents is the number of PaymentIntents that exist.
func (s *Server) Intents() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.intents)
}

// OnCall runs f whenever a call arrives, before it takes effect.
func (s *Server) OnCall(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onCall = f
}

// Status is how Stripe itself sees a PaymentIntent: "canceled".
func (s *Server) Status(t testing.TB, reference string) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(reference)
	require.NotNil(t, i)
	return i.status
}

// ConfirmSetup is what a customer does with the client secret of a card to be kept.
func (s *Server) ConfirmSetup(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotEmpty(t, s.setups)
	s.keep(s.setups[len(s.setups)-1])
}

// Kept is the number of cards that are kept.
func (s *Server) Kept() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.kept)
}

// Confirm is what a customer does with a client secret and a good card.
func (s *Server) Confirm(t testing.TB, reference string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(reference)
	require.NotNil(t, i)
	i.charge(CardVisa, false)
}

// Event is a webhook about the payment as it is now, signed now.
func (s *Server) Event(t testing.TB, kind, reference string) (body []byte, signature string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(reference)
	require.NotNil(t, i)
	s.events++
	var object any = i.json(false)
	if strings.HasPrefix(kind, "charge.") {
		object = i.charged()
	}
	body, err := json.Marshal(map[string]any{
		"id": fmt.Sprintf("evt_%d", s.events), "object": "event", "type": kind, "created": time.Now().Unix(),
		"api_version": "2026-03-25.dahlia", "livemode": false, "data": map[string]any{"object": object},
	})
	require.NoError(t, err)
	return body, Sign(body, WebhookSecret, time.Now())
}

// Sign makes the header Stripe-Signature.
func Sign(body []byte, secret string, at time.Time) string {
	return webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: body, Secret: secret, Timestamp: at}).Header
}

// ServeHTTP is Stripe's API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if refusal := s.check(r, raw); refusal != nil {
		write(w, refusal.status, refusal.body)
		return
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if r.Method == http.MethodGet {
		form = r.URL.Query()
	}
	a, lost := s.handle(r, form)
	if lost {
		panic(http.ErrAbortHandler) // the connection breaks
	}
	write(w, a.status, a.body)
}

// check lets stripe-mock judge the request; nil if it is as Stripe describes.
func (s *Server) check(r *http.Request, raw []byte) *answer {
	probe := r.Clone(r.Context())
	probe.Body = io.NopCloser(bytes.NewReader(raw))
	recorder := httptest.NewRecorder()
	s.mock.ServeHTTP(recorder, probe)
	if recorder.Code < http.StatusBadRequest {
		return nil
	}
	return &answer{status: recorder.Code, body: recorder.Body.Bytes()}
}

func (s *Server) handle(r *http.Request, form url.Values) (a answer, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.onCall != nil {
		s.onCall()
	}
	changing := r.Method == http.MethodPost
	if changing && s.drop > 0 {
		s.drop--
		return a, true
	}
	key := r.Header.Get("Idempotency-Key")
	s.requests = append(s.requests, Request{Method: r.Method, Path: r.URL.Path, Key: key, Form: form})
	if earlier, ok := s.answers[key]; ok && changing {
		if earlier.form != form.Encode() {
			return refuse(http.StatusBadRequest, "idempotency_error", "", "Keys for idempotent requests can only be used with the same parameters.", nil), false
		}
		a = earlier
	} else {
		a = s.route(r, form)
		a.form = form.Encode()
		if changing {
			s.answers[key] = a
		}
	}
	if changing && s.lose > 0 {
		s.lose--
		return a, true
	}
	return a, false
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", "req_test")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
