package customer

import "github.com/noren-commerce/noren/core/fault"

// Failures of an address.
var (
	ErrPostalCode = fault.Invalid("POSTAL_CODE_INVALID", "郵便番号は7桁の数字で入力してください", "The postal code has seven digits")
	ErrPhone      = fault.Invalid("PHONE_INVALID", "電話番号は0から始まる10〜11桁の数字で入力してください", "The phone number has 10 or 11 digits and begins with 0")
	ErrKana       = fault.Invalid("KANA_INVALID", "フリガナはカタカナで入力してください", "The reading is written in katakana")
	ErrPrefecture = fault.Invalid("PREFECTURE_INVALID", "都道府県を選択してください", "Choose a prefecture")
	ErrTooLong    = fault.Invalid(fault.CodeTooLong, "%d文字以内で入力してください", "Use at most %d characters")
)

// Failures of a profile, an address book and pets.
var (
	ErrBirthday         = fault.Invalid("BIRTHDAY_INVALID", "生年月日が正しくありません", "The birthday lies in the future or too long ago")
	ErrTooManyAddresses = fault.Conflict(fault.CodeTooMany, "登録できる住所は%d件までです", "An address book holds at most %d addresses")
	ErrTooManyAllergies = fault.Conflict(fault.CodeTooMany, "登録できるアレルギーは%d件までです", "A pet has at most %d allergies")
	ErrWeight           = fault.Invalid("WEIGHT_INVALID", "体重は1g〜1,000kgで、未来の日付でないものを入力してください", "A weight is between 1 g and 1,000 kg and not of a day to come")
	ErrTooManyPets      = fault.Conflict(fault.CodeTooMany, "登録できるペットは%d匹までです", "A profile holds at most %d pets")
)
