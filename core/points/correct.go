package points

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/purchase"
)

// Reckonings know what receipts have earned, for those that are put right.
type Reckonings interface {
	// Reckoning is what is known of a receipt, with its lines as they are now. Nobody else
	// reckons receipts before the transaction ends. What is over at the moment has lapsed,
	// whether or not it was written off.
	Reckoning(ctx context.Context, purchaseID uuid.UUID, boughtOn, at time.Time) (*Reckoning, error)
	// ReckonedAgain notes what a receipt earns on since it was put right.
	ReckonedAgain(ctx context.Context, r Receipt, at time.Time) error
	// NotFirst lets another purchase be the first of whoever had the receipt.
	NotFirst(ctx context.Context, purchaseID uuid.UUID) error
}

// Reckoning is what points know of a receipt.
type Reckoning struct {
	Receipt    Receipt
	Noted      bool       // it is to earn, or has
	Past       bool       // another system kept it: what it earned there is in the balances from there
	ReckonedAt *time.Time // nil: it has not earned yet
	Returned   int64      // of its goods, came back
	Erased     bool       // its member was erased
	Has        []Had      // what it has earned, of whoever has it
}

// Had is what a receipt has earned for a member in a programme, less what was taken back.
type Had struct {
	Holder
	Points int64
	Lapsed int64 // of them, expired unused
}

// Corrected lets what a receipt has earned be what it should have, in the transaction that
// puts it right: from another member all goes back, as far as it has not expired unused;
// what was used already is owed, as after a return. Of the same member the difference moves.
func (s *Service) Corrected(ctx context.Context, p purchase.Purchase, was []purchase.Line, correctionID uuid.UUID) error {
	r, err := s.Store.Reckoning(ctx, p.ID, p.BoughtOn, s.Now())
	if err != nil || r == nil || r.Past || r.Erased {
		return err
	}
	switch {
	case !r.Noted && r.Receipt.MemberID == nil:
		return nil // it was nobody's, and is
	case !r.Noted:
		if err := s.Store.Owe(ctx, []purchase.Purchase{p}); err != nil {
			return err
		}
		return s.reckon(ctx, []Receipt{r.Receipt})
	case r.ReckonedAt == nil:
		return nil // the job will find it as it is now
	case r.Returned > 0:
		return purchase.ErrReturned
	}
	if back, err := cameBack(was); err != nil || back {
		return orErr(err, purchase.ErrIsReturn)
	}
	return s.correct(ctx, *r, correctionID)
}

// cameBack reports whether goods came back with the lines.
func cameBack(lines []purchase.Line) (bool, error) {
	r := Receipt{Lines: make([]ReceiptLine, len(lines))}
	for i, l := range lines {
		r.Lines[i] = ReceiptLine{Code: l.Code, ProductID: l.ProductID, Quantity: l.Quantity, Minor: l.AmountMinor}
	}
	_, backs, err := r.net()
	return len(backs) > 0, err
}

// correct posts the difference between what the receipt has earned and what it should.
func (s *Service) correct(ctx context.Context, r Reckoning, correctionID uuid.UUID) error {
	stays := r.Receipt.MemberID != nil && slices.ContainsFunc(r.Has, func(h Had) bool { return h.MemberID == *r.Receipt.MemberID })
	if !stays {
		if err := s.Store.NotFirst(ctx, r.Receipt.ID); err != nil {
			return err
		}
	}
	receipts := []Receipt{r.Receipt}
	t, err := s.atTill(ctx, receipts)
	if err != nil {
		return err
	}
	// What is earned anew is told from what is undone by its moment, whatever clock said
	// when it was reckoned before.
	undone := t.now.Truncate(time.Microsecond)
	if undone.Before(*r.ReckonedAt) {
		undone = *r.ReckonedAt
	}
	c := correcting{Reckoning: r, key: "correct:" + correctionID.String(), actor: actorID(ctx), undone: undone, since: *r.ReckonedAt}
	if !stays {
		c.since = undone.Add(time.Microsecond)
	}
	t.now = c.since
	if stays {
		t.now = undone
	}
	if err := t.earn(&receipts[0]); err != nil {
		return err
	}
	if _, err := s.Post(ctx, c.postings(t)...); err != nil {
		return err
	}
	if err := s.Store.ReckonedAgain(ctx, receipts[0], c.since); err != nil || len(t.backs) == 0 {
		return err
	}
	return s.takeReceiptsBack(ctx, t)
}

// correcting is a receipt that is put right.
type correcting struct {
	Reckoning
	key    string
	actor  *uuid.UUID
	undone time.Time // when what it had is taken back
	since  time.Time // from when on what it earns counts
}

// postings are what moves, of all that the receipt should have earned.
func (c correcting) postings(t *till) (all []Posting) {
	open := func(programmeID uuid.UUID) bool {
		return slices.ContainsFunc(t.programmes, func(p Programme) bool { return p.ID == programmeID })
	}
	for _, h := range c.Has {
		should := int64(0)
		for i, p := range t.postings {
			if p.Holder == h.Holder {
				should, t.postings[i].Points = p.Points, max(p.Points-h.Points, 0)
			}
		}
		if less := h.Points - h.Lapsed - should; less > 0 && open(h.ProgrammeID) {
			all = append(all, Posting{Holder: h.Holder, Key: c.key, Kind: TakeBack, Points: less, PurchaseID: &c.Receipt.ID, Undoes: "purchase:" + c.Receipt.ID.String(), ActorID: c.actor, At: c.undone})
		}
	}
	for _, p := range t.postings {
		if p.Points > 0 {
			p.Key, p.ActorID = c.key, c.actor
			all = append(all, p)
		}
	}
	return all
}
