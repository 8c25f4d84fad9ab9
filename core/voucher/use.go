package voucher

import (
	"context"
	"encoding/hex"
	"errors"
	"strconv"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/prepaid"
)

// RedeemInput uses a code, whole or in part.
type RedeemInput struct {
	IdempotencyKey string
	Code           string
	Amount         *decimal.Decimal // major units; nil: all that is left
	Place          Place
	Reference      string // the receipt, order or event
}

// Redemption is what a use of a code came to.
type Redemption struct {
	VoucherID uuid.UUID
	Minor     int64
	Currency  money.Currency
	Voucher   Voucher `json:"-"`
}

// Amount is what the code paid; nil if it is not worth money.
func (r Redemption) Amount() *money.Money { return worth(r.Voucher.ValueMinor, r.Minor, r.Currency) }

// Redeem uses a code at a shop, in an online shop or at an event, once for each key
// (staff, tills and partners with VOUCHER_REDEEM). Of two at once one succeeds: the code
// is locked.
func (s *Service) Redeem(ctx context.Context, in RedeemInput) (*Redemption, error) {
	if err := access.Require(ctx, access.VoucherRedeem); err != nil {
		return nil, err
	}
	if err := i18n.CheckString("reference", in.Reference, maxText); err != nil {
		return nil, err
	}
	normal, err := prepaid.Vouchers.Read(in.Code)
	if err != nil { // which tells nothing of which codes there are
		return nil, ErrMistyped.At("code")
	}
	if err := s.admitted(ctx); err != nil {
		return nil, err
	}
	hashes, err := s.Sealer.Hashes(ctx, "voucher", hashed(brandOf(ctx), normal))
	if err != nil {
		return nil, err
	}
	asked := in
	asked.Code = ""
	if len(hashes) > 0 {
		asked.Code = hex.EncodeToString(hashes[len(hashes)-1]) // the key's input is kept: not the code, and under the oldest key, which stays
	}
	unknown := false
	done, err := idempotency.Once(ctx, s.Keys, "redeemVoucher", in.IdempotencyKey, asked, func(ctx context.Context) (Redemption, error) {
		all, err := s.Store.LockByHash(ctx, brandOf(ctx), hashes)
		if err != nil || len(all) == 0 {
			unknown = err == nil
			return Redemption{}, orErr(err, ErrUnknown.At("code"))
		}
		return s.use(ctx, all[0].Voucher, in)
	})
	if unknown {
		return nil, atCode(s.wrong(ctx))
	}
	if err != nil {
		return nil, err
	}
	now, err := s.Store.ByHash(ctx, brandOf(ctx), hashes)
	if err != nil || len(now) == 0 {
		return nil, orErr(err, ErrUnknown.At("code"))
	}
	done.Voucher = now[0].Voucher
	done.Voucher.At = s.Now()
	return &done, nil
}

// atCode names the input's field, of a wrong code.
func atCode(err error) error {
	if errors.Is(err, ErrUnknown) {
		return ErrUnknown.At("code")
	}
	return err
}

// use takes what is asked for off a locked voucher.
func (s *Service) use(ctx context.Context, v Voucher, in RedeemInput) (Redemption, error) {
	v.At = s.Now()
	if problem := v.problem(); problem != nil {
		return Redemption{}, problem.At("code")
	}
	minor, err := v.asked(in.Amount)
	if err != nil {
		return Redemption{}, err
	}
	v.take(minor)
	e := s.entry(ctx, v, EntryRedeem, minor)
	e.Place, e.Reference = in.Place, in.Reference
	if err := s.Store.Update(ctx, []Voucher{v}, []Entry{e}); err != nil {
		return Redemption{}, err
	}
	if err := s.book(ctx, Batch{BrandID: v.BrandID, Currency: v.Currency}, ledger.VouchersUsed, e.ID, minor, in.Reference); err != nil {
		return Redemption{}, err
	}
	return Redemption{VoucherID: v.ID, Minor: minor, Currency: v.Currency}, s.record(ctx, "voucher.redeemed", "Voucher", v.ID, map[string]any{
		"amount": minor, "left": v.BalanceMinor, "place": in.Place, "reference": in.Reference,
	})
}

// asked is how much of the voucher is used.
func (v Voucher) asked(amount *decimal.Decimal) (int64, error) {
	switch {
	case v.ValueMinor == 0 && amount != nil:
		return 0, ErrWhole.At("amount")
	case amount == nil:
		return v.BalanceMinor, nil
	}
	m, err := money.Parse(*amount, v.Currency)
	switch {
	case err != nil, m.Minor < 1, m.Minor > maxMinor:
		return 0, ErrValue.With(money.Of(maxMinor, v.Currency)).At("amount")
	case m.Minor > v.BalanceMinor:
		return 0, ErrShort.With(money.Of(v.BalanceMinor, v.Currency)).At("amount")
	}
	return m.Minor, nil
}

func (s *Service) entry(ctx context.Context, v Voucher, kind EntryKind, minor int64) Entry {
	e := Entry{ID: id.New(), VoucherID: v.ID, Kind: kind, AmountMinor: minor, Currency: v.Currency, At: s.Now()}
	if actor := access.From(ctx).ID; actor != uuid.Nil {
		e.ActorID = &actor
	}
	return e
}

// Assign hands codes of a batch to a member for an exchange, each once; ErrNone if there
// are not so many. Who asks has begun the transaction.
func (s *Service) Assign(ctx context.Context, batchID, memberID, exchangeID uuid.UUID, n int) error {
	now := s.Now()
	all, err := s.Store.LockFree(ctx, batchID, now, n)
	if err != nil {
		return err
	}
	if len(all) < n {
		return ErrNone
	}
	for i := range all {
		v := &all[i]
		if v.Secret == "" { // ours: its text follows from the batch's secret
			if v.Secret, err = s.text(ctx, *v); err != nil {
				return err
			}
		}
		v.Kept, v.MemberID, v.ExchangeID, v.UpdatedAt = Assigned, &memberID, &exchangeID, now
		if err := s.record(ctx, "voucher.assigned", "Voucher", v.ID, map[string]any{"memberId": memberID, "exchangeId": exchangeID}); err != nil {
			return err
		}
	}
	return s.Store.Update(ctx, all, nil)
}

// text is the text of one of our vouchers, sealed for who gets it.
func (s *Service) text(ctx context.Context, v Voucher) (string, error) {
	b, err := s.Store.Batch(ctx, v.BatchID)
	if err != nil || b == nil || b.Secret == "" {
		return "", orErr(err, ErrNone)
	}
	secret, err := s.secret(ctx, *b)
	if err != nil {
		return "", err
	}
	return s.Sealer.Seal(ctx, "voucher", v.ID, shown(code(secret, v.Serial)))
}

// Pool reports whether the brand has the batch, and its codes are for prizes.
func (s *Service) Pool(ctx context.Context, batchID uuid.UUID) (bool, error) {
	b, err := s.Store.Batch(ctx, batchID)
	return b != nil && b.BrandID == brandOf(ctx) && b.ForPrizes, err
}

// VoidInput takes codes out of use: those named, or all of a batch.
type VoidInput struct {
	IdempotencyKey string
	IDs            []uuid.UUID
	BatchID        *uuid.UUID
	Reason         string
}

const voidAtOnce = 500

// Void takes codes out of use, and writes off what is on them (staff with VOUCHER_WRITE).
// It answers how many it took; those that were used up or void stay as they are, unless an
// order gave money back to one that was void. The key does each of its rounds once, so that
// one that was broken off goes on, and answers them all.
func (s *Service) Void(ctx context.Context, in VoidInput) (int, error) {
	if err := office(ctx, access.VoucherWrite); err != nil {
		return 0, err
	}
	if in.Reason == "" {
		return 0, fault.ErrRequired.At("reason")
	}
	if err := i18n.CheckString("reason", in.Reason, maxText); err != nil {
		return 0, err
	}
	if (in.BatchID == nil) == (len(in.IDs) == 0) || len(in.IDs) > voidAtOnce {
		return 0, ErrCount.With(voidAtOnce).At("ids")
	}
	total := 0
	for round := 0; ; round++ {
		n, err := idempotency.Once(ctx, s.Keys, "voidVouchers:"+strconv.Itoa(round), in.IdempotencyKey, in, func(ctx context.Context) (int, error) {
			if err := s.made(ctx, in.BatchID); err != nil {
				return 0, err
			}
			return s.forfeit(ctx, EntryVoid, in.Reason, func(ctx context.Context) ([]Voucher, error) {
				return s.Store.LockLive(ctx, brandOf(ctx), in.IDs, in.BatchID, voidAtOnce)
			})
		})
		total += n
		if err != nil || n < voidAtOnce || in.BatchID == nil {
			return total, err
		}
	}
}

// made fails while codes of the batch are being made: those to come would be good. The batch
// is locked.
func (s *Service) made(ctx context.Context, batchID *uuid.UUID) error {
	if batchID == nil {
		return nil
	}
	b, err := s.Store.LockBatch(ctx, brandOf(ctx), *batchID)
	if err == nil && b != nil && b.State == Making {
		err = ErrUnready.At("batchId")
	}
	return err
}

// ExpireJob is the regular job that writes off what is on codes whose time is over.
type ExpireJob struct{}

// Kind is the job's name in the queue.
func (ExpireJob) Kind() string { return "voucher_expire" }

// Expire writes off what is on codes whose time is over (失効).
func (s *Service) Expire(ctx context.Context) error {
	for {
		n, err := s.forfeit(ctx, EntryExpire, "", func(ctx context.Context) ([]Voucher, error) {
			return s.Store.LockExpired(ctx, s.Now(), voidAtOnce)
		})
		if err != nil || n < voidAtOnce {
			return err
		}
	}
}

// forfeit empties the vouchers that lock locks, in one transaction.
func (s *Service) forfeit(ctx context.Context, kind EntryKind, reason string, lock func(ctx context.Context) ([]Voucher, error)) (n int, err error) {
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		all, err := lock(ctx)
		if n = len(all); err != nil || n == 0 {
			return err
		}
		entries := make([]Entry, n)
		sums := map[Batch]int64{}
		for i := range all {
			v := &all[i]
			entries[i] = s.entry(ctx, *v, kind, v.BalanceMinor)
			entries[i].Reference = reason
			sums[Batch{BrandID: v.BrandID, Currency: v.Currency}] += v.BalanceMinor
			if v.BalanceMinor, v.UpdatedAt = 0, s.Now(); kind == EntryVoid {
				v.Kept, v.Reason = Void, reason
			}
		}
		if err := s.Store.Update(ctx, all, entries); err != nil {
			return err
		}
		for b, minor := range sums {
			if err := s.book(ctx, b, ledger.VouchersForfeited, id.New(), minor, reason); err != nil {
				return err
			}
		}
		return s.record(ctx, "vouchers."+map[EntryKind]string{EntryVoid: "voided", EntryExpire: "expired"}[kind], "VoucherBatch", all[0].BatchID, map[string]any{"count": n, "reason": reason})
	})
	return n, err
}
