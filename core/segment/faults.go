package segment

import "github.com/noren-commerce/noren/core/fault"

// Failures of searches and segments.
var (
	ErrOne        = fault.Invalid("CONDITION_ONE", "条件は1つの項目につき1種類だけ指定してください", "Say exactly one thing in each condition")
	ErrEmptyGroup = fault.Invalid("CONDITION_GROUP_EMPTY", "条件グループに条件がありません", "The group has no conditions")
	ErrNothing    = fault.Invalid("CONDITION_EMPTY", "条件の値を指定してください", "The condition says nothing")
	ErrGoods      = fault.Invalid("CONDITION_EMPTY", "商品・カテゴリー・ブランドのいずれかを指定してください", "Name products, categories or product brands")
	ErrMeasure    = fault.Invalid("CONDITION_EMPTY", "金額・点数・来店回数のいずれかを指定してください", "Bound the amount, the items or the visits")
	ErrFromUntil  = fault.Invalid("CONDITION_PERIOD", "期間の開始日（%s）が終了日（%s）より後です", "The period begins (%s) after it ends (%s)")
	ErrPeriodBoth = fault.Invalid("CONDITION_PERIOD", "期間は日付か直近の日数のどちらかで指定してください", "Say the period by its days or by the last days, not by both")
	ErrByBoth     = fault.Invalid("CONDITION_PERIOD", "失効の期限は日付か本日からの日数のどちらかで指定してください", "Say by when the points expire by a day or by the days from today, not by both")
	ErrMinMax     = fault.Invalid("CONDITION_RANGE", "下限が上限を超えています", "The least is more than the most")
	ErrOutside    = fault.Invalid("CONDITION_RANGE", "%d〜%d の範囲で指定してください", "This has to be between %d and %d")
	ErrMonth      = fault.Invalid("CONDITION_RANGE", "月は1〜12で指定してください", "A month is 1 to 12")
	// ErrContradiction is formatted with what it is about in Japanese and in English.
	ErrContradiction = fault.Invalid("CONDITION_CONTRADICTION", "%[1]sの条件がほかの条件と矛盾し、該当する会員はいません", "Beside the other conditions, what this one says of %[2]s fits no member")
	ErrUnknown       = fault.NotFound("CONDITION_UNKNOWN", "指定された対象が見つかりません", "There is no such thing")
	ErrTooDeep       = fault.Invalid("CONDITION_TOO_LARGE", "条件の入れ子は%d段までです", "Conditions nest %d deep at most")
	ErrTooMany       = fault.Invalid("CONDITION_TOO_LARGE", "条件は%d個までです", "A search has at most %d conditions")
	ErrValues        = fault.Invalid("CONDITION_TOO_LARGE", "値は%d個までです", "A condition names at most %d values")
	ErrText          = fault.Invalid("CONDITION_TOO_LARGE", "1〜%d文字で指定してください", "Say 1 to %d characters")
	ErrSlow          = fault.Conflict("SEARCH_TOO_SLOW", "検索に時間がかかりすぎました。期間を短くするか条件を絞り込んでください", "The search took too long; shorten its periods or narrow it down")
	ErrStatic        = fault.Conflict("SEGMENT_STATIC", "固定セグメントは更新できません", "The members of a static segment are never worked out again")
	ErrClosed        = fault.Conflict("SEGMENT_CLOSED", "このセグメントは終了しています", "The segment is closed")
	// ErrInUse is formatted with the names of what uses it in Japanese and in English.
	ErrInUse     = fault.Conflict("SEGMENT_IN_USE", "「%[1]s」の対象に指定されているため終了できません。先にそちらを終了するか、対象を変更してください", "In use for %[2]s; close that first, or let it be for others")
	ErrNameTaken = fault.Conflict(fault.CodeDuplicate, "この名前のセグメントは既にあります", "There is a segment of this name")
	// ErrCycle is formatted with the segment's name.
	ErrCycle  = fault.Conflict("SEGMENT_CYCLE", "セグメント「%s」の条件が自分自身を参照しています", "The conditions of the segment %s come back to itself")
	ErrNested = fault.Conflict("SEGMENT_NESTED", "セグメントの中のセグメントは%d段、合計%d個までです", "Segments stand at most %d within each other, and %d in one search")
	ErrPlace  = fault.Invalid("REGION_INVALID", "都道府県の指定が正しくありません", "There is no such prefecture")
	ErrSheet  = fault.Conflict("SEGMENT_TOO_LARGE", "Excelのシートは%d件までです。CSVで出力してください", "A sheet of Excel holds %d members; export CSV instead")
)
