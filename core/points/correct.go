package points

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/purchase"
)

// Reckonings know what receipts have earned, for those that are put right.
type Reckonings interface {
	// Reckoning is what is known of a receipt, with its lines as they are now. Nobody else
	// reckons receipts before the transaction ends. What is over at the moment has lapsed,
	// whether or not it was written off.
	Reckoning(ctx context.Context, purchaseID uuid.UUID, boughtOn, at time.Time) (*Reckoning, error)
	// Along are the receipts on which goods of the receipt came back, and on which goods of
	// those did. Nobody else reckons receipts before the transaction ends.
	Along(ctx context.Context, purchaseID uuid.UUID) ([]Along, error)
	// ReckonedAgain notes what a receipt earns on since it was put right, and what all its
	// goods earn in each programme.
	ReckonedAgain(ctx context.Context, r Receipt, earned map[uuid.UUID]int64, at time.Time) error
	// Reallot puts other goods in the place of those that came back on a receipt.
	Reallot(ctx context.Context, backID uuid.UUID, kept []Returned) error
	// Standing is how the receipts stand in each programme, of members who stand.
	Standing(ctx context.Context, receiptIDs []uuid.UUID, at time.Time) ([]Standing, error)
	// Earning notes what all goods of the receipts earn.
	Earning(ctx context.Context, all []Standing) error
	// NotFirst lets another purchase be the first of whoever had the receipt, and forgets
	// which segments they were in.
	NotFirst(ctx context.Context, purchaseID uuid.UUID) error
}

// Reckoning is what points know of a receipt.
type Reckoning struct {
	Receipt    Receipt
	Noted      bool       // it is to earn, or has
	Past       bool       // another system kept it: what it earned there is in the balances from there
	ReckonedAt *time.Time // nil: it has not earned yet
	Erased     bool       // its member was erased
	Voided     bool
	Has        []Had      // what it has earned, of whoever has it
	Returned   int64      // of its goods, came back
	CameBack   []Returned // which
	Brought    []Brought  // what came back on it
	Told       bool       // what came back on it was written down, as is done since there are returns
}

// Had is what a receipt has earned for a member in a programme, less what was taken back.
type Had struct {
	Holder
	Points int64
	Lapsed int64 // of them, expired unused
}

// Brought is goods that came back, and whose the receipt is that they are of.
type Brought struct {
	Returned
	MemberID *uuid.UUID
	Voided   bool
}

// Along is a receipt that goes where another goes.
type Along struct {
	ID     uuid.UUID
	Shared bool // goods of other receipts came back on it, too
	Told   bool // all that came back of it was written down
}

// Standing is what a receipt earns in a programme, and has earned.
type Standing struct {
	ID uuid.UUID
	Holder
	At       time.Time // when it was bought
	Since    time.Time // from when on what it earns counts
	Goods    int64
	Returned int64
	Earned   int64 // by all goods
	Has      int64
	Lapsed   int64
}

// Returns are the receipts on which goods of a receipt came back, and on which goods of
// those did: they are moved with it. None of them is of goods of other receipts, too.
func (s *Service) Returns(ctx context.Context, purchaseID uuid.UUID) ([]uuid.UUID, error) {
	all, err := s.Store.Along(ctx, purchaseID)
	if err != nil {
		return nil, err
	}
	var others []uuid.UUID
	for _, a := range all {
		switch {
		case !a.Told:
			return nil, purchase.ErrReturned.At("purchaseId")
		case a.ID == purchaseID:
		case a.Shared:
			return nil, purchase.ErrShared.At("purchaseId")
		default:
			others = append(others, a.ID)
		}
	}
	return others, nil
}

// Corrected lets what a receipt has earned be what it should have, in the transaction that
// puts it right: from another member all goes back, as far as it has not expired unused;
// what was used already is owed, as after a return. Of the same member the difference moves.
// What came back stays back. Lines that staff have typed add no more to what was reckoned
// than they may still give by hand that day.
func (s *Service) Corrected(ctx context.Context, p purchase.Purchase, was []purchase.Line, correctionID uuid.UUID, typed bool) error {
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
	}
	return s.correct(ctx, *r, before(was), correctionID, typed)
}

// before is a receipt with the lines that it had.
func before(was []purchase.Line) *Receipt {
	r := Receipt{Lines: make([]ReceiptLine, len(was))}
	for i, l := range was {
		r.Lines[i] = ReceiptLine{Code: l.Code, ProductID: l.ProductID, Quantity: l.Quantity, Minor: l.AmountMinor}
	}
	return &r
}

// bears fails if less would be left of a receipt than has come back of it, or if that
// cannot be told any more.
func (r Reckoning) bears(was *Receipt) error {
	if _, backs, err := was.net(); err != nil || len(backs) > 0 && !r.Told {
		return orErr(err, purchase.ErrIsReturn)
	}
	if r.Voided {
		return nil
	}
	_, old := was.byCode()
	_, now := r.Receipt.byCode()
	told, least := int64(0), map[string]Returned{}
	for _, b := range r.CameBack {
		l := least[b.Code]
		l.Pieces, l.Minor, told = l.Pieces+b.Pieces, l.Minor+b.Minor, told+b.Minor
		least[b.Code] = l
	}
	alike := maps.EqualFunc(old, now, func(a, b ReceiptLine) bool { return a.Quantity == b.Quantity && a.Minor == b.Minor })
	switch {
	case alike:
		return nil
	case told < r.Returned:
		return purchase.ErrReturned
	case r.Receipt.Goods < r.Returned:
		return purchase.ErrBelow.At("lines")
	}
	for code, l := range least {
		if now[code].Minor < min(l.Minor, old[code].Minor) || now[code].Quantity < min(l.Pieces, old[code].Quantity) {
			return purchase.ErrBelow.At("lines")
		}
	}
	return nil
}

// correct posts the difference between what the receipt has earned and what it should.
func (s *Service) correct(ctx context.Context, r Reckoning, was *Receipt, correctionID uuid.UUID, typed bool) error {
	stays := r.Receipt.MemberID != nil && slices.ContainsFunc(r.Has, func(h Had) bool { return h.MemberID == *r.Receipt.MemberID })
	if !stays {
		if err := s.Store.NotFirst(ctx, r.Receipt.ID); err != nil {
			return err
		}
		r.Receipt.Segments = nil // they were somebody else's
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
	if typed {
		c.key = "typed:" + correctionID.String()
	}
	if !stays {
		c.since = undone.Add(time.Microsecond)
	}
	t.now, t.again = c.since, ":"+correctionID.String()
	if stays {
		t.now = undone
	}
	if err := t.earn(&receipts[0]); err != nil {
		return err
	}
	c.Receipt = receipts[0]
	if err := c.bears(was); err != nil {
		return err
	}
	earned, err := c.keep(t)
	if err != nil {
		return err
	}
	moves := c.postings(t)
	if err := s.typed(ctx, typed, moves, t.programmes); err != nil {
		return err
	}
	if _, err := s.Post(ctx, moves...); err != nil {
		return err
	}
	if err := s.Store.ReckonedAgain(ctx, c.Receipt, earned, c.since); err != nil {
		return err
	}
	return s.allot(ctx, c, t)
}

// typed fails if what staff have typed adds more points than they may still give by hand
// today. What it takes back is no matter.
func (s *Service) typed(ctx context.Context, typed bool, moves []Posting, programmes []Programme) error {
	moves = slices.DeleteFunc(slices.Clone(moves), func(p Posting) bool { return p.Kind != Earn })
	if !typed || len(moves) == 0 {
		return nil
	}
	left, err := s.left(ctx, programmes...)
	if err != nil {
		return err
	}
	for _, p := range moves {
		if p.Points > left[p.ProgrammeID] {
			return ErrLimit.With(left[p.ProgrammeID]).At("lines")
		}
	}
	return nil
}

// correcting is a receipt that is put right.
type correcting struct {
	Reckoning
	key    string
	actor  *uuid.UUID
	undone time.Time // when what it had is taken back
	since  time.Time // from when on what it earns counts
}

// keep leaves, of what all goods of the receipt earn, what is earned by those that have not
// come back; it answers what all earn.
func (c correcting) keep(t *till) (earned map[uuid.UUID]int64, err error) {
	earned = map[uuid.UUID]int64{}
	for i, p := range t.postings {
		if earned[p.ProgrammeID] = p.Points; c.Returned == 0 {
			continue
		}
		if t.postings[i].Points, err = money.RoundDown.Portion(p.Points, c.Receipt.Goods-c.Returned, c.Receipt.Goods, 1); err != nil {
			return nil, err
		}
	}
	return earned, nil
}

// postings are what moves, of all that the receipt should have earned.
func (c correcting) postings(t *till) (all []Posting) {
	for _, h := range c.Has {
		if !slices.ContainsFunc(t.programmes, func(p Programme) bool { return p.ID == h.ProgrammeID }) { // it has ended
			continue
		}
		should, more := int64(0), false
		for i, p := range t.postings {
			if p.Holder == h.Holder {
				should, t.postings[i].Points, more = p.Points, max(p.Points-h.Points, 0), true
			}
		}
		switch less := h.Points - h.Lapsed - should; {
		case less > 0:
			all = append(all, Posting{Holder: h.Holder, Key: c.key, Kind: TakeBack, Points: less, PurchaseID: &c.Receipt.ID, Undoes: "purchase:" + c.Receipt.ID.String(), ActorID: c.actor, At: c.undone})
		case h.Points < 0 && !more: // more had been taken back on it than it earned
			all = append(all, Posting{Holder: h.Holder, Key: c.key, Kind: Earn, Points: -h.Points, PurchaseID: &c.Receipt.ID, ActorID: c.actor, At: c.undone})
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

// allot finds anew of which receipts the goods are that came back on one that was put
// right. Those of whoever has it, of nobody or void go on as they were; what others have
// lost by it they have again.
func (s *Service) allot(ctx context.Context, c correcting, t *till) error {
	_, backs, err := c.Receipt.net()
	if err != nil || len(backs) == 0 && len(c.Brought) == 0 {
		return err
	}
	if c.Voided {
		backs = nil
	}
	kept, freed := c.kept(backs)
	if err := s.Store.Reallot(ctx, c.Receipt.ID, kept); err != nil {
		return err
	}
	if err := s.settle(ctx, c, t, freed); err != nil {
		return err
	}
	t.backs = nil
	if c.Receipt.MemberID != nil {
		t.backs = slices.DeleteFunc(backs, func(b back) bool { return b.good.Minor == 0 })
	}
	if len(t.backs) == 0 {
		return nil
	}
	return s.takeReceiptsBack(ctx, t)
}

// kept are goods that came back of the receipts of which they came back before, which
// leaves the rest of them; freed are receipts of which fewer have.
func (c correcting) kept(backs []back) (kept []Returned, freed []uuid.UUID) {
	for _, a := range c.Brought {
		left := a.Minor
		if a.SoldID != c.Receipt.ID && (a.Voided || a.MemberID == nil && c.Receipt.MemberID == nil || same(a.MemberID, c.Receipt.MemberID)) {
			for i := range backs {
				if b := &backs[i]; b.code == a.Code && b.good.Minor > 0 {
					still := b.part(a.SoldID, min(left, b.good.Minor))
					kept, left = append(kept, still), left-still.Minor
				}
			}
		}
		if left > 0 && a.SoldID != c.Receipt.ID {
			freed = append(freed, a.SoldID)
		}
	}
	return kept, freed
}

// settle lets what receipts have earned be what the goods earn that have not come back of
// them.
func (s *Service) settle(ctx context.Context, c correcting, t *till, receiptIDs []uuid.UUID) error {
	if len(receiptIDs) == 0 {
		return nil
	}
	all, err := s.Store.Standing(ctx, receiptIDs, c.undone)
	if err != nil || len(all) == 0 {
		return err
	}
	var moves []Posting
	for _, r := range all {
		at := slices.IndexFunc(t.programmes, func(p Programme) bool { return p.ID == r.ProgrammeID })
		should, err := money.RoundDown.Portion(r.Earned, r.Goods-r.Returned, r.Goods, 1)
		if err != nil {
			return err
		}
		if more := should - r.Has; more > 0 && at >= 0 {
			p := t.earned(t.programmes[at], r.MemberID, r.ID, r.At, more, c.key+":"+r.ID.String())
			if p.ActorID, p.At = c.actor, c.undone; p.At.Before(r.Since) {
				p.At = r.Since
			}
			moves = append(moves, p)
		}
	}
	if err := s.Store.Earning(ctx, all); err != nil || len(moves) == 0 {
		return err
	}
	_, err = s.Post(ctx, moves...)
	return err
}
