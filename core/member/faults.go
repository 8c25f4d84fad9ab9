package member

import "github.com/noren-commerce/noren/core/fault"

// Failures of members.
var (
	ErrCardNumber   = fault.Invalid("CARD_NUMBER_INVALID", "会員番号が正しくありません。13桁の数字をご確認ください", "This is not a member number: it has 13 digits, the last of which checks the others")
	ErrCardTaken    = fault.Conflict("CARD_TAKEN", "この会員番号は発行済みです", "This member number was given out before")
	ErrCardEnded    = fault.Conflict("CARD_ENDED", "この会員証は使用できません", "This card is not in use any more")
	ErrClaim        = fault.Invalid("CARD_CLAIM_REFUSED", "会員番号とご登録の電話番号または生年月日が一致しません", "The member number does not go with the phone number or birthday given")
	ErrClaimLocked  = fault.Limited("CARD_CLAIM_LOCKED", "この会員番号のお試しは1日の上限に達しました。店舗でお申し付けいただくか、明日もう一度お試しください", "This member number was tried too often today; please ask at a shop, or try again tomorrow")
	ErrTries        = fault.Limited("CARD_TRIES", "しばらくしてからもう一度お試しください（%d秒後）", "Too many tries; please try again in %d seconds")
	ErrNotJoined    = fault.NotFound("MEMBERSHIP_MISSING", "会員登録がありません", "There is no membership")
	ErrMergeSelf    = fault.Invalid("MERGE_SELF", "同じ会員を統合することはできません", "A member cannot be merged into itself")
	ErrMerged       = fault.Conflict("MEMBER_MERGED", "統合済みの会員です", "The member was merged into another")
	ErrMergeBuyer   = fault.Conflict("MERGE_COMPANY_BUYER", "法人の購買担当者のアカウントは統合できません", "The account of a company's buyer cannot be merged away")
	ErrErased       = fault.Conflict("MEMBER_ERASED", "個人情報を消去済みの会員です", "The member's personal data was erased")
	ErrErasureOpen  = fault.Conflict("ERASURE_WAITING", "消去のお申し込みを受け付け済みです", "The erasure has been asked for already")
	ErrMergeErasure = fault.Conflict("ERASURE_WAITING", "消去のお申し込みを受け付けている会員は統合できません", "A member whose erasure has been asked for cannot be merged")
	ErrNotWaiting   = fault.Conflict("REQUEST_NOT_WAITING", "このお申し込みは処理済みです", "The request is not waiting any more")
	ErrNoAccount    = fault.Conflict("MEMBER_ACCOUNT_MISSING", "この会員にはログイン用のアカウントがありません。メールアドレスは会員情報の修正で変更してください", "The member has no account to log in with; correct the e-mail address with their other data")
	ErrStore        = fault.NotFound("STORE_UNKNOWN", "店舗が見つかりません", "There is no such store")
	ErrNoContact    = fault.Invalid("MEMBER_NAMELESS", "氏名・電話番号・メールアドレスのいずれかを入力してください", "Say a name, a phone number or an e-mail address")
	ErrSearch       = fault.Invalid("SEARCH_ONE", "会員番号・メールアドレス・電話番号・会員コードのいずれか1つを指定してください", "Say one of member number, e-mail address, phone number and member code")
	ErrRankCode     = fault.Invalid(fault.CodeInvalid, "コードは半角英数字で指定してください", "A code has letters, digits and _")
)
