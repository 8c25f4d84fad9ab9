package member

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/link"
)

// Held is a kind of what is held of a member beside the personal data.
type Held string

// The kinds, as they stand in an export.
const (
	HeldMemberships Held = "memberships"
	HeldCards       Held = "cards"
	HeldRanks       Held = "rankChanges"
	HeldConsents    Held = "consents"
	HeldPets        Held = "pets"
	HeldPurchases   Held = "purchases"
	HeldMailings    Held = "mailings"
	HeldOrders      Held = "orders"
	HeldReturns     Held = "returns"
	HeldRecurring   Held = "recurringOrders" // 定期便
	HeldQuotations  Held = "quotations"
	HeldDrafts      Held = "draftOrders" // that staff wrote for them
	HeldCarts       Held = "carts"
	HeldCoupons     Held = "coupons"         // of theirs alone, by the ends of their codes
	HeldRestock     Held = "restockRequests" // 再入荷通知
	HeldSavedCards  Held = "savedCards"      // 登録済みカード
	HeldWishes      Held = "wishLists"
	HeldViews       Held = "recentlyViewed"
	HeldPoints      Held = "points" // what the member has of each programme
	HeldEntries     Held = "pointEntries"
	HeldLots        Held = "pointLots" // what was given together, and until when it holds
	HeldTransfers   Held = "pointTransfers"
	HeldPrizes      Held = "prizeExchanges" // with where they went
	HeldVouchers    Held = "vouchers"       // by the ends of their codes, which are as good as money
	HeldDraws       Held = "draws"          // with the member's entries
	HeldWins        Held = "drawWins"
	HeldEvents      Held = "events"
)

// held is in what order an export lists them.
var held = []Held{
	HeldMemberships, HeldCards, HeldRanks, HeldConsents, HeldPets, HeldPurchases, HeldMailings, HeldOrders, HeldReturns, HeldRecurring, HeldQuotations,
	HeldDrafts, HeldCarts, HeldCoupons, HeldRestock, HeldSavedCards, HeldWishes, HeldViews,
	HeldPoints, HeldEntries, HeldLots, HeldTransfers, HeldPrizes, HeldVouchers, HeldDraws, HeldWins, HeldEvents,
}

// Open writes all that is held of a member, by the link to it, as one JSON object, row by
// row: a long history takes no memory. What fails before anything is written is answered;
// later the object stays unfinished.
func (s *Service) Open(ctx context.Context, w io.Writer, requestID, expires, signature string) error {
	key, err := s.Links.Check(requestID, expires, signature)
	if err != nil {
		return err
	}
	ctx = access.With(ctx, access.System)
	r, err := s.Store.LockRequest(ctx, key)
	if err != nil {
		return err
	}
	if r == nil || r.Kind != Export {
		return link.ErrInvalid
	}
	members, err := s.Store.Members(ctx, []uuid.UUID{r.MemberID})
	if err != nil {
		return err
	}
	if len(members) == 0 || members[0].usable() != nil {
		return fault.ErrNotFound
	}
	addresses, err := s.Customers.Addresses(ctx, []uuid.UUID{r.MemberID})
	if err != nil {
		return err
	}
	if err := s.Events.Record(ctx, event.New(ctx, s.Now(), "member.exported", "Member", r.MemberID, map[string]any{"requestId": r.ID})); err != nil {
		return err
	}
	out := &object{to: w}
	m := members[0]
	out.value("exportedAt", s.Now().Format(time.RFC3339))
	out.value("member", map[string]any{
		"id": m.GlobalID(), "name": m.Name, "kana": m.Kana, "phone": m.Phone, "email": m.Email, "birthday": day(m.Birthday), "gender": m.Gender,
		"createdAt": m.CreatedAt, "updatedAt": m.UpdatedAt, "hasAccount": m.Account,
	})
	out.value("addresses", addresses)
	for _, kind := range held {
		out.list(string(kind), func(yield func(json.RawMessage) error) error { return s.Store.Held(ctx, kind, m.ID, yield) })
	}
	out.text("}\n")
	return out.err
}

func day(t *time.Time) *string {
	if t == nil {
		return nil
	}
	text := t.Format(time.DateOnly)
	return &text
}

// object writes a JSON object member by member and remembers what failed.
type object struct {
	to    io.Writer
	begun bool
	err   error
}

func (o *object) text(s string) {
	if o.err == nil {
		_, o.err = io.WriteString(o.to, s)
	}
}

func (o *object) json(v any) {
	if o.err != nil {
		return
	}
	raw, err := json.Marshal(v)
	if o.err = err; err == nil {
		o.text(string(raw))
	}
}

func (o *object) name(name string) {
	if o.begun {
		o.text(",\n")
	} else {
		o.text("{\n")
	}
	o.begun = true
	o.json(name)
	o.text(": ")
}

func (o *object) value(name string, v any) {
	o.name(name)
	o.json(v)
}

func (o *object) list(name string, rows func(yield func(json.RawMessage) error) error) {
	o.name(name)
	o.text("[")
	between := ""
	if o.err == nil {
		err := rows(func(row json.RawMessage) error {
			o.text(between)
			o.text(string(row))
			between = ",\n"
			return o.err
		})
		if o.err == nil {
			o.err = err
		}
	}
	o.text("]")
}
