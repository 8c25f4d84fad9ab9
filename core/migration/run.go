package migration

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
)

// State is how far a file has come.
type State string

// The states. Nothing is taken before COMMITTING.
const (
	Queued     State = "QUEUED"
	Reading    State = "READING"   // the dry run is under way
	Previewed  State = "PREVIEWED" // the dry run is done
	Committing State = "COMMITTING"
	Committed  State = "COMMITTED"
	Discarded  State = "DISCARDED"
	Failed     State = "FAILED" // the file cannot be read to its end; what was taken before stays
)

// Counts are what became of a file's rows so far.
type Counts struct {
	Rows      int
	Accepted  int
	Rejected  int
	Repeated  int // that an earlier file brought
	Proposals int // pairs of members that may be the same person
	Remarks   int
}

// Run is one file of past data on its way.
type Run struct {
	ID          uuid.UUID
	BrandID     uuid.UUID
	ChannelID   uuid.UUID
	Kind        Kind
	FileName    string
	FileHash    string
	Mapping     string
	State       State
	Position    int // the last line of the file that is done
	Conversions Conversions
	Failure     string
	ActorID     *uuid.UUID
	CommittedBy *uuid.UUID
	CreatedAt   time.Time
	PreviewedAt *time.Time
	FinishedAt  *time.Time
	Counts
}

// GlobalID is the run's id in the schema.
func (r Run) GlobalID() string { return id.Global("Migration", r.ID) }

// Tally is the counts, as the schema names them.
func (r Run) Tally() Counts { return r.Counts }

// ConversionCount is how often something was done to the values of a column.
type ConversionCount struct {
	Column     string
	Conversion Conversion
	Count      int
}

// Converted are the counts of what was done to values, by column.
func (r Run) Converted() []ConversionCount {
	all := []ConversionCount{}
	for _, column := range slices.Sorted(maps.Keys(r.Conversions)) {
		for _, what := range slices.Sorted(maps.Keys(r.Conversions[column])) {
			all = append(all, ConversionCount{column, what, r.Conversions[column][what]})
		}
	}
	return all
}

// again empties what a dry run counted.
func (r *Run) again() {
	r.Position, r.Counts, r.Conversions, r.Failure = 0, Counts{}, Conversions{}, ""
}

// Failures of imports of past data.
var (
	ErrKind       = fault.Invalid(fault.CodeInvalid, "移行データの種類が正しくありません", "This is not a kind of past data")
	ErrTooLarge   = fault.Invalid("FILE_TOO_LARGE", "ファイルは%dMBまでです。それより大きいファイルはコマンドで取り込んでください", "A file has at most %d MB; import larger ones by the command")
	ErrState      = fault.Conflict(fault.CodeConflict, "この取り込みは確定・破棄できる状態ではありません", "This import is not one that can be committed or discarded now")
	ErrUnfinished = fault.Conflict(fault.CodeConflict, "同じファイルの取り込みが途中です", "An import of the same file is under way; go on with it (--resume)")
	ErrSettled    = fault.Conflict(fault.CodeConflict, "この候補は処理済みです", "This pair has been decided on")
	ErrKept       = fault.Invalid(fault.CodeInvalid, "残す会員は候補の2人のどちらかです", "Keep one of the two members")
)

// Likeness says why two members may be the same person.
type Likeness string

// The likenesses.
const (
	SameCard  Likeness = "CARD"
	SameEmail Likeness = "EMAIL"
	SamePhone Likeness = "PHONE_AND_BIRTHDAY"
	SameKana  Likeness = "KANA_BIRTHDAY_AND_POSTAL_CODE"
)

// DuplicateState says what staff decided.
type DuplicateState string

// The states of a pair.
const (
	DuplicateOpen   DuplicateState = "OPEN"
	DuplicateMerged DuplicateState = "MERGED"
	DuplicateKept   DuplicateState = "KEPT" // two people
)

// Duplicate is a pair of members who may be the same person (名寄せ候補): staff decide.
type Duplicate struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	RunID      uuid.UUID
	MemberID   uuid.UUID // whom the import brought
	OtherID    uuid.UUID
	Likenesses []Likeness
	State      DuplicateState
	Reason     string
	ActorID    *uuid.UUID
	CreatedAt  time.Time
	SettledAt  *time.Time
}

// GlobalID is the pair's id in the schema.
func (d Duplicate) GlobalID() string { return id.Global("DuplicateMember", d.ID) }

// Member is the imported member's id in the schema.
func (d Duplicate) Member() string { return id.Global("Member", d.MemberID) }

// Other is the other member's id in the schema.
func (d Duplicate) Other() string { return id.Global("Member", d.OtherID) }

// Migration is the run's id in the schema.
func (d Duplicate) Migration() string { return id.Global("Migration", d.RunID) }
