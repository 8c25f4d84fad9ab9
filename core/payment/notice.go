package payment

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
)

// NoticeOutcome is what became of a webhook.
type NoticeOutcome string

// The outcomes of a webhook that was signed and understood.
const (
	NoticeApplied  NoticeOutcome = "APPLIED"
	NoticeReplayed NoticeOutcome = "REPLAYED" // seen before; nothing was done
	NoticeIgnored  NoticeOutcome = "IGNORED"  // about nothing of ours
	NoticeStray    NoticeOutcome = "STRAY"    // money that no payment expects; staff look at it
	NoticeLate     NoticeOutcome = "LATE"     // money for an order that was given up; it goes back
)

// HandleNotice takes in a webhook of the gateway: its signature is checked, each
// event counts once, and events out of order never move a payment back. An
// unproven origin is ErrUnsigned; after any other error the gateway shall send again.
func (s *Service) HandleNotice(ctx context.Context, gateway string, body []byte, signature string) (NoticeOutcome, error) {
	g, err := s.byName(gateway)
	if err != nil {
		return "", err
	}
	listener, ok := g.(Listener)
	if !ok {
		return "", ErrNoGateway
	}
	n, err := listener.Interpret(body, signature)
	if err != nil {
		return "", err
	}
	if n.Answer.Reference == "" {
		return NoticeIgnored, nil
	}
	outcome := NoticeIgnored
	err = s.Tx.InTx(access.With(ctx, access.System), func(ctx context.Context) (err error) {
		outcome, err = s.take(ctx, gateway, n)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("take in event %s: %w", n.EventID, err)
	}
	return outcome, nil
}

func (s *Service) take(ctx context.Context, gateway string, n Notice) (NoticeOutcome, error) {
	found, err := s.addressee(ctx, gateway, n)
	if err != nil || (found == nil && (!n.Exclusive || n.Answer.Captured == 0)) {
		return NoticeIgnored, err
	}
	fresh, err := s.Store.InsertNotice(ctx, gateway, n, s.Now())
	if err != nil || !fresh {
		return NoticeReplayed, err
	}
	if found == nil {
		return NoticeStray, s.stray(ctx, gateway, nil, n.Answer, StrayUnknown)
	}
	due, all, err := s.hold(ctx, found.OrderID, false)
	if err != nil {
		return "", err
	}
	p, ok := among(all, found.ID)
	if !ok {
		return NoticeIgnored, nil
	}
	outcome := NoticeApplied
	switch {
	case p.unlike(n.Answer) != "":
		outcome = NoticeStray
	case due.Cancelled && n.Answer.Captured > 0:
		outcome = NoticeLate
	}
	_, err = s.advance(ctx, due, all, p, n.Answer)
	return outcome, err
}

// addressee is the payment that a notice is about: the one whose id it carries,
// since it may arrive before our own call has been answered, else by reference.
func (s *Service) addressee(ctx context.Context, gateway string, n Notice) (*Payment, error) {
	if n.PaymentID != uuid.Nil {
		p, err := s.Store.Payment(ctx, n.PaymentID)
		if err != nil || p == nil || p.Gateway != gateway {
			return nil, err
		}
		return p, nil
	}
	return s.Store.ByReference(ctx, gateway, n.Answer.Reference)
}
