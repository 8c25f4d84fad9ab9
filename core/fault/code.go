package fault

// Code names a failure for programs. Clients switch on it; it never changes meaning.
// The schema's UserErrorCode enum lists the same codes (TestCodesAreInTheSchema compares them).
type Code string

// Codes that any domain may use.
const (
	CodeInvalid         Code = "INVALID"
	CodeRequired        Code = "REQUIRED"
	CodeNotFound        Code = "NOT_FOUND"
	CodeConflict        Code = "CONFLICT"
	CodeForbidden       Code = "FORBIDDEN"
	CodeUnauthenticated Code = "UNAUTHENTICATED"
	CodeRateLimited     Code = "RATE_LIMITED"
	CodeUnavailable     Code = "UNAVAILABLE"
	CodeDuplicate       Code = "DUPLICATE"
	CodeTooLong         Code = "TOO_LONG"
	CodeTooMany         Code = "TOO_MANY"
	CodePeriod          Code = "PERIOD_INVALID"
)

// Failures that any domain may return.
var (
	ErrUnauthenticated = Unauthenticated(CodeUnauthenticated, "ログインしてください", "Please log in")
	ErrForbidden       = Forbidden(CodeForbidden, "この操作を行う権限がありません", "You are not allowed to do this")
	ErrNotFound        = NotFound(CodeNotFound, "見つかりません", "Not found")
	ErrRequired        = Invalid(CodeRequired, "入力してください", "This field is required")
	ErrPeriod          = Invalid(CodePeriod, "終了は開始より後にしてください", "The period must end after it begins")
	ErrUnavailable     = Unavailable(CodeUnavailable, "ただいま混み合っています。しばらくしてからもう一度お試しください", "The service is busy; please try again in a moment")
)
