package invoice

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/billing"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
)

// Closed issues the document of a company's closed month, in the transaction that
// closes it; once for each statement. Where nobody has said who the brand's documents
// are from, none is issued.
func (s *Service) Closed(ctx context.Context, t billing.Statement) error {
	_, err := s.close(ctx, t)
	return err
}

func (s *Service) close(ctx context.Context, t billing.Statement) ([]Document, error) {
	issuer, err := s.Store.Issuer(ctx, t.BrandID)
	if err != nil || issuer == nil {
		return nil, err
	}
	source := "statement:" + t.ID.String()
	if there, err := s.Store.BySource(ctx, t.BrandID, source); err != nil || there != nil {
		return one(there), err
	}
	lines, err := s.Statements.LinesOf(ctx, []uuid.UUID{t.ID})
	if err != nil {
		return nil, err
	}
	orders, invoices, err := s.bought(ctx, lines)
	if err != nil {
		return nil, err
	}
	sales, err := s.Store.SalesOf(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	name, err := s.Store.CompanyName(ctx, t.CompanyID)
	if err != nil {
		return nil, err
	}
	before, err := s.Store.ClosedBefore(ctx, t.CompanyID, t.ClosesOn)
	if err != nil {
		return nil, err
	}
	d := Document{
		BrandID: t.BrandID, Kind: KindStatement, Source: source, CompanyID: &t.CompanyID, StatementID: &t.ID,
		Currency: t.Currency, TotalMinor: t.ClosingMinor, Taxes: sumTaxes(sales, t.Currency),
		Content: Content{
			Issuer: *issuer, To: Party{Company: name}, IssuedOn: day(s.Now(), zone(ctx)), Inclusive: true,
			Lines: statementLines(lines, sales, invoices, zone(ctx)),
			Balance: &Balance{
				ClosesOn: t.ClosesOn, DueOn: t.DueOn, Opening: t.OpeningMinor, Payments: t.PaymentsMinor, Other: t.OtherMinor, Sales: t.SalesMinor, Closing: t.ClosingMinor,
			},
		},
	}
	if before != nil {
		from := before.AddDate(0, 0, 1)
		d.Content.Balance.From = &from
	}
	if where := addressOf(orders, t.CompanyID); where != nil {
		d.Content.To.PostalCode, d.Content.To.Address = where.PostalCode, where.Address
	}
	return s.issue(ctx, d)
}

func one(d *Document) []Document {
	if d == nil {
		return nil
	}
	return []Document{*d}
}

// bought are the orders on a statement, in its order, and their invoices.
func (s *Service) bought(ctx context.Context, lines []billing.Line) ([]order.Order, map[uuid.UUID]Document, error) {
	var ids []uuid.UUID
	for _, l := range lines {
		if l.Kind == ledger.KindSale && l.OrderID != nil {
			ids = append(ids, *l.OrderID)
		}
	}
	if len(ids) == 0 {
		return nil, nil, nil
	}
	orders, err := s.Orders.ByIDs(access.With(ctx, access.System), ids)
	if err != nil {
		return nil, nil, err
	}
	documents, err := s.Store.OfOrders(ctx, ids)
	invoices := map[uuid.UUID]Document{}
	for _, d := range documents {
		if d.Kind == KindInvoice {
			invoices[*d.OrderID] = d
		}
	}
	return orders, invoices, err
}

// addressOf is where the company last had its orders billed to.
func addressOf(orders []order.Order, companyID uuid.UUID) *Party {
	var last *order.Order
	for i, o := range orders {
		if o.CompanyID != nil && *o.CompanyID == companyID && (last == nil || o.PlacedAt.After(last.PlacedAt)) {
			last = &orders[i]
		}
	}
	if last == nil {
		return nil
	}
	p := partyOf(last.BilledTo())
	return &p
}

// sumTaxes adds the taxes of sales up by class. Each order's invoice is the qualified
// one, and rounded its tax once: nothing is rounded again here, and the shipments of an
// order come to its tax.
func sumTaxes(sales []Sale, currency money.Currency) []money.Taxed {
	var all []money.Taxed
	for _, class := range money.TaxClasses {
		sum, there := money.Taxed{Class: class, Net: money.Of(0, currency), Tax: money.Of(0, currency), Gross: money.Of(0, currency)}, false
		for _, sale := range sales {
			for _, t := range sale.Taxes {
				if t.Class == class {
					there = true
					sum.Net.Minor += t.Net.Minor
					sum.Tax.Minor += t.Tax.Minor
					sum.Gross.Minor += t.Gross.Minor
				}
			}
		}
		if there {
			all = append(all, sum)
		}
	}
	return all
}

// statementLines lists the orders and payments of a statement.
func statementLines(lines []billing.Line, sales []Sale, invoices map[uuid.UUID]Document, zone *time.Location) []Line {
	taxes := map[uuid.UUID][]money.Taxed{}
	for _, sale := range sales {
		taxes[sale.EntryID] = sale.Taxes
	}
	var all []Line
	for _, l := range lines {
		on, amount := day(l.At, zone), l.AmountMinor
		line := Line{On: &on, Text: wordOf(l.Kind), Detail: l.Reference, Amount: &amount}
		if l.OrderID != nil && l.Kind == ledger.KindSale {
			line.Text = "ご注文 " + l.Reference
			line.Detail = ""
			if d, ok := invoices[*l.OrderID]; ok {
				line.Detail = d.Number()
			}
			for _, t := range taxes[l.EntryID] {
				line.Shares = append(line.Shares, Share{t.Class, t.Gross.Minor})
			}
		}
		all = append(all, line)
	}
	return all
}

func wordOf(k ledger.Kind) string {
	switch k {
	case ledger.KindSale:
		return "お買上げ"
	case ledger.KindAccountPayment:
		return "ご入金"
	case ledger.KindRefund:
		return "返品・値引き"
	}
	return "調整"
}
