// Package purchase is what customers bought, in shops and online, in one history
// (購買履歴): journals of tills come in by file and by API, orders when they leave.
package purchase

import (
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// Source is where something was bought.
type Source string

// The sources.
const (
	InStore Source = "STORE"
	Online  Source = "ONLINE"
)

// Purchase is one receipt, or one shipment of an order.
type Purchase struct {
	ID         uuid.UUID
	BoughtOn   time.Time // the business day (営業日); midnight UTC
	BoughtAt   time.Time
	BrandID    uuid.UUID
	MemberID   *uuid.UUID
	CardNumber string
	Source     Source
	StoreID    *uuid.UUID
	Till       string
	Receipt    string
	OrderID    *uuid.UUID
	Items      int
	TotalMinor int64 `db:"total"`
	Currency   money.Currency
	ByHand     bool       // staff have said whose it is
	VoidedAt   *time.Time // recorded in error
}

// GlobalID is the purchase's id in the schema.
func (p Purchase) GlobalID() string { return id.Global("Purchase", p.ID) }

// OfBrand is the brand's id in the schema.
func (p Purchase) OfBrand() string { return id.Global("Brand", p.BrandID) }

// AtStore is the store's id in the schema; nil: online.
func (p Purchase) AtStore() *string { return id.GlobalOrNone("Location", p.StoreID) }

// OfOrder is the order's id in the schema; nil: in a store.
func (p Purchase) OfOrder() *string { return id.GlobalOrNone("Order", p.OrderID) }

// OfMember is the member's id in the schema; nil: nobody's.
func (p Purchase) OfMember() *string { return id.GlobalOrNone("Member", p.MemberID) }

// Total is what was paid, with tax; below zero for what was given back.
func (p Purchase) Total() money.Money { return money.Of(p.TotalMinor, p.Currency) }

// Line is one line of a purchase.
type Line struct {
	PurchaseID  uuid.UUID      `json:"-"`
	Position    int            `json:"position"`
	VariantID   *uuid.UUID     `json:"variantId,omitempty"`
	ProductID   *uuid.UUID     `json:"productId,omitempty"`
	Code        string         `json:"code"` // barcode or SKU, as it was sold
	Name        string         `json:"name"`
	Quantity    int            `json:"quantity"`
	AmountMinor int64          `db:"amount" json:"amount"`
	Currency    money.Currency `json:"currency"`
}

// OfProduct is the product's id in the schema; nil if nobody knows the code.
func (l Line) OfProduct() *string { return id.GlobalOrNone("Product", l.ProductID) }

// Amount is the line's price with tax; below zero for what was given back.
func (l Line) Amount() money.Money { return money.Of(l.AmountMinor, l.Currency) }

// Import is one journal that was taken in.
type Import struct {
	ID        uuid.UUID
	BrandID   uuid.UUID
	FileName  string
	Digest    string
	Rows      int
	Receipts  int // taken into the history
	Repeated  int // that were there already
	Differing int // that were there with other content, and wait on the work list
	Refused   int // rows with errors, and those of receipts that are not whole
	Errors    []BadRow
	ActorID   *uuid.UUID
	CreatedAt time.Time
	Again     bool `db:"-"` // the file was taken in before: this is what became of it then
}

// GlobalID is the import's id in the schema.
func (i Import) GlobalID() string { return id.Global("PurchaseImport", i.ID) }

// BadRow is a row that could not be taken, and why.
type BadRow struct {
	Line   int       `json:"line"`   // of the file, from 1
	Column string    `json:"column"` // its heading; empty if the row as a whole is meant
	Value  string    `json:"value"`  // what stood there
	Reason i18n.Text `json:"reason"`
}

// ProblemKind is what nobody knows.
type ProblemKind string

// The kinds of problem.
const (
	UnknownProduct ProblemKind = "PRODUCT"
	UnknownMember  ProblemKind = "MEMBER"
	OtherContent   ProblemKind = "RECEIPT" // a receipt that came again, and says something else
)

// ProblemState says what became of a problem.
type ProblemState string

// The states of a problem.
const (
	ProblemOpen     ProblemState = "OPEN"
	ProblemResolved ProblemState = "RESOLVED"
	ProblemIgnored  ProblemState = "IGNORED"
)

// Problem is a code or card number of the history that nobody knows, or a receipt that
// came again with other content.
type Problem struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	Kind       ProblemKind
	Value      string // the code, the card's number, or the receipt's
	Name       string // of the goods, as the till called them
	State      ProblemState
	VariantID  *uuid.UUID
	MemberID   *uuid.UUID
	Reason     string
	ActorID    *uuid.UUID
	CreatedAt  time.Time
	ResolvedAt *time.Time
	PurchaseID *uuid.UUID // of a receipt: the one in the history
	CardNumber string     // and what came
	Lines      []Line
}

// GlobalID is the problem's id in the schema.
func (p Problem) GlobalID() string { return id.Global("PurchaseProblem", p.ID) }

// OfVariant is the variant that the code turned out to be; nil for none.
func (p Problem) OfVariant() *string { return id.GlobalOrNone("Variant", p.VariantID) }

// OfMember is the member whose card it turned out to be; nil for nobody.
func (p Problem) OfMember() *string { return id.GlobalOrNone("Member", p.MemberID) }

// Receipt is one receipt of a till, as a partner sends it.
type Receipt struct {
	Store      string // the location's code
	Till       string
	Receipt    string
	BoughtOn   time.Time
	BoughtAt   *time.Time // nil: noon of the day
	CardNumber string
	Lines      []ReceiptLine
}

// Failures of purchases.
var (
	ErrFile     = fault.Invalid("JOURNAL_UNREADABLE", "ファイルの文字コードが正しくありません。UTF-8かCP932（Shift_JIS）で保存してください", "The file is neither UTF-8 nor CP932")
	ErrColumns  = fault.Invalid("JOURNAL_COLUMNS", "見出しに「%s」がありません", "The heading lacks %s")
	ErrEmpty    = fault.Invalid("JOURNAL_EMPTY", "ファイルに明細がありません", "The file has no rows")
	ErrTooLarge = fault.Invalid("JOURNAL_TOO_LARGE", "ファイルは%dMBまでです", "A file has at most %d MB")
	ErrReceipts = fault.Invalid(fault.CodeTooMany, "レシートは1〜%d件です", "Send 1 to %d receipts")
	ErrSettled  = fault.Conflict("PROBLEM_SETTLED", "この項目は処理済みです", "This has been dealt with")
	ErrAnswer   = fault.Invalid("PROBLEM_ANSWER", "商品・会員・訂正・対象外のいずれか1つを、項目の種類に合わせて指定してください", "Say the variant, the member, that it is a correction, or that it is ignored, as the kind asks")
)

// ErrReceiptOf says what is wrong with a receipt.
func ErrReceiptOf(ja, en string) *fault.Error { return fault.Invalid("RECEIPT_INVALID", ja, en) }

// ReceiptLine is one line of a receipt.
type ReceiptLine struct {
	Code     string
	Name     string
	Quantity int
	Amount   decimal.Decimal // with tax, in major units; below zero for what was given back
}

// UploadInput is a journal of tills.
type UploadInput struct {
	FileName string
	File     io.Reader
}

// RecordInput is receipts that a partner sends.
type RecordInput struct {
	Receipts []Receipt
}

// ResolveInput says what a problem turned out to be.
type ResolveInput struct {
	ProblemID uuid.UUID
	VariantID *uuid.UUID
	MemberID  *uuid.UUID
	Accept    bool // a receipt is as it came again
	Ignore    bool
	Reason    string
}
