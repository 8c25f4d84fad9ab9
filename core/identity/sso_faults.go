package identity

import "github.com/noren-commerce/noren/core/fault"

// Failures of logging in through a provider.
var (
	ErrSSOProvider   = fault.Invalid("SSO_PROVIDER_UNKNOWN", "このログイン方法は利用できません", "There is no such login provider")
	ErrSSOReturnURL  = fault.Invalid("SSO_RETURN_URL_INVALID", "戻り先のURLが許可されていません", "This return URL is not allowed")
	ErrSSOState      = fault.Unauthenticated("SSO_STATE_INVALID", "ログインの有効期限が切れたか、無効です。もう一度お試しください", "The login was not begun here or took too long; please try again")
	ErrSSORefused    = fault.Unauthenticated("SSO_REFUSED", "ログインを確認できませんでした。もう一度お試しください", "The provider did not confirm the login; please try again")
	ErrSSONoEmail    = fault.Conflict("SSO_EMAIL_MISSING", "メールアドレスの提供を許可してください", "The provider told no e-mail address; allow it to, or register with one")
	ErrSSOEmailTaken = fault.Conflict("SSO_EMAIL_UNVERIFIED", "このメールアドレスは登録済みです。ログインしてから連携してください", "The e-mail address is registered, and the provider does not vouch for it; log in and link the provider")
	ErrSSOStaff      = fault.Forbidden("SSO_NOT_FOR_STAFF", "スタッフはこの方法でログインできません", "Staff log in with their password and second factor")
	ErrSSOLinked     = fault.Conflict("SSO_LINKED_ELSEWHERE", "すでに別のアカウントと連携されています", "This login belongs to another account")
	ErrSSOLastLogin  = fault.Conflict("SSO_LAST_LOGIN", "ログインできなくなるため解除できません。先にパスワードを設定してください", "This is the only way to log in; set a password first")
)
