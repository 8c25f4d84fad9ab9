package i18n

import (
	"strings"
	"unicode/utf8"

	"github.com/noren-commerce/noren/core/fault"
)

var (
	errTooLong   = fault.Invalid(fault.CodeTooLong, "%d文字以内で入力してください", "At most %d characters are allowed")
	errCharacter = fault.Invalid(fault.CodeInvalid, "使えない文字が含まれています", "The text holds a character that cannot be stored")
	errLanguage  = fault.Invalid(fault.CodeInvalid, "言語コードが正しくありません", "The language tag is wrong")
)

// Check fails unless the text has Japanese, if it must, and no language is too
// long or cannot be stored. field is its path in the input.
func (t Text) Check(field string, most int, must bool) error {
	if must && strings.TrimSpace(t[Default]) == "" {
		return fault.ErrRequired.At(field)
	}
	for language, s := range t {
		if err := CheckString(field, s, most); err != nil {
			return err
		}
		if len(language) > 10 || language == "" {
			return errLanguage.At(field)
		}
	}
	return nil
}

// CheckString fails if the string has more characters than that, or some that
// cannot be stored.
func CheckString(field, s string, most int) error {
	if utf8.RuneCountInString(s) > most {
		return errTooLong.With(most).At(field)
	}
	if strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
		return errCharacter.At(field)
	}
	return nil
}
