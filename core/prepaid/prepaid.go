// Package prepaid lets money that lies on codes pay for orders (前払式): gift cards and
// vouchers. What a code pays is taken off it in the transaction that orders, under its
// lock, and what an order gives back is on it at once.
package prepaid

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/symbols"
)

// CodeLength is the number of random symbols of a code before its check symbol: 111
// bits, not to be guessed.
const CodeLength = 23

// MaxPerOrder is how many codes of a kind pay one order.
const MaxPerOrder = 10

// Grace is how long a code whose time was over lives on when an order gives money back
// to it.
const Grace = 30 * 24 * time.Hour

// Kind is one kind of code that money lies on, and how it says no.
type Kind struct {
	Method  string // of payment, by what is on the codes
	Gateway string // its name in payments
	Field   string // of inputs, that names codes

	Mistyped *fault.Error
	Unknown  *fault.Error
	Twice    *fault.Error
	TooMany  *fault.Error // how many there may be
	Short    *fault.Error // by how much they do not pay what they shall
	Covers   *fault.Error // nothing is left for the way to pay
	Combine  *fault.Error // the way to pay goes with no codes
}

// The kinds.
var (
	Vouchers = &Kind{
		Method: "VOUCHER", Gateway: "voucher", Field: "vouchers",
		Mistyped: fault.Invalid("VOUCHER_MISTYPED", "コードに入力間違いがあります。もう一度ご確認ください", "The code has a typing error; please check it"),
		Unknown:  fault.NotFound("VOUCHER_UNKNOWN", "このコードは見つかりません", "There is no such code"),
		Twice:    fault.Invalid("VOUCHER_TWICE", "同じ金券が重複しています", "This voucher is named twice"),
		TooMany:  fault.Invalid(fault.CodeTooMany, "金券は1回のご注文につき%d枚までです", "An order takes at most %d vouchers"),
		Short:    fault.Conflict("VOUCHERS_DO_NOT_COVER", "金券の残高が%s不足しています。残りのお支払い方法を選択してください", "The vouchers are short of the total by %s; choose how to pay the rest"),
		Covers:   fault.Conflict("VOUCHERS_COVER_ALL", "金券で全額お支払いいただけます。お支払い方法に金券を選択してください", "The vouchers pay all; choose them as the way to pay"),
		Combine:  fault.Conflict("VOUCHER_NOT_COMBINABLE", "このお支払い方法では金券を併用できません", "Vouchers do not go with this way to pay"),
	}
	GiftCards = &Kind{
		Method: "GIFT_CARD", Gateway: "gift_card", Field: "giftCards",
		Mistyped: fault.Invalid("GIFT_CARD_MISTYPED", "ギフトカードのコードに入力間違いがあります。もう一度ご確認ください", "The gift card's code has a typing error; please check it"),
		Unknown:  fault.NotFound("GIFT_CARD_UNKNOWN", "このギフトカードは見つかりません", "There is no gift card with this code"),
		Twice:    fault.Invalid("GIFT_CARD_TWICE", "同じギフトカードが重複しています", "This gift card is named twice"),
		TooMany:  fault.Invalid(fault.CodeTooMany, "ギフトカードは1回のご注文につき%d枚までです", "An order takes at most %d gift cards"),
		Short:    fault.Conflict("GIFT_CARD_SHORT", "ギフトカードの残高が%s不足しています。残りのお支払い方法を選択してください", "The gift cards are short of the total by %s; choose how to pay the rest"),
		Covers:   fault.Conflict("GIFT_CARD_COVERS_ALL", "ギフトカードで全額お支払いいただけます。お支払い方法にギフトカードを選択してください", "The gift cards pay all; choose them as the way to pay"),
		Combine:  fault.Conflict("GIFT_CARD_NOT_COMBINABLE", "このお支払い方法ではギフトカードを併用できません", "Gift cards do not go with this way to pay"),
	}
)

// ErrCurrency says that money of another currency lies on a code.
var ErrCurrency = fault.Conflict("CODE_OTHER_CURRENCY", "このコードは別の通貨でのお支払いにのみご利用いただけます", "This code pays in another currency")

// ByMethod is the kind whose codes pay by the method; nil for other methods.
func ByMethod(method string) *Kind {
	for _, k := range []*Kind{Vouchers, GiftCards} {
		if k.Method == method {
			return k
		}
	}
	return nil
}

// Read is a code as a person typed it, without what stands between its symbols.
func (k *Kind) Read(typed string) (string, error) {
	normal, ok := symbols.Read(typed, CodeLength)
	if !ok {
		return "", k.Mistyped
	}
	return normal, nil
}

// readAll reads the codes of one order, or says which are none.
func (k *Kind) readAll(typed []string) ([]string, error) {
	if len(typed) > MaxPerOrder {
		return nil, k.TooMany.With(MaxPerOrder).At(k.Field)
	}
	codes, first, all := make([]string, len(typed)), map[string]bool{}, []error{}
	for i, text := range typed {
		code, err := k.Read(text)
		switch {
		case err != nil:
			all = append(all, k.Mistyped.At(k.place(i)))
		case first[code]:
			all = append(all, k.Twice.At(k.place(i)))
		}
		codes[i], first[code] = code, true
	}
	return codes, errors.Join(all...)
}

func (k *Kind) place(i int) string { return fmt.Sprintf("%s.%d", k.Field, i) }

// Codes are what somebody pays with, as they were typed. Vouchers pay before gift cards:
// they end sooner. Of a kind, the codes pay in the order in which they are named.
type Codes struct {
	Vouchers  []string `json:",omitempty"`
	GiftCards []string
}

// NoCodes reports whether none is named.
func (c Codes) NoCodes() bool { return len(c.Vouchers)+len(c.GiftCards) == 0 }

// FirstKind is that of the code which pays first; nil if none is named.
func (c Codes) FirstKind() *Kind {
	switch {
	case len(c.Vouchers) > 0:
		return Vouchers
	case len(c.GiftCards) > 0:
		return GiftCards
	}
	return nil
}

func (c Codes) of(k *Kind) []string {
	if k == Vouchers {
		return c.Vouchers
	}
	return c.GiftCards
}

// Held is a code that is locked, with the money that lies on it.
type Held struct {
	Kind         *Kind
	ID           uuid.UUID // of the card or voucher
	Ending       string    // the last four symbols of the code
	Currency     money.Currency
	BalanceMinor int64
	Problem      *fault.Error // why it pays nothing; nil if it pays
}

// Use is what one code pays of an order.
type Use struct {
	Held
	OrderID   uuid.UUID
	PaymentID uuid.UUID
	Minor     int64
}

// Share lets the codes pay the total, one after the other; rest is what they do not pay.
// It is pure.
func Share(held []Held, total int64) (uses []Use, rest int64) {
	for _, h := range held {
		if pays := min(h.BalanceMinor, total); pays > 0 {
			uses, total = append(uses, Use{Held: h, Minor: pays}), total-pays
		}
	}
	return uses, total
}
