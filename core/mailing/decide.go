package mailing

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/member"
)

// Person is what is known of a candidate when it is decided what becomes of them.
type Person struct {
	MemberID uuid.UUID
	Gone     bool        // merged, erased or the brand's member no more
	Stores   []uuid.UUID // of the brand: registering and home
	Consent  *bool       // to the mailing's medium; nil: never said
	Address  *customer.Address
	Email    string
	Dead     bool // nothing arrives at the e-mail address
	LeftOut  bool // since a label was printed without the letter's address
}

// Decision is what becomes of a candidate.
type Decision struct {
	MemberID uuid.UUID
	State    RecipientState
	Reason   Reason
	Position *int
}

// left is why the person cannot or may not get the mailing; NoReason if they may.
func (m Mailing) left(p Person) Reason {
	switch {
	case p.Gone:
		return Gone
	case m.StoreID != nil && !slices.Contains(p.Stores, *m.StoreID):
		return OtherStore
	case p.Consent == nil:
		return NoConsent
	case !*p.Consent:
		return Unsubscribed
	case m.Medium == member.DM:
		if !deliverable(p.Address) {
			return NoAddress
		}
	case p.Email == "":
		return NoEmail
	case p.Dead:
		return Bounced
	}
	return NoReason
}

// deliverable reports whether the post would know where to bring it.
func deliverable(a *customer.Address) bool {
	return a != nil && len(a.PostalCode) == 7 && a.Prefecture != "" && a.City != "" && a.Line1 != "" && a.Name != ""
}

// holds reports whether the member is held out. It is chance, but the same whenever it
// is asked: a hash of the mailing and the member, so that nobody chooses and anybody can
// check.
func (m Mailing) holds(memberID uuid.UUID) bool {
	sum := sha256.Sum256(append(m.ID[:], memberID[:]...))
	return binary.BigEndian.Uint64(sum[:8])%100 < uint64(m.HoldOut) //nolint:gosec // 0 to 50
}

// decide says what becomes of the people, and counts it in the mailing. Only who could
// get it may be held out: else the two groups could not be compared.
func (m *Mailing) decide(people []Person) []Decision {
	all := make([]Decision, len(people))
	for i, p := range people {
		d := Decision{MemberID: p.MemberID}
		switch reason := m.left(p); {
		case reason != NoReason:
			d.State, d.Reason = LeftOut, reason
			m.LeftOut++
		case m.holds(p.MemberID):
			d.State = HeldOut
			m.HeldOut++
		default:
			m.Addressed++
			at := m.Addressed
			d.Position, d.State = &at, Queued
		}
		m.Decided++
		all[i] = d
	}
	return all
}
