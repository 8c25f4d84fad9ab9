// Package messaging writes to customers: a message is queued in the transaction
// that gives cause for it, rendered from a template in the customer's language,
// and sent once.
package messaging

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
)

// Kind says what a message is about. It names its templates.
type Kind string

// The kinds of message.
const (
	KindEmailVerification  Kind = "email_verification"
	KindPasswordReset      Kind = "password_reset"
	KindEmailChange        Kind = "email_change"
	KindEmailChangeTaken   Kind = "email_change_taken"
	KindEmailChangeAsked   Kind = "email_change_asked"
	KindEmailChanged       Kind = "email_changed"
	KindOrderConfirmation  Kind = "order_confirmation"
	KindPaymentReceived    Kind = "payment_received"
	KindOrderShipped       Kind = "order_shipped"
	KindOrderCancelled     Kind = "order_cancelled"
	KindOrderChanged       Kind = "order_changed"
	KindOrderRescheduled   Kind = "order_rescheduled"
	KindBankTransfer       Kind = "bank_transfer"
	KindBackInStock        Kind = "back_in_stock"
	KindWishNews           Kind = "wish_news"
	KindQuotationRequested Kind = "quotation_requested"
	KindQuotationAnswered  Kind = "quotation_answered"
	KindQuotationSaid      Kind = "quotation_said"
	KindStockLow           Kind = "stock_low"
	KindOrdersLate         Kind = "orders_late"
	KindLotsExpiring       Kind = "lots_expiring"
	KindCampaignNotice     Kind = "campaign_notice"
	KindCampaignOpened     Kind = "campaign_opened"
	KindCouponGranted      Kind = "coupon_granted"
	KindAccountOverdue     Kind = "account_overdue"
	KindApprovalAsked      Kind = "approval_asked"
	KindReturnNotice       Kind = "return_notice"
	KindStoreSlip          Kind = "store_slip"
	KindParcelNotice       Kind = "parcel_notice"
	KindPickUpReady        Kind = "pick_up_ready"
	KindPointsExpiring     Kind = "points_expiring"
	KindRefundedAsPoints   Kind = "refunded_as_points"
	KindDrawWon            Kind = "draw_won"
	KindDrawCancelled      Kind = "draw_cancelled"
	KindPrizeNotice        Kind = "prize_notice"
	KindDraftOrder         Kind = "draft_order"
	KindCardDeclined       Kind = "card_declined"
	KindPaymentLapsed      Kind = "payment_lapsed"
	KindRecurringOrder     Kind = "recurring_order"
	KindMailing            Kind = "mailing"
)

// Kinds lists every kind.
var Kinds = []Kind{
	KindEmailVerification, KindPasswordReset, KindEmailChange, KindEmailChangeTaken, KindEmailChangeAsked, KindEmailChanged, KindOrderConfirmation, KindPaymentReceived,
	KindOrderShipped, KindOrderCancelled, KindOrderChanged, KindOrderRescheduled, KindBankTransfer, KindCardDeclined, KindPaymentLapsed,
	KindBackInStock, KindWishNews, KindAccountOverdue, KindApprovalAsked, KindCampaignNotice, KindCampaignOpened, KindCouponGranted,
	KindQuotationRequested, KindQuotationAnswered, KindQuotationSaid, KindStockLow, KindOrdersLate, KindLotsExpiring, KindReturnNotice, KindStoreSlip, KindParcelNotice,
	KindPickUpReady, KindPointsExpiring, KindRefundedAsPoints, KindDrawWon, KindDrawCancelled, KindPrizeNotice,
	KindDraftOrder, KindRecurringOrder,
	KindMailing,
}

// Content is what one kind of message says.
type Content interface {
	// Kind is the kind of message that says it.
	Kind() Kind
}

// Address is whom a message goes to.
type Address struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email"`
}

// Message is one message to one person. Two messages with the same key are the
// same message: it is sent once.
type Message struct {
	Key      string          `json:"key"`
	Kind     Kind            `json:"kind"`
	BrandID  uuid.UUID       `json:"brandId"`
	To       Address         `json:"to"`
	Language string          `json:"language"`
	Content  json.RawMessage `json:"content"`
	Envelope string          `json:"sealed,omitempty"` // To and Content, where the message waits; empty once it is read
}

// Bulk reports whether such messages go out to a great many at once, of whom none waits for
// it: others go first.
func (k Kind) Bulk() bool {
	switch k {
	case KindWishNews, KindCampaignNotice, KindCampaignOpened, KindPointsExpiring, KindDrawCancelled:
		return true
	}
	return false
}

// Outbox queues messages in the transaction of the context: they are sent if it
// commits, soon after.
type Outbox interface {
	Enqueue(ctx context.Context, messages ...Message) error
}

// New makes the message that says content to someone in the language and for the
// brand of the context. occasion tells apart two messages of one kind ("the order
// 0198…", "the token 0199…"), and where it goes to several whom ("…/hanako@example.jp").
func New(ctx context.Context, to Address, occasion string, content Content) (Message, error) {
	raw, err := json.Marshal(content)
	if err != nil {
		return Message{}, fmt.Errorf("encode %s message: %w", content.Kind(), err)
	}
	return Message{
		Key:  string(content.Kind()) + "/" + unnamed(occasion),
		Kind: content.Kind(), BrandID: channel.From(ctx).BrandID,
		To: to, Language: i18n.Language(ctx), Content: raw,
	}, nil
}

var atItsEnd = regexp.MustCompile(`[^/ ]+@[^/ ]+$`)

// unnamed is the occasion with a digest in place of an address at its end: keys are kept,
// and name nobody.
func unnamed(occasion string) string {
	return atItsEnd.ReplaceAllStringFunc(occasion, func(address string) string {
		sum := sha256.Sum256([]byte(address))
		return hex.EncodeToString(sum[:16])
	})
}
