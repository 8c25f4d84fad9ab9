package banking

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
)

// CollectionReport is what became of money that a carrier collected (代引回収).
type CollectionReport struct {
	Matched int
	Known   int // reported before
	Strays  int // on the work list
	Others  int // rows without money
	Errors  []ledger.BadRow
}

// UploadCollectionsInput is a carrier's file of what it collected.
type UploadCollectionsInput struct {
	Carrier string
	File    io.Reader
}

// RecordCollectionInput is one collection as staff register it.
type RecordCollectionInput struct {
	IdempotencyKey string
	Carrier        string
	Reference      string // the order's number, or the tracking number
	Amount         decimal.Decimal
	CollectedOn    time.Time
}

// maxCollections is how many rows one file has at most: they are registered while the
// caller waits.
const maxCollections = 2000

var errCollections = fault.Invalid(fault.CodeTooMany, "一度に登録できるのは%d行までです。ファイルを分けてください", "A file has at most %d rows; please split it")

// collections is how carriers head their columns, where banks' usual headings do not fit.
var collections = Profile{Heading: true}

// UploadCollections registers what a carrier's file says it collected, row by row: a row
// that was reported before counts once, so a file may be sent again.
func (s *Service) UploadCollections(ctx context.Context, in UploadCollectionsInput) (*CollectionReport, error) {
	if err := access.RequireEverywhere(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	if err := i18n.CheckString("carrier", in.Carrier, 100); err != nil {
		return nil, err
	}
	ch := channel.From(ctx)
	file, err := Read(in.File, collections, ch.Money(), ch.Zone())
	if err != nil {
		return nil, err
	}
	if len(file.Rows) > maxCollections {
		return nil, errCollections.With(maxCollections).At("file")
	}
	report := CollectionReport{Others: file.Others, Errors: file.Errors}
	for _, r := range file.Rows {
		if err := s.collect(ctx, &report, payment.Collected{
			BrandID: ch.BrandID, Carrier: in.Carrier, Reference: cut(strings.TrimSpace(r.Payer), 100), Minor: r.Minor, Currency: ch.Money(),
			On: s.past(r.On), Finger: in.Carrier + ":" + r.Finger,
		}); err != nil {
			return &report, fmt.Errorf("collection in row %d: %w", r.Line, err)
		}
	}
	return &report, nil
}

// RecordCollection registers one collection, once for each key; with another key, the same
// words are known.
func (s *Service) RecordCollection(ctx context.Context, in RecordCollectionInput) (*CollectionReport, error) {
	if err := access.RequireEverywhere(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	ch := channel.From(ctx)
	amount, err := money.Parse(in.Amount, ch.Money())
	switch {
	case err != nil || amount.Minor <= 0:
		return nil, errAmount.At("amount")
	case strings.TrimSpace(in.Reference) == "":
		return nil, fault.ErrRequired.At("reference")
	}
	for field, text := range map[string]string{"carrier": in.Carrier, "reference": in.Reference} {
		if err := i18n.CheckString(field, text, 100); err != nil {
			return nil, err
		}
	}
	said := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d\x00%s", in.Carrier, in.Reference, amount.Minor, in.CollectedOn.Format(time.DateOnly)))
	report, err := idempotency.Once(ctx, s.Keys, "recordCollection", in.IdempotencyKey, in, func(ctx context.Context) (r CollectionReport, err error) {
		err = s.collect(ctx, &r, payment.Collected{
			BrandID: ch.BrandID, Carrier: in.Carrier, Reference: strings.TrimSpace(in.Reference), Minor: amount.Minor, Currency: ch.Money(),
			On: s.past(in.CollectedOn), Finger: "staff:" + hex.EncodeToString(said[:]),
		})
		return r, err
	})
	if err != nil {
		return nil, err
	}
	return &report, nil
}

// past is the moment, or now where the day has only begun in the shop's zone.
func (s *Service) past(at time.Time) time.Time {
	if now := s.Now(); at.After(now) {
		return now
	}
	return at
}

func (s *Service) collect(ctx context.Context, report *CollectionReport, c payment.Collected) error {
	outcome, err := s.Payments.Collect(ctx, c)
	switch outcome {
	case payment.CollectMatched:
		report.Matched++
	case payment.CollectKnown:
		report.Known++
	case payment.CollectStray:
		report.Strays++
	}
	return err
}
