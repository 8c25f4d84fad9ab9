package search

import (
	"strings"
	"sync"
)

// Analyzer turns text into what PostgreSQL searches by. One serves a process: it
// holds the dictionary, read when it is first needed.
type Analyzer struct {
	dictionary func() *Dictionary
	known      *stretches // nil for none
}

// NewAnalyzer makes an analyzer; the dictionary is read at the first Japanese text.
func NewAnalyzer() *Analyzer {
	return &Analyzer{dictionary: shared}
}

// Remembering is the same analyzer with a memory for stretches that it has split
// before: a catalog says the same few thousand things again and again.
func (a *Analyzer) Remembering() *Analyzer {
	return &Analyzer{dictionary: a.dictionary, known: &stretches{words: map[string][]word{}}}
}

// maxKnown bounds the memory; when it is full, it begins anew.
const maxKnown = 20_000

// stretches are texts that were split into words.
type stretches struct {
	mu    sync.RWMutex
	words map[string][]word
}

// split is the words of a normalised Japanese text; the caller only reads them.
func (a *Analyzer) split(text string) []word {
	if a.known == nil {
		return a.dictionary().words(text)
	}
	a.known.mu.RLock()
	words, ok := a.known.words[text]
	a.known.mu.RUnlock()
	if ok {
		return words
	}
	words = a.dictionary().words(text)
	a.known.mu.Lock()
	defer a.known.mu.Unlock()
	if len(a.known.words) >= maxKnown {
		clear(a.known.words)
	}
	a.known.words[text] = words
	return words
}

// shared is the dictionary of the process: read once, then only read from.
var shared = sync.OnceValue(func() *Dictionary {
	d, err := load()
	if err != nil {
		panic("search: the built-in dictionary does not load: " + err.Error())
	}
	return d
})

// Reading is the text as it is said, in folded hiragana; Latin stays as it is.
func (a *Analyzer) Reading(text string) string {
	var b strings.Builder
	for _, s := range segments(Normalize(clip(text, maxQuery))) {
		if !s.japanese {
			b.WriteString(s.text)
			continue
		}
		for _, w := range a.split(s.text) {
			if w.reading != "" {
				b.WriteString(Fold(w.reading))
			} else {
				b.WriteString(Fold(w.surface))
			}
		}
	}
	return b.String()
}

// SortKey orders texts by reading as a dictionary does (五十音順): clear before
// voiced (は, ば, ぱ) and large before small only where all else is equal.
// Compare keys byte by byte (COLLATE "C").
func (a *Analyzer) SortKey(text string) string {
	reading := a.Reading(text)
	var b strings.Builder
	for _, r := range reading {
		b.WriteRune(unvoiced(r))
	}
	return b.String() + "\x01" + reading
}

// unvoiced is a kana without voiced mark, and large.
func unvoiced(r rune) rune {
	switch {
	case strings.ContainsRune("がぎぐげござじずぜぞだぢづでどばびぶべぼ", r):
		return r - 1
	case strings.ContainsRune("ぱぴぷぺぽ", r):
		return r - 2
	case strings.ContainsRune("ゃゅょっ", r):
		return r + 1
	}
	return r
}

// Keys are the beginnings by which a suggestion is found: the text as written and
// as read, from each word on.
func (a *Analyzer) Keys(text string) []string {
	seen := map[string]bool{}
	var keys []string
	add := func(key string) {
		if key = clip(key, maxLexeme); key != "" && !seen[key] && len(keys) < 24 {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	var rest []word
	for _, s := range segments(Normalize(clip(text, maxQuery))) {
		if s.japanese {
			rest = append(rest, a.split(s.text)...)
		} else {
			code := strings.Join(parts(s.text), "")
			rest = append(rest, word{surface: code, reading: code})
		}
	}
	for i, w := range rest {
		if w.stop && i > 0 {
			continue
		}
		var written, read strings.Builder
		for _, w := range rest[i:] {
			written.WriteString(w.surface)
			if w.reading != "" {
				read.WriteString(w.reading)
			} else {
				read.WriteString(w.surface)
			}
		}
		add(Fold(read.String()))
		add(Fold(written.String()))
	}
	return keys
}

// Beginnings are the keys that a half-typed text may be a beginning of: as
// written, and for Latin letters also as kana.
func Beginnings(text string) []string {
	var written strings.Builder
	all := segments(Normalize(clip(text, maxLexeme)))
	for _, s := range all {
		if s.japanese {
			written.WriteString(s.text)
		} else {
			written.WriteString(strings.Join(parts(s.text), ""))
		}
	}
	if written.Len() == 0 {
		return nil
	}
	keys := []string{Fold(written.String())}
	if len(all) == 1 && !all[0].japanese {
		if kana := Kana(all[0].text); kana != "" {
			keys = append(keys, Fold(kana))
		}
	}
	return keys
}
