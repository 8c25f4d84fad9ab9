package points

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	cards "github.com/noren-commerce/noren/core/member"
)

// RewardInput tells of something that a rule gives points for besides purchases.
type RewardInput struct {
	IdempotencyKey string
	Occasion       Occasion
	MemberID       *uuid.UUID
	CardNumber     *string // who shows a card where it happens; instead of the id
	ShopID         *uuid.UUID
	SubjectID      *string // what was reviewed, where somebody checked in, by its id in the schema; one of a kind that noren does not keep is the caller's
	subject        uuid.UUID
}

// Subject is something that noren keeps, and that may be reviewed or checked in at.
type Subject struct {
	Kind     string // in the schema
	ID       uuid.UUID
	BrandID  uuid.UUID
	MemberID uuid.UUID // whose it must be, of an order or a purchase
}

// kept are the kinds of subject that noren keeps: each must be there, an order and a
// purchase the member's own.
var kept = []string{"Product", "Variant", "Location", "Order", "Purchase"}

// known reads which subject is meant, and fails if it is of noren's and not there.
func (s *Service) known(ctx context.Context, in *RewardInput) error {
	there := func(field, kind string, key uuid.UUID) error {
		found, err := s.Store.Known(ctx, Subject{kind, key, channel.From(ctx).BrandID, *in.MemberID})
		if err == nil && !found {
			err = ErrSubject.At(field)
		}
		return err
	}
	if in.ShopID != nil {
		if err := there("shopId", "Location", *in.ShopID); err != nil {
			return err
		}
	}
	if in.SubjectID == nil {
		return nil
	}
	kind, key, err := id.Parse(*in.SubjectID)
	if err != nil {
		return at("subjectId", err)
	}
	if in.subject = key; !slices.Contains(kept, kind) {
		return nil
	}
	return there("subjectId", kind, key)
}

// Reward gives what the rules give for an occasion: for whoever sees it happen, by staff
// or a partner with POINT_WRITE, and for noren itself. The same subject is rewarded once.
// Of what noren does not keep nobody but they know that it was reviewed, and whether it
// was at all: so what one of the staff rewards counts towards
// what they may grant in a day.
func (s *Service) Reward(ctx context.Context, in RewardInput) ([]Result, error) {
	if err := access.Require(ctx, access.PointWrite); err != nil {
		return nil, err
	}
	who, err := s.rewarded(ctx, in)
	if err != nil {
		return nil, err
	}
	in.MemberID = &who
	if err := s.known(ctx, &in); err != nil {
		return nil, err
	}
	programmes, err := s.inBrand(ctx)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	keys := make([]uuid.UUID, len(programmes))
	for i, p := range programmes {
		keys[i] = p.ID
	}
	rules, err := s.Store.Rules(ctx, keys, now)
	if err != nil {
		return nil, err
	}
	places, err := s.among(ctx, []uuid.UUID{who}, named(rules, in.Occasion))
	if err != nil {
		return nil, err
	}
	rank, err := s.Store.RankNow(ctx, channel.From(ctx).BrandID, who)
	if err != nil {
		return nil, err
	}
	var all []Posting
	for _, r := range rules {
		p := programmes[slices.IndexFunc(programmes, func(p Programme) bool { return p.ID == r.ProgrammeID })]
		if !r.rewards(in, inZone(p, now), rank, places[who]) {
			continue
		}
		all = append(all, Posting{Holder: Holder{p.ID, who}, Key: rewardKey(r, in, p.Day(now)), Kind: Earn, Points: r.Terms.Points, Lives: oneLife(r.Terms.LifeDays), ActorID: actorID(ctx), Reason: string(in.Occasion), At: now})
	}
	if len(all) == 0 {
		return nil, ErrEvent.At("occasion")
	}
	return s.reward(ctx, who, programmes, all)
}

// rewarded checks what is told, and is whom it is told of, by one of the two.
func (s *Service) rewarded(ctx context.Context, in RewardInput) (uuid.UUID, error) {
	switch {
	case len(in.IdempotencyKey) < 8 || len(in.IdempotencyKey) > 100:
		return uuid.Nil, errKey
	case in.Occasion == Purchased || in.Occasion.seen():
		return uuid.Nil, ErrEvent.At("occasion")
	case (in.MemberID == nil) == (in.CardNumber == nil):
		return uuid.Nil, fault.Invalid(fault.CodeInvalid, "会員IDと会員番号は、どちらか一方を指定してください", "Name the member's id or the card, one of them").At("memberId")
	case in.MemberID != nil:
		return *in.MemberID, nil
	}
	number, err := cards.ReadNumber(*in.CardNumber)
	if err != nil {
		return uuid.Nil, cards.ErrCardNumber.At("cardNumber")
	}
	who, err := s.Cards.Card(ctx, number, in.ShopID)
	return who.ID, at("cardNumber", err)
}

// rewards reports whether the rule gives something for the occasion, to who has the rank and
// is in those segments.
func (r Rule) rewards(in RewardInput, at time.Time, rank string, segments []uuid.UUID) bool {
	return r.Terms.Occasion == in.Occasion && r.stands(at) && r.Terms.sees(at, in.ShopID, rank) && r.Terms.within(segments)
}

// reward makes the postings, within what one of the staff may still give today. What had
// been given before counts once.
func (s *Service) reward(ctx context.Context, memberID uuid.UUID, programmes []Programme, all []Posting) (results []Result, err error) {
	byHand := access.From(ctx).Is(access.RoleStaff, access.RoleStoreStaff, access.RoleAdmin)
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.stands(ctx, memberID); err != nil {
			return err
		}
		var left map[uuid.UUID]int64
		if byHand {
			if left, err = s.left(ctx, programmes...); err != nil {
				return err
			}
		}
		if results, err = s.Post(ctx, all...); err != nil || !byHand {
			return err
		}
		for i, r := range results {
			if had := left[all[i].ProgrammeID]; !r.Replayed && r.Moved > had {
				return ErrLimit.With(had).At("occasion")
			} else if !r.Replayed {
				left[all[i].ProgrammeID] = had - r.Moved
			}
		}
		return nil
	})
	return results, err
}

// rewardKey makes a reward happen once: for its day, its subject, or the caller's key.
func rewardKey(r Rule, in RewardInput, day time.Time) string {
	key := fmt.Sprintf("reward:%s:", r.ID)
	switch {
	case r.Terms.OncePerDay:
		return key + day.Format(time.DateOnly)
	case in.Occasion == Joined:
		return key + "once"
	case in.SubjectID != nil:
		return key + in.subject.String()
	}
	return key + in.IdempotencyKey
}
