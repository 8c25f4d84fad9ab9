package proof_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cardfile"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/recurring"
)

// subscribe lets each member save a card, of which one is declined later, and have goods come
// again and again: paid by the card, and in other ways.
func (w *world) subscribe(t testing.TB) {
	for i, m := range w.members {
		token := stripetest.CardVisa
		if i == 0 {
			token = stripetest.CardLaterFails
		}
		saved, err := w.SavedCards.Save(m, cardfile.SaveInput{IdempotencyKey: w.key(), Token: token})
		require.NoError(t, err)
		w.saved = append(w.saved, saved.Card.ID)
		for _, method := range []payment.Method{payment.MethodCard, payment.MethodBankTransfer, payment.MethodCashOnDelivery} {
			in := recurring.SubscribeInput{
				IdempotencyKey: w.key(), Unit: recurring.Weeks, Every: 1, FirstOn: w.today().AddDate(0, 0, 1), PaymentMethod: method, ShippingMethodID: w.method,
				Lines: []recurring.LineInput{{VariantID: w.variants[i], Quantity: 1 + i}},
				ShippingAddress: customer.Address{
					Name: "山田 花子", PostalCode: "1500001", Prefecture: "TOKYO", City: "渋谷区", Line1: "神宮前1-2-3", Phone: "0312345678",
				},
			}
			if method == payment.MethodCard {
				in.CardID = &saved.Card.ID
			}
			_, err := w.Recurring.Subscribe(m, in)
			require.NoError(t, err)
		}
	}
}

func (w *world) today() time.Time { return recurring.Today(w.now(), channel.From(w.staff).Zone()) }

// recurs is one of the recurring orders, and whose it is.
func (w *world) recurs(d dice) (key uuid.UUID, member context.Context, err error) {
	var who uuid.UUID
	err = w.ask([]any{&key, &who}, `SELECT id, member_id FROM recurring_orders ORDER BY md5(id::text || $1) LIMIT 1`, fmt.Sprint(d.of(1000)))
	return key, access.With(w.staff, access.Actor{Role: access.RoleMember, ID: who}), err
}

// recur lets a recurring order fall due, maybe on a day that was seen to before, and the job
// place what is.
func (w *world) recur(d dice) (string, error) {
	key, member, err := w.recurs(d)
	if err != nil {
		return "", err
	}
	day := w.today().AddDate(0, 0, -d.of(30))
	if _, err := w.shop.DB.Pool().Exec(w.staff, `UPDATE recurring_orders SET next_on = $2, retry_at = NULL WHERE id = $1`, key, day); err != nil {
		return "", err
	}
	ctx := i18n.WithLanguage(access.With(w.staff, access.System), i18n.Default)
	if err := w.Recurring.Run(ctx); err != nil {
		return key.String(), err
	}
	var placedAs uuid.UUID
	err = w.ask([]any{&placedAs}, `SELECT order_id FROM recurring_occurrences WHERE recurring_id = $1 AND due_on = $2 AND result = 'PLACED'`, key, day)
	if err != nil || placedAs == uuid.Nil {
		return "none " + key.String(), err
	}
	w.remember(placed{placedAs, member})
	return fmt.Sprint(placedAs, " ", key), nil
}

// steer lets a member leave the next order out, rest, go on, or try again what failed.
func (w *world) steer(d dice) (string, error) {
	key, member, err := w.recurs(d)
	if err != nil {
		return "", err
	}
	word := "skip"
	switch d.of(5) {
	case 0:
		word = "pause"
		_, err = w.Recurring.Pause(member, recurring.NameInput{RecurringID: key})
	case 1, 2:
		word = "resume"
		_, err = w.Recurring.Resume(member, recurring.ResumeInput{RecurringID: key})
	case 3:
		word = "retry"
		_, err = w.Recurring.Retry(member, recurring.RetryInput{RecurringID: key, AcceptPrice: d.once(2)})
	default:
		_, err = w.Recurring.Skip(member, recurring.NameInput{RecurringID: key})
	}
	return fmt.Sprint(word, " ", key), err
}

// charge pays an order by a card that is saved, mostly the customer's own.
func (w *world) charge(d dice) (string, error) {
	n := d.of(len(w.saved))
	key, err := w.orderIn(d, fmt.Sprintf(`o.member_id = '%s' AND NOT o.paid AND $1 <> ''`, access.From(w.members[n]).ID))
	if err != nil {
		return "", err
	}
	by := w.saved[n]
	if d.once(10) {
		by = w.saved[d.of(len(w.saved))]
	}
	if d.once(12) {
		w.cards.LoseAnswers(1)
	}
	in := payment.PayInput{OrderID: key, IdempotencyKey: w.key(), Method: payment.MethodCard, CardID: &by}
	_, err = w.Payments.Pay(w.members[n], in)
	if again := d.once(3); err == nil && again {
		_, err = w.Payments.Pay(w.members[n], in)
	}
	if errors.Is(err, payment.ErrUnconfirmed) {
		err = nil
	}
	return key.String(), err
}
