package quotation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// OfferedLine is goods at a price.
type OfferedLine struct {
	VariantID uuid.UUID
	Quantity  int
	Unit      decimal.Decimal // of one piece, in major units, as the channel shows prices
	Note      string
}

// AnswerInput is what staff offer.
type AnswerInput struct {
	QuotationID uuid.UUID
	Revision    int // that staff have seen
	Lines       []OfferedLine
	ShippingFee decimal.Decimal
	ValidUntil  time.Time
	Message     string
}

// Answer makes an offer, or a better one, for staff: as long as nothing was ordered and
// nobody ended the quotation. Prices below the lowest allowed ones need PricingBelow.
func (s *Service) Answer(ctx context.Context, in AnswerInput) (*Quotation, error) {
	if err := access.RequireEverywhere(ctx, access.QuotationWrite); err != nil {
		return nil, err
	}
	return s.change(ctx, in.QuotationID, "quotation.answered", func(ctx context.Context, q *Quotation, _ bool, c *Change) error {
		switch {
		case q.State != Requested && q.State != Answered && q.State != Expired:
			return ErrState.With(q.State)
		case q.Revision != in.Revision:
			return ErrSuperseded.With(q.Revision).At("revision")
		}
		q.Revision++
		offer, lines, err := s.offer(ctx, *q, in)
		if err != nil {
			return err
		}
		q.State, q.ValidUntil = Answered, &offer.ValidUntil
		c.Revision, c.Message = q.Revision, in.Message
		if err := s.Store.Offer(ctx, offer, lines); err != nil {
			return err
		}
		return s.sendOffer(ctx, *q, offer, lines)
	})
}

// offer is what the input offers, worked out.
func (s *Service) offer(ctx context.Context, q Quotation, in AnswerInput) (Offer, []Line, error) {
	now := s.Now()
	err := short("message", in.Message, maxMessage)
	if !in.ValidUntil.After(now) || in.ValidUntil.After(now.Add(maxAhead)) {
		err = errors.Join(err, ErrPast.At("validUntil"))
	}
	fee, feeErr := amount("shippingFee", in.ShippingFee, q.Currency)
	lines, items, linesErr := s.priced(ctx, q, in.Lines)
	if err := errors.Join(err, feeErr, linesErr); err != nil {
		return Offer{}, nil, err
	}
	floors := pricing.List{Audience: buyerOf(q), Currency: q.Currency}
	if err := pricing.NotBelow(ctx, s.Prices, floors, items, func(i int) string { return fmt.Sprintf("lines.%d.unit", i) }); err != nil {
		return Offer{}, nil, err
	}
	quote, err := s.Prices.Agree(ctx, pricing.Agreement{Buyer: buyerOf(q), Currency: q.Currency, TaxInclusive: q.TaxInclusive, Items: items, Shipping: fee})
	if err != nil {
		return Offer{}, nil, err
	}
	return Offer{
		QuotationID: q.ID, Revision: q.Revision, ValidUntil: in.ValidUntil, SubtotalMinor: quote.Subtotal.Minor, ShippingMinor: fee,
		TaxMinor: quote.Tax.Minor, TotalMinor: quote.Total.Minor, Taxes: quote.Taxes, Message: in.Message, OfferedAt: now, Currency: q.Currency,
	}, lines, nil
}

// priced are the offered lines as they are kept, and as they are priced.
func (s *Service) priced(ctx context.Context, q Quotation, offered []OfferedLine) ([]Line, []pricing.Item, error) {
	asked := make([]AskedLine, len(offered))
	for i, l := range offered {
		asked[i] = AskedLine{l.VariantID, l.Quantity, l.Note}
	}
	lines, goods, err := s.linesOf(ctx, q, asked)
	items := make([]pricing.Item, len(lines))
	for i := range lines {
		l := &lines[i]
		unit, failed := amount(fmt.Sprintf("lines.%d.unit", i), offered[i].Unit, q.Currency)
		err = errors.Join(err, failed)
		l.UnitMinor = &unit
		items[i] = pricing.Item{
			VariantID: l.VariantID, Quantity: l.Quantity, TaxClass: goods[l.VariantID].TaxClass, Agreed: &pricing.Agreed{Amount: unit, Source: l.ID},
		}
	}
	return lines, items, err
}

func amount(field string, d decimal.Decimal, currency money.Currency) (int64, error) {
	m, err := money.Parse(d, currency)
	switch {
	case err != nil:
		return 0, at(field, err)
	case m.Minor < 0:
		return 0, ErrPrice.At(field)
	}
	return m.Minor, nil
}

// buyerOf is for whom a quotation's prices are.
func buyerOf(q Quotation) scope.Audience {
	if q.CompanyID != nil {
		return scope.Audience{Kind: scope.Company, ID: *q.CompanyID}
	}
	return scope.Audience{Kind: scope.Member, ID: q.MemberID}
}

// NoteInput is what staff tell each other about a quotation.
type NoteInput struct {
	QuotationID uuid.UUID
	Note        string
}

// Note replaces the internal note of a quotation, for staff.
func (s *Service) Note(ctx context.Context, in NoteInput) (*Quotation, error) {
	if err := errors.Join(access.RequireEverywhere(ctx, access.QuotationWrite), short("note", in.Note, maxNote)); err != nil {
		return nil, err
	}
	return s.change(ctx, in.QuotationID, noted, func(_ context.Context, q *Quotation, _ bool, c *Change) error {
		q.InternalNote, c.Note = in.Note, in.Note
		return nil
	})
}

// SayInput is a message, or the last word, about a quotation.
type SayInput struct {
	QuotationID uuid.UUID
	Message     string
}

// Reply adds a message to the other side, as long as the quotation is open.
func (s *Service) Reply(ctx context.Context, in SayInput) (*Quotation, error) {
	if in.Message == "" {
		return nil, fault.ErrRequired.At("message")
	}
	return s.say(ctx, in, "quotation.replied", func(q Quotation, _ bool) (State, bool) {
		return q.State, q.State == Requested || q.State == Answered || q.State == Expired
	})
}

// Decline ends a quotation by who was asked: staff a request, the buyer an offer.
func (s *Service) Decline(ctx context.Context, in SayInput) (*Quotation, error) {
	return s.say(ctx, in, "quotation.declined", func(q Quotation, staff bool) (State, bool) {
		return Declined, staff && q.State == Requested || !staff && q.State == Answered
	})
}

// Withdraw ends a quotation by who spoke: the buyer a request, staff an offer.
func (s *Service) Withdraw(ctx context.Context, in SayInput) (*Quotation, error) {
	return s.say(ctx, in, "quotation.withdrawn", func(q Quotation, staff bool) (State, bool) {
		return Withdrawn, staff && q.State == Answered || !staff && q.State == Requested
	})
}

// say moves a quotation to the state that next allows, with a message.
func (s *Service) say(ctx context.Context, in SayInput, eventType string, next func(q Quotation, staff bool) (State, bool)) (*Quotation, error) {
	if err := short("message", in.Message, maxMessage); err != nil {
		return nil, err
	}
	return s.change(ctx, in.QuotationID, eventType, func(ctx context.Context, q *Quotation, staff bool, c *Change) error {
		to, ok := next(*q, staff)
		if !ok {
			return ErrState.With(q.State)
		}
		if !staff {
			if err := s.mayWrite(ctx); err != nil {
				return err
			}
		}
		q.State, c.Message = to, in.Message
		return nil
	})
}

// ExpireJob is the regular job that ends offers whose time is over.
type ExpireJob struct{}

// Kind is the job's name in the queue.
func (ExpireJob) Kind() string { return "quotation_expire" }

// expireAtOnce bounds one round of Expire.
const expireAtOnce = 500

// Expire ends offers whose time is over, and tells their buyers.
func (s *Service) Expire(ctx context.Context) error {
	ctx = access.With(ctx, access.System)
	for {
		var ended []Quotation
		err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
			if ended, err = s.Store.Expire(ctx, s.Now(), expireAtOnce); err != nil {
				return err
			}
			events := s.endings(ctx, ended)
			for i, q := range ended {
				if err := s.sendWord(ctx, q, true, events[i], ""); err != nil {
					return err
				}
			}
			return s.Events.Record(ctx, events...)
		})
		if err != nil || len(ended) < expireAtOnce {
			return err
		}
	}
}
