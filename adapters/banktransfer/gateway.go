// Package banktransfer lets customers pay in advance by bank transfer (先入金).
// Nothing is called: the instructions are computed, and staff record what arrives.
package banktransfer

import (
	"context"
	"strings"

	"github.com/noren-commerce/noren/core/payment"
)

// Name of this gateway in payments.
const Name = "bank_transfer"

// Account is the shop's account that customers pay into.
type Account struct {
	BankName   string
	BankCode   string // 4 digits
	BranchName string
	BranchCode string // 3 digits
	Type       string // 普通 or 当座
	Number     string // 7 digits
	Holder     string // half-width kana as banks print it (口座名義)
}

// Gateway is the payment.Gateway for bank transfers.
type Gateway struct{ account Account }

// New makes the gateway that has customers pay into the account.
func New(a Account) *Gateway { return &Gateway{a} }

// Name is "bank_transfer".
func (g *Gateway) Name() string { return Name }

// Method is payment by bank transfer.
func (g *Gateway) Method() payment.Method { return payment.MethodBankTransfer }

// Instruct names the account, the amount, and what tells the order: its number
// without the hyphen, since banks carry capital letters, digits and kana only.
func (g *Gateway) Instruct(r payment.StartRequest) payment.Instructions {
	return payment.Instructions{
		BankName: g.account.BankName, BankCode: g.account.BankCode,
		BranchName: g.account.BranchName, BranchCode: g.account.BranchCode,
		AccountType: g.account.Type, AccountNumber: g.account.Number, AccountHolder: g.account.Holder,
		Reference: reference(r.OrderNumber), Amount: r.Amount, Currency: r.Currency, DueAt: r.DueAt,
	}
}

// Start answers with the instructions.
func (g *Gateway) Start(_ context.Context, r payment.StartRequest) (payment.Answer, error) {
	how := g.Instruct(r)
	return payment.Answer{Reference: how.Reference, Status: payment.StatusPending, Currency: r.Currency, Instructions: &how}, nil
}

// Capture cannot be asked for: the money comes when the customer sends it.
func (g *Gateway) Capture(context.Context, payment.AmountRequest) (payment.Answer, error) {
	return payment.Answer{}, payment.ErrUnsupported
}

// Void has nothing to undo.
func (g *Gateway) Void(_ context.Context, r payment.VoidRequest) (payment.Answer, error) {
	return payment.Answer{Reference: r.Reference, Status: payment.StatusCancelled}, nil
}

// Refund cannot be asked for: staff send the money back and record it.
func (g *Gateway) Refund(context.Context, payment.AmountRequest) (payment.Answer, error) {
	return payment.Answer{}, payment.ErrUnsupported
}

// Find cannot know: the bank does not tell noren.
func (g *Gateway) Find(context.Context, payment.FindRequest) (payment.Answer, error) {
	return payment.Answer{}, payment.ErrNeverArrived
}

// reference keeps what a transfer can carry.
func reference(number string) string {
	return strings.Map(func(r rune) rune {
		if (r >= '0' && r <= '9') || (r >= 'A' && r <= 'Z') {
			return r
		}
		return -1
	}, strings.ToUpper(number))
}
