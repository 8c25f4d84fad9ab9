package company

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// Company is one that buys on terms (得意先).
type Company struct {
	ID            uuid.UUID
	BrandID       uuid.UUID
	Code          string // 得意先コード, the ERP's
	Name          string
	Kana          string
	InvoiceNumber string // 適格請求書発行事業者登録番号; empty if it has none
	TaxRounding   money.Rounding
	PaymentTerms
	Credit
	Version   int
	CreatedAt time.Time
	UpdatedAt time.Time
	ClosedAt  *time.Time
}

// GlobalID is the company's id in the schema.
func (c Company) GlobalID() string { return id.Global("Company", c.ID) }

// Failures of a company.
var (
	ErrInvoiceNumber = fault.Invalid("INVOICE_NUMBER_INVALID", "登録番号はTと13桁の数字（検査数字を含む）で入力してください", "The registration number is T and 13 digits, the first of which checks the others")
	ErrCode          = fault.Invalid("CODE_INVALID", "コードは半角英数字・ハイフン・アンダースコアの40文字以内で入力してください", "A code is up to 40 letters, digits, hyphens and underscores")
	ErrCodeTaken     = fault.Conflict(fault.CodeDuplicate, "このコードは使用されています", "This code is taken")
	ErrVersion       = fault.Conflict("VERSION_CONFLICT", "ほかの人が先に変更しました。最新の内容を確認してください", "Someone else changed this first; look at the present state")
	ErrClosed        = fault.Conflict(fault.CodeConflict, "この得意先の取引は終了しています", "The company is closed")
)

const maxName = 100

var (
	code     = regexp.MustCompile(`^[0-9A-Za-z_-]{1,40}$`)
	katakana = regexp.MustCompile(`^[\p{Katakana}ー・\s]*$`)
	number   = regexp.MustCompile(`^T\d{13}$`)
)

// tidy folds widths and spaces, as people type them, into one form.
func tidy(s string) string { return strings.Join(strings.Fields(norm.NFKC.String(s)), " ") }

// Validate checks a company whose texts are tidy.
func (c Company) Validate() error {
	all := []error{checkCode(c.Code), checkText("name", c.Name, true), checkText("kana", c.Kana, false)}
	if !katakana.MatchString(c.Kana) {
		all = append(all, customer.ErrKana.At("kana"))
	}
	if c.InvoiceNumber != "" && !IsInvoiceNumber(c.InvoiceNumber) {
		all = append(all, ErrInvoiceNumber.At("invoiceNumber"))
	}
	return errors.Join(append(all, c.PaymentTerms.Validate())...)
}

func checkCode(s string) error {
	switch {
	case s == "":
		return fault.ErrRequired.At("code")
	case !code.MatchString(s):
		return ErrCode.At("code")
	}
	return nil
}

func checkText(field, text string, required bool) error {
	switch {
	case required && text == "":
		return fault.ErrRequired.At(field)
	case utf8.RuneCountInString(text) > maxName:
		return customer.ErrTooLong.With(maxName).At(field)
	}
	return nil
}

// NormaliseInvoiceNumber is the number as noren keeps it: half-width, without
// hyphens and spaces, T in upper case.
func NormaliseInvoiceNumber(typed string) string {
	return strings.ToUpper(strings.NewReplacer("-", "", " ", "", "‐", "", "−", "").Replace(norm.NFKC.String(typed)))
}

// IsInvoiceNumber reports whether the text is a registration number of qualified
// invoices: T, a check digit, and twelve digits that it checks by the rule of
// corporate numbers (法人番号の指定等に関する省令 §2).
func IsInvoiceNumber(s string) bool {
	if !number.MatchString(s) {
		return false
	}
	sum := 0
	for i := range 12 { // from the last digit, alternating 1 and 2
		sum += int(s[13-i]-'0') * (1 + i%2)
	}
	return int(s[1]-'0') == 9-sum%9
}

// at names the field that a business failure is about.
func at(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field)
	}
	return err
}

// set writes a value that is given.
func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// change is what an event says of something: what it was and became.
type change struct {
	Before any `json:"before"`
	After  any `json:"after"`
}

// write runs f in a transaction for staff that may change companies.
func (s *Service) write(ctx context.Context, f func(context.Context) error) error {
	if err := mayWrite(ctx); err != nil {
		return err
	}
	return s.Tx.InTx(ctx, f)
}
