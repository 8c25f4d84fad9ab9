package wishlist

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/sealing"
)

// Seen is what a member sees of a variant now.
type Seen struct {
	Price   *int64 // of a piece, in minor units; nil if none is shown
	SoldOut *bool  // nil if the member may not see stock
}

// Shop shows variants as the actor of the context sees them; one that is not shown
// is left out.
type Shop interface {
	See(ctx context.Context, variantIDs []uuid.UUID) (map[uuid.UUID]Seen, error)
}

// Watched is a wish of whose variant its member is told.
type Watched struct {
	Wish
	MemberID uuid.UUID
	Role     access.Role
	Name     string
	Email    string
	Product  i18n.Text
	Slug     string
	Options  []string
}

// Sealed are the values that are sealed with the member's account.
func (w *Watched) Sealed() (uuid.UUID, []sealing.Column) {
	return w.MemberID, sealing.Person(&w.Name, &w.Email)
}

// WatchStore keeps what is watched.
type WatchStore interface {
	// Watched are the watched wishes of the members behind the given one, whole
	// members only: about so many wishes, and at least one member's.
	Watched(ctx context.Context, behind uuid.UUID, about int) ([]Watched, error)
	// Place is the member behind whom the last look broke off; uuid.Nil if it did not.
	Place(ctx context.Context) (uuid.UUID, error)
	// KeepPlace keeps it.
	KeepPlace(ctx context.Context, behind uuid.UUID) error
	// Silence lets the member be told of no wish any more, and counts those.
	Silence(ctx context.Context, brandID, memberID uuid.UUID) (int, error)
	// Noted keeps what was seen of wishes.
	Noted(ctx context.Context, wishes []Wish) error
}

// Addresses knows at which e-mail addresses nothing arrives.
type Addresses interface {
	Suppressed(ctx context.Context, email string) (bool, error)
}

// Watch is what telling members stands on.
type Watch struct {
	Shop     Shop
	Channels func(ctx context.Context) ([]channel.Channel, error)
	Outbox   messaging.Outbox
	ShopURL  string // where members find the shop
	Stops    *Stops
	Addresses
}

// WatchJob is the job that looks for what became cheaper or is there again.
type WatchJob struct{}

// Kind names the job in the queue.
func (WatchJob) Kind() string { return "watch_wishes" }

const (
	watchedAtOnce = 500              // about how many wishes are read at once
	keptWithin    = 10 * time.Second // to keep a place when the time is over
	mostFailures  = 10               // that are told one by one
)

// Tell looks at every watched wish as its member would, and tells members once of
// what became cheaper or is there again. A member's news go into one mail. When its time
// is over the next one goes on behind the last member.
func (s *Service) Tell(ctx context.Context) error {
	channels, err := s.Channels(ctx)
	if err != nil {
		return err
	}
	known := map[uuid.UUID]channel.Channel{}
	for _, c := range channels {
		known[c.ID] = c
	}
	behind, err := s.Store.Place(ctx)
	if err != nil {
		return err
	}
	var failed failures
	for {
		watched, err := s.Store.Watched(ctx, behind, watchedAtOnce)
		if ctx.Err() != nil {
			return errors.Join(failed.err(), s.keepPlace(ctx, true, behind))
		}
		if err != nil || len(watched) == 0 {
			return errors.Join(failed.err(), err, s.keepPlace(ctx, err != nil, behind))
		}
		for len(watched) > 0 {
			n := sameReader(watched)
			err := s.tell(ctx, known[watched[0].ChannelID], watched[:n])
			if ctx.Err() != nil {
				return errors.Join(failed.err(), s.keepPlace(ctx, true, behind))
			}
			if err != nil { // who waits behind is told all the same
				failed.add(fmt.Errorf("wishes of member %s: %w", watched[0].MemberID, err))
			}
			if n == len(watched) || watched[n].MemberID != watched[0].MemberID {
				behind = watched[0].MemberID
			}
			watched = watched[n:]
		}
	}
}

// keepPlace keeps behind whom the next look goes on: from the beginning unless this one
// broke off.
func (s *Service) keepPlace(ctx context.Context, brokeOff bool, behind uuid.UUID) error {
	if !brokeOff {
		behind = uuid.Nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keptWithin)
	defer cancel()
	return s.Store.KeepPlace(ctx, behind)
}

// failures are some errors, and how many there were more.
type failures struct {
	told []error
	more int
}

func (f *failures) add(err error) {
	if len(f.told) < mostFailures {
		f.told = append(f.told, err)
		return
	}
	f.more++
}

func (f *failures) err() error {
	if f.more == 0 {
		return errors.Join(f.told...)
	}
	return errors.Join(errors.Join(f.told...), fmt.Errorf("and %d more", f.more))
}

// sameReader counts the first wishes that one member has in one channel and language.
func sameReader(watched []Watched) int {
	n := 1
	for n < len(watched) && watched[n].MemberID == watched[0].MemberID && watched[n].ChannelID == watched[0].ChannelID && watched[n].Language == watched[0].Language {
		n++
	}
	return n
}

// tell tells one member of what is new among the wishes.
func (s *Service) tell(ctx context.Context, c channel.Channel, wishes []Watched) error {
	w := wishes[0]
	ctx = channel.With(i18n.WithLanguage(ctx, w.Language), c)
	ids := make([]uuid.UUID, len(wishes))
	for i := range wishes {
		ids[i] = wishes[i].VariantID
	}
	seen, err := s.Shop.See(access.With(ctx, access.Actor{ID: w.MemberID, Role: w.Role}), ids)
	if err != nil {
		return err
	}
	news := messaging.WishNews{Name: w.Name, Currency: c.Money(), URL: s.ShopURL + "/wish-lists", CloseURL: s.Stops.URL(c.BrandID, w.MemberID)}
	var changed []Wish
	for i := range wishes {
		now, shown := seen[wishes[i].VariantID]
		if !shown {
			continue
		}
		if item, ok := wishes[i].news(now, s.ShopURL); ok {
			news.Items = append(news.Items, item)
		}
		if wishes[i].note(now) {
			changed = append(changed, wishes[i].Wish)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.Noted(ctx, changed); err != nil || len(news.Items) == 0 {
			return err
		}
		if dead, err := s.Suppressed(ctx, w.Email); err != nil || dead {
			return err
		}
		at := s.Now()
		message, err := messaging.New(ctx, messaging.Address{Name: w.Name, Email: w.Email}, w.MemberID.String()+"/"+at.UTC().Format("20060102T150405.000"), news)
		if err != nil {
			return err
		}
		if err := s.Outbox.Enqueue(ctx, message); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, at, "wish.told", "Account", w.MemberID, map[string]any{"wishes": len(news.Items)}))
	})
}

// news is what there is to tell of a wish; false if nothing.
func (w Watched) news(now Seen, shopURL string) (messaging.WishItem, bool) {
	cheaper := w.Price != nil && now.Price != nil && *now.Price < *w.Price
	back := w.SoldOut != nil && now.SoldOut != nil && *w.SoldOut && !*now.SoldOut
	if !cheaper && !back {
		return messaging.WishItem{}, false
	}
	item := messaging.WishItem{
		Product: w.Product.In(w.Language), Option: strings.Join(w.Options, " / "), Back: back,
		URL: shopURL + "/products/" + url.PathEscape(w.Slug),
	}
	if cheaper {
		item.Before, item.Now = *w.Price, *now.Price
	}
	return item, true
}

// note keeps what was seen, and reports whether it is something else than before. A
// price that rises is kept too, so that a fall from there is news again.
func (w *Wish) note(now Seen) bool {
	same := equal(w.Price, now.Price) && equal(w.SoldOut, now.SoldOut)
	w.Price, w.SoldOut = now.Price, now.SoldOut
	return !same
}

func equal[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// look notes what the actor sees of a wish now.
func (s *Service) look(ctx context.Context, w *Wish) error {
	seen, err := s.Shop.See(ctx, []uuid.UUID{w.VariantID})
	if err == nil {
		w.note(seen[w.VariantID])
	}
	return err
}

// In is an amount of the channel's currency; nil without one.
func (w Wish) In(ctx context.Context) *money.Money {
	if w.Price == nil {
		return nil
	}
	m := money.Of(*w.Price, channel.From(ctx).Money())
	return &m
}
