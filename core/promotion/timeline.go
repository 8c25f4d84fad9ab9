package promotion

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/scope"
)

// Change is a campaign as an event of its history left it.
type Change struct {
	At       time.Time
	Type     string
	Campaign Campaign // zero of events that say that budget or uses ran out, or came back
	ID       uuid.UUID
}

// timeline cuts the campaigns into what was said of them from when until when, so
// that at each moment a book of all parts knows what quoting knew then. Campaigns
// without a history count as they are, since they were made.
func timeline(history []Change, now []Campaign) []Campaign {
	by := map[uuid.UUID][]Change{}
	for _, c := range history {
		by[c.ID] = append(by[c.ID], c)
	}
	var parts []Campaign
	for _, c := range now {
		if changes := by[c.ID]; len(changes) > 0 {
			parts = append(parts, cut(changes)...)
			continue
		}
		until := scope.Forever
		switch {
		case c.SpentAt != nil:
			until = *c.SpentAt
		case c.Status == Stopped:
			c.Status, until = Ready, c.UpdatedAt
		}
		parts = append(parts, part(c, c.CreatedAt, until)...)
	}
	return parts
}

// cut is the parts of one campaign. An event that ends it, because its limits are
// reached, holds until something is given back or staff change it.
func cut(changes []Change) []Campaign {
	slices.SortStableFunc(changes, func(x, y Change) int { return x.At.Compare(y.At) })
	var parts []Campaign
	var said Campaign
	spent := false
	for i, change := range changes {
		switch change.Type {
		case "campaign.spent":
			spent = true
		case "campaign.returned":
			spent = false
		default:
			said, spent = change.Campaign, false
		}
		if spent {
			continue
		}
		until := scope.Forever
		if i < len(changes)-1 {
			until = changes[i+1].At
		}
		parts = append(parts, part(said, change.At, until)...)
	}
	return parts
}

// part is the campaign between two moments, none if it did not run between them.
func part(c Campaign, from, until time.Time) []Campaign {
	if from.After(c.From) {
		c.From = from
	}
	if until.Before(c.Until) {
		c.Until = until
	}
	if c.SpentAt = nil; c.Status != Ready || !c.Until.After(c.From) {
		return nil
	}
	return []Campaign{c}
}
