package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/money"
)

// OnDelivery is the name, in payments, of the gateway of cash on delivery.
const OnDelivery = "cash_on_delivery"

// DeliveryTerms are what a brand asks for cash on delivery (代金引換).
type DeliveryTerms struct {
	BrandID   uuid.UUID      `json:"-"`
	Active    bool           `json:"active"`
	MostMinor int64          `json:"most" db:"most"` // largest total that is collected, minor units
	TaxClass  money.TaxClass `json:"taxClass"`
	Bands     []DeliveryBand `json:"bands"`
	UpdatedAt time.Time      `json:"-"`
}

// DeliveryBand is what it costs up to an amount (代引手数料).
type DeliveryBand struct {
	UpTo     *int64 `json:"upTo"` // minor units of the total without the charge; nil: any amount
	FeeMinor int64  `json:"fee"`  // minor units, as the brand's channels show prices
}

// Limit is up to what the band goes, in the channel's currency; nil: any amount.
func (b DeliveryBand) Limit(ctx context.Context) *money.Money {
	if b.UpTo == nil {
		return nil
	}
	m := money.Of(*b.UpTo, channel.From(ctx).Money())
	return &m
}

// Fee is the band's charge in the channel's currency.
func (b DeliveryBand) Fee(ctx context.Context) money.Money {
	return money.Of(b.FeeMinor, channel.From(ctx).Money())
}

// Most is the largest total that is collected, in the channel's currency.
func (t DeliveryTerms) Most(ctx context.Context) money.Money {
	return money.Of(t.MostMinor, channel.From(ctx).Money())
}

// Charge is what it costs to collect a total, which is without the charge. It is pure:
// the first band that reaches the total has the say.
func (t DeliveryTerms) Charge(total int64) int64 {
	for _, b := range t.Bands {
		if b.UpTo == nil || total <= *b.UpTo {
			return b.FeeMinor
		}
	}
	return 0
}

// DeliveryStore keeps what brands ask for cash on delivery.
type DeliveryStore interface {
	// DeliveryTerms are the brand's; nil if it never had any.
	DeliveryTerms(ctx context.Context, brandID uuid.UUID) (*DeliveryTerms, error)
	SaveDeliveryTerms(ctx context.Context, t DeliveryTerms) error
	// InsertCollection remembers what a carrier reports and tells whether it is new.
	InsertCollection(ctx context.Context, c Collected, at time.Time, by uuid.UUID) (bool, error)
	// ToCollect is the brand's payment on delivery of the order with the number, or of
	// the parcel with the tracking number; nil if there is none.
	ToCollect(ctx context.Context, brandID uuid.UUID, number, tracking string) (*Payment, error)
}

// DeliveryTerms are the brand's, for who works there; nil if it never had any.
func (s *Service) DeliveryTerms(ctx context.Context) (*DeliveryTerms, error) {
	if !access.From(ctx).May(access.ShippingWrite) && !access.From(ctx).May(access.OrderRead) {
		return nil, fault.ErrForbidden
	}
	return s.Store.DeliveryTerms(ctx, channel.From(ctx).BrandID)
}

// DeliveryInput sets what a brand asks for cash on delivery. Amounts are major units.
type DeliveryInput struct {
	Active   bool
	Most     decimal.Decimal
	TaxClass money.TaxClass
	Bands    []BandInput
}

// BandInput is one band of it.
type BandInput struct {
	UpTo *decimal.Decimal // nil: any amount
	Fee  decimal.Decimal
}

// Bounds of terms.
const (
	maxBands  = 20
	maxCharge = 100_000
	maxMost   = 10_000_000
)

// Failures of terms and collections.
var (
	ErrBands      = fault.Invalid("DELIVERY_BANDS_INVALID", "金額帯は1〜%d件、上限の小さい順に指定し、最後の金額帯は上限なしにしてください", "There are 1 to %d bands, each reaching further than the one before, and the last without a limit")
	ErrMost       = fault.Invalid("AMOUNT_INVALID", "金額は1〜%sで指定してください", "The amount must be from 1 to %s")
	ErrNotRefused = fault.Conflict("ORDER_NOT_ON_DELIVERY", "代金引換で発送済み・未回収の注文ではありません", "The order was not shipped to be paid on delivery, or it has been paid")
	errCharge     = fault.Invalid("AMOUNT_INVALID", "手数料は0〜%sで指定してください", "A charge is from 0 to %s")
	errTaxClass   = fault.Invalid(fault.CodeInvalid, "税区分が正しくありません", "There is no such tax class")
)

// terms reads the input in the channel's currency.
func (in DeliveryInput) terms(currency money.Currency) (t DeliveryTerms, err error) {
	t = DeliveryTerms{Active: in.Active, TaxClass: in.TaxClass, Bands: make([]DeliveryBand, len(in.Bands))}
	var all []error
	most, err := money.Parse(in.Most, currency)
	if t.MostMinor = most.Minor; err != nil || most.Minor < 1 || most.Minor > maxMost {
		all = append(all, ErrMost.With(money.Of(maxMost, currency)).At("most"))
	}
	known := false
	for _, c := range money.TaxClasses {
		known = known || c == in.TaxClass
	}
	if !known {
		all = append(all, errTaxClass.At("taxClass"))
	}
	for i, b := range in.Bands {
		fee, err := money.Parse(b.Fee, currency)
		if err != nil || fee.Minor < 0 || fee.Minor > maxCharge {
			all = append(all, errCharge.With(money.Of(maxCharge, currency)).At(fmt.Sprintf("bands.%d.fee", i)))
		}
		t.Bands[i].FeeMinor = fee.Minor
		if b.UpTo == nil {
			continue
		}
		limit, err := money.Parse(*b.UpTo, currency)
		if err != nil || limit.Minor < 1 {
			all = append(all, ErrMost.With(money.Of(maxMost, currency)).At(fmt.Sprintf("bands.%d.upTo", i)))
		}
		t.Bands[i].UpTo = &limit.Minor
	}
	if !ascending(t.Bands) {
		all = append(all, ErrBands.With(maxBands).At("bands"))
	}
	return t, errors.Join(all...)
}

// ascending reports whether each band reaches further than the one before, and the last,
// and it alone, any amount.
func ascending(bands []DeliveryBand) bool {
	if len(bands) == 0 || len(bands) > maxBands {
		return false
	}
	for i, b := range bands {
		if (b.UpTo == nil) != (i == len(bands)-1) {
			return false
		}
		if i > 0 && b.UpTo != nil && *b.UpTo <= *bands[i-1].UpTo {
			return false
		}
	}
	return true
}

// SaveDeliveryTerms sets what the brand asks for cash on delivery (staff with
// SHIPPING_WRITE). Orders that stand keep what they were told.
func (s *Service) SaveDeliveryTerms(ctx context.Context, in DeliveryInput) (*DeliveryTerms, error) {
	if err := access.RequireEverywhere(ctx, access.ShippingWrite); err != nil {
		return nil, err
	}
	ch := channel.From(ctx)
	t, err := in.terms(ch.Money())
	if err != nil {
		return nil, err
	}
	t.BrandID, t.UpdatedAt = ch.BrandID, s.Now()
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		before, err := s.Store.DeliveryTerms(ctx, t.BrandID)
		if err != nil {
			return err
		}
		if err := s.Store.SaveDeliveryTerms(ctx, t); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, t.UpdatedAt, "delivery_terms.set", "Brand", t.BrandID, map[string]any{"before": before, "after": t}))
	})
	if err != nil {
		return nil, err
	}
	return &t, nil
}
