package importing

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

const (
	smallCommit  = 1000 // changes that are committed while the caller waits
	relistStep   = 500  // products whose listings follow in one transaction
	turnsAwaited = 1000 // moments that are awaited one by one; the regular round sees the others
)

// PriceRunInput names a run.
type PriceRunInput struct{ ID uuid.UUID }

// Commit puts a previewed file in force as a whole, at once if it is small, else by a
// job. Where prices that it touches have changed since the preview it is
// ErrPreviewStale. Committed again it does nothing.
func (s *Prices) Commit(ctx context.Context, in PriceRunInput) (*PriceRun, error) {
	run, err := s.commit(ctx, in.ID, func(ctx context.Context, run *PriceRun) error {
		if run.changes() > smallCommit {
			return s.Store.EnqueuePrices(ctx, PriceJob{RunID: run.ID})
		}
		return s.apply(ctx, run)
	})
	return run, s.stale(ctx, in.ID, err)
}

// CommitNow is Commit for who can wait however large the file is.
func (s *Prices) CommitNow(ctx context.Context, runID uuid.UUID) (*PriceRun, error) {
	run, err := s.commit(ctx, runID, func(context.Context, *PriceRun) error { return nil })
	if err != nil || run.State != PricesCommitting {
		return run, err
	}
	return s.finish(ctx, runID)
}

// commit lets a previewed run be committed, in one transaction with f.
func (s *Prices) commit(ctx context.Context, runID uuid.UUID, f func(context.Context, *PriceRun) error) (*PriceRun, error) {
	actor := access.From(ctx)
	return s.change(ctx, runID, func(ctx context.Context, run *PriceRun) error {
		switch run.State {
		case PricesCommitting, PricesCommitted:
			return nil
		case PricesStale:
			return ErrPreviewStale.At("id")
		case PricesPreviewed:
		default:
			return ErrNotPreviewed.At("id")
		}
		if !actor.May(access.PricingBelow) {
			if below, err := s.Store.BelowStaged(ctx, run.ID); err != nil || below {
				return errors.Join(err, pricing.ErrBelowFloor.At("id"))
			}
		}
		run.State = PricesCommitting
		run.MayBelow = run.MayBelow && actor.May(access.PricingBelow)
		if actor.ID != uuid.Nil {
			run.CommittedBy = &actor.ID
		}
		return f(ctx, run)
	})
}

// Discard gives a file up; what it would have changed stays to be read.
func (s *Prices) Discard(ctx context.Context, in PriceRunInput) (*PriceRun, error) {
	return s.change(ctx, in.ID, func(ctx context.Context, run *PriceRun) error {
		switch run.State {
		case PricesDiscarded:
			return nil
		case PricesCommitting, PricesCommitted:
			return ErrNotPreviewed.At("id")
		}
		now := s.Now()
		run.State, run.FinishedAt = PricesDiscarded, &now
		return errors.Join(s.Store.ForgetPriceFile(ctx, run.ID), s.record(ctx, "prices.import_discarded", run))
	})
}

// change lets f act on a run of the channel and keeps it.
func (s *Prices) change(ctx context.Context, runID uuid.UUID, f func(context.Context, *PriceRun) error) (*PriceRun, error) {
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return nil, err
	}
	var run *PriceRun
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		ch := channel.From(ctx)
		found, err := s.Store.LockPriceRun(ctx, ch.BrandID, runID)
		if err != nil {
			return err
		}
		if found == nil || found.ChannelID != ch.ID {
			return fault.ErrNotFound.At("id")
		}
		run = found
		if err := f(ctx, run); err != nil {
			return err
		}
		return s.Store.SavePriceRun(ctx, *run)
	})
	if err != nil {
		return nil, err
	}
	return run, nil
}

// finish brings a run that is being committed to its end: the prices in one
// transaction, the listings after them in many.
func (s *Prices) finish(ctx context.Context, runID uuid.UUID) (*PriceRun, error) {
	var run *PriceRun
	err := s.Store.InTx(ctx, func(ctx context.Context) (err error) {
		if run, err = s.Store.LockPriceRun(ctx, channel.From(ctx).BrandID, runID); err != nil || run == nil {
			return err
		}
		if run.State != PricesCommitting || run.Applied {
			return nil
		}
		return errors.Join(s.enforce(acting(ctx, run.CommittedBy, run.MayBelow), run), s.Store.SavePriceRun(ctx, *run))
	})
	if err != nil || run == nil || run.State != PricesCommitting {
		return run, s.stale(ctx, runID, err)
	}
	if err := s.follow(ctx, run); err != nil {
		return run, err
	}
	return run, s.Store.SavePriceRun(ctx, *run)
}

// apply does all of a commit in the transaction of the context.
func (s *Prices) apply(ctx context.Context, run *PriceRun) error {
	if err := s.enforce(ctx, run); err != nil {
		return err
	}
	return s.follow(ctx, run)
}

// enforce puts the staged changes in force, or is ErrPreviewStale and changes nothing.
func (s *Prices) enforce(ctx context.Context, run *PriceRun) (err error) {
	now := s.Now()
	if run.Kind == RatePrices {
		err = s.enforceRates(ctx, run)
	} else {
		err = s.enforcePrices(ctx, run)
	}
	if err != nil {
		return err
	}
	moments, err := s.Store.StagedTurns(ctx, run.ID, now)
	if err != nil {
		return err
	}
	if moments = moments[:min(len(moments), turnsAwaited)]; len(moments) > 0 && s.Turns != nil && run.Kind != RatePrices {
		if err := s.Turns.Schedule(ctx, moments...); err != nil {
			return err
		}
	}
	run.Applied = true
	return s.record(ctx, "prices.imported", run)
}

func (s *Prices) enforcePrices(ctx context.Context, run *PriceRun) error {
	if err := s.floor(ctx, run); err != nil {
		return err
	}
	holders, err := s.Store.ListlessHolders(ctx, run.ID)
	if err != nil {
		return err
	}
	for _, customer := range holders {
		_, err := s.Lists.CustomerList(ctx, customer)
		if errors.Is(err, fault.ErrNotFound) { // closed since
			return ErrPreviewStale.At("id")
		}
		if err != nil {
			return err
		}
	}
	return s.Store.ApplyPrices(ctx, *run, s.Now())
}

// enforceRates saves and closes rates one by one: there are few, and each leaves its event.
func (s *Prices) enforceRates(ctx context.Context, run *PriceRun) error {
	open, err := s.Store.OpenRates(ctx, run.BrandID, true)
	if err != nil {
		return err
	}
	now := map[uuid.UUID]RateState{}
	for _, r := range open {
		now[r.ID] = stateOf(r)
	}
	for behind := 0; ; {
		rows, err := s.Store.StagedRates(ctx, run.ID, behind, relistStep)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			if r.stale(now) {
				return ErrPreviewStale.At("id")
			}
			if err := s.enforceRate(ctx, r); err != nil {
				return err
			}
			behind = r.Line
		}
	}
}

func (r StagedRate) stale(now map[uuid.UUID]RateState) bool {
	if r.OldRate != nil {
		current, there := now[r.OldRate.ID]
		return !there || !current.same(*r.OldRate)
	}
	from := scope.NewWindow(r.Rate.ValidFrom, nil).From
	for _, o := range now {
		if o.Kind == r.Rate.Kind && o.Audience == r.Rate.Audience.Audience() && o.Target == r.Rate.Target.Target() && o.From.Equal(from) {
			return true
		}
	}
	return false
}

func (s *Prices) enforceRate(ctx context.Context, r StagedRate) (err error) {
	switch r.Change {
	case PriceClosed:
		_, err = s.Rates.CloseRate(ctx, pricing.CloseRuleInput{ID: r.OldRate.ID})
	case PriceAdded, PriceChanged:
		_, err = s.Rates.SaveRate(ctx, *r.Rate)
	}
	return err
}

// follow brings the listings in step with prices in force, and ends the run.
func (s *Prices) follow(ctx context.Context, run *PriceRun) error {
	for {
		products, err := s.Store.RepricedProducts(ctx, run.ID, run.Relisted, relistStep)
		if err != nil {
			return err
		}
		if len(products) == 0 {
			break
		}
		err = s.Store.InTx(ctx, func(ctx context.Context) error {
			run.Relisted = products[len(products)-1]
			return errors.Join(s.Shelves.Relist(ctx, s.Now(), products...), s.Store.SavePriceRun(ctx, *run))
		})
		if err != nil {
			return err
		}
	}
	now := s.Now()
	run.State, run.FinishedAt = PricesCommitted, &now
	return nil
}

// stale marks a run whose preview no longer holds; err goes on.
func (s *Prices) stale(ctx context.Context, runID uuid.UUID, err error) error {
	if !errors.Is(err, ErrPreviewStale) {
		return err
	}
	marked := s.Store.InTx(ctx, func(ctx context.Context) error {
		run, err := s.Store.LockPriceRun(ctx, channel.From(ctx).BrandID, runID)
		if err != nil || run == nil || run.State != PricesPreviewed && run.State != PricesCommitting || run.Applied {
			return err
		}
		now := s.Now()
		run.State, run.FinishedAt, run.Failure = PricesStale, &now, ErrPreviewStale.EN
		return s.Store.SavePriceRun(ctx, *run)
	})
	return errors.Join(err, marked)
}

func (s *Prices) record(ctx context.Context, what string, run *PriceRun) error {
	return s.Events.Record(ctx, event.New(ctx, s.Now(), what, "PriceImport", run.ID, map[string]any{
		"file": run.FileName, "kind": run.Kind, "sentBy": run.ActorID, "committedBy": run.CommittedBy, "counts": run.Counts,
	}))
}
