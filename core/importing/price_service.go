package importing

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// PriceStore keeps files of prices and what they would change, and applies them.
// Writes join the transaction of the context.
type PriceStore interface {
	InTx(ctx context.Context, f func(ctx context.Context) error) error

	QueuePrices(ctx context.Context, r PriceRun) error
	AddPriceChunk(ctx context.Context, runID uuid.UUID, number int, bytes []byte) error
	// HashPrices notes the file's hash; the same file in another unread run is
	// ErrUnfinished, one that failed makes way.
	HashPrices(ctx context.Context, r PriceRun, hash string) error
	PriceChunk(ctx context.Context, runID uuid.UUID, number int) ([]byte, error)
	ForgetPriceFile(ctx context.Context, runID uuid.UUID) error
	EnqueuePrices(ctx context.Context, job PriceJob) error

	// BeginPrices answers the unread run of the same file, or keeps the new one.
	BeginPrices(ctx context.Context, r PriceRun) (PriceRun, error)
	// PriceRun is a run of the brand, of any if it is zero; nil if there is none.
	PriceRun(ctx context.Context, brandID, runID uuid.UUID) (*PriceRun, error)
	// LockPriceRun is PriceRun for changing it.
	LockPriceRun(ctx context.Context, brandID, runID uuid.UUID) (*PriceRun, error)
	SavePriceRun(ctx context.Context, r PriceRun) error
	PriceRuns(ctx context.Context, brandID uuid.UUID, args page.Args) (page.Connection[PriceRun], error)

	// FindPrices fills in what the lines name, as far as it is known, and what holds.
	FindPrices(ctx context.Context, r PriceRun, currency money.Currency, now time.Time, lines []*PriceLine) error
	// FindScopes answers whom and what rates are for; zero ids for what is not known.
	FindScopes(ctx context.Context, brandID uuid.UUID, wanted []ScopeText) ([]FoundScope, error)
	// OpenRates are the brand's rates that are not closed, locked where they are to be changed.
	OpenRates(ctx context.Context, brandID uuid.UUID, lock bool) ([]pricing.Rate, error)
	// StagePrices keeps lines, and answers the earlier line for each whose key is taken.
	StagePrices(ctx context.Context, runID uuid.UUID, lines []*PriceLine) (map[int]int, error)
	// NotePrices keeps the run's new numbers, if it still stands at the position, and
	// what was rejected.
	NotePrices(ctx context.Context, r PriceRun, position int, rejected []Rejection) error
	// RemarkTiers remarks the rows whose larger quantity costs more by the piece.
	RemarkTiers(ctx context.Context, runID uuid.UUID) error

	// BelowStaged reports whether a row needs the permission to go below the floor.
	BelowStaged(ctx context.Context, runID uuid.UUID) (bool, error)
	// StagedPrices are new prices behind the line that no list lets go below the floor,
	// the next first.
	StagedPrices(ctx context.Context, runID uuid.UUID, behind, size int) ([]*PriceLine, error)
	// RejectStaged moves rows that were to be applied to the rejections.
	RejectStaged(ctx context.Context, runID uuid.UUID, rejected []Rejection) error
	// ListlessHolders are the customers whose list has to be made, or opened again.
	ListlessHolders(ctx context.Context, runID uuid.UUID) ([]scope.Audience, error)
	// ApplyPrices puts the staged prices in force at the moment and moves the brand's
	// rules, or is ErrPreviewStale.
	ApplyPrices(ctx context.Context, r PriceRun, at time.Time) error
	// StagedRates are changing rows behind the line, the next first.
	StagedRates(ctx context.Context, runID uuid.UUID, behind, size int) ([]StagedRate, error)
	// StagedTurns are the moments ahead at which staged windows open or close.
	StagedTurns(ctx context.Context, runID uuid.UUID, now time.Time) ([]time.Time, error)
	// RepricedProducts are products behind the given one whose listings must follow.
	RepricedProducts(ctx context.Context, runID, behind uuid.UUID, size int) ([]uuid.UUID, error)

	PriceChanges(ctx context.Context, runID uuid.UUID, in PriceChangesInput) (page.Connection[PriceChange], error)
	FirstChanges(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[PriceChange], error)
	ChangeCounts(ctx context.Context, wanted []page.First) (map[page.First]int, error)
	// Biggest are the rows that rise or fall most in per cent, by what was asked.
	Biggest(ctx context.Context, wanted []Extreme) (map[Extreme]*PriceChange, error)
	PriceRejections(ctx context.Context, runID uuid.UUID, args page.Args) (page.Connection[Rejection], error)
	FirstPriceRejections(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[Rejection], error)
	PriceRejectionCounts(ctx context.Context, wanted []page.First) (map[page.First]int, error)
	// ExportPrices are rows of a kind behind a cursor, as cells in the order of PriceColumns.
	ExportPrices(ctx context.Context, q ExportQuery) ([]ExportRow, error)

	// PriceLists are the brand's lists, but for those of single customers.
	PriceLists(ctx context.Context, brandID uuid.UUID) ([]pricing.List, error)
}

// ScopeText is whom and what a rate is for, as a file says.
type ScopeText struct {
	Place        int
	AudienceKind scope.AudienceKind
	Audience     string
	TargetKind   scope.TargetKind
	Target       string
}

// FoundScope is what a ScopeText names.
type FoundScope struct {
	Place      int
	AudienceID uuid.UUID
	TargetID   uuid.UUID
}

// StagedRate is a row of a file of rates that is to be applied.
type StagedRate struct {
	Line    int
	Change  PriceChangeKind
	Rate    *pricing.SaveRateInput
	OldRate *RateState
}

// PriceFloors know how low prices may be.
type PriceFloors interface {
	LowestEach(ctx context.Context, asks []pricing.FloorAsk) ([]*int64, error)
}

// CustomerLists make the list of a customer's own prices.
type CustomerLists interface {
	CustomerList(ctx context.Context, customer scope.Audience) (*pricing.List, error)
}

// RateKeeper checks and saves rates.
type RateKeeper interface {
	Check(ctx context.Context, in pricing.SaveRateInput, was *pricing.Rate) (pricing.Rate, error)
	SaveRate(ctx context.Context, in pricing.SaveRateInput) (*pricing.Rate, error)
	CloseRate(ctx context.Context, in pricing.CloseRuleInput) (*pricing.Rate, error)
}

// Prices keeps prices by file (価格の一括改定): a preview of what a file would change, and
// its commit as a whole.
type Prices struct{ PriceParts }

// PriceParts are what the keeping of prices by file stands on.
type PriceParts struct {
	Store   PriceStore
	Floors  PriceFloors
	Lists   CustomerLists
	Rates   RateKeeper
	Shelves pricing.Shelves
	Turns   pricing.Turns
	Events  event.Recorder
	Now     clock.Clock
}

// NewPrices makes the keeper of prices by file.
func NewPrices(p PriceParts) *Prices { return &Prices{p} }

// PriceJob is the background job that previews or commits a file of prices.
type PriceJob struct {
	RunID uuid.UUID `json:"runId"`
}

// Kind is the job's name in the queue.
func (PriceJob) Kind() string { return "import_prices" }

// PriceUpload is a file of prices sent by a client.
type PriceUpload struct {
	Kind     PriceKind
	FileName string
	File     io.Reader
	Encoding Encoding
}

// newRun is a run of the context's actor in its channel.
func (s *Prices) newRun(ctx context.Context, kind PriceKind, name string, encoding Encoding) (PriceRun, error) {
	actor, ch := access.From(ctx), channel.From(ctx)
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return PriceRun{}, err
	}
	r := PriceRun{
		ID: id.New(), BrandID: ch.BrandID, ChannelID: ch.ID, Kind: kind, Encoding: encoding, FileName: name,
		State: PricesQueued, MayBelow: actor.May(access.PricingBelow), CreatedAt: s.Now(),
	}
	r.FileHash = r.ID.String() // until the file is read
	if actor.ID != uuid.Nil {
		r.ActorID = &actor.ID
	}
	switch kind {
	case ListPrices, CustomerPrices, RatePrices:
		return r, nil
	}
	return r, ErrPriceKind.At("kind")
}

// Upload keeps a file and queues its preview in the channel of the context.
func (s *Prices) Upload(ctx context.Context, in PriceUpload) (*PriceRun, error) {
	run, err := s.newRun(ctx, in.Kind, in.FileName, in.Encoding)
	if err != nil {
		return nil, err
	}
	err = s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.QueuePrices(ctx, run); err != nil {
			return err
		}
		if run.FileHash, err = keep(in.File, func(number int, bytes []byte) error {
			return s.Store.AddPriceChunk(ctx, run.ID, number, bytes)
		}); err != nil {
			return err
		}
		if err := s.Store.HashPrices(ctx, run, run.FileHash); err != nil {
			return err
		}
		return s.Store.EnqueuePrices(ctx, PriceJob{RunID: run.ID})
	})
	return &run, err
}

// Work previews or commits for the job. Called again after it broke off, it goes on. A
// file that cannot be read, and a preview that has become stale, fail the run and not
// the job.
func (s *Prices) Work(ctx context.Context, runID uuid.UUID, channels func(context.Context, uuid.UUID) (channel.Channel, error)) error {
	run, err := s.Store.PriceRun(ctx, uuid.Nil, runID)
	if err != nil || run == nil {
		return err
	}
	ch, err := channels(ctx, run.ChannelID)
	if err != nil {
		return err
	}
	ctx = channel.With(ctx, ch)
	switch run.State {
	case PricesQueued, PricesReading:
		_, err = s.preview(ctx, *run, func() (io.ReadCloser, error) {
			return io.NopCloser(&chunks{read: func(number int) ([]byte, error) { return s.Store.PriceChunk(ctx, runID, number) }}), nil
		}, nil)
		if err == nil || errors.Is(err, ErrFile) {
			err = s.Store.ForgetPriceFile(ctx, runID)
		}
		return err
	case PricesCommitting:
		_, err = s.finish(ctx, runID)
		if errors.Is(err, ErrPreviewStale) {
			return nil
		}
		return err
	}
	return nil
}

// acting lets the one who sent or committed a run act in the context.
func acting(ctx context.Context, who *uuid.UUID, below bool) context.Context {
	actor := access.Actor{Role: access.RoleStaff, Permissions: []access.Permission{access.PricingWrite}}
	if who == nil {
		actor.Role = access.RoleSystem
		actor.Permissions = nil
	} else {
		actor.ID = *who
	}
	if below && who != nil {
		actor.Permissions = append(actor.Permissions, access.PricingBelow)
	}
	return access.With(ctx, actor)
}

// Run is a run of the channel's brand.
func (s *Prices) Run(ctx context.Context, runID uuid.UUID) (*PriceRun, error) {
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return nil, err
	}
	run, err := s.Store.PriceRun(ctx, channel.From(ctx).BrandID, runID)
	if err == nil && run == nil {
		return nil, fault.ErrNotFound
	}
	return run, err
}

// Runs is one page of the brand's runs, newest first.
func (s *Prices) Runs(ctx context.Context, args page.Args) (page.Connection[PriceRun], error) {
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return page.Connection[PriceRun]{}, err
	}
	return s.Store.PriceRuns(ctx, channel.From(ctx).BrandID, args)
}
