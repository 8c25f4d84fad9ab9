package partner

import "github.com/noren-commerce/noren/core/fault"

// Failures of partners' calls and of keeping partners.
var (
	ErrCredentials = fault.Unauthenticated("PARTNER_CREDENTIALS_INVALID", "APIキーまたはトークンが正しくないか、期限が切れています", "The API key or token is wrong, revoked or expired")
	ErrOtherBrand  = fault.Forbidden("PARTNER_OTHER_BRAND", "このチャネルを利用する権限がありません", "This partner does not work with the channel's brand")
	ErrScope       = fault.Invalid("PARTNER_SCOPE", "パートナーに与えられていない権限です: %s", "The partner does not hold this permission: %s")
	ErrGrant       = fault.Forbidden("PARTNER_GRANT", "%s をパートナーに与えることはできません", "%s cannot be given to a partner by you")
	ErrRate        = fault.Invalid("PARTNER_RATE", "1分あたりの上限は1〜%dで指定してください", "The rate per minute must be between 1 and %d")
	ErrClosed      = fault.Conflict("PARTNER_CLOSED", "このパートナーは終了しています", "This partner is closed")
	ErrLimited     = fault.Limited(fault.CodeRateLimited, "リクエストが多すぎます。しばらくしてからもう一度お試しください", "Too many requests; try again later")
)
