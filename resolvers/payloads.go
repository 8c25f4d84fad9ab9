package resolvers

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/banking"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/giftcard"
	globalid "github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/core/shipping"
	"github.com/noren-commerce/noren/core/wishlist"
	"github.com/noren-commerce/noren/graph/model"
)

func cartPayload(ctx context.Context, c *cart.Priced, err error) (model.CartPayload, error) {
	errors, err := userErrors(ctx, err)
	p := model.CartPayload{Cart: c, UserErrors: errors}
	if c != nil && c.Token != "" {
		p.CartToken = &c.Token
	}
	return p, err
}

func orderPayload(ctx context.Context, o *order.Order, err error) (model.OrderPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.OrderPayload{Order: o, UserErrors: errors}, err
}

func shipmentPayload(ctx context.Context, m order.Moved, err error) (model.ShipmentPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.ShipmentPayload{Shipment: unless(errors, m.Shipment), Order: unless(errors, m.Order), UserErrors: errors}, err
}

func shipmentsPayload(ctx context.Context, made order.Instructed, err error) (model.ShipmentsPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.ShipmentsPayload{Shipments: made.Shipments, Order: unless(errors, made.Order), UserErrors: errors}, err
}

func editPayload(ctx context.Context, e order.Edited, err error) (model.EditOrderPayload, error) {
	errors, err := userErrors(ctx, err)
	if err != nil || len(errors) > 0 {
		return model.EditOrderPayload{UserErrors: errors}, err
	}
	return model.EditOrderPayload{Order: e.Order, Lines: e.Lines, Points: e.Points, Before: &e.Before, Difference: &e.Difference, Refund: &e.Refund, UserErrors: errors}, nil
}

// packedLine is the line of the order that pieces are of.
func packedLine(ctx context.Context, orderID, lineID uuid.UUID) (order.Line, error) {
	lines, err := load(ctx).OrderLines.Load(ctx, orderID)
	for _, l := range lines {
		if l.ID == lineID {
			return l, err
		}
	}
	return order.Line{}, err
}

// payOrderPayload shows the payment though it failed: it says how it stands. What
// an earlier field of the operation has read of the order is read anew.
func (r *Resolver) payOrderPayload(ctx context.Context, orderID uuid.UUID, paid payment.PayResult, err error) (model.PayOrderPayload, error) {
	errors, err := userErrors(ctx, err)
	p := model.PayOrderPayload{UserErrors: errors, NeedsAction: paid.NeedsAction}
	if err != nil || paid.Payment.ID == uuid.Nil {
		return p, err
	}
	p.Payment = &paid.Payment
	if paid.ClientSecret != "" && paid.Payment.Open() {
		p.ClientSecret = &paid.ClientSecret
	}
	p.Order, err = orNil(r.Orders.ByID(ctx, orderID))
	return p, err
}

func paymentPayload(ctx context.Context, p *payment.Payment, err error) (model.PaymentPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.PaymentPayload{Payment: p, UserErrors: errors}, err
}

// giftCardsIssued shows the codes this once.
func giftCardsIssued(ctx context.Context, issued *giftcard.Issued, err error) (model.IssueGiftCardsPayload, error) {
	errors, err := userErrors(ctx, err)
	p := model.IssueGiftCardsPayload{UserErrors: errors}
	if issued != nil {
		batch := issued.Batch()
		p.BatchID, p.Count = &batch, issued.Count
		if issued.CSV != "" {
			p.CSV = &issued.CSV
		}
	}
	return p, err
}

func collectionPayload(ctx context.Context, report *banking.CollectionReport, err error) (model.CollectionPayload, error) {
	errors, err := userErrors(ctx, err)
	p := model.CollectionPayload{Errors: []ledger.BadRow{}, UserErrors: errors}
	if report != nil {
		p.Matched, p.Known, p.Strays, p.Others, p.Errors = report.Matched, report.Known, report.Strays, report.Others, orNone(report.Errors)
	}
	return p, err
}

func entryPayload(ctx context.Context, e *ledger.Entry, err error) (model.JournalEntryPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.JournalEntryPayload{Entry: e, UserErrors: errors}, err
}

func documentPayload(ctx context.Context, d *invoice.Document, err error) (model.DocumentPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.DocumentPayload{Document: unless(errors, d), UserErrors: errors}, err
}

func transferPayload(ctx context.Context, t payment.TransferResult, err error) (model.RecordBankTransferPayload, error) {
	errors, err := userErrors(ctx, err)
	p := model.RecordBankTransferPayload{UserErrors: errors}
	if err == nil && t.Transfer.ID != uuid.Nil {
		difference := t.Difference()
		p.Transfer, p.Payment, p.Outcome, p.Difference = &t.Transfer, &t.Payment, &t.Outcome, &difference
	}
	return p, err
}

func loginPayload(ctx context.Context, g *identity.Grant, err error) (model.LoginPayload, error) {
	errors, err := userErrors(ctx, err)
	p := model.LoginPayload{Tokens: g, UserErrors: errors}
	if g != nil {
		p.Account = &g.Account
	}
	return p, err
}

func profilePayload(ctx context.Context, p *customer.Profile, err error) (model.ProfilePayload, error) {
	errors, err := userErrors(ctx, err)
	return model.ProfilePayload{Profile: p, UserErrors: errors}, err
}

func savedAddressPayload(ctx context.Context, a *customer.SavedAddress, err error) (model.SavedAddressPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.SavedAddressPayload{Address: a, UserErrors: errors}, err
}

func petPayload(ctx context.Context, p *customer.Pet, err error) (model.PetPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.PetPayload{Pet: p, UserErrors: errors}, err
}

func accountPayload(ctx context.Context, a *identity.Account, err error) (model.AccountPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.AccountPayload{Account: a, UserErrors: errors}, err
}

func groupPayload(ctx context.Context, g *identity.Group, err error) (model.PermissionGroupPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.PermissionGroupPayload{Group: g, UserErrors: errors}, err
}

func donePayload(ctx context.Context, err error) (model.DonePayload, error) {
	errors, err := userErrors(ctx, err)
	return model.DonePayload{UserErrors: errors}, err
}

func productPayload(ctx context.Context, p *catalog.Product, err error) (model.ProductPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.ProductPayload{Product: unless(errors, p), UserErrors: errors}, err
}

func priceListPayload(ctx context.Context, l *pricing.List, err error) (model.PriceListPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.PriceListPayload{PriceList: unless(errors, l), UserErrors: errors}, err
}

func ratePayload(ctx context.Context, rate *pricing.Rate, err error) (model.RatePayload, error) {
	errors, err := userErrors(ctx, err)
	return model.RatePayload{Rate: unless(errors, rate), UserErrors: errors}, err
}

func discountPayload(ctx context.Context, q *pricing.QuantityDiscount, err error) (model.QuantityDiscountPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.QuantityDiscountPayload{QuantityDiscount: unless(errors, q), UserErrors: errors}, err
}

// pricesPayload shows the products whose prices were set.
func (r *Resolver) pricesPayload(ctx context.Context, ids []uuid.UUID, err error) (model.PricesPayload, error) {
	if err == nil {
		products, err := r.Catalog.ByIDs(ctx, ids)
		return model.PricesPayload{Products: orNone(products), UserErrors: []model.UserError{}}, err
	}
	errors, err := userErrors(ctx, err)
	return model.PricesPayload{Products: []catalog.Product{}, UserErrors: errors}, err
}

// conditionFilter turns the arguments of a list of conditions into the core's filter.
func conditionFilter(audience *scope.AudienceInput, target *scope.TargetInput, at *time.Time, closed bool, first *int, after *string) pricing.ConditionFilter {
	f := pricing.ConditionFilter{HoldingAt: at, Closed: closed, Page: page.Args{First: first, After: after}}
	if audience != nil {
		a := audience.Audience()
		f.Audience = &a
	}
	if target != nil {
		t := target.Target()
		f.Target = &t
	}
	return f
}

func shippingMethodPayload(ctx context.Context, m *shipping.Method, err error) (model.ShippingMethodPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.ShippingMethodPayload{ShippingMethod: unless(errors, m), UserErrors: errors}, err
}

// problemOf is a failure as the schema tells it; null if there is none.
func problemOf(ctx context.Context, f *fault.Error) *model.UserError {
	if f == nil {
		return nil
	}
	problem := userError(ctx, f)
	return &problem
}

func stockPayload(ctx context.Context, l inventory.Level, err error) (model.StockPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.StockPayload{Level: unless(errors, &l), UserErrors: errors}, err
}

func movedPayload(ctx context.Context, t *inventory.Transfer, err error) (model.StockTransferPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.StockTransferPayload{Transfer: unless(errors, t), UserErrors: errors}, err
}

func deliveryPayload(ctx context.Context, d *inventory.Delivery, err error) (model.StockDeliveryPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.StockDeliveryPayload{Delivery: unless(errors, d), UserErrors: errors}, err
}

func stocktakePayload(ctx context.Context, s *inventory.Stocktake, err error) (model.StocktakePayload, error) {
	errors, err := userErrors(ctx, err)
	return model.StocktakePayload{Stocktake: unless(errors, s), UserErrors: errors}, err
}

func wishListPayload(ctx context.Context, l *wishlist.List, err error) (model.WishListPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.WishListPayload{WishList: unless(errors, l), UserErrors: errors}, err
}

// unless is the changed object, or null when something kept it from changing.
func unless[T any](errors []model.UserError, changed *T) *T {
	if len(errors) > 0 {
		return nil
	}
	return changed
}

func orNone[T any](rows []T) []T {
	if rows == nil {
		return []T{}
	}
	return rows
}

// mediaInput hands an upload to the core as what it is: bytes to read.
func mediaInput(in model.AddMediaInput) catalog.AddMediaInput {
	out := catalog.AddMediaInput{ProductID: in.ProductID, VariantID: in.VariantID, URL: in.URL, Kind: in.Kind, Alt: in.Alt, Position: in.Position}
	if in.File != nil {
		out.File = in.File.File
	}
	return out
}

func campaignPayload(ctx context.Context, c *promotion.Campaign, err error) (model.CampaignPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.CampaignPayload{Campaign: unless(errors, c), UserErrors: errors}, err
}

// soldVariant is the variant; nil if it is no longer sold.
func soldVariant(ctx context.Context, variantID uuid.UUID) (*catalog.Variant, error) {
	v, err := load(ctx).Variant.Load(ctx, variantID)
	if err != nil || v.ID == uuid.Nil {
		return nil, err
	}
	return &v, nil
}

// narrowed is by what staff narrow a list of orders down.
func narrowed(f model.OrderFilter) (n order.Narrowed, err error) {
	n = order.Narrowed{Tag: value(f.Tag), Held: f.Held, Late: f.Late, PaymentMethod: value(f.PaymentMethod), PlacedFrom: f.PlacedFrom, PlacedBefore: f.PlacedBefore}
	if n.ShopID, err = locationKey(f.ShopID); err != nil {
		return n, err
	}
	n.MemberID, err = locationKey(f.MemberID)
	return n, err
}

// locationKey is the location that a list is narrowed to; nil if it is not.
func locationKey(global *string) (*uuid.UUID, error) {
	if global == nil {
		return nil, nil
	}
	_, key, err := globalid.Parse(*global)
	return &key, err
}
