package member

import (
	"context"
	"errors"
	"log/slog"
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

// ByIDs are the members of the ids as the actor may see them. Each view of another is
// written down, once for each read.
func (s *Service) ByIDs(ctx context.Context, memberIDs []uuid.UUID) ([]Member, error) {
	actor := access.From(ctx)
	if !actor.May(access.MemberRead) {
		memberIDs = slices.DeleteFunc(slices.Clone(memberIDs), func(m uuid.UUID) bool { return !own(actor, m) })
	}
	if len(memberIDs) == 0 {
		return nil, nil
	}
	members, err := s.Store.Members(ctx, memberIDs)
	if err != nil {
		return nil, err
	}
	return s.show(ctx, members, "id")
}

// Legible are members of whom a regular job works many at once, for noren itself. Who has a
// sealed value that cannot be opened is left out and logged: one such row must not hold up all
// the others.
func (s *Service) Legible(ctx context.Context, memberIDs []uuid.UUID) ([]Member, error) {
	if !access.From(ctx).Is(access.RoleSystem) {
		return nil, fault.ErrForbidden
	}
	members, sealed, err := s.Store.Legible(ctx, memberIDs)
	if err != nil {
		return nil, err
	}
	for key, why := range sealed {
		slog.ErrorContext(ctx, "a member's sealed values cannot be opened", "member", key, "error", why)
	}
	return s.show(ctx, members, "id")
}

// ByID is a member as the actor may see them, or ErrNotFound.
func (s *Service) ByID(ctx context.Context, memberID uuid.UUID) (*Member, error) {
	members, err := s.ByIDs(ctx, []uuid.UUID{memberID})
	if err != nil || len(members) == 0 {
		return nil, errors.Join(err, fault.ErrNotFound)
	}
	return &members[0], nil
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

// Viewed fails with fault.ErrForbidden unless the actor may read the member's personal data,
// and writes down that they looked at what else there is of the member.
func (s *Service) Viewed(ctx context.Context, memberID uuid.UUID, by string) error {
	actor, m := access.From(ctx), Member{ID: memberID} // who has an account and has not joined is no shop's
	found, err := s.Store.Members(ctx, []uuid.UUID{memberID})
	if err != nil {
		return err
	}
	if len(found) > 0 {
		m = found[0]
	}
	if !reads(actor, m) {
		return fault.ErrForbidden.At("memberId")
	}
	return s.Events.Record(ctx, event.New(ctx, s.Now(), "member.viewed", "Member", memberID, map[string]any{"by": by}))
}

// Mine is the actor's own membership; nil if they have not joined.
func (s *Service) Mine(ctx context.Context) (*Member, error) {
	actor := access.From(ctx)
	if !own(actor, actor.ID) {
		return nil, nil
	}
	members, err := s.ByIDs(ctx, []uuid.UUID{actor.ID})
	if err != nil || len(members) == 0 {
		return nil, err
	}
	return &members[0], nil
}

// show hides what the actor may not see, and writes down who saw whom: in one statement
// for them all, without what was seen.
func (s *Service) show(ctx context.Context, members []Member, how string) ([]Member, error) {
	actor, now := access.From(ctx), s.Now()
	var views []event.Event
	for i := range members {
		members[i].At = now
		members[i] = seen(actor, members[i])
		if !own(actor, members[i].ID) && !actor.Is(access.RoleSystem) {
			views = append(views, event.New(ctx, now, "member.viewed", "Member", members[i].ID, map[string]any{"by": how, "masked": members[i].Masked}))
		}
	}
	if len(views) == 0 {
		return members, nil
	}
	return members, s.Events.Record(ctx, views...)
}

// visible narrows ids to members of whom the actor may read more than that they exist.
func visible(ctx context.Context, memberIDs []uuid.UUID) []uuid.UUID {
	actor := access.From(ctx)
	if actor.May(access.MemberRead) {
		return memberIDs
	}
	return slices.DeleteFunc(slices.Clone(memberIDs), func(m uuid.UUID) bool { return !own(actor, m) })
}

func readOf[T any](ctx context.Context, memberIDs []uuid.UUID, read func(context.Context, []uuid.UUID) ([]T, error)) ([]T, error) {
	allowed := visible(ctx, memberIDs)
	if len(allowed) == 0 {
		return nil, nil
	}
	return read(ctx, allowed)
}

// Memberships are what the members are to each brand. They say nothing of the person,
// so every shop may read them, but for what was spent: that is its own members' alone.
func (s *Service) Memberships(ctx context.Context, memberIDs []uuid.UUID) ([]Membership, error) {
	joined, err := readOf(ctx, memberIDs, s.Store.Memberships)
	hidden := closed(access.From(ctx), joined)
	for i, m := range joined {
		joined[i].Hidden = hidden(m.MemberID)
	}
	return joined, err
}

// closed tells of members, by their memberships, whether they are masked for the actor.
func closed(actor access.Actor, joined []Membership) func(memberID uuid.UUID) bool {
	stores := map[uuid.UUID][]uuid.UUID{}
	for _, m := range joined {
		for _, store := range []*uuid.UUID{m.RegisteredStoreID, m.HomeStoreID} {
			if store != nil && m.EndedAt == nil {
				stores[m.MemberID] = append(stores[m.MemberID], *store)
			}
		}
	}
	return func(memberID uuid.UUID) bool { return !reads(actor, Member{ID: memberID, Stores: stores[memberID]}) }
}

// hidden tells of the members whether they are masked for the actor. Only for those who see
// some masked are memberships asked for, once for them all.
func (s *Service) hidden(ctx context.Context, memberIDs []uuid.UUID) (func(memberID uuid.UUID) bool, error) {
	actor := access.From(ctx)
	if !actor.Is(access.RoleStoreStaff, access.RolePartner) {
		return func(uuid.UUID) bool { return false }, nil
	}
	joined, err := s.Store.Memberships(ctx, memberIDs)
	return closed(actor, joined), err
}

// readOpen reads of those of the members whom the actor sees unmasked.
func readOpen[T any](ctx context.Context, s *Service, memberIDs []uuid.UUID, read func(context.Context, []uuid.UUID) ([]T, error)) ([]T, error) {
	hidden, err := s.hidden(ctx, memberIDs)
	if err != nil {
		return nil, err
	}
	return readOf(ctx, slices.DeleteFunc(slices.Clone(memberIDs), hidden), read)
}

// Cards are the members' cards, the latest first. A number is as good as the card: of
// masked members it shows its last digits alone.
func (s *Service) Cards(ctx context.Context, memberIDs []uuid.UUID) ([]Card, error) {
	cards, err := readOf(ctx, memberIDs, s.Store.Cards)
	if err != nil || len(cards) == 0 {
		return nil, err
	}
	hidden, err := s.hidden(ctx, memberIDs)
	for i, c := range cards {
		if hidden(c.MemberID) {
			cards[i].Number = MaskNumber(c.Number)
		}
	}
	return cards, err
}

// Consents are the record of consents of members who are not masked, the latest first.
func (s *Service) Consents(ctx context.Context, memberIDs []uuid.UUID) ([]Consent, error) {
	return readOpen(ctx, s, memberIDs, s.Store.Consents)
}

// Settings are what holds of the consents of members who are not masked.
func (s *Service) Settings(ctx context.Context, memberIDs []uuid.UUID) ([]Setting, error) {
	return readOpen(ctx, s, memberIDs, s.Store.Settings)
}

// Household are the members of the households, as the actor may see them. Only staff
// ask: who lives with whom is not for a member to look up.
func (s *Service) Household(ctx context.Context, householdIDs []uuid.UUID) ([]Member, error) {
	if !access.From(ctx).May(access.MemberRead) {
		return nil, nil
	}
	members, err := s.Store.Household(ctx, householdIDs)
	if err != nil {
		return nil, err
	}
	return s.show(ctx, members, "household")
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

// Pets are the pets of those of the members whose personal data the actor may read.
func (s *Service) Pets(ctx context.Context, memberIDs []uuid.UUID) ([]customer.Pet, error) {
	members, err := s.Store.Members(ctx, memberIDs)
	if err != nil {
		return nil, err
	}
	var open []uuid.UUID
	for _, m := range members {
		if reads(access.From(ctx), m) {
			open = append(open, m.ID)
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	return s.Customers.Pets(access.With(ctx, access.System), open)
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
