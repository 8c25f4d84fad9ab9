package dispatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/shipping"
	"github.com/noren-commerce/noren/core/tracking"
)

// Result is a file of results that was uploaded (出荷実績データ).
type Result struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	FileName   string
	Digest     string // of its bytes: the same file is taken once
	Rows       int    // that could be read
	Done       int    // that have been worked on
	Shipped    int
	Parcels    int // added to shipments that had left
	Known      int
	Rejections []Rejection
	CreatedAt  time.Time
}

// GlobalID is the file's id in the schema.
func (r Result) GlobalID() string { return id.Global("ShipmentResult", r.ID) }

// Uploader is who uploaded a file, and works through it: those of a shop ship only from
// theirs.
type Uploader struct {
	Role   access.Role `json:"role"`
	ID     uuid.UUID   `json:"id"`
	Stores []uuid.UUID `json:"stores,omitempty"`
	Prizes bool        `json:"prizes,omitempty"` // may send prizes
}

// Found is a shipment that a row may be about.
type Found struct {
	ID     uuid.UUID
	Nth    int
	Status order.ShipmentStatus
	Known  bool // it has the row's tracking number
}

// Step is what became of one row.
type Step struct {
	Shipped, Parcels, Known int
	Rejection               *Rejection
}

// ResultStore keeps files of results.
type ResultStore interface {
	// InsertResult keeps a file with its rows. One that is there already is answered
	// instead.
	InsertResult(ctx context.Context, r Result, rows []ResultRow, by Uploader) (Result, error)
	Result(ctx context.Context, resultID uuid.UUID) (*Result, error)
	// Rows are the file's, and who uploaded it.
	Rows(ctx context.Context, resultID uuid.UUID) ([]ResultRow, Uploader, error)
	// Advance notes what became of the row with the index, and reports false if that has
	// been noted.
	Advance(ctx context.Context, resultID uuid.UUID, row int, s Step) (bool, error)
	Results(ctx context.Context, brandID uuid.UUID, args page.Args) (page.Connection[Result], error)
	// Named are the shipments of the brand's order with the number; key is the row's
	// tracking number's.
	Named(ctx context.Context, brandID uuid.UUID, number, key string) ([]Found, error)
	// CarrierCoded is the brand's carrier with the code; nil if there is none.
	CarrierCoded(ctx context.Context, brandID uuid.UUID, code string) (*shipping.Carrier, error)
}

// Orders ships.
type Orders interface {
	Ship(ctx context.Context, in order.ShipInput) (order.Moved, error)
	AddParcel(ctx context.Context, in order.AddParcelInput) (order.Moved, error)
}

// Issues is the work list of parcels.
type Issues interface {
	Report(ctx context.Context, i tracking.Issue) error
}

// Jobs queues work in the transaction of the context.
type Jobs interface {
	TakeResults(ctx context.Context, j ResultJob) error
}

// ResultJob works through a file of results.
type ResultJob struct {
	BrandID  uuid.UUID `json:"brandId"`
	ResultID uuid.UUID `json:"resultId"`
}

// Kind is the job's name in the queue.
func (ResultJob) Kind() string { return "shipment_results" }

// ResultParts are what the taker of results stands on.
type ResultParts struct {
	Tx     idempotency.Tx
	Store  ResultStore
	Orders Orders
	Prizes PrizeShipper
	Issues Issues
	Jobs   Jobs
	Events event.Recorder
	Now    clock.Clock
}

// Results takes in what carriers and warehouses say of shipments.
type Results struct{ ResultParts }

// NewResults makes the taker of results.
func NewResults(p ResultParts) *Results { return &Results{p} }

// Upload takes a file in, once, and has its rows worked on in the background, for staff.
func (s *Results) Upload(ctx context.Context, fileName string, file io.Reader) (*Result, error) {
	return s.upload(ctx, fileName, file, func(ctx context.Context, r Result) error {
		return s.Jobs.TakeResults(ctx, ResultJob{r.BrandID, r.ID})
	})
}

// Import takes a file in, once, and works on its rows before it answers.
func (s *Results) Import(ctx context.Context, fileName string, file io.Reader) (*Result, error) {
	r, err := s.upload(ctx, fileName, file, func(context.Context, Result) error { return nil })
	if err != nil {
		return nil, err
	}
	if err := s.Work(ctx, ResultJob{r.BrandID, r.ID}, channel.From(ctx)); err != nil {
		return nil, err
	}
	return s.Store.Result(ctx, r.ID)
}

func (s *Results) upload(ctx context.Context, fileName string, file io.Reader, then func(context.Context, Result) error) (*Result, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	ch, now := channel.From(ctx), s.Now()
	found, err := read(file, ch.Zone(), now)
	if err != nil {
		return nil, err
	}
	name := []rune(fileName)
	actor := access.From(ctx)
	r := Result{ID: id.New(), BrandID: ch.BrandID, FileName: string(name[:min(len(name), 200)]), Digest: found.digest, Rows: len(found.rows), Rejections: found.rejections, CreatedAt: now}
	var kept Result
	err = s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		if kept, err = s.Store.InsertResult(ctx, r, found.rows, Uploader{actor.Role, actor.ID, actor.Stores, OfPrizes.sendable(ctx) == nil}); err != nil || kept.ID != r.ID {
			return err
		}
		return errors.Join(then(ctx, kept), s.Events.Record(ctx, event.New(ctx, now, "shipments.results_uploaded", "ShipmentResult", r.ID, map[string]any{
			"file": r.FileName, "digest": r.Digest, "rows": r.Rows, "rejections": len(r.Rejections),
		})))
	})
	if err != nil {
		return nil, err
	}
	return &kept, nil
}

// List is one page of the brand's files, the last first, for staff; those of a shop see
// none.
func (s *Results) List(ctx context.Context, args page.Args) (page.Connection[Result], error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return page.Connection[Result]{}, err
	}
	if access.From(ctx).Is(access.RoleStoreStaff) {
		return page.Connection[Result]{}, nil
	}
	return s.Store.Results(ctx, channel.From(ctx).BrandID, args)
}

// errWorked says that somebody else works on the file.
var errWorked = errors.New("another process works on this file of results")

// Work works through a file of results, row by row, each in a transaction of its own. It
// goes on where it stopped, and a row that cannot be does not hold up the others.
func (s *Results) Work(ctx context.Context, j ResultJob, ch channel.Channel) error {
	rows, by, err := s.Store.Rows(ctx, j.ResultID)
	if err != nil {
		return err
	}
	r, err := s.Store.Result(ctx, j.ResultID)
	if err != nil || r == nil {
		return errors.Join(err, fault.ErrNotFound)
	}
	actor := access.Actor{Role: by.Role, ID: by.ID, Stores: by.Stores, Permissions: []access.Permission{access.OrderRead, access.OrderWrite}}
	if by.Prizes {
		actor.Permissions = append(actor.Permissions, access.PrizeWrite, access.MemberExport)
	}
	ctx = channel.With(access.With(ctx, actor), ch)
	for i := r.Done; i < len(rows); i++ {
		if err := s.row(ctx, *r, i, rows[i]); errors.Is(err, errWorked) {
			return nil
		} else if err != nil {
			return fmt.Errorf("row in line %d: %w", rows[i].Line, err)
		}
	}
	return nil
}

// row works on one row and notes what became of it, all or nothing; what the core
// refuses is noted by itself.
func (s *Results) row(ctx context.Context, r Result, i int, row ResultRow) error {
	var about *Found
	advance := func(ctx context.Context, step Step) error {
		ours, err := s.Store.Advance(ctx, r.ID, i, step)
		if err == nil && !ours {
			return errWorked
		}
		return err
	}
	err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		var step Step
		if about, step, err = s.take(ctx, r.BrandID, row); err != nil {
			return err
		}
		return advance(ctx, step)
	})
	faults := fault.All(err)
	if len(faults) == 0 || errors.Is(err, fault.ErrUnavailable) {
		return err
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		why := faults[0]
		if err := s.report(ctx, r.BrandID, row, about, why); err != nil {
			return err
		}
		return advance(ctx, Step{Rejection: &Rejection{row.Line, "", row.Reference, i18n.Text{"ja": why.JA, "en": why.EN}}})
	})
}

// take ships the row's shipment, or notes one more parcel of it.
func (s *Results) take(ctx context.Context, brandID uuid.UUID, row ResultRow) (*Found, Step, error) {
	if row.Prize != "" {
		step, err := s.takePrize(ctx, brandID, row)
		return nil, step, err
	}
	all, err := s.Store.Named(ctx, brandID, row.Number, order.ParcelKey(row.Tracking))
	if err != nil {
		return nil, Step{}, err
	}
	h := only(all, row.Nth)
	switch {
	case h == nil:
		return nil, Step{}, order.ErrShipment
	case h.Known:
		return h, Step{Known: 1}, nil
	case h.Status.Left():
		_, err := s.Orders.AddParcel(ctx, order.AddParcelInput{ShipmentID: h.ID, TrackingNumber: row.Tracking})
		return h, Step{Parcels: 1}, err
	}
	in := order.ShipInput{IdempotencyKey: "result:" + h.ID.String(), ShipmentID: h.ID, TrackingNumber: row.Tracking}
	if row.ShippedOn != nil {
		in.HandedAt = *row.ShippedOn
	}
	carrier, err := s.carrier(ctx, brandID, row.Carrier)
	if err != nil {
		return h, Step{}, err
	}
	if carrier != nil {
		in.CarrierID = &carrier.ID
	}
	_, err = s.Orders.Ship(ctx, in)
	return h, Step{Shipped: 1}, err
}

// carrier is the brand's carrier with the code that a row says; nil if it says none.
func (s *Results) carrier(ctx context.Context, brandID uuid.UUID, code string) (*shipping.Carrier, error) {
	if code == "" {
		return nil, nil
	}
	found, err := s.Store.CarrierCoded(ctx, brandID, code)
	if err == nil && found == nil {
		err = shipping.ErrCarrier
	}
	return found, err
}

// only is the shipment in that place; where no place is said, the only one that stands.
func only(all []Found, nth int) *Found {
	var found *Found
	for i, h := range all {
		switch {
		case nth > 0 && h.Nth == nth:
			return &all[i]
		case nth > 0 || h.Status == order.ShipmentCancelled:
		case found != nil:
			return nil
		default:
			found = &all[i]
		}
	}
	return found
}

// report puts what has left the house all the same on the work list: the parcel is under
// way, whatever noren thinks of it.
func (s *Results) report(ctx context.Context, brandID uuid.UUID, row ResultRow, about *Found, why *fault.Error) error {
	i := tracking.Issue{BrandID: &brandID, Carrier: row.Carrier, Reference: row.Reference, TrackingNumber: row.Tracking, Detail: i18n.Text{"ja": why.JA, "en": why.EN}}
	if about != nil {
		i.ShipmentID = &about.ID
	}
	switch {
	case errors.Is(why, order.ErrShipment):
		i.Kind = tracking.IssueUnknownShipment
	case errors.Is(why, order.ErrTrackingNumber):
		i.Kind = tracking.IssueTrackingTaken
	case errors.Is(why, shipping.ErrCarrier):
		return nil // a word of the file that can be put right
	default:
		i.Kind = tracking.IssueNotShippable
	}
	return s.Issues.Report(ctx, i)
}
