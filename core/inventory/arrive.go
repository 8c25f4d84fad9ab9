package inventory

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/page"
)

// ArrivedLineInput is how many pieces of a line have arrived in all.
type ArrivedLineInput struct {
	VariantID uuid.UUID
	Arrived   int
	Lots      []LotPieces // of what arrives anew
}

// ReceiveTransferInput is what has arrived of a transfer. The numbers are sums, so
// that saying the same again changes nothing.
type ReceiveTransferInput struct {
	IdempotencyKey string
	TransferID     uuid.UUID
	Lines          []ArrivedLineInput
}

// ReceiveTransfer books what arrived, once for each key. When nothing is missing the
// transfer has arrived.
func (k *Keeper) ReceiveTransfer(ctx context.Context, in ReceiveTransferInput) (*Transfer, error) {
	return k.step(ctx, intent{"receiveStockTransfer", in.IdempotencyKey, in}, in.TransferID, func(ctx context.Context, t *Transfer, lines []TransferLine) error {
		if !access.WorksAt(ctx, t.ToID) {
			return fault.ErrForbidden
		}
		arrived := map[uuid.UUID]ArrivedLineInput{}
		for _, l := range in.Lines {
			arrived[l.VariantID] = l
		}
		var shifts []Shift
		missing := 0
		for i := range lines {
			l := &lines[i]
			if line, said := arrived[l.VariantID]; said {
				all := line.Arrived
				if all < l.Arrived || all > l.Quantity {
					return ErrArrived.At("lines")
				}
				if more := all - l.Arrived; more > 0 {
					shifts = append(shifts, Shift{Place{l.VariantID, t.ToID}, more, -more, line.Lots})
				}
				l.Arrived = all
				delete(arrived, l.VariantID)
			}
			missing += l.Missing()
		}
		if len(arrived) > 0 {
			return fault.ErrNotFound.At("lines")
		}
		if missing == 0 {
			t.State = Arrived
		}
		return k.advance(ctx, t, "transfer.received", lines, shifts)
	})
}

// CloseTransferInput ends a transfer of which something is missing.
type CloseTransferInput struct {
	IdempotencyKey string
	TransferID     uuid.UUID
	// Returned says that the rest is back where it came from; else it is lost.
	Returned bool
}

// CloseTransfer ends a transfer of which something never arrived, once for each key. What
// is back, those say who sent it; what is lost, those who wait for it may say too.
func (k *Keeper) CloseTransfer(ctx context.Context, in CloseTransferInput) (*Transfer, error) {
	return k.step(ctx, intent{"closeStockTransfer", in.IdempotencyKey, in}, in.TransferID, func(ctx context.Context, t *Transfer, lines []TransferLine) error {
		if !access.WorksAt(ctx, t.FromID) && (in.Returned || !access.WorksAt(ctx, t.ToID)) {
			return fault.ErrForbidden
		}
		t.State = Lost
		if in.Returned {
			t.State = Returned
		}
		var shifts []Shift
		for _, l := range lines {
			if l.Missing() == 0 {
				continue
			}
			shifts = append(shifts, Shift{Place: Place{l.VariantID, t.ToID}, Incoming: -l.Missing()})
			if in.Returned {
				shifts = append(shifts, Shift{Place: Place{l.VariantID, t.FromID}, OnHand: l.Missing()})
			}
		}
		return errors.Join(k.advance(ctx, t, "transfer.closed", lines, shifts), k.arrivesOtherwise(ctx, *t, *t, lines))
	})
}

// RescheduleTransferInput says anew when a transfer arrives; nil: nobody knows.
type RescheduleTransferInput struct {
	TransferID uuid.UUID
	ExpectedOn *time.Time
}

// RescheduleTransfer notes another day for a transfer in transit, for those who sent it or
// wait for it: orders that wait for its goods are promised another, too.
func (k *Keeper) RescheduleTransfer(ctx context.Context, in RescheduleTransferInput) (*Transfer, error) {
	if err := access.Require(ctx, access.InventoryWrite); err != nil {
		return nil, err
	}
	var changed *Transfer
	err := k.Tx.InTx(ctx, func(ctx context.Context) error {
		t, lines, err := k.inTransit(ctx, in.TransferID)
		if err != nil {
			return err
		}
		if !access.WorksAt(ctx, t.FromID) && !access.WorksAt(ctx, t.ToID) {
			return fault.ErrForbidden
		}
		before := *t
		changed = t
		if t.ExpectedOn = in.ExpectedOn; sameDay(before.ExpectedOn, t.ExpectedOn) {
			return nil
		}
		t.UpdatedAt = k.Now()
		return errors.Join(
			k.Transfers.SaveTransfer(ctx, *t, lines), k.Events.Record(ctx, k.happened(ctx, "transfer.rescheduled", *t, lines)),
			k.arrivesOtherwise(ctx, before, *t, lines))
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// inTransit is a transfer of the brand that has not ended, locked, with its lines.
func (k *Keeper) inTransit(ctx context.Context, transferID uuid.UUID) (*Transfer, []TransferLine, error) {
	t, err := k.Transfers.LockTransfer(ctx, channel.From(ctx).BrandID, transferID)
	switch {
	case err != nil:
		return nil, nil, err
	case t == nil:
		return nil, nil, fault.ErrNotFound.At("transferId")
	case t.State != InTransit:
		return nil, nil, ErrTransferOver.At("transferId")
	}
	lines, err := k.Transfers.TransferLines(ctx, []uuid.UUID{t.ID})
	return t, lines, err
}

// intent is what somebody wants to be done once.
type intent struct {
	operation, key string
	input          any
}

// step lets f act on a transfer in transit, once for each key.
func (k *Keeper) step(ctx context.Context, in intent, transferID uuid.UUID, f func(ctx context.Context, t *Transfer, lines []TransferLine) error) (*Transfer, error) {
	if err := access.Require(ctx, access.InventoryWrite); err != nil {
		return nil, err
	}
	brandID := channel.From(ctx).BrandID
	return idempotency.OnceRead(ctx, k.Keys, in.operation, in.key, in.input, func(ctx context.Context) (*Transfer, error) {
		t, lines, err := k.inTransit(ctx, transferID)
		if err != nil {
			return nil, err
		}
		return t, f(ctx, t, lines)
	}, func(ctx context.Context) (*Transfer, error) { return k.Transfers.Transfer(ctx, brandID, transferID) })
}

// advance writes a transfer down and moves the stock. A step without effect leaves
// no trace.
func (k *Keeper) advance(ctx context.Context, t *Transfer, what string, lines []TransferLine, shifts []Shift) error {
	if len(shifts) == 0 && t.State == InTransit {
		return nil
	}
	t.UpdatedAt = k.Now()
	if err := k.Transfers.SaveTransfer(ctx, *t, lines); err != nil {
		return err
	}
	return k.shift(ctx, k.moving(ctx, *t), shifts, k.happened(ctx, what, *t, lines))
}

// Transfer is a transfer of the brand; nil if there is none.
func (k *Keeper) Transfer(ctx context.Context, transferID uuid.UUID) (*Transfer, error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return nil, err
	}
	return k.Transfers.Transfer(ctx, channel.From(ctx).BrandID, transferID)
}

// ListTransfers is one page of the brand's transfers, the last sent first; staff of a shop
// see those from and to it.
func (k *Keeper) ListTransfers(ctx context.Context, f TransferFilter, args page.Args) (page.Connection[Transfer], error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return page.Connection[Transfer]{}, err
	}
	var narrowed bool
	if f.Stores, narrowed = access.StoresOf(ctx); narrowed && len(f.Stores) == 0 {
		return page.Connection[Transfer]{}, nil
	}
	f.Today = k.Now()
	return k.Transfers.Transfers(ctx, channel.From(ctx).BrandID, f, args)
}

// TransferLines are what many transfers carry.
func (k *Keeper) TransferLines(ctx context.Context, transferIDs []uuid.UUID) ([]TransferLine, error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return nil, err
	}
	return k.Transfers.TransferLines(ctx, transferIDs)
}
