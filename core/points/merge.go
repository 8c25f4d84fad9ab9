package points

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Merging keeps what became of accounts whose members became one.
type Merging interface {
	// Apart are the programmes in which the member's account was not merged yet.
	Apart(ctx context.Context, memberID uuid.UUID) ([]uuid.UUID, error)
}

// Merged is an account whose points are in another from now on, with its lots.
type Merged struct {
	GoneID uuid.UUID
	KeptID uuid.UUID
}

// Merge makes what the gone member has of points the kept one's, with their last days and
// what they are promised for, in the transaction of the context. What was merged finds
// nothing to merge again; nothing reaches the gone member's accounts any more.
func (s *Service) Merge(ctx context.Context, keptID, goneID uuid.UUID) error {
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		programmes, err := s.Store.Apart(ctx, goneID)
		if err != nil || len(programmes) == 0 {
			return err
		}
		var wants []Want
		for _, key := range programmes {
			wants = append(wants, Want{Holder: Holder{key, keptID}, Lots: true}, Want{Holder: Holder{key, goneID}, Lots: true})
		}
		locked, err := s.Store.Lock(ctx, wants)
		if err != nil {
			return err
		}
		book := NewBook(locked)
		for _, key := range programmes {
			book.Merge(Holder{key, keptID}, Holder{key, goneID}, actorID(ctx), s.Now())
		}
		return s.write(ctx, book)
	})
}

// Merge moves all that an account has into another, with its lots. What either owes comes
// off what can be used.
func (b *Book) Merge(kept, gone Holder, actor *uuid.UUID, at time.Time) {
	into, from := b.accounts[kept], b.accounts[gone]
	writing := func(h *held, holder Holder) *writing {
		return &writing{book: b, held: h, programme: b.programmes[holder.ProgrammeID], Posting: Posting{Holder: holder, Key: "merge:" + gone.MemberID.String(), ActorID: actor, At: at}}
	}
	out, in := writing(from, gone), writing(into, kept)
	for _, side := range []Side{Available, Pending} {
		points := map[Side]int64{Available: from.Available, Pending: from.Pending}[side]
		if points > 0 {
			portions := from.portions(side == Pending)
			out.entry(MergeOut, side, Moving, points, portions)
			in.entry(MergeIn, Moving, side, points, portions)
		}
	}
	if owed := from.Owed; owed > 0 {
		out.entry(MergeOut, Moving, Owed, owed, nil)
		in.entry(MergeIn, Owed, Moving, owed, nil)
	}
	into.lots, from.lots = slices.Concat(into.lots, from.lots), nil
	b.merged = append(b.merged, Merged{from.ID, into.ID})
	if in.programme.Expiry == ByMovement { // who moved last lets the points of both live
		into.lives(b, later(into.LastsUntil, from.LastsUntil), in.programme.Day(at))
	}
	if into.LeftOn != nil {
		into.ends(in.unlessLeft(nil))
	}
	live, _ := into.usable(in.programme.Day(at))
	in.settle(live, remaining(live))
}

// ends lets all that is left of the account, and can be used, have had its last day.
func (h *held) ends(last *time.Time) {
	for _, l := range h.lots {
		if !l.Pending && l.Remaining > 0 && !l.lapsed(*last) {
			l.ExpiresOn, l.changed = last, true
		}
	}
}

// portions are what is left of the account's lots.
func (h *held) portions(pending bool) (all []Portion) {
	for _, l := range h.lots {
		if l.Pending == pending && l.Remaining > 0 {
			all = append(all, l.portion(l.Remaining))
		}
	}
	return all
}
