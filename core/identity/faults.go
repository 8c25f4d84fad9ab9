package identity

import "github.com/noren-commerce/noren/core/fault"

// Failures of logging in and of accounts.
var (
	ErrEmail                = fault.Invalid("EMAIL_INVALID", "メールアドレスの形式が正しくありません", "This is not a valid e-mail address")
	ErrEmailTaken           = fault.Conflict("EMAIL_TAKEN", "このメールアドレスは登録済みです", "This e-mail address is registered already")
	ErrEmailSame            = fault.Conflict("EMAIL_SAME", "現在ご登録のメールアドレスと同じです。別のアドレスを入力してください", "This is the e-mail address that the account has already; please enter another one")
	ErrLoginAgain           = fault.Unauthenticated("LOGIN_AGAIN", "ご本人確認のため、いったんログアウトしてログインし直してから、10分以内にもう一度お試しください", "To make sure that it is you, please log out and log in again, and try within ten minutes of that")
	ErrEmailChangeLogin     = fault.Unauthenticated("EMAIL_CHANGE_LOGIN", "これまでのメールアドレスのアカウントにログインしてから、もう一度このリンクを開いてください", "Please log in to your account with the e-mail address so far, and then open this link again")
	ErrPasswordTooShort     = fault.Invalid("PASSWORD_TOO_SHORT", "パスワードは%d文字以上で入力してください", "The password has at least %d characters")
	ErrPasswordGuessable    = fault.Invalid("PASSWORD_GUESSABLE", "推測されやすいパスワードは使用できません", "This password is too easy to guess")
	ErrCredentials          = fault.Unauthenticated("CREDENTIALS_INVALID", "メールアドレスまたはパスワードが正しくありません", "The e-mail address or the password is wrong")
	ErrRefreshInvalid       = fault.Unauthenticated("REFRESH_TOKEN_INVALID", "セッションが無効です。もう一度ログインしてください", "The session is no longer valid; please log in again")
	ErrTokenInvalid         = fault.Unauthenticated("TOKEN_INVALID", "アクセストークンが無効です", "The access token is not valid")
	ErrTokenExpired         = fault.Unauthenticated("TOKEN_EXPIRED", "アクセストークンの有効期限が切れました", "The access token has expired")
	ErrTooOften             = fault.Limited(fault.CodeRateLimited, "試行回数が多すぎます。%d秒後にもう一度お試しください", "Too many attempts; please try again in %d seconds")
	ErrOneTimeToken         = fault.Invalid("ONE_TIME_TOKEN_INVALID", "リンクが無効か、有効期限が切れています", "The link is not valid any more")
	ErrPasswordWrong        = fault.Invalid("PASSWORD_WRONG", "現在のパスワードが正しくありません", "The current password is wrong")
	ErrSecondFactorRequired = fault.Unauthenticated("SECOND_FACTOR_REQUIRED", "認証アプリの6桁のコードを入力してください", "Enter the six-digit code of your authenticator app")
	ErrSecondFactor         = fault.Unauthenticated("SECOND_FACTOR_INVALID", "認証コードが正しくありません", "The code is wrong or was used already")
	ErrEnrolmentRequired    = fault.Unauthenticated("SECOND_FACTOR_ENROLMENT_REQUIRED", "二段階認証の設定が必要です。表示された鍵を認証アプリに登録し、コードを入力してください", "Set up a second factor: add the shown secret to your authenticator app and log in with its code")
	ErrAddressNotAllowed    = fault.Forbidden("ADDRESS_NOT_ALLOWED", "この接続元からはログインできません", "Logging in is not allowed from this address")
	ErrNoFactor             = fault.Conflict("SECOND_FACTOR_MISSING", "二段階認証は設定されていません", "There is no second factor")
	ErrFactorExists         = fault.Conflict("SECOND_FACTOR_EXISTS", "二段階認証は設定済みです", "The second factor is set up already")
	ErrFactorMandatory      = fault.Forbidden("SECOND_FACTOR_MANDATORY", "二段階認証は必須のため、解除できません", "Staff must keep a second factor")
	ErrStaffRole            = fault.Invalid("STAFF_ROLE_INVALID", "スタッフの役割を選択してください", "Choose a role of staff")
	ErrLastAdmin            = fault.Conflict("LAST_ADMIN", "最後の管理者は変更できません", "The last administrator must stay")
	ErrGroupName            = fault.Conflict(fault.CodeDuplicate, "同じ名前のグループがあります", "There is a group with this name")
	ErrNetwork              = fault.Invalid("NETWORK_INVALID", "%q はネットワークの形式（例：203.0.113.0/24）ではありません", "%q is not a network such as 203.0.113.0/24")
	ErrShutsOut             = fault.Conflict("NETWORK_SHUTS_OUT", "現在の接続元（%s）が含まれていません", "Your own address (%s) would be shut out")
	ErrNameTooLong          = fault.Invalid(fault.CodeTooLong, "%d文字以内で入力してください", "Use at most %d characters")
)
