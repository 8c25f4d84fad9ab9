package migration

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/member"
)

// Conversion names what was done to a value.
type Conversion string

// The conversions.
const (
	ByValues     Conversion = "VALUES"      // by the mapping's table
	ByDefault    Conversion = "DEFAULT"     // nothing stood there
	FromEra      Conversion = "ERA_DATE"    // 和暦
	ToKatakana   Conversion = "KATAKANA"    // from hiragana or half-width
	FoldedWidth  Conversion = "WIDTH"       // full-width letters and digits, half-width kana
	PlainPhone   Conversion = "PHONE"       // E.164, hyphens, a zero that a spreadsheet took
	PlainPostal  Conversion = "POSTAL_CODE" // 〒, hyphen, a zero that a spreadsheet took
	SplitAddress Conversion = "ADDRESS"     // into prefecture, city and the rest
	CheckAdded   Conversion = "CHECK_DIGIT"
	GenderNamed  Conversion = "GENDER"
)

// folded is the text with full-width letters and digits made half-width, half-width kana
// full-width, and single blanks.
func folded(text string) string { return strings.Join(strings.Fields(norm.NFKC.String(text)), " ") }

// ReadKana is a reading in katakana; a Reason if it is none. Voicing marks of half-width
// kana join their letters.
func ReadKana(text string) (string, error) {
	kana := customer.ToKatakana(folded(width.Fold.String(text)))
	kana = strings.Map(func(r rune) rune {
		if r == '-' || r == '‐' || r == '−' || r == 'ｰ' {
			return 'ー'
		}
		return r
	}, kana)
	for _, r := range kana {
		if !unicode.Is(unicode.Katakana, r) && r != 'ー' && r != '・' && r != ' ' {
			return "", because("フリガナに使えない文字があります", "This is not a reading in kana")
		}
	}
	return kana, nil
}

var domestic = regexp.MustCompile(`^0\d{9,10}$`)

// ReadPhone is a phone number of Japan as digits: with hyphens, brackets and full width,
// in E.164 (+81…), or without the zero that a spreadsheet took away.
func ReadPhone(text string) (string, error) {
	raw := norm.NFKC.String(text)
	digits := onlyDigits(raw)
	switch {
	case strings.HasPrefix(strings.TrimSpace(raw), "+81"), strings.HasPrefix(digits, "81") && len(digits) > 11:
		digits = "0" + strings.TrimPrefix(strings.TrimPrefix(digits, "81"), "0")
	case strings.HasPrefix(digits, "01081"):
		digits = "0" + strings.TrimPrefix(digits, "01081")
	case len(digits) == 9 && digits[0] != '0', len(digits) == 10 && (strings.HasPrefix(digits, "90") || strings.HasPrefix(digits, "80") || strings.HasPrefix(digits, "70") || strings.HasPrefix(digits, "50")):
		digits = "0" + digits
	}
	if !domestic.MatchString(digits) {
		return "", because("電話番号として読めません", "This is not a phone number of Japan")
	}
	return digits, nil
}

// ReadPostalCode is a postcode as seven digits.
func ReadPostalCode(text string) (string, error) {
	digits := onlyDigits(norm.NFKC.String(text))
	if len(digits) == 6 && !strings.ContainsAny(text, "-－〒") { // a spreadsheet took the zero
		digits = "0" + digits
	}
	if len(digits) != 7 {
		return "", because("郵便番号は7桁です", "A postcode has seven digits")
	}
	return digits, nil
}

func onlyDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// genders are what is written for them without a table: words, letters, and ISO/IEC 5218.
var genders = map[string]customer.Gender{
	"MALE": customer.GenderMale, "M": customer.GenderMale, "男": customer.GenderMale, "男性": customer.GenderMale, "1": customer.GenderMale,
	"FEMALE": customer.GenderFemale, "F": customer.GenderFemale, "女": customer.GenderFemale, "女性": customer.GenderFemale, "2": customer.GenderFemale,
	"OTHER": customer.GenderOther, "その他": customer.GenderOther, "UNSAID": customer.GenderUnsaid, "不明": customer.GenderUnsaid, "無回答": customer.GenderUnsaid, "0": customer.GenderUnsaid, "9": customer.GenderUnsaid,
}

// ReadGender reads a gender.
func ReadGender(text string) (customer.Gender, error) {
	if g, ok := genders[strings.ToUpper(folded(text))]; ok {
		return g, nil
	}
	return "", because("性別として読めません。values で対応を指定してください", "This is not a gender; say in values what it means")
}

// ReadCard is a card's number, its check digit right; complete adds it to one without.
func ReadCard(text string, complete bool) (string, error) {
	digits := strings.NewReplacer(" ", "", "-", "").Replace(folded(text))
	if complete && len(digits) == 12 && onlyDigits(digits) == digits {
		digits += string(member.CheckDigit(digits))
	}
	card, err := member.ReadNumber(digits)
	if err != nil {
		return "", because("会員番号の桁数かチェックデジットが正しくありません", "The card number's length or check digit is not right")
	}
	return card, nil
}

// yes and no are what is written for consents without a table.
var (
	yes = []string{"1", "TRUE", "Y", "YES", "ON", "可", "はい", "○", "〇", "有", "希望", "希望する", "許可", "OK"}
	no  = []string{"0", "FALSE", "N", "NO", "OFF", "不可", "いいえ", "×", "無", "希望しない", "拒否", "NG"}
)

// ReadConsent reads a yes or a no.
func ReadConsent(text string) (bool, error) {
	said := strings.ToUpper(folded(text))
	for _, w := range yes {
		if said == w {
			return true, nil
		}
	}
	for _, w := range no {
		if said == w {
			return false, nil
		}
	}
	return false, because("可否として読めません。values で true か false を指定してください", "This is neither a yes nor a no; say true or false in values")
}

// The parts of an address in one text. Cities whose names hold 市, 町, 村 or 区 themselves come first.
var (
	oddCity   = regexp.MustCompile(`^(四日市市|廿日市市|八日市市|市川市|市原市|野々市市|十日町市|大町市|町田市|東村山市|武蔵村山市|羽村市|村山市|村上市|大村市|田村市|中村市|玉村町|余市郡余市町|高市郡[^町村]+[町村]|郡山市|郡上市|大和郡山市|蒲郡市|小郡市)`)
	plainCity = regexp.MustCompile(`^([^0-9]+?市[^0-9市]+?区|[^0-9]+?郡[^0-9]+?[町村]|[^0-9]+?[市区町村])`)
	building  = regexp.MustCompile(`^(.*?[0-9]+(?:[-丁目番地号の]*[0-9]+)*(?:番地|番|号)?)\s*([^\s0-9丁番地号-].*)$`)
)

// SplitJapanese splits an address in one text (都道府県, 市区町村, 町名・番地, 建物名); a Reason
// if it does not begin with a prefecture and a city. Lines behind the first are the building.
func SplitJapanese(text string) (customer.Address, error) {
	var a customer.Address
	rest := strings.ReplaceAll(folded(dashed(text)), " ", " ")
	a.Prefecture, rest = prefectureOf(rest)
	if a.Prefecture == "" {
		return a, because("都道府県で始まっていません", "The address does not begin with a prefecture")
	}
	m := oddCity.FindString(rest)
	if m == "" {
		m = plainCity.FindString(rest)
	}
	if m == "" {
		return a, because("市区町村が読み取れません", "The address names no city")
	}
	a.City, rest = strings.ReplaceAll(m, " ", ""), strings.TrimSpace(strings.TrimPrefix(rest, m))
	a.Line1 = rest
	if street := building.FindStringSubmatch(rest); street != nil {
		a.Line1, a.Line2 = street[1], strings.TrimSpace(street[2])
	}
	if a.Line1 == "" {
		return a, because("町名・番地がありません", "The address has no street")
	}
	return a, nil
}

// dashed writes the hyphens between numbers, of which there are many, as one kind.
func dashed(text string) string {
	runes := []rune(norm.NFKC.String(text))
	for i, r := range runes {
		if strings.ContainsRune("‐‑‒–—―−ー－ｰ", r) && i > 0 && unicode.IsDigit(runes[i-1]) {
			runes[i] = '-'
		}
	}
	return string(runes)
}

// prefectureOf is the prefecture with which the text begins, and what is behind it.
func prefectureOf(text string) (customer.Prefecture, string) {
	for i, r := range text {
		if i > 0 && strings.ContainsRune("都道府県", r) {
			end := i + len(string(r))
			if p := customer.PrefectureNamed(text[:end]); p != "" {
				return p, strings.TrimSpace(text[end:])
			}
		}
	}
	return "", text
}

// ReadPrefecture reads a prefecture by its name, with or without its ending, or by its
// number of JIS X 0401.
func ReadPrefecture(text string) (customer.Prefecture, error) {
	name := folded(text)
	for _, ending := range []string{"", "都", "府", "県", "道"} {
		if p := customer.PrefectureNamed(name + ending); p != "" {
			return p, nil
		}
	}
	if p := customer.PrefectureOf(number(name)); p != "" {
		return p, nil
	}
	return "", because("都道府県として読めません", "This is not a prefecture")
}
