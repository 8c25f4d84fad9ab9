// Package model holds the few schema types that are not core types: payloads,
// and the names that Relay wants for pages.
package model

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/audit"
	"github.com/noren-commerce/noren/core/banking"
	"github.com/noren-commerce/noren/core/billing"
	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/dispatch"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/draft"
	"github.com/noren-commerce/noren/core/draw"
	"github.com/noren-commerce/noren/core/giftcard"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/mailing"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/migration"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/prize"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/purchase"
	"github.com/noren-commerce/noren/core/quotation"
	"github.com/noren-commerce/noren/core/recurring"
	"github.com/noren-commerce/noren/core/returns"
	"github.com/noren-commerce/noren/core/segment"
	"github.com/noren-commerce/noren/core/statistics"
	"github.com/noren-commerce/noren/core/tracking"
	"github.com/noren-commerce/noren/core/voucher"
)

// Node is any object with a global id.
type Node interface{ GlobalID() string }

type (
	// ProductConnection is a page of products.
	ProductConnection = catalog.ProductPage
	// ProductEdge is a product on a page.
	ProductEdge = page.Edge[catalog.Product]
	// BackOrderConnection is a page of back-orders.
	BackOrderConnection = page.Connection[order.BackOrder]
	// BackOrderEdge is a back-order on a page.
	BackOrderEdge = page.Edge[order.BackOrder]
	// DraftOrderConnection is a page of draft orders.
	DraftOrderConnection = page.Connection[draft.Draft]
	// DraftOrderEdge is a draft order on a page.
	DraftOrderEdge = page.Edge[draft.Draft]
	// RecurringOrderConnection is a page of recurring orders.
	RecurringOrderConnection = page.Connection[recurring.Order]
	// RecurringOrderEdge is a recurring order on a page.
	RecurringOrderEdge = page.Edge[recurring.Order]
	// TimelineConnection is a page of an order's timeline.
	TimelineConnection = page.Connection[order.Moment]
	// TimelineEdge is a moment on a page.
	TimelineEdge = page.Edge[order.Moment]
	// QuotationConnection is a page of quotations.
	QuotationConnection = page.Connection[quotation.Quotation]
	// QuotationEdge is a quotation on a page.
	QuotationEdge = page.Edge[quotation.Quotation]
	// ShipmentConnection is a page of shipments.
	ShipmentConnection = page.Connection[order.Shipment]
	// ShipmentEdge is a shipment on a page.
	ShipmentEdge = page.Edge[order.Shipment]
	// PickUpConnection is a page of pick-ups.
	PickUpConnection = page.Connection[order.PickUp]
	// PickUpEdge is a pick-up on a page.
	PickUpEdge = page.Edge[order.PickUp]
	// ReturnConnection is a page of returns.
	ReturnConnection = page.Connection[returns.Return]
	// ReturnEdge is a return on a page.
	ReturnEdge = page.Edge[returns.Return]

	// OrderConnection is a page of orders.
	OrderConnection = page.Connection[order.Order]
	// ImportRejectionConnection is a page of rejected rows.
	ImportRejectionConnection = page.Connection[importing.Rejection]
	// ImportRejectionEdge is a rejected row on a page.
	ImportRejectionEdge = page.Edge[importing.Rejection]
	// ImportRunConnection is a page of imports.
	ImportRunConnection = page.Connection[importing.Run]
	// ImportRunEdge is an import on a page.
	ImportRunEdge = page.Edge[importing.Run]
	// PriceImportConnection is a page of files of prices.
	PriceImportConnection = page.Connection[importing.PriceRun]
	// PriceImportEdge is a file of prices on a page.
	PriceImportEdge = page.Edge[importing.PriceRun]
	// PriceFileChangeConnection is a page of what a file of prices does.
	PriceFileChangeConnection = page.Connection[importing.PriceChange]
	// PriceFileChangeEdge is such a row on a page.
	PriceFileChangeEdge = page.Edge[importing.PriceChange]
	// RateConnection is a page of rates.
	RateConnection = page.Connection[pricing.Rate]
	// RateEdge is a rate on a page.
	RateEdge = page.Edge[pricing.Rate]
	// QuantityDiscountConnection is a page of quantity discounts.
	QuantityDiscountConnection = page.Connection[pricing.QuantityDiscount]
	// QuantityDiscountEdge is a quantity discount on a page.
	QuantityDiscountEdge = page.Edge[pricing.QuantityDiscount]
	// ScheduledPriceConnection is a page of prices that will begin or end.
	ScheduledPriceConnection = page.Connection[pricing.Scheduled]
	// ScheduledPriceEdge is such a price on a page.
	ScheduledPriceEdge = page.Edge[pricing.Scheduled]
	// PriceRowConnection is a page of prices.
	PriceRowConnection = page.Connection[pricing.Row]
	// PriceRowEdge is a price on a page.
	PriceRowEdge = page.Edge[pricing.Row]
	// CampaignConnection is a page of campaigns.
	CampaignConnection = page.Connection[promotion.Campaign]
	// CampaignEdge is a campaign on a page.
	CampaignEdge = page.Edge[promotion.Campaign]
	// CouponConnection is a page of coupons.
	CouponConnection = page.Connection[promotion.Coupon]
	// CouponEdge is a coupon on a page.
	CouponEdge = page.Edge[promotion.Coupon]
	// OrderEdge is an order on a page.
	OrderEdge = page.Edge[order.Order]
	// AccountConnection is a page of accounts.
	AccountConnection = page.Connection[identity.Account]
	// AccountEdge is one row of it.
	AccountEdge = page.Edge[identity.Account]

	// CompanyConnection is a page of companies.
	CompanyConnection = page.Connection[company.Company]
	// CompanyEdge is a company on a page.
	CompanyEdge = page.Edge[company.Company]
	// CompanyEventConnection is a page of what happened to a company.
	CompanyEventConnection = page.Connection[company.Happened]
	// CompanyEventEdge is an event on a page.
	CompanyEventEdge = page.Edge[company.Happened]
	// CreditEntryConnection is a page of what changed what a company owes.
	CreditEntryConnection = page.Connection[company.Entry]
	// CreditEntryEdge is an entry on a page.
	CreditEntryEdge = page.Edge[company.Entry]
	// CustomerGroupConnection is a page of customer groups.
	CustomerGroupConnection = page.Connection[company.Group]
	// CustomerGroupEdge is a group on a page.
	CustomerGroupEdge = page.Edge[company.Group]

	// ShipmentBatchConnection is a page of files of instructions.
	ShipmentBatchConnection = page.Connection[dispatch.Batch]
	// ShipmentBatchEdge is a file of instructions on a page.
	ShipmentBatchEdge = page.Edge[dispatch.Batch]
	// ShipmentResultConnection is a page of files of results.
	ShipmentResultConnection = page.Connection[dispatch.Result]
	// ShipmentResultEdge is a file of results on a page.
	ShipmentResultEdge = page.Edge[dispatch.Result]
	// DeliveryIssueConnection is a page of delivery issues.
	DeliveryIssueConnection = page.Connection[tracking.Issue]
	// DeliveryIssueEdge is a delivery issue on a page.
	DeliveryIssueEdge = page.Edge[tracking.Issue]
	// BankStatementConnection is a page of the bank's files.
	BankStatementConnection = page.Connection[banking.Statement]
	// BankStatementEdge is a file of the bank on a page.
	BankStatementEdge = page.Edge[banking.Statement]
	// BankLineConnection is a page of deposits.
	BankLineConnection = page.Connection[banking.Line]
	// BankLineEdge is a deposit on a page.
	BankLineEdge = page.Edge[banking.Line]
	// AccountStatementConnection is a page of companies' statements.
	AccountStatementConnection = page.Connection[billing.Statement]
	// AccountStatementEdge is a company's statement on a page.
	AccountStatementEdge = page.Edge[billing.Statement]
	// DocumentConnection is a page of documents.
	DocumentConnection = page.Connection[invoice.Document]
	// DocumentEdge is a document on a page.
	DocumentEdge = page.Edge[invoice.Document]
	// JournalEntryConnection is a page of the journal.
	JournalEntryConnection = page.Connection[ledger.Entry]
	// JournalEntryEdge is an entry on a page.
	JournalEntryEdge = page.Edge[ledger.Entry]
	// PaymentConnection is a page of payments.
	PaymentConnection = page.Connection[payment.Payment]
	// PaymentEdge is a payment on a page.
	PaymentEdge = page.Edge[payment.Payment]
	// StrayPaymentConnection is a page of strays.
	StrayPaymentConnection = page.Connection[payment.Stray]
	// StrayPaymentEdge is a stray on a page.
	StrayPaymentEdge = page.Edge[payment.Stray]
	// MemberSearchConnection is a page of members that were searched for.
	MemberSearchConnection = page.Connection[member.Member]
	// MemberSearchEdge is a member on a page.
	MemberSearchEdge = page.Edge[member.Member]
	// SegmentConnection is a page of saved searches.
	SegmentConnection = page.Connection[segment.Segment]
	// SegmentEdge is a saved search on a page.
	SegmentEdge = page.Edge[segment.Segment]
	// MailingConnection is a page of mailings.
	MailingConnection = page.Connection[mailing.Mailing]
	// MailingEdge is a mailing on a page.
	MailingEdge = page.Edge[mailing.Mailing]
	// MailingRecipientConnection is a page of a mailing's audience.
	MailingRecipientConnection = page.Connection[mailing.Recipient]
	// MailingRecipientEdge is one of its members on a page.
	MailingRecipientEdge = page.Edge[mailing.Recipient]
	// DailyFiguresConnection is a page of figures by day.
	DailyFiguresConnection = page.Connection[statistics.Figures]
	// DailyFiguresEdge is a row of them on a page.
	DailyFiguresEdge = page.Edge[statistics.Figures]
	// DailyPointsConnection is a page of what became of points by day.
	DailyPointsConnection = page.Connection[statistics.Points]
	// DailyPointsEdge is a day of them on a page.
	DailyPointsEdge = page.Edge[statistics.Points]
	// DailyStorePointsConnection is a page of points by day and store.
	DailyStorePointsConnection = page.Connection[statistics.StorePoints]
	// DailyStorePointsEdge is a row of them on a page.
	DailyStorePointsEdge = page.Edge[statistics.StorePoints]
	// DailyLiabilityConnection is a page of what was outstanding by day.
	DailyLiabilityConnection = page.Connection[statistics.Liability]
	// DailyLiabilityEdge is a row of it on a page.
	DailyLiabilityEdge = page.Edge[statistics.Liability]
	// MigrationConnection is a page of files of past data.
	MigrationConnection = page.Connection[migration.Run]
	// MigrationEdge is one of them on a page.
	MigrationEdge = page.Edge[migration.Run]
	// MigrationRemarkConnection is a page of what is said of rows.
	MigrationRemarkConnection = page.Connection[migration.Remark]
	// MigrationRemarkEdge is a remark on a page.
	MigrationRemarkEdge = page.Edge[migration.Remark]
	// DuplicateMemberConnection is a page of pairs of members.
	DuplicateMemberConnection = page.Connection[migration.Duplicate]
	// DuplicateMemberEdge is a pair on a page.
	DuplicateMemberEdge = page.Edge[migration.Duplicate]
	// MemberRequestConnection is a page of what members asked for.
	MemberRequestConnection = page.Connection[member.Request]
	// MemberRequestEdge is one of them on a page.
	MemberRequestEdge = page.Edge[member.Request]

	// PurchaseConnection is a page of purchases.
	PurchaseConnection = page.Connection[purchase.Purchase]
	// PurchaseEdge is one of them on a page.
	PurchaseEdge = page.Edge[purchase.Purchase]

	// PurchaseImportConnection is a page of journals of tills.
	PurchaseImportConnection = page.Connection[purchase.Import]
	// PurchaseImportEdge is one of them on a page.
	PurchaseImportEdge = page.Edge[purchase.Import]

	// PurchaseProblemConnection is a page of what nobody knows in purchases.
	PurchaseProblemConnection = page.Connection[purchase.Problem]
	// PurchaseProblemEdge is one of them on a page.
	PurchaseProblemEdge = page.Edge[purchase.Problem]

	// PointEntryConnection is a page of entries of points.
	PointEntryConnection = page.Connection[points.Entry]
	// PointEntryEdge is one of its entries.
	PointEntryEdge = page.Edge[points.Entry]
	// PointTransferConnection is a page of transfers of points.
	PointTransferConnection = page.Connection[points.Transfer]
	// PointTransferEdge is one of its transfers.
	PointTransferEdge = page.Edge[points.Transfer]
	// PointArrivalConnection is a page of points that came for numbers nobody has.
	PointArrivalConnection = page.Connection[points.Arrival]
	// PointArrivalEdge is one of its arrivals.
	PointArrivalEdge = page.Edge[points.Arrival]
	// VoucherBatchConnection is a page of batches of vouchers.
	VoucherBatchConnection = page.Connection[voucher.Batch]
	// VoucherBatchEdge is a batch on a page.
	VoucherBatchEdge = page.Edge[voucher.Batch]
	// VoucherConnection is a page of vouchers.
	VoucherConnection = page.Connection[voucher.Voucher]
	// VoucherEdge is a voucher on a page.
	VoucherEdge = page.Edge[voucher.Voucher]
	// DrawConnection is a page of draws.
	DrawConnection = page.Connection[draw.Draw]
	// DrawEdge is a draw on a page.
	DrawEdge = page.Edge[draw.Draw]
	// PrizeConnection is a page of prizes.
	PrizeConnection = page.Connection[prize.Prize]
	// PrizeEdge is a prize on a page.
	PrizeEdge = page.Edge[prize.Prize]
	// PrizeExchangeConnection is a page of what members exchanged for prizes.
	PrizeExchangeConnection = page.Connection[prize.Exchange]
	// PrizeExchangeEdge is one of them on a page.
	PrizeExchangeEdge = page.Edge[prize.Exchange]
	// GiftCardConnection is a page of gift cards.
	GiftCardConnection = page.Connection[giftcard.Card]
	// GiftCardEdge is a gift card on a page.
	GiftCardEdge = page.Edge[giftcard.Card]
	// SearchConnection is a page of what a search found.
	SearchConnection = page.Connection[catalog.SearchResult]
	// SearchEdge is a hit on a page.
	SearchEdge = page.Edge[catalog.SearchResult]
	// StaffProductConnection is a page of products for staff.
	StaffProductConnection = page.Connection[catalog.Product]
	// DisplayRuleConnection is a page of display rules.
	DisplayRuleConnection = page.Connection[display.Rule]
	// DisplayRuleEdge is a display rule on a page.
	DisplayRuleEdge = page.Edge[display.Rule]
	// StockMovementConnection is a page of what came and went.
	StockMovementConnection = page.Connection[inventory.Movement]
	// StockMovementEdge is a movement on a page.
	StockMovementEdge = page.Edge[inventory.Movement]
	// SettlementFileConnection is a page of settlement files.
	SettlementFileConnection = page.Connection[ledger.SettlementFile]
	// SettlementFileEdge is a settlement file on a page.
	SettlementFileEdge = page.Edge[ledger.SettlementFile]
	// GatewayReconciliationConnection is a page of compared reports.
	GatewayReconciliationConnection = page.Connection[ledger.Reconciliation]
	// GatewayReconciliationEdge is a compared report on a page.
	GatewayReconciliationEdge = page.Edge[ledger.Reconciliation]
	// GatewayDifferenceConnection is a page of differences.
	GatewayDifferenceConnection = page.Connection[ledger.Difference]
	// GatewayDifferenceEdge is a difference on a page.
	GatewayDifferenceEdge = page.Edge[ledger.Difference]
	// AuditEventConnection is a page of what was done.
	AuditEventConnection = page.Connection[audit.Entry]
	// AuditEventEdge is an event on a page.
	AuditEventEdge = page.Edge[audit.Entry]
	// StockTransferConnection is a page of transfers.
	StockTransferConnection = page.Connection[inventory.Transfer]
	// StockTransferEdge is a transfer on a page.
	StockTransferEdge = page.Edge[inventory.Transfer]
	// StockDeliveryConnection is a page of announced deliveries.
	StockDeliveryConnection = page.Connection[inventory.Delivery]
	// StockDeliveryEdge is a delivery on a page.
	StockDeliveryEdge = page.Edge[inventory.Delivery]
	// StockAlertConnection is a page of stock levels that need more.
	StockAlertConnection = page.Connection[inventory.Alert]
	// StockAlertEdge is an alert on a page.
	StockAlertEdge = page.Edge[inventory.Alert]

	// StockLotConnection is a page of lots.
	StockLotConnection = page.Connection[inventory.Lot]
	// StockLotEdge is a lot on a page.
	StockLotEdge = page.Edge[inventory.Lot]
	// StockLotMovementConnection is a page of what came and went of a lot.
	StockLotMovementConnection = page.Connection[inventory.LotMovement]
	// StockLotMovementEdge is a movement of a lot on a page.
	StockLotMovementEdge = page.Edge[inventory.LotMovement]
	// StockLotRecipientConnection is a page of who got pieces of a lot.
	StockLotRecipientConnection = page.Connection[inventory.Recipient]
	// StockLotRecipientEdge is a customer on a page.
	StockLotRecipientEdge = page.Edge[inventory.Recipient]
	// StockShortfallConnection is a page of levels of which more is held than may leave.
	StockShortfallConnection = page.Connection[inventory.Shortfall]
	// StockShortfallEdge is such a level on a page.
	StockShortfallEdge = page.Edge[inventory.Shortfall]
	// StocktakeConnection is a page of stocktakes.
	StocktakeConnection = page.Connection[inventory.Stocktake]
	// StocktakeEdge is a stocktake on a page.
	StocktakeEdge = page.Edge[inventory.Stocktake]
	// StocktakeLineConnection is a page of what was counted.
	StocktakeLineConnection = page.Connection[inventory.CountedLine]
	// StocktakeLineEdge is something that was counted, on a page.
	StocktakeLineEdge = page.Edge[inventory.CountedLine]
)

// ProductTranslations are a product's texts in every language.
type ProductTranslations struct {
	Name           i18n.Text
	Description    i18n.Text
	SEOTitle       i18n.Text
	SEODescription i18n.Text
}

// AddMediaInput is a medium to add, by address or by file.
type AddMediaInput struct {
	ProductID uuid.UUID
	VariantID *uuid.UUID
	URL       *string
	File      *graphql.Upload
	Kind      *catalog.MediaKind
	Alt       i18n.Text
	Position  int
}
