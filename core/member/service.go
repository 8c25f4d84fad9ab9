package member

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/page"
)

// Store keeps members; everything joins the transaction of the context.
type Store interface {
	// Members are those of the ids, merged and erased ones too.
	Members(ctx context.Context, memberIDs []uuid.UUID) ([]Member, error)
	// Legible are the same, and apart from them why those cannot be read whose sealed values
	// cannot be opened.
	Legible(ctx context.Context, memberIDs []uuid.UUID) ([]Member, map[uuid.UUID]error, error)
	// Lock are the same, locked in one order whoever asks.
	Lock(ctx context.Context, memberIDs []uuid.UUID) ([]Member, error)
	// Find are at most so many members that the criterion fits, none that were merged.
	Find(ctx context.Context, by Criterion, most int) ([]Member, error)
	// Enrol makes a member of the id unless there is one.
	Enrol(ctx context.Context, memberID uuid.UUID, at time.Time) error
	// SavePersonal keeps the member's own data and who shares the household.
	SavePersonal(ctx context.Context, m Member) error
	SetHousehold(ctx context.Context, memberIDs []uuid.UUID, householdID *uuid.UUID, at time.Time) error
	// Household are the members of the households, merged and erased ones left out.
	Household(ctx context.Context, householdIDs []uuid.UUID) ([]Member, error)

	// Join makes a membership unless there is one, and opens one that was ended.
	Join(ctx context.Context, m Membership) error
	SetHomeStore(ctx context.Context, memberID, brandID uuid.UUID, storeID *uuid.UUID) error
	Memberships(ctx context.Context, memberIDs []uuid.UUID) ([]Membership, error)
	// StoreOf reports whether the shop is one of the brand's that is open.
	StoreOf(ctx context.Context, brandID, storeID uuid.UUID) (bool, error)

	Cards(ctx context.Context, memberIDs []uuid.UUID) ([]Card, error)
	Card(ctx context.Context, cardID uuid.UUID) (*Card, error)
	CardByNumber(ctx context.Context, number string) (*Card, error)
	// InsertCard keeps a new card; a number that was given out before is ErrCardTaken.
	InsertCard(ctx context.Context, c Card) error
	EndCard(ctx context.Context, cardID uuid.UUID, as CardState, at time.Time) error
	// CountClaim counts that somebody claims the number, outside any transaction, and answers
	// how often that was since; ForgetClaims begins anew.
	CountClaim(ctx context.Context, number string, since, at time.Time) (int, error)
	ForgetClaims(ctx context.Context, number string) error

	// AddConsents adds to the record, and lets it hold.
	AddConsents(ctx context.Context, consents []Consent) error
	// Consents are the members' record, those of merged ones too, the latest first.
	Consents(ctx context.Context, memberIDs []uuid.UUID) ([]Consent, error)
	Settings(ctx context.Context, memberIDs []uuid.UUID) ([]Setting, error)

	RankStore
	MergeStore
	RequestStore
}

// Accounts ends accounts and changes their addresses; the caller has asked whether the actor may.
type Accounts interface {
	// AskEmailChange mails a link to the address with which the account is to log in.
	AskEmailChange(ctx context.Context, accountID uuid.UUID, email string, byShop bool) error
	// Prove fails unless it is the actor who acts, and not only who holds their token.
	Prove(ctx context.Context, password, code string) error
	// End closes the account for good and forgets its owner; nothing happens if there is none.
	End(ctx context.Context, accountID uuid.UUID) error
}

// Codes reads the codes by which members say at a counter who they are.
type Codes interface {
	// Read is the member who shows the code in the channel's brand. With use, it is used up.
	Read(ctx context.Context, text string, use bool) (access.Actor, error)
}

// Follower has something of members that follows when two become one: points, coupons.
type Follower interface {
	// Merge makes what is the gone member's the kept one's, in the transaction of the context.
	Merge(ctx context.Context, keptID, goneID uuid.UUID) error
}

// Parts are what the service stands on.
type Parts struct {
	Tx        idempotency.Tx
	Store     Store
	Keys      *idempotency.Keys
	Accounts  Accounts
	Customers *customer.Service // pets and address books
	Events    event.Recorder
	Limiter   limit.Limiter // nil: nobody counts tries
	Codes     Codes
	Links     *Links
	Now       clock.Clock
	Followers []Follower
}

// Service knows the members.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// FollowedBy lets what else belongs to members follow when they are merged.
func (s *Service) FollowedBy(f Follower) { s.Followers = append(s.Followers, f) }

// Criterion finds members by exact match; one of its fields is set.
type Criterion struct {
	CardNumber string
	Email      string
	Phone      string
	MemberCode string // that the member shows
}

// found is how many members a search answers at most: a family shares a phone number.
const found = 20

// scans bounds how often codes may be looked up: a busy counter's, and more.
var scans = limit.Guesses{
	Kind: "membercode", PerBuyer: limit.Rate{Allowed: 600, Per: 10 * time.Minute}, PerAddress: limit.Rate{Allowed: 3000, Per: 10 * time.Minute},
}

// Find are the members with the card number, e-mail address or phone number, or who shows
// the code, for staff. Each view is written down.
func (s *Service) Find(ctx context.Context, by Criterion) ([]Member, error) {
	if err := access.Require(ctx, access.MemberRead); err != nil {
		return nil, err
	}
	said := slices.DeleteFunc([]string{by.CardNumber, by.Email, by.Phone, by.MemberCode}, func(v string) bool { return strings.TrimSpace(v) == "" })
	if len(said) != 1 {
		return nil, ErrSearch
	}
	how := "email"
	switch {
	case by.MemberCode != "":
		return s.scanned(ctx, by.MemberCode)
	case by.CardNumber != "":
		number, err := ReadNumber(by.CardNumber)
		if err != nil {
			return nil, ErrCardNumber.At("cardNumber")
		}
		by.CardNumber, how = number, "cardNumber"
	case by.Phone != "":
		how = "phone"
	}
	members, err := s.Store.Find(ctx, by, found)
	if err != nil {
		return nil, err
	}
	return s.show(ctx, members, how)
}

// Shown is the member who shows a code, or a card of the channel's brand, whoever may read
// them; nil if there is none. A card that was lost or replaced is ErrCardEnded.
func (s *Service) Shown(ctx context.Context, by Criterion) (*Member, error) {
	found, err := s.Find(ctx, by)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	if by.MemberCode != "" {
		return &found[0], nil
	}
	number, err := ReadNumber(by.CardNumber)
	if err != nil {
		return nil, err
	}
	card, err := s.Store.CardByNumber(ctx, number)
	switch {
	case err != nil || card == nil || card.BrandID != brandOf(ctx):
		return nil, err
	case card.State != CardActive:
		return nil, ErrCardEnded.At("cardNumber")
	}
	return &found[0], nil
}

// scanned is the member who shows the code, if they have joined. The code is not used up:
// what is sold to them next uses it.
func (s *Service) scanned(ctx context.Context, code string) ([]Member, error) {
	if seconds := scans.Wait(ctx, s.Limiter); seconds > 0 {
		return nil, ErrTries.With(seconds)
	}
	shown, err := s.Codes.Read(ctx, code, false)
	if err != nil {
		return nil, err
	}
	members, err := s.Store.Members(ctx, []uuid.UUID{shown.ID})
	if err != nil {
		return nil, err
	}
	return s.show(ctx, members, "memberCode")
}

// changed is a member as whoever changed them may see them: masked without MEMBER_READ.
func (s *Service) changed(ctx context.Context, memberID uuid.UUID) (*Member, error) {
	members, err := s.Store.Members(ctx, []uuid.UUID{memberID})
	if err == nil {
		members, err = s.show(ctx, members, "id")
	}
	if err != nil || len(members) == 0 {
		return nil, errors.Join(err, fault.ErrNotFound)
	}
	return &members[0], nil
}

// RequestQuery asks for one page of requests, newest first. Zero fields do not filter.
type RequestQuery struct {
	BrandID uuid.UUID
	State   RequestState
	Page    page.Args
}

func brandOf(ctx context.Context) uuid.UUID { return channel.From(ctx).BrandID }

// locked is the member, held against other changes, whom the actor may change: oneself,
// or by staff with MEMBER_WRITE, who in a shop change their own members alone. One that
// was merged or erased is changed by nobody.
func (s *Service) locked(ctx context.Context, memberID uuid.UUID) (Member, error) {
	m, err := s.held(ctx, memberID)
	if err != nil {
		return Member{}, err
	}
	actor := access.From(ctx)
	switch {
	case own(actor, memberID):
	case !actor.May(access.MemberWrite) || actor.Is(access.RolePartner):
		return Member{}, fault.ErrForbidden
	case actor.Is(access.RoleStoreStaff) && !ours(actor, m):
		return Member{}, fault.ErrForbidden
	}
	return m, m.usable()
}

// held is the member, held against other changes, if there is one.
func (s *Service) held(ctx context.Context, memberID uuid.UUID) (Member, error) {
	members, err := s.Store.Lock(ctx, []uuid.UUID{memberID})
	switch {
	case err != nil:
		return Member{}, err
	case len(members) == 0 && own(access.From(ctx), memberID):
		return Member{}, ErrNotJoined
	case len(members) == 0:
		return Member{}, fault.ErrNotFound.At("memberId")
	}
	return members[0], nil
}

// Hold holds a member whom the actor may change against other changes until the
// transaction ends.
func (s *Service) Hold(ctx context.Context, memberID uuid.UUID) error {
	_, err := s.locked(ctx, memberID)
	return err
}

// ours reports whether the member is of one of the actor's stores.
func ours(actor access.Actor, m Member) bool {
	return slices.ContainsFunc(m.Stores, func(s uuid.UUID) bool { return slices.Contains(actor.Stores, s) })
}

func (m Member) usable() error {
	switch {
	case m.MergedInto != nil:
		return ErrMerged
	case m.ErasedAt != nil:
		return ErrErased
	}
	return nil
}

// where checks the shop in which something was said or handed out: store staff name their
// own, and who speaks for themselves is in none.
func (s *Service) where(ctx context.Context, storeID *uuid.UUID) error {
	if storeID == nil {
		return nil
	}
	if actor := access.From(ctx); own(actor, actor.ID) || !access.WorksAt(ctx, *storeID) {
		return fault.ErrForbidden.At("storeId")
	}
	return s.store(ctx, "storeId", storeID)
}

// store checks a shop that somebody named: it is one of the brand's.
func (s *Service) store(ctx context.Context, field string, storeID *uuid.UUID) error {
	if storeID == nil {
		return nil
	}
	there, err := s.Store.StoreOf(ctx, brandOf(ctx), *storeID)
	if err == nil && !there {
		return ErrStore.At(field)
	}
	return err
}
