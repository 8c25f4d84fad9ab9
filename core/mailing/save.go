package mailing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/segment"
)

// SaveInput is a mailing that is being written.
type SaveInput struct {
	MailingID   *uuid.UUID // nil: a new one
	Name        string
	Medium      member.Medium
	SegmentID   uuid.UUID
	StoreID     *uuid.UUID
	PieceCost   decimal.Decimal // major units
	FixedCost   decimal.Decimal // major units
	HoldOut     int
	WindowDays  int
	ProductIDs  []uuid.UUID
	CategoryIDs []uuid.UUID
	Mail        *ContentInput

	CouponCampaignID *uuid.UUID
	CouponDays       *int
}

// ContentInput is what e-mails say.
type ContentInput struct {
	Subject    string
	Body       string
	Imprint    string
	PerSecond  int
	TrackOpens bool
}

// Bounds of a mailing.
const (
	maxName    = 100
	maxHoldOut = 50 // per cent
	maxWindow  = 365
	maxGoods   = 200
	maxRate    = 100 // e-mails a second
	maxDays    = 365 // of a coupon
	maxSubject = 200
	maxBody    = 20_000
	maxImprint = 1000
)

// Save keeps a mailing of the channel's brand that is not sent yet, for the head office.
func (s *Service) Save(ctx context.Context, in SaveInput) (*Mailing, error) {
	if err := office(ctx, access.CampaignWrite); err != nil {
		return nil, err
	}
	ch, now := channel.From(ctx), s.Now()
	m := Mailing{ID: id.New(), BrandID: ch.BrandID, Currency: ch.Money(), State: Draft, CreatedAt: now}
	if actor := access.From(ctx); actor.ID != uuid.Nil {
		m.ActorID = &actor.ID
	}
	return &m, s.Tx.InTx(ctx, func(ctx context.Context) error {
		keep := s.Store.Insert
		if in.MailingID != nil {
			draft, err := s.draft(ctx, *in.MailingID)
			if err != nil {
				return err
			}
			m, keep = *draft, s.Store.Update
		}
		if err := errors.Join(m.fill(in), s.known(ctx, in)); err != nil {
			return err
		}
		m.UpdatedAt = now
		if err := keep(ctx, m); err != nil {
			return err
		}
		return s.record(ctx, "mailing.saved", m, map[string]any{
			"name": m.Name, "medium": m.Medium, "segmentId": m.SegmentID, "holdOut": m.HoldOut, "windowDays": m.WindowDays, "pieceCost": m.PieceCostMinor, "fixedCost": m.FixedCostMinor,
		})
	})
}

// locked is the mailing of the channel's brand, locked.
func (s *Service) locked(ctx context.Context, mailingID uuid.UUID) (*Mailing, error) {
	m, err := s.Store.Lock(ctx, channel.From(ctx).BrandID, mailingID)
	if err == nil && m == nil {
		err = fault.ErrNotFound.At("mailingId")
	}
	return m, err
}

// draft is the mailing, locked, as long as it is not sent.
func (s *Service) draft(ctx context.Context, mailingID uuid.UUID) (*Mailing, error) {
	m, err := s.locked(ctx, mailingID)
	if err == nil && m.State != Draft {
		err = ErrSent.At("mailingId")
	}
	return m, err
}

// fill writes the input into the mailing.
func (m *Mailing) fill(in SaveInput) error {
	m.Name, m.Medium, m.SegmentID, m.StoreID = strings.TrimSpace(in.Name), in.Medium, in.SegmentID, in.StoreID
	m.HoldOut, m.WindowDays, m.ProductIDs, m.CategoryIDs = in.HoldOut, in.WindowDays, orNone(in.ProductIDs), orNone(in.CategoryIDs)
	m.PerSecond, m.CouponCampaignID, m.CouponDays = 1, in.CouponCampaignID, in.CouponDays
	all := []error{m.checkCoupons(), i18n.CheckString("name", m.Name, maxName), within("holdOut", in.HoldOut, 0, maxHoldOut), within("windowDays", in.WindowDays, 1, maxWindow)}
	if m.Name == "" {
		all = append(all, fault.ErrRequired.At("name"))
	}
	if in.Medium != member.DM && in.Medium != member.Mail {
		all = append(all, ErrMedium.At("medium"))
	}
	var err error
	m.PieceCostMinor, err = cost("pieceCost", in.PieceCost, m.Currency)
	all = append(all, err)
	m.FixedCostMinor, err = cost("fixedCost", in.FixedCost, m.Currency)
	all = append(all, err)
	if len(in.ProductIDs)+len(in.CategoryIDs) > maxGoods {
		all = append(all, ErrMany.With(maxGoods).At("productIds"))
	}
	if in.Medium == member.Mail {
		all = append(all, m.write(in.Mail))
	}
	return errors.Join(all...)
}

// checkCoupons checks what is said of coupons.
func (m *Mailing) checkCoupons() error {
	switch {
	case m.CouponDays == nil:
		return nil
	case m.CouponCampaignID == nil:
		return ErrCouponless.At("couponDays")
	}
	return within("couponDays", *m.CouponDays, 1, maxDays)
}

// write writes what the e-mails say.
func (m *Mailing) write(in *ContentInput) error {
	if in == nil {
		return fault.ErrRequired.At("mail")
	}
	m.Subject, m.Body, m.Imprint = strings.TrimSpace(in.Subject), strings.ReplaceAll(strings.TrimSpace(in.Body), "\r\n", "\n"), strings.TrimSpace(in.Imprint)
	m.PerSecond, m.TrackOpens = in.PerSecond, in.TrackOpens
	all := []error{within("mail.perSecond", in.PerSecond, 1, maxRate)}
	for _, part := range []struct {
		field, text string
		most        int
	}{{"mail.subject", m.Subject, maxSubject}, {"mail.body", m.Body, maxBody}, {"mail.imprint", m.Imprint, maxImprint}} {
		if part.text == "" {
			all = append(all, fault.ErrRequired.At(part.field))
		}
		all = append(all, i18n.CheckString(part.field, part.text, part.most), checkTemplate(part.field, part.text))
		if m.CouponCampaignID == nil && tellsCoupon(part.text) {
			all = append(all, ErrCouponless.At(part.field))
		}
	}
	return errors.Join(all...)
}

// known fails unless the brand has all that the input names. The segment must be in use.
func (s *Service) known(ctx context.Context, in SaveInput) error {
	brandID := channel.From(ctx).BrandID
	g, err := s.Segments.Lock(ctx, brandID, in.SegmentID)
	switch {
	case err != nil:
		return err
	case g == nil || g.ClosedAt != nil:
		return ErrSegment.At("segmentId")
	}
	if in.CouponCampaignID != nil {
		if err := s.Coupons.Opens(ctx, *in.CouponCampaignID); err != nil {
			return at("couponCampaignId", err)
		}
	}
	named := map[segment.Named]string{}
	for i, key := range in.ProductIDs {
		named[segment.Named{Kind: "Product", ID: key}] = fmt.Sprint("productIds.", i)
	}
	for i, key := range in.CategoryIDs {
		named[segment.Named{Kind: "Category", ID: key}] = fmt.Sprint("categoryIds.", i)
	}
	if in.StoreID != nil {
		named[segment.Named{Kind: "Location", ID: *in.StoreID}] = "storeId"
	}
	return s.allKnown(ctx, brandID, named)
}

func (s *Service) allKnown(ctx context.Context, brandID uuid.UUID, named map[segment.Named]string) error {
	if len(named) == 0 {
		return nil
	}
	asked := make([]segment.Named, 0, len(named))
	for n := range named {
		asked = append(asked, n)
	}
	known, err := s.Segments.Known(ctx, brandID, asked)
	if err != nil {
		return err
	}
	for _, n := range known {
		delete(named, n)
	}
	fields := make([]string, 0, len(named))
	for _, field := range named {
		fields = append(fields, field)
	}
	slices.Sort(fields)
	var all []error
	for _, field := range fields {
		all = append(all, ErrUnknown.At(field))
	}
	return errors.Join(all...)
}

// at is the failure at the field.
func at(field string, err error) error {
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return f.At(field)
	}
	return err
}

func within(field string, n, low, high int) error {
	if n < low || n > high {
		return ErrRange.With(low, high).At(field)
	}
	return nil
}

// cost is an amount in minor units that is not below zero.
func cost(field string, amount decimal.Decimal, currency money.Currency) (int64, error) {
	m, err := money.Parse(amount, currency)
	if err != nil || m.Minor < 0 {
		return 0, ErrCost.At(field)
	}
	return m.Minor, nil
}

func orNone(keys []uuid.UUID) []uuid.UUID {
	if keys == nil {
		return []uuid.UUID{}
	}
	return keys
}

// ByIDInput names a mailing.
type ByIDInput struct{ MailingID uuid.UUID }

// today is the day of the channel's brand; midnight UTC.
func (s *Service) today(ctx context.Context) time.Time {
	year, month, day := s.Now().In(channel.From(ctx).Zone()).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}
