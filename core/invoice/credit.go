package invoice

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/money"
)

// Taken is what a credit note gives back. Empty, it is all that is left.
type Taken struct {
	Lines   []TakenLine
	Amounts []TakenAmount
}

// TakenLine is so many pieces of a line of the order.
type TakenLine struct {
	OrderLineID uuid.UUID
	Quantity    int
}

// TakenAmount is an amount beside pieces, such as a price cut or the shipping fee.
type TakenAmount struct {
	Text   string
	Class  money.TaxClass
	Amount decimal.Decimal // major units, as the document shows amounts: with tax if it does
}

// CreditInput corrects the document of an order.
type CreditInput struct {
	BrandID uuid.UUID
	OrderID uuid.UUID
	Source  string // what it is for, such as "return:…": one credit note for each
	Taken   Taken
	Reason  string
}

// Credit issues a credit note (適格返還請求書) on the invoice of an order, or where there
// is none on its last receipt, in the transaction of the context; once for each source.
// Without such a document there is nothing to correct, and nil is answered. More than
// is left of it is ErrCredit. It is for other domains: who may do this they have asked.
func (s *Service) Credit(ctx context.Context, in CreditInput) (*Document, error) {
	there, err := s.Store.OfOrders(ctx, []uuid.UUID{in.OrderID})
	if err != nil || len(there) == 0 {
		return nil, err
	}
	for i := range there {
		if there[i].Source == in.Source && there[i].Kind == KindCreditNote {
			return &there[i], nil
		}
	}
	of := correctable(there)
	if of == nil {
		return nil, nil
	}
	locked, err := s.Store.Lock(ctx, in.BrandID, of.ID)
	if err != nil || locked == nil {
		return nil, err
	}
	return s.credit(ctx, *locked, in.Source, in.Taken, in.Reason)
}

// correctable is the document of an order that credit notes correct: its invoice, or
// where there is none its last receipt; nil if it has neither.
func correctable(ofOrder []Document) *Document {
	of := find(ofOrder, KindInvoice)
	for i := range ofOrder {
		if ofOrder[i].Kind == KindReceipt && (of == nil || of.Kind == KindReceipt) {
			of = &ofOrder[i]
		}
	}
	return of
}

// Cancelled issues the credit note of an order that is given up after a document of it
// was issued, in the transaction that gives it up.
func (s *Service) Cancelled(ctx context.Context, brandID, orderID uuid.UUID, reason string) error {
	if reason == "" {
		reason = "ご注文のキャンセル"
	}
	_, err := s.Credit(ctx, CreditInput{BrandID: brandID, OrderID: orderID, Source: "cancel:" + orderID.String(), Reason: reason})
	if errors.Is(err, ErrCredit) {
		return nil // all of it has been given back before
	}
	return err
}

// IssueCreditInput corrects a document by hand.
type IssueCreditInput struct {
	IdempotencyKey string
	DocumentID     uuid.UUID
	Lines          []TakenLine
	Amounts        []TakenAmount
	Reason         string
}

const (
	maxReason = 200
	maxTaken  = 200
)

// IssueCredit issues a credit note on an invoice or a receipt (accountants).
func (s *Service) IssueCredit(ctx context.Context, in IssueCreditInput) (*Document, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingWrite); err != nil {
		return nil, err
	}
	in.Reason = strings.TrimSpace(in.Reason)
	if in.Reason == "" {
		return nil, fault.ErrRequired.At("reason")
	}
	if err := i18n.CheckString("reason", in.Reason, maxReason); err != nil {
		return nil, err
	}
	if len(in.Lines)+len(in.Amounts) > maxTaken {
		return nil, fault.Invalid(fault.CodeTooMany, "一度に%d行までです", "At most %d lines at once").With(maxTaken).At("lines")
	}
	issued, err := idempotency.Once(ctx, s.Keys, "issueCreditNote", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		of, err := s.lock(ctx, in.DocumentID)
		if err != nil {
			return uuid.Nil, err
		}
		d, err := s.credit(ctx, *of, "credit:"+id.New().String(), Taken{in.Lines, in.Amounts}, in.Reason)
		if err != nil {
			return uuid.Nil, err
		}
		return d.ID, nil
	})
	if err != nil {
		return nil, err
	}
	return s.Store.ByID(ctx, issued)
}

// lock reads the document that is to be corrected, and keeps others from it.
func (s *Service) lock(ctx context.Context, documentID uuid.UUID) (*Document, error) {
	of, err := s.Store.Lock(ctx, channel.From(ctx).BrandID, documentID)
	switch {
	case err != nil:
		return nil, err
	case of == nil:
		return nil, fault.ErrNotFound.At("documentId")
	case of.OrderID == nil:
		return nil, ErrNotCreditable.At("documentId")
	}
	there, err := s.Store.OfOrders(ctx, []uuid.UUID{*of.OrderID})
	if err != nil {
		return nil, err
	}
	if right := correctable(there); right == nil || right.ID != of.ID {
		return nil, ErrNotCreditable.At("documentId")
	}
	return of, nil
}

// credit issues a credit note on a document that is locked.
func (s *Service) credit(ctx context.Context, of Document, source string, taken Taken, reason string) (*Document, error) {
	earlier, err := s.Store.Credits(ctx, of.ID)
	if err != nil {
		return nil, err
	}
	lines, taxes, err := left(of, earlier).take(taken)
	if err != nil {
		return nil, err
	}
	d := Document{
		BrandID: of.BrandID, Kind: KindCreditNote, Source: source, OrderID: of.OrderID, CompanyID: of.CompanyID, CorrectsID: &of.ID,
		Currency: of.Currency, Taxes: taxes,
		Content: Content{
			Issuer: of.Content.Issuer, To: of.Content.To, IssuedOn: day(s.Now(), zone(ctx)), Inclusive: of.Content.Inclusive, Lines: lines,
			Order: of.Content.Order, Corrects: &Correction{of.Kind, of.Number(), of.Content.IssuedOn}, Reason: reason,
		},
	}
	if issuer, err := s.Store.Issuer(ctx, of.BrandID); err == nil && issuer != nil {
		d.Content.Issuer = *issuer // as it is now
	}
	for _, t := range taxes {
		d.TotalMinor += t.Gross.Minor
	}
	issued, err := s.issue(ctx, d)
	if err != nil {
		return nil, err
	}
	return &issued[0], nil
}

// rest is what is left of a document after its credit notes.
type rest struct {
	of     Document
	base   map[money.TaxClass]int64 // given back so far, as the lines show amounts
	tax    map[money.TaxClass]int64 // given back so far
	pieces map[uuid.UUID]int        // of the order's lines, given back so far
}

func left(of Document, credits []Document) rest {
	r := rest{of, map[money.TaxClass]int64{}, map[money.TaxClass]int64{}, map[uuid.UUID]int{}}
	for _, c := range credits {
		for _, t := range c.Taxes {
			r.base[t.Class] += base(t, of.Content.Inclusive)
			r.tax[t.Class] += t.Tax.Minor
		}
		for _, l := range c.Content.Lines {
			if l.OrderLineID != nil {
				r.pieces[*l.OrderLineID] += l.Quantity
			}
		}
	}
	return r
}

// take is what a credit note says, and what it comes to by tax class.
func (r rest) take(t Taken) ([]Line, []money.Taxed, error) {
	sums := map[money.TaxClass]int64{}
	var lines []Line
	var all []error
	if len(t.Lines)+len(t.Amounts) == 0 {
		lines = r.everything(sums)
	}
	for i, l := range t.Lines {
		line, err := r.takeLine(l, sums, fmt.Sprintf("lines.%d", i))
		lines, all = append(lines, line), append(all, err)
	}
	for i, a := range t.Amounts {
		line, err := r.takeAmount(a, sums, fmt.Sprintf("amounts.%d", i))
		lines, all = append(lines, line), append(all, err)
	}
	if err := errors.Join(all...); err != nil {
		return nil, nil, err
	}
	taxes, err := r.taxed(sums)
	return lines, taxes, err
}

// everything is all that is left, by tax class.
func (r rest) everything(sums map[money.TaxClass]int64) (lines []Line) {
	word := "全額"
	if len(r.base) > 0 {
		word = "残額"
	}
	for _, t := range r.of.Taxes {
		minor := base(t, r.of.Content.Inclusive) - r.base[t.Class]
		if minor == 0 {
			continue
		}
		sums[t.Class] = minor
		lines = charge(lines, word, t.Class, minor)
	}
	for _, l := range r.of.Content.Lines {
		if l.OrderLineID != nil && l.Quantity > r.pieces[*l.OrderLineID] {
			lines = append(lines, Line{OrderLineID: l.OrderLineID, Text: l.Text, Detail: l.Detail, Quantity: l.Quantity - r.pieces[*l.OrderLineID], Part: true})
		}
	}
	return lines
}

// takeLine takes pieces of a line back, at what they came to after discounts on the
// order. The parts of a line add up to the line however they are taken back.
func (r rest) takeLine(t TakenLine, sums map[money.TaxClass]int64, field string) (Line, error) {
	var of *Line
	for i, l := range r.of.Content.Lines {
		if l.OrderLineID != nil && *l.OrderLineID == t.OrderLineID {
			of = &r.of.Content.Lines[i]
		}
	}
	if of == nil {
		return Line{}, fault.ErrNotFound.At(field + ".orderLineId")
	}
	before := r.pieces[t.OrderLineID]
	if t.Quantity < 1 || t.Quantity > of.Quantity-before {
		return Line{}, ErrCredit.With(fmt.Sprint(of.Quantity - before)).At(field + ".quantity")
	}
	r.pieces[t.OrderLineID] += t.Quantity
	var amount int64
	for _, share := range of.Shares {
		upTo, err := money.RoundDown.Portion(share.Minor, int64(before+t.Quantity), int64(of.Quantity), 1)
		if err != nil {
			return Line{}, err
		}
		given, err := money.RoundDown.Portion(share.Minor, int64(before), int64(of.Quantity), 1)
		if err != nil {
			return Line{}, err
		}
		part := upTo - given
		sums[share.Class] += part
		amount += part
	}
	line := Line{OrderLineID: of.OrderLineID, Text: of.Text, Detail: of.Detail, Quantity: t.Quantity, Amount: &amount}
	if len(of.Shares) == 1 {
		line.Class = of.Shares[0].Class
	}
	return line, nil
}

func (r rest) takeAmount(t TakenAmount, sums map[money.TaxClass]int64, field string) (Line, error) {
	amount, err := money.Parse(t.Amount, r.of.Currency)
	if err != nil {
		return Line{}, at(field+".amount", err)
	}
	if amount.Minor <= 0 {
		return Line{}, fault.Invalid(fault.CodeInvalid, "0より大きい金額で指定してください", "The amount is above 0").At(field + ".amount")
	}
	if err := i18n.CheckString(field+".text", t.Text, maxName); err != nil {
		return Line{}, err
	}
	sums[t.Class] += amount.Minor
	return Line{Text: strings.TrimSpace(t.Text), Amount: &amount.Minor, Class: t.Class}, nil
}

// taxed works out the tax of what is taken back, once for each class, so that all
// credit notes of a document together come to its tax: each is the tax of all that was
// given back until then, less that of before. It differs from the tax of the note by
// itself only in which way the fraction of a yen goes.
func (r rest) taxed(sums map[money.TaxClass]int64) ([]money.Taxed, error) {
	var all []money.Taxed
	for class := range sums {
		if !taxes(r.of, class) {
			return nil, ErrCredit.With("0").At("amounts")
		}
	}
	for _, t := range r.of.Taxes {
		sum := sums[t.Class]
		if sum == 0 {
			continue
		}
		inclusive := r.of.Content.Inclusive
		whole, before := base(t, inclusive), r.base[t.Class]
		if before+sum > whole {
			return nil, ErrCredit.With(money.Of(whole-before, r.of.Currency)).At("amounts")
		}
		tax := r.taxUpTo(t, before+sum) - r.tax[t.Class]
		given := money.Taxed{Class: t.Class, Tax: money.Of(tax, r.of.Currency)}
		if given.Net, given.Gross = money.Of(sum, r.of.Currency), money.Of(sum+tax, r.of.Currency); inclusive {
			given.Net, given.Gross = money.Of(sum-tax, r.of.Currency), money.Of(sum, r.of.Currency)
		}
		all = append(all, given)
	}
	if len(all) == 0 {
		return nil, ErrCredit.With("0")
	}
	return all, nil
}

func taxes(d Document, class money.TaxClass) bool {
	for _, t := range d.Taxes {
		if t.Class == class {
			return true
		}
	}
	return false
}

// taxUpTo is the tax of that much of what a class came to, rounded as the document was.
func (r rest) taxUpTo(t money.Taxed, sum int64) int64 {
	inclusive := r.of.Content.Inclusive
	if sum == base(t, inclusive) {
		return t.Tax.Minor
	}
	return min(money.TaxOf(t.Class, money.Of(sum, r.of.Currency), inclusive, roundingOf(t, inclusive)).Tax.Minor, t.Tax.Minor)
}

// roundingOf is the way in which the tax was rounded.
func roundingOf(t money.Taxed, inclusive bool) money.Rounding {
	for _, r := range []money.Rounding{money.RoundDown, money.RoundHalfUp, money.RoundUp} {
		if money.TaxOf(t.Class, money.Of(base(t, inclusive), t.Net.Currency), inclusive, r).Tax.Minor == t.Tax.Minor {
			return r
		}
	}
	return money.RoundDown
}

func at(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field)
	}
	return err
}
