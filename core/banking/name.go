package banking

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// forms are companies' forms as names and banks have them (法人略語): a bank writes
// カ)ノレン for 株式会社のれん, and (カ at the end for のれん株式会社.
var forms = regexp.MustCompile(`株式会社|有限会社|合同会社|合資会社|合名会社|一般社団法人|一般財団法人|社会福祉法人|医療法人|学校法人|\((?:株|有|同|資|名|カ|ユ|ド|シ|メ|フク|イ|ガク)\)|^(?:カ|ユ|ド|シ|メ|フク|イ|ガク|シヤ|ザイ)\)|\((?:カ|ユ|ド|シ|メ|フク|イ|ガク|シヤ|ザイ)$|\((?:カ|ユ|ド|シ|メ|フク|イ|ガク|シヤ|ザイ)\)`)

// larger are small kana as banks print them, and kana that sound alike.
var larger = strings.NewReplacer(
	"ァ", "ア", "ィ", "イ", "ゥ", "ウ", "ェ", "エ", "ォ", "オ", "ッ", "ツ", "ャ", "ヤ", "ュ", "ユ", "ョ", "ヨ", "ヮ", "ワ", "ヵ", "カ", "ヶ", "ケ",
	"ヲ", "オ", "ヰ", "イ", "ヱ", "エ", "ヂ", "ジ", "ヅ", "ズ",
)

// NameKey brings a payer's name into the one form in which names are compared:
// half-width and small kana, hiragana, companies' forms, spaces and marks are gone.
func NameKey(name string) string {
	name = strings.ToUpper(norm.NFKC.String(name))
	name = strings.Map(func(r rune) rune {
		if r >= 'ぁ' && r <= 'ゖ' {
			return r + 'ァ' - 'ぁ'
		}
		return r
	}, name)
	name = larger.Replace(name)
	name = forms.ReplaceAllString(strings.TrimSpace(name), "")
	return strings.Map(func(r rune) rune {
		if r == 'ー' || (!unicode.IsLetter(r) && !unicode.IsDigit(r)) {
			return -1
		}
		return r
	}, name)
}

// orderReference is how long the reference of an order is.
const orderReference = 10

var token = regexp.MustCompile(`[0-9A-Z][0-9A-Z-]{2,}`)

// References are what may be a reference in the bank's words: the runs of capital
// letters and digits, which is all that a transfer carries beside kana.
func References(text string) []string {
	var all []string
	for _, found := range token.FindAllString(strings.ToUpper(norm.NFKC.String(text)), 20) {
		all = append(all, found)
		plain := strings.ReplaceAll(found, "-", "")
		if plain != found {
			all = append(all, plain)
		}
		if len(plain) > orderReference { // a name in letters stands right behind it
			all = append(all, plain[:orderReference])
		}
	}
	return all
}

// withoutReferences is the payer's name alone: what is written before it is no name.
func withoutReferences(text string) string {
	return token.ReplaceAllStringFunc(strings.ToUpper(norm.NFKC.String(text)), func(found string) string {
		if strings.ContainsAny(found, "0123456789") {
			return " "
		}
		return found
	})
}
