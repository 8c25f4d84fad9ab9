package points

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// Orders know what members bought.
type Orders interface {
	// Turn lets those who follow an order take turns, each until its transaction ends.
	Turn(ctx context.Context, orderID uuid.UUID) error
	// Bought is an order as points look at it; nil if a guest or a company placed it.
	Bought(ctx context.Context, orderID uuid.UUID) (*Bought, error)
	// Earned is what an order has earned in the programmes and was not taken back, and by
	// how many postings it came to that. What is over at the moment has lapsed, whether or
	// not it was written off.
	Earned(ctx context.Context, orderID uuid.UUID, at time.Time) ([]Earned, error)
	// TakeFirsts notes which orders or receipts are their members' first purchases, and
	// answers those that are: of a member in a brand one, unless that order was cancelled.
	TakeFirsts(ctx context.Context, all []First) ([]uuid.UUID, error)
	// Schedule says when the order's points are confirmed.
	Schedule(ctx context.Context, programmeID, orderID uuid.UUID, at time.Time) error
	// Due are orders and purchases whose points are to be confirmed by the moment.
	Due(ctx context.Context, at time.Time, most int) ([]Due, error)
	// Used is how many points a posting took for an order, and whose.
	Used(ctx context.Context, orderID uuid.UUID, key string) (Holder, int64, error)
	// Known reports whether there is the subject of a reward.
	Known(ctx context.Context, subject Subject) (bool, error)
}

// Bought is an order as points look at it. Amounts are minor units.
type Bought struct {
	ID          uuid.UUID
	BrandID     uuid.UUID
	MemberID    uuid.UUID
	Status      string
	Total       int64
	Shipping    int64 // with what the way to pay costs
	Net         bool  // prices are without tax
	ByPoints    int64 // paid by points
	Captured    int64
	Refunded    int64
	Returned    int64 // goods that came back for a refund, as they were sold
	Less        int64 // of the total: by which goods were exchanged for cheaper ones, and that were refused at the door
	PlacedAt    time.Time
	ShopID      *uuid.UUID
	Zone        string
	First       bool
	Segments    []uuid.UUID // of those that rules name, that the member was in when it was first followed; nil: not noted
	Rank        string      // of the member in the brand when it was placed
	Campaign    decimal.Decimal
	ShippedAt   *time.Time
	DeliveredAt *time.Time
	Goods       []Good `db:"-"`
}

// First is an order or a receipt that may be a member's first purchase in a brand.
type First struct {
	BrandID, MemberID, SourceID uuid.UUID
}

// Earned is what an order has earned in a programme.
type Earned struct {
	ProgrammeID uuid.UUID
	Points      int64
	Postings    int
	Lapsed      int64 // of them, expired unused: nobody has to give these back
}

// Programme is the programme's id in the schema.
func (e Earned) Programme() string { return id.Global("PointProgramme", e.ProgrammeID) }

// Due is an order or a purchase whose points are to be confirmed.
type Due struct {
	Holder
	OrderID    *uuid.UUID
	PurchaseID *uuid.UUID // in a shop
	LotID      uuid.UUID
}

// FollowJob looks at an order again and lets its points be what they should be.
type FollowJob struct{ OrderID uuid.UUID }

// Kind is the job's name in the queue.
func (FollowJob) Kind() string { return "points_follow" }

// Jobs queue work in the transaction of the context.
type Jobs interface {
	FollowPoints(ctx context.Context, orderIDs ...uuid.UUID) error
	SendPoints(ctx context.Context, transferID uuid.UUID) error
	GrantMany(ctx context.Context, job BatchJob) error
}

// Following records events and lets the points of the orders follow that they are about.
type Following struct {
	event.Recorder
	Jobs Jobs
}

// follows are the events after which an order earns more or less than before.
var follows = []string{
	"order.placed", "order.approved", "order.payment_changed", "order.edited", "order.shipped", "order.delivered", "order.handed_over", "order.cancelled", "order.refused",
	"order.shipment_refused", "order.return_received", "payment.refunded",
}

// Record records the events.
func (f Following) Record(ctx context.Context, events ...event.Event) error {
	if err := f.Recorder.Record(ctx, events...); err != nil {
		return err
	}
	var orders []uuid.UUID
	for _, e := range events {
		if key := followed(e); key != uuid.Nil && !slices.Contains(orders, key) {
			orders = append(orders, key)
		}
	}
	if len(orders) == 0 {
		return nil
	}
	return f.Jobs.FollowPoints(ctx, orders...)
}

// followed is the order whose points the event changes; zero for none.
func followed(e event.Event) uuid.UUID {
	if !slices.Contains(follows, e.Type) || e.ActorRole == access.RoleGuest {
		return uuid.Nil
	}
	var about struct {
		OrderID uuid.UUID
		After   string
	}
	if err := json.Unmarshal(e.Data, &about); err != nil {
		return uuid.Nil
	}
	switch {
	case e.Subject == "Payment":
		return about.OrderID
	case e.Type == "order.placed" && about.After != "CONFIRMED": // another event tells when it is
		return uuid.Nil
	}
	return e.SubjectID
}

// Follow lets an order's points be what the rules say that it has earned by now: they
// are promised when it is confirmed, taken back in proportion to what goes back, and
// all when it is given up. It may be asked for as often as one likes, and at once: who reads
// what the order has earned sees what the one before made of it.
func (s *Service) Follow(ctx context.Context, orderID uuid.UUID) error {
	return s.Tx.InTx(access.With(ctx, access.System), func(ctx context.Context) error {
		if err := s.Store.Turn(ctx, orderID); err != nil {
			return err
		}
		o, err := s.Store.Bought(ctx, orderID)
		if err != nil || o == nil || o.waits() {
			return err
		}
		if o.First && o.Status != "CANCELLED" {
			taken, err := s.Store.TakeFirsts(ctx, []First{{o.BrandID, o.MemberID, o.ID}})
			if err != nil {
				return err
			}
			o.First = len(taken) > 0
		}
		programmes, rules, err := s.earningIn(ctx, *o)
		if err != nil {
			return err
		}
		if err := s.place(ctx, o, rules, true); err != nil {
			return err
		}
		earned, err := s.Store.Earned(ctx, orderID, s.Now())
		if err != nil {
			return err
		}
		for _, p := range programmes {
			if err := s.followIn(ctx, p, *o, rules, earned); err != nil {
				return err
			}
		}
		return nil
	})
}

// ToEarn is what an order earns by the rules as it stands, in each programme that gives
// something; nothing for guests and companies.
func (s *Service) ToEarn(ctx context.Context, orderID uuid.UUID) ([]Earned, error) {
	ctx = access.With(ctx, access.System)
	o, err := s.Store.Bought(ctx, orderID)
	if err != nil || o == nil {
		return nil, err
	}
	programmes, rules, err := s.earningIn(ctx, *o)
	if err != nil {
		return nil, err
	}
	if err := s.place(ctx, o, rules, false); err != nil {
		return nil, err
	}
	return o.earnsIn(programmes, rules)
}

// earningIn are the programmes in which an order may earn, and their rules.
func (s *Service) earningIn(ctx context.Context, o Bought) (mine []Programme, rules []Rule, err error) {
	all, err := s.programmes(ctx)
	if err != nil {
		return nil, nil, err
	}
	var keys []uuid.UUID
	for key, p := range all {
		if p.ClosedAt == nil && (p.Shared || p.BrandID == o.BrandID) {
			mine, keys = append(mine, p), append(keys, key)
		}
	}
	slices.SortFunc(mine, func(a, b Programme) int { return slices.Compare(a.ID[:], b.ID[:]) })
	rules, err = s.Store.Rules(ctx, keys, o.PlacedAt)
	return mine, rules, err
}

func rulesOf(p Programme, rules []Rule) []Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r Rule) bool { return r.ProgrammeID != p.ID })
}

// waits reports whether nobody knows yet that the order stands.
func (o Bought) waits() bool { return o.Status == "PENDING_PAYMENT" || o.Status == "PENDING_APPROVAL" }

func (s *Service) followIn(ctx context.Context, p Programme, o Bought, rules []Rule, earned []Earned) error {
	var has Earned
	for _, e := range earned {
		if e.ProgrammeID == p.ID {
			has = e
		}
	}
	target, err := o.earns(rulesOf(p, rules))
	if err != nil {
		return err
	}
	posting := Posting{
		Holder: Holder{p.ID, o.MemberID}, Key: orderKey("order", o.ID, int64(has.Postings)), OrderID: &o.ID, At: s.Now(),
	}
	switch {
	case target > has.Points:
		posting.Kind, posting.Points, posting.Pending, posting.Lives = Earn, target-has.Points, true, o.lives(rulesOf(p, rules))
		_, err = s.Post(ctx, posting)
	case target < has.Points-has.Lapsed:
		posting.Kind, posting.Points = TakeBack, has.Points-has.Lapsed-target
		_, err = s.Post(ctx, posting)
	}
	if at := o.confirms(p); err == nil && at != nil && target > 0 {
		return s.Store.Schedule(ctx, p.ID, o.ID, *at)
	}
	return err
}

// onTheWay is how long a parcel takes whose delivery nobody tells of.
const onTheWay = 7 * 24 * time.Hour

// confirms is when the order's points can be used; nil while nobody knows.
func (o Bought) confirms(p Programme) *time.Time {
	wait := time.Duration(p.ConfirmDays) * 24 * time.Hour
	var at time.Time
	switch {
	case o.Status == "DELIVERED" && o.DeliveredAt != nil:
		at = o.DeliveredAt.Add(wait)
	case (o.Status == "SHIPPED" || o.Status == "DELIVERED") && o.ShippedAt != nil:
		at = o.ShippedAt.Add(wait + onTheWay)
	default:
		return nil
	}
	return &at
}

// earns is what the order earns by the rules as it stands: nothing for what points paid,
// less in proportion for goods that went back. It is pure.
func (o Bought) earns(rules []Rule) (int64, error) {
	if o.Status == "CANCELLED" || o.Total <= 0 {
		return 0, nil
	}
	full, _ := Reckon(rules, o.purchase())
	paid, err := money.RoundDown.Portion(full, max(o.Total-o.ByPoints, 0), o.Total, 1)
	if err != nil {
		return 0, err
	}
	kept, all, err := o.keeps()
	if err != nil || all <= 0 {
		return 0, err
	}
	return money.RoundDown.Portion(paid, kept, all, 1)
}

// purchase is the order as rules look at it.
func (o Bought) purchase() Purchase {
	return Purchase{Goods: o.Goods, At: inZone(Programme{Zone: o.Zone}, o.PlacedAt), ShopID: o.ShopID, Rank: o.Rank, First: o.First, Segments: o.Segments, Campaign: o.Campaign}
}

// lives are how long the parts live of what the order earns by the rules.
func (o Bought) lives(rules []Rule) []Life {
	_, given := Reckon(rules, o.purchase())
	return livesOf(rules, given)
}

// keeps is what the goods bear of the total, and what of it is left of those that the member
// keeps, whatever the shop kept as a fee or gave back of the parcel. Money that went back
// without goods is first of the parcel: only what exceeds it is of goods.
func (o Bought) keeps() (kept, all int64, err error) {
	var sold int64
	for _, g := range o.Goods {
		sold += g.Minor
	}
	all = o.Total - o.beside()
	if sold <= 0 || all <= 0 {
		return 0, 0, nil
	}
	if kept, err = money.RoundDown.Portion(all, max(sold-o.Returned, 0), sold, 1); err != nil {
		return 0, 0, err
	}
	refunded := o.Refunded - max(0, o.Captured-o.Total) // what an edit paid back is no return
	return max(min(kept-o.Less, o.Total-refunded), 0), all, nil
}

// beside is what of the total is not for goods.
func (o Bought) beside() int64 {
	if !o.Net {
		return o.Shipping
	}
	return money.TaxOf(money.TaxStandard, money.Of(o.Shipping, money.JPY), false, money.RoundDown).Gross.Minor
}

func abs(n int64) int64 { return max(n, -n) }

// ConfirmJob is the regular job that confirms points whose time has come.
type ConfirmJob struct{}

// Kind is the job's name in the queue.
func (ConfirmJob) Kind() string { return "points_confirm" }

// confirmAtOnce bounds one round of Confirm.
const confirmAtOnce = 500

// Confirm lets points be used whose time has come. What fails fails by itself: the round
// is finished before it is told, and the next one tries again.
func (s *Service) Confirm(ctx context.Context) error {
	for {
		due, err := s.Store.Due(ctx, s.Now(), confirmAtOnce)
		if err != nil {
			return err
		}
		var failed []error
		for _, d := range due {
			if _, err := s.Post(ctx, Posting{Holder: d.Holder, Key: "confirm:" + d.LotID.String(), Kind: Confirm, OrderID: d.OrderID, PurchaseID: d.PurchaseID, At: s.Now()}); err != nil {
				failed = append(failed, fmt.Errorf("confirm the points of lot %s: %w", d.LotID, err))
			}
		}
		if len(failed) > 0 || len(due) < confirmAtOnce {
			return errors.Join(failed...)
		}
	}
}

func inZone(p Programme, at time.Time) time.Time {
	zone, err := time.LoadLocation(p.Zone)
	if err != nil {
		zone = time.FixedZone("JST", 9*60*60)
	}
	return at.In(zone)
}
