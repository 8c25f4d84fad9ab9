package search

import (
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPosition is the last place that a tsvector can name.
const maxPosition = 16_383

// vector collects the words of a document with their places and weights.
type vector struct {
	places map[string][]string
	at     int
}

func (v *vector) add(lexeme string, w Weight) {
	lexeme = clip(lexeme, maxLexeme)
	if lexeme == "" || lexeme == kanaMark {
		return
	}
	place := strconv.Itoa(min(v.at, maxPosition)) + string(rune(w))
	if known := v.places[lexeme]; len(known) < 4 && (len(known) == 0 || known[len(known)-1] != place) {
		v.places[lexeme] = append(known, place)
	}
}

// kanaMark stands before words that the text writes in kana. A query in kanji asks
// for them by its reading, and does not so meet other kanji of the same reading.
const kanaMark = "="

// Vector is the document as the text form of a PostgreSQL tsvector. Words are
// stored as written, in dictionary form and by reading; names and shelves also by
// every end of a stretch that begins at a word, so that a prefix of it is found.
func (a *Analyzer) Vector(fields ...Field) string {
	v := &vector{places: map[string][]string{}}
	for _, f := range fields {
		for _, s := range segments(Normalize(clip(f.Text, maxText))) {
			if s.japanese {
				a.addJapanese(v, s.text, f.Weight)
			} else {
				addCode(v, s.text, f.Weight)
			}
		}
		v.at += 10 // words of two fields are no neighbours
	}
	return v.String()
}

func (a *Analyzer) addJapanese(v *vector, text string, w Weight) {
	words := a.split(text)
	for i, word := range words {
		v.at++
		if word.stop && w == Description {
			continue
		}
		surface, reading := Fold(word.surface), Fold(word.reading)
		v.add(surface, w)
		v.add(Fold(word.base), w)
		v.add(reading, w)
		if w == Description {
			continue
		}
		if allKana(word.surface) {
			v.add(kanaMark+surface, w)
		}
		addEnds(v, words[i:], w)
		addTails(v, word.surface, w)
		addKanji(v, word.surface, w)
	}
}

// addEnds stores the rest of a stretch, as written and as read.
func addEnds(v *vector, rest []word, w Weight) {
	var written, read strings.Builder
	readable := true
	for _, word := range rest {
		written.WriteString(word.surface)
		read.WriteString(word.reading)
		readable = readable && word.reading != ""
		if written.Len() > 3*maxLexeme {
			break
		}
	}
	v.add(Fold(written.String()), w)
	if readable {
		v.add(Fold(read.String()), w)
	}
	if allKana(written.String()) {
		v.add(kanaMark+Fold(written.String()), w)
	}
}

// addTails stores the ends of a long katakana word: フード is found in ドッグフード,
// which no dictionary splits.
func addTails(v *vector, surface string, w Weight) {
	if !allKatakana(surface) || utf8.RuneCountInString(surface) < minSuffix+2 {
		return
	}
	runes := []rune(surface)
	for i := 1; i+minSuffix <= len(runes); i++ {
		if !strings.ContainsRune("ーッンァィゥェォャュョ", runes[i]) { // no word begins so
			v.add(Fold(string(runes[i:])), w)
		}
	}
}

// addKanji stores each kanji of a longer word: 犬 is found in 成犬.
func addKanji(v *vector, surface string, w Weight) {
	if utf8.RuneCountInString(surface) < 2 {
		return
	}
	for _, r := range surface {
		if unicode.Is(unicode.Han, r) {
			v.add(string(r), w)
		}
	}
}

// addCode stores a code whole, in pieces, and by every end, without its marks.
func addCode(v *vector, code string, w Weight) {
	all := parts(code)
	for i, part := range all {
		v.at++
		v.add(part, w)
		v.add(strings.Join(all[i:], ""), w)
	}
}

// String writes the vector as PostgreSQL reads it.
func (v *vector) String() string {
	lexemes := make([]string, 0, len(v.places))
	for lexeme := range v.places {
		lexemes = append(lexemes, lexeme)
	}
	sort.Strings(lexemes)
	var b strings.Builder
	for i, lexeme := range lexemes {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(quote(lexeme))
		b.WriteByte(':')
		b.WriteString(strings.Join(v.places[lexeme], ","))
	}
	return b.String()
}

// quote writes a word for tsvector and tsquery.
func quote(lexeme string) string {
	if strings.ContainsAny(lexeme, `\'`) {
		lexeme = strings.ReplaceAll(strings.ReplaceAll(lexeme, `\`, `\\`), `'`, `''`)
	}
	return "'" + lexeme + "'"
}
