// Package invoice issues the documents of the trade: the qualified invoice (適格請求書),
// the delivery note, the receipt, the credit note and the company's monthly statement.
// What is issued has a number without gaps and never changes; what was wrong is
// corrected by a credit note.
package invoice

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// Kind is what a document is.
type Kind string

// The kinds, in the order in which numbers are drawn: no two wait in a ring.
const (
	KindInvoice      Kind = "INVOICE"       // 適格請求書 of an order (請求書)
	KindDeliveryNote Kind = "DELIVERY_NOTE" // 納品書
	KindReceipt      Kind = "RECEIPT"       // 領収書
	KindCreditNote   Kind = "CREDIT_NOTE"   // 適格返還請求書 (返品・値引書)
	KindStatement    Kind = "STATEMENT"     // 締め請求書 of a company's month
)

// Kinds lists every kind.
var Kinds = []Kind{KindInvoice, KindDeliveryNote, KindReceipt, KindCreditNote, KindStatement}

// letters begin the numbers of the kinds.
var letters = map[Kind]string{KindInvoice: "I", KindDeliveryNote: "D", KindReceipt: "R", KindCreditNote: "C", KindStatement: "S"}

// Title is what stands on top of the document.
func (k Kind) Title() string {
	switch k {
	case KindInvoice:
		return "請求書"
	case KindDeliveryNote:
		return "納品書"
	case KindReceipt:
		return "領収書"
	case KindCreditNote:
		return "返品・値引書"
	case KindStatement:
		return "締め請求書"
	}
	return string(k)
}

// Document is one that was issued. It never changes.
type Document struct {
	ID          uuid.UUID
	BrandID     uuid.UUID
	Kind        Kind
	Serial      int64 // 1, 2, 3 … of the brand's documents of the kind, without gaps
	Source      string
	OrderID     *uuid.UUID
	CompanyID   *uuid.UUID
	StatementID *uuid.UUID
	CorrectsID  *uuid.UUID // of a credit note: the document that it corrects
	IssuedAt    time.Time
	Currency    money.Currency
	TotalMinor  int64 `db:"total"` // tax included; of a credit note what is given back
	Taxes       []money.Taxed
	Content     Content
}

// GlobalID is the document's id in the schema.
func (d Document) GlobalID() string { return id.Global("Document", d.ID) }

// Number is what people call the document by: "I-00000042".
func (d Document) Number() string { return fmt.Sprintf("%s-%08d", letters[d.Kind], d.Serial) }

// Total is what the document is about, tax included.
func (d Document) Total() money.Money { return money.Of(d.TotalMinor, d.Currency) }

// Tax is the consumption tax in the total.
func (d Document) Tax() money.Money {
	var sum int64
	for _, t := range d.Taxes {
		sum += t.Tax.Minor
	}
	return money.Of(sum, d.Currency)
}

// Addressee is whom the document is made out to, as it stands there.
func (d Document) Addressee() string { return strings.Join(d.Content.To.Names(), " ") }

// Reissue reports whether the document repeats one that was issued before.
func (d Document) Reissue() bool { return d.Content.ReissueOf != "" }

// Corrects is the number of the document that a credit note corrects; nil of others.
func (d Document) Corrects() *string {
	if d.Content.Corrects == nil {
		return nil
	}
	return &d.Content.Corrects.Number
}

// OfOrder is the order's id in the schema; nil of a statement.
func (d Document) OfOrder() *string { return id.GlobalOrNone("Order", d.OrderID) }

// OfCompany is the company's id in the schema; nil of a person's.
func (d Document) OfCompany() *string { return id.GlobalOrNone("Company", d.CompanyID) }

var numbered = regexp.MustCompile(`^([IDRCS])-?0*(\d{1,12})$`)

// ParseNumber reads a number as a person types it: width, case and leading zeros do
// not matter.
func ParseNumber(typed string) (kind Kind, serial int64, ok bool) {
	found := numbered.FindStringSubmatch(strings.ToUpper(strings.Join(strings.Fields(norm.NFKC.String(typed)), "")))
	if found == nil {
		return "", 0, false
	}
	for k, letter := range letters {
		if letter == found[1] {
			kind = k
		}
	}
	serial, err := strconv.ParseInt(found[2], 10, 64)
	return kind, serial, err == nil
}

// Content is all that stands on a document, as it was when it was issued. Amounts are
// minor units of the document's currency.
type Content struct {
	Issuer    Issuer      `json:"issuer"`
	To        Party       `json:"to"`
	ShipTo    *Party      `json:"shipTo,omitempty"` // where the goods go, if not to whom the document is
	IssuedOn  time.Time   `json:"issuedOn"`         // the day in the brand's zone; midnight UTC
	Inclusive bool        `json:"inclusive"`        // amounts of lines contain consumption tax
	Lines     []Line      `json:"lines,omitempty"`
	Unpriced  bool        `json:"unpriced,omitempty"` // says nothing of money: goods that go to the buyer's customer (直送)
	Order     *OrderOf    `json:"order,omitempty"`
	Proviso   string      `json:"proviso,omitempty"`   // 但し書き of a receipt
	ReissueOf string      `json:"reissueOf,omitempty"` // the number of the first receipt (再発行)
	Corrects  *Correction `json:"corrects,omitempty"`
	Reason    string      `json:"reason,omitempty"` // of a credit note
	Balance   *Balance    `json:"balance,omitempty"`
}

// OrderOf is what a document says of its order.
type OrderOf struct {
	Number   string    `json:"number"`
	PlacedOn time.Time `json:"placedOn"`
	SoldOn   time.Time `json:"soldOn"` // 取引年月日; midnight UTC
	Payment  string    `json:"payment"`
	Settled  Settled   `json:"settled,omitempty"`
	Shipment int       `json:"shipment,omitempty"` // which of the order's shipments a delivery note is of, if it leaves in parts
}

// Settled is how the money of an order stands when a document of it is issued.
type Settled string

// What the addressee is told of paying. Empty: the money is awaited.
const (
	SettledPaid    Settled = "PAID"       // it is there: nobody pays twice
	SettledAccount Settled = "ON_ACCOUNT" // it is asked for by the company's statement
)

// Correction is what a credit note corrects.
type Correction struct {
	Kind     Kind      `json:"kind"`
	Number   string    `json:"number"`
	IssuedOn time.Time `json:"issuedOn"`
}

// Balance is what a company owes on a statement.
type Balance struct {
	From     *time.Time `json:"from,omitempty"` // the first day of its period, if there was one before
	ClosesOn time.Time  `json:"closesOn"`
	DueOn    time.Time  `json:"dueOn"`
	Opening  int64      `json:"opening"`
	Payments int64      `json:"payments"`
	Other    int64      `json:"other"`
	Sales    int64      `json:"sales"`
	Closing  int64      `json:"closing"`
}

// Line is one line of a document.
type Line struct {
	OrderLineID *uuid.UUID     `json:"orderLineId,omitempty"`
	On          *time.Time     `json:"on,omitempty"` // of a statement
	Text        string         `json:"text"`
	Detail      string         `json:"detail,omitempty"`
	Quantity    int            `json:"quantity,omitempty"`
	Unit        *int64         `json:"unit,omitempty"`
	Amount      *int64         `json:"amount,omitempty"` // nil of a line that only tells, such as a set's part
	Class       money.TaxClass `json:"class,omitempty"`
	Part        bool           `json:"part,omitempty"` // of the set above it
	// Shares is how the line counts, by tax class, after discounts on the whole order:
	// what its pieces are credited by. Of a statement's line: with tax.
	Shares []Share `json:"shares,omitempty"`
}

// Share is an amount of one tax class.
type Share struct {
	Class money.TaxClass `json:"class"`
	Minor int64          `json:"minor"`
}

// Party is whom a document is for.
type Party struct {
	PostalCode string   `json:"postalCode,omitempty"` // seven digits
	Address    []string `json:"address,omitempty"`
	Company    string   `json:"company,omitempty"`
	Name       string   `json:"name,omitempty"`
	Sealed     string   `json:"sealed,omitempty"` // all of it, where it is kept; empty once it is read
}

// Names are the lines that name the party, with what is said to it: 御中 to a company,
// 様 to a person.
func (p Party) Names() []string {
	switch {
	case p.Company == "":
		return []string{Honoured(p.Name)}
	case p.Name == "" || p.Name == p.Company:
		return []string{withTitle(p.Company, "御中")}
	}
	return []string{p.Company, withTitle(p.Name, "様")}
}

var (
	titles      = []string{"様", "御中", "殿"}
	enterprises = []string{"会社", "法人", "(株)", "(有)", "組合", "協会", "商店", "病院", "医院", "店"}
)

// Honoured is the name with 御中 if it sounds like a company's, else with 様; one that
// was typed with such a word stays.
func Honoured(name string) string {
	for _, word := range enterprises {
		if strings.Contains(norm.NFKC.String(name), word) {
			return withTitle(name, "御中")
		}
	}
	return withTitle(name, "様")
}

func withTitle(name, title string) string {
	for _, t := range titles {
		if strings.HasSuffix(name, t) {
			return name
		}
	}
	return name + " " + title
}
