package company

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/page"
)

// Happened is one thing that happened to a company, and where it stands in the order
// of events.
type Happened struct {
	event.Event
	Position int64
}

// ActorAccount is the global id of the account that did it; nil if none did.
func (h Happened) ActorAccount() *string {
	if h.ActorID == uuid.Nil {
		return nil
	}
	account := id.Global("Account", h.ActorID)
	return &account
}

// FieldChange is what one field was and became, as JSON.
type FieldChange struct {
	Field  string
	Before *string
	After  *string
}

// Changes are the fields that differ between before and after, by name. An event that
// says neither has what it says as its fields.
func (h Happened) Changes() []FieldChange {
	var said struct{ Before, After map[string]json.RawMessage }
	_ = json.Unmarshal(h.Data, &said) // what is of another form says nothing
	if said.Before == nil && said.After == nil {
		_ = json.Unmarshal(h.Data, &said.After)
	}
	names := slices.Sorted(maps.Keys(said.Before))
	for name := range said.After {
		if _, both := said.Before[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	changes := []FieldChange{}
	for _, name := range names {
		before, after := said.Before[name], said.After[name]
		if !bytes.Equal(before, after) {
			changes = append(changes, FieldChange{name, text(before), text(after)})
		}
	}
	return changes
}

func text(raw json.RawMessage) *string {
	if raw == nil || string(raw) == "null" {
		return nil
	}
	s := string(raw)
	return &s
}

// History is one page of what happened to a company of the brand, newest first, for
// staff.
func (s *Service) History(ctx context.Context, companyID uuid.UUID, args page.Args) (page.Connection[Happened], error) {
	if err := access.Require(ctx, access.CompanyRead); err != nil {
		return page.Connection[Happened]{}, err
	}
	return s.Store.History(ctx, channel.From(ctx).BrandID, companyID, args)
}
