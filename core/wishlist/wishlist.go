// Package wishlist keeps what members would like to have (お気に入り), tells them when it
// becomes cheaper or is there again, and remembers what they looked at.
package wishlist

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// What a member keeps at most.
const (
	MaxLists  = 20
	MaxWishes = 200 // in one list
	MaxViews  = 50  // products looked at; older ones are forgotten
	maxName   = 50  // characters
	maxNote   = 200
	maxPieces = 999
)

// Failures of keeping wishes.
var (
	ErrTooManyLists   = fault.Conflict("WISH_LISTS_FULL", "リストは%d件まで作成できます", "You can keep %d lists at most").With(MaxLists)
	ErrTooManyWishes  = fault.Conflict("WISH_LIST_FULL", "1つのリストには%d件まで登録できます", "A list holds %d products at most").With(MaxWishes)
	ErrTooLong        = fault.Invalid("TOO_LONG", "%d文字以内で入力してください", "Please use at most %d characters")
	ErrQuantity       = fault.Invalid("QUANTITY_INVALID", "数量は1〜%dで指定してください", "The quantity must be between 1 and %d").With(maxPieces)
	ErrUnknownVariant = fault.NotFound("VARIANT_UNAVAILABLE", "この商品は現在販売していません", "This product is not on sale")
)

// List is a list of wishes. Whoever knows its token sees it.
type List struct {
	ID        uuid.UUID
	BrandID   uuid.UUID
	MemberID  uuid.UUID
	Name      string
	Token     *string // nil: only its member sees it
	CreatedAt time.Time
	UpdatedAt time.Time
	ClosedAt  *time.Time
}

// GlobalID is the list's id in the schema.
func (l List) GlobalID() string { return id.Global("WishList", l.ID) }

// ShareToken is what lets others see the list: its member learns it, nobody else.
func (l List) ShareToken(ctx context.Context) *string {
	if access.From(ctx).ID != l.MemberID {
		return nil
	}
	return l.Token
}

// Wish is a variant in a list.
type Wish struct {
	ID        uuid.UUID
	ListID    uuid.UUID
	ChannelID uuid.UUID
	VariantID uuid.UUID
	Quantity  int
	Note      string
	Notify    bool // tell when it is cheaper or there again
	Language  string
	Price     *int64 // what a piece cost the member when last looked at, in minor units
	SoldOut   *bool  // whether it was sold out then
	AddedAt   time.Time
}

// GlobalID is the wish's id in the schema.
func (w Wish) GlobalID() string { return id.Global("Wish", w.ID) }

// Store keeps lists, wishes and views.
type Store interface {
	// Lock holds the member against other changes until the transaction ends.
	Lock(ctx context.Context, memberID uuid.UUID) (open bool, err error)
	// Lists are the member's open lists with the brand, the oldest first.
	Lists(ctx context.Context, brandID, memberID uuid.UUID) ([]List, error)
	// Shared is the open list of the brand with the token; nil if there is none.
	Shared(ctx context.Context, brandID uuid.UUID, token string) (*List, error)
	SaveList(ctx context.Context, l List) error
	// Wishes are what lists hold, the newest first.
	Wishes(ctx context.Context, listIDs []uuid.UUID) ([]Wish, error)
	SaveWish(ctx context.Context, w Wish) error
	RemoveWish(ctx context.Context, wishID uuid.UUID) error
	// View notes that a member looked at a product that the channel shows, keeps the
	// newest so many, and reports whether there is such a product.
	View(ctx context.Context, memberID uuid.UUID, c channel.Channel, productID uuid.UUID, keep int, at time.Time) (bool, error)
	// Viewed are the products that the member looked at, the newest first.
	Viewed(ctx context.Context, brandID, memberID uuid.UUID, most int) ([]uuid.UUID, error)
	WatchStore
}

// Tx runs f in one transaction.
type Tx interface {
	InTx(ctx context.Context, f func(context.Context) error) error
}

// Sold knows which variants whoever asks can see in the channel.
type Sold interface {
	Visible(ctx context.Context, variantID uuid.UUID) (bool, error)
}

// Service keeps members' wishes.
type Service struct{ Parts }

// Parts are what it stands on.
type Parts struct {
	Tx     Tx
	Store  Store
	Events event.Recorder
	Sold   Sold
	Watch
	Now clock.Clock
}

// New makes the wishes' service.
func New(p Parts) *Service { return &Service{p} }

// Lists are the actor's own, the oldest first.
func (s *Service) Lists(ctx context.Context) ([]List, error) {
	return s.Store.Lists(ctx, channel.From(ctx).BrandID, access.From(ctx).ID)
}

// Shared is the list that somebody shared, or fault.CodeNotFound.
func (s *Service) Shared(ctx context.Context, token string) (*List, error) {
	l, err := s.Store.Shared(ctx, channel.From(ctx).BrandID, token)
	if err == nil && l == nil {
		err = fault.ErrNotFound.At("token")
	}
	return l, err
}

// Wishes are what lists hold, the newest first. Whoever has a list may read them.
func (s *Service) Wishes(ctx context.Context, listIDs []uuid.UUID) ([]Wish, error) {
	return s.Store.Wishes(ctx, listIDs)
}

// SaveListInput makes a list, or changes one; nil leaves a value as it is.
type SaveListInput struct {
	ID     *uuid.UUID
	Name   *string
	Shared *bool // whether a link shows it; a new link each time that sharing begins
}

// SaveList makes or changes a list of the actor's.
func (s *Service) SaveList(ctx context.Context, in SaveListInput) (*List, error) {
	return s.changeList(ctx, "wish_list.saved", func(lists []List, at time.Time) (List, error) {
		l, err := s.listOf(ctx, lists, in.ID, at)
		if err != nil {
			return l, err
		}
		if in.Name != nil {
			if l.Name, err = short("name", *in.Name, maxName); err != nil {
				return l, err
			}
		}
		if l.Name == "" {
			return l, fault.ErrRequired.At("name")
		}
		if in.Shared != nil {
			l.share(*in.Shared)
		}
		return l, nil
	})
}

// listOf is the list with the id; a new one without.
func (s *Service) listOf(ctx context.Context, lists []List, key *uuid.UUID, at time.Time) (List, error) {
	if key != nil {
		found := slices.IndexFunc(lists, func(l List) bool { return l.ID == *key })
		if found < 0 {
			return List{}, fault.ErrNotFound.At("id")
		}
		return lists[found], nil
	}
	if len(lists) >= MaxLists {
		return List{}, ErrTooManyLists
	}
	return List{ID: id.New(), BrandID: channel.From(ctx).BrandID, MemberID: access.From(ctx).ID, CreatedAt: at}, nil
}

func (l *List) share(shared bool) {
	switch {
	case !shared:
		l.Token = nil
	case l.Token == nil:
		token := strings.ToLower(rand.Text()) // 130 bits: not to be guessed
		l.Token = &token
	}
}

// RemoveInput names what is removed.
type RemoveInput struct{ ID uuid.UUID }

// RemoveList closes a list of the actor's.
func (s *Service) RemoveList(ctx context.Context, in RemoveInput) (*List, error) {
	return s.changeList(ctx, "wish_list.removed", func(lists []List, at time.Time) (List, error) {
		l, err := s.listOf(ctx, lists, &in.ID, at)
		l.ClosedAt, l.Token = &at, nil
		return l, err
	})
}

func (s *Service) changeList(ctx context.Context, kind string, f func(lists []List, at time.Time) (List, error)) (*List, error) {
	var l List
	err := s.own(ctx, func(ctx context.Context, lists []List, at time.Time) (err error) {
		if l, err = f(lists, at); err != nil {
			return err
		}
		l.UpdatedAt = at
		if err := s.Store.SaveList(ctx, l); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, at, kind, "WishList", l.ID, map[string]any{"shared": l.Token != nil}))
	})
	if err != nil {
		return nil, err
	}
	return &l, nil
}

// own runs f in a transaction that holds the actor, with the actor's lists.
func (s *Service) own(ctx context.Context, f func(ctx context.Context, lists []List, at time.Time) error) error {
	actor := access.From(ctx)
	if !actor.Is(access.RoleMember, access.RoleCompanyBuyer) {
		return fault.ErrUnauthenticated
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		open, err := s.Store.Lock(ctx, actor.ID)
		if err == nil && !open {
			err = fault.ErrUnauthenticated
		}
		if err != nil {
			return err
		}
		lists, err := s.Store.Lists(ctx, channel.From(ctx).BrandID, actor.ID)
		if err != nil {
			return err
		}
		return f(ctx, lists, s.Now())
	})
}

func short(field, text string, most int) (string, error) {
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > most {
		return "", ErrTooLong.With(most).At(field)
	}
	return text, nil
}

// defaultName is what a member's first list is called until they call it something.
var defaultName = i18n.Text{"ja": "お気に入り", "en": "Wish list"}
