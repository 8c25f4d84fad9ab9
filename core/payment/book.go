package payment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/ledger"
)

// Books are where it is written down what the money of payments did (仕訳).
type Books interface {
	Received(ctx context.Context, m ledger.Movement) error
	GivenBack(ctx context.Context, m ledger.Movement) (ofSale int64, err error)
	GoodsReturned(ctx context.Context, r ledger.Returned) error
	SetOff(ctx context.Context, r ledger.Returned) error
}

// place is the account that holds the payment's money.
func (p Payment) place() ledger.Place {
	switch p.Method {
	case MethodBankTransfer:
		return ledger.Place{Account: ledger.Bank}
	case MethodGiftCard:
		return ledger.Place{Account: ledger.GiftCards}
	case MethodVoucher:
		return ledger.Place{Account: ledger.VouchersDue}
	case MethodPoints:
		return ledger.Place{Account: ledger.Points, Sub: p.programme()}
	case MethodCash:
		return ledger.Place{Account: ledger.Cash, Sub: p.Till}
	}
	return ledger.Place{Account: ledger.Clearing, Sub: p.Gateway}
}

// ClearedBy are the names of the gateways that are set up and pay out later what they took.
func (s *Service) ClearedBy() (names []string) {
	for _, g := range slices.Concat(s.Gateways, s.Tills) {
		if (Payment{Method: g.Method(), Gateway: g.Name()}).place().Account == ledger.Clearing {
			names = append(names, g.Name())
		}
	}
	return names
}

// giver is the account that money goes back from: what came in at a convenience store
// goes back from the bank.
func (p Payment) giver() ledger.Place {
	if p.Method == MethodConvenienceStore {
		return ledger.Place{Account: ledger.Bank}
	}
	return p.place()
}

// book writes down what came in and what went back between two states of a payment.
// Both sums only grow, so each state of them is written down once.
func (s *Service) book(ctx context.Context, due Due, before, after Payment, at time.Time) error {
	return s.bookFrom(ctx, due, before, after, at, after.giver())
}

// bookFrom is book for money that goes back from the place.
func (s *Service) bookFrom(ctx context.Context, due Due, before, after Payment, at time.Time, giver ledger.Place) error {
	m := ledger.Movement{
		OrderID: after.OrderID, PaymentID: after.ID, BrandID: after.BrandID, Number: due.Number,
		Where: after.place(), Currency: after.Currency, At: at,
	}
	if m.Minor, m.Total = after.CapturedMinor-before.CapturedMinor, after.CapturedMinor; m.Minor > 0 {
		if err := s.Books.Received(ctx, m); err != nil {
			return err
		}
	}
	if m.Minor, m.Total = after.RefundedMinor-before.RefundedMinor, after.RefundedMinor; m.Minor > 0 {
		m.Where = giver
		return s.bookBack(ctx, m)
	}
	return nil
}

// Refunded is money that went back and took so much off an order's sale.
type Refunded struct {
	OrderID, BrandID uuid.UUID
	Source           string // tells one from the next
	Minor            int64
}

// Documents tell customers in writing what their orders came to.
type Documents interface {
	// Refunded issues the credit note of money that went back, in its transaction; once
	// for each source.
	Refunded(ctx context.Context, r Refunded) error
	// Repaid corrects the receipt of an order that is not invoiced yet, in the transaction
	// in which money goes back, if what is left of what was received is less than it says.
	Repaid(ctx context.Context, r Repaid) error
}

// Repaid is an order of whose money some went back.
type Repaid struct {
	OrderID, BrandID uuid.UUID
	LeftMinor        int64 // of what was received
}

// CreditBy says who issues the credit notes of money that goes back: documents are made
// of payments, and so come after them. Without, none is issued.
func (s *Service) CreditBy(documents Documents) { s.documents = documents }

// bookBack writes down what went back. Whatever undoes a sale that way is told in
// writing here, whoever gave it back and why: what goes back for returned or cancelled
// goods has undone the sale before, with a note of its own.
func (s *Service) bookBack(ctx context.Context, m ledger.Movement) error {
	ofSale, err := s.Books.GivenBack(ctx, m)
	if err != nil || ofSale <= 0 || s.documents == nil {
		return err
	}
	return s.documents.Refunded(ctx, Refunded{
		OrderID: m.OrderID, BrandID: m.BrandID, Minor: ofSale, Source: fmt.Sprintf("refund:%s:%d", m.PaymentID, m.Total),
	})
}

// repaid tells of money that went back beside returned goods and edits, whose own notes
// have corrected the receipt by then.
func (s *Service) repaid(ctx context.Context, all []Payment, before, after Payment) error {
	if s.documents == nil || after.RefundedMinor <= before.RefundedMinor {
		return nil
	}
	for i := range all {
		if all[i].ID == after.ID {
			all[i] = after
		}
	}
	t := TotalsOf(all)
	return s.documents.Repaid(ctx, Repaid{OrderID: after.OrderID, BrandID: after.BrandID, LeftMinor: t.Captured - t.Refunded})
}
