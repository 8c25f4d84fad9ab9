package points

import (
	"context"
	"errors"
	"fmt"
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
}

// GlobalID is the arrival's id in the schema.
func (a Arrival) GlobalID() string { return id.Global("PointArrival", a.ID) }

// Partner is the id, in the schema, of the other system.
func (a Arrival) Partner() string { return id.Global("PointPartner", a.PartnerID) }

// Arriving keeps what comes in by file.
type Arriving interface {
	// CardHolders are the members who have the numbers; a card that was lost is nobody's.
	CardHolders(ctx context.Context, numbers []string) (map[string]uuid.UUID, error)
	// Arrived are those from the partner with the references.
	Arrived(ctx context.Context, partnerID uuid.UUID, references []string) ([]Arrival, error)
	// SaveArrivals adds arrivals; of those that are there it keeps what became of them, once.
	SaveArrivals(ctx context.Context, all []Arrival) error
	// LockArrival is nil if there is none.
	LockArrival(ctx context.Context, arrivalID uuid.UUID) (*Arrival, error)
	// Arrivals is one page of those for the programmes, the newest first.
	Arrivals(ctx context.Context, programmeIDs []uuid.UUID, state ArrivalState, p page.Args) (page.Connection[Arrival], error)
}

// ReceiveFileInput is a file of points that another system moved here.
type ReceiveFileInput struct {
	PartnerID uuid.UUID
	CSV       string
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

// arrivalLine is a line of a file that can be read.
type arrivalLine struct {
	line      int
	reference string
	number    string // of the member: the normal form, or as it stands there if it has none
	points    int64  // theirs
}

// receivedAtOnce is how many lines are received in one transaction.
const receivedAtOnce = 200

// ReceiveFile takes in a file of points that another system moved here: reference, member
// number, points. Each counts once for its reference, in whatever file it stands. What
// breaks the file off loses nothing: it may be sent again.
func (s *Service) ReceiveFile(ctx context.Context, in ReceiveFileInput) (*Received, error) {
	partner, err := s.receiving(ctx, in.PartnerID)
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
		if err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
			part, err = s.receiveSome(ctx, *partner, some)
			return err
		}); err != nil {
			return done, err
		}
		done.add(part)
	}
	return done, nil
}

// lines are the rows that can be read, each reference once; the others are told.
func (p Partner) lines(rows [][]string, done *Received) (all []arrivalLine) {
	seen := map[string]arrivalLine{}
	for i, row := range rows {
		l := arrivalLine{line: i + 2, reference: strings.TrimSpace(row[0]), number: strings.TrimSpace(row[1])}
		if number, err := cards.ReadNumber(l.number); err == nil {
			l.number = number
		}
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
	for _, l := range some {
		holder, known := before.holders[l.number]
		fits, there := before.fits(l)
		waits, waiting := before.arrivals[l.reference]
		switch {
		case there && !fits:
			done.Problems = append(done.Problems, onLine(l.line, idempotency.ErrReused))
		case there && (!waiting || waits.State != ArrivalOpen || !known):
			done.Repeated++
		case known:
			t := s.arriving(partner, ReceiveInput{partner.ID, l.reference, holder, l.points}, l.number)
			transfers = append(transfers, t)
			if waiting {
				waits.State, waits.SettledAt = ArrivalReceived, &t.CreatedAt
				arrivals = append(arrivals, waits)
			}
		default:
			arrivals = append(arrivals, Arrival{ID: id.New(), PartnerID: partner.ID, Reference: l.reference, TheirMember: l.number, TheirPoints: l.points, State: ArrivalOpen, CreatedAt: s.Now()})
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
	return done, s.Store.SaveArrivals(ctx, arrivals)
}

// arrivedBefore is what is known of the references of some lines, and whose their numbers are.
type arrivedBefore struct {
	holders   map[string]uuid.UUID
	transfers map[string]Transfer
	arrivals  map[string]Arrival
}

func (s *Service) before(ctx context.Context, partnerID uuid.UUID, some []arrivalLine) (b arrivedBefore, err error) {
	references, numbers := make([]string, len(some)), make([]string, len(some))
	for i, l := range some {
		references[i], numbers[i] = l.reference, l.number
	}
	b = arrivedBefore{transfers: map[string]Transfer{}, arrivals: map[string]Arrival{}}
	if b.holders, err = s.Store.CardHolders(ctx, numbers); err != nil {
		return b, err
	}
	transfers, err := s.Store.Incoming(ctx, partnerID, references)
	if err != nil {
		return b, err
	}
	for _, t := range transfers {
		b.transfers[t.Reference] = t
	}
	arrivals, err := s.Store.Arrived(ctx, partnerID, references)
	for _, a := range arrivals {
		b.arrivals[a.Reference] = a
	}
	return b, err
}

// fits reports whether the line's reference has come before, and if so whether it said the
// same. A number that was forgotten with its member is not compared.
func (b arrivedBefore) fits(l arrivalLine) (fits, there bool) {
	if a, waiting := b.arrivals[l.reference]; waiting {
		return a.TheirPoints == l.points && (a.TheirMember == l.number || a.TheirMember == ""), true
	}
	if t, came := b.transfers[l.reference]; came {
		return t.TheirPoints == l.points && (t.TheirMember == l.number || t.TheirMember == "" || t.MemberID == b.holders[l.number]), true
	}
	return true, false
}

// Arrivals is one page of points that came for numbers nobody has (staff with POINT_READ).
func (s *Service) Arrivals(ctx context.Context, state ArrivalState, p page.Args) (page.Connection[Arrival], error) {
	if err := access.Require(ctx, access.PointRead); err != nil {
		return page.Connection[Arrival]{}, err
	}
	keys, err := s.keysHere(ctx)
	if err != nil {
		return page.Connection[Arrival]{}, err
	}
	return s.Store.Arrivals(ctx, keys, state, p)
}

// SettleArrivalInput says whose points are that came for a number nobody has.
type SettleArrivalInput struct {
	ArrivalID uuid.UUID
	MemberID  *uuid.UUID // nil: nobody's; they are refused
	Reason    string
}

// SettleArrival gives points that came for a number nobody has to a member, or refuses them
// (staff with POINT_WRITE).
func (s *Service) SettleArrival(ctx context.Context, in SettleArrivalInput) (*Arrival, error) {
	if err := i18n.CheckString("reason", in.Reason, maxReason); err != nil {
		return nil, err
	}
	if in.MemberID == nil && in.Reason == "" {
		return nil, fault.ErrRequired.At("reason")
	}
	var a Arrival
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		found, err := s.Store.LockArrival(ctx, in.ArrivalID)
		if err != nil || found == nil {
			return orErr(err, fault.ErrNotFound.At("arrivalId"))
		}
		a = *found
		partner, err := s.receiving(ctx, a.PartnerID)
		switch {
		case err != nil:
			return err
		case a.State != ArrivalOpen:
			return ErrState.With(a.State).At("arrivalId")
		}
		now := s.Now()
		a.State, a.Reason, a.SettledAt = ArrivalRefused, in.Reason, &now
		if in.MemberID != nil {
			a.State = ArrivalReceived
			if _, err := s.receiveOne(ctx, *partner, ReceiveInput{partner.ID, a.Reference, *in.MemberID, a.TheirPoints}, a.TheirMember); err != nil {
				return err
			}
		}
		if err := s.Store.SaveArrivals(ctx, []Arrival{a}); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, "point_arrival.settled", "PointArrival", a.ID, map[string]any{"state": a.State, "memberId": in.MemberID, "reason": a.Reason}))
	})
	if err != nil {
		return nil, err
	}
	return &a, nil
}
