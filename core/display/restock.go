package display

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/sealing"
)

// Failures of asking to be told.
var (
	ErrNotOffered     = fault.Conflict("RESTOCK_NOT_OFFERED", "この商品は再入荷のお知らせを受け付けていません", "You cannot ask to be told about this product")
	ErrUnknownVariant = fault.NotFound("VARIANT_UNAVAILABLE", "この商品は現在販売していません", "This product is not on sale")
	ErrEmail          = fault.Invalid("EMAIL_INVALID", "メールアドレスの形式が正しくありません", "This is not a valid e-mail address")
	ErrTooOften       = fault.Limited(fault.CodeRateLimited, "しばらくしてからもう一度お試しください", "Please try again later")
)

// Request is somebody who waits for a variant to be in stock again (再入荷お知らせ).
// It is answered once.
type Request struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	ChannelID  uuid.UUID
	VariantID  uuid.UUID
	MemberID   *uuid.UUID
	Name       string
	Email      string
	Language   string
	CreatedAt  time.Time
	NotifiedAt *time.Time
	ClosedAt   *time.Time
}

// Sealed are the values that are sealed where the request is kept.
func (r *Request) Sealed() (uuid.UUID, []sealing.Column) {
	return r.ID, []sealing.Column{{Field: "name", Value: sealing.Text(&r.Name)}, {Field: "email", Value: sealing.Text(&r.Email)}}
}

// GlobalID is the request's id in the schema.
func (r Request) GlobalID() string { return id.Global("RestockRequest", r.ID) }

// Due is a request whose variant is in stock again, with what the mail says of it.
type Due struct {
	Request
	Product i18n.Text
	Slug    string
	Options []string
}

// RestockStore keeps requests.
type RestockStore interface {
	// Offered are those of the variants that the channel sells, that are sold out,
	// and whose policy lets shoppers ask.
	Offered(ctx context.Context, channelID uuid.UUID, variantIDs []uuid.UUID, at time.Time) ([]uuid.UUID, error)
	// Member is the member's own name and address.
	Member(ctx context.Context, memberID uuid.UUID) (name, email string, err error)
	// Wait keeps a request; one that waits for the same at the same address stays
	// and is answered in its place.
	Wait(ctx context.Context, r Request) (Request, error)
	RequestsOf(ctx context.Context, brandID, memberID uuid.UUID) ([]Request, error)
	// Waiting reports whether somebody waits for one of the variants.
	Waiting(ctx context.Context, variantIDs []uuid.UUID) (bool, error)
	// LockDue reads requests whose variant is in stock, at most so many; those that
	// another process has in hand are left to it.
	LockDue(ctx context.Context, most int, at time.Time) ([]Due, error)
	Notified(ctx context.Context, requestID uuid.UUID, tokenHash []byte, at time.Time) error
	CloseOwn(ctx context.Context, memberID, requestID uuid.UUID, at time.Time) (bool, error)
	// CloseAll closes what waits at the address that got the token's mail.
	CloseAll(ctx context.Context, tokenHash []byte, at time.Time) (known bool, err error)
}

// Restock tells those who wait.
type Restock struct{ RestockParts }

// RestockParts are what it stands on.
type RestockParts struct {
	Tx      Tx
	Store   RestockStore
	Rules   *Service
	Limiter limit.Limiter
	Outbox  messaging.Outbox
	// Queue queues a RestockJob in the transaction of the context.
	Queue  func(ctx context.Context) error
	Events event.Recorder
	// ShopURL is where shoppers find the shop.
	ShopURL string
	Now     clock.Clock
}

// NewRestock makes it.
func NewRestock(p RestockParts) *Restock { return &Restock{p} }

// RestockJob is the job that tells those who wait for what is in stock.
type RestockJob struct{}

// Kind names the job in the queue.
func (RestockJob) Kind() string { return "tell_restocked" }

// RequestInput asks to be told.
type RequestInput struct {
	VariantID uuid.UUID
	Email     *string
}

// requestsPerHour bounds how many mails a guest's network address can have promised.
const requestsPerHour = 30

// Request notes that the actor waits for a variant that is sold out.
func (s *Restock) Request(ctx context.Context, in RequestInput) (*Request, error) {
	actor, c := access.From(ctx), channel.From(ctx)
	r := Request{ID: id.New(), BrandID: c.BrandID, ChannelID: c.ID, VariantID: in.VariantID, Language: i18n.Language(ctx), CreatedAt: s.Now()}
	if err := s.addressed(ctx, &r, actor, in.Email); err != nil {
		return nil, err
	}
	standings, err := s.Rules.Standings(ctx, s.Rules.book(c.BrandID).Version, []uuid.UUID{in.VariantID})
	if err != nil {
		return nil, err
	}
	if standing, ruled := standings[in.VariantID]; ruled && !standing.Visible {
		return nil, ErrUnknownVariant.At("variantId")
	}
	offered, err := s.Offered(ctx, []uuid.UUID{in.VariantID})
	if err != nil {
		return nil, err
	}
	if len(offered) == 0 {
		return nil, ErrNotOffered.At("variantId")
	}
	var kept Request
	err = s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		if kept, err = s.Store.Wait(ctx, r); err != nil || kept.ID != r.ID {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, r.CreatedAt, "restock.requested", "RestockRequest", r.ID, map[string]any{"variant": r.VariantID}))
	})
	if r.MemberID == nil {
		return &r, err // a guest is not told whether the address waited already
	}
	return &kept, err
}

// addressed notes whom to tell: a member at their own address, a guest at the one given.
func (s *Restock) addressed(ctx context.Context, r *Request, actor access.Actor, email *string) (err error) {
	if actor.Is(access.RoleMember, access.RoleCompanyBuyer) {
		r.MemberID = &actor.ID
		r.Name, r.Email, err = s.Store.Member(ctx, actor.ID)
		return err
	}
	if email == nil {
		return fault.ErrRequired.At("email")
	}
	if r.Email, err = identity.NormaliseEmail(*email); err != nil {
		return ErrEmail.At("email")
	}
	if !s.Limiter.Allow(ctx, "restock:"+actor.From(), limit.Rate{Allowed: requestsPerHour, Per: time.Hour}).Allowed {
		return ErrTooOften
	}
	return nil
}

// Requests are the actor's own, newest first.
func (s *Restock) Requests(ctx context.Context) ([]Request, error) {
	return s.Store.RequestsOf(ctx, channel.From(ctx).BrandID, access.From(ctx).ID)
}

// Offered are those of the variants about which the actor may ask to be told: none,
// if the actor may not learn that they are sold out.
func (s *Restock) Offered(ctx context.Context, variantIDs []uuid.UUID) ([]uuid.UUID, error) {
	buyer, err := s.Rules.buyers.Buyer(ctx)
	if err != nil || buyer.StockHidden {
		return nil, err
	}
	return s.Store.Offered(ctx, channel.From(ctx).ID, variantIDs, s.Now())
}

// CloseRequestInput says what the actor waits for no longer.
type CloseRequestInput struct {
	ID    *uuid.UUID
	Token *string
}

// Close ends waiting: the actor's own request, or all that the reader of the mail
// with the token waits for.
func (s *Restock) Close(ctx context.Context, in CloseRequestInput) error {
	actor := access.From(ctx)
	switch {
	case in.Token != nil && in.ID == nil:
		hash := sha256.Sum256([]byte(*in.Token))
		known, err := s.Store.CloseAll(ctx, hash[:], s.Now())
		if err == nil && !known {
			err = fault.ErrNotFound.At("token")
		}
		return err
	case in.ID == nil || in.Token != nil:
		return fault.ErrRequired.At("id")
	case actor.ID == uuid.Nil:
		return fault.ErrNotFound.At("id")
	}
	closed, err := s.Store.CloseOwn(ctx, actor.ID, *in.ID, s.Now())
	if err == nil && !closed {
		err = fault.ErrNotFound.At("id")
	}
	return err
}

// Flipped queues the telling, in the transaction that changed the stock, if
// somebody waits for one of the variants.
func (s *Restock) Flipped(ctx context.Context, variantIDs []uuid.UUID) error {
	waiting, err := s.Store.Waiting(ctx, variantIDs)
	if err != nil || !waiting {
		return err
	}
	return s.Queue(ctx)
}

// toldAtOnce bounds one transaction of Tell.
const toldAtOnce = 200

// Tell queues a mail to everybody who waits for what is in stock, once each.
func (s *Restock) Tell(ctx context.Context) error {
	for {
		told := 0
		err := s.Tx.InTx(ctx, func(ctx context.Context) error {
			due, err := s.Store.LockDue(ctx, toldAtOnce, s.Now())
			if told = len(due); err != nil {
				return err
			}
			for _, d := range due {
				if err := s.tell(ctx, d); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || told < toldAtOnce {
			return err
		}
	}
}

func (s *Restock) tell(ctx context.Context, d Due) error {
	token := rand.Text()
	hash := sha256.Sum256([]byte(token))
	ctx = channel.With(i18n.WithLanguage(ctx, d.Language), channel.Channel{ID: d.ChannelID, BrandID: d.BrandID})
	message, err := messaging.New(ctx, messaging.Address{Name: d.Name, Email: d.Email}, d.ID.String(), messaging.BackInStock{
		Name: d.Name, Product: d.Product.In(d.Language), Option: strings.Join(d.Options, " / "),
		URL: s.ShopURL + "/products/" + url.PathEscape(d.Slug), CloseURL: s.ShopURL + "/restock/close?token=" + token,
	})
	if err != nil {
		return err
	}
	return errors.Join(
		s.Store.Notified(ctx, d.ID, hash[:], s.Now()),
		s.Events.Record(ctx, event.New(ctx, s.Now(), "restock.told", "RestockRequest", d.ID, map[string]any{"variant": d.VariantID})),
		s.Outbox.Enqueue(ctx, message),
	)
}
