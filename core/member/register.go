package member

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
)

// JoinInput makes the actor a member of the channel's brand.
type JoinInput struct {
	HomeStoreID *uuid.UUID
	Settings    []SettingInput
	How         How
	Wording     string
}

// Join makes the actor a member of the channel's brand, with a digital card. Who has
// joined already stays as they are, and may choose another home store.
func (s *Service) Join(ctx context.Context, in JoinInput) (*Member, error) {
	actor := access.From(ctx)
	if !own(actor, actor.ID) {
		return nil, fault.ErrUnauthenticated
	}
	if err := errors.Join(heard(in.How, bySelf), s.store(ctx, "homeStoreId", in.HomeStoreID), i18n.CheckString("wording", in.Wording, maxWording)); err != nil {
		return nil, err
	}
	now := s.Now()
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.Enrol(ctx, actor.ID, now); err != nil {
			return err
		}
		if _, err := s.locked(ctx, actor.ID); err != nil {
			return err
		}
		if err := s.join(ctx, Membership{MemberID: actor.ID, BrandID: brandOf(ctx), HomeStoreID: in.HomeStoreID, JoinedAt: now}); err != nil {
			return err
		}
		if err := s.consent(ctx, actor.ID, in.Settings, told{how: in.How, wording: in.Wording, at: now}); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, "member.joined", "Member", actor.ID, nil))
	})
	if err != nil {
		return nil, err
	}
	return s.Mine(ctx)
}

// join makes the membership, with a digital card if the member has none of the brand.
func (s *Service) join(ctx context.Context, m Membership) error {
	if err := s.Store.Join(ctx, m); err != nil {
		return err
	}
	cards, err := s.Store.Cards(ctx, []uuid.UUID{m.MemberID})
	if err != nil || slices.ContainsFunc(cards, func(c Card) bool { return c.BrandID == m.BrandID && c.State == CardActive }) {
		return err
	}
	return s.draw(ctx, Card{ID: id.New(), MemberID: m.MemberID, BrandID: m.BrandID, Kind: Digital, State: CardActive, StoreID: m.RegisteredStoreID, IssuedAt: m.JoinedAt})
}

// draw keeps the card under a number that nobody has.
func (s *Service) draw(ctx context.Context, c Card) (err error) {
	for range 5 {
		if c.Number, err = DrawNumber(); err != nil {
			return err
		}
		if err = s.Store.InsertCard(ctx, c); !errors.Is(err, ErrCardTaken) {
			return err
		}
	}
	return err
}

// PersonalInput is what staff write down of a person; nil leaves a value as it is.
type PersonalInput struct {
	Name     *string
	Kana     *string
	Phone    *string
	Email    *string
	Birthday *time.Time
	Gender   *customer.Gender
	Address  *customer.Address
}

// RegisterInput is a person who becomes a member at a shop, without an account.
type RegisterInput struct {
	IdempotencyKey string
	Person         PersonalInput
	StoreID        *uuid.UUID // where; store staff of one store may leave it out
	HomeStoreID    *uuid.UUID // nil: the same
	CardNumber     *string    // of a card that is handed out; nil: a new number
	Settings       []SettingInput
	How            How
	Wording        string
}

// Register makes a member at a shop (店頭入会), for staff. The card is all they need; an
// account can claim it later.
func (s *Service) Register(ctx context.Context, in RegisterInput) (*Member, error) {
	if err := access.Require(ctx, access.MemberWrite); err != nil {
		return nil, err
	}
	if err := s.place(ctx, &in); err != nil {
		return nil, err
	}
	now, number := s.Now(), ""
	if in.CardNumber != nil {
		var err error
		if number, err = ReadNumber(*in.CardNumber); err != nil {
			return nil, ErrCardNumber.At("cardNumber")
		}
	}
	m := Member{ID: id.New(), CreatedAt: now, UpdatedAt: now, Personal: Personal{Gender: customer.GenderUnsaid}}
	if _, err := in.Person.onto(&m.Personal, now); err != nil {
		return nil, err
	}
	if m.Name == "" && m.Phone == "" && m.Email == "" {
		return nil, ErrNoContact.At("person")
	}
	memberID, err := idempotency.Once(ctx, s.Keys, "registerMember", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		return m.ID, s.register(ctx, m, number, in)
	})
	if err != nil {
		return nil, err
	}
	return s.changed(ctx, memberID)
}

// place fills in the shop, and checks it.
func (s *Service) place(ctx context.Context, in *RegisterInput) error {
	actor := access.From(ctx)
	if in.StoreID == nil && actor.Is(access.RoleStoreStaff) && len(actor.Stores) == 1 {
		in.StoreID = &actor.Stores[0]
	}
	if in.StoreID == nil {
		return fault.ErrRequired.At("storeId")
	}
	if actor.Is(access.RoleStoreStaff) && !slices.Contains(actor.Stores, *in.StoreID) {
		return fault.ErrForbidden
	}
	if in.HomeStoreID == nil {
		in.HomeStoreID = in.StoreID
	}
	return errors.Join(heard(in.How, byStaff), s.store(ctx, "storeId", in.StoreID), s.store(ctx, "homeStoreId", in.HomeStoreID), i18n.CheckString("wording", in.Wording, maxWording))
}

func (s *Service) register(ctx context.Context, m Member, number string, in RegisterInput) error {
	brandID := brandOf(ctx)
	if err := s.Store.Enrol(ctx, m.ID, m.CreatedAt); err != nil {
		return err
	}
	if err := s.Store.SavePersonal(ctx, m); err != nil {
		return err
	}
	if number != "" {
		card := Card{ID: id.New(), Number: number, MemberID: m.ID, BrandID: brandID, Kind: Physical, State: CardActive, StoreID: in.StoreID, IssuedAt: m.CreatedAt}
		if err := s.Store.InsertCard(ctx, card); err != nil {
			return atField("cardNumber", err)
		}
	}
	if err := s.join(ctx, Membership{MemberID: m.ID, BrandID: brandID, RegisteredStoreID: in.StoreID, HomeStoreID: in.HomeStoreID, JoinedAt: m.CreatedAt}); err != nil {
		return err
	}
	if err := s.consent(ctx, m.ID, in.Settings, told{how: in.How, wording: in.Wording, storeID: in.StoreID, at: m.CreatedAt}); err != nil {
		return err
	}
	return s.Events.Record(ctx, event.New(ctx, m.CreatedAt, "member.registered", "Member", m.ID, map[string]any{"storeId": in.StoreID}))
}

// atField names the field of a failure.
func atField(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field)
	}
	return err
}

// UpdateInput is what staff correct of a member.
type UpdateInput struct {
	MemberID uuid.UUID
	Person   PersonalInput
	Reason   string
}

// Update corrects a member's own data, for staff. The name and e-mail address of who has
// an account are the account's: its owner changes them.
func (s *Service) Update(ctx context.Context, in UpdateInput) (*Member, error) {
	if err := errors.Join(access.Require(ctx, access.MemberWrite), i18n.CheckString("reason", in.Reason, maxWording)); err != nil {
		return nil, err
	}
	now := s.Now()
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		m, err := s.locked(ctx, in.MemberID)
		if err != nil {
			return err
		}
		if m.Account && (in.Person.Name != nil || in.Person.Email != nil) {
			return fault.ErrForbidden.At("person")
		}
		changed, err := in.Person.onto(&m.Personal, now)
		if err != nil || len(changed) == 0 {
			return err
		}
		m.UpdatedAt = now
		if err := s.Store.SavePersonal(ctx, m); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, "member.updated", "Member", m.ID, map[string]any{"changed": changed, "reason": in.Reason}))
	})
	if err != nil {
		return nil, err
	}
	return s.changed(ctx, in.MemberID)
}

// onto puts the input's values, in their normal form, onto the person, checks the
// whole, and names what changed.
func (in PersonalInput) onto(p *Personal, now time.Time) ([]string, error) {
	profile := customer.Profile{Name: p.Name, Kana: p.Kana, Phone: p.Phone, Birthday: p.Birthday, Gender: p.Gender}
	today := now.In(zone)
	profile, changed, err := customer.Corrected(profile, customer.UpdateProfileInput{
		Name: in.Name, Kana: in.Kana, Phone: in.Phone, Birthday: in.Birthday, Gender: in.Gender,
	}, time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, time.UTC))
	failed := []error{under("person", err)}
	p.Name, p.Kana, p.Phone, p.Birthday, p.Gender = profile.Name, profile.Kana, profile.Phone, profile.Birthday, profile.Gender
	if in.Email != nil {
		email, err := normalEmail(*in.Email)
		failed = append(failed, err)
		if email != p.Email {
			p.Email, changed = email, append(changed, "email")
		}
	}
	if in.Address != nil {
		a := in.Address.Normalised()
		failed = append(failed, a.Validate("person.address"))
		if p.Address == nil || *p.Address != a {
			p.Address, changed = &a, append(changed, "address")
		}
	}
	return changed, errors.Join(failed...)
}

// SetHomeStoreInput chooses the home store of a member in the channel's brand.
type SetHomeStoreInput struct {
	MemberID *uuid.UUID // nil: the actor
	StoreID  *uuid.UUID // nil: none
}

// SetHomeStore chooses where the member likes to go, by the member or staff.
func (s *Service) SetHomeStore(ctx context.Context, in SetHomeStoreInput) (*Member, error) {
	return s.change(ctx, in.MemberID, func(ctx context.Context, m Member, _ time.Time) (string, any, error) {
		if err := s.store(ctx, "storeId", in.StoreID); err != nil {
			return "", nil, err
		}
		return "member.home_store_set", map[string]any{"storeId": in.StoreID}, s.Store.SetHomeStore(ctx, m.ID, brandOf(ctx), in.StoreID)
	})
}

// change runs f on a member that is held, and records the event that it names.
func (s *Service) change(ctx context.Context, memberID *uuid.UUID, f func(ctx context.Context, m Member, now time.Time) (kind string, data any, err error)) (*Member, error) {
	key := access.From(ctx).ID
	if memberID != nil {
		key = *memberID
	}
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		m, err := s.locked(ctx, key)
		if err != nil {
			return err
		}
		now := s.Now()
		kind, data, err := f(ctx, m, now)
		if err != nil || kind == "" {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, kind, "Member", m.ID, data))
	})
	if err != nil {
		return nil, err
	}
	return s.changed(ctx, key)
}

// HouseholdInput puts a member into the household (世帯) of another, or takes them out.
type HouseholdInput struct {
	MemberID uuid.UUID
	WithID   *uuid.UUID // nil: lives alone
}

// SetHousehold says with whom a member lives, for staff.
func (s *Service) SetHousehold(ctx context.Context, in HouseholdInput) (*Member, error) {
	if err := access.Require(ctx, access.MemberWrite); err != nil {
		return nil, err
	}
	return s.change(ctx, &in.MemberID, func(ctx context.Context, m Member, now time.Time) (string, any, error) {
		if in.WithID == nil {
			return "member.household_left", nil, s.Store.SetHousehold(ctx, []uuid.UUID{m.ID}, nil, now)
		}
		if *in.WithID == m.ID {
			return "", nil, fault.ErrNotFound.At("withId")
		}
		other, err := s.locked(ctx, *in.WithID)
		if err != nil {
			return "", nil, atField("withId", err)
		}
		household := other.HouseholdID
		if household == nil {
			made := id.New()
			household = &made
		}
		return "member.household_joined", nil, s.Store.SetHousehold(ctx, []uuid.UUID{m.ID, other.ID}, household, now)
	})
}
