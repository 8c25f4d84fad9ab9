package payment_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/konbini"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/payment"
)

// slip is an order whose slip the job has had issued.
func (s *shop) slip(t *testing.T) (order uuid.UUID, issued payment.Payment) {
	t.Helper()
	order = s.place(t, payment.MethodConvenienceStore)
	require.NoError(t, s.work(t))
	issued = s.only(t, order)
	require.NotEmpty(t, issued.Instructions.SlipNumber)
	return order, issued
}

// says sends a webhook of the provider.
func (s *shop) says(t *testing.T, e konbini.Event) payment.NoticeOutcome {
	t.Helper()
	body, signature := s.stores.Signed(e)
	outcome, err := s.HandleNotice(t.Context(), konbini.Name, body, signature)
	require.NoError(t, err)
	return outcome
}

// desk is where staff of the brand work.
func (s *shop) desk(t *testing.T) context.Context {
	return channel.With(as(t, access.System), channel.Channel{BrandID: s.orders.brand})
}

func (s *shop) strays(t *testing.T) []payment.Stray {
	t.Helper()
	list, err := s.Strays(s.desk(t), payment.StrayQuery{States: []payment.StrayState{payment.StrayOpen}})
	require.NoError(t, err)
	return list.Nodes()
}

func TestSlipIsIssuedAndPaid(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodConvenienceStore)
	waiting := s.only(t, order)
	require.Empty(t, waiting.Instructions.SlipNumber, "placing an order calls nobody")
	require.Equal(t, payment.ChainLawson, *waiting.Instructions.Chain)
	require.NoError(t, s.work(t))

	p := s.only(t, order)
	require.Equal(t, payment.StatusPending, p.Status)
	require.Len(t, p.Instructions.SlipNumber, 12)
	require.Len(t, p.Instructions.Confirmation, 6)
	require.Equal(t, int64(1980), p.Instructions.Amount)
	require.WithinDuration(t, s.Deadline(payment.MethodConvenienceStore, s.time.read()), *p.DueAt, time.Second)
	require.Equal(t, []messaging.Kind{messaging.KindStoreSlip}, s.outbox.kinds())
	require.Equal(t, []string{"payment.slip_issued"}, s.events(t, order))

	paid := s.stores.Pay(p.Reference)
	require.Equal(t, payment.NoticeApplied, s.says(t, paid))
	require.Equal(t, payment.NoticeReplayed, s.says(t, paid))
	require.Equal(t, payment.StatusCaptured, s.only(t, order).Status)
	require.Equal(t, int64(1980), s.orders.row(order).totals.Secured())
	require.Equal(t, int64(1980), s.balances(t, order)["CLEARINGkonbini"])
	require.Equal(t, []messaging.Kind{messaging.KindStoreSlip, messaging.KindPaymentReceived}, s.outbox.kinds())

	// Staff send a part back from the bank.
	in := payment.RefundInput{PaymentID: p.ID, Amount: decimal.NewFromInt(500), Reason: "返品", IdempotencyKey: "refund-1"}
	refunded, err := s.Refund(as(t, access.System), in)
	require.NoError(t, err)
	require.Equal(t, payment.StatusPartlyRefunded, refunded.Status)
	require.Equal(t, int64(1980), s.balances(t, order)["CLEARINGkonbini"], "cash does not go back to the store")
	require.Equal(t, int64(-500), s.balances(t, order)[string(ledger.Bank)])
}

func TestSlipIsIssuedOnceThoughTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodConvenienceStore)
	s.stores.LoseAnswers(10)
	require.ErrorIs(t, s.work(t), payment.ErrUnanswered)
	s.stores.LoseAnswers(0)
	_, err := s.Pay(as(t, customer), payment.PayInput{OrderID: order, IdempotencyKey: "key-0000"})
	require.ErrorIs(t, err, payment.ErrInProgress)
	s.time.turn(3 * time.Minute)
	require.NoError(t, s.Reconcile(t.Context()))
	p := s.only(t, order)
	require.Equal(t, s.stores.Slip(p.ID.String()).Number, p.Instructions.SlipNumber)
	require.Equal(t, 1, s.stores.Issued())
}

func TestSlipThatIsRefusedFailsThePayment(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodConvenienceStore)
	s.stores.RefuseSlips(1)
	require.NoError(t, s.work(t))
	require.Equal(t, payment.StatusFailed, s.only(t, order).Status)
	// The customer goes to another store.
	got, err := s.Pay(as(t, customer), payment.PayInput{OrderID: order, Chain: payment.ChainSevenEleven, IdempotencyKey: "key-0001"})
	require.NoError(t, err)
	require.Equal(t, payment.ChainSevenEleven, *got.Payment.Instructions.Chain)
	require.NotEmpty(t, got.Payment.Instructions.SlipNumber)
	require.Empty(t, got.Payment.Instructions.Confirmation)
	all := s.payments(t, order)
	require.Equal(t, payment.StatusCancelled, all[0].Status)
	require.Equal(t, payment.StatusPending, all[1].Status)
}

func TestSlipNeedsAChainAndHasALimit(t *testing.T) {
	t.Parallel()
	s := open(t)
	in := payment.OpenInput{Method: payment.MethodConvenienceStore, Amount: 5000, Currency: "JPY", Chain: payment.ChainLawson}
	_, err := s.Draft(t.Context(), in)
	require.NoError(t, err)
	in.Amount = 5001
	_, err = s.Draft(t.Context(), in)
	require.ErrorIs(t, err, payment.ErrLimit)
	for _, chain := range []payment.Chain{"", "CORNER_SHOP"} {
		in.Amount, in.Chain = 100, chain
		_, err = s.Draft(t.Context(), in)
		require.ErrorIs(t, err, payment.ErrChain)
	}
}

func TestSlipOfAnOrderThatIsGivenUp(t *testing.T) {
	t.Parallel()
	s := open(t)
	never := s.place(t, payment.MethodConvenienceStore)
	s.cancel(t, never)
	require.NoError(t, s.work(t))
	require.Zero(t, s.stores.Issued(), "nobody needs it any more")

	order, p := s.slip(t)
	s.time.turn(5 * 24 * time.Hour)
	require.NoError(t, s.Expire(t.Context()))
	require.True(t, s.orders.row(order).due.Cancelled)
	require.NoError(t, s.work(t))
	require.Equal(t, payment.StatusCancelled, s.only(t, order).Status)

	// The till took the money all the same.
	require.Equal(t, payment.NoticeLate, s.says(t, s.stores.Pay(p.Reference)))
	late := s.only(t, order)
	require.Equal(t, int64(1980), late.CapturedMinor)
	require.Zero(t, late.RefundedMinor)
	require.Contains(t, s.events(t, order), "payment.refund_due")
	require.NoError(t, s.work(t), "no gateway is asked for what staff send back")
	_, err := s.Refund(as(t, access.System), payment.RefundInput{PaymentID: p.ID, Amount: decimal.NewFromInt(1980), IdempotencyKey: "refund-1"})
	require.NoError(t, err)
	require.Zero(t, sum(s.balances(t, order)))
}

func TestPaidSlipWhoseWebhookWasLostIsNotGivenUp(t *testing.T) {
	t.Parallel()
	s := open(t)
	order, p := s.slip(t)
	s.stores.Pay(p.Reference)
	s.time.turn(5 * 24 * time.Hour)
	require.NoError(t, s.Expire(t.Context()))
	require.False(t, s.orders.row(order).due.Cancelled)
	require.Equal(t, payment.StatusCaptured, s.only(t, order).Status)
}

func TestSlipThatTheProviderGivesUpDoesNotHoldTheOrder(t *testing.T) {
	t.Parallel()
	s := open(t)
	order, p := s.slip(t)
	slip := s.stores.Slip(p.Reference)
	slip.Status = "cancelled"
	require.Equal(t, payment.NoticeApplied, s.says(t, konbini.Event{ID: "evt", Type: "slip.cancelled", At: s.time.read(), Slip: slip}))
	require.Equal(t, payment.StatusFailed, s.only(t, order).Status)
	require.False(t, s.orders.row(order).due.Cancelled)
	s.time.turn(5 * 24 * time.Hour)
	require.NoError(t, s.Expire(t.Context()))
	require.True(t, s.orders.row(order).due.Cancelled)
	require.NoError(t, s.work(t))
	require.Equal(t, payment.StatusCancelled, s.only(t, order).Status)
}

func TestSlipThatCannotBeVoidedNow(t *testing.T) {
	t.Parallel()
	s := open(t)
	order, p := s.slip(t)
	s.cancel(t, order)
	s.stores.LoseAnswers(10) // a call with a key is sent again over a fresh connection
	require.ErrorIs(t, s.work(t), payment.ErrUnanswered)
	s.stores.LoseAnswers(0)
	require.Equal(t, "cancelled", s.stores.Slip(p.Reference).Status)
	s.time.turn(3 * time.Minute)
	require.NoError(t, s.Reconcile(t.Context()))
	require.Equal(t, payment.StatusCancelled, s.only(t, order).Status)
	outstanding, err := s.store.Outstanding(t.Context(), p.ID)
	require.NoError(t, err)
	require.Empty(t, outstanding)
}

func TestWebhooksThatProveNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	order, p := s.slip(t)
	body, good := s.stores.Signed(s.stores.Pay(p.Reference))
	for name, signature := range map[string]string{
		"none": "", "no time": good[len("t=1234567890,"):], "another secret": konbini.Sign(body, "other", s.time.read()),
		"old": konbini.Sign(body, "secret", s.time.read().Add(-6*time.Minute)), "future": konbini.Sign(body, "secret", s.time.read().Add(6*time.Minute)),
		"another body": konbini.Sign([]byte("{}"), "secret", s.time.read()), "not hex": "t=1,v1=zz",
	} {
		_, err := s.HandleNotice(t.Context(), konbini.Name, body, signature)
		require.ErrorIs(t, err, payment.ErrUnsigned, name)
	}
	for _, nonsense := range []string{"", "[]", "{}", `{"id":"e","slip":{"paid":-1}}`} {
		_, err := s.HandleNotice(t.Context(), konbini.Name, []byte(nonsense), konbini.Sign([]byte(nonsense), "secret", s.time.read()))
		require.ErrorIs(t, err, payment.ErrUnreadable, nonsense)
	}
	require.Equal(t, payment.StatusPending, s.only(t, order).Status)
	require.Empty(t, s.strays(t))
}

func TestMoneyThatNoSlipExpectsIsWork(t *testing.T) {
	t.Parallel()
	s := open(t)
	order, p := s.slip(t)
	_, other := s.slip(t)
	tell := func(id string, change func(*konbini.Slip)) payment.NoticeOutcome {
		slip := s.stores.Slip(p.Reference)
		slip.Status, slip.Paid = "paid", slip.Amount
		change(&slip)
		return s.says(t, konbini.Event{ID: id, Type: "slip.paid", At: s.time.read(), Slip: slip})
	}
	require.Equal(t, payment.NoticeIgnored, tell("1", func(x *konbini.Slip) { x.Shop = "another shop" }))
	require.Empty(t, s.strays(t))
	require.Equal(t, payment.NoticeStray, tell("2", func(x *konbini.Slip) { x.Paid = 1000 }))
	require.Equal(t, payment.NoticeStray, tell("3", func(x *konbini.Slip) { x.ID, x.Payment = "slip_nobody", "" }))
	require.Equal(t, payment.NoticeStray, tell("4", func(x *konbini.Slip) { x.ID = "slip_other" }))
	require.Equal(t, payment.NoticeStray, tell("5", func(x *konbini.Slip) { x.Currency = "USD" }))
	require.Equal(t, payment.NoticeIgnored, tell("6", func(x *konbini.Slip) { x.ID, x.Payment, x.Paid, x.Status = "slip_x", "", 0, "expired" }))
	require.Equal(t, payment.StatusPending, s.only(t, order).Status)
	var causes []payment.StrayCause
	strays := s.strays(t)
	for _, x := range strays {
		causes = append(causes, x.Cause)
	}
	require.Equal(t, []payment.StrayCause{payment.StrayCurrency, payment.StrayOther, payment.StrayUnknown, payment.StrayAmount}, causes)
	require.Equal(t, payment.NoticeReplayed, tell("2", func(x *konbini.Slip) { x.Paid = 1000 }))
	require.Len(t, s.strays(t), 4)

	// Staff say what each is for: two at once settle it once.
	var wg sync.WaitGroup
	settled := make([]error, 2)
	for i := range settled {
		wg.Go(func() {
			_, settled[i] = s.SettleStray(s.desk(t), payment.SettleStrayInput{IdempotencyKey: id.New().String(), StrayID: strays[2].ID, State: payment.StrayApplied, PaymentID: &other.ID})
		})
	}
	wg.Wait()
	require.True(t, (settled[0] == nil) != (settled[1] == nil), "%v", settled)
	require.Equal(t, int64(1980), s.only(t, other.OrderID).CapturedMinor)
	require.Equal(t, int64(1980), s.balances(t, other.OrderID)["CLEARINGkonbini"])
	_, err := s.SettleStray(s.desk(t), payment.SettleStrayInput{IdempotencyKey: id.New().String(), StrayID: strays[0].ID, State: payment.StrayReturned, Reason: "返金済み"})
	require.NoError(t, err)
	require.Len(t, s.strays(t), 2)
	for _, bad := range []payment.SettleStrayInput{
		{StrayID: strays[1].ID, State: payment.StrayOpen, Reason: "x"},
		{StrayID: strays[1].ID, State: payment.StrayApplied},
		{StrayID: strays[1].ID, State: payment.StrayIgnored},
		{StrayID: order, State: payment.StrayIgnored, Reason: "x"},
		{StrayID: strays[0].ID, State: payment.StrayIgnored, Reason: "x"},
	} {
		bad.IdempotencyKey = id.New().String()
		_, err := s.SettleStray(s.desk(t), bad)
		require.Error(t, err)
	}
	card := s.place(t, payment.MethodCard)
	key := s.only(t, card).ID
	_, err = s.SettleStray(s.desk(t), payment.SettleStrayInput{IdempotencyKey: id.New().String(), StrayID: strays[1].ID, State: payment.StrayApplied, PaymentID: &key})
	require.ErrorIs(t, err, payment.ErrStrayGateway)
}

func TestManyWebhooksOfOneSlipCountOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	order, p := s.slip(t)
	e := s.stores.Pay(p.Reference)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			e := e
			if i%2 == 1 {
				e.ID = "evt_again" // sent anew
			}
			body, err := json.Marshal(e)
			if err == nil {
				_, err = s.HandleNotice(t.Context(), konbini.Name, body, konbini.Sign(body, "secret", s.time.read()))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, int64(1980), s.only(t, order).CapturedMinor)
	require.Equal(t, int64(1980), s.balances(t, order)["CLEARINGkonbini"])
}

func sum(balances map[string]int64) (all int64) {
	for _, minor := range balances {
		all += minor
	}
	return all
}
