package search

import "strings"

// syllables are the Latin spellings of kana (Hepburn and Kunrei), longest first
// within a length.
var syllables = map[string]string{
	"a": "あ", "i": "い", "u": "う", "e": "え", "o": "お",
	"ka": "か", "ki": "き", "ku": "く", "ke": "け", "ko": "こ", "sa": "さ", "si": "し", "su": "す", "se": "せ", "so": "そ",
	"ta": "た", "ti": "ち", "tu": "つ", "te": "て", "to": "と", "na": "な", "ni": "に", "nu": "ぬ", "ne": "ね", "no": "の",
	"ha": "は", "hi": "ひ", "hu": "ふ", "fu": "ふ", "he": "へ", "ho": "ほ", "ma": "ま", "mi": "み", "mu": "む", "me": "め", "mo": "も",
	"ya": "や", "yu": "ゆ", "yo": "よ", "ra": "ら", "ri": "り", "ru": "る", "re": "れ", "ro": "ろ", "wa": "わ", "wo": "を",
	"ga": "が", "gi": "ぎ", "gu": "ぐ", "ge": "げ", "go": "ご", "za": "ざ", "zi": "じ", "ji": "じ", "zu": "ず", "ze": "ぜ", "zo": "ぞ",
	"da": "だ", "di": "でぃ", "du": "どぅ", "de": "で", "do": "ど", "ba": "ば", "bi": "び", "bu": "ぶ", "be": "べ", "bo": "ぼ",
	"pa": "ぱ", "pi": "ぴ", "pu": "ぷ", "pe": "ぺ", "po": "ぽ", "fa": "ふぁ", "fi": "ふぃ", "fe": "ふぇ", "fo": "ふぉ",
	"va": "ゔぁ", "vi": "ゔぃ", "vu": "ゔ", "ve": "ゔぇ", "vo": "ゔぉ", "ja": "じゃ", "ju": "じゅ", "jo": "じょ", "je": "じぇ",
	"shi": "し", "chi": "ち", "tsu": "つ", "sha": "しゃ", "shu": "しゅ", "sho": "しょ", "she": "しぇ", "cha": "ちゃ", "chu": "ちゅ", "cho": "ちょ", "che": "ちぇ",
	"kya": "きゃ", "kyu": "きゅ", "kyo": "きょ", "gya": "ぎゃ", "gyu": "ぎゅ", "gyo": "ぎょ", "nya": "にゃ", "nyu": "にゅ", "nyo": "にょ",
	"hya": "ひゃ", "hyu": "ひゅ", "hyo": "ひょ", "bya": "びゃ", "byu": "びゅ", "byo": "びょ", "pya": "ぴゃ", "pyu": "ぴゅ", "pyo": "ぴょ",
	"mya": "みゃ", "myu": "みゅ", "myo": "みょ", "rya": "りゃ", "ryu": "りゅ", "ryo": "りょ", "sya": "しゃ", "syu": "しゅ", "syo": "しょ",
	"tya": "ちゃ", "tyu": "ちゅ", "tyo": "ちょ", "zya": "じゃ", "zyu": "じゅ", "zyo": "じょ",
}

// Kana reads Latin letters as kana ("doggu" is どっぐ). A consonant left at the end
// of a half-typed word is dropped. It is empty when the letters are no Japanese.
func Kana(latin string) string {
	var b strings.Builder
	s := strings.ToLower(latin)
	for s != "" {
		if s[0] == '-' {
			b.WriteString("ー")
			s = s[1:]
			continue
		}
		if kana, n := syllable(s); n > 0 {
			b.WriteString(kana)
			s = s[n:]
			continue
		}
		kana, rest, ok := consonant(s)
		if !ok || (rest == "" && kana == "" && b.Len() == 0) {
			return ""
		}
		b.WriteString(kana)
		s = rest
	}
	return b.String()
}

// consonant reads a consonant that begins no syllable: doubled (っ), an n (ん), or
// the last one of a half-typed word, which is dropped.
func consonant(s string) (kana, rest string, ok bool) {
	doubled := len(s) > 1 && (s[0] == s[1] || s[:2] == "tc")
	switch {
	case !isConsonant(s[0]):
		return "", "", false
	case doubled && s[0] != 'n':
		return "っ", s[1:], true
	case s[0] == 'n' || s[0] == 'm' && len(s) > 1 && strings.ContainsRune("bpm", rune(s[1])):
		return "ん", strings.TrimPrefix(s[1:], "'"), true
	}
	return "", "", len(s) == 1 || len(s) == 2 && isConsonant(s[1])
}

func syllable(s string) (kana string, length int) {
	for n := min(3, len(s)); n > 0; n-- {
		if kana, ok := syllables[s[:n]]; ok {
			return kana, n
		}
	}
	return "", 0
}

func isConsonant(c byte) bool {
	return c >= 'a' && c <= 'z' && !strings.ContainsRune("aiueo", rune(c))
}
