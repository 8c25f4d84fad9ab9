package draw

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prize"
)

// Store keeps draws; everything joins the transaction of the context.
type Store interface {
	Cancelling
	Unearning
	Insert(ctx context.Context, d Draw, ranks []Rank) error
	// Draw is nil if there is none.
	Draw(ctx context.Context, drawID uuid.UUID) (*Draw, error)
	// Share is the draw, which nobody closes before the transaction ends; Lock is the draw
	// that nobody enters before it ends. Both are nil if there is none.
	Share(ctx context.Context, drawID uuid.UUID) (*Draw, error)
	Lock(ctx context.Context, drawID uuid.UUID) (*Draw, error)
	Update(ctx context.Context, d Draw) error
	// Describe keeps what a draw is called and described as.
	Describe(ctx context.Context, d Draw) error
	List(ctx context.Context, q ListQuery) (page.Connection[Draw], error)
	Ranks(ctx context.Context, drawIDs []uuid.UUID) ([]Rank, error)
	// Entrant reports whether there is a member of the id, or an account that may become one,
	// and lets none be erased or merged before the transaction ends.
	Entrant(ctx context.Context, memberID uuid.UUID) (bool, error)
	// Enter adds entries of a member, whose row is locked: ErrLimit if there would be more
	// than may.
	Enter(ctx context.Context, d Draw, entries []Entry) error
	// Earn adds the entries that members' purchases in the draw's time have earned and that
	// are not there yet, and answers how many. only narrows to members if it is not nil.
	Earn(ctx context.Context, d Draw, only []uuid.UUID, at time.Time) (int, error)
	// Entered is how many members entered.
	Entered(ctx context.Context, drawID uuid.UUID) (int, error)
	EntriesOf(ctx context.Context, drawID, memberID uuid.UUID) ([]Entry, error)
	// TicketsAfter are some entries as the list has them, in its order, behind the entry.
	TicketsAfter(ctx context.Context, drawID, after uuid.UUID, most int) ([]Ticket, error)
	// Entrants are whose the entries are.
	Entrants(ctx context.Context, entryIDs []uuid.UUID) (map[uuid.UUID]uuid.UUID, error)
	InsertWinners(ctx context.Context, all []Winner) error
	// Winners are those of the draws, in the order in which they were called.
	Winners(ctx context.Context, drawIDs []uuid.UUID) ([]Winner, error)
	OfMember(ctx context.Context, brandID, memberID uuid.UUID) ([]Winner, error)
	LockWinner(ctx context.Context, winnerID uuid.UUID) (*Winner, error)
	// NextReserve is the first who stands by, locked, and has not won by another entry since
	// they became one with who did; nil if there is none.
	NextReserve(ctx context.Context, drawID uuid.UUID) (*Winner, error)
	UpdateWinner(ctx context.Context, w Winner) error
	// Due are draws in the state whose time has come.
	Due(ctx context.Context, state State, at time.Time) ([]Draw, error)
	// Late are winners who have not answered in time.
	Late(ctx context.Context, at time.Time, most int) ([]uuid.UUID, error)
}

// Ledger is where points of entries are taken from.
type Ledger interface {
	Post(ctx context.Context, all ...points.Posting) ([]points.Result, error)
	Usable(ctx context.Context, programmeID uuid.UUID) (points.Programme, error)
}

// Prizes are what is won.
type Prizes interface {
	Fits(ctx context.Context, t prize.Terms, memberID uuid.UUID) (bool, error)
	Check(ctx context.Context, t prize.Terms) error
	// Hold takes pieces for a draw out of the stock, or puts them back if below zero, and
	// answers which there are not, or not so many of.
	Hold(ctx context.Context, pieces map[uuid.UUID]int) (map[uuid.UUID]*fault.Error, error)
	// Award lets a member have a piece that was held for a draw.
	Award(ctx context.Context, a prize.Award) (*prize.Exchange, error)
	// Contacts are where people are written to; who cannot be is left out.
	Contacts(ctx context.Context, memberIDs []uuid.UUID) (map[uuid.UUID]prize.Contact, error)
}

// Members shows members as the actor may see them, and writes the view down.
type Members interface {
	ByIDs(ctx context.Context, memberIDs []uuid.UUID) ([]member.Member, error)
}

// Segments know who is in a segment.
type Segments interface {
	MemberIDs(ctx context.Context, segmentID uuid.UUID) ([]uuid.UUID, error)
}

// Channels know a channel of a brand, for jobs.
type Channels func(ctx context.Context, brandID uuid.UUID) (channel.Channel, error)

// Sealer seals seeds.
type Sealer interface {
	Seal(ctx context.Context, field string, owner uuid.UUID, value string) (string, error)
	Open(ctx context.Context, field string, owner uuid.UUID, value string) (string, error)
}

// Parts are what the service stands on.
type Parts struct {
	Tx       idempotency.Tx
	Store    Store
	Keys     *idempotency.Keys
	Points   Ledger
	Prizes   Prizes
	Members  Members
	Counter  prize.Counter
	Segments Segments
	Sealer   Sealer
	Outbox   messaging.Outbox
	Events   event.Recorder
	Channels Channels
	Now      clock.Clock
}

// Service holds draws.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

func (s *Service) record(ctx context.Context, kind string, d Draw, data any) error {
	e := event.New(ctx, s.Now(), kind, "Draw", d.ID, data)
	e.BrandID = d.BrandID
	return s.Events.Record(ctx, e)
}

func orErr(err error, otherwise *fault.Error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// RankInput is prizes of one rank.
type RankInput struct {
	PrizeID uuid.UUID
	Count   int
}

// SaveInput makes a draw. Its terms never change: members enter what they were told.
type SaveInput struct {
	IdempotencyKey string

	ProgrammeID uuid.UUID
	Name        i18n.Text
	Description i18n.Text
	Points      int64
	PerMinor    int64
	MaxEntries  int
	OpensAt     time.Time
	ClosesAt    time.Time
	DrawsAt     time.Time
	AnswerDays  int
	RunnersUp   int
	MinRankID   *uuid.UUID
	SegmentID   *uuid.UUID
	Ranks       []RankInput // the best first
}

func (in SaveInput) validate(now time.Time) error {
	all := []error{in.Name.Check("name", maxName, true), in.Description.Check("description", maxText, false)}
	if in.Points < 0 || in.Points > points.MaxPoints/maxAtOnce {
		all = append(all, points.ErrAmount.With(points.MaxPoints/maxAtOnce).At("points"))
	}
	if !in.OpensAt.Before(in.ClosesAt) || in.DrawsAt.Before(in.ClosesAt) || !in.ClosesAt.After(now) {
		all = append(all, ErrTimes.At("closesAt"))
	}
	for field, bound := range map[string][3]int{
		"maxEntries": {in.MaxEntries, 1, maxEntries}, "answerDays": {in.AnswerDays, 1, maxDays}, "runnersUp": {in.RunnersUp, 0, maxPrizes}, "perMinor": {int(in.PerMinor), 0, 100_000_000},
	} {
		if bound[0] < bound[1] || bound[0] > bound[2] {
			all = append(all, fault.Invalid(fault.CodeInvalid, "%d〜%dで指定してください", "From %d to %d").With(bound[1], bound[2]).At(field))
		}
	}
	if len(in.Ranks) < 1 || len(in.Ranks) > maxRanks {
		all = append(all, ErrRanks.With(maxRanks).At("ranks"))
	}
	for i, r := range in.Ranks {
		if r.Count < 1 || r.Count > maxPrizes {
			all = append(all, ErrRanks.With(maxRanks).At("ranks."+strconv.Itoa(i)+".count"))
		}
	}
	return errors.Join(all...)
}

// Save makes a draw of the channel's brand, once for each key (staff with PRIZE_WRITE). Its
// seed is drawn at once and sealed; what is published of it is its digest. Its prizes are
// held from now on.
func (s *Service) Save(ctx context.Context, in SaveInput) (*Draw, error) {
	now := s.Now()
	if err := errors.Join(access.RequireEverywhere(ctx, access.PrizeWrite), in.validate(now)); err != nil {
		return nil, err
	}
	if _, err := s.Points.Usable(ctx, in.ProgrammeID); err != nil {
		return nil, err
	}
	if err := s.Prizes.Check(ctx, prize.Terms{MinRankID: in.MinRankID, SegmentID: in.SegmentID}); err != nil {
		return nil, err
	}
	seed := make([]byte, 32)
	_, _ = rand.Read(seed) // never fails
	d := Draw{
		ID: id.New(), BrandID: channel.From(ctx).BrandID, ProgrammeID: in.ProgrammeID, Name: in.Name, Description: in.Description.OrNone(), Points: in.Points, PerMinor: in.PerMinor,
		MaxEntries: in.MaxEntries, OpensAt: in.OpensAt, ClosesAt: in.ClosesAt, DrawsAt: in.DrawsAt, AnswerDays: in.AnswerDays, RunnersUp: in.RunnersUp,
		MinRankID: in.MinRankID, SegmentID: in.SegmentID, State: Open, Commitment: Commitment(seed), CreatedAt: now, UpdatedAt: now,
	}
	var err error
	if d.Sealed, err = s.Sealer.Seal(ctx, "draw", d.ID, base64.RawStdEncoding.EncodeToString(seed)); err != nil {
		return nil, err
	}
	drawID, err := idempotency.Once(ctx, s.Keys, "saveDraw", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		return d.ID, s.insert(ctx, d, in)
	})
	if err != nil {
		return nil, err
	}
	return s.Store.Draw(ctx, drawID)
}

// insert keeps a new draw, and holds its prizes.
func (s *Service) insert(ctx context.Context, d Draw, in SaveInput) error {
	ranks, pieces := make([]Rank, len(in.Ranks)), map[uuid.UUID]int{}
	for i, r := range in.Ranks {
		ranks[i] = Rank{DrawID: d.ID, Position: i + 1, PrizeID: r.PrizeID, Count: r.Count}
		pieces[r.PrizeID] += r.Count
	}
	problems, err := s.Prizes.Hold(ctx, pieces)
	if err != nil {
		return err
	}
	for i, r := range in.Ranks {
		if problem := problems[r.PrizeID]; problem != nil {
			return problem.At("ranks." + strconv.Itoa(i) + ".prizeId")
		}
	}
	if err := s.Store.Insert(ctx, d, ranks); err != nil {
		return err
	}
	if err := s.Prizes.Check(ctx, prize.Terms{SegmentID: d.SegmentID}); err != nil { // closed meanwhile
		return err
	}
	return s.record(ctx, "draw.made", d, map[string]any{"commitment": d.Committed(), "ranks": in.Ranks, "points": in.Points})
}

// ListQuery asks for one page of a brand's draws, the newest first.
type ListQuery struct {
	BrandID uuid.UUID
	Page    page.Args
}

// List is one page of the draws of the channel's brand: what they publish is for anyone.
func (s *Service) List(ctx context.Context, p page.Args) (page.Connection[Draw], error) {
	return s.Store.List(ctx, ListQuery{channel.From(ctx).BrandID, p})
}

// ByID is a draw of the channel's brand, for anyone; ErrUnknown if there is none.
func (s *Service) ByID(ctx context.Context, drawID uuid.UUID) (*Draw, error) {
	d, err := s.Store.Draw(ctx, drawID)
	if err != nil || d == nil || d.BrandID != channel.From(ctx).BrandID {
		return nil, orErr(err, ErrUnknown.At("id"))
	}
	return d, nil
}

// Ranks are the prizes of the draws.
func (s *Service) Ranks(ctx context.Context, drawIDs []uuid.UUID) ([]Rank, error) {
	return s.Store.Ranks(ctx, drawIDs)
}

// Winners are the called entries of the draws. Whose they are is for staff to ask.
func (s *Service) Winners(ctx context.Context, drawIDs []uuid.UUID) ([]Winner, error) {
	return s.Store.Winners(ctx, drawIDs)
}

// ListPath is where lists of entries are served.
const ListPath = "/draw-entries/"

// listAtOnce is how many entries of a list are in memory at a time.
const listAtOnce = 2000

// Publish writes the draw's list of entries, for anybody, once it is closed: what it answers
// does. The list never changes, so that it is read in portions.
func (s *Service) Publish(ctx context.Context, drawID uuid.UUID) (func(w io.Writer) error, error) {
	d, err := s.Store.Draw(ctx, drawID)
	if err != nil || d == nil || d.BrandID != channel.From(ctx).BrandID {
		return nil, orErr(err, ErrUnknown.At("drawId"))
	}
	if !d.Published() {
		return nil, ErrState.With(d.State).At("drawId")
	}
	return func(w io.Writer) error {
		return s.list(ctx, drawID)(func(some []Ticket) error { return WriteList(w, some) })
	}, nil
}

// list goes through a draw's list in portions.
func (s *Service) list(ctx context.Context, drawID uuid.UUID) List {
	return func(each func([]Ticket) error) error {
		for after := uuid.Nil; ; {
			some, err := s.Store.TicketsAfter(ctx, drawID, after, listAtOnce)
			if err != nil {
				return err
			}
			if err := each(some); err != nil || len(some) < listAtOnce {
				return err
			}
			after = some[len(some)-1].Entry
		}
	}
}
