package payment

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prepaid"
)

// lostAfter is when a call without an answer counts as lost: longer than any
// call may still be under way.
const lostAfter = 2 * time.Minute

// PayInput pays an order that stands.
type PayInput struct {
	OrderID        uuid.UUID
	Amount         *decimal.Decimal  // major units, if only a part is paid by this payment; nil: all that is still to be paid
	Method         Method            // another than at the order, if the customer changes the mind; empty: as it is
	CardID         *uuid.UUID        // a kept card of the actor's instead of a token
	Token          string            // the gateway's token of a card (Stripe: pm_…); empty: the client confirms by itself
	ReturnURL      string            // where 3-D Secure brings the customer back to
	Chain          Chain             // of convenience stores, if it is paid there
	Points         []points.UseInput // of the actor, that pay first
	prepaid.Codes                    // that pay next
	IdempotencyKey string
}

// Validate checks what can be known without asking anybody.
func (in PayInput) Validate() error {
	var all []error
	all = append(all, checkKey(in.IdempotencyKey))
	if in.Amount != nil && !in.Amount.IsPositive() {
		all = append(all, ErrAmount.At("amount"))
	}
	if in.Token != "" && (!IsToken(in.Token) || in.CardID != nil) {
		all = append(all, ErrToken.At("cardToken"))
	}
	return errors.Join(append(all, CheckReturn(in.ReturnURL))...)
}

// CheckReturn fails for what is no address that a customer can come back to.
func CheckReturn(address string) error {
	if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http")) {
		return errURL.At("returnUrl")
	}
	return nil
}

// IsToken tells a gateway's token ("pm_1N…") from a card number, which must never
// get into a call, a log or a row.
func IsToken(s string) bool {
	prefix, rest, found := strings.Cut(s, "_")
	foreign := func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	return found && prefix != "" && rest != "" && len(s) <= 200 &&
		!strings.ContainsAny(prefix, "0123456789") && !strings.ContainsFunc(s, foreign)
}

// checkKey holds a client's key to the rule of all keys.
func checkKey(key string) error {
	if len(key) < 8 || len(key) > 100 {
		return idempotency.ErrKey.At("idempotencyKey")
	}
	return nil
}

// at names the field that a business failure is about.
func at(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field)
	}
	return err
}

func (in PayInput) hash() []byte {
	in.IdempotencyKey = ""
	return hashOf(in)
}

// PayResult is a payment under way and what the client has to do next.
type PayResult struct {
	Payment      Payment
	ClientSecret string // to confirm with the gateway's own client library; never stored
	NeedsAction  bool   // the customer has to confirm (3-D Secure)
}

// Pay collects an order's money by its gateway: the attempt is written down, the
// gateway is asked without any lock held, and its answer is written down. A
// declined card is ErrCardDeclined and may be followed by another try; no answer
// is ErrUnconfirmed and will be looked up. The same key replays the first result.
func (s *Service) Pay(ctx context.Context, in PayInput) (PayResult, error) {
	if err := in.Validate(); err != nil {
		return PayResult{}, err
	}
	if !in.NoCodes() && s.Purse != nil {
		if err := s.Purse.Tried(ctx, in.Codes); err != nil {
			return PayResult{}, err
		}
	}
	var attempt attempt
	err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		attempt, err = s.prepare(ctx, in)
		return err
	})
	switch {
	case err != nil:
		return PayResult{}, err
	case attempt.replay:
		return s.replay(ctx, attempt)
	case attempt.gateway == nil: // nothing to ask: the instructions are there
		return PayResult{Payment: attempt.payment}, nil
	}
	return s.start(ctx, in, attempt)
}

// attempt is one try at paying, written down.
type attempt struct {
	payment   Payment
	operation Operation
	gateway   Gateway
	due       Due
	kept      *KeptCard
	replay    bool
}

func (s *Service) prepare(ctx context.Context, in PayInput) (attempt, error) {
	due, all, err := s.hold(ctx, in.OrderID, true)
	if err != nil {
		return attempt{}, err
	}
	earlier, err := s.Store.OperationByClientKey(ctx, in.OrderID, in.IdempotencyKey)
	if err != nil {
		return attempt{}, err
	}
	if earlier != nil {
		return replayOf(*earlier, all, in)
	}
	if err := payable(due, all); err != nil {
		return attempt{}, err
	}
	all, own, err := s.payOwn(ctx, due, all, owned{in.Points, in.Codes, access.From(ctx)})
	if err != nil {
		return attempt{}, err
	}
	if len(own) > 0 {
		if done, err := in.settled(due, all); err != nil || done {
			return attempt{payment: all[len(all)-1], due: due}, errors.Join(err, s.writeOwn(ctx, own, in.IdempotencyKey, in.hash()))
		}
	}
	a, err := s.begin(ctx, in, due, all)
	if err != nil {
		return a, err
	}
	if a.gateway != nil { // its start has the key
		return a, s.writeOwn(ctx, own, "", nil)
	}
	return a, s.writeOwn(ctx, own, in.IdempotencyKey, in.hash())
}

// settled reports whether nothing more is asked for: points and codes have paid all, or
// the rest is paid another time.
func (in PayInput) settled(due Due, all []Payment) (bool, error) {
	rest, kind := due.Amount-TotalsOf(all).Secured(), prepaid.ByMethod(string(in.Method))
	switch {
	case rest <= 0:
		return true, nil
	case in.Method == MethodPoints:
		return false, points.ErrCoverShort.With(money.Of(rest, due.Currency)).At("points")
	case kind != nil:
		return false, kind.Short.With(money.Of(rest, due.Currency)).At(kind.Field)
	}
	return in.Method == "" && in.Token == "" && in.CardID == nil && openOne(all) == nil, nil
}

// begin writes down how what is left is collected.
func (s *Service) begin(ctx context.Context, in PayInput, due Due, all []Payment) (attempt, error) {
	current := openOne(all)
	g, err := s.chosen(in, due, current)
	if err != nil {
		return attempt{}, err
	}
	_, offline := g.(Offline)
	if !offline {
		if err := s.notTooOften(ctx, all); err != nil {
			return attempt{}, err
		}
	}
	amount, err := part(due, all, in.Amount)
	if err != nil {
		return attempt{}, err
	}
	var kept *KeptCard
	if in.CardID != nil {
		if kept, err = s.ownCard(ctx, g, due, *in.CardID); err != nil {
			return attempt{}, err
		}
	}
	p, err := s.tender(ctx, due, current, g, amount, in.Chain)
	if err != nil || offline {
		return attempt{payment: p, due: due}, err
	}
	now := s.Now()
	op := Operation{
		ID: id.New(), PaymentID: p.ID, Kind: OperationStart, Status: OperationOutstanding, AmountMinor: p.AmountMinor,
		ClientKey: in.IdempotencyKey, InputHash: in.hash(), Attempts: 1, CreatedAt: now, LastCallAt: &now,
	}
	return attempt{payment: p, operation: op, gateway: g, due: due, kept: kept}, s.Store.InsertOperation(ctx, op)
}

func replayOf(op Operation, all []Payment, in PayInput) (attempt, error) {
	if !bytes.Equal(op.InputHash, in.hash()) {
		return attempt{}, idempotency.ErrReused.At("idempotencyKey")
	}
	for _, p := range all {
		if p.ID == op.PaymentID {
			return attempt{payment: p, operation: op, replay: true}, nil
		}
	}
	return attempt{}, fault.ErrNotFound
}

func payable(due Due, all []Payment) error {
	t := TotalsOf(all)
	switch {
	case t.Secured() >= due.Amount && t.Secured() > 0:
		return ErrAlreadyPaid
	case !due.Payable:
		return ErrNotPayable
	}
	return nil
}

// openOne is the newest payment that may still be paid; nil if there is none.
func openOne(all []Payment) *Payment {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Open() {
			return &all[i]
		}
	}
	return nil
}

func (s *Service) chosen(in PayInput, due Due, current *Payment) (Gateway, error) {
	switch {
	case in.Method == MethodCashOnDelivery: // its charge is part of the total: it is chosen when the order is placed
		return nil, ErrMethodUnavailable.At("method")
	case slices.Contains(due.Excluded, in.Method):
		return nil, ErrNotShipped.At("method")
	case in.Method != "":
		return s.byMethod(in.Method)
	case in.CardID != nil:
		return s.byMethod(MethodCard)
	case current != nil:
		return s.byName(current.Gateway)
	}
	return s.byMethod(due.Method) // paid before, and edited to more since
}

// tender is the payment to collect the amount with: the open one if it is of this
// gateway and amount, else a new one in its place.
func (s *Service) tender(ctx context.Context, due Due, current *Payment, g Gateway, amount int64, chain Chain) (Payment, error) {
	if current != nil && current.Gateway == g.Name() && (chain == "" || current.chain() == chain) {
		if p, err := s.again(ctx, *current); err != nil || p.AmountMinor == amount+p.CapturedMinor {
			return p, err
		}
	}
	in := OpenInput{
		OrderID: due.OrderID, BrandID: due.BrandID, OrderNumber: due.Number, Method: g.Method(),
		Amount: amount, Currency: due.Currency, Name: due.Name, Email: due.Email, Chain: chain,
	}
	if current != nil {
		if err := s.replace(ctx, *current); err != nil {
			return Payment{}, err
		}
	}
	return s.open(i18n.WithLanguage(ctx, due.Language), in)
}

// replace closes a payment in whose place another comes: a transfer of which a part
// has come in is content with that part.
func (s *Service) replace(ctx context.Context, p Payment) error {
	if p.CapturedMinor == 0 {
		return s.giveUp(ctx, p, "METHOD_CHANGED")
	}
	after := p
	after.AmountMinor, after.UpdatedAt = p.CapturedMinor, s.Now()
	after.settleStatus()
	if err := s.Store.Update(ctx, after); err != nil {
		return err
	}
	return s.record(ctx, p, after)
}

// maxDeclines is how many cards may fail on one order: a checkout must not be
// where stolen card numbers are tried out.
const maxDeclines = 10

// notTooOften stops an order on which too many cards have failed.
func (s *Service) notTooOften(ctx context.Context, all []Payment) error {
	ids := make([]uuid.UUID, len(all))
	for i, p := range all {
		ids[i] = p.ID
	}
	operations, err := s.Store.OperationsOf(ctx, ids)
	if err != nil {
		return err
	}
	declines := 0
	for _, o := range operations {
		if o.Kind == OperationStart && (o.Status == OperationDeclined || o.Status == OperationRefused) {
			declines++
		}
	}
	if declines >= maxDeclines {
		return ErrTooManyDeclines
	}
	return nil
}

// again readies a payment for another try, unless one is still under way.
func (s *Service) again(ctx context.Context, p Payment) (Payment, error) {
	outstanding, err := s.Store.Outstanding(ctx, p.ID)
	if err != nil {
		return p, err
	}
	if len(outstanding) > 0 {
		return p, ErrInProgress
	}
	if p.Status != StatusFailed {
		return p, nil
	}
	p.Status, p.FailureCode, p.UpdatedAt = StatusPending, "", s.Now()
	return p, s.Store.Update(ctx, p)
}

// starting is what a gateway is asked to collect by the operation.
func (p Payment) starting(due Due, op Operation) StartRequest {
	r := StartRequest{
		Key: op.ID, PaymentID: p.ID, Reference: p.Reference, OrderNumber: due.Number, Amount: p.AmountMinor, Currency: p.Currency,
		Name: due.Name, Email: due.Email, Chain: p.chain(),
	}
	if p.DueAt != nil {
		r.DueAt = *p.DueAt
	}
	return r
}

func (s *Service) start(ctx context.Context, in PayInput, a attempt) (PayResult, error) {
	// The customer who closes the page does not break off a charge half-way.
	ctx = context.WithoutCancel(ctx)
	answer, callErr := s.call(ctx, a.gateway, "start", func(ctx context.Context) (Answer, error) {
		r := a.payment.starting(a.due, a.operation)
		r.Token, r.ReturnURL, r.Kept = in.Token, in.ReturnURL, a.kept
		return a.gateway.Start(ctx, r)
	})
	p, err := s.settle(ctx, a.payment.OrderID, a.operation.ID, answer, callErr)
	if err != nil {
		return PayResult{Payment: p}, err
	}
	return PayResult{Payment: p, ClientSecret: answer.ClientSecret, NeedsAction: answer.NeedsAction}, nil
}

// replay gives the result of an earlier try with the same key.
func (s *Service) replay(ctx context.Context, a attempt) (PayResult, error) {
	switch a.operation.Status {
	case OperationDeclined:
		return PayResult{Payment: a.payment}, ErrCardDeclined
	case OperationRefused:
		return PayResult{Payment: a.payment}, ErrPaymentRefused
	case OperationAbandoned:
		return PayResult{Payment: a.payment}, ErrAbandoned
	case OperationOutstanding:
		return PayResult{Payment: a.payment}, ErrInProgress
	}
	if a.payment.Status != StatusPending {
		return PayResult{Payment: a.payment}, nil
	}
	g, err := s.byName(a.payment.Gateway)
	if err != nil {
		return PayResult{}, err
	}
	found, err := s.find(ctx, g, a.payment, a.operation)
	if err != nil {
		return PayResult{Payment: a.payment}, errors.Join(ErrUnconfirmed, err)
	}
	return PayResult{Payment: a.payment, ClientSecret: found.ClientSecret, NeedsAction: found.NeedsAction}, nil
}
