package purchase

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/money"
)

// correctable is for how many days a receipt can be corrected: for as long as points and
// the terms of a return may ask for it.
const correctable = 730

// CorrectionInput is which receipt is corrected, and why.
type CorrectionInput struct {
	IdempotencyKey string
	PurchaseID     uuid.UUID
	Reason         string
}

func (in CorrectionInput) validate() error {
	if in.Reason == "" {
		return fault.ErrRequired.At("reason")
	}
	return i18n.CheckString("reason", in.Reason, maxText)
}

// MoveInput gives a receipt to a member, or takes it from one: one of the four is said.
type MoveInput struct {
	CorrectionInput
	MemberID   *uuid.UUID
	CardNumber string
	MemberCode string
	Nobody     bool
}

// Move lets a receipt be another member's, or nobody's: what it earned goes back, and the
// new member earns by the rules of the day on which it was bought. What came back of it
// goes along: the receipts of its returns are moved, too. Staff of a shop give their shop's
// receipts to members whom they may see, or who show a card or a code.
func (s *Service) Move(ctx context.Context, in MoveInput) (*Purchase, error) {
	if err := errors.Join(access.Require(ctx, access.PurchaseCorrect), in.validate()); err != nil {
		return nil, err
	}
	return s.once(ctx, "movePurchase", in.IdempotencyKey, in, func(ctx context.Context) (*Purchase, error) {
		to, err := s.receiver(ctx, in)
		if err != nil {
			return nil, err
		}
		p, err := s.lock(ctx, in.PurchaseID)
		if err != nil {
			return nil, err
		}
		if same(p.MemberID, to) {
			return nil, ErrSame
		}
		returns, err := s.returns(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		p.ByHand = true
		if err := s.give(ctx, p, to, in.Reason); err != nil {
			return nil, err
		}
		return p, s.giveReturns(ctx, returns, to, in.Reason)
	})
}

// returns are the receipts on which goods of a receipt came back.
func (s *Service) returns(ctx context.Context, purchaseID uuid.UUID) ([]uuid.UUID, error) {
	if s.Earner == nil {
		return nil, nil
	}
	return s.Earner.Returns(ctx, purchaseID)
}

// giveReturns lets receipts on which goods came back be the member's who has the goods'.
func (s *Service) giveReturns(ctx context.Context, returns []uuid.UUID, to *uuid.UUID, reason string) error {
	for _, key := range returns {
		p, err := s.lock(ctx, key)
		if err != nil {
			return err
		}
		if same(p.MemberID, to) {
			continue
		}
		p.ByHand = true
		if err := s.give(ctx, p, to, reason); err != nil {
			return err
		}
	}
	return nil
}

// receiver is the member whom the input says, held; nil for nobody.
func (s *Service) receiver(ctx context.Context, in MoveInput) (*uuid.UUID, error) {
	said := 0
	for _, is := range []bool{in.MemberID != nil, in.CardNumber != "", in.MemberCode != "", in.Nobody} {
		if is {
			said++
		}
	}
	if said != 1 {
		return nil, ErrReceiver
	}
	if in.Nobody {
		return nil, nil
	}
	m, field, err := s.shown(ctx, in)
	if err != nil {
		return nil, err
	}
	standing, err := s.Store.Standing(ctx, []uuid.UUID{m})
	if err == nil && len(standing) == 0 {
		err = ErrNoMember.At(field)
	}
	return &m, err
}

// shown is the member whom the actor sees, or who was shown to them.
func (s *Service) shown(ctx context.Context, in MoveInput) (memberID uuid.UUID, field string, err error) {
	if in.MemberID != nil {
		m, err := s.Members.ByID(ctx, *in.MemberID)
		switch {
		case errors.Is(err, fault.ErrNotFound):
			return uuid.Nil, "", ErrNoMember.At("memberId")
		case err != nil:
			return uuid.Nil, "", err
		case m.Masked:
			return uuid.Nil, "", fault.ErrForbidden.At("memberId")
		}
		return m.ID, "memberId", nil
	}
	by, field := member.Criterion{CardNumber: in.CardNumber}, "cardNumber"
	if in.MemberCode != "" {
		by, field = member.Criterion{MemberCode: in.MemberCode}, "memberCode"
	}
	found, err := s.Members.Shown(ctx, by)
	if err == nil && found == nil {
		err = ErrNoMember
	}
	if err != nil {
		return uuid.Nil, "", atField(field, err)
	}
	return found.ID, field, nil
}

// atField puts a failure at a field.
func atField(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field)
	}
	return err
}

// CorrectInput is what was bought in truth: all lines of the receipt.
type CorrectInput struct {
	CorrectionInput
	Lines []ReceiptLine
}

// Correct puts other lines in the place of a receipt's; its points move by the difference.
// What came back of it stays on it.
func (s *Service) Correct(ctx context.Context, in CorrectInput) (*Purchase, error) {
	if err := errors.Join(access.Require(ctx, access.PurchaseCorrect), in.validate()); err != nil {
		return nil, err
	}
	lines, err := readLines(in.Lines, channel.From(ctx).Money())
	if err != nil {
		return nil, err
	}
	return s.once(ctx, "correctPurchase", in.IdempotencyKey, in, func(ctx context.Context) (*Purchase, error) {
		p, err := s.lock(ctx, in.PurchaseID)
		if err != nil {
			return nil, err
		}
		return p, s.rewrite(ctx, p, lines, in.Reason, true)
	})
}

// readLines reads the lines of a receipt.
func readLines(typed []ReceiptLine, currency money.Currency) ([]Line, error) {
	if len(typed) == 0 || len(typed) > maxReceipts {
		return nil, ErrLines.At("lines")
	}
	lines := make([]Line, len(typed))
	for n, l := range typed {
		amount, ok := l.fits(currency)
		if !ok {
			return nil, ErrLines.At(fmt.Sprintf("lines.%d", n))
		}
		lines[n] = Line{Position: n + 1, Code: l.Code, Name: l.Name, Quantity: l.Quantity, AmountMinor: amount.Minor, Currency: currency}
	}
	return lines, nil
}

// rewrite puts lines in the place of those of a purchase that is held: those that staff have
// typed, or that its till has sent.
func (s *Service) rewrite(ctx context.Context, p *Purchase, lines []Line, reason string, typed bool) error {
	was, err := s.Store.Lines(ctx, []uuid.UUID{p.ID})
	if err != nil {
		return err
	}
	if slices.EqualFunc(sorted(was), sorted(lines), func(a, b Line) bool {
		return a.Code == b.Code && a.Quantity == b.Quantity && a.AmountMinor == b.AmountMinor
	}) {
		return ErrSame
	}
	c := s.correction(ctx, *p, Corrected, reason)
	c.Typed = typed
	p.Items, p.TotalMinor = 0, 0
	for _, l := range lines {
		p.Items, p.TotalMinor = p.Items+l.Quantity, p.TotalMinor+l.AmountMinor
	}
	c.LinesBefore, c.LinesAfter = was, lines
	if err := s.Store.Rewrite(ctx, *p, lines, c.At); err != nil {
		return err
	}
	return s.settleCorrection(ctx, c, *p, was)
}

// VoidInput is a receipt that was recorded in error.
type VoidInput struct{ CorrectionInput }

// Void takes a receipt that was recorded in error out of history and sums; what it earned,
// and returns have not taken back, goes back. It stays for staff to see, and is a repeat
// when it comes again.
func (s *Service) Void(ctx context.Context, in VoidInput) (*Purchase, error) {
	if err := errors.Join(access.Require(ctx, access.PurchaseCorrect), in.validate()); err != nil {
		return nil, err
	}
	return s.once(ctx, "voidPurchase", in.IdempotencyKey, in, func(ctx context.Context) (*Purchase, error) {
		p, err := s.lock(ctx, in.PurchaseID)
		if err != nil {
			return nil, err
		}
		c := s.correction(ctx, *p, Voided, in.Reason)
		p.MemberID, p.VoidedAt = nil, &c.At
		if err := s.Store.Void(ctx, *p); err != nil {
			return nil, err
		}
		c.ItemsAfter, c.TotalAfter = 0, 0
		return p, s.settleCorrection(ctx, c, *p, nil)
	})
}

// once runs f once for the key, and answers the purchase as f left it.
func (s *Service) once(ctx context.Context, operation, key string, in any, f func(ctx context.Context) (*Purchase, error)) (*Purchase, error) {
	return idempotency.Once(ctx, s.Keys, operation, key, in, f)
}

// lock is a receipt that the actor may correct, held until the transaction ends.
func (s *Service) lock(ctx context.Context, purchaseID uuid.UUID) (*Purchase, error) {
	p, err := s.Store.Lock(ctx, channel.From(ctx).BrandID, purchaseID)
	switch {
	case err != nil:
		return nil, err
	case p == nil:
		return nil, fault.ErrNotFound.At("purchaseId")
	}
	if err := ownShop(ctx, *p); err != nil {
		return nil, err
	}
	switch {
	case p.Source != InStore || p.OrderID != nil:
		return nil, ErrOnline.At("purchaseId")
	case p.VoidedAt != nil:
		return nil, ErrVoided.At("purchaseId")
	case p.BoughtOn.Before(s.Now().AddDate(0, 0, -correctable)):
		return nil, ErrOld.With(correctable).At("purchaseId")
	}
	return p, nil
}

// ownShop fails for staff of a shop whose receipt it is not, and for partners: what a till
// says differently goes on the work list.
func ownShop(ctx context.Context, p Purchase) error {
	actor := access.From(ctx)
	switch {
	case actor.Is(access.RolePartner):
		return fault.ErrForbidden
	case actor.Is(access.RoleStoreStaff) && (p.StoreID == nil || !slices.Contains(actor.Stores, *p.StoreID)):
		return ErrOtherShop.At("purchaseId")
	}
	return nil
}

// correction begins with what the purchase is.
func (s *Service) correction(ctx context.Context, p Purchase, kind CorrectionKind, reason string) Correction {
	c := Correction{
		ID: id.New(), PurchaseID: p.ID, BrandID: p.BrandID, Kind: kind, Reason: reason, FromID: p.MemberID, ItemsBefore: p.Items, TotalBefore: p.TotalMinor,
		ItemsAfter: p.Items, TotalAfter: p.TotalMinor, LinesBefore: []Line{}, LinesAfter: []Line{}, At: s.Now(), Currency: p.Currency,
	}
	if actor := access.From(ctx).ID; actor != uuid.Nil {
		c.ActorID = &actor
	}
	return c
}

// told is what an event says of a correction; the words of staff stand with it alone.
type told struct {
	PurchaseID uuid.UUID  `json:"purchaseId"`
	Kind       string     `json:"kind"`
	FromID     *uuid.UUID `json:"fromId,omitempty"`
	ToID       *uuid.UUID `json:"toId,omitempty"`
	Before     content    `json:"before"`
	After      content    `json:"after"`
}

type content struct {
	Items int    `json:"items"`
	Total int64  `json:"total"`
	Lines []Line `json:"lines,omitempty"`
}

// settleCorrection writes a correction down, lets points follow, and tells of it: once for
// the purchase, and in the timeline of each member whom it concerns.
func (s *Service) settleCorrection(ctx context.Context, c Correction, p Purchase, was []Line) error {
	c.ToID = p.MemberID
	if c.Kind == Corrected {
		c.ItemsAfter, c.TotalAfter = p.Items, p.TotalMinor
	}
	if err := s.Store.Noted(ctx, c, p); err != nil {
		return err
	}
	if s.Earner != nil {
		if was == nil {
			lines, err := s.Store.Lines(ctx, []uuid.UUID{p.ID})
			if err != nil {
				return err
			}
			was = lines
		}
		if err := s.Earner.Corrected(ctx, p, was, c.ID, c.Typed); err != nil {
			return err
		}
	}
	if s.Draws != nil && c.loses() {
		if err := s.Draws.PurchaseCorrected(ctx, p, *c.FromID, c.ID); err != nil {
			return err
		}
	}
	about := told{p.ID, string(c.Kind), c.FromID, c.ToID, content{c.ItemsBefore, c.TotalBefore, c.LinesBefore}, content{c.ItemsAfter, c.TotalAfter, c.LinesAfter}}
	events := []event.Event{event.New(ctx, c.At, "purchase.corrected", "Purchase", p.ID, about)}
	for _, m := range concerned(c) {
		theirs := about // one member's timeline does not name the other
		if !same(theirs.FromID, &m) {
			theirs.FromID = nil
		}
		if !same(theirs.ToID, &m) {
			theirs.ToID = nil
		}
		events = append(events, event.New(ctx, c.At, "member.purchase_corrected", "Member", m, theirs))
	}
	return s.Events.Record(ctx, events...)
}

// loses reports whether the member before has bought for less by the correction.
func (c Correction) loses() bool {
	return c.FromID != nil && (!same(c.FromID, c.ToID) || c.TotalAfter < c.TotalBefore)
}

// concerned are the members before and after, each once.
func concerned(c Correction) (members []uuid.UUID) {
	for _, m := range []*uuid.UUID{c.FromID, c.ToID} {
		if m != nil && !slices.Contains(members, *m) {
			members = append(members, *m)
		}
	}
	return members
}

func same(a, b *uuid.UUID) bool { return a == b || (a != nil && b != nil && *a == *b) }

// give lets a purchase that is held be the member's.
func (s *Service) give(ctx context.Context, p *Purchase, to *uuid.UUID, reason string) error {
	c := s.correction(ctx, *p, Moved, reason)
	p.MemberID = to
	if err := s.Store.Give(ctx, *p); err != nil {
		return err
	}
	return s.settleCorrection(ctx, c, *p, nil)
}

// ByReceipt is a receipt of a shop by what is printed on it, for those who correct
// receipts; nil if there is none. Staff of a shop find their own.
func (s *Service) ByReceipt(ctx context.Context, k ReceiptKey) (*Purchase, error) {
	if err := access.Require(ctx, access.PurchaseCorrect); err != nil {
		return nil, err
	}
	if !traded(k.BoughtOn, s.Now()) {
		return nil, wrong("boughtOn", "営業日が"+tradedJA+"ではありません", "The business day is not "+tradedEN)
	}
	p, err := s.Store.ByReceipt(ctx, k)
	if err != nil || p == nil || p.BrandID != channel.From(ctx).BrandID {
		return nil, err
	}
	if err := ownShop(ctx, *p); err != nil {
		return nil, err
	}
	if p.MemberID == nil {
		return p, nil
	}
	return p, s.Events.Record(ctx, event.New(ctx, s.Now(), "member.viewed", "Member", *p.MemberID, map[string]any{"by": "receipt"}))
}

// ByIDs are purchases that the actor was shown.
func (s *Service) ByIDs(ctx context.Context, purchaseIDs []uuid.UUID) ([]Purchase, error) {
	return s.Store.ByIDs(ctx, purchaseIDs)
}

// Corrections are what staff did to purchases that the actor was shown.
func (s *Service) Corrections(ctx context.Context, purchaseIDs []uuid.UUID) ([]Correction, error) {
	if err := access.Require(ctx, access.PurchaseCorrect); err != nil {
		return nil, err
	}
	return s.Store.CorrectionsOf(ctx, purchaseIDs)
}
