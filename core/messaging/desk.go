package messaging

import (
	"time"

	"github.com/noren-commerce/noren/core/money"
)

// DraftOrder asks a customer to confirm what staff have prepared, or to pay by card for
// what they have ordered. Amounts are minor units.
type DraftOrder struct {
	Name     string         `json:"name,omitempty"`
	Number   string         `json:"number"`
	Event    string         `json:"event"` // CONFIRM or PAY
	Currency money.Currency `json:"currency"`
	Lines    []OrderLine    `json:"lines,omitempty"`
	Total    int64          `json:"total"`
	Until    time.Time      `json:"until"`
	Message  string         `json:"message,omitempty"`
	URL      string         `json:"url"`
}

// Kind is KindDraftOrder.
func (DraftOrder) Kind() Kind { return KindDraftOrder }

// RecurringOrder tells of a recurring order (定期便): what will be ordered next, or why it
// could not be. Amounts are minor units.
type RecurringOrder struct {
	Name     string         `json:"name,omitempty"`
	Number   string         `json:"number"`
	Event    string         `json:"event"` // AHEAD, PROBLEM or SKIPPED
	Day      time.Time      `json:"day"`   // of the order
	Currency money.Currency `json:"currency"`
	Lines    []OrderLine    `json:"lines,omitempty"`
	Total    int64          `json:"total,omitempty"`
	Problem  string         `json:"problem,omitempty"` // in the customer's language
	RetryAt  *time.Time     `json:"retryAt,omitempty"`
	URL      string         `json:"url"`
}

// Kind is KindRecurringOrder.
func (RecurringOrder) Kind() Kind { return KindRecurringOrder }
