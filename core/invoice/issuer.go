package invoice

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
)

// Issuer is who a brand's documents are from.
type Issuer struct {
	RegistrationNumber string `json:"registrationNumber,omitempty"` // T and 13 digits (登録番号); empty if the brand is no qualified issuer
	Name               string `json:"name"`                         // the legal name, not the shop's
	PostalCode         string `json:"postalCode"`                   // seven digits
	Address            string `json:"address"`                      // up to three lines
	Phone              string `json:"phone,omitempty"`
	Email              string `json:"email,omitempty"`
	Bank               string `json:"bank,omitempty"` // 振込先, up to five lines
	Note               string `json:"note,omitempty"` // 備考, up to five lines
}

// Qualified reports whether the issuer is one of qualified invoices (適格請求書発行事業者).
func (i Issuer) Qualified() bool { return i.RegistrationNumber != "" }

// SaveIssuerInput says who a brand's documents are from.
type SaveIssuerInput struct {
	RegistrationNumber string
	Name               string
	PostalCode         string
	Address            string
	Phone              string
	Email              string
	Bank               string
	Note               string
}

// How long an issuer's texts may be, in characters.
const (
	maxName    = 100
	maxAddress = 200
	maxText    = 300
)

// mostLines is on how many lines a text stands.
var mostLines = map[string]int{"address": 3, "bank": 5, "note": 5}

var errLines = fault.Invalid(fault.CodeTooMany, "%d行以内で入力してください", "This has at most %d lines")

var (
	postalCode = regexp.MustCompile(`^\d{7}$`)
	telephone  = regexp.MustCompile(`^[0-9()+-]{0,20}$`)
)

func (in SaveIssuerInput) issuer() (Issuer, error) {
	folded := func(s string) string {
		return strings.NewReplacer("-", "", "〒", "", " ", "").Replace(norm.NFKC.String(s))
	}
	i := Issuer{
		RegistrationNumber: company.NormaliseInvoiceNumber(in.RegistrationNumber),
		Name:               strings.TrimSpace(in.Name), PostalCode: folded(in.PostalCode), Address: strings.TrimSpace(in.Address),
		Phone: strings.TrimSpace(norm.NFKC.String(in.Phone)), Email: strings.TrimSpace(in.Email),
		Bank: strings.TrimSpace(in.Bank), Note: strings.TrimSpace(in.Note),
	}
	all := []error{
		i18n.CheckString("name", i.Name, maxName), i18n.CheckString("address", i.Address, maxAddress), i18n.CheckString("email", i.Email, maxName),
		i18n.CheckString("bank", i.Bank, maxText), i18n.CheckString("note", i.Note, maxText),
	}
	if i.RegistrationNumber != "" && !company.IsInvoiceNumber(i.RegistrationNumber) {
		all = append(all, company.ErrInvoiceNumber.At("registrationNumber"))
	}
	for field, text := range map[string]string{"address": i.Address, "bank": i.Bank, "note": i.Note} {
		if most := mostLines[field]; strings.Count(text, "\n") >= most {
			all = append(all, errLines.With(most).At(field))
		}
	}
	if !postalCode.MatchString(i.PostalCode) {
		all = append(all, customer.ErrPostalCode.At("postalCode"))
	}
	if !telephone.MatchString(i.Phone) {
		all = append(all, customer.ErrPhone.At("phone"))
	}
	for field, text := range map[string]string{"name": i.Name, "address": i.Address} {
		if text == "" {
			all = append(all, fault.ErrRequired.At(field))
		}
	}
	return i, errors.Join(all...)
}

// SaveIssuer says who the brand's documents are from (accountants). What was issued
// before stays as it is.
func (s *Service) SaveIssuer(ctx context.Context, in SaveIssuerInput) (*Issuer, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingWrite); err != nil {
		return nil, err
	}
	after, err := in.issuer()
	if err != nil {
		return nil, err
	}
	brandID := channel.From(ctx).BrandID
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		before, err := s.Store.Issuer(ctx, brandID)
		if err != nil {
			return err
		}
		if err := s.Store.SaveIssuer(ctx, brandID, after, s.Now()); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, s.Now(), "document_issuer.saved", "DocumentIssuer", brandID, map[string]any{"before": before, "after": after}))
	})
	if err != nil {
		return nil, err
	}
	return &after, nil
}

// Issuer is who the brand's documents are from; nil if nobody has said.
func (s *Service) Issuer(ctx context.Context) (*Issuer, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return nil, err
	}
	return s.Store.Issuer(ctx, channel.From(ctx).BrandID)
}
