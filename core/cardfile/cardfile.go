// Package cardfile is the cards that members keep for later payments (登録済みカード). The
// gateway keeps the card itself; noren has its word for it and what a receipt prints.
package cardfile

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
)

// State is how far a card is kept.
type State string

// The states.
const (
	Pending  State = "PENDING" // the gateway has not answered, or the customer not confirmed
	Kept     State = "KEPT"
	Declined State = "DECLINED"
	Removed  State = "REMOVED" // to be forgotten by the gateway, or forgotten
)

// Card is one card on file.
type Card struct {
	ID          uuid.UUID
	BrandID     uuid.UUID
	MemberID    uuid.UUID
	Gateway     string
	Customer    string // the gateway's words for the member, the keeping and the card
	Setup       string
	Reference   string
	State       State
	Network     string // "visa"
	Last4       string
	ExpiryYear  int
	ExpiryMonth int
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// GlobalID is the card's id in the schema.
func (c Card) GlobalID() string { return id.Global("SavedCard", c.ID) }

// Confirmed reports whether it is kept.
func (c Card) Confirmed() bool { return c.State == Kept }

// ExpiresOn is the last day on which the card is good.
func (c Card) ExpiresOn() *time.Time {
	if c.ExpiryYear == 0 {
		return nil
	}
	last := time.Date(c.ExpiryYear, time.Month(c.ExpiryMonth)+1, 0, 0, 0, 0, 0, time.UTC)
	return &last
}

// Most is how many cards a member keeps.
const Most = 10

// Failures of keeping cards.
var (
	ErrTooMany = fault.Conflict("SAVED_CARDS_FULL", "登録できるカードは%d枚までです", "At most %d cards can be saved")
	ErrInUse   = fault.Conflict("SAVED_CARD_IN_USE", "定期便%sのお支払いに使われています。先に定期便のカードを変更してください", "The card pays for the recurring order %s; choose another card there first")
)
