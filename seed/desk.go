package seed

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/draft"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/recurring"
	"github.com/noren-commerce/noren/core/shipping"
)

// Desk is who takes orders by telephone, and those that come again.
type Desk struct {
	Drafts    *draft.Service
	Recurring *recurring.Service
	Methods   *shipping.Service
	Channels  *channel.Service
	Now       func() time.Time
}

// Fill lets the sample staff of the first brand take two orders by telephone, of which one
// waits for its customer to confirm, and a sample member have goods sent every month: once.
func (d Desk) Fill(ctx context.Context) error {
	brand := Brands()[0]
	ch, err := d.Channels.Resolve(ctx, brand.Code, "")
	if err != nil {
		return err
	}
	here := channel.With(ctx, ch)
	staff := access.With(here, access.Actor{Role: access.RoleAdmin, ID: Staff()[0].ID})
	there, err := d.Drafts.List(staff, draft.ListInput{})
	if err != nil || len(there.Edges) > 0 {
		return err
	}
	methods, err := d.Methods.Methods(staff)
	if err != nil || len(methods) == 0 {
		return err
	}
	var goods []uuid.UUID
	for bundle := range brand.Products(0) {
		if goods = append(goods, bundle.Prices[0].VariantID); len(goods) == 3 {
			break
		}
	}
	caller := Members()[0]
	if err := d.telephone(staff, caller, goods, methods[0].ID); err != nil {
		return fmt.Errorf("sample drafts: %w", err)
	}
	_, err = d.Recurring.Subscribe(access.With(here, access.Actor{Role: access.RoleMember, ID: caller.ID}), recurring.SubscribeInput{
		IdempotencyKey: "noren-sample-recurring", Unit: recurring.Months, Every: 1, FirstOn: d.Now().AddDate(0, 0, 20).Truncate(day),
		Lines: []recurring.LineInput{{VariantID: goods[2], Quantity: 2}}, ShippingAddress: caller.Addresses[0], ShippingMethodID: methods[0].ID,
		PaymentMethod: payment.MethodBankTransfer,
	})
	if err != nil {
		return fmt.Errorf("sample recurring order: %w", err)
	}
	return nil
}

// telephone notes what a caller orders: one draft is still open, one was sent.
func (d Desk) telephone(ctx context.Context, caller Account, goods []uuid.UUID, method uuid.UUID) error {
	note, transfer := "お電話にて承り。お届け日のご希望はなし。", payment.MethodBankTransfer
	for i, sent := range []bool{false, true} {
		made, err := d.Drafts.Create(ctx, draft.CreateInput{MemberID: &caller.ID, Terms: draft.Terms{
			Note: &note, ShippingAddress: &caller.Addresses[0], ShippingMethodID: &method, PaymentMethod: &transfer,
			Lines: []draft.LineInput{{VariantID: goods[i], Quantity: 1 + i}},
		}})
		if err != nil {
			return err
		}
		if !sent {
			continue
		}
		if _, err := d.Drafts.Send(ctx, draft.SendInput{DraftID: made.ID, Revision: made.Revision, Message: "内容をご確認のうえ、ご注文を確定してください。"}); err != nil {
			return err
		}
	}
	return nil
}
