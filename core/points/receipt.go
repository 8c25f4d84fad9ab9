package points

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/purchase"
)

// Receipts know what members bought in shops.
type Receipts interface {
	// Owe notes receipts that are to earn, each once.
	Owe(ctx context.Context, all []purchase.Purchase) error
	// Owed are at most so many receipts that are to earn, the earliest first. Nobody else
	// reads them before the transaction ends.
	Owed(ctx context.Context, most int) ([]Receipt, error)
	Returns
	// Reckoned notes what the receipts have earned on.
	Reckoned(ctx context.Context, all []Receipt, at time.Time) error
	// RulesEver are all rules of the programmes, those that were ended too.
	RulesEver(ctx context.Context, programmeIDs []uuid.UUID) ([]Rule, error)
}

// Receipt is what was bought at once in a shop, as points look at it.
type Receipt struct {
	ID       uuid.UUID
	BrandID  uuid.UUID
	MemberID *uuid.UUID // nil: nobody's any more
	ShopID   *uuid.UUID
	At       time.Time
	BoughtOn time.Time
	First    bool // of the member in the brand
	Rank     string
	Segments []uuid.UUID   // of those that rules name, that the member was in when it was first reckoned; nil: not noted
	Goods    int64         `db:"-"` // that it earns on, in minor units
	Lines    []ReceiptLine `db:"-"`
}

// ReceiptLine is one line of it.
type ReceiptLine struct {
	ReceiptID   uuid.UUID
	Code        string
	ProductID   *uuid.UUID // nil: nobody knows the code
	Quantity    int
	Minor       int64
	CategoryIDs []uuid.UUID
}

// Bought notes that members' receipts are to earn: a job gives the points. What is bought
// online earns with its order.
func (s *Service) Bought(ctx context.Context, all []purchase.Purchase) error {
	theirs := slices.DeleteFunc(slices.Clone(all), func(p purchase.Purchase) bool {
		return p.Source != purchase.InStore || p.OrderID != nil || p.MemberID == nil
	})
	if len(theirs) == 0 {
		return nil
	}
	return s.Store.Owe(ctx, theirs)
}

// ReceiptsJob gives what receipts of shops earn.
type ReceiptsJob struct{}

// Kind is the job's name in the queue.
func (ReceiptsJob) Kind() string { return "points_receipts" }

// receiptsAtOnce is how many receipts one transaction reckons.
const receiptsAtOnce = 500

// EarnReceipts gives what receipts earn by the rules of the moment at which something was
// bought, and takes back what was earned on goods that came back.
func (s *Service) EarnReceipts(ctx context.Context) error {
	for {
		n := 0
		err := s.Tx.InTx(access.With(ctx, access.System), func(ctx context.Context) error {
			all, err := s.Store.Owed(ctx, receiptsAtOnce)
			if n = len(all); err != nil || n == 0 {
				return err
			}
			return s.reckon(ctx, all)
		})
		if err != nil || n < receiptsAtOnce {
			return err
		}
	}
}

// takeFirsts keeps as first purchases only those that were taken for them.
func (s *Service) takeFirsts(ctx context.Context, all []Receipt) error {
	var firsts []First
	for _, r := range all {
		if r.First && r.MemberID != nil && slices.ContainsFunc(r.Lines, func(l ReceiptLine) bool { return l.Minor > 0 }) {
			firsts = append(firsts, First{r.BrandID, *r.MemberID, r.ID})
		}
	}
	if len(firsts) == 0 {
		return nil
	}
	taken, err := s.Store.TakeFirsts(ctx, firsts)
	for i := range all {
		all[i].First = all[i].First && slices.Contains(taken, all[i].ID)
	}
	return err
}

func (s *Service) reckon(ctx context.Context, all []Receipt) error {
	t, err := s.atTill(ctx, all)
	if err != nil {
		return err
	}
	for i := range all {
		if err := t.earn(&all[i]); err != nil {
			return err
		}
	}
	if _, err := s.Post(ctx, t.postings...); err != nil {
		return err
	}
	if err := s.Store.Reckoned(ctx, all, t.now); err != nil || len(t.backs) == 0 {
		return err
	}
	return s.takeReceiptsBack(ctx, t)
}

// atTill is a till for the receipts, with all that they may earn by; of first purchases it
// knows which are.
func (s *Service) atTill(ctx context.Context, all []Receipt) (*till, error) {
	if err := s.takeFirsts(ctx, all); err != nil {
		return nil, err
	}
	programmes, err := s.programmes(ctx)
	if err != nil {
		return nil, err
	}
	t := &till{now: s.Now()}
	var keys []uuid.UUID
	for key, p := range programmes {
		if p.ClosedAt == nil {
			keys, t.programmes = append(keys, key), append(t.programmes, p)
		}
	}
	slices.SortFunc(t.programmes, func(a, b Programme) int { return slices.Compare(a.ID[:], b.ID[:]) })
	if t.rules, err = s.Store.RulesEver(ctx, keys); err != nil {
		return nil, err
	}
	return t, s.placeReceipts(ctx, all, t.rules)
}

// till reckons receipts.
type till struct {
	now        time.Time
	programmes []Programme
	rules      []Rule
	postings   []Posting
	backs      []back
	returned   []Returned
	again      string // what makes keys other ones, of what is reckoned again
}

// earn posts what a receipt earns, and keeps what came back.
func (t *till) earn(r *Receipt) error {
	goods, backs, err := r.net()
	if err != nil {
		return err
	}
	if r.Goods = sum(goods, func(Good) bool { return true }); r.MemberID == nil {
		return nil
	}
	t.backs = append(t.backs, backs...)
	for _, p := range t.programmes {
		if points, lives := t.gives(p, *r, goods); points > 0 {
			posting := t.earned(p, *r.MemberID, r.ID, r.At, points, "purchase:"+r.ID.String())
			posting.Lives = lives
			t.postings = append(t.postings, posting)
		}
	}
	return nil
}

// earned gives points for what was bought at a moment, promised until it is long enough ago.
func (t *till) earned(p Programme, memberID, receiptID uuid.UUID, bought time.Time, points int64, key string) Posting {
	posting := Posting{Holder: Holder{p.ID, memberID}, Key: key, Kind: Earn, Points: points, PurchaseID: &receiptID, At: t.now}
	if at := bought.AddDate(0, 0, p.ConfirmDays); at.After(t.now) {
		posting.Pending, posting.ConfirmsAt = true, &at
	}
	return posting
}

// gives is what the goods earn in a programme by the rules that stood when they were bought, and
// how long the parts of it live.
func (t *till) gives(p Programme, r Receipt, goods []Good) (points int64, lives []Life) {
	if !p.Shared && p.BrandID != r.BrandID {
		return 0, nil
	}
	var rules []Rule
	for _, rule := range t.rules {
		if rule.ProgrammeID == p.ID && !rule.CreatedAt.After(r.At) && (rule.ClosedAt == nil || rule.ClosedAt.After(r.At)) {
			rules = append(rules, rule)
		}
	}
	points, given := Reckon(rules, Purchase{Goods: goods, At: inZone(p, r.At), ShopID: r.ShopID, First: r.First, Segments: r.Segments, Rank: r.Rank})
	return points, livesOf(rules, given)
}

// net is what is left of a receipt's lines: of what was rung up and voided again nothing.
// What was taken off the whole is taken off each of the goods in proportion.
func (r *Receipt) net() (goods []Good, backs []back, err error) {
	codes, lines := r.byCode()
	var total, off int64
	for _, code := range codes {
		l := lines[code]
		good := Good{CategoryIDs: l.CategoryIDs, Minor: abs(l.Minor)}
		if l.ProductID != nil {
			good.ProductID = *l.ProductID
		}
		switch {
		case l.Minor > 0:
			goods, total = append(goods, good), total+l.Minor
		case l.cameBack():
			backs = append(backs, back{r, code, max(-l.Quantity, 0), good})
		case l.Minor < 0:
			off -= l.Minor
		}
	}
	if off > 0 && total == 0 { // nobody knows the goods that came back
		for _, code := range codes {
			if l := lines[code]; l.Minor < 0 && l.ProductID == nil {
				backs = append(backs, back{r, code, max(-l.Quantity, 0), Good{Minor: -l.Minor}})
			}
		}
	}
	if off <= 0 {
		return goods, backs, nil
	}
	for i := range goods {
		if goods[i].Minor, err = money.RoundDown.Portion(goods[i].Minor, max(total-off, 0), total, 1); err != nil {
			return nil, nil, err
		}
	}
	return goods, backs, nil
}

// cameBack reports whether the line is of goods that were returned.
func (l ReceiptLine) cameBack() bool { return l.Minor < 0 && l.Quantity < 0 && l.ProductID != nil }

// byCode are the receipt's lines put together by what they are of, in the order of the
// first of each.
func (r *Receipt) byCode() (codes []string, lines map[string]ReceiptLine) {
	lines = map[string]ReceiptLine{}
	for _, l := range r.Lines {
		was, seen := lines[l.Code]
		if !seen {
			codes = append(codes, l.Code)
		}
		l.Quantity, l.Minor = l.Quantity+was.Quantity, l.Minor+was.Minor
		lines[l.Code] = l
	}
	return codes, lines
}
