package points

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	cards "github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/page"
)

// ArrivalState says what became of points that came for a number nobody has.
type ArrivalState string

// The states.
const (
	ArrivalOpen     ArrivalState = "OPEN"
	ArrivalReceived ArrivalState = "RECEIVED" // a member has them
	ArrivalRefused  ArrivalState = "REFUSED"
)

// Arrival is points that another system moved here for a member number that nobody has.
type Arrival struct {
	ID          uuid.UUID
	PartnerID   uuid.UUID
	Reference   string
	TheirMember string // as it came
	TheirPoints int64
	State       ArrivalState
	Reason      string
	CreatedAt   time.Time
	SettledAt   *time.Time
	MemberID    *uuid.UUID // who has them, a merge later included; nil until a member does
}

// GlobalID is the arrival's id in the schema.
func (a Arrival) GlobalID() string { return id.Global("PointArrival", a.ID) }

// Partner is the id, in the schema, of the other system.
func (a Arrival) Partner() string { return id.Global("PointPartner", a.PartnerID) }

// OfMember is the id, in the schema, of the member who has them; nil until one does.
func (a Arrival) OfMember() *string { return id.GlobalOrNone("Member", a.MemberID) }

// Arriving keeps what comes in by file.
type Arriving interface {
	// CardHolders are the members who have the numbers; a card that was lost is nobody's.
	CardHolders(ctx context.Context, numbers []string) (map[string]uuid.UUID, error)
	// Arrived are those from the partner with the references. It holds off who asks for the
	// same until the transaction ends, whether they are there yet or not.
	Arrived(ctx context.Context, partnerID uuid.UUID, references []string) ([]Arrival, error)
	// SaveArrivals adds arrivals; of those that are there it keeps what became of them, once.
	SaveArrivals(ctx context.Context, all []Arrival) error
	// LockArrival is nil if there is none.
	LockArrival(ctx context.Context, arrivalID uuid.UUID) (*Arrival, error)
	// Arrivals is one page of those for the programmes, the newest first; of the systems of the
	// API client alone, if one is named.
	Arrivals(ctx context.Context, programmeIDs []uuid.UUID, clientID *uuid.UUID, state ArrivalState, p page.Args) (page.Connection[Arrival], error)
}

// ReceiveFileInput is a file of points that another system moved here.
type ReceiveFileInput struct {
	PartnerID uuid.UUID
	CSV       io.Reader
}

// Received is what became of a file of points.
type Received struct {
	Received int
	Repeated int // had come before, the same
	Unknown  int // went on the work list
	Problems []error
}

func (r *Received) add(more Received) {
	r.Received, r.Repeated, r.Unknown = r.Received+more.Received, r.Repeated+more.Repeated, r.Unknown+more.Unknown
	r.Problems = append(r.Problems, more.Problems...)
}

// arrivalLine is a line of a file that can be read, or what was told one by one.
type arrivalLine struct {
	line      int // 0: of no file
	reference string
	number    string     // of the member: the normal form, or as it stands there if it has none
	memberID  *uuid.UUID // if they are named by noren's own id
	points    int64      // theirs
}

// told is why the line was left out.
func (l arrivalLine) told(err *fault.Error) error {
	if l.line == 0 {
		return err.At("reference")
	}
	return onLine(l.line, err)
}

// readNumber is the normal form of a card's number, or what stands there.
func readNumber(typed string) string {
	if number, err := cards.ReadNumber(typed); err == nil {
		return number
	}
	return strings.TrimSpace(typed)
}

// receivedAtOnce is how many lines are received in one transaction.
const receivedAtOnce = 200

// ReceiveFile takes in a file of points that another system moved here: reference, member
// number, points. Each counts once for its reference, in whatever file it stands. What
// breaks the file off loses nothing: it may be sent again.
func (s *Service) ReceiveFile(ctx context.Context, in ReceiveFileInput) (*Received, error) {
	partner, err := s.telling(ctx, in.PartnerID)
	if err != nil {
		return nil, err
	}
	rows, err := sheetOf(in.CSV, 3)
	if err != nil {
		return nil, err
	}
	done := &Received{}
	for some := range slices.Chunk(partner.lines(rows, done), receivedAtOnce) {
		var part Received
		if err = s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
			part, err = s.receiveSome(ctx, *partner, some)
			return err
		}); err != nil {
			break
		}
		done.add(part)
	}
	return done, errors.Join(err, s.Events.Record(ctx, event.New(ctx, s.Now(), "point_file.received", "PointPartner", partner.ID, map[string]any{
		"lines": len(rows), "received": done.Received, "repeated": done.Repeated, "unknown": done.Unknown, "leftOut": len(done.Problems), "brokenOff": err != nil,
	})))
}

// lines are the rows that can be read, each reference once; the others are told.
func (p Partner) lines(rows [][]string, done *Received) (all []arrivalLine) {
	seen := map[string]arrivalLine{}
	for i, row := range rows {
		l := arrivalLine{line: i + 2, reference: strings.TrimSpace(row[0]), number: readNumber(row[1])}
		n, err := strconv.ParseInt(strings.TrimSpace(row[2]), 10, 64)
		if l.points = n; err != nil {
			err = ErrAmount.With(MaxPoints)
		} else {
			err = errors.Join(p.comes(l.reference, n), numbered(l.number))
		}
		was, again := seen[l.reference]
		switch {
		case err != nil:
			done.Problems = append(done.Problems, onLine(l.line, err))
		case again && (was.number != l.number || was.points != l.points):
			done.Problems = append(done.Problems, onLine(l.line, idempotency.ErrReused))
		case again:
			done.Repeated++
		default:
			seen[l.reference] = l
			all = append(all, l)
		}
	}
	return all
}

// onLine is why a line of a file was left out.
func onLine(line int, err error) error {
	var ja, en []string
	for _, f := range fault.All(err) {
		ja, en = append(ja, f.JA), append(en, f.EN)
	}
	told := *ErrFile
	told.JA, told.EN = fmt.Sprintf(told.JA, line, strings.Join(ja, "、")), fmt.Sprintf(told.EN, line, strings.Join(en, "; "))
	return &told
}

func numbered(number string) error {
	if number == "" {
		return fault.ErrRequired.At("member")
	}
	return i18n.CheckString("member", number, maxTheirMember)
}

// receiveSome receives some lines in the transaction of the context.
func (s *Service) receiveSome(ctx context.Context, partner Partner, some []arrivalLine) (done Received, err error) {
	before, err := s.before(ctx, partner.ID, some)
	if err != nil {
		return done, err
	}
	var transfers []Transfer
	var arrivals []Arrival
	var events []event.Event
	for _, l := range some {
		holder, known := before.holders[l.number]
		there, wrong := before.knows(l)
		waits, waiting := before.arrivals[l.reference]
		switch {
		case wrong != nil:
			done.Problems = append(done.Problems, l.told(wrong))
		case there && (!waiting || waits.State != ArrivalOpen || !known):
			done.Repeated++
		case known:
			if l.memberID != nil { // cards that work are of members who stand
				if err := s.stands(ctx, holder); err != nil {
					return done, err
				}
			}
			t := s.arriving(partner, l, holder)
			transfers = append(transfers, t)
			if waiting {
				waits.State, waits.SettledAt = ArrivalReceived, &t.CreatedAt
				arrivals, events = append(arrivals, waits), append(events, waits.settled(ctx, &holder))
			}
		default:
			a := Arrival{ID: id.New(), PartnerID: partner.ID, Reference: l.reference, TheirMember: l.number, TheirPoints: l.points, State: ArrivalOpen, CreatedAt: s.Now()}
			arrivals, events = append(arrivals, a), append(events, a.opened(ctx))
			done.Unknown++
		}
	}
	repeated, err := s.receive(ctx, partner, transfers)
	if err != nil {
		return done, err
	}
	for _, t := range transfers {
		if repeated[t.Reference] {
			done.Repeated++
		} else {
			done.Received++
		}
	}
	return done, errors.Join(s.Store.SaveArrivals(ctx, arrivals), s.Events.Record(ctx, events...))
}

// opened tells that the arrival went on the work list; the number stands there alone.
func (a Arrival) opened(ctx context.Context) event.Event {
	return event.New(ctx, a.CreatedAt, "point_arrival.opened", "PointArrival", a.ID, map[string]any{"partnerId": a.PartnerID, "reference": a.Reference, "theirPoints": a.TheirPoints})
}

// settled tells who has the points, or that they were refused; why stands in the list alone.
func (a Arrival) settled(ctx context.Context, memberID *uuid.UUID) event.Event {
	return event.New(ctx, *a.SettledAt, "point_arrival.settled", "PointArrival", a.ID, map[string]any{"state": a.State, "memberId": memberID})
}

// arrivedBefore is what is known of the references of some lines, and whose their numbers are.
type arrivedBefore struct {
	holders   map[string]uuid.UUID
	transfers map[string]Transfer
	arrivals  map[string]Arrival
}

func (s *Service) before(ctx context.Context, partnerID uuid.UUID, some []arrivalLine) (b arrivedBefore, err error) {
	b = arrivedBefore{holders: map[string]uuid.UUID{}, transfers: map[string]Transfer{}, arrivals: map[string]Arrival{}}
	var references, numbers []string
	for _, l := range some {
		references = append(references, l.reference)
		if l.memberID == nil {
			numbers = append(numbers, l.number)
		} else {
			b.holders[l.number] = *l.memberID
		}
	}
	arrivals, err := s.Store.Arrived(ctx, partnerID, references) // first: it holds others off
	if err != nil {
		return b, err
	}
	for _, a := range arrivals {
		b.arrivals[a.Reference] = a
	}
	transfers, err := s.Store.Incoming(ctx, partnerID, references)
	if err != nil {
		return b, err
	}
	for _, t := range transfers {
		b.transfers[t.Reference] = t
	}
	if len(numbers) > 0 {
		b.holders, err = s.Store.CardHolders(ctx, numbers)
	}
	return b, err
}

// knows reports whether the line's reference has come before, and what is wrong with the
// line if that was refused, or said something else. A number that was forgotten with its
// member is not compared.
func (b arrivedBefore) knows(l arrivalLine) (there bool, wrong *fault.Error) {
	a, waited := b.arrivals[l.reference]
	t, came := b.transfers[l.reference]
	var same bool
	switch {
	case waited && a.State == ArrivalRefused:
		return true, ErrRefused
	case waited && l.memberID == nil:
		same = a.TheirPoints == l.points && (a.TheirMember == l.number || a.TheirMember == "")
	case came:
		same = t.TheirPoints == l.points && (t.TheirMember == l.number || t.TheirMember == "" || t.MemberID == b.holders[l.number])
	case waited:
		same = a.TheirPoints == l.points
	default:
		return false, nil
	}
	if !same {
		return true, idempotency.ErrReused
	}
	return true, nil
}

// Arrivals is one page of points that came for numbers nobody has (staff of the head office
// with POINT_READ), for one programme if it is named; an API client sees those of its own
// system. Who looked is written down.
func (s *Service) Arrivals(ctx context.Context, only *uuid.UUID, state ArrivalState, p page.Args) (page.Connection[Arrival], error) {
	if err := errors.Join(access.Require(ctx, access.PointRead), office(ctx)); err != nil {
		return page.Connection[Arrival]{}, err
	}
	keys, err := s.keysHere(ctx, only)
	if err != nil {
		return page.Connection[Arrival]{}, err
	}
	c, err := s.Store.Arrivals(ctx, keys, client(ctx), state, p)
	if err != nil {
		return c, err
	}
	var views []event.Event
	for _, a := range c.Nodes() {
		views = append(views, event.New(ctx, s.Now(), "point_arrival.viewed", "PointArrival", a.ID, nil))
	}
	return c, s.read(ctx, views)
}

// SettleArrivalInput says whose points are that came for a number nobody has.
type SettleArrivalInput struct {
	IdempotencyKey string
	ArrivalID      uuid.UUID
	MemberID       *uuid.UUID // nil: nobody's; they are refused
	Reason         string
}

// SettleArrival gives points that came for a number nobody has to a member, or refuses them
// (the system's API client with POINT_WRITE, or staff of the head office with POINT_ADMIN),
// once for each key.
func (s *Service) SettleArrival(ctx context.Context, in SettleArrivalInput) (*Arrival, error) {
	if err := errors.Join(access.Require(ctx, access.PointWrite), i18n.CheckString("reason", in.Reason, maxReason)); err != nil {
		return nil, err
	}
	if in.MemberID == nil && in.Reason == "" {
		return nil, fault.ErrRequired.At("reason")
	}
	return idempotency.OnceRead(ctx, s.Keys, "settlePointArrival", in.IdempotencyKey, in,
		func(ctx context.Context) (*Arrival, error) { return s.settleArrival(ctx, in) },
		func(ctx context.Context) (*Arrival, error) { return s.Store.LockArrival(ctx, in.ArrivalID) })
}

func (s *Service) settleArrival(ctx context.Context, in SettleArrivalInput) (*Arrival, error) {
	a, err := s.Store.LockArrival(ctx, in.ArrivalID)
	if err != nil || a == nil {
		return nil, orErr(err, fault.ErrNotFound.At("arrivalId"))
	}
	partner, err := s.settling(ctx, a.PartnerID)
	switch {
	case err != nil:
		return nil, err
	case a.State != ArrivalOpen:
		return nil, ErrState.With(a.State).At("arrivalId")
	}
	now := s.Now()
	a.State, a.Reason, a.SettledAt = ArrivalRefused, in.Reason, &now
	if in.MemberID != nil {
		if err := s.stands(ctx, *in.MemberID); err != nil {
			return nil, err
		}
		a.State, a.MemberID = ArrivalReceived, in.MemberID
		t := s.arriving(*partner, arrivalLine{reference: a.Reference, number: a.TheirMember, points: a.TheirPoints}, *in.MemberID)
		if _, err := s.receive(ctx, *partner, []Transfer{t}); err != nil {
			return nil, err
		}
	}
	return a, errors.Join(s.Store.SaveArrivals(ctx, []Arrival{*a}), s.Events.Record(ctx, a.settled(ctx, in.MemberID)))
}
