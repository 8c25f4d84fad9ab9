package payment

import "github.com/noren-commerce/noren/core/fault"

// The ways in which collecting money fails for the one who asked.
var (
	ErrMethodUnavailable = fault.Invalid("PAYMENT_METHOD_UNAVAILABLE", "このお支払い方法はご利用いただけません", "This payment method is not available")
	ErrNotShipped        = fault.Conflict("SHIPPING_PAYMENT", "このお支払い方法は選択中の配送方法ではご利用いただけません", "This way to pay does not go with the shipping method")
	ErrCardDeclined      = fault.Conflict("CARD_DECLINED", "カードが承認されませんでした。別のカードをお試しください", "The card was declined; please try another one")
	ErrPaymentRefused    = fault.Invalid("PAYMENT_REFUSED", "お支払い情報が受け付けられませんでした", "The payment details were not accepted")
	ErrTooManyDeclines   = fault.Limited(fault.CodeRateLimited, "カードの承認に何度も失敗したため、この注文ではカードをご利用いただけません", "Cards were declined too often; this order cannot be paid by card any more")
	ErrAlreadyPaid       = fault.Conflict("ALREADY_PAID", "この注文はすでにお支払い済みです", "This order has already been paid")
	ErrNotPayable        = fault.Conflict("ORDER_NOT_PAYABLE", "この注文はお支払いいただけません", "This order cannot be paid")
	ErrInProgress        = fault.Conflict("PAYMENT_IN_PROGRESS", "お支払いを処理しています。しばらくしてからご確認ください", "A payment is being processed; please check again in a moment")
	ErrUnconfirmed       = fault.Conflict("PAYMENT_UNCONFIRMED", "お支払いの結果を確認しています。二重に請求されることはありません", "We are confirming the result of the payment; you will not be charged twice")
	ErrNotTransfer       = fault.Invalid("NOT_A_BANK_TRANSFER", "銀行振込のお支払いではありません", "This payment is not a bank transfer")
	ErrAmount            = fault.Invalid("AMOUNT_INVALID", "金額は0より大きく指定してください", "The amount must be above 0")
	ErrAbandoned         = fault.Conflict("PAYMENT_ABANDONED", "お支払いは行われませんでした。もう一度お手続きください", "The payment did not take place; please start again")
	ErrRefundTooMuch     = fault.Conflict("REFUND_EXCEEDS_PAYMENT", "返金額が受領額を超えています", "The refund exceeds what was received")
	ErrNotHeld           = fault.Conflict("PAYMENT_NOT_HELD", "与信が確保されていないため、この操作はできません", "No money is held for this payment, or not any more")
	ErrCaptureTooMuch    = fault.Conflict("CAPTURE_EXCEEDS_HOLD", "売上確定額が与信額または注文金額を超えています", "The capture exceeds what is held, or what the order comes to")
	ErrAlreadyCaptured   = fault.Conflict("PAYMENT_CAPTURED", "売上確定済みのため取り消せません。返金してください", "The money has been taken; refund it instead")
	ErrAboveDue          = fault.Conflict("PAYMENT_EXCEEDS_DUE", "金額がお支払い残高（%s）を超えています", "The amount exceeds what is still to be paid (%s)")
	ErrChain             = fault.Invalid("CONVENIENCE_STORE_REQUIRED", "お支払いになるコンビニエンスストアを選択してください", "Choose the convenience store to pay at")
	ErrLimit             = fault.Conflict("PAYMENT_EXCEEDS_LIMIT", "このお支払い方法でお支払いいただけるのは1件%sまでです", "This way to pay takes up to %s at once")
	errTooLong           = fault.Invalid(fault.CodeTooLong, "%d文字以内で入力してください", "This must be at most %d characters")
	ErrToken             = fault.Invalid(fault.CodeInvalid, "カード番号ではなく、決済サービスのトークンを指定してください", "This must be a token of the payment service, never a card number")
	errGatewayOff        = fault.Conflict(fault.CodeUnavailable, "この決済サービスは現在ご利用いただけません", "This payment service is not available now")
	errURL               = fault.Invalid(fault.CodeInvalid, "URLの形式が正しくありません", "This is not a valid URL")
)
