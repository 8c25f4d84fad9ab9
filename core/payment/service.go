package payment

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/holiday"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/messaging"
)

// Terms say how long the shop waits.
type Terms struct {
	CardWithin     time.Duration // for a card to go through
	TransferWithin time.Duration // for a bank transfer to arrive
	StoreWithin    time.Duration // for a slip to be paid at a convenience store
	Zone           *time.Location
}

// DefaultTerms are an hour for cards and, to the end of the day in Japan, seven days
// for bank transfers, or to the banks' next business day, and three for convenience stores.
func DefaultTerms() Terms {
	return Terms{CardWithin: time.Hour, TransferWithin: 7 * 24 * time.Hour, StoreWithin: 3 * 24 * time.Hour, Zone: time.FixedZone("JST", 9*60*60)}
}

// Needs is what a Service is made of.
type Needs struct {
	Tx       Tx
	Store    Store
	Keys     *idempotency.Keys // of what staff say became of strays
	Jobs     Jobs
	Outbox   messaging.Outbox
	Events   event.Recorder
	Gateways []Gateway // that customers pay by
	Tills    []Gateway // by which staff take money themselves
	Own      []Own     // that noren keeps itself: gift cards, vouchers, members' points
	Loyalty  Loyalty   // gives points in the place of money; nil: there are none

	PointTenders PointTenders // nil: points pay nothing
	Purse        Purse        // nil: gift cards and vouchers pay nothing

	ShopURL string // where mailed links lead

	Books Books
	Terms Terms
	Now   clock.Clock
	Log   *slog.Logger
	Watch func(c Call) // told of every call to a gateway; may be nil
}

// Call is one conversation with a gateway, for those who watch.
type Call struct {
	Gateway string
	Verb    string // "start", "find", …
	Outcome string // "done", "declined", "unanswered", "unknown" or "refused"
	Took    time.Duration
}

// Service collects the money of orders.
type Service struct {
	Needs
	orders    Orders
	documents Documents
}

// New makes the service. Tell it of the orders before it is used.
func New(n Needs) *Service { return &Service{Needs: n} }

// Tell connects the service with the orders it collects for; the two need each other.
func (s *Service) Tell(o Orders) { s.orders = o }

// Deadline is the moment until which an order by this method is to be paid. Transfers are by
// a business day of banks.
func (s *Service) Deadline(m Method, placedAt time.Time) time.Time {
	if m == MethodCard {
		return placedAt.Add(s.Terms.CardWithin)
	}
	within := s.Terms.TransferWithin
	if m == MethodConvenienceStore {
		within = s.Terms.StoreWithin
	}
	day := placedAt.In(s.Terms.Zone).Add(within)
	if m == MethodBankTransfer {
		day = holiday.BankDay(day)
	}
	return s.endOf(day)
}

// givenUp is when an order by this method that is to be paid by then is given up: what is
// transferred on a bank's business day is on the statement of the next.
func (s *Service) givenUp(m Method, due time.Time) time.Time {
	if m != MethodBankTransfer {
		return due
	}
	return s.endOf(holiday.BankDay(due.In(s.Terms.Zone).AddDate(0, 0, 1)))
}

func (s *Service) endOf(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 23, 59, 59, 0, s.Terms.Zone).UTC()
}

// Draft is the payment of a new order. A transfer's instructions go out by mail; a
// card is charged later, by Pay.
func (s *Service) Draft(ctx context.Context, in OpenInput) (Draft, error) {
	g, err := s.byMethod(in.Method)
	if err != nil {
		return Draft{}, err
	}
	now := s.Now()
	due := s.Deadline(g.Method(), now)
	if in.Within > 0 {
		due = now.Add(in.Within)
	}
	until := s.givenUp(g.Method(), due)
	d := Draft{Payment: Payment{
		ID: id.New(), BrandID: in.BrandID, OrderID: in.OrderID, Method: g.Method(), Gateway: g.Name(),
		Status: StatusPending, Currency: in.Currency, AmountMinor: in.Amount, DueAt: &until, CreatedAt: now, UpdatedAt: now,
	}}
	if issuer, ok := g.(Issuer); ok {
		return d, d.slip(issuer, in)
	}
	if _, keeps := g.(Keeper); keeps && in.CardID != nil {
		d.draftKept(*in.CardID)
		return d, nil
	}
	offline, ok := g.(Offline)
	switch {
	case !ok:
		return d, nil
	case g.Method() == MethodCashOnDelivery: // the carrier brings the money when it does
		d.Payment.DueAt = nil
		return d, nil
	}
	how := offline.Instruct(StartRequest{
		Key: d.Payment.ID, PaymentID: d.Payment.ID, OrderNumber: in.OrderNumber, Amount: in.Amount, Currency: in.Currency, Email: in.Email, DueAt: due,
	})
	d.Payment.Instructions, d.Payment.Reference = &how, how.Reference
	if in.Email == "" {
		return d, nil
	}
	m, err := messaging.New(ctx, messaging.Address{Name: in.Name, Email: in.Email}, d.Payment.ID.String(), how.transfer(in.Name, in.OrderNumber))
	m.BrandID = in.BrandID
	d.Messages = []messaging.Message{m}
	return d, err
}

// open writes down another payment of an order that stands.
func (s *Service) open(ctx context.Context, in OpenInput) (Payment, error) {
	d, err := s.Draft(ctx, in)
	if err != nil {
		return Payment{}, err
	}
	if err := s.Store.Insert(ctx, d.Payment); err != nil || len(d.Messages) == 0 { // who opens another asks the gateway at once
		return d.Payment, err
	}
	return d.Payment, s.Outbox.Enqueue(ctx, d.Messages...)
}

func (s *Service) byMethod(m Method) (Gateway, error) {
	for _, g := range s.Gateways {
		if g.Method() == m {
			return g, nil
		}
	}
	return nil, ErrMethodUnavailable.At("method")
}

// byName is the gateway of an existing payment. One that was switched off since
// cannot be asked any more.
func (s *Service) byName(name string) (Gateway, error) {
	for _, all := range [][]Gateway{s.Gateways, s.Tills} {
		for _, g := range all {
			if g.Name() == name {
				return g, nil
			}
		}
	}
	for _, g := range s.Own {
		if g.Name() == name {
			return g, nil
		}
	}
	return nil, errors.Join(ErrNoGateway, errGatewayOff)
}

// callPatience bounds one conversation with a gateway, its retries included. It is
// shorter than the time that a stopping process leaves to what is running.
const callPatience = 20 * time.Second

// call talks to a gateway, with patience, and tells who watches.
func (s *Service) call(ctx context.Context, g Gateway, verb string, f func(ctx context.Context) (Answer, error)) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, callPatience)
	defer cancel()
	began := time.Now()
	a, err := f(ctx)
	c := Call{Gateway: g.Name(), Verb: verb, Outcome: outcome(a, err), Took: time.Since(began)}
	if s.Watch != nil {
		s.Watch(c)
	}
	if err != nil {
		s.Log.WarnContext(ctx, "a call to a payment gateway failed", "gateway", c.Gateway, "verb", verb, "outcome", c.Outcome, "took", c.Took, "error", err)
	}
	return a, err
}

func outcome(a Answer, err error) string {
	switch {
	case errors.Is(err, ErrUnanswered):
		return "unanswered"
	case errors.Is(err, ErrNeverArrived):
		return "unknown"
	case err != nil:
		return "refused"
	case a.Decline != nil:
		return "declined"
	}
	return "done"
}

// hold locks the order of a payment, then its payments, and gives both. asCaller
// asks the orders whether the context's actor may pay; otherwise noren itself acts.
func (s *Service) hold(ctx context.Context, orderID uuid.UUID, asCaller bool) (Due, []Payment, error) {
	asking := ctx
	if !asCaller {
		asking = access.With(ctx, access.System)
	}
	due, err := s.orders.PaymentDue(asking, orderID)
	if err != nil {
		return Due{}, nil, err
	}
	if asCaller && elsewhere(ctx, due.BrandID) {
		return Due{}, nil, fault.ErrNotFound
	}
	payments, err := s.Store.LockedOf(ctx, orderID)
	return due, payments, err
}

// elsewhere reports whether the request came through another brand's channel.
func elsewhere(ctx context.Context, brandID uuid.UUID) bool {
	here := channel.From(ctx).BrandID
	return here != uuid.Nil && here != brandID
}

// save stores a payment that may have changed, records what happened, and tells
// the order and the customer.
func (s *Service) save(ctx context.Context, due Due, all []Payment, before, after Payment) error {
	return s.saveAt(ctx, due, all, before, after, s.Now())
}

// saveAt is save for money that moved at another moment than now.
func (s *Service) saveAt(ctx context.Context, due Due, all []Payment, before, after Payment, moved time.Time) error {
	return s.saveFrom(ctx, due, all, before, after, moved, after.giver())
}

// saveFrom is saveAt for money that goes back from another place than it came to.
func (s *Service) saveFrom(ctx context.Context, due Due, all []Payment, before, after Payment, moved time.Time, giver ledger.Place) error {
	if before == after {
		return nil
	}
	if err := s.Store.Update(ctx, after); err != nil {
		return err
	}
	if err := s.record(ctx, before, after); err != nil {
		return err
	}
	for i := range all {
		if all[i].ID == after.ID {
			all[i] = after
		}
	}
	if moneyOf(before) == moneyOf(after) {
		return nil
	}
	if err := s.bookFrom(ctx, due, before, after, moved, giver); err != nil {
		return err
	}
	told, err := s.orders.PaymentChanged(access.With(ctx, access.System), due.OrderID, TotalsOf(all))
	if err != nil {
		return err
	}
	if told.Waits && after.AuthorisedMinor+after.CapturedMinor < before.AuthorisedMinor+before.CapturedMinor {
		return s.waitAnew(ctx, due, all, after)
	}
	if after.Received() && !before.Received() && !due.Cancelled && after.Method != MethodCashOnDelivery {
		return s.thank(ctx, due, after, told)
	}
	return nil
}

// moneyOf are the sums of a payment.
func moneyOf(p Payment) [3]int64 {
	return [3]int64{p.AuthorisedMinor, p.CapturedMinor, p.RefundedMinor}
}

func (s *Service) record(ctx context.Context, before, after Payment) error {
	if before.Status == after.Status && moneyOf(before) == moneyOf(after) {
		return nil
	}
	e := event.New(ctx, s.Now(), "payment."+eventName(after.Status), "Payment", after.ID, map[string]any{
		"orderId": after.OrderID, "gateway": after.Gateway, "from": before.Status, "to": after.Status, "currency": after.Currency,
		"amount": after.AmountMinor, "authorised": after.AuthorisedMinor, "captured": after.CapturedMinor, "refunded": after.RefundedMinor, "asPoints": after.AsPointsMinor,
		"failureCode": after.FailureCode,
	})
	e.BrandID = after.BrandID
	return s.Events.Record(ctx, e)
}

func eventName(status Status) string {
	switch status {
	case StatusAuthorised:
		return "authorised"
	case StatusCaptured:
		return "captured"
	case StatusPartlyRefunded, StatusRefunded:
		return "refunded"
	case StatusFailed:
		return "failed"
	case StatusCancelled:
		return "cancelled"
	}
	return "changed"
}

// thank tells the customer that the money has come in, and when the order that waited for
// it is there.
func (s *Service) thank(ctx context.Context, due Due, p Payment, told Told) error {
	if due.Email == "" {
		return nil
	}
	return s.mail(ctx, due, p.ID.String(), messaging.PaymentReceived{
		Name: due.Name, OrderNumber: due.Number, Amount: p.CapturedMinor, Currency: p.Currency,
		Short: max(0, p.AmountMinor-p.CapturedMinor), Over: max(0, p.CapturedMinor-p.AmountMinor),
		PromisedOn: told.PromisedOn, DeliverOn: told.DeliverOn, Band: told.Band,
	})
}

func (s *Service) mail(ctx context.Context, due Due, occasion string, content messaging.Content) error {
	m, err := messaging.New(i18n.WithLanguage(ctx, due.Language), messaging.Address{Name: due.Name, Email: due.Email}, occasion, content)
	if err != nil {
		return err
	}
	m.BrandID = due.BrandID
	return s.Outbox.Enqueue(ctx, m)
}
