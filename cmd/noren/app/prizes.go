package app

import (
	"bufio"
	"context"
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/counter"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/draw"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prize"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/segment"
	"github.com/noren-commerce/noren/core/voucher"
	"github.com/noren-commerce/noren/storage/postgres"
)

// newPrizes puts together what members get for their points.
func newPrizes(db *postgres.DB, sealed *sealing.Keys, keys *idempotency.Keys, loyalty *points.Service, segments *segment.Service, members *member.Service, desk *counter.Service, customers *customer.Service, codes prize.Codes, jobs *postgres.Jobs, now clock.Clock) *prize.Service {
	return prize.New(prize.Parts{
		Tx: db, Store: postgres.NewPrizes(db, sealed), Keys: keys, Points: loyalty, Segments: segments, Members: members, Addresses: customers, Codes: codes, Counter: desk,
		Outbox: jobs, Events: postgres.NewEvents(db), Now: now,
	})
}

// newVouchers puts together codes that are worth something once.
func newVouchers(cfg Config, db *postgres.DB, sealed *sealing.Keys, jobs *postgres.Jobs, keys *idempotency.Keys, books *ledger.Books, limiter limit.Limiter, now clock.Clock) (*voucher.Service, error) {
	links, err := link.New(cfg.Secret, "noren voucher codes", cfg.PublicURL, voucher.LinkPath, now)
	return voucher.New(voucher.Parts{
		Tx: db, Store: postgres.NewVouchers(db), Keys: keys, Sealer: sealed, Books: books, Jobs: jobs, Events: postgres.NewEvents(db), Limiter: limiter, Links: links, Now: now,
	}), err
}

// newDraws puts together prize draws.
func newDraws(db *postgres.DB, sealed *sealing.Keys, keys *idempotency.Keys, loyalty *points.Service, prizes *prize.Service, members *member.Service, desk *counter.Service, segments *segment.Service, jobs *postgres.Jobs, now clock.Clock) *draw.Service {
	channels := channel.New(postgres.NewChannels(db), now)
	return draw.New(draw.Parts{
		Tx: db, Store: postgres.NewDraws(db), Keys: keys, Points: loyalty, Prizes: prizes, Members: members, Counter: desk, Segments: segments, Sealer: sealed, Outbox: jobs,
		Events: postgres.NewEvents(db), Now: now, Channels: func(ctx context.Context, brandID uuid.UUID) (channel.Channel, error) {
			all, err := channels.All(ctx)
			for _, c := range all {
				if c.BrandID == brandID {
					return c, nil
				}
			}
			if err == nil {
				err = fault.ErrNotFound
			}
			return channel.Channel{}, err
		},
	})
}

// prizeWork registers the jobs of vouchers and draws.
func (a *App) prizeWork(w *river.Workers) {
	river.AddWorker(w, &longJob[voucher.MakeJob]{f: func(ctx context.Context, j voucher.MakeJob) error { return a.Resolvers.Vouchers.Make(ctx, j.BatchID) }})
	river.AddWorker(w, &longJob[voucher.ExpireJob]{f: func(ctx context.Context, _ voucher.ExpireJob) error { return a.Resolvers.Vouchers.Expire(ctx) }})
	river.AddWorker(w, alone[draw.TurnJob](a.DB, a.Resolvers.Draws.Turn))
}

// voucherCodes serves the codes of a batch to who has the link, once.
func (a *App) voucherCodes(w http.ResponseWriter, r *http.Request) {
	a.download(w, r, func(out *download) error {
		id, expires, signature := signedFor(r)
		write, err := a.Resolvers.Vouchers.Take(r.Context(), id, expires, signature)
		if err != nil {
			return err
		}
		out.kind, out.name = "text/csv; charset=utf-8", "vouchers.csv"
		if err := write(out); err != nil {
			return fmt.Errorf("the codes are lost, and their batch is to be voided: %w", err)
		}
		return nil
	})
}

// drawEntries serves the list of a draw's entries to anybody.
func (a *App) drawEntries(w http.ResponseWriter, r *http.Request) {
	key, err := uuid.Parse(chi.URLParam(r, "id"))
	if err != nil {
		a.Edge.WriteFault(w, r, draw.ErrUnknown)
		return
	}
	write, err := a.Resolvers.Draws.Publish(r.Context(), key)
	if err != nil {
		a.Edge.WriteFault(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	out := bufio.NewWriter(w)
	if write(out) != nil || out.Flush() != nil {
		panic(http.ErrAbortHandler)
	}
}
