package seed

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/storage/postgres"
)

// registrations are the sample brands' registration numbers: well-formed, and nobody's.
var registrations = []string{"T9000000000000", "T8000000000001"}

// issuerOf is who the documents of a sample brand are from.
func issuerOf(n int, b Brand) invoice.SaveIssuerInput {
	warehouse := b.Shops[0].Address
	return invoice.SaveIssuerInput{
		RegistrationNumber: registrations[n%len(registrations)], Name: "株式会社" + b.Name["ja"], PostalCode: warehouse.PostalCode,
		Address: warehouse.Prefecture.Name() + warehouse.City + warehouse.Line1, Phone: warehouse.Phone[:3] + "-" + warehouse.Phone[3:6] + "-" + warehouse.Phone[6:], Email: "keiri@" + b.Code + ".example.jp",
		Bank: fmt.Sprintf("%s　%s　%s %s\n%s", SampleBank.BankName, SampleBank.BranchName, SampleBank.Type, SampleBank.Number, SampleBank.Holder),
		Note: "振込手数料はお客様のご負担でお願いいたします。",
	}
}

// WriteIssuers says who the sample brands' documents are from, so that what ships from
// then on is invoiced. A brand that has said so is left alone.
func WriteIssuers(ctx context.Context, db *postgres.DB, now time.Time) error {
	t, err := newTrade(ctx, db)
	if err != nil {
		return err
	}
	t.at = now
	for n, b := range Brands() {
		ctx := t.books(channel.With(ctx, t.channels[b.ID]))
		there, err := t.documents.Issuer(ctx)
		if err != nil {
			return err
		}
		if there != nil {
			continue
		}
		if _, err := t.documents.SaveIssuer(ctx, issuerOf(n, b)); err != nil {
			return err
		}
	}
	return nil
}

// books lets the sample administrator act in the brand of the context.
func (t *trade) books(ctx context.Context) context.Context {
	return access.With(ctx, access.Actor{Role: access.RoleAdmin, ID: Staff()[0].ID})
}

// WriteDocuments issues receipts for some sample orders, one of them again, and a credit
// note. A brand that has receipts is left alone.
func WriteDocuments(ctx context.Context, db *postgres.DB, now time.Time) error {
	t, err := newTrade(ctx, db)
	if err != nil {
		return err
	}
	t.at = now
	ctx = t.books(channel.With(ctx, t.channels[Brands()[0].ID]))
	there, err := t.documents.List(ctx, invoice.Query{Kinds: []invoice.Kind{invoice.KindReceipt}})
	if err != nil || len(there.Edges) > 0 {
		return err
	}
	arrived, err := t.orders.List(ctx, order.ListInput{Statuses: []order.Status{order.Delivered}})
	if err != nil {
		return err
	}
	return db.InTx(ctx, func(ctx context.Context) error {
		received, err := t.received(ctx, arrived.Nodes())
		if err != nil {
			return err
		}
		for i, o := range received {
			if i >= 4 {
				break
			}
			if err := t.receipt(ctx, i, o); err != nil {
				return fmt.Errorf("sample receipt %d: %w", i, err)
			}
		}
		if len(arrived.Edges) == 0 {
			return nil
		}
		return t.priceCut(ctx, arrived.Edges[len(arrived.Edges)-1].Node)
	})
}

// received are those of the orders whose money is there, whole.
func (t *trade) received(ctx context.Context, all []order.Order) ([]order.Order, error) {
	there := map[uuid.UUID]int64{}
	for _, o := range all {
		payments, err := t.payments.OfOrders(ctx, []uuid.UUID{o.ID})
		if err != nil {
			return nil, err
		}
		for _, p := range payments {
			there[o.ID] += p.CapturedMinor - p.RefundedMinor
		}
	}
	return slices.DeleteFunc(all, func(o order.Order) bool { return o.TotalMinor == 0 || there[o.ID] < o.TotalMinor }), nil
}

// receipt issues a receipt of the order, and every third again.
func (t *trade) receipt(ctx context.Context, n int, o order.Order) error {
	in := invoice.ReceiptInput{IdempotencyKey: fmt.Sprintf("noren-receipt-%02d", n), OrderID: o.ID, Addressee: o.BilledTo().Name, Proviso: "ペット用品代"}
	if company := o.BilledTo().Company; company != "" {
		in.Addressee = company
	}
	if _, err := t.documents.Receipt(ctx, in); err != nil || n%3 != 0 {
		return err
	}
	in.IdempotencyKey += "-again"
	_, err := t.documents.Receipt(ctx, in)
	return err
}

// priceCut takes a little off an order's invoice.
func (t *trade) priceCut(ctx context.Context, o order.Order) error {
	documents, err := t.documents.OfOrders(ctx, []uuid.UUID{o.ID})
	if err != nil {
		return err
	}
	for _, d := range documents {
		if d.Kind != invoice.KindInvoice || len(d.Taxes) == 0 {
			continue
		}
		_, err := t.documents.IssueCredit(ctx, invoice.IssueCreditInput{
			IdempotencyKey: "noren-credit-note", DocumentID: d.ID, Reason: "外箱のつぶれによる値引き",
			Amounts: []invoice.TakenAmount{{Text: "値引き", Class: d.Taxes[0].Class, Amount: money.Of(min(100, d.Taxes[0].Gross.Minor), d.Currency).Amount()}},
		})
		return err
	}
	return nil
}
