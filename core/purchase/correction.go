package purchase

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// CorrectionKind is what staff did to a receipt.
type CorrectionKind string

// The kinds of correction.
const (
	Moved     CorrectionKind = "MOVED"     // it is another member's, or nobody's
	Corrected CorrectionKind = "CORRECTED" // something else was bought
	Voided    CorrectionKind = "VOIDED"    // nothing was: it was recorded in error
)

// Correction is what staff did to a receipt, and what it was before. It never changes, but
// that the reason goes when a member of it is erased.
type Correction struct {
	ID          uuid.UUID
	PurchaseID  uuid.UUID
	BrandID     uuid.UUID
	Kind        CorrectionKind
	Reason      string
	FromID      *uuid.UUID // the member before; nil: nobody
	ToID        *uuid.UUID
	ItemsBefore int
	TotalBefore int64
	ItemsAfter  int
	TotalAfter  int64
	LinesBefore []Line // none unless lines changed
	LinesAfter  []Line
	ActorID     *uuid.UUID
	At          time.Time
	Currency    money.Currency
	Typed       bool `db:"-"` // by the word of the staff alone what was bought changes
}

// GlobalID is the correction's id in the schema.
func (c Correction) GlobalID() string { return id.Global("PurchaseCorrection", c.ID) }

// From is the id, in the schema, of the member before; nil for nobody.
func (c Correction) From() *string { return id.GlobalOrNone("Member", c.FromID) }

// To is the id, in the schema, of the member after it; nil for nobody.
func (c Correction) To() *string { return id.GlobalOrNone("Member", c.ToID) }

// Before is what the receipt came to.
func (c Correction) Before() money.Money { return money.Of(c.TotalBefore, c.Currency) }

// After is what it has come to since.
func (c Correction) After() money.Money { return money.Of(c.TotalAfter, c.Currency) }

// Corrections keep what staff do to receipts.
type Corrections interface {
	// Lock is the brand's purchase, held against other corrections until the transaction
	// ends; nil if there is none.
	Lock(ctx context.Context, brandID, purchaseID uuid.UUID) (*Purchase, error)
	// ByReceipt is the purchase with what is printed on its receipt; nil if there is none.
	ByReceipt(ctx context.Context, k ReceiptKey) (*Purchase, error)
	ByIDs(ctx context.Context, purchaseIDs []uuid.UUID) ([]Purchase, error)
	// Standing are those of the members who were neither merged nor erased, held against
	// both until the transaction ends.
	Standing(ctx context.Context, memberIDs []uuid.UUID) ([]uuid.UUID, error)
	// Holder is the member whose card the number was at the moment; nil for nobody.
	Holder(ctx context.Context, brandID uuid.UUID, cardNumber string, at time.Time) (*uuid.UUID, error)
	// AskWhose puts the purchase's card on the work list, unless it is there.
	AskWhose(ctx context.Context, p Purchase, at time.Time) error
	// Give lets the purchase be the member's, by hand; nil: nobody's.
	Give(ctx context.Context, p Purchase) error
	// Rewrite puts other lines in the place of the purchase's, and finds their goods.
	Rewrite(ctx context.Context, p Purchase, lines []Line, at time.Time) error
	// Void takes the purchase from its member and out of all sums.
	Void(ctx context.Context, p Purchase) error
	// Said notes what the till says of the purchase, so that it is a repeat when it comes.
	Said(ctx context.Context, p Purchase, content []byte) error
	// Noted keeps the correction; ranks and results of mailings that it changes are counted
	// again.
	Noted(ctx context.Context, c Correction, p Purchase) error
	// CorrectionsOf are those of the purchases, in their order.
	CorrectionsOf(ctx context.Context, purchaseIDs []uuid.UUID) ([]Correction, error)
}

// ReceiptKey is what is printed on a receipt.
type ReceiptKey struct {
	StoreID  uuid.UUID
	Till     string
	Receipt  string
	BoughtOn time.Time
}

// Failures of corrections.
var (
	ErrOnline    = fault.Conflict("PURCHASE_ONLINE", "ご注文による購入はここでは訂正できません。返品または注文の変更をご利用ください", "What was bought by an order is put right by a return, or by an edit of the order")
	ErrVoided    = fault.Conflict("PURCHASE_VOIDED", "このレシートは取り消されています", "This receipt was voided")
	ErrReturned  = fault.Conflict("PURCHASE_RETURNED", "このレシートの商品は返品されていますが、返品の明細が記録されていないため訂正できません", "Goods of this receipt came back before it was written down which: it cannot be corrected any more")
	ErrIsReturn  = fault.Conflict("PURCHASE_IS_RETURN", "返品を含むレシートですが、どの購入の返品か記録されていないため訂正できません", "Goods came back on this receipt before it was written down of which: it cannot be corrected any more")
	ErrBelow     = fault.Conflict("PURCHASE_BELOW_RETURNED", "すでに返品された商品の数量・金額を下回る訂正はできません", "Fewer goods cannot have been bought than have come back")
	ErrShared    = fault.Conflict("PURCHASE_RETURN_SHARED", "このレシートの返品には他のレシートの商品も含まれるため、付け替えできません。先に返品のレシートを訂正してください", "Goods of other receipts came back together with this one's: put the receipt of the return right first")
	ErrSame      = fault.Conflict("PURCHASE_UNCHANGED", "内容が変わりません", "This changes nothing")
	ErrOld       = fault.Conflict("PURCHASE_TOO_OLD", "%d日より前のレシートは訂正できません", "Receipts of more than %d days ago are not corrected")
	ErrReceiver  = fault.Invalid("PURCHASE_RECEIVER", "会員・会員番号・会員コード・会員なしのいずれか1つを指定してください", "Say one of member, card number, member's code and nobody")
	ErrNoMember  = fault.NotFound("PURCHASE_MEMBER_UNKNOWN", "会員が見つかりません", "There is no such member")
	ErrLines     = fault.Invalid("PURCHASE_LINES", "明細は1〜500行で、コード・数量・金額を正しく指定してください", "A receipt has 1 to 500 lines with a code, pieces and an amount")
	ErrOtherShop = fault.Forbidden("PURCHASE_OTHER_SHOP", "他店のレシートは訂正できません", "Staff of a shop correct its own receipts")
)
