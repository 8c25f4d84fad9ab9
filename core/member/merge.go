package member

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/idempotency"
)

// MergeStore moves what belongs to a member.
type MergeStore interface {
	// Buyer reports whether the account is a company's buyer.
	Buyer(ctx context.Context, accountID uuid.UUID) (bool, error)
	// Move makes cards, pets, addresses, purchases, orders and whatever else is the gone
	// member's the kept one's. It may be asked again.
	Move(ctx context.Context, keptID, goneID uuid.UUID, at time.Time) error
	// Retire lets the gone member's memberships be the kept one's, and marks the gone one.
	// Consents stay under who gave them.
	Retire(ctx context.Context, keptID, goneID uuid.UUID, at time.Time) error
	// Straggling are at most so many merged members behind the one given for whom something
	// may still have been written.
	Straggling(ctx context.Context, after uuid.UUID, most int) ([]Straggling, error)
	// Gathered notes that nothing is written for the merged member any more.
	Gathered(ctx context.Context, goneID uuid.UUID) error
	// Erasing are those of the members whose erasure was asked for and waits.
	Erasing(ctx context.Context, memberIDs []uuid.UUID) ([]uuid.UUID, error)
}

// MergeInput makes two members one.
type MergeInput struct {
	IdempotencyKey string
	KeepID         uuid.UUID
	GoneID         uuid.UUID
	Reason         string
}

// Merge makes two members one, with their history, for the head office: the kept one has
// the cards, pets, purchases and orders of both, and of each medium the latest consent
// holds. The other's account is closed. What was merged finds nothing to merge again, and
// neither waits to be erased.
func (s *Service) Merge(ctx context.Context, in MergeInput) (*Member, error) {
	if err := s.office(ctx, access.MemberWrite); err != nil {
		return nil, err
	}
	if err := i18n.CheckString("reason", in.Reason, maxWording); err != nil {
		return nil, err
	}
	if in.KeepID == in.GoneID {
		return nil, ErrMergeSelf.At("goneId")
	}
	kept, err := idempotency.Once(ctx, s.Keys, "mergeMembers", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		both, err := s.Store.Lock(ctx, []uuid.UUID{in.KeepID, in.GoneID})
		if err != nil {
			return uuid.Nil, err
		}
		kept, gone := pick(both, in.KeepID, in.GoneID)
		for field, m := range map[string]Member{"keepId": kept, "goneId": gone} {
			if m.ID == uuid.Nil {
				return uuid.Nil, fault.ErrNotFound.At(field)
			}
			if err := m.usable(); err != nil {
				return uuid.Nil, atField(field, err)
			}
		}
		if err := s.stays(ctx, map[uuid.UUID]string{in.KeepID: "keepId", in.GoneID: "goneId"}); err != nil {
			return uuid.Nil, err
		}
		return kept.ID, s.merge(ctx, kept, gone, in.Reason)
	})
	if err != nil {
		return nil, err
	}
	return s.changed(ctx, kept)
}

// stays fails if one of the held members, by the fields that name them, waits to be erased:
// an erasure finds nothing of a member who became another.
func (s *Service) stays(ctx context.Context, fields map[uuid.UUID]string) error {
	erasing, err := s.Store.Erasing(ctx, slices.Collect(maps.Keys(fields)))
	if err != nil || len(erasing) == 0 {
		return err
	}
	return ErrMergeErasure.At(fields[erasing[0]])
}

// office lets the head office's staff pass who hold all that is needed.
func (*Service) office(ctx context.Context, needed ...access.Permission) error {
	if access.From(ctx).Is(access.RoleStoreStaff, access.RolePartner) {
		return fault.ErrForbidden
	}
	for _, p := range needed {
		if err := access.Require(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// merge makes the gone member the kept one, both of whom are held.
func (s *Service) merge(ctx context.Context, kept, gone Member, reason string) error {
	now := s.Now()
	if gone.Account {
		buyer, err := s.Store.Buyer(ctx, gone.ID)
		if err != nil {
			return err
		}
		if buyer {
			return ErrMergeBuyer.At("goneId")
		}
	}
	if err := s.agree(ctx, kept.ID, gone.ID, now); err != nil {
		return err
	}
	if err := s.move(ctx, kept.ID, gone.ID, now); err != nil {
		return err
	}
	if err := s.Store.Retire(ctx, kept.ID, gone.ID, now); err != nil {
		return err
	}
	kept.Personal, kept.UpdatedAt = kept.filled(gone.Personal, kept.Account), now
	if err := s.Store.SavePersonal(ctx, kept); err != nil {
		return err
	}
	if err := s.Accounts.End(ctx, gone.ID); err != nil {
		return err
	}
	return s.Events.Record(ctx,
		event.New(ctx, now, "member.merged", "Member", kept.ID, map[string]any{"gone": gone.ID, "reason": reason}),
		event.New(ctx, now, "member.merged_away", "Member", gone.ID, map[string]any{"kept": kept.ID, "reason": reason}))
}

// move makes what is the gone member's the kept one's. Points come first: whoever uses the
// gone member's holds their account, and what for is written when it is free.
func (s *Service) move(ctx context.Context, keptID, goneID uuid.UUID, now time.Time) error {
	for _, f := range s.Followers {
		if err := f.Merge(ctx, keptID, goneID); err != nil {
			return err
		}
	}
	return s.Store.Move(ctx, keptID, goneID, now)
}

// agree lets of each brand and medium the latest word of the two hold.
func (s *Service) agree(ctx context.Context, keptID, goneID uuid.UUID, now time.Time) error {
	settings, err := s.Store.Settings(ctx, []uuid.UUID{keptID, goneID})
	if err != nil {
		return err
	}
	type key struct {
		brand  uuid.UUID
		medium Medium
	}
	held := map[key]Setting{}
	for _, one := range settings {
		if one.MemberID == keptID {
			held[key{one.BrandID, one.Medium}] = one
		}
	}
	var consents []Consent
	for _, one := range settings {
		mine, told1 := held[key{one.BrandID, one.Medium}]
		if one.MemberID == goneID && (!told1 || one.Since.After(mine.Since) && one.Given != mine.Given) {
			consents = append(consents, newConsent(ctx, keptID, one.BrandID, SettingInput{one.Medium, one.Given}, told{how: ByMerge, at: now}))
		}
	}
	if len(consents) == 0 {
		return nil
	}
	return s.Store.AddConsents(ctx, consents)
}

// filled is the person with what the other told and this one did not. The name and
// address of an account stay its own.
func (p Personal) filled(other Personal, account bool) Personal {
	for _, pair := range []struct{ mine, theirs *string }{{&p.Kana, &other.Kana}, {&p.Phone, &other.Phone}} {
		if *pair.mine == "" {
			*pair.mine = *pair.theirs
		}
	}
	if !account {
		for _, pair := range []struct{ mine, theirs *string }{{&p.Name, &other.Name}, {&p.Email, &other.Email}} {
			if *pair.mine == "" {
				*pair.mine = *pair.theirs
			}
		}
	}
	if p.Birthday == nil {
		p.Birthday = other.Birthday
	}
	if p.Gender == customer.GenderUnsaid || p.Gender == "" {
		p.Gender = other.Gender
	}
	return p
}
