package identity

import "github.com/noren-commerce/noren/core/fault"

// Failures of logging in and of accounts.
var (
	ErrEmail             = fault.Invalid("EMAIL_INVALID", "メールアドレスの形式が正しくありません", "This is not a valid e-mail address")
	ErrEmailTaken        = fault.Conflict("EMAIL_TAKEN", "このメールアドレスは登録済みです", "This e-mail address is registered already")
	ErrPasswordTooShort  = fault.Invalid("PASSWORD_TOO_SHORT", "パスワードは%d文字以上で入力してください", "The password has at least %d characters")
	ErrPasswordGuessable = fault.Invalid("PASSWORD_GUESSABLE", "推測されやすいパスワードは使用できません", "This password is too easy to guess")
	ErrCredentials       = fault.Unauthenticated("CREDENTIALS_INVALID", "メールアドレスまたはパスワードが正しくありません", "The e-mail address or the password is wrong")
	ErrRefreshInvalid    = fault.Unauthenticated("REFRESH_TOKEN_INVALID", "セッションが無効です。もう一度ログインしてください", "The session is no longer valid; please log in again")
	ErrTokenInvalid      = fault.Unauthenticated("TOKEN_INVALID", "アクセストークンが無効です", "The access token is not valid")
	ErrTokenExpired      = fault.Unauthenticated("TOKEN_EXPIRED", "アクセストークンの有効期限が切れました", "The access token has expired")
	ErrNameTooLong       = fault.Invalid(fault.CodeTooLong, "%d文字以内で入力してください", "Use at most %d characters")
)
