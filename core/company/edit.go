package company

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// CreateInput is a new company.
type CreateInput struct {
	Code          string
	Name          string
	Kana          string
	InvoiceNumber string
	TaxRounding   money.Rounding
	PaymentTerms  *PaymentTerms // nil: 月末締め翌月末払い
	CreditLimit   decimal.Decimal
	CreditPolicy  Policy
}

// Create opens an account for a company.
func (s *Service) Create(ctx context.Context, in CreateInput) (*Company, error) {
	if err := mayWrite(ctx); err != nil {
		return nil, err
	}
	now, ch := s.Now(), channel.From(ctx)
	c := Company{
		ID: id.New(), BrandID: ch.BrandID, Code: strings.TrimSpace(in.Code), Name: tidy(in.Name), Kana: customer.ToKatakana(tidy(in.Kana)),
		InvoiceNumber: NormaliseInvoiceNumber(in.InvoiceNumber), TaxRounding: in.TaxRounding,
		PaymentTerms: PaymentTerms{DueMonths: 1}, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	set(&c.PaymentTerms, in.PaymentTerms)
	c.Credit = Credit{Currency: money.Currency(ch.Currency), Policy: in.CreditPolicy}
	if c.TaxRounding == "" {
		c.TaxRounding = money.RoundDown
	}
	limit, err := checkLimit(in.CreditLimit, c.Currency)
	if err != nil {
		return nil, at("creditLimit", err)
	}
	c.LimitMinor = limit
	if err := c.Validate(); err != nil {
		return nil, err
	}
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.Insert(ctx, c); err != nil {
			return at("code", err)
		}
		return s.record(ctx, "company.created", c, nil, c)
	})
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// record keeps what happened to a company, or to what belongs to it. Whoever it
// changes prices for gets no answer that was kept before.
func (s *Service) record(ctx context.Context, kind string, c Company, before, after any) error {
	return s.Events.Record(ctx, event.New(ctx, s.Now(), kind, "Company", c.ID, change{before, after}))
}

// UpdateInput changes a company; nil leaves a value.
type UpdateInput struct {
	CompanyID     uuid.UUID
	Version       int
	Code          *string
	Name          *string
	Kana          *string
	InvoiceNumber *string
	TaxRounding   *money.Rounding
	PaymentTerms  *PaymentTerms
}

func (in UpdateInput) onto(c Company) Company {
	set(&c.Code, in.Code)
	set(&c.Name, in.Name)
	set(&c.Kana, in.Kana)
	set(&c.InvoiceNumber, in.InvoiceNumber)
	set(&c.TaxRounding, in.TaxRounding)
	set(&c.PaymentTerms, in.PaymentTerms)
	c.Code, c.Name, c.Kana = strings.TrimSpace(c.Code), tidy(c.Name), customer.ToKatakana(tidy(c.Kana))
	c.InvoiceNumber = NormaliseInvoiceNumber(c.InvoiceNumber)
	return c
}

// Update changes a company that nobody has changed since the caller saw it.
func (s *Service) Update(ctx context.Context, in UpdateInput) (*Company, error) {
	return s.change(ctx, in.CompanyID, "company.updated", func(_ context.Context, c *Company) error {
		if c.Version != in.Version {
			return ErrVersion.At("version")
		}
		*c = in.onto(*c)
		return c.Validate()
	})
}

// CloseInput names a company to close.
type CloseInput struct{ CompanyID uuid.UUID }

// Close ends the trade with a company: its buyers become members again. What it
// owes stays owed, and its payments are still recorded.
func (s *Service) Close(ctx context.Context, in CloseInput) (*Company, error) {
	defer s.accounts.RolesChanged()
	return s.change(ctx, in.CompanyID, "company.closed", func(ctx context.Context, c *Company) error {
		now := s.Now()
		c.ClosedAt = &now
		buyers, err := s.Store.Buyers(ctx, Viewer{BrandID: c.BrandID, Staff: true}, []uuid.UUID{c.ID})
		if err != nil {
			return err
		}
		for _, b := range buyers {
			if err := s.dismiss(ctx, *c, b); err != nil {
				return err
			}
		}
		return nil
	})
}

// change lets f act on an open company of the brand, locked, for staff, and writes
// it down one version on.
func (s *Service) change(ctx context.Context, companyID uuid.UUID, kind string, f func(ctx context.Context, c *Company) error) (*Company, error) {
	var changed *Company
	err := s.write(ctx, func(ctx context.Context) error {
		c, err := s.lock(ctx, companyID)
		if err != nil {
			return err
		}
		before := *c
		if err := f(ctx, c); err != nil {
			return err
		}
		c.Version, c.UpdatedAt, changed = c.Version+1, s.Now(), c
		if err := s.Store.Save(ctx, *c); err != nil {
			return at("code", err)
		}
		return s.record(ctx, kind, *c, before, c)
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// lock is the open company of the brand, kept from others until the transaction ends.
func (s *Service) lock(ctx context.Context, companyID uuid.UUID) (*Company, error) {
	c, err := s.Store.Lock(ctx, channel.From(ctx).BrandID, companyID)
	switch {
	case err != nil:
		return nil, err
	case c == nil:
		return nil, fault.ErrNotFound.At("companyId")
	case c.ClosedAt != nil:
		return nil, ErrClosed.At("companyId")
	}
	return c, nil
}
