package mailing

import "github.com/noren-commerce/noren/core/fault"

// Failures of mailings.
var (
	ErrMedium   = fault.Invalid("MAILING_MEDIUM", "配信方法はDMかメールを指定してください", "A mailing goes by post (DM) or by e-mail (MAIL)")
	ErrRange    = fault.Invalid(fault.CodeInvalid, "%d〜%d の範囲で指定してください", "This has to be between %d and %d")
	ErrCost     = fault.Invalid(fault.CodeInvalid, "費用が正しくありません", "This is no cost")
	ErrSegment  = fault.NotFound("MAILING_SEGMENT_UNKNOWN", "このブランドのセグメントが見つかりません", "The brand has no such segment in use")
	ErrEmpty    = fault.Conflict("MAILING_SEGMENT_EMPTY", "セグメントに該当する会員がいません", "The segment has no members")
	ErrUnknown  = fault.NotFound("MAILING_GOODS_UNKNOWN", "指定された対象が見つかりません", "The brand has no such product, category or store")
	ErrMany     = fault.Invalid(fault.CodeTooMany, "%d個まで指定できます", "This has at most %d")
	ErrSent     = fault.Conflict("MAILING_SENT", "この配信は既に開始されています", "The mailing was sent already")
	ErrState    = fault.Conflict("MAILING_STATE", "この配信の状態ではできません", "The mailing's state does not allow this")
	ErrNoLabels = fault.Conflict("MAILING_NO_LABELS", "宛名を印刷できる対象者がいません", "Nobody is left to whom labels could be printed")
	ErrPosition = fault.Invalid("MAILING_LABEL_POSITION", "開始番号は1〜%dで指定してください", "The first label is between 1 and %d")
)
