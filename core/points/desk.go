package points

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/money"
)

// Desk is what staff and the regular jobs ask for.
type Desk interface {
	// GrantedBy is how many points one of the staff has granted and deducted of each
	// programme since, or given by rewards or by lines of receipts that they typed, and holds
	// off who asks the same until the transaction ends.
	GrantedBy(ctx context.Context, staffID uuid.UUID, since map[uuid.UUID]time.Time) (map[uuid.UUID]int64, error)
	// Erased reports whether the member was erased.
	Erased(ctx context.Context, memberID uuid.UUID) (bool, error)
	// MemberByEmail is an open account's id; nil if there is none.
	MemberByEmail(ctx context.Context, email string) (*uuid.UUID, error)
	// Expire writes off lots whose last day was before the day, of at most so many
	// accounts that nobody works on, and answers what each lost.
	Expire(ctx context.Context, programmeID uuid.UUID, day, at time.Time, most int) ([]Loss, error)
	// Expiring are members with points whose last day is by the day, who have not been
	// told; all of them count as told now, those without an address too.
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
	ExpiresOn      *time.Time `json:",omitempty"` // the last day of what is given, instead of the programme's
}

// Grant gives or takes points by hand (staff with POINT_WRITE), within what the programme
// lets one of the staff move in a day. Partners have no hand in it: they tell of rewards.
// Whom a shop may not read it gives to and hears no balance of, and takes nothing from.
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
	sees, err := s.sees(ctx, in.MemberID)
	switch {
	case err != nil:
		return nil, err
	case in.Deduct && !sees:
		return nil, fault.ErrForbidden.At("memberId")
	case in.Deduct && in.ExpiresOn != nil:
		return nil, fault.Invalid(fault.CodeInvalid, "減算に有効期限は指定できません", "What is taken has no last day").At("expiresOn")
	}
	_, err = idempotency.Once(ctx, s.Keys, "grantPoints", in.IdempotencyKey, in, func(ctx context.Context) (Result, error) { return s.grant(ctx, p, in) })
	if err != nil || !sees {
		return nil, err
	}
	if err := s.viewed(ctx, in.MemberID); err != nil {
		return nil, err
	}
	return s.balance(ctx, p, in.MemberID)
}

// grant posts what is given or taken, within what is left of the day's limit.
func (s *Service) grant(ctx context.Context, p Programme, in GrantInput) (Result, error) {
	if err := s.stands(ctx, in.MemberID); err != nil {
		return Result{}, err
	}
	if left, err := s.left(ctx, p); err != nil || in.Points > left[p.ID] {
		return Result{}, orErr(err, ErrLimit.With(left[p.ID]).At("points"))
	}
	now := s.Now()
	lives, err := p.until(in.ExpiresOn, now)
	if err != nil {
		return Result{}, err
	}
	posting := Posting{
		Holder: Holder{p.ID, in.MemberID}, Key: "staff:" + access.From(ctx).ID.String() + ":" + in.IdempotencyKey, Kind: Grant, Points: in.Points, Reason: in.Reason,
		Lives: lives, ActorID: actorID(ctx), At: now,
	}
	if in.Deduct {
		posting.Kind = Deduct
	}
	return first(s.Post(ctx, posting))
}

// stands fails for a member who was erased.
func (s *Service) stands(ctx context.Context, memberID uuid.UUID) error {
	erased, err := s.Store.Erased(ctx, memberID)
	if err != nil || erased {
		return orErr(err, ErrMember.At("memberId"))
	}
	return nil
}

// left is how many points of each programme the actor may still move by hand today.
func (s *Service) left(ctx context.Context, programmes ...Programme) (map[uuid.UUID]int64, error) {
	since, left := map[uuid.UUID]time.Time{}, map[uuid.UUID]int64{}
	for _, p := range programmes {
		since[p.ID] = startOf(p, s.Now())
	}
	before, err := s.Store.GrantedBy(ctx, access.From(ctx).ID, since)
	for _, p := range programmes {
		left[p.ID] = max(p.GrantLimit-before[p.ID], 0)
	}
	return left, err
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

// Exchange turns points of one programme into those of another by their rate, be it another
// brand's. Each lives no longer than it would have, nor than new ones.
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
	to, rate, err := s.rate(ctx, from, in.ToID)
	switch {
	case err != nil:
		return nil, err
	case in.Points%rate.FromPoints != 0:
		return nil, ErrUnit.With(rate.FromPoints).At("points")
	}
	_, err = idempotency.Once(ctx, s.Keys, "exchangePoints", in.IdempotencyKey, in, func(ctx context.Context) (Result, error) {
		now, key := s.Now(), "exchange:"+in.IdempotencyKey
		out, err := first(s.Post(ctx, Posting{Holder: Holder{from.ID, memberID}, Key: key, Kind: ExchangeOut, Points: in.Points, ActorID: &memberID, At: now}))
		if err != nil {
			return out, err
		}
		arrive := in.Points / rate.FromPoints * rate.ToPoints
		portions, err := exchanged(out.Portions, arrive, to.lastDay(now))
		if err != nil {
			return out, err
		}
		into, err := first(s.Post(ctx, Posting{Holder: Holder{to.ID, memberID}, Key: key, Kind: ExchangeIn, Points: arrive, Portions: portions, ActorID: &memberID, At: now}))
		if err == nil && into.Replayed != out.Replayed {
			err = errHalf
		}
		return into, err
	})
	if err != nil {
		return nil, err
	}
	mine, err := s.Mine(ctx)
	if err != nil || to.here(ctx) {
		return mine, err
	}
	there, err := s.In(ctx, to.ID)
	if err != nil {
		return nil, err
	}
	return append(mine, *there), nil
}

// rate is what points of a programme become in another that is open.
func (s *Service) rate(ctx context.Context, from Programme, toID uuid.UUID) (Programme, Rate, error) {
	to, err := s.Store.Programme(ctx, toID)
	switch {
	case err != nil || to == nil:
		return Programme{}, Rate{}, orErr(err, ErrProgramme.At("toId"))
	case to.ClosedAt != nil:
		return *to, Rate{}, ErrClosed.At("toId")
	}
	rates, err := s.Store.Rates(ctx, []uuid.UUID{from.ID})
	for _, r := range rates {
		if r.ToID == to.ID && r.ToPoints > 0 {
			return *to, r, err
		}
	}
	return *to, Rate{}, orErr(err, ErrRate.At("toId"))
}

func at(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field)
	}
	return err
}

// exchanged are the portions as which so many points arrive: each with its own last day, or
// that of new points if they end sooner. What does not divide goes to those that expire first.
func exchanged(left []Portion, points int64, limit *time.Time) (all []Portion, err error) {
	var from, out, in int64
	for _, p := range left {
		from += p.Points
	}
	for _, p := range left {
		out += p.Points
		till, err := money.RoundUp.Portion(points, out, from, 1)
		if err != nil {
			return nil, err
		}
		last := soonest(limit, p.ExpiresOn)
		switch n := len(all) - 1; {
		case till == in:
		case n >= 0 && sameDay(all[n].ExpiresOn, last) && sameDays(all[n].LifeDays, p.LifeDays):
			all[n].Points += till - in
		default:
			all = append(all, Portion{Points: till - in, ExpiresOn: last, LifeDays: p.LifeDays})
		}
		in = till
	}
	return all, nil
}

func sameDay(a, b *time.Time) bool { return a == b || (a != nil && b != nil && a.Equal(*b)) }

func soonest(a, b *time.Time) *time.Time {
	if a == nil || (b != nil && b.Before(*a)) {
		return b
	}
	return a
}
