package display

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/scope"
)

// Book is everything that decides what a brand shows, as of one version of the
// brand's rulebook. It never changes once it is read.
type Book struct {
	Version int64
	// Follows says that the brand has sets whose price follows their parts.
	Follows bool
	Rules   []Rule // those that are not closed
	Badges  []Badge
	Pins    []Pin
	Sorts   []ShelfSort
	Shelves []Shelf

	tree      Tree
	personal  bool                    // some rule is not for everyone
	audiences map[scope.Audience]bool // of whom some rule speaks
	mu        sync.Mutex
	views     map[string]*View
}

// maxViews bounds the views that are kept of one book.
const maxViews = 1000

// ErrMoved says that the rules are not those any more that a view was made from.
var ErrMoved = errors.New("the display rules have changed")

// Buyers know who asks.
type Buyers interface {
	Buyer(ctx context.Context) (scope.Buyer, error)
}

// Reader reads what decides display.
type Reader interface {
	// Book reads the brand's book. Its version is read first: what changes while
	// the rest is read has a higher one.
	Book(ctx context.Context, brandID uuid.UUID) (*Book, error)
	// Facts are what rules ask of the products, with the rulebook's version.
	Facts(ctx context.Context, brandID, channelID uuid.UUID, productIDs []uuid.UUID) ([]Facts, error)
	// VariantFacts are the same of the products of variants.
	VariantFacts(ctx context.Context, brandID, channelID uuid.UUID, variantIDs []uuid.UUID) ([]VariantFacts, error)
}

// Service answers what buyers see. Books are kept in memory under their version;
// nobody is told when it moves: every statement that reads what rules decide
// compares the version, and a view that is too old is made anew.
type Service struct {
	store  Reader
	buyers Buyers
	now    clock.Clock
	mu     sync.Mutex
	books  map[uuid.UUID]*Book
}

// New makes the service.
func New(store Reader, buyers Buyers, now clock.Clock) *Service {
	return &Service{store: store, buyers: buyers, now: now, books: map[uuid.UUID]*Book{}}
}

// book is the brand's book as this process knows it. A brand that nobody has asked
// for yet is taken to have no rulebook: a shop without rules then never reads one.
func (s *Service) book(brandID uuid.UUID) *Book {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.books[brandID]; b != nil {
		return b
	}
	b := NewBook(&Book{})
	s.books[brandID] = b
	return b
}

// NewBook makes a book of what was read.
func NewBook(b *Book) *Book {
	b.tree, b.views, b.audiences = NewTree(b.Shelves), map[string]*View{}, map[scope.Audience]bool{}
	for _, r := range b.Rules {
		b.audiences[r.Audience] = true
		b.personal = b.personal || r.Audience != scope.All
	}
	return b
}

func (s *Service) reload(ctx context.Context, brandID uuid.UUID) error {
	b, err := s.store.Book(ctx, brandID)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.books[brandID] = b
	return nil
}

// View is the shop as the actor of the context sees it in the context's channel.
// Nothing is hidden from staff, nor from partners who may read the whole catalog.
func (s *Service) View(ctx context.Context) (*View, error) {
	c := channel.From(ctx)
	b := s.book(c.BrandID)
	if actor := access.From(ctx); actor.May(access.CatalogRead) || actor.Is(access.RoleStoreStaff, access.RoleStaff) {
		return &View{Version: b.Version, BrandID: c.BrandID, book: b, channelID: c.ID, at: s.now()}, nil
	}
	var buyer scope.Buyer
	if b.personal {
		var err error
		if buyer, err = s.buyers.Buyer(ctx); err != nil {
			return nil, err
		}
	}
	return b.view(c.BrandID, buyer, c.ID, s.now(), c.Zone()), nil
}

// view is the buyer's view, made once for all buyers of the same kind.
func (b *Book) view(brandID uuid.UUID, buyer scope.Buyer, channelID uuid.UUID, at time.Time, zone *time.Location) *View {
	key := b.key(buyer, channelID)
	b.mu.Lock()
	defer b.mu.Unlock()
	v, kept := b.views[key]
	if !kept || !at.Before(v.until) || at.Before(v.at) {
		v = newView(b, buyer, channelID, at, zone)
		if len(b.views) >= maxViews {
			clear(b.views)
		}
		b.views[key] = v
	}
	now := *v
	now.BrandID, now.at = brandID, at
	return &now
}

// key is what of the buyer any rule asks.
func (b *Book) key(buyer scope.Buyer, channelID uuid.UUID) string {
	var key strings.Builder
	key.WriteString(channelID.String())
	for _, a := range buyer.Audiences() {
		if b.audiences[a] {
			key.WriteString(string(a.Kind) + a.ID.String())
		}
	}
	return key.String()
}

// Through runs f, which reads the database through the actor's view, and runs it
// again with a newer view when it fails with ErrMoved.
func (s *Service) Through(ctx context.Context, f func(*View) error) error {
	for range 5 {
		v, err := s.View(ctx)
		if err != nil {
			return err
		}
		if err = f(v); !errors.Is(err, ErrMoved) {
			return err
		}
		if err = s.reload(ctx, channel.From(ctx).BrandID); err != nil {
			return err
		}
	}
	return fault.ErrUnavailable
}

// AsOf makes sure that the brand's book is not older than the version.
func (s *Service) AsOf(ctx context.Context, brandID uuid.UUID, version int64) error {
	if s.book(brandID).Version >= version {
		return nil
	}
	return s.reload(ctx, brandID)
}

// Standings are how the actor finds variants, by variant, under rules of the
// version or newer ones. Nil if everything is shown, sold and priced. What sets hold
// is not looked at: Standing.Holding puts that together, of what is chosen.
func (s *Service) Standings(ctx context.Context, version int64, variantIDs []uuid.UUID) (map[uuid.UUID]Standing, error) {
	if len(variantIDs) == 0 {
		return nil, nil
	}
	c := channel.From(ctx)
	if err := s.AsOf(ctx, c.BrandID, version); err != nil {
		return nil, err
	}
	var standings map[uuid.UUID]Standing
	err := s.Through(ctx, func(v *View) error {
		standings = nil
		if v.Plain() {
			return nil
		}
		facts, err := s.store.VariantFacts(ctx, c.BrandID, c.ID, variantIDs)
		if err != nil {
			return err
		}
		standings = make(map[uuid.UUID]Standing, len(facts))
		for _, f := range facts {
			if f.Version != v.Version {
				return ErrMoved
			}
			standings[f.VariantID] = v.alone(f.Facts, f.VariantID)
		}
		return nil
	})
	return standings, err
}

// Facts are what rules and badges ask of the products in the context's channel.
// While there is nothing to ask they are not read.
func (s *Service) Facts(ctx context.Context, productIDs []uuid.UUID) ([]Facts, error) {
	c := channel.From(ctx)
	var facts []Facts
	err := s.Through(ctx, func(v *View) (err error) {
		facts = nil
		if v.Unasked() {
			return nil
		}
		facts, err = s.store.Facts(ctx, c.BrandID, c.ID, productIDs)
		if len(facts) > 0 && facts[0].Version != v.Version {
			return ErrMoved
		}
		return err
	})
	return facts, err
}

type askerKey struct{}

// asker keeps who asks for the length of a request.
type asker struct {
	mu    sync.Mutex
	actor uuid.UUID
	role  access.Role
	buyer *scope.Buyer
}

// WithAsker lets a request find out once who asks.
func WithAsker(ctx context.Context) context.Context {
	return context.WithValue(ctx, askerKey{}, new(asker))
}

// Asked is who asks, found out by find once in a request.
func Asked(ctx context.Context, find func(context.Context) (scope.Buyer, error)) (scope.Buyer, error) {
	known, ok := ctx.Value(askerKey{}).(*asker)
	if !ok {
		return find(ctx)
	}
	known.mu.Lock()
	defer known.mu.Unlock()
	actor := access.From(ctx)
	if known.buyer == nil || known.actor != actor.ID || known.role != actor.Role {
		buyer, err := find(ctx)
		if err != nil {
			return buyer, err
		}
		known.actor, known.role, known.buyer = actor.ID, actor.Role, &buyer
	}
	return *known.buyer, nil
}
