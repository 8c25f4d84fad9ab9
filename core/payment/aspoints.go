package payment

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/points"
)

// Loyalty gives members points in the place of money that goes back.
type Loyalty interface {
	// InPlace is how many points of the programme, or of the brand's own if none is named,
	// an amount is: as much of it as makes whole points.
	InPlace(ctx context.Context, programmeID *uuid.UUID, amount money.Money) (points.InPlace, error)
	// Reimburse gives them to the member, in the transaction, once for its key.
	Reimburse(ctx context.Context, r points.Reimbursement) error
}

// Failures of money that shall go back as points.
var (
	ErrPointsUnit = fault.Conflict("POINTS_REFUND_UNIT", "ポイントで返金できる金額の単位に合いません（%sまで可能です）", "The amount does not make whole points; %s of it does")
	ErrPointsPaid = fault.Conflict("POINTS_PAID", "ポイントでのお支払い分は通常の返金でポイントに戻ります", "Points paid it; a plain refund gives them back")
)

// asPoints gives an amount of a payment back as points, at once: the money stays, and is
// owed for the points instead.
func (s *Service) asPoints(ctx context.Context, due Due, all []Payment, p Payment, in RefundInput, amount int64) (Payment, error) {
	if p.Method == MethodPoints {
		return p, ErrPointsPaid.At("paymentId")
	}
	given, err := s.inPlace(ctx, due, in.ProgrammeID, amount)
	if err != nil {
		return p, err
	}
	if given.Minor != amount {
		return p, ErrPointsUnit.With(money.Of(given.Minor, p.Currency)).At("amount")
	}
	op := s.refundOperation(p, amount, in)
	if err := s.reimburse(ctx, due, given, op.ID, in.Reason); err != nil {
		return p, err
	}
	return s.takeAsPoints(ctx, due, all, p, op, given)
}

// inPlace is what an amount is in points for the order's member.
func (s *Service) inPlace(ctx context.Context, due Due, programmeID *uuid.UUID, amount int64) (points.InPlace, error) {
	if due.MemberID == nil {
		return points.InPlace{}, points.ErrGuest.At("asPoints")
	}
	if s.Loyalty == nil {
		return points.InPlace{}, points.ErrProgramme.At("programmeId")
	}
	given, err := s.Loyalty.InPlace(ctx, programmeID, money.Of(amount, due.Currency))
	return given, at("programmeId", err)
}

// reimburse gives the order's member the points, once for the cause, and says so.
func (s *Service) reimburse(ctx context.Context, due Due, given points.InPlace, causeID uuid.UUID, reason string) error {
	if err := s.Loyalty.Reimburse(ctx, points.Reimbursement{
		InPlace: given, MemberID: *due.MemberID, OrderID: due.OrderID, Key: "refund:" + causeID.String(), Reason: reason,
	}); err != nil || due.Email == "" {
		return err
	}
	return s.mail(ctx, due, causeID.String(), messaging.RefundedAsPoints{
		Name: due.Name, OrderNumber: due.Number, Programme: given.Programme.Name.In(due.Language), Points: given.Points, Worth: given.Minor, Currency: due.Currency,
	})
}

// refundOperation is money that goes back, not yet written down.
func (s *Service) refundOperation(p Payment, amount int64, in RefundInput) Operation {
	return Operation{
		ID: id.New(), PaymentID: p.ID, Kind: OperationRefund, Status: OperationOutstanding, AmountMinor: amount,
		ClientKey: in.IdempotencyKey, Reason: in.Reason, CreatedAt: s.Now(),
	}
}

// takeAsPoints writes down what of a payment was given as points.
func (s *Service) takeAsPoints(ctx context.Context, due Due, all []Payment, p Payment, op Operation, given points.InPlace) (Payment, error) {
	now := s.Now()
	op.Status, op.AnsweredAt, op.Points = OperationDone, &now, given.Points
	if err := s.Store.InsertOperation(ctx, op); err != nil {
		return p, err
	}
	after := p
	after.RefundedMinor, after.AsPointsMinor, after.UpdatedAt = p.RefundedMinor+op.AmountMinor, p.AsPointsMinor+op.AmountMinor, now
	after.settleStatus()
	return after, s.saveFrom(ctx, due, all, p, after, now, ledger.Place{Account: ledger.Points, Sub: given.Programme.Code})
}

// InPoints is how much of what goes back for goods is given as points.
type InPoints struct {
	Minor *int64 // nil: as much as makes whole points
}

// pointed says how much of each payment's part goes back as points, the newest payment
// first, and gives the points: what points had paid goes back to them by itself.
func (s *Service) pointed(ctx context.Context, due Due, all []Payment, parts []int64, in GiveBackInput) (shares []int64, given points.InPlace, err error) {
	shares = make([]int64, len(all))
	if in.AsPoints == nil {
		return shares, given, nil
	}
	var most int64
	for i, p := range all {
		if p.Method != MethodPoints {
			most += parts[i]
		}
	}
	want := most
	if in.AsPoints.Minor != nil {
		want = *in.AsPoints.Minor
	}
	switch {
	case want > most:
		return nil, given, ErrRefundTooMuch.At("asPoints")
	case want == 0:
		return shares, given, nil
	}
	if given, err = s.inPlace(ctx, due, nil, want); err != nil {
		return nil, given, err
	}
	if in.AsPoints.Minor != nil && given.Minor != want {
		return nil, given, ErrPointsUnit.With(money.Of(given.Minor, due.Currency)).At("asPoints")
	}
	if given.Points == 0 {
		return shares, given, nil
	}
	left := given.Minor
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Method != MethodPoints {
			shares[i] = min(parts[i], left)
			left -= shares[i]
		}
	}
	return shares, given, s.reimburse(ctx, due, given, in.CauseID, "RETURN "+in.Reference)
}
