package quotation

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/page"
)

// ByID is the quotation, if the actor may see it; else fault.CodeNotFound.
func (s *Service) ByID(ctx context.Context, quotationID uuid.UUID) (*Quotation, error) {
	found, err := s.ByIDs(ctx, []uuid.UUID{quotationID})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.ErrNotFound
	}
	return &found[0], nil
}

// ByIDs are those of the quotations that the actor may see.
func (s *Service) ByIDs(ctx context.Context, ids []uuid.UUID) ([]Quotation, error) {
	found, err := s.Store.Quotations(ctx, ids)
	if err != nil {
		return nil, err
	}
	seat, err := s.seatFor(ctx, found...)
	if err != nil {
		return nil, err
	}
	var visible []Quotation
	for _, q := range found {
		if sees(ctx, q, seat) {
			visible = append(visible, q)
		}
	}
	return visible, nil
}

// ListInput filters a list of quotations. Zero fields do not filter.
type ListInput struct {
	States    []State
	CompanyID *uuid.UUID
	Text      string
	From      *time.Time
	To        *time.Time // not itself
	Page      page.Args
}

// maxText is how long a text to search by may be, in characters.
const maxText = 100

// List is one page of the actor's own quotations, or of the brand's for staff; of a
// company's, all that the actor may see.
func (s *Service) List(ctx context.Context, in ListInput) (page.Connection[Quotation], error) {
	var none page.Connection[Quotation]
	if err := short("text", in.Text, maxText); err != nil {
		return none, err
	}
	if in.From != nil && in.To != nil && !in.From.Before(*in.To) {
		return none, fault.Invalid("WINDOW_INVALID", "終わりは始まりより後にしてください", "The end must be after the start").At("to")
	}
	actor, ch := access.From(ctx), channel.From(ctx)
	q := Query{BrandID: ch.BrandID, CompanyID: in.CompanyID, States: in.States, Text: strings.TrimSpace(in.Text), From: in.From, To: in.To, Page: in.Page}
	if actor.May(access.QuotationRead) {
		return s.Store.List(ctx, q)
	}
	if !actor.Is(access.RoleMember, access.RoleCompanyBuyer) {
		return none, nil
	}
	seat, err := s.Companies.MySeat(ctx)
	if err != nil {
		return none, err
	}
	q.ChannelID, q.MemberID = ch.ID, actor.ID
	if seat != nil {
		q.Seat = seat.CompanyID
	}
	switch {
	case in.CompanyID != nil && *in.CompanyID != q.Seat:
		return none, nil
	case in.CompanyID != nil && seat.Role.SeesAll():
		q.MemberID = uuid.Nil
	}
	return s.Store.List(ctx, q)
}

// Offers are those of quotations that were read through this service, the latest
// first. Buyers see the latest alone.
func (s *Service) Offers(ctx context.Context, quotationIDs []uuid.UUID) ([]Offer, error) {
	all, err := s.Store.Offers(ctx, quotationIDs)
	if err != nil || access.From(ctx).May(access.QuotationRead) {
		return all, err
	}
	var latest []Offer
	for i, o := range all {
		if i == 0 || all[i-1].QuotationID != o.QuotationID {
			latest = append(latest, o)
		}
	}
	return latest, nil
}

// Lines are those of all revisions of quotations that were read through this service.
func (s *Service) Lines(ctx context.Context, quotationIDs []uuid.UUID) ([]Line, error) {
	return s.Store.Lines(ctx, quotationIDs)
}

// noted is the event of an internal note; buyers do not hear of it.
const noted = "quotation.noted"

// Change is what an event says of a quotation; what it does not say is empty.
type Change struct {
	Before   State  `json:"before,omitempty"`
	After    State  `json:"after,omitempty"`
	Revision int    `json:"revision,omitempty"` // of the offer that was made or accepted
	Message  string `json:"message,omitempty"`  // to the other side
	Note     string `json:"note,omitempty"`     // the internal note from then on
}

// Entry is one thing that happened to a quotation.
type Entry struct {
	event.Event
	Change
}

// To is where the quotation stood after it; nil if the event does not say.
func (e Entry) To() *State {
	if e.After == "" {
		return nil
	}
	return &e.After
}

// ActorAccount is the global id of the account that did it; nil if none did.
func (e Entry) ActorAccount() *string {
	if e.ActorID == uuid.Nil {
		return nil
	}
	account := id.Global("Account", e.ActorID)
	return &account
}

// History is what happened to the quotations, oldest first: also what both sides wrote
// to each other. Buyers do not see what staff noted.
func (s *Service) History(ctx context.Context, quotationIDs []uuid.UUID) ([]Entry, error) {
	events, err := s.Store.History(ctx, quotationIDs)
	if err != nil {
		return nil, err
	}
	staff := access.From(ctx).May(access.QuotationRead)
	entries := make([]Entry, 0, len(events))
	for _, e := range events {
		if e.Type == noted && !staff {
			continue
		}
		entry := Entry{Event: e}
		_ = json.Unmarshal(e.Data, &entry.Change) // noren wrote it
		entries = append(entries, entry)
	}
	return entries, nil
}

// endings are the events of offers that ended.
func (s *Service) endings(ctx context.Context, ended []Quotation) []event.Event {
	events := make([]event.Event, len(ended))
	for i, q := range ended {
		events[i] = event.New(ctx, s.Now(), "quotation.expired", "Quotation", q.ID, Change{Before: Answered, After: q.State})
		events[i].BrandID = q.BrandID
	}
	return events
}
