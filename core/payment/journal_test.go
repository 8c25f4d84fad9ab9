package payment_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
)

func sale(s *shop, order uuid.UUID) ledger.Sale {
	due := s.orders.row(order).due
	return ledger.Sale{
		OrderID: order, BrandID: due.BrandID, Number: due.Number, Currency: due.Currency, Total: due.Amount, Inclusive: true,
		Taxes: []money.Taxed{money.TaxOf(money.TaxStandard, money.Of(due.Amount, due.Currency), true, money.RoundDown)},
	}
}

// life is one order to which anything may happen, in any order.
type life struct {
	t       *testing.T
	s       *shop
	order   uuid.UUID
	keys    int
	shipped bool
}

// key is one that nobody has used, or sometimes the last again.
func (l *life) key(r *rapid.T) string {
	if l.keys == 0 || rapid.IntRange(0, 4).Draw(r, "fresh") > 0 {
		l.keys++
	}
	return fmt.Sprintf("life-key-%03d", l.keys)
}

func (l *life) any(r *rapid.T) payment.Payment {
	all := l.s.payments(l.t, l.order)
	return all[rapid.IntRange(0, len(all)-1).Draw(r, "payment")]
}

// allowed fails for anything but a refusal.
func allowed(r *rapid.T, err error) {
	if err != nil && len(fault.All(err)) == 0 {
		r.Fatal(err)
	}
}

func (l *life) actions() map[string]func(*rapid.T) {
	s := l.s
	staff, buyer := as(l.t, clerk), as(l.t, customer)
	return map[string]func(*rapid.T){
		"pay": func(r *rapid.T) {
			in := payment.PayInput{OrderID: l.order, Method: payment.MethodCard, Token: stripetest.CardVisa, IdempotencyKey: l.key(r)}
			if rapid.Bool().Draw(r, "part") {
				in.Amount = some(rapid.Int64Range(1, 1500).Draw(r, "amount"))
			}
			if rapid.Bool().Draw(r, "declined") {
				in.Token = stripetest.CardDeclined
			}
			_, err := s.Pay(buyer, in)
			allowed(r, err)
		},
		"till": func(r *rapid.T) {
			_, err := s.RecordTill(staff, payment.TillInput{OrderID: l.order, Method: payment.MethodCash, Amount: some(rapid.Int64Range(1, 2000).Draw(r, "amount")), IdempotencyKey: l.key(r)})
			allowed(r, err)
		},
		"transfer": func(r *rapid.T) {
			p := l.any(r)
			_, err := s.RecordTransfer(staff, payment.TransferInput{PaymentID: p.ID, Amount: yen(rapid.Int64Range(1, 2500).Draw(r, "amount")), ReceivedAt: received, IdempotencyKey: l.key(r)})
			allowed(r, err)
		},
		"by transfer": func(r *rapid.T) {
			_, err := s.Pay(buyer, payment.PayInput{OrderID: l.order, Method: payment.MethodBankTransfer, IdempotencyKey: l.key(r)})
			allowed(r, err)
		},
		"capture": func(r *rapid.T) {
			_, err := s.Capture(staff, payment.CaptureInput{PaymentID: l.any(r).ID, Amount: some(rapid.Int64Range(1, 2000).Draw(r, "amount")), IdempotencyKey: l.key(r)})
			allowed(r, err)
		},
		"void": func(r *rapid.T) {
			_, err := s.Void(staff, payment.VoidInput{PaymentID: l.any(r).ID, IdempotencyKey: l.key(r)})
			allowed(r, err)
		},
		"refund": func(r *rapid.T) {
			_, err := s.Refund(staff, payment.RefundInput{PaymentID: l.any(r).ID, Amount: yen(rapid.Int64Range(1, 2000).Draw(r, "amount")), IdempotencyKey: l.key(r)})
			allowed(r, err)
		},
		"work": func(r *rapid.T) { l.work(r) },
		"cancel": func(r *rapid.T) {
			if l.shipped || rapid.IntRange(0, 3).Draw(r, "really") > 0 {
				return
			}
			l.must(r, s.db.InTx(l.t.Context(), func(ctx context.Context) error { return s.orders.PaymentExpired(ctx, l.order) }))
		},
		"ship": func(r *rapid.T) {
			row := s.orders.row(l.order)
			if row.due.Cancelled || row.totals.Covered() < row.due.Amount {
				return
			}
			err := s.db.InTx(l.t.Context(), func(ctx context.Context) error {
				return errors.Join(s.Books.(*ledger.Books).Sold(ctx, sale(s, l.order)), s.Take(ctx, l.order, sale(s, l.order).Total))
			})
			allowed(r, err) // a part of what is held may be under way
			l.shipped = err == nil
		},
		"": l.balanced,
	}
}

func (l *life) must(r *rapid.T, err error) {
	if err != nil {
		r.Fatal(err)
	}
}

// work runs what is queued, and what that queues.
func (l *life) work(r *rapid.T) {
	for range 10 {
		queued := l.s.jobs.take()
		if len(queued) == 0 {
			return
		}
		for _, operation := range queued {
			l.must(r, l.s.Execute(l.t.Context(), operation))
		}
	}
	r.Fatal("the queue never empties")
}

// balanced holds at every moment: debits are credits, the money in the books is the
// money of the payments, and nobody got back more than came in.
func (l *life) balanced(r *rapid.T) {
	balances := l.s.balances(l.t, l.order)
	var sum, there int64
	for account, minor := range balances {
		sum += minor
		if account == "CASH" || account == "BANK" || account == "CLEARINGstripe" {
			there += minor
		}
	}
	kept := l.kept(r)
	switch {
	case sum != 0:
		r.Fatalf("the journal is off by %d: %v", sum, balances)
	case there != kept:
		r.Fatalf("the books have %d, the payments %d: %v", there, kept, balances)
	case balances["DEPOSITS"] > 0, balances["RECEIVABLE"] < 0, balances["ADJUSTMENTS"] != 0:
		r.Fatalf("an account is on its wrong side: %v", balances)
	case !l.shipped && balances["DEPOSITS"] != -kept:
		r.Fatalf("what came in before shipping is a deposit: %v", balances)
	case l.shipped && -balances["SALES"]-balances["RETURNS"]-balances["TAXSTANDARD"] != kept+balances["RECEIVABLE"]+balances["DEPOSITS"]:
		r.Fatalf("what was sold is paid or owed: %v", balances)
	}
}

// kept is what the order's payments have and have not given back.
func (l *life) kept(r *rapid.T) (minor int64) {
	for _, p := range l.s.payments(l.t, l.order) {
		minor += p.CapturedMinor - p.RefundedMinor
		if p.RefundedMinor > p.CapturedMinor || (p.Method == payment.MethodCard && p.CapturedMinor > p.AmountMinor) {
			r.Fatalf("more was given back, or taken, than there was: %+v", p)
		}
	}
	return minor
}

func TestJournalBalancesWhateverHappens(t *testing.T) {
	t.Parallel()
	s := open(t, holding)
	rapid.Check(t, func(r *rapid.T) {
		l := &life{t: t, s: s}
		l.order = s.place(t, rapid.SampledFrom([]payment.Method{payment.MethodCard, payment.MethodBankTransfer}).Draw(r, "method"))
		r.Repeat(l.actions())
		l.work(r)
		l.balanced(r)
		taken := int64(0)
		for _, p := range s.payments(t, l.order) {
			if p.Method == payment.MethodCard {
				taken += p.CapturedMinor - p.RefundedMinor
			}
		}
		require.Equal(t, taken, s.balances(t, l.order)["CLEARINGstripe"])
	})
}
