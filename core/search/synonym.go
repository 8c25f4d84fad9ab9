package search

// Synonyms are the other words for a word, by its folded form.
type Synonyms map[string][]string

// Add lets every one of the words be found by every other (two-way).
func (s Synonyms) Add(words ...string) {
	for _, w := range words {
		s.Replace(w, words...)
	}
}

// Replace lets the others be found by the word, but not the word by them (one-way).
func (s Synonyms) Replace(word string, others ...string) {
	key := Fold(Normalize(word))
	for _, other := range others {
		if Fold(Normalize(other)) != key && len(s[key]) < maxVariant {
			s[key] = append(s[key], other)
		}
	}
}

// of are the other words for a normalised word.
func (s Synonyms) of(word string) []string { return s[Fold(word)] }
