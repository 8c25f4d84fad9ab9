package member

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/sealing"
)

// IssueInput gives a member a card of the channel's brand in the place of the one of the
// same kind.
type IssueInput struct {
	IdempotencyKey string
	MemberID       *uuid.UUID // nil: the actor, who gets a digital one
	Kind           CardKind
	Number         *string    // of a card that is handed out; nil: a new number
	StoreID        *uuid.UUID // that hands it out
	Lost           bool       // the former one is lost
}

// Issue gives a member a card (発行・再発行). The former card of the kind ends: one member has
// one of each kind and brand.
func (s *Service) Issue(ctx context.Context, in IssueInput) (*Member, error) {
	actor := access.From(ctx)
	memberID := actor.ID
	if in.MemberID != nil {
		memberID = *in.MemberID
	}
	if own(actor, memberID) && (in.Kind != Digital || in.Number != nil) {
		return nil, fault.ErrForbidden
	}
	number := ""
	if in.Number != nil {
		var err error
		if number, err = ReadNumber(*in.Number); err != nil {
			return nil, ErrCardNumber.At("number")
		}
	}
	if err := s.where(ctx, in.StoreID); err != nil {
		return nil, err
	}
	_, err := idempotency.Once(ctx, s.Keys, "issueCard", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		if _, err := s.locked(ctx, memberID); err != nil {
			return uuid.Nil, err
		}
		return s.issue(ctx, memberID, number, in)
	})
	if err != nil {
		return nil, err
	}
	return s.changed(ctx, memberID)
}

func (s *Service) issue(ctx context.Context, memberID uuid.UUID, number string, in IssueInput) (uuid.UUID, error) {
	now, brandID := s.Now(), brandOf(ctx)
	joined, err := s.Store.Memberships(ctx, []uuid.UUID{memberID})
	if err != nil {
		return uuid.Nil, err
	}
	if !slices.ContainsFunc(joined, func(m Membership) bool { return m.BrandID == brandID && m.EndedAt == nil }) {
		return uuid.Nil, ErrNotJoined
	}
	cards, err := s.Store.Cards(ctx, []uuid.UUID{memberID})
	if err != nil {
		return uuid.Nil, err
	}
	card := Card{ID: id.New(), Number: number, MemberID: memberID, BrandID: brandID, Kind: in.Kind, State: CardActive, StoreID: in.StoreID, IssuedAt: now}
	as := CardReissued
	if in.Lost {
		as = CardLost
	}
	for _, former := range cards {
		if former.BrandID != brandID || former.Kind != in.Kind || former.State != CardActive {
			continue
		}
		card.ReplacesID = &former.ID
		if err := s.Store.EndCard(ctx, former.ID, as, now); err != nil {
			return uuid.Nil, err
		}
	}
	if number == "" {
		err = s.draw(ctx, card)
	} else {
		err = atField("number", s.Store.InsertCard(ctx, card))
	}
	if err != nil {
		return uuid.Nil, err
	}
	return card.ID, s.Events.Record(ctx, event.New(ctx, now, "member.card_issued", "Member", memberID,
		map[string]any{"cardId": card.ID, "kind": card.Kind, "replaces": card.ReplacesID, "storeId": in.StoreID}))
}

// LostInput names a card that is lost.
type LostInput struct{ CardID uuid.UUID }

// ReportLost takes a card out of use at once, for its owner and for staff.
func (s *Service) ReportLost(ctx context.Context, in LostInput) (*Member, error) {
	card, err := s.Store.Card(ctx, in.CardID)
	if err != nil {
		return nil, err
	}
	if card == nil {
		return nil, fault.ErrNotFound.At("cardId")
	}
	return s.change(ctx, &card.MemberID, func(ctx context.Context, _ Member, now time.Time) (string, any, error) {
		card, err := s.Store.Card(ctx, in.CardID) // as it is now that the member is held
		if err != nil {
			return "", nil, err
		}
		if card.State != CardActive {
			return "", nil, ErrCardEnded.At("cardId")
		}
		return "member.card_lost", map[string]any{"cardId": card.ID}, s.Store.EndCard(ctx, card.ID, CardLost, now)
	})
}

// ClaimInput proves that a card is the actor's: by what the shop wrote down of its owner.
type ClaimInput struct {
	CardNumber string
	Phone      *string
	Birthday   *time.Time
}

// claims bounds how often one account may try cards, and claimsFrom how often one address
// may, behind which many accounts may be.
var (
	claims     = limit.Rate{Allowed: 5, Per: time.Hour}
	claimsFrom = limit.Rate{Allowed: 20, Per: time.Hour}
)

// tried fails with ErrTries when the actor has tried too many cards.
func (s *Service) tried(ctx context.Context, actor access.Actor) error {
	if s.Limiter == nil {
		return nil
	}
	verdict := s.Limiter.Allow(ctx, "member:claim:"+actor.ID.String(), claims)
	if from := actor.From(); verdict.Allowed && from != "" {
		verdict = s.Limiter.Allow(ctx, "member:claim:from:"+from, claimsFrom)
	}
	if verdict.Allowed {
		return nil
	}
	return ErrTries.With(max(1, int(verdict.RetryAfter.Round(time.Second)/time.Second)))
}

// claimsOf is how often one number may be tried in a day by whomever: a birthday and a phone
// number are not to be guessed by many accounts from many addresses.
const claimsOf = 5

// claimable counts a try of the number, whether a card has it or not, and fails with
// ErrClaimLocked when there were too many.
func (s *Service) claimable(ctx context.Context, number string) error {
	now := s.Now()
	tries, err := s.Store.CountClaim(ctx, number, now.Add(-24*time.Hour), now)
	if err == nil && tries > claimsOf {
		return ErrClaimLocked.At("cardNumber")
	}
	return err
}

// Claim makes the member of a card, who has no account, one with the actor: cards, pets
// and purchases move over. A wrong card and a wrong proof answer the same.
func (s *Service) Claim(ctx context.Context, in ClaimInput) (*Member, error) {
	actor := access.From(ctx)
	if !own(actor, actor.ID) {
		return nil, fault.ErrUnauthenticated
	}
	if err := s.tried(ctx, actor); err != nil {
		return nil, err
	}
	number, err := ReadNumber(in.CardNumber)
	if err != nil {
		return nil, ErrCardNumber.At("cardNumber")
	}
	if err := s.claimable(ctx, number); err != nil {
		return nil, err
	}
	if err := s.Tx.InTx(ctx, func(ctx context.Context) error { return s.claim(ctx, actor.ID, number, in) }); err != nil {
		return nil, err
	}
	return s.Mine(ctx)
}

// claim makes the member of the card one with the member of the account.
func (s *Service) claim(ctx context.Context, memberID uuid.UUID, number string, in ClaimInput) error {
	card, err := s.Store.CardByNumber(ctx, number)
	switch {
	case err != nil:
		return err
	case card == nil:
		return ErrClaim
	case card.MemberID == memberID:
		return nil // claimed before
	}
	if err := s.Store.Enrol(ctx, memberID, s.Now()); err != nil {
		return err
	}
	both, err := s.Store.Lock(ctx, []uuid.UUID{memberID, card.MemberID})
	if err != nil {
		return err
	}
	kept, gone := pick(both, memberID, card.MemberID)
	if card.State != CardActive || gone.Account || gone.usable() != nil || !proves(in, gone) {
		return ErrClaim
	}
	if err := s.stays(ctx, map[uuid.UUID]string{kept.ID: "cardNumber", gone.ID: "cardNumber"}); err != nil {
		return err
	}
	return errors.Join(s.merge(ctx, kept, gone, "claimed"), s.Store.ForgetClaims(ctx, number))
}

// proves reports whether the claim says what the shop wrote down.
func proves(in ClaimInput, m Member) bool {
	if in.Phone != nil && m.Phone != "" && sealing.Phone(*in.Phone) == m.Phone {
		return true
	}
	return in.Birthday != nil && m.Birthday != nil && in.Birthday.Equal(*m.Birthday)
}

func pick(members []Member, keptID, goneID uuid.UUID) (kept, gone Member) {
	for _, m := range members {
		switch m.ID {
		case keptID:
			kept = m
		case goneID:
			gone = m
		}
	}
	return kept, gone
}
