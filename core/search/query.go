package search

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Query is a shopper's words as PostgreSQL tsqueries.
type Query struct {
	Text  string // normalised, as the shopper wrote it
	Match string // what a document must hold; empty when nothing was asked
	Exact string // whole words, which rank higher than beginnings of words
}

// Empty reports a query without a word in it.
func (q Query) Empty() bool { return q.Match == "" }

// Query reads a shopper's words: every word must be found, the last may be a
// beginning (search as you type), and synonyms count as the word itself.
func (a *Analyzer) Query(text string, synonyms Synonyms) Query {
	text = strings.Join(strings.Fields(Normalize(clip(text, maxQuery))), " ")
	q := Query{Text: text}
	var all []segment
	for _, chunk := range strings.Fields(text) {
		all = append(all, segments(chunk)...)
	}
	if len(all) > maxChunks {
		all = all[:maxChunks]
	}
	var match, exact []string
	for i, s := range all {
		asked, whole := a.ask(s, i == len(all)-1, synonyms)
		if asked != "" {
			match = append(match, asked)
		}
		exact = append(exact, whole...)
	}
	q.Match, q.Exact = strings.Join(match, " & "), strings.Join(exact, " | ")
	return q
}

// ask is the expression of one stretch and its synonyms, and its whole words.
func (a *Analyzer) ask(s segment, last bool, synonyms Synonyms) (string, []string) {
	asked, exact := a.expression(s, last, synonyms)
	alternatives := []string{asked}
	for _, other := range synonyms.of(s.text) {
		alternatives = append(alternatives, a.plain(other))
	}
	return anyOf(alternatives), exact
}

// plain is a phrase without prefix or synonyms: every word of it.
func (a *Analyzer) plain(phrase string) string {
	var all []string
	for _, s := range segments(Normalize(clip(phrase, maxQuery))) {
		asked, _ := a.expression(s, false, nil)
		all = append(all, asked)
	}
	return allOf(all)
}

func (a *Analyzer) expression(s segment, last bool, synonyms Synonyms) (string, []string) {
	if !s.japanese {
		return codeExpression(s.text, last)
	}
	words := a.dictionary().words(s.text)
	exact := exactly(nil, s.text)
	whole := []string{prefix(Fold(s.text), true)}
	if reading, ok := readingOf(words); ok && !allKana(s.text) {
		whole = append(whole, prefix(kanaMark+Fold(reading), true))
	}
	if !plausible(s.text, words) {
		return anyOf(whole), exact
	}
	var each []string
	content := contentOf(words)
	for i, w := range content {
		alternatives := []string{a.wordExpression(w, last && i == len(content)-1)}
		if len(content) > 1 {
			for _, other := range synonyms.of(w.surface) {
				alternatives = append(alternatives, a.plain(other))
			}
		}
		each = append(each, anyOf(alternatives))
		exact = exactly(exact, w.surface)
	}
	return anyOf(append(whole, allOf(each))), exact
}

func (a *Analyzer) wordExpression(w word, last bool) string {
	all := []string{prefix(Fold(w.surface), last)}
	if w.base != w.surface {
		all = append(all, prefix(Fold(w.base), false))
	}
	if w.reading != "" && !allKana(w.surface) {
		all = append(all, prefix(kanaMark+Fold(w.reading), false))
	}
	return anyOf(all)
}

func codeExpression(code string, last bool) (string, []string) {
	all := parts(code)
	joined := strings.Join(all, "")
	alternatives := []string{prefix(joined, last)}
	if len(all) > 1 {
		each := make([]string, len(all))
		for i, part := range all {
			each[i] = prefix(part, last && i == len(all)-1)
		}
		alternatives = append(alternatives, "("+strings.Join(each, " <-> ")+")")
	}
	// People also write kana in Latin letters: inu is いぬ.
	if kana := Kana(code); last && utf8.RuneCountInString(kana) > 1 {
		alternatives = append(alternatives, prefix(Fold(kana), true))
	}
	return anyOf(alternatives), []string{quote(clip(joined, maxLexeme))}
}

// contentOf leaves out the words that say nothing alone, unless all are such.
func contentOf(words []word) []word {
	content := slices.DeleteFunc(slices.Clone(words), func(w word) bool { return w.stop })
	if len(content) == 0 {
		return words
	}
	return content
}

// plausible reports whether the split of a text can be believed. Hiragana alone is
// often split wrongly (ねこすな: ね・こす・な); the whole stretch then serves.
func plausible(text string, words []word) bool {
	if !allKana(text) {
		return true
	}
	if len(words) == 0 || words[0].stop {
		return false
	}
	for _, w := range words {
		if !w.stop && utf8.RuneCountInString(w.surface) < 2 {
			return false
		}
	}
	return true
}

func readingOf(words []word) (string, bool) {
	var b strings.Builder
	for _, w := range words {
		if w.reading == "" {
			return "", false
		}
		b.WriteString(w.reading)
	}
	return b.String(), b.Len() > 0
}

func exactly(all []string, text string) []string {
	if one := prefix(Fold(text), false); one != "" {
		return append(all, one)
	}
	return all
}

func prefix(lexeme string, open bool) string {
	lexeme = clip(lexeme, maxLexeme)
	if lexeme == "" || lexeme == kanaMark {
		return ""
	}
	if open {
		return quote(lexeme) + ":*"
	}
	return quote(lexeme)
}

func anyOf(all []string) string { return combine(all, " | ") }

func allOf(all []string) string { return combine(all, " & ") }

func combine(all []string, operator string) string {
	var kept []string
	for _, one := range all {
		if one != "" && !slices.Contains(kept, one) {
			kept = append(kept, one)
		}
	}
	if len(kept) < 2 {
		return strings.Join(kept, "")
	}
	return "(" + strings.Join(kept, operator) + ")"
}
