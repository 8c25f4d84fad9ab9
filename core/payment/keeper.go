package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/messaging"
)

// Keeper is a Gateway that keeps cards, so that a customer may pay again, or have what
// comes again charged, without entering the card. noren knows a kept card by the gateway's
// word for it and by what is printed on a receipt, never by its number (PCI DSS SAQ A).
type Keeper interface {
	Gateway
	// Keep begins to keep a card. The same key keeps one card.
	Keep(ctx context.Context, r KeepRequest) (Keeping, error)
	// Keeping tells how far a card is kept. ErrNeverArrived when the gateway has not been
	// asked to keep it.
	Keeping(ctx context.Context, r KeepingRequest) (Keeping, error)
	// Abandon keeps a card no more that the customer has not confirmed.
	Abandon(ctx context.Context, setup string) error
	// Forget gives a kept card up; one that is unknown is forgotten already.
	Forget(ctx context.Context, card string) error
}

// KeepRequest asks to keep a card.
type KeepRequest struct {
	Key       uuid.UUID // of the card
	MemberID  uuid.UUID
	Customer  string // the gateway's word for the member; empty at the first card
	Token     string // the gateway's token of the card
	ReturnURL string // where the customer comes back to after 3-D Secure
}

// KeepingRequest asks how far a card is kept.
type KeepingRequest struct {
	Key   uuid.UUID // of the card
	Setup string    // empty if the gateway's answer was lost
	Since time.Time // the card is not older
}

// Keeping is how far a gateway keeps a card.
type Keeping struct {
	Setup        string // the gateway's word for the keeping itself
	Customer     string // for the member
	Card         string // for the card; empty while it is not kept
	Network      string // "visa", as the gateway says
	Last4        string
	ExpiryYear   int
	ExpiryMonth  int
	Decline      *Decline
	ClientSecret string // lets the customer's own client confirm; never stored
	NeedsAction  bool   // the customer has to confirm (3-D Secure) with the secret
}

// KeptCard is a card to be charged.
type KeptCard struct {
	ID        uuid.UUID
	BrandID   uuid.UUID
	MemberID  uuid.UUID
	Gateway   string
	Customer  string // the gateway's words for both
	Reference string
	Absent    bool `db:"-"` // the customer is not there to confirm
}

// Keeper is the gateway that keeps cards; fault.CodeUnavailable if none does.
func (s *Service) Keeper() (Keeper, error) {
	for _, g := range s.Gateways {
		if k, ok := g.(Keeper); ok {
			return k, nil
		}
	}
	return nil, ErrMethodUnavailable
}

// draftKept makes the draft one that a job charges to the kept card.
func (d *Draft) draftKept(cardID uuid.UUID) {
	p := &d.Payment
	p.CardID = &cardID
	d.Start = &Operation{
		ID: id.New(), PaymentID: p.ID, Kind: OperationStart, Status: OperationOutstanding, AmountMinor: p.AmountMinor, CreatedAt: p.CreatedAt,
	}
}

// charged reports whether noren itself charges a kept card by the operation.
func (p Payment) charged(op Operation) bool {
	return p.CardID != nil && op.Kind == OperationStart && op.ClientKey == ""
}

// ownCard is the kept card of the context's actor at the gateway; ErrCard if it is not
// theirs, or gone.
func (s *Service) ownCard(ctx context.Context, g Gateway, due Due, cardID uuid.UUID) (*KeptCard, error) {
	card, err := s.Store.KeptCard(ctx, cardID)
	if err == nil && (card == nil || card.MemberID != access.From(ctx).ID || card.BrandID != due.BrandID || card.Gateway != g.Name()) {
		err = ErrCard.At("savedCardId")
	}
	return card, err
}

// charging is what the gateway is asked to collect by noren's own operation. Gone: the
// card that it was to be charged to is kept no more.
func (s *Service) charging(ctx context.Context, p Payment, due Due, op Operation) (r StartRequest, gone bool, err error) {
	r = p.starting(due, op)
	if !p.charged(op) {
		return r, false, nil
	}
	card, err := s.Store.KeptCard(ctx, *p.CardID)
	if err != nil {
		return r, false, fmt.Errorf("%w: %w", errStore, err)
	}
	if card != nil {
		card.Absent = true
	}
	r.Kept = card
	return r, card == nil, nil
}

// tellDeclined mails the customer whose kept card was not charged where to pay another way.
func (s *Service) tellDeclined(ctx context.Context, due Due, p Payment) error {
	if !p.Open() || due.Cancelled || due.Email == "" || p.DueAt == nil {
		return nil
	}
	return s.mail(ctx, due, p.ID.String(), messaging.CardDeclined{
		Name: due.Name, OrderNumber: due.Number, Amount: p.AmountMinor, Currency: p.Currency, Until: *p.DueAt,
		URL: s.ShopURL + "/orders/" + id.Global("Order", due.OrderID),
	})
}

// ErrCard says that a kept card is not the customer's, or is kept no more.
var ErrCard = fault.Invalid("SAVED_CARD_UNKNOWN", "登録済みのカードが見つかりません", "There is no such saved card")
