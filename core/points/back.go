package points

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/money"
)

// Sold is a receipt that something may come back of, for one code that it has.
type Sold struct {
	ID          uuid.UUID
	BrandID     uuid.UUID
	MemberID    uuid.UUID
	Code        string
	At          time.Time
	Goods       int64
	Returned    int64
	ProgrammeID *uuid.UUID // nil: it earned nothing
	Earned      int64      // by all its goods
	Has         int64      // of that, less what was taken back of it
	Lapsed      int64      // of that, expired unused
}

// Returned is goods of one code that came back: on which receipt, and of which. Of goods
// whose receipt nobody knows both are one.
type Returned struct {
	BackID uuid.UUID
	SoldID uuid.UUID
	Code   string
	Pieces int
	Minor  int64
	Points map[uuid.UUID]int64 // of no receipt: what was taken back for them, by programme
}

// Returns know what came back of which receipt.
type Returns interface {
	// Sold are receipts with goods of the codes that members may bring back, the latest
	// first, with what they have earned by now. What is over at the moment has lapsed,
	// whether or not it was written off.
	Sold(ctx context.Context, memberIDs []uuid.UUID, codes []string, since, at time.Time) ([]Sold, error)
	// CameBack adds to what came back of the receipts.
	CameBack(ctx context.Context, all []Returned) error
}

func (s *Service) takeReceiptsBack(ctx context.Context, t *till) error {
	var members []uuid.UUID
	var codes []string
	since := t.now
	for _, b := range t.backs {
		members, codes = append(members, *b.receipt.MemberID), append(codes, b.code)
		if b.receipt.At.Before(since) {
			since = b.receipt.At
		}
	}
	sold, err := s.Store.Sold(ctx, members, codes, since.Add(-comesBack), t.now)
	if err != nil {
		return err
	}
	t.postings, t.returned = nil, nil
	for _, b := range t.backs {
		if err := t.takeBack(b, sold); err != nil {
			return err
		}
	}
	if err := s.Store.CameBack(ctx, t.returned); err != nil {
		return err
	}
	_, err = s.Post(ctx, t.postings...)
	return err
}

// comesBack is how long after a purchase goods are looked for that came back of it.
const comesBack = 400 * 24 * time.Hour

// back is goods of one code that came back with a receipt.
type back struct {
	receipt *Receipt
	code    string
	pieces  int
	good    Good
}

// of reports whether the goods may be of the receipt.
func (b back) of(o Sold) bool {
	return o.MemberID == *b.receipt.MemberID && o.BrandID == b.receipt.BrandID && o.Code == b.code && !o.At.After(b.receipt.At) && o.ID != b.receipt.ID
}

// part is so much of the goods, which leaves the rest of them.
func (b *back) part(soldID uuid.UUID, minor int64) Returned {
	pieces := b.pieces
	if minor < b.good.Minor {
		pieces = int(money.RoundHalfUp.Divide(int64(b.pieces)*minor, b.good.Minor))
	}
	b.pieces, b.good.Minor = b.pieces-pieces, b.good.Minor-minor
	return Returned{BackID: b.receipt.ID, SoldID: soldID, Code: b.code, Pieces: pieces, Minor: minor}
}

// takeBack takes back what the latest receipts with the goods had earned on them. Of
// goods of which there is no receipt, what they would earn now.
func (t *till) takeBack(b back, sold []Sold) error {
	for i := range sold {
		o := sold[i]
		if b.good.Minor == 0 {
			return nil
		}
		n := min(b.good.Minor, o.Goods-o.Returned)
		if n <= 0 || !b.of(o) {
			continue
		}
		if err := t.undo(b, o.ID, n, sold); err != nil {
			return err
		}
		t.returned = append(t.returned, b.part(o.ID, n))
	}
	if b.good.Minor == 0 {
		return nil
	}
	good, as := b.good, *b.receipt
	as.First = false // what comes back was not bought first now
	rest := b.part(as.ID, good.Minor)
	rest.Points = map[uuid.UUID]int64{}
	for _, p := range t.programmes {
		if points, _ := t.gives(p, as, []Good{good}); points > 0 {
			t.take(p.ID, b, as.ID, points)
			rest.Points[p.ID] = points
		}
	}
	t.returned = append(t.returned, rest)
	return nil
}

// undo takes back what so much of a receipt's goods has earned, in each programme.
func (t *till) undo(b back, receiptID uuid.UUID, minor int64, sold []Sold) error {
	done := map[uuid.UUID]int64{}
	for i := range sold {
		o := &sold[i]
		if o.ID != receiptID {
			continue
		}
		o.Returned += minor
		if o.ProgrammeID == nil {
			continue
		}
		if points, again := done[*o.ProgrammeID]; again { // the same for another code
			o.Has -= points
			continue
		}
		keeps, err := money.RoundDown.Portion(o.Earned, o.Goods-o.Returned, o.Goods, 1)
		if err != nil {
			return err
		}
		points := max(o.Has-o.Lapsed-keeps, 0)
		done[*o.ProgrammeID] = points
		if o.Has -= points; points > 0 {
			t.take(*o.ProgrammeID, b, receiptID, points)
		}
	}
	return nil
}

func (t *till) take(programmeID uuid.UUID, b back, receiptID uuid.UUID, points int64) {
	t.postings = append(t.postings, Posting{
		Holder: Holder{programmeID, *b.receipt.MemberID}, Key: "back:" + b.receipt.ID.String() + ":" + receiptID.String() + ":" + b.code + t.again,
		Kind: TakeBack, Points: points, PurchaseID: &receiptID, At: t.now,
	})
}
