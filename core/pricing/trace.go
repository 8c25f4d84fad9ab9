package pricing

import (
	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
)

// Outcome is what became of a rule that might have had a say in a price.
type Outcome string

// The outcomes.
const (
	Won        Outcome = "WON"         // it made a step of the price
	Lost       Outcome = "LOST"        // it fits, and another one took precedence
	NotApplied Outcome = "NOT_APPLIED" // it does not fit
)

// Reason is why a candidate won, lost or did not apply.
type Reason string

// The reasons.
const (
	ReasonApplied       Reason = "APPLIED"
	ReasonOutranked     Reason = "OUTRANKED"      // a rule of higher precedence has the say
	ReasonNotYet        Reason = "NOT_YET"        // its window has not opened
	ReasonOver          Reason = "OVER"           // its window is over
	ReasonQuantity      Reason = "QUANTITY"       // too few pieces
	ReasonNoBasePrice   Reason = "NO_BASE_PRICE"  // a rate on a price that does not exist
	ReasonNoGain        Reason = "NO_GAIN"        // it would not change the price for the better
	ReasonNotCombinable Reason = "NOT_COMBINABLE" // it does not go together with what was applied
	ReasonCondition     Reason = "CONDITION"      // the cart does not meet its condition
	ReasonNotNow        Reason = "NOT_NOW"        // it recurs, and now is between its times
	ReasonElsewhere     Reason = "ELSEWHERE"      // it is for another channel, shop or region
	ReasonCoupon        Reason = "COUPON"         // it needs a coupon that is not there
	ReasonSpent         Reason = "SPENT"          // its budget or number of uses is spent
	ReasonHoldOut       Reason = "HOLD_OUT"       // the buyer is in the group that it is compared against
	ReasonFloor         Reason = "FLOOR"          // the lowest allowed price leaves no room
)

// Candidate is a price or rule that was looked at, in the order of looking.
type Candidate struct {
	Rule    Rule
	Source  uuid.UUID
	Label   i18n.Text
	Unit    *money.Money // what one piece would cost by it; nil where that cannot be said
	Outcome Outcome
	Reason  Reason
}

// Note adds a candidate to the line's trace, where one was asked for.
func (d *Draft) Note(line *Line, c Candidate) {
	if d.In.Terms.Trace {
		line.Candidates = append(line.Candidates, c)
	}
}

// NoteOrder adds a candidate on the order as a whole.
func (d *Draft) NoteOrder(c Candidate) {
	if d.In.Terms.Trace {
		d.Quote.Candidates = append(d.Quote.Candidates, c)
	}
}

// SourceID is the row that states the rule, as staff find it; nil if no row does.
func (c Candidate) SourceID() *string {
	if c.Source == uuid.Nil {
		return nil
	}
	text := c.Source.String()
	return &text
}
