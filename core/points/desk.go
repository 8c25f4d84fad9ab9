package points

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
)

// Desk is what staff and the regular jobs ask for.
type Desk interface {
	// GrantedBy is how many points one of the staff has granted and deducted of a
	// programme since, and holds off who asks the same until the transaction ends.
	GrantedBy(ctx context.Context, staffID, programmeID uuid.UUID, since time.Time) (int64, error)
	// MemberByEmail is an open account's id; nil if there is none.
	MemberByEmail(ctx context.Context, email string) (*uuid.UUID, error)
	// Expire writes off lots whose last day was before the day, of at most so many
	// accounts that nobody works on, and answers what each lost.
	Expire(ctx context.Context, programmeID uuid.UUID, day, at time.Time, most int) ([]Loss, error)
	// Expiring are members with points whose last day is by the day, who have not been
	// told; they count as told now.
	Expiring(ctx context.Context, programmeID uuid.UUID, from, until, at time.Time, most int) ([]Expiring, error)
	// Liabilities are what is outstanding by programme and month of expiry.
	Liabilities(ctx context.Context, brandID uuid.UUID, day time.Time) ([]Liability, error)
	// Trial is the programme's trial balance: sums of each account.
	Trial(ctx context.Context, programmeID uuid.UUID) ([]Sum, error)
	// Unbooked are the movements by day, before the day, that are not in the journal yet,
	// and what was booked before.
	Unbooked(ctx context.Context, p Programme, before time.Time) (booked int64, days []Day, err error)
	Book(ctx context.Context, programmeID uuid.UUID, d Day, at time.Time) error
}

var errKey = idempotency.ErrKey.At("idempotencyKey")

const maxReason = 200

// GrantInput gives points to a member by hand, or with Deduct takes them.
type GrantInput struct {
	IdempotencyKey string
	ProgrammeID    uuid.UUID
	MemberID       uuid.UUID
	Points         int64
	Deduct         bool
	Reason         string
}

// Grant gives or takes points by hand (staff with POINT_WRITE), within what the programme
// lets one of the staff move in a day. Partners have no hand in it: they tell of rewards.
func (s *Service) Grant(ctx context.Context, in GrantInput) (*Balance, error) {
	if err := access.Require(ctx, access.PointWrite); err != nil {
		return nil, err
	}
	if access.From(ctx).Is(access.RolePartner) {
		return nil, fault.ErrForbidden
	}
	if in.Reason == "" {
		return nil, fault.ErrRequired.At("reason")
	}
	if err := errors.Join(amount(in.Points), i18n.CheckString("reason", in.Reason, maxReason)); err != nil {
		return nil, err
	}
	p, err := s.programme(ctx, in.ProgrammeID)
	if err != nil {
		return nil, err
	}
	_, err = idempotency.Once(ctx, s.Keys, "grantPoints", in.IdempotencyKey, in, func(ctx context.Context) (Result, error) {
		now, actor := s.Now(), access.From(ctx)
		before, err := s.Store.GrantedBy(ctx, actor.ID, p.ID, startOf(p, now))
		if err != nil {
			return Result{}, err
		}
		if left := max(p.GrantLimit-before, 0); in.Points > left {
			return Result{}, ErrLimit.With(left).At("points")
		}
		posting := Posting{
			Holder: Holder{p.ID, in.MemberID}, Key: "staff:" + actor.ID.String() + ":" + in.IdempotencyKey, Kind: Grant, Points: in.Points, Reason: in.Reason, ActorID: actorID(ctx), At: now,
		}
		if in.Deduct {
			posting.Kind = Deduct
		}
		return first(s.Post(ctx, posting))
	})
	if err != nil {
		return nil, err
	}
	return s.balance(ctx, p, in.MemberID)
}

// startOf is when the day began where the programme is at home.
func startOf(p Programme, at time.Time) time.Time {
	local := inZone(p, at)
	return time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, local.Location())
}

func (s *Service) balance(ctx context.Context, p Programme, memberID uuid.UUID) (*Balance, error) {
	all, err := s.balances(ctx, memberID)
	if err != nil {
		return nil, err
	}
	for _, b := range all {
		if b.ProgrammeID == p.ID {
			return &b, nil
		}
	}
	return nil, ErrProgramme
}

// GiveInput sends points from the actor to another member.
type GiveInput struct {
	IdempotencyKey string
	ProgrammeID    uuid.UUID
	Email          string // of whoever gets them
	Points         int64
}

// gifts is how often a member may name another: addresses are not to be tried out.
var gifts = limit.Rate{Allowed: 10, Per: 24 * time.Hour}

// Give sends the actor's points to another member, where the programme allows it. They
// keep their last days.
func (s *Service) Give(ctx context.Context, in GiveInput) (*Balance, error) {
	memberID, err := member(ctx)
	if err != nil {
		return nil, err
	}
	if err := amount(in.Points); err != nil {
		return nil, err
	}
	p, err := s.programme(ctx, in.ProgrammeID)
	switch {
	case err != nil:
		return nil, err
	case !p.Transferable:
		return nil, ErrFixed.At("programmeId")
	}
	if err := s.tried(ctx, "give", memberID, gifts); err != nil {
		return nil, err
	}
	to, err := s.Store.MemberByEmail(ctx, in.Email)
	switch {
	case err != nil:
		return nil, err
	case to == nil:
		return nil, ErrMember.At("email")
	case *to == memberID:
		return nil, ErrSelf.At("email")
	}
	_, err = idempotency.Once(ctx, s.Keys, "givePoints", in.IdempotencyKey, in, func(ctx context.Context) (Result, error) {
		now, key := s.Now(), "give:"+memberID.String()+":"+in.IdempotencyKey
		return first(s.Post(ctx,
			Posting{Holder: Holder{p.ID, memberID}, Key: key, Kind: TransferOut, Points: in.Points, ActorID: &memberID, At: now},
			Posting{Holder: Holder{p.ID, *to}, Key: key, Kind: TransferIn, Points: in.Points, ActorID: &memberID, At: now}))
	})
	if err != nil {
		return nil, err
	}
	return s.balance(ctx, p, memberID)
}

// ExchangeInput turns the actor's points of one programme into those of another.
type ExchangeInput struct {
	IdempotencyKey string
	FromID         uuid.UUID
	ToID           uuid.UUID
	Points         int64 // that leave
}

// Exchange turns points of one programme into those of another by their rate. They live
// no longer than they would have, nor than new ones.
func (s *Service) Exchange(ctx context.Context, in ExchangeInput) ([]Balance, error) {
	memberID, err := member(ctx)
	if err != nil {
		return nil, err
	}
	if err := amount(in.Points); err != nil {
		return nil, err
	}
	from, err := s.programme(ctx, in.FromID)
	if err != nil {
		return nil, at("fromId", err)
	}
	to, err := s.programme(ctx, in.ToID)
	if err != nil {
		return nil, at("toId", err)
	}
	rates, err := s.Store.Rates(ctx, []uuid.UUID{from.ID})
	if err != nil {
		return nil, err
	}
	rate := Rate{}
	for _, r := range rates {
		if r.ToID == to.ID {
			rate = r
		}
	}
	switch {
	case rate.ToPoints == 0:
		return nil, ErrRate.At("toId")
	case in.Points%rate.FromPoints != 0:
		return nil, ErrUnit.With(rate.FromPoints).At("points")
	}
	_, err = idempotency.Once(ctx, s.Keys, "exchangePoints", in.IdempotencyKey, in, func(ctx context.Context) (Result, error) {
		now, key := s.Now(), "exchange:"+in.IdempotencyKey
		out, err := first(s.Post(ctx, Posting{Holder: Holder{from.ID, memberID}, Key: key, Kind: ExchangeOut, Points: in.Points, ActorID: &memberID, At: now}))
		if err != nil {
			return out, err
		}
		into, err := first(s.Post(ctx, Posting{
			Holder: Holder{to.ID, memberID}, Key: key, Kind: ExchangeIn, Points: in.Points / rate.FromPoints * rate.ToPoints, Until: soonest(to.lastDay(now), latest(out.Portions)),
			ActorID: &memberID, At: now,
		}))
		if err == nil && into.Replayed != out.Replayed {
			err = errHalf
		}
		return into, err
	})
	if err != nil {
		return nil, err
	}
	return s.Mine(ctx)
}

func at(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field)
	}
	return err
}

// latest is the last day of what expires last of the portions; nil if some never does.
func latest(portions []Portion) (last *time.Time) {
	for i, p := range portions {
		if p.ExpiresOn == nil {
			return nil
		}
		if i == 0 || p.ExpiresOn.After(*last) {
			last = p.ExpiresOn
		}
	}
	return last
}

func soonest(a, b *time.Time) *time.Time {
	if a == nil || (b != nil && b.Before(*a)) {
		return b
	}
	return a
}

// ExpireJob is the regular job that writes off points whose time is over.
type ExpireJob struct{}

// Kind is the job's name in the queue.
func (ExpireJob) Kind() string { return "points_expire" }

// expireAtOnce bounds how many lots one transaction writes off.
const expireAtOnce = 5000

// Expire writes off points whose time is over (失効), in transactions that postings do
// not wait for.
func (s *Service) Expire(ctx context.Context) error {
	all, err := s.Store.Programmes(ctx)
	if err != nil {
		return err
	}
	for _, p := range all {
		for {
			n, err := s.expire(ctx, p)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
		}
	}
	return nil
}

// Loss is what an account lost because its time was over, and what it has after it.
type Loss struct {
	AccountID uuid.UUID
	MemberID  uuid.UUID
	Points    int64
	Available int64
	Pending   int64
}

// expire writes off the programme's lots in one transaction, tells of each account, and
// answers how many those were.
func (s *Service) expire(ctx context.Context, p Programme) (accounts int, err error) {
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		losses, err := s.Store.Expire(ctx, p.ID, p.Day(now), now, expireAtOnce)
		if accounts = len(losses); err != nil || accounts == 0 {
			return err
		}
		events := make([]event.Event, accounts)
		for i, l := range losses {
			events[i] = event.New(ctx, now, "points.moved", "PointAccount", l.AccountID, moved{
				MemberID: l.MemberID, ProgrammeID: p.ID, Key: "expire:" + p.Day(now).Format(time.DateOnly), Kind: Expire, Points: l.Points, Available: l.Available, Pending: l.Pending,
			})
			events[i].BrandID = p.BrandID
		}
		return s.Events.Record(ctx, events...)
	})
	return accounts, err
}

// Expiring is a member whose points expire soon.
type Expiring struct {
	MemberID  uuid.UUID
	Name      string
	Email     string
	Language  string
	Points    int64
	ExpiresOn time.Time
}

// NoticeJob is the regular job that tells members that points expire soon.
type NoticeJob struct{}

// Kind is the job's name in the queue.
func (NoticeJob) Kind() string { return "points_notice" }

const noticesAtOnce = 500

// Notify tells members, once for each day, that points expire soon (失効予告).
func (s *Service) Notify(ctx context.Context) error {
	all, err := s.Store.Programmes(ctx)
	if err != nil {
		return err
	}
	for _, p := range all {
		for p.NoticeDays > 0 && p.ClosedAt == nil {
			told := 0
			err := s.Tx.InTx(ctx, func(ctx context.Context) error {
				now := s.Now()
				found, err := s.Store.Expiring(ctx, p.ID, p.Day(now), p.Day(now).AddDate(0, 0, p.NoticeDays), now, noticesAtOnce)
				if told = len(found); err != nil {
					return err
				}
				return s.tell(ctx, p, found)
			})
			if err != nil {
				return err
			}
			if told < noticesAtOnce {
				break
			}
		}
	}
	return nil
}

func (s *Service) tell(ctx context.Context, p Programme, found []Expiring) error {
	all := make([]messaging.Message, 0, len(found))
	for _, e := range found {
		m, err := messaging.New(i18n.WithLanguage(ctx, e.Language), messaging.Address{Name: e.Name, Email: e.Email},
			p.ID.String()+" "+e.MemberID.String()+" "+e.ExpiresOn.Format(time.DateOnly),
			messaging.PointsExpiring{Name: e.Name, Programme: p.Name.In(e.Language), Points: e.Points, LastDay: e.ExpiresOn})
		if err != nil {
			return err
		}
		m.BrandID = p.BrandID
		all = append(all, m)
	}
	if len(all) == 0 {
		return nil
	}
	return s.Outbox.Enqueue(ctx, all...)
}

// Liability is what is outstanding of a programme that expires in a month.
type Liability struct {
	ProgrammeID uuid.UUID
	Month       *time.Time // its first day; nil: never
	Points      int64      // that can be used
	Pending     int64      // that are promised
	Programme   Programme  `db:"-"`
}

// Worth is what the usable points pay.
func (l Liability) Worth() money.Money {
	return money.Of(value(l.Programme, l.Points), l.Programme.Currency)
}

// value is what points are worth in the books: parts of a unit count.
func value(p Programme, points int64) int64 {
	return money.RoundDown.Divide(points*p.UnitMinor, p.UnitPoints)
}

// Liabilities are what is outstanding of the programmes that the context's brand owes, by
// the month of expiry (staff with POINT_READ).
func (s *Service) Liabilities(ctx context.Context) ([]Liability, error) {
	if err := access.Require(ctx, access.PointRead); err != nil {
		return nil, err
	}
	programmes, err := s.programmes(ctx)
	if err != nil {
		return nil, err
	}
	ch := channel.From(ctx)
	local := s.Now().In(ch.Zone())
	all, err := s.Store.Liabilities(ctx, ch.BrandID, time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC))
	for i := range all {
		all[i].Programme = programmes[all[i].ProgrammeID]
	}
	return all, err
}

// LiabilityCSV is the same as a sheet.
func LiabilityCSV(all []Liability) (string, error) {
	var text bytes.Buffer
	sheet := csv.NewWriter(&text)
	_ = sheet.Write([]string{"programme", "expires", "points", "pending", "worth", "currency"}) // a buffer takes everything
	for _, l := range all {
		month := ""
		if l.Month != nil {
			month = l.Month.Format("2006-01")
		}
		worth := l.Worth()
		_ = sheet.Write([]string{l.Programme.Code, month, strconv.FormatInt(l.Points, 10), strconv.FormatInt(l.Pending, 10), worth.Amount().String(), string(worth.Currency)})
	}
	sheet.Flush()
	return text.String(), sheet.Error()
}

// Sum is what one account of a programme's ledger comes to.
type Sum struct {
	Side   Side
	Debit  int64
	Credit int64
}

// Trial is the trial balance of a programme of the context's brand (staff with
// POINT_READ): debits and credits come to the same.
func (s *Service) Trial(ctx context.Context, programmeID uuid.UUID) ([]Sum, error) {
	if err := access.Require(ctx, access.PointRead); err != nil {
		return nil, err
	}
	p, err := s.Store.Programme(ctx, programmeID)
	if err != nil || p == nil || !p.here(ctx) {
		return nil, orErr(err, ErrProgramme.At("programmeId"))
	}
	return s.Store.Trial(ctx, programmeID)
}

// Day is what a day gave less what it took, but for what orders used and gave back, which
// the journal has from their payments.
type Day struct {
	Day    time.Time
	Points int64
}

// BookJob is the regular job that writes the days' points into the journal.
type BookJob struct{}

// Kind is the job's name in the queue.
func (BookJob) Kind() string { return "points_book" }

// settled is how long after midnight the last posting of a day is sure to be seen.
const settled = 10 * time.Minute

// BookDays writes what points of the days that are over are owed into the journal: what
// was given is a cost of promotion, what expired is one no more.
func (s *Service) BookDays(ctx context.Context) error {
	all, err := s.Store.Programmes(ctx)
	if err != nil {
		return err
	}
	for _, p := range all {
		err := s.Tx.InTx(ctx, func(ctx context.Context) error {
			booked, days, err := s.Store.Unbooked(ctx, p, p.Day(s.Now().Add(-settled)))
			if err != nil {
				return err
			}
			for _, d := range days {
				if err := s.Store.Book(ctx, p.ID, d, s.Now()); err != nil {
					return err
				}
				if err := s.Books.PointsGiven(ctx, ledger.GivenPoints{
					BrandID: p.BrandID, ProgrammeID: p.ID, Code: p.Code, Day: d.Day, Currency: p.Currency, Minor: value(p, booked+d.Points) - value(p, booked),
				}); err != nil {
					return err
				}
				booked += d.Points
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
