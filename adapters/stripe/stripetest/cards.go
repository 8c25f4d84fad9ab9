package stripetest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// setup is a SetupIntent: a card that is to be kept for a customer.
type setup struct {
	id, customer, card, kept, status string
	metadata                         map[string]string
}

func (s *Server) routeCards(method string, parts []string, form url.Values) answer {
	switch {
	case parts[1] == "customers":
		s.customers++
		return ok(map[string]any{"id": fmt.Sprintf("cus_%d", s.customers), "object": "customer"})
	case parts[1] == "payment_methods" && len(parts) == 4:
		return s.detach(parts[2])
	case parts[1] == "setup_intents" && len(parts) == 2 && method == http.MethodGet:
		rows := []any{}
		for _, p := range s.setups {
			rows = append(rows, p.json())
		}
		return ok(map[string]any{"object": "list", "url": "/v1/setup_intents", "has_more": false, "data": rows})
	case parts[1] == "setup_intents" && len(parts) == 2:
		return s.set(form)
	}
	for _, p := range s.setups {
		if len(parts) > 2 && p.id == parts[2] {
			if len(parts) == 4 && p.kept == "" { // cancel
				p.status = "canceled"
			}
			return ok(p.json())
		}
	}
	return refuse(http.StatusNotFound, "invalid_request_error", "resource_missing", "No such object", nil)
}

// set begins to keep a card, and keeps it at once unless the customer has to confirm.
func (s *Server) set(form url.Values) answer {
	p := &setup{id: fmt.Sprintf("seti_%d", len(s.setups)+1), customer: form.Get("customer"), card: form.Get("payment_method"), status: "requires_action", metadata: metadata(form)}
	switch {
	case !strings.HasPrefix(p.card, "pm_card_"):
		return refuse(http.StatusBadRequest, "invalid_request_error", "resource_missing", "No such PaymentMethod: '"+p.card+"'", nil)
	case p.card == CardDeclined:
		return refuse(http.StatusPaymentRequired, "card_error", "card_declined", "Your card was declined.", nil)
	}
	s.setups = append(s.setups, p)
	if p.card != CardThreeDSecure {
		s.keep(p)
	}
	return ok(p.json())
}

func (s *Server) keep(p *setup) {
	p.status, p.kept = "succeeded", "pm_kept_"+p.id
	s.kept[p.kept] = p.card
	if p.card == CardThreeDSecure {
		s.kept[p.kept] = CardVisa // confirmed once, good for later
	}
}

func (s *Server) detach(card string) answer {
	if _, there := s.kept[card]; !there {
		return refuse(http.StatusBadRequest, "invalid_request_error", "payment_method_unexpected_state", "The payment method is not attached to a customer.", nil)
	}
	delete(s.kept, card)
	return ok(map[string]any{"id": card, "object": "payment_method"})
}

func (p *setup) json() map[string]any {
	object := map[string]any{"id": p.id, "object": "setup_intent", "status": p.status, "customer": p.customer, "client_secret": p.id + "_secret", "payment_method": nil, "metadata": p.metadata}
	if p.kept != "" {
		object["payment_method"] = map[string]any{
			"id": p.kept, "object": "payment_method", "customer": p.customer,
			"card": map[string]any{"brand": "visa", "last4": "4242", "exp_year": 2031, "exp_month": 2},
		}
	}
	return object
}

// behaving is the test card that a request's card behaves like.
func (s *Server) behaving(form url.Values) string {
	card := form.Get("payment_method")
	if like, kept := s.kept[card]; kept {
		return like
	}
	return card
}

// unknown refuses a card that Stripe does not know, or that another customer keeps; nil if
// it may be charged.
func (s *Server) unknown(i *intent, form url.Values) *answer {
	card := form.Get("payment_method")
	like, kept := s.kept[card]
	var a answer
	switch {
	case kept && i.customer == "":
		a = refuse(http.StatusBadRequest, "invalid_request_error", "", "The provided PaymentMethod belongs to a Customer. Please include the Customer in the customer parameter.", nil)
	case card == "" || kept && like != "" || strings.HasPrefix(card, "pm_card_"):
		return nil
	default:
		a = refuse(http.StatusBadRequest, "invalid_request_error", "resource_missing", "No such PaymentMethod: '"+card+"'", nil)
	}
	return &a
}
