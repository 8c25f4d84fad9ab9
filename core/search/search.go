// Package search turns Japanese, Latin and code-like text into the words that
// PostgreSQL's full-text search stores (Vector) and asks for (Query). Both sides
// fold alike: full and half width, katakana and hiragana, long vowels, case.
package search

// Bounds on what is analysed, so that no input costs more than a known amount.
const (
	maxText    = 20_000 // runes of one field of a document
	maxQuery   = 200    // runes of a query
	maxChunks  = 12     // words between spaces of a query
	maxLexeme  = 32     // runes of one stored word
	minSuffix  = 3      // runes of the shortest stored end of a long katakana word
	maxVariant = 12     // synonyms of one word
)

// Weight is how much a field of a document counts.
type Weight byte

// The weights, in PostgreSQL's letters.
const (
	Name        Weight = 'A'
	Shelf       Weight = 'B' // brand and categories
	Tag         Weight = 'C' // tags, attributes, codes
	Description Weight = 'D'
)

// Field is one text of a document.
type Field struct {
	Weight Weight
	Text   string
}
