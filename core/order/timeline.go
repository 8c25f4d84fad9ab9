package order

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/sealing"
)

// remarked is the event of a note that is added, and never changed.
const remarked = "order.remarked"

// maxRemark is how long a note is, in characters.
const maxRemark = 4000

// Moment is one thing that happened around an order: to it, its payments, documents and
// returns, a mail that was sent, or a note of staff.
type Moment struct {
	Key       string // with At, where it stands in the timeline
	At        time.Time
	Type      string // of the event, or "mail.sent"
	Subject   string // "Order", "Payment", "Document", "Mail"
	ActorRole access.Role
	ActorID   *uuid.UUID
	ActorName string // of an account; empty if none did it
	Data      json.RawMessage
}

// Sealed are the values that are sealed with the account of whoever did it.
func (m *Moment) Sealed() (uuid.UUID, []sealing.Column) {
	if m.ActorID == nil {
		return uuid.Nil, nil
	}
	return *m.ActorID, []sealing.Column{{Field: "name", Value: sealing.Text(&m.ActorName)}}
}

// remark is what the event of a note says.
type remark struct {
	Remark  string `json:"remark"`
	Visible bool   `json:"visible"`
}

// Actor is the global id of the account that did it; nil if none did.
func (m Moment) Actor() *string { return id.GlobalOrNone("Account", m.ActorID) }

func (m Moment) said() (all struct {
	remark
	Change
	Kind   string `json:"kind"`   // of a mail or document
	Number string `json:"number"` // of a document
	Amount *int64 `json:"amount"`
}) {
	_ = json.Unmarshal(m.Data, &all) // what an event of another kind carries beside is not ours to read
	return all
}

// Remark is the note; empty if it is none.
func (m Moment) Remark() string { return m.said().Remark }

// Visible reports whether the customer sees it.
func (m Moment) Visible() bool {
	switch {
	case m.Type == remarked:
		return m.said().Visible
	case m.Subject == "Payment":
		return m.Type == "payment.captured" || m.Type == "payment.refunded" || m.Type == "payment.failed"
	case m.Subject == "Order":
		for _, hidden := range internal {
			if m.Type == hidden {
				return false
			}
		}
	}
	return true
}

// To is where the order stood after it; nil if it does not say.
func (m Moment) To() *Status {
	if m.Subject != "Order" {
		return nil
	}
	return said(m.said().After)
}

// Detail is what there is to say besides: why, by which number, what kind of mail.
func (m Moment) Detail() string {
	all := m.said()
	parts := []string{all.Kind, all.Number, all.Carrier, all.TrackingNumber, all.ReturnNumber, all.Reason, all.Note}
	var told []string
	for _, p := range parts {
		if p != "" && (m.Subject != "Order" || p != all.Number) {
			told = append(told, p)
		}
	}
	return strings.Join(told, " ")
}

// TimelineInput asks for one page of what happened around an order.
type TimelineInput struct {
	OrderID uuid.UUID
	Page    page.Args
}

// Timeline is one page of what happened around an order, the first first. Customers see
// of it what is for them.
func (s *Service) Timeline(ctx context.Context, in TimelineInput) (page.Connection[Moment], error) {
	o, err := s.ByID(ctx, in.OrderID)
	if err != nil {
		return page.Connection[Moment]{}, at("orderId", err)
	}
	return s.store.Timeline(ctx, TimelineQuery{Order: *o, Staff: access.From(ctx).May(access.OrderRead), Hidden: internal, Page: in.Page})
}

// TimelineQuery asks for one page of what happened around an order.
type TimelineQuery struct {
	Order  Order
	Staff  bool     // who sees all of it
	Hidden []string // types that others do not see
	Page   page.Args
}

// RemarkInput adds a note to an order.
type RemarkInput struct {
	OrderID uuid.UUID
	Text    string
	Visible bool // to the customer
}

// Remark adds a note to an order's timeline, for staff: one among themselves, or one that
// the customer sees.
func (s *Service) Remark(ctx context.Context, in RemarkInput) (*Order, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.Text) == "" {
		return nil, fault.ErrRequired.At("text")
	}
	if err := short("text", in.Text, maxRemark); err != nil {
		return nil, err
	}
	var noted *Order
	err := s.tx.InTx(ctx, func(ctx context.Context) error {
		o, err := s.store.Lock(ctx, in.OrderID)
		if err != nil {
			return err
		}
		if err := s.known(ctx, o); err != nil {
			return at("orderId", err)
		}
		if err := s.ours(ctx, *o); err != nil {
			return err
		}
		noted = o
		return s.events.Record(ctx, event.New(ctx, s.now(), remarked, "Order", o.ID, remark{in.Text, in.Visible}))
	})
	return noted, err
}
