package banking

import (
	"slices"

	"github.com/google/uuid"
)

// Candidate is something that a deposit may pay: an order's bank transfer, or what a
// company owes.
type Candidate struct {
	PaymentID *uuid.UUID
	CompanyID *uuid.UUID
	Number    string   // the order's number, or the company's code
	Names     []string // who may be the payer
	Dues      []int64  // amounts that would settle it
	Named     bool     `db:"named"` // its reference stands in the bank's words
	Open      bool     // waits for money
}

// How says by what a line was matched.
type How string

// The ways of matching.
const (
	ByReference How = "REFERENCE"
	ByName      How = "NAME"
	ByStaff     How = "STAFF"
)

// decide says what a deposit pays, if there is one answer only: first by the reference,
// whatever the amount, then by the exact amount and the payer's name. Two answers are
// none: people decide.
func decide(l Line, all []Candidate) (Candidate, How, bool) {
	named := slices.DeleteFunc(slices.Clone(all), func(c Candidate) bool { return !c.Named })
	if len(named) > 0 {
		return named[0], ByReference, len(named) == 1
	}
	fitting := slices.DeleteFunc(slices.Clone(all), func(c Candidate) bool {
		return !c.Open || !slices.Contains(c.Dues, l.AmountMinor) || !c.isCalled(l.PayerKey)
	})
	if len(fitting) == 1 {
		return fitting[0], ByName, true
	}
	return Candidate{}, "", false
}

// isCalled reports whether the key is that of one of the names.
func (c Candidate) isCalled(key string) bool {
	return key != "" && slices.ContainsFunc(c.Names, func(name string) bool { return NameKey(name) == key })
}

// suggested are the candidates in the order in which people should look at them.
func suggested(l Line, all []Candidate) []Candidate {
	weight := func(c Candidate) (w int) {
		if c.Named {
			w += 4
		}
		if c.isCalled(l.PayerKey) {
			w += 2
		}
		if slices.Contains(c.Dues, l.OpenMinor()) {
			w++
		}
		return w
	}
	likely := slices.DeleteFunc(slices.Clone(all), func(c Candidate) bool { return weight(c) == 0 })
	slices.SortStableFunc(likely, func(a, b Candidate) int { return weight(b) - weight(a) })
	return likely[:min(len(likely), 10)]
}
