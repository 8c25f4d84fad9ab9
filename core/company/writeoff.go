package company

import (
	"context"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/money"
)

// ErrWriteOff says that more would be written off than the company owes.
var ErrWriteOff = fault.Conflict("WRITE_OFF_EXCEEDS_DEBT", "貸倒額が売掛残高（%s）を超えています", "The company owes %s only")

// WriteOffInput is what a company will not pay any more.
type WriteOffInput struct {
	IdempotencyKey string
	CompanyID      uuid.UUID
	Amount         decimal.Decimal
	Reason         string
}

// WriteOff gives up a part of what a company owes (貸倒れ), for accountants, once for
// each key.
func (s *Service) WriteOff(ctx context.Context, in WriteOffInput) (*Received, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingWrite); err != nil {
		return nil, err
	}
	switch {
	case !in.Amount.IsPositive():
		return nil, errAmount.At("amount")
	case tidy(in.Reason) == "":
		return nil, fault.ErrRequired.At("reason")
	case utf8.RuneCountInString(in.Reason) > maxReference:
		return nil, customer.ErrTooLong.With(maxReference).At("reason")
	}
	brandID := channel.From(ctx).BrandID
	entryID, err := idempotency.Once(ctx, s.Keys, "writeOffAccount", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		c, amount, err := s.owing(ctx, brandID, in.CompanyID, in.Amount)
		if err != nil {
			return uuid.Nil, err
		}
		if amount > c.UsedMinor {
			return uuid.Nil, ErrWriteOff.With(money.Of(max(c.UsedMinor, 0), c.Currency)).At("amount")
		}
		entry := s.entry(ctx, c.ID, EntryWriteOff, -amount)
		entry.Reference = tidy(in.Reason)
		return s.settle(ctx, *c, entry, s.Books.WrittenOff)
	})
	if err != nil {
		return nil, err
	}
	return s.received(ctx, entryID, in.CompanyID)
}
