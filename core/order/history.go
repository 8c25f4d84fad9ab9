package order

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/id"
)

// noted is the event of an internal note.
const noted = "order.noted"

// internal are the events that customers do not hear of.
var internal = []string{noted, "order.held", "order.released", "order.tagged", "order.code_wrong", "order.reallocated"}

// Change is what an event says of an order; what it does not say is empty.
type Change struct {
	Before         Status         `json:"before,omitempty"`
	After          Status         `json:"after,omitempty"`
	Reason         string         `json:"reason,omitempty"`         // why it was given up
	Carrier        string         `json:"carrier,omitempty"`        // who has the parcel
	TrackingNumber string         `json:"trackingNumber,omitempty"` // the parcel's number at the carrier
	Tracking       TrackingStatus `json:"tracking,omitempty"`       // where the parcel is
	Shipments      []int          `json:"shipments,omitempty"`      // which of the order's shipments it is about
	Note           string         `json:"note,omitempty"`           // the internal note from then on, or why it is held
	Edit           *EditNote      `json:"edit,omitempty"`
	Tags           []string       `json:"tags,omitempty"`
	Promise        *Repromise     `json:"promise,omitempty"`
	Moved          []Reallocated  `json:"moved,omitempty"`  // goods that were looked for elsewhere
	ReturnNumber   string         `json:"return,omitempty"` // the return of some of its goods that it is about
}

// EditNote is what an event says of an edit: amounts in minor units, and the lines
// before it.
type EditNote struct {
	TotalBefore int64    `json:"totalBefore"`
	TotalAfter  int64    `json:"totalAfter"`
	SKUs        []string `json:"skus"`
	Lines       []Line   `json:"lines"`
	Moved       bool     `json:"moved,omitempty"` // it goes to another address
}

// Entry is one thing that happened to an order.
type Entry struct {
	event.Event
	Change
}

// From is where the order stood before; nil if the event does not say.
func (e Entry) From() *Status { return said(e.Before) }

// To is where the order stood after; nil if the event does not say.
func (e Entry) To() *Status { return said(e.After) }

func said(s Status) *Status {
	if s == "" {
		return nil
	}
	return &s
}

// ActorAccount is the global id of the account that did it; nil if none did.
func (e Entry) ActorAccount() *string {
	if e.ActorID == uuid.Nil {
		return nil
	}
	account := id.Global("Account", e.ActorID)
	return &account
}

// History is what happened to the orders, oldest first. Customers do not see what
// staff noted.
func (s *Service) History(ctx context.Context, orderIDs []uuid.UUID) ([]Entry, error) {
	events, err := s.store.History(ctx, orderIDs)
	if err != nil {
		return nil, err
	}
	staff := access.From(ctx).May(access.OrderRead)
	entries := make([]Entry, 0, len(events))
	for _, e := range events {
		if !staff && (slices.Contains(internal, e.Type) || e.Type == remarked) {
			continue
		}
		entry := Entry{Event: e}
		// What an event of another kind carries beside is not ours to read.
		_ = json.Unmarshal(e.Data, &entry.Change)
		entries = append(entries, entry)
	}
	return entries, nil
}
