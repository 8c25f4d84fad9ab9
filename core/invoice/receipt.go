package invoice

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
)

// ReceiptInput asks for a receipt (領収書).
type ReceiptInput struct {
	IdempotencyKey string
	OrderID        uuid.UUID
	Addressee      string // 宛名
	Proviso        string // 但し書き: what the money was for
}

const (
	maxAddressee = 60
	maxProviso   = 60
	// reissues is how often a customer may have a receipt issued again.
	reissues = 3
)

// Receipt issues a receipt of an order whose money has been received, for whoever may
// see the order and its personal data. Every further one of the order is marked as issued again (再発行).
func (s *Service) Receipt(ctx context.Context, in ReceiptInput) (*Document, error) {
	in.Addressee, in.Proviso = tidy(in.Addressee), tidy(in.Proviso)
	all := []error{i18n.CheckString("addressee", in.Addressee, maxAddressee), i18n.CheckString("proviso", in.Proviso, maxProviso)}
	for field, text := range map[string]string{"addressee": in.Addressee, "proviso": in.Proviso} {
		if text == "" {
			all = append(all, fault.ErrRequired.At(field))
		}
	}
	if err := errors.Join(all...); err != nil {
		return nil, err
	}
	issued, err := idempotency.Once(ctx, s.Keys, "issueReceipt", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		return s.receipt(ctx, in)
	})
	if err != nil {
		return nil, err
	}
	return s.Store.ByID(ctx, issued)
}

// tidy is the text on one line.
func tidy(s string) string { return strings.Join(strings.Fields(s), " ") }

func (s *Service) receipt(ctx context.Context, in ReceiptInput) (uuid.UUID, error) {
	orders, err := s.Orders.ByIDs(ctx, []uuid.UUID{in.OrderID})
	if err != nil {
		return uuid.Nil, err
	}
	if len(orders) == 0 {
		return uuid.Nil, fault.ErrNotFound.At("orderId")
	}
	o := orders[0]
	switch {
	case o.Masked: // what is on paper is not
		return uuid.Nil, fault.ErrForbidden.At("orderId")
	case o.OnAccount():
		return uuid.Nil, ErrReceiptAccount.At("orderId")
	}
	issuer, err := s.Store.Issuer(ctx, o.BrandID)
	if err != nil {
		return uuid.Nil, err
	}
	if issuer == nil {
		return uuid.Nil, ErrNoIssuer
	}
	if err := s.Store.LockOrder(ctx, o.ID); err != nil {
		return uuid.Nil, err
	}
	b, err := s.read(ctx, o.ID, *issuer)
	if err != nil {
		return uuid.Nil, err
	}
	d := b.document(KindReceipt, "receipt:"+id.New().String())
	d.Content.To, d.Content.Proviso = Party{Name: in.Addressee}, in.Proviso
	if err := s.complete(ctx, b.order, &d); err != nil {
		return uuid.Nil, err
	}
	issued, err := s.issue(ctx, d)
	if err != nil {
		return uuid.Nil, err
	}
	return issued[0].ID, nil
}

// complete marks a receipt that was issued before, takes off what credit notes have
// given back, and fails unless the rest has been received.
func (s *Service) complete(ctx context.Context, o order.Order, d *Document) error {
	there, err := s.Store.OfOrders(ctx, []uuid.UUID{o.ID})
	if err != nil {
		return err
	}
	earlier := 0
	for _, other := range there {
		switch other.Kind {
		case KindReceipt:
			if earlier++; earlier == 1 {
				d.Content.ReissueOf = other.Number()
			}
		case KindCreditNote:
			if !strings.HasPrefix(other.Source, editedSource) {
				d.lessen(other)
			}
		}
	}
	received, err := s.received(ctx, o.ID)
	if err != nil {
		return err
	}
	if o.Status == order.Cancelled || d.TotalMinor <= 0 || received < d.TotalMinor {
		return ErrReceiptUnpaid.At("orderId")
	}
	if earlier > reissues && !access.From(ctx).May(access.OrderWrite) {
		return ErrReceiptLimit.With(reissues).At("orderId")
	}
	return nil
}

// lessen takes what a credit note gave back off a receipt.
func (d *Document) lessen(credit Document) {
	taxes := make([]money.Taxed, len(d.Taxes))
	for i, t := range d.Taxes {
		taxes[i] = t
		for _, c := range credit.Taxes {
			if c.Class == t.Class {
				taxes[i].Net.Minor -= c.Net.Minor
				taxes[i].Tax.Minor -= c.Tax.Minor
				taxes[i].Gross.Minor -= c.Gross.Minor
				d.Content.Lines = charge(d.Content.Lines, fmt.Sprintf("返品・値引き（%s）", credit.Number()), c.Class, -base(c, d.Content.Inclusive))
			}
		}
	}
	d.Taxes, d.TotalMinor = taxes, d.TotalMinor-credit.TotalMinor
}

// received is the money of the order that is ours now.
func (s *Service) received(ctx context.Context, orderID uuid.UUID) (sum int64, err error) {
	payments, err := s.Payments.OfOrders(access.With(ctx, access.System), []uuid.UUID{orderID})
	for _, p := range payments {
		sum += p.CapturedMinor - p.RefundedMinor
	}
	return sum, err
}
