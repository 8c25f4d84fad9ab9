package search

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Normalize brings text to one width and case: NFKC, so that full-width Latin and
// half-width kana with their voiced marks become ordinary, lower case, Latin
// letters without accents, and every dash after kana a long-vowel mark.
func Normalize(s string) string {
	s = strings.ToValidUTF8(s, " ")
	if strings.ContainsAny(s, "\u309b\u309c") { // free-standing voiced marks join the kana before them
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\u309b", "\u3099"), "\u309c", "\u309a")
	}
	s = norm.NFKC.String(s)
	var b strings.Builder
	b.Grow(len(s))
	var before rune
	for _, r := range s {
		switch {
		case unicode.IsControl(r), isMark(r):
			r = ' '
		case isDash(r) && (isKana(before) || before == 'ー'):
			r = 'ー'
		case isDash(r):
			r = '-'
		case unicode.Is(unicode.Latin, r) && r > 0x7f:
			r = plain(r)
		}
		r = unicode.ToLower(r)
		b.WriteRune(r)
		before = r
	}
	return b.String()
}

// plain is a Latin letter without its accent.
func plain(r rune) rune {
	for _, d := range norm.NFD.String(string(r)) {
		return d
	}
	return r
}

// Fold turns normalised text into its search form: katakana to hiragana, old and
// doubled letters to the ordinary ones, small vowels to large ones (フィルム,
// フイルム), long-vowel marks to the vowel that sounds, iteration marks to what
// they repeat. Small ゃゅょ stay, for 病院 (びょういん) is no 美容院 (びよういん).
func Fold(s string) string {
	runes := dropLastLong([]rune(s))
	folded := make([]rune, 0, len(runes))
	for _, r := range runes {
		var before rune
		if len(folded) > 0 {
			before = folded[len(folded)-1]
		}
		r = hiragana(r)
		switch r {
		case 'ー':
			if r = vowel(before); r == 0 {
				continue
			}
		case 'ゝ', '々':
			if before == 0 {
				continue
			}
			r = before
		case 'ゞ':
			if before == 0 {
				continue
			}
			r = voiced(before)
		case 'ぁ', 'ぃ', 'ぅ', 'ぇ', 'ぉ':
			if before == 'ゔ' {
				folded[len(folded)-1] = vu(r)
				continue
			}
			r++
		}
		folded = append(folded, r)
	}
	for i, r := range folded {
		if r == 'ゔ' {
			folded[i] = 'ぶ'
		}
	}
	return string(folded)
}

// dropLastLong takes the long-vowel mark off the end of longer katakana words:
// コンピューター is コンピュータ.
func dropLastLong(runes []rune) []rune {
	n := len(runes)
	if n >= 4 && runes[n-1] == 'ー' && isKatakana(runes[n-2]) {
		return runes[:n-1]
	}
	return runes
}

func hiragana(r rune) rune {
	if (r >= 'ァ' && r <= 'ヶ') || r == 'ヽ' || r == 'ヾ' {
		r -= 'ァ' - 'ぁ'
	}
	switch r {
	case 'ぢ':
		return 'じ'
	case 'づ':
		return 'ず'
	case 'ゐ':
		return 'い'
	case 'ゑ':
		return 'え'
	case 'ゎ':
		return 'わ'
	case 'ゕ', 'ゖ':
		return 'か' // 3ヶ月 is read さんかげつ
	}
	return r
}

// rows are the kana by the vowel that they end in; え and お sound long as い and う.
var rows = [...]struct {
	kana string
	long rune
}{
	{"あかさたなはまやらわがざだばぱぁゃ", 'あ'},
	{"いきしちにひみりぎじびぴぃ", 'い'},
	{"うくすつぬふむゆるぐずぶぷゔぅゅ", 'う'},
	{"えけせてねへめれげぜでべぺぇ", 'い'},
	{"おこそとのほもよろをごぞどぼぽぉょ", 'う'},
}

// vowel is what a long-vowel mark after the kana sounds like; 0 after anything else.
func vowel(before rune) rune {
	for _, row := range rows {
		if strings.ContainsRune(row.kana, before) && before != 0 {
			return row.long
		}
	}
	return 0
}

func voiced(r rune) rune {
	if strings.ContainsRune("かきくけこさしすせそたちつてとはひふへほ", r) {
		return r + 1
	}
	return r
}

// vu is ヴ with a small vowel.
func vu(small rune) rune {
	switch small {
	case 'ぁ':
		return 'ば'
	case 'ぃ':
		return 'び'
	case 'ぇ':
		return 'べ'
	case 'ぉ':
		return 'ぼ'
	}
	return 'ぶ'
}

func isDash(r rune) bool {
	switch r {
	case '-', '‐', '‑', '‒', '–', '—', '―', '−', '－', 'ｰ', '─', '━':
		return true
	}
	return false
}

// isMark reports voiced marks that found no kana to join.
func isMark(r rune) bool { return r == '\u3099' || r == '\u309a' || r == '\u309b' || r == '\u309c' }

func isKatakana(r rune) bool { return (r >= 'ァ' && r <= 'ヺ') || r == 'ー' }

func isKana(r rune) bool { return (r >= 'ぁ' && r <= 'ゟ') || (r >= 'ァ' && r <= 'ヿ') }

// isJapanese reports kana, kanji, and the marks that stand among them.
func isJapanese(r rune) bool {
	return isKana(r) || r == '々' || r == '〆' || unicode.Is(unicode.Han, r)
}

func allKana(s string) bool {
	for _, r := range s {
		if !isKana(r) {
			return false
		}
	}
	return s != ""
}

func allKatakana(s string) bool {
	for _, r := range s {
		if !isKatakana(r) {
			return false
		}
	}
	return s != ""
}

// clip cuts text to at most n runes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	i := 0
	for at := range s {
		if i == n {
			return s[:at]
		}
		i++
	}
	return s
}
