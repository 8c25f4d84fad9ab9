// Package draw holds prize draws (抽選): members enter by points or by what they bought,
// and winners follow from a seed that noren committed to before anybody entered, so that
// anyone can draw again.
package draw

import (
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// State is how far a draw has come.
type State string

// The states.
const (
	Open      State = "OPEN"      // entries are taken within its time
	Closed    State = "CLOSED"    // the list of entries is published
	Drawn     State = "DRAWN"     // the seed is published
	Cancelled State = "CANCELLED" // nobody wins, and nobody has seen the seed
)

// Draw is one draw.
type Draw struct {
	ID          uuid.UUID
	BrandID     uuid.UUID
	ProgrammeID uuid.UUID // whose points an entry costs
	Name        i18n.Text
	Description i18n.Text
	Points      int64 // of an entry; 0: entries are earned or given
	PerMinor    int64 // purchases of so much earn an entry, minor units with tax; 0: none do
	MaxEntries  int   // of one member
	OpensAt     time.Time
	ClosesAt    time.Time
	DrawsAt     time.Time
	AnswerDays  int // how many days a winner has to answer
	RunnersUp   int
	MinRankID   *uuid.UUID
	SegmentID   *uuid.UUID
	State       State
	Commitment  []byte // SHA-256 of the seed
	Sealed      string // the seed, until it is published
	Seed        []byte // published
	Digest      []byte // of the list of entries
	Entries     int    // on the list; until it is closed: so far
	Reason      string // why it was cancelled, for anyone to read
	CreatedAt   time.Time
	UpdatedAt   time.Time
	ClosedAt    *time.Time
	DrawnAt     *time.Time
	CancelledAt *time.Time
}

// GlobalID is the draw's id in the schema.
func (d Draw) GlobalID() string { return id.Global("Draw", d.ID) }

// LeastRank is the id, in the schema, of the least rank of those who may enter; nil for none.
func (d Draw) LeastRank() *string { return id.GlobalOrNone("MemberRank", d.MinRankID) }

// OfSegment is the id, in the schema, of the segment of those who may enter; nil for none.
func (d Draw) OfSegment() *string { return id.GlobalOrNone("Segment", d.SegmentID) }

// OfProgramme is the programme's id in the schema.
func (d Draw) OfProgramme() string { return id.Global("PointProgramme", d.ProgrammeID) }

// Committed is the commitment in hex.
func (d Draw) Committed() string { return hex.EncodeToString(d.Commitment) }

// Listed is the digest of the list in hex; nil until it is closed.
func (d Draw) Listed() *string { return inHex(d.Digest) }

// Revealed is the seed in hex; nil until it is drawn.
func (d Draw) Revealed() *string { return inHex(d.Seed) }

// Published reports whether the list of entries is published: from the close on. A draw
// that was cancelled before has none.
func (d Draw) Published() bool { return len(d.Digest) > 0 }

// Counted is how many entries there are on the published list; nil until it is closed.
func (d Draw) Counted() *int {
	if !d.Published() {
		return nil
	}
	return &d.Entries
}

func inHex(raw []byte) *string {
	if len(raw) == 0 {
		return nil
	}
	text := hex.EncodeToString(raw)
	return &text
}

// taking is why nobody can enter at the moment; nil if one can.
func (d Draw) taking(at time.Time) *fault.Error {
	switch {
	case d.State == Cancelled:
		return ErrCancelled
	case at.Before(d.OpensAt):
		return ErrNotYet
	case d.State != Open, !at.Before(d.ClosesAt):
		return ErrClosed
	}
	return nil
}

// Rank is prizes of one rank of a draw (1等, 2等).
type Rank struct {
	DrawID    uuid.UUID
	Position  int // from 1, the best
	PrizeID   uuid.UUID
	Count     int
	PrizeName i18n.Text
}

// OfPrize is the prize's id in the schema.
func (r Rank) OfPrize() string { return id.Global("Prize", r.PrizeID) }

// Source is how an entry came about.
type Source string

// The sources.
const (
	Bought  Source = "POINTS"
	Earned  Source = "PURCHASE"
	Granted Source = "GRANT"
)

// Entry is one chance of a member in a draw.
type Entry struct {
	ID        uuid.UUID // on the public list: random, and nobody's
	DrawID    uuid.UUID
	MemberID  uuid.UUID
	Source    Source
	CreatedAt time.Time
}

// OfDraw is the draw's id in the schema.
func (e Entry) OfDraw() string { return id.Global("Draw", e.DrawID) }

// Number is the entry as the public list has it.
func (e Entry) Number() string { return e.ID.String() }

// Outcome is what became of a called entry.
type Outcome string

// The outcomes.
const (
	Reserve  Outcome = "RESERVE"  // a runner-up, who may move up
	Won      Outcome = "WON"      // and was asked
	Accepted Outcome = "ACCEPTED" // and is sent the prize
	Declined Outcome = "DECLINED"
	Lapsed   Outcome = "LAPSED" // did not answer in time
)

// Winner is an entry that was called.
type Winner struct {
	ID         uuid.UUID
	DrawID     uuid.UUID
	Place      int // in the order in which they were called, from 1
	EntryID    uuid.UUID
	MemberID   uuid.UUID
	Outcome    Outcome
	Rank       *int // that it won; nil for who only stands by
	AnswerBy   *time.Time
	ExchangeID *uuid.UUID // how the prize reaches them
	UpdatedAt  time.Time
	PrizeName  i18n.Text
	DrawName   i18n.Text
}

// GlobalID is the winner's id in the schema.
func (w Winner) GlobalID() string { return id.Global("DrawWinner", w.ID) }

// OfDraw is the draw's id in the schema.
func (w Winner) OfDraw() string { return id.Global("Draw", w.DrawID) }

// OfMember is the member's id in the schema.
func (w Winner) OfMember() string { return id.Global("Member", w.MemberID) }

// Number is the entry as the public list has it.
func (w Winner) Number() string { return w.EntryID.String() }

// OfExchange is the id, in the schema, of how the prize reaches them; nil for none.
func (w Winner) OfExchange() *string { return id.GlobalOrNone("PrizeExchange", w.ExchangeID) }

// Bounds of draws.
const (
	maxName    = 60
	maxText    = 2000
	maxReason  = 200
	maxRanks   = 20
	maxPrizes  = 10_000
	maxEntries = 1000 // of one member
	maxAtOnce  = 100
	maxDays    = 90
)

// Failures of draws.
var (
	ErrUnknown    = fault.NotFound("DRAW_UNKNOWN", "この抽選は見つかりません", "There is no such draw")
	ErrNotYet     = fault.Conflict("DRAW_NOT_OPEN", "この抽選の受付はまだ始まっていません", "This draw takes no entries yet")
	ErrClosed     = fault.Conflict("DRAW_CLOSED", "この抽選の受付は終了しました", "This draw takes no entries any more")
	ErrCancelled  = fault.Conflict("DRAW_CANCELLED", "この抽選は中止されました", "This draw was cancelled")
	ErrState      = fault.Conflict("DRAW_STATE", "抽選の状態が%sのため、この操作はできません", "The draw is %s; this cannot be done now")
	ErrLimit      = fault.Conflict("DRAW_LIMIT", "応募はお一人様%d口までです", "At most %d entries for each member")
	ErrIneligible = fault.Conflict("DRAW_NOT_ELIGIBLE", "この抽選の応募条件を満たしていません", "This draw is for other members")
	ErrNotBought  = fault.Conflict("DRAW_NOT_FOR_POINTS", "この抽選はポイントでは応募できません", "This draw is not entered for points")
	ErrCost       = fault.Conflict("DRAW_POINTS_CHANGED", "必要なポイント数は%dポイントです", "It costs %d points")
	ErrAnswered   = fault.Conflict("DRAW_ANSWERED", "この当選はすでに回答済みか、期限切れです", "This was answered, or its time is over")
	// ErrAnswersAlone says that the member can log in, and ErrHandOver that what is handed
	// over is sent nowhere.
	ErrAnswersAlone = fault.Conflict("DRAW_MEMBER_ANSWERS", "この会員はご自身で回答できます", "This member answers alone: they can log in")
	ErrHandOver     = fault.Invalid("DRAW_HAND_OVER", "手渡しの場合、お届け先は指定できません", "What is accepted and handed over is sent nowhere")
	ErrTimes        = fault.Invalid("DRAW_TIMES", "受付開始・受付終了・抽選の日時を順に指定してください", "It opens, then closes, then draws, all in the future but the opening")
	ErrRanks        = fault.Invalid("DRAW_RANKS", "1〜%d等の賞品と本数を指定してください", "Name prizes of 1 to %d ranks, and how many")
	ErrCount        = fault.Invalid(fault.CodeInvalid, "口数は1〜%dで指定してください", "From 1 to %d entries")
)
