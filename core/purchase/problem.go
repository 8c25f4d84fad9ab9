package purchase

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/page"
)

// ProblemQuery asks for one page of a brand's work list, the latest first.
type ProblemQuery struct {
	BrandID  uuid.UUID
	State    ProblemState
	Narrowed bool        // to receipts of the stores, or that somebody sent
	Stores   []uuid.UUID // if it is narrowed
	SentBy   *uuid.UUID  // if it is narrowed, instead of stores
	Page     page.Args
}

// Problems is one page of the brand's work list. Store staff see what their stores' receipts
// ask, and partners what theirs do: whose card it turned out to be is nobody else's to know.
func (s *Service) Problems(ctx context.Context, state ProblemState, p page.Args) (page.Connection[Problem], error) {
	if err := access.Require(ctx, access.PurchaseWrite); err != nil {
		return page.Connection[Problem]{}, err
	}
	actor := access.From(ctx)
	q := ProblemQuery{BrandID: channel.From(ctx).BrandID, State: state, Page: p}
	q.Stores, q.Narrowed = access.StoresOf(ctx)
	if actor.Is(access.RolePartner) {
		q.Narrowed, q.SentBy = true, &actor.ID
	}
	return s.Store.Problems(ctx, q)
}

// Resolve says what a code or card number turned out to be, or whether a receipt is as it
// came again, for the head office. Purchases that become a member's so earn what they
// would have earned.
func (s *Service) Resolve(ctx context.Context, in ResolveInput) (*Problem, error) {
	if err := errors.Join(access.Require(ctx, access.PurchaseWrite), i18n.CheckString("reason", in.Reason, maxText)); err != nil {
		return nil, err
	}
	actor, brandID, now := access.From(ctx), channel.From(ctx).BrandID, s.Now()
	if actor.Is(access.RoleStoreStaff, access.RolePartner) {
		return nil, fault.ErrForbidden
	}
	var kept Problem
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		p, err := s.Store.LockProblem(ctx, brandID, in.ProblemID)
		if err != nil {
			return err
		}
		if p == nil {
			return fault.ErrNotFound.At("problemId")
		}
		if p.State != ProblemOpen {
			return ErrSettled.At("problemId")
		}
		if err := in.fits(*p); err != nil {
			return err
		}
		p.State, p.VariantID, p.MemberID, p.Reason, p.ResolvedAt = ProblemResolved, in.VariantID, in.MemberID, in.Reason, &now
		if in.Ignore {
			p.State = ProblemIgnored
		}
		if actor.ID != uuid.Nil {
			p.ActorID = &actor.ID
		}
		kept = *p
		if err := s.Store.SaveProblem(ctx, kept); err != nil {
			return err
		}
		if err := s.settle(ctx, kept, now); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, "purchases.problem_settled", "PurchaseProblem", p.ID, map[string]any{"kind": p.Kind, "state": p.State}))
	})
	if err != nil {
		return nil, err
	}
	return &kept, nil
}

// fits reports whether the answer is one, and of the problem's kind.
func (in ResolveInput) fits(p Problem) error {
	said := 0
	for _, is := range []bool{in.VariantID != nil, in.MemberID != nil, in.Accept, in.Ignore} {
		if is {
			said++
		}
	}
	if said != 1 || in.VariantID != nil && p.Kind != UnknownProduct || in.MemberID != nil && p.Kind != UnknownMember || in.Accept && p.Kind != OtherContent {
		return ErrAnswer
	}
	return nil
}

func (s *Service) settle(ctx context.Context, p Problem, now time.Time) error {
	switch {
	case p.Kind == OtherContent && p.State == ProblemResolved:
		return s.accept(ctx, p)
	case p.VariantID != nil:
		return s.Store.NameGoods(ctx, p.BrandID, p.Value, *p.VariantID)
	case p.MemberID != nil:
		m, err := s.Members.ByID(ctx, *p.MemberID)
		if err != nil {
			return err
		}
		if m.MergedInto != nil || m.ErasedAt != nil {
			return fault.ErrNotFound.At("memberId")
		}
		theirs, err := s.Store.NameMember(ctx, p.BrandID, p.Value, m.ID, now)
		if err != nil {
			return err
		}
		return s.earn(ctx, theirs)
	}
	return nil
}

// accept lets a receipt be as it came again: its lines, and the member of a card that came
// with it, unless staff have said whose it is.
func (s *Service) accept(ctx context.Context, p Problem) error {
	if err := access.Require(ctx, access.PurchaseCorrect); err != nil {
		return err
	}
	kept, err := s.Store.Lock(ctx, p.BrandID, *p.PurchaseID)
	if err != nil || kept == nil {
		return errors.Join(err, fault.ErrNotFound.At("problemId"))
	}
	var holder *uuid.UUID
	if p.CardNumber != "" && p.CardNumber != kept.CardNumber && !kept.ByHand {
		if holder, err = s.Store.Holder(ctx, p.BrandID, p.CardNumber, kept.BoughtAt); err != nil {
			return err
		}
	}
	if _, err = s.lock(ctx, kept.ID); err != nil {
		return atField("problemId", err)
	}
	reason := cmp.Or(p.Reason, "レシートの再送信")
	kept.CardNumber = p.CardNumber
	if err := s.rewrite(ctx, kept, p.Lines, reason, false); err != nil && !errors.Is(err, ErrSame) {
		return atField("problemId", err)
	}
	if err := s.accepted(ctx, kept, holder, reason); err != nil {
		return atField("problemId", err)
	}
	return s.Store.Said(ctx, *kept, Taken{Purchase: *kept, Lines: p.Lines}.Content())
}

// accepted lets a receipt and its returns be the member's whose card came with it; a card
// that nobody has goes on the work list.
func (s *Service) accepted(ctx context.Context, p *Purchase, holder *uuid.UUID, reason string) error {
	switch {
	case holder == nil && p.MemberID == nil && p.CardNumber != "" && !p.ByHand:
		return s.Store.AskWhose(ctx, *p, s.Now())
	case holder == nil || same(holder, p.MemberID):
		return nil
	}
	returns, err := s.returns(ctx, p.ID)
	if err != nil {
		return err
	}
	if err := s.give(ctx, p, holder, reason); err != nil {
		return err
	}
	return s.giveReturns(ctx, returns, holder, reason)
}
