package stripetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

func (s *Server) route(r *http.Request, form url.Values) answer {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // v1, payment_intents, pi_1, confirm
	switch {
	case r.URL.Path == "/v1/payment_intents" && r.Method == http.MethodPost:
		return s.create(form)
	case r.URL.Path == "/v1/payment_intents":
		return s.list(form)
	case r.URL.Path == "/v1/refunds" && r.Method == http.MethodPost:
		return s.refund(form)
	case r.URL.Path == "/v1/refunds":
		return s.listRefunds(form)
	case len(parts) >= 2 && (parts[1] == "customers" || parts[1] == "setup_intents" || parts[1] == "payment_methods"):
		return s.routeCards(r.Method, parts, form)
	case len(parts) >= 3 && parts[1] == "payment_intents":
		return s.intent(r.Method, parts, form)
	}
	return refuse(http.StatusNotFound, "invalid_request_error", "", "Unrecognized request URL", nil)
}

// intent answers what is asked of one PaymentIntent.
func (s *Server) intent(method string, parts []string, form url.Values) answer {
	i := s.find(parts[2])
	switch {
	case i == nil:
		return refuse(http.StatusNotFound, "invalid_request_error", "resource_missing", "No such payment_intent: '"+parts[2]+"'", nil)
	case len(parts) > 3:
		return s.act(i, parts[3], form)
	case method == http.MethodPost:
		i.customer = form.Get("customer")
		return ok(i.json(false))
	}
	return ok(i.json(form.Get("expand[0]") == "latest_charge"))
}

func (s *Server) find(id string) *intent {
	for _, i := range s.intents {
		if i.id == id {
			return i
		}
	}
	return nil
}

func (s *Server) create(form url.Values) answer {
	n := len(s.intents) + 1
	amount, _ := strconv.ParseInt(form.Get("amount"), 10, 64)
	i := &intent{
		id: fmt.Sprintf("pi_%d", n), secret: fmt.Sprintf("pi_%d_secret_%d", n, n), status: "requires_payment_method",
		currency: form.Get("currency"), capture: form.Get("capture_method"), amount: amount,
		created: time.Now().Unix(), metadata: metadata(form),
	}
	i.customer = form.Get("customer")
	if refusal := s.unknown(i, form); refusal != nil {
		return *refusal
	}
	s.intents = append(s.intents, i)
	if form.Get("confirm") == "true" {
		return i.charge(s.behaving(form), form.Get("off_session") == "true")
	}
	return ok(i.json(false))
}

// act does what a path's last word says: confirm, capture, cancel.
func (s *Server) act(i *intent, verb string, form url.Values) answer {
	wrongState := refuse(http.StatusBadRequest, "invalid_request_error", "payment_intent_unexpected_state",
		"You cannot "+verb+" this PaymentIntent because it has a status of "+i.status+".", i)
	switch {
	case i.status == "succeeded" || i.status == "canceled":
		return wrongState
	case verb == "confirm":
		if refusal := s.unknown(i, form); refusal != nil {
			return *refusal
		}
		return i.charge(s.behaving(form), form.Get("off_session") == "true")
	case verb == "cancel":
		i.status, i.capturable = "canceled", 0
		return ok(i.json(false))
	case verb == "capture" && i.status == "requires_capture":
		i.received, _ = strconv.ParseInt(form.Get("amount_to_capture"), 10, 64)
		i.status, i.capturable = "succeeded", 0
		return ok(i.json(false))
	}
	return wrongState
}

func (i *intent) charge(card string, absent bool) answer {
	switch {
	case card == CardLaterFails:
		i.status, i.declined = "requires_payment_method", "generic_decline"
		return refuse(http.StatusPaymentRequired, "card_error", "card_declined", "Your card was declined.", i)
	case card == CardLaterAsks && absent:
		i.status, i.declined = "requires_payment_method", "authentication_required"
		return refuse(http.StatusPaymentRequired, "card_error", "authentication_required", "This transaction requires authentication.", i)
	case card == CardDeclined:
		i.status, i.declined = "requires_payment_method", "insufficient_funds"
		return refuse(http.StatusPaymentRequired, "card_error", "card_declined", "Your card has insufficient funds.", i)
	case card == CardThreeDSecure:
		i.status = "requires_action"
	case i.capture == "manual":
		i.status, i.capturable, i.declined = "requires_capture", i.amount, ""
	default:
		i.status, i.received, i.declined = "succeeded", i.amount, ""
	}
	return ok(i.json(false))
}

func (i *intent) json(expanded bool) map[string]any {
	object := map[string]any{
		"id": i.id, "object": "payment_intent", "status": i.status, "amount": i.amount, "currency": i.currency,
		"amount_capturable": i.capturable, "amount_received": i.received, "client_secret": i.secret,
		"capture_method": i.capture, "created": i.created, "metadata": i.metadata, "livemode": false,
		"last_payment_error": nil, "latest_charge": nil,
	}
	if i.declined != "" {
		object["last_payment_error"] = map[string]any{"type": "card_error", "code": "card_declined", "decline_code": i.declined, "message": "Your card has insufficient funds."}
	}
	if i.received > 0 || i.capturable > 0 {
		object["latest_charge"] = "ch_" + i.id
		if expanded {
			object["latest_charge"] = i.charged()
		}
	}
	return object
}

func (i *intent) charged() map[string]any {
	return map[string]any{
		"id": "ch_" + i.id, "object": "charge", "payment_intent": i.id, "amount": i.amount, "currency": i.currency,
		"amount_captured": i.received, "amount_refunded": i.refunded, "metadata": i.metadata,
	}
}

func (s *Server) refund(form url.Values) answer {
	i := s.find(form.Get("payment_intent"))
	amount, _ := strconv.ParseInt(form.Get("amount"), 10, 64)
	if i == nil || amount > i.received-i.refunded {
		return refuse(http.StatusBadRequest, "invalid_request_error", "charge_already_refunded", "Refund amount is greater than unrefunded amount on charge.", nil)
	}
	i.refunded += amount
	r := &refund{id: fmt.Sprintf("re_%d", len(s.refunds)+1), intent: i.id, amount: amount, metadata: metadata(form)}
	s.refunds = append(s.refunds, r)
	return ok(r.json())
}

func (r *refund) json() map[string]any {
	return map[string]any{"id": r.id, "object": "refund", "amount": r.amount, "payment_intent": r.intent, "status": "succeeded", "metadata": r.metadata}
}

func (s *Server) list(form url.Values) answer {
	since, _ := strconv.ParseInt(form.Get("created[gte]"), 10, 64)
	rows := []any{}
	for n := len(s.intents) - 1; n >= 0; n-- {
		if s.intents[n].created >= since {
			rows = append(rows, s.intents[n].json(false))
		}
	}
	return ok(map[string]any{"object": "list", "url": "/v1/payment_intents", "has_more": false, "data": rows})
}

func (s *Server) listRefunds(form url.Values) answer {
	rows := []any{}
	for _, r := range s.refunds {
		if r.intent == form.Get("payment_intent") {
			rows = append(rows, r.json())
		}
	}
	return ok(map[string]any{"object": "list", "url": "/v1/refunds", "has_more": false, "data": rows})
}

func metadata(form url.Values) map[string]string {
	all := map[string]string{}
	for key, values := range form {
		if name, found := strings.CutPrefix(key, "metadata["); found {
			all[strings.TrimSuffix(name, "]")] = values[0]
		}
	}
	return all
}

func ok(object any) answer {
	raw, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	return answer{status: http.StatusOK, body: raw}
}

func refuse(status int, kind, code, message string, i *intent) answer {
	e := map[string]any{"type": kind, "code": code, "message": message}
	if i != nil {
		e["payment_intent"] = i.json(false)
		if i.declined != "" {
			e["decline_code"] = i.declined
		}
	}
	a := ok(map[string]any{"error": e})
	a.status = status
	return a
}
