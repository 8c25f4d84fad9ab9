package seed

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/banking"
	"github.com/noren-commerce/noren/core/billing"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/storage/postgres"
)

// onAccount are the ages of the sample company's orders on account.
var onAccount = []time.Duration{75 * day, 48 * day, 40 * day, 4 * day}

// inMemory drops jobs: what the sample's are about is done at once.
type inMemory struct{}

func (inMemory) MatchBank(context.Context, banking.MatchJob) error { return nil }

// WriteAccounts lets a sample company buy on account in the weeks before now, closes
// its account, and has the bank's statement brought in: one deposit pays the company,
// two wait for somebody. It all runs through the core and in one transaction; a shop
// that has a statement of the bank already is left alone.
func WriteAccounts(ctx context.Context, db *postgres.DB, now time.Time) error {
	t, err := newTrade(ctx, db)
	if err != nil {
		return err
	}
	clock := func() time.Time { return t.at }
	events, keys := postgres.NewEvents(db), idempotency.New(db, postgres.NewKeys(db), clock)
	bank := banking.New(banking.Parts{
		Tx: db, Store: postgres.NewBanking(db), Keys: keys, Payments: t.payments, Companies: t.companies, Jobs: inMemory{}, Events: events, Now: clock,
	})
	accounts := billing.New(billing.Parts{Tx: db, Store: postgres.NewBilling(db), Companies: t.companies, Documents: t.documents, Outbox: unsent{}, Events: events, Now: clock})
	b := &bargain{t, Brands()[0], map[uuid.UUID]int64{}}
	ch := t.channels[b.brand.ID]
	ctx = channel.With(ctx, ch)
	books := access.Actor{Role: access.RoleAdmin, ID: Staff()[0].ID}
	return db.InTx(ctx, func(ctx context.Context) error {
		there, err := bank.Statements(access.With(ctx, books), page.Args{})
		if err != nil || len(there.Edges) > 0 {
			return err
		}
		for i, age := range onAccount {
			t.at = atWork(now.Add(-age)).Truncate(time.Second)
			if err := b.onAccount(ctx, i); err != nil {
				return fmt.Errorf("sample order on account %d: %w", i, err)
			}
		}
		t.at = now
		if err := accounts.Run(ctx); err != nil {
			return err
		}
		if _, err := bank.Upload(access.With(ctx, books), banking.UploadInput{FileName: "meisai.csv", File: strings.NewReader(sampleStatement(now))}); err != nil {
			return err
		}
		return bank.Work(ctx, banking.MatchJob{BrandID: b.brand.ID}, ch)
	})
}

// sampleStatement is what the sample bank says of the last days.
func sampleStatement(now time.Time) string {
	on := func(days int) string { return now.In(jst).AddDate(0, 0, -days).Format("2006/01/02") }
	return "日付,摘要,お預入れ額\n" +
		on(3) + ",W0001 ｶ)ﾌｸﾌｸﾍﾟﾂﾄ,3000\n" +
		on(2) + ",ﾐﾎﾝ ﾀﾛｳ,4980\n" +
		on(1) + ",ﾕ)ﾄﾞｳﾌﾞﾂﾔ,12000\n"
}

// onAccount lets the sample company's approver order, and staff ship it.
func (b *bargain) onAccount(ctx context.Context, n int) error {
	buyer := b.buyer(ctx)
	for i, v := range b.goods[b.brand.ID] {
		if i >= 2 {
			break
		}
		if _, err := b.carts.AddLine(buyer, cart.AddLineInput{VariantID: v, Quantity: 2 + n}); err != nil {
			return err
		}
	}
	methods, err := b.methods.Methods(buyer)
	if err != nil || len(methods) == 0 {
		return err
	}
	who, address := purchasers()[1], wholesalers()[0].address.Normalised()
	priced, err := b.carts.Update(buyer, cart.UpdateInput{Email: &who.Email, ShippingAddress: &address, ShippingMethodID: &methods[0].ID})
	if err != nil {
		return err
	}
	placed, err := b.orders.Place(buyer, order.PlaceInput{
		IdempotencyKey: fmt.Sprintf("noren-account-%02d", n), ExpectedTotal: priced.Total().Amount(), PaymentMethod: payment.MethodOnAccount,
	})
	if err != nil {
		return err
	}
	b.at = atWork(b.at.Add(5 * time.Hour))
	instructed, err := b.orders.Instruct(b.staff(ctx), order.InstructInput{OrderID: placed.ID, IdempotencyKey: "sample " + placed.ID.String()})
	if err != nil {
		return err
	}
	b.at = atWork(b.at.Add(5 * time.Hour))
	for _, h := range instructed.Shipments {
		if _, err := b.orders.Ship(b.staff(ctx), order.ShipInput{IdempotencyKey: "sample " + h.ID.String(), ShipmentID: h.ID}); err != nil {
			return err
		}
	}
	return nil
}
