package catalog

import "github.com/noren-commerce/noren/core/fault"

// Failures of the catalog.
var (
	ErrTooMany       = fault.Invalid(fault.CodeTooMany, "一度に指定できるのは%d件までです", "At most %d may be given at once")
	ErrSlugTaken     = fault.Conflict(fault.CodeDuplicate, "このスラッグはすでに使われています", "This slug is already taken")
	ErrSKUTaken      = fault.Conflict(fault.CodeDuplicate, "このSKUはすでに使われています", "This SKU is already taken")
	ErrSlug          = fault.Invalid("SLUG_INVALID", "スラッグは半角英小文字・数字・ハイフンで1〜100文字にしてください", "A slug has 1 to 100 lower-case letters, digits and hyphens")
	ErrSKU           = fault.Invalid("SKU_INVALID", "SKUは空白を含まない1〜64文字にしてください", "A SKU has 1 to 64 characters without spaces")
	ErrBarcode       = fault.Invalid("BARCODE_INVALID", "JANコードの桁数またはチェックデジットが正しくありません", "The barcode's length or check digit is wrong")
	ErrOptions       = fault.Invalid("OPTIONS_MISMATCH", "バリエーションの選択肢が商品のオプションと合いません", "The variant's choices do not fit the product's options")
	ErrOptionsTaken  = fault.Conflict("OPTIONS_DUPLICATE", "同じ選択肢のバリエーションがすでにあります", "Another variant has the same choices")
	ErrNoCategory    = fault.Invalid("CATEGORY_UNKNOWN", "指定されたカテゴリーはありません", "There is no such category")
	ErrNoBrand       = fault.Invalid("BRAND_UNKNOWN", "指定されたブランドはありません", "There is no such product brand")
	ErrNoChannel     = fault.Invalid("CHANNEL_UNKNOWN", "指定されたチャネルはありません", "There is no such channel")
	ErrNoAttribute   = fault.Invalid("ATTRIBUTE_UNKNOWN", "指定された属性はありません", "There is no such attribute")
	ErrAttributeType = fault.Invalid("ATTRIBUTE_MISMATCH", "属性の値が型(%s)に合いません", "The value does not fit the attribute's type (%s)")
	ErrCycle         = fault.Conflict("CATEGORY_CYCLE", "カテゴリーを自分自身の下に移動することはできません", "A category cannot stand below itself")
	ErrCategoryUsed  = fault.Conflict("CATEGORY_IN_USE", "商品または下位カテゴリーがあるため削除できません", "The category still has products or subcategories")
	ErrWindow        = fault.Invalid("WINDOW_INVALID", "公開終了は公開開始より後にしてください", "The end must be after the beginning")
	ErrVersion       = fault.Conflict("VERSION_CONFLICT", "ほかの人が先に変更しました。最新の内容を確認してください", "Someone else changed this first; look at the present state")
	ErrNoVariant     = fault.Conflict("NO_VARIANT", "販売できるバリエーションがないため公開できません", "A product without an active variant cannot be published")
	ErrArchived      = fault.Conflict("PRODUCT_ARCHIVED", "この商品は販売終了しています", "The product is archived")
	ErrPrice         = fault.Invalid("PRICE_INVALID", "価格は0以上で、通貨の桁数に合わせてください", "A price is 0 or more, with no more decimals than its currency")
	ErrMediaURL      = fault.Invalid("URL_INVALID", "httpsのURLを指定してください", "The address must be an https URL")

	errFilterPrice     = fault.Invalid(fault.CodeInvalid, "価格の範囲が正しくありません", "The price range is wrong")
	errFilterAttribute = fault.Invalid(fault.CodeInvalid, "属性コードは重複なく指定してください", "Each attribute is named once")
)
