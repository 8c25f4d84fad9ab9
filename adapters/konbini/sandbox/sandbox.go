// Package sandbox is a provider of convenience store payments that takes no money: it
// issues slips, and whoever opens its page pays them. `noren dev` shows it at
// /dev/konbini; tests talk to it too.
package sandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"html/template"
	"math/big"
	"net/http"
	"strings"
	"sync"

	"github.com/noren-commerce/noren/adapters/konbini"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/payment"
)

// Provider is a provider with its memory, which ends with the process.
type Provider struct {
	Key, Secret, Shop string
	Webhook           string // where it says that a slip was paid; empty: it says nothing
	Now               clock.Clock

	mu     sync.Mutex
	slips  []*konbini.Slip
	keys   map[string]*konbini.Slip // by idempotency key
	events int
	issued int
	lose   int
	refuse int
}

// LoseAnswers lets the next n calls that change something take effect without an answer.
func (p *Provider) LoseAnswers(n int) { p.set(func() { p.lose = n }) }

// RefuseSlips lets the next n slips be refused.
func (p *Provider) RefuseSlips(n int) { p.set(func() { p.refuse = n }) }

func (p *Provider) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// Issued is how many slips were issued.
func (p *Provider) Issued() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.issued
}

// Slip is the slip with the id, or of the payment; zero if there is none.
func (p *Provider) Slip(key string) konbini.Slip {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.find(key); s != nil {
		return *s
	}
	return konbini.Slip{}
}

func (p *Provider) find(key string) *konbini.Slip {
	for _, s := range p.slips {
		if s.ID == key || s.Payment == key {
			return s
		}
	}
	return nil
}

// Pay pays a slip at the till, whatever its state, and answers the event that says so.
func (p *Provider) Pay(key string) konbini.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.find(key)
	if s == nil {
		return konbini.Event{}
	}
	s.Status, s.Paid = "paid", s.Amount
	p.events++
	return konbini.Event{ID: fmt.Sprint("evt_", p.events, "_", s.ID), Type: "slip.paid", At: p.Now(), Slip: *s}
}

// Signed is an event as it goes over the wire, with its signature.
func (p *Provider) Signed(e konbini.Event) (body []byte, signature string) {
	body, _ = json.Marshal(e)
	return body, konbini.Sign(body, p.Secret, p.Now())
}

// ServeHTTP answers the provider's interface, and a page for people.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := strings.Trim(r.URL.Path, "/"); {
	case path == "" && r.Method == http.MethodGet:
		p.page(w)
	case strings.HasPrefix(path, "pay/") && r.Method == http.MethodPost:
		p.tell(r.Context(), p.Pay(strings.TrimPrefix(path, "pay/")))
		w.Header().Set("Location", "../")
		w.WriteHeader(http.StatusSeeOther)
	case r.Header.Get("Authorization") != "Bearer "+p.Key:
		http.Error(w, "unknown key", http.StatusUnauthorized)
	case path == "slips" && r.Method == http.MethodPost:
		p.issue(w, r)
	case path == "slips":
		p.list(w, r.URL.Query().Get("payment"))
	case strings.HasPrefix(path, "slips/"):
		p.one(w, r, strings.TrimPrefix(path, "slips/"))
	default:
		http.NotFound(w, r)
	}
}

func (p *Provider) issue(w http.ResponseWriter, r *http.Request) {
	var wanted konbini.Slip
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse > 0 {
		p.refuse--
		http.Error(w, "the store chain is closed for maintenance", http.StatusUnprocessableEntity)
		return
	}
	if known := p.keys[key]; known != nil && key != "" {
		p.answer(w, *known)
		return
	}
	if wanted.Amount <= 0 || wanted.Amount > konbini.Most || wanted.Chain == "" {
		http.Error(w, "amount or chain", http.StatusUnprocessableEntity)
		return
	}
	p.issued++
	wanted.ID, wanted.Status = "slip_"+rand.Text(), "waiting"
	wanted.Number = digits(12)
	if wanted.Chain != payment.ChainSevenEleven {
		wanted.Confirmation = digits(6)
	}
	if p.keys == nil {
		p.keys = map[string]*konbini.Slip{}
	}
	p.keys[key], p.slips = &wanted, append(p.slips, &wanted)
	p.answer(w, wanted)
}

func (p *Provider) one(w http.ResponseWriter, r *http.Request, path string) {
	key, verb, _ := strings.Cut(path, "/")
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.find(key)
	switch {
	case s == nil:
		http.NotFound(w, r)
		return
	case verb == "cancel" && r.Method == http.MethodPost && s.Status == "waiting":
		s.Status = "cancelled"
	case verb == "cancel":
	case s.Status == "waiting" && p.Now().After(s.ExpiresAt):
		s.Status = "expired"
	}
	if verb == "cancel" {
		p.answer(w, *s)
		return
	}
	write(w, *s)
}

func (p *Provider) list(w http.ResponseWriter, paymentID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := []konbini.Slip{}
	if s := p.find(paymentID); s != nil {
		found = append(found, *s)
	}
	write(w, map[string]any{"slips": found})
}

// answer answers a call that changed something, unless its answer is to be lost.
func (p *Provider) answer(w http.ResponseWriter, s konbini.Slip) {
	if p.lose > 0 {
		p.lose--
		panic(http.ErrAbortHandler)
	}
	write(w, s)
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// tell sends an event to the shop's webhook.
func (p *Provider) tell(ctx context.Context, e konbini.Event) {
	if e.ID == "" || p.Webhook == "" {
		return
	}
	body, signature := p.Signed(e)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Webhook, bytes.NewReader(body))
	if err != nil {
		return
	}
	request.Header.Set(konbini.SignatureHeader, signature)
	if response, err := http.DefaultClient.Do(request); err == nil { //nolint:gosec // the address is a setting
		_ = response.Body.Close()
	}
}

func digits(n int) string {
	var b strings.Builder
	for range n {
		d, err := rand.Int(rand.Reader, big.NewInt(10))
		if err != nil {
			return ""
		}
		b.WriteString(d.String())
	}
	return b.String()
}

var page = template.Must(template.New("").Parse(`<!doctype html><html lang="ja"><meta charset="utf-8"><title>コンビニ払い（見本）</title>
<h1>コンビニ払い（見本）</h1><table><tr><th>注文<th>店<th>番号<th>金額<th>状態<th></tr>
{{range .}}<tr><td>{{.Order}}<td>{{.Chain}}<td>{{.Number}} {{.Confirmation}}<td>{{.Amount}}<td>{{.Status}}<td>
<form method="post" action="pay/{{.ID}}"><button{{if eq .Status "paid"}} disabled{{end}}>支払う</button></form></tr>{{end}}</table></html>`))

func (p *Provider) page(w http.ResponseWriter) {
	p.mu.Lock()
	slips := make([]konbini.Slip, len(p.slips))
	for i, s := range p.slips {
		slips[i] = *s
	}
	p.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, slips)
}
