package payment

import (
	"bytes"
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prepaid"
)

// PointTenders are members' points that pay for orders.
type PointTenders interface {
	// Price is what the points of the context's actor pay of an amount, and what is left.
	Price(ctx context.Context, uses []points.UseInput, total money.Money) ([]points.Tender, int64, error)
	// Spend takes them off the member's accounts, or fails with points.ErrShort.
	Spend(ctx context.Context, tenders []points.Tender) error
}

// Purse is the gift cards and vouchers that pay for orders.
type Purse interface {
	// Tried fails when a code cannot be one, and when the actor has tried too many.
	Tried(ctx context.Context, codes prepaid.Codes) error
	// Hold locks the codes until the transaction ends, and says which of them do not pay.
	Hold(ctx context.Context, codes prepaid.Codes, currency money.Currency) ([]prepaid.Held, error)
	// Spend takes what held codes pay off them.
	Spend(ctx context.Context, uses []prepaid.Use) error
	// Lock locks what was used of the brand before, as Hold would.
	Lock(ctx context.Context, brandID uuid.UUID, used []prepaid.Held) error
}

// OwnInput is points and codes that pay for an order that stands, shown to staff.
type OwnInput struct {
	OrderID uuid.UUID
	Member  access.Actor // whose points they are
	Points  []points.UseInput
	prepaid.Codes
	IdempotencyKey string
}

// owned are points and codes, and who uses them.
type owned struct {
	points []points.UseInput
	codes  prepaid.Codes
	by     access.Actor
}

func (o owned) none() bool { return len(o.points) == 0 && o.codes.NoCodes() }

// PayOwn lets points, gift cards and vouchers pay what an order still owes, as far as they go, for
// staff to whom they were shown: at once or not at all, once for the key. Points are
// those of the order's own member.
func (s *Service) PayOwn(ctx context.Context, in OwnInput) error {
	if err := errors.Join(access.Require(ctx, access.OrderWrite), checkKey(in.IdempotencyKey)); err != nil {
		return err
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		due, all, err := s.hold(ctx, in.OrderID, true)
		if err != nil {
			return err
		}
		if len(in.Points) > 0 && (due.MemberID == nil || *due.MemberID != in.Member.ID) {
			return points.ErrGuest.At("memberCode")
		}
		hash := hashOf(in)
		earlier, err := s.Store.OperationByClientKey(ctx, in.OrderID, in.IdempotencyKey)
		switch {
		case err != nil:
			return err
		case earlier != nil && !bytes.Equal(earlier.InputHash, hash):
			return idempotency.ErrReused.At("idempotencyKey")
		case earlier != nil:
			return nil
		}
		if err := payable(due, all); err != nil {
			return err
		}
		_, operations, err := s.payOwn(ctx, due, all, owned{in.Points, in.Codes, in.Member})
		if err != nil {
			return err
		}
		return s.writeOwn(ctx, operations, in.IdempotencyKey, hash)
	})
}

// payOwn lets points pay what an order still owes, then codes, as far as they go. It
// answers all payments of the order, and what was done, not yet written down. Codes are
// locked before points, as when an order is placed.
func (s *Service) payOwn(ctx context.Context, due Due, all []Payment, o owned) ([]Payment, []Operation, error) {
	if o.none() {
		return all, nil, nil
	}
	if s.PointTenders == nil || s.Purse == nil {
		return nil, nil, ErrMethodUnavailable.At("points")
	}
	owes := money.Of(due.Amount-max(TotalsOf(all).Secured(), 0), due.Currency)
	held, err := s.Purse.Hold(ctx, o.codes, due.Currency)
	if err != nil {
		return nil, nil, err
	}
	tenders, left, err := s.PointTenders.Price(access.With(ctx, o.by), o.points, owes)
	if err != nil {
		return nil, nil, err
	}
	if left == 0 && len(held) > 0 {
		return nil, nil, points.ErrAboveTotal.At("points") // nothing is left for the codes
	}
	uses, _ := prepaid.Share(held, left)
	given := make([]Payment, 0, len(tenders)+len(uses))
	in := OpenInput{OrderID: due.OrderID, BrandID: due.BrandID, OrderNumber: due.Number, Currency: due.Currency}
	for i := range tenders {
		t := &tenders[i]
		in.Amount = t.Minor
		p := s.GivenPoints(in, t.Programme.ID, t.Programme.Code).Payment
		t.OrderID, t.PaymentID, given = due.OrderID, p.ID, append(given, p)
	}
	for i := range uses {
		u := &uses[i]
		in.Amount = u.Minor
		p := s.Given(in, u.Held).Payment
		u.OrderID, u.PaymentID, given = due.OrderID, p.ID, append(given, p)
	}
	if err := s.PointTenders.Spend(ctx, tenders); err != nil {
		return nil, nil, at("points", err)
	}
	if err := s.Purse.Spend(ctx, uses); err != nil {
		return nil, nil, err
	}
	return s.receiveOwn(ctx, due, all, given)
}

// receiveOwn writes down what points and codes have paid.
func (s *Service) receiveOwn(ctx context.Context, due Due, all, given []Payment) ([]Payment, []Operation, error) {
	operations := make([]Operation, 0, len(given))
	for _, p := range given {
		open := p
		open.Status, open.CapturedMinor = StatusPending, 0
		if err := s.Store.Insert(ctx, open); err != nil {
			return nil, nil, err
		}
		all = append(all, open)
		if err := s.save(ctx, due, all, open, p); err != nil {
			return nil, nil, err
		}
		if err := s.dropOthers(ctx, due, all, p); err != nil {
			return nil, nil, err
		}
		now := p.CreatedAt
		operations = append(operations, Operation{
			ID: id.New(), PaymentID: p.ID, Kind: OperationStart, Status: OperationDone, AmountMinor: p.AmountMinor, CreatedAt: now, AnsweredAt: &now,
		})
	}
	return all, operations, nil
}

// writeOwn writes down what was done, the first under the client's key if there is one.
func (s *Service) writeOwn(ctx context.Context, all []Operation, key string, hash []byte) error {
	for i, op := range all {
		if i == 0 {
			op.ClientKey, op.InputHash = key, hash
		}
		if err := s.Store.InsertOperation(ctx, op); err != nil {
			return err
		}
	}
	return nil
}
