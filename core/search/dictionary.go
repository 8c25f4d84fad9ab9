package search

import (
	_ "embed"
	"runtime/debug"
	"strings"

	"github.com/ikawaha/kagome-dict/dict"
	"github.com/ikawaha/kagome-dict/ipa"
	"github.com/ikawaha/kagome/v2/tokenizer"
)

// petWords are the trade's words that the dictionary splits or reads wrongly:
// surface, parts, readings, part of speech.
//
//go:embed words.csv
var petWords string

// Dictionary splits Japanese into words and knows how they are read. The library
// keeps its features as a slice of strings for each of 392,000 entries (63 MB), and
// parts of speech as a slice of numbers for each (13 MB, and a pointer each for the
// garbage collector to follow); what search needs of them stands here in a string
// or bytes for all (9 MB).
type Dictionary struct {
	tokens   *tokenizer.Tokenizer
	bases    column // dictionary forms, empty where the same as the surface
	readings column // in katakana
	stops    []bool // of each entry, whether it says nothing alone
}

// column is one text for each dictionary entry, one after the other. The same
// text as the entry before is not stored again.
type column struct {
	text string
	from []uint32
	to   []uint32
}

func (c column) at(i int) string {
	if i < 0 || i >= len(c.from) {
		return ""
	}
	return c.text[c.from[i]:c.to[i]]
}

func newColumn(contents dict.Contents, index int8) column {
	var b strings.Builder
	c := column{from: make([]uint32, len(contents)), to: make([]uint32, len(contents))}
	last := ""
	for i, features := range contents {
		s := ""
		if int(index) < len(features) && features[index] != "*" {
			s = features[index]
		}
		if i > 0 && s == last {
			c.from[i], c.to[i] = c.from[i-1], c.to[i-1]
			continue
		}
		c.from[i] = uint32(b.Len())
		b.WriteString(s)
		c.to[i] = uint32(b.Len())
		last = s
	}
	c.text = strings.Clone(b.String())
	return c
}

// load reads the dictionary (about a second) and gives back what search does not need.
func load() (*Dictionary, error) {
	d := ipa.Dict()
	records, err := dict.NewUserDicRecords(strings.NewReader(petWords))
	if err != nil {
		return nil, err
	}
	own, err := records.NewUserDict()
	if err != nil {
		return nil, err
	}
	tokens, err := tokenizer.New(d, tokenizer.OmitBosEos(), tokenizer.UserDict(own))
	if err != nil {
		return nil, err
	}
	loaded := &Dictionary{tokens: tokens}
	offset := int8(0)
	if len(d.POSTable.POSs) > 0 {
		offset = int8(len(d.POSTable.POSs[0]))
	}
	loaded.bases = newColumn(d.Contents, d.ContentsMeta[dict.BaseFormIndex]-offset)
	loaded.readings = newColumn(d.Contents, d.ContentsMeta[dict.ReadingIndex]-offset)
	loaded.stops = make([]bool, len(d.POSTable.POSs))
	for i, ids := range d.POSTable.POSs {
		pos := make([]string, len(ids))
		for j, id := range ids {
			pos[j] = d.POSTable.NameList[id]
		}
		loaded.stops[i] = stops(pos)
	}
	d.Contents, d.POSTable.POSs = nil, nil
	debug.FreeOSMemory()
	return loaded, nil
}

// word is one word of a Japanese text.
type word struct {
	surface string
	base    string // dictionary form; the surface where there is none
	reading string // katakana; the surface where it is kana, empty where unknown
	stop    bool   // a particle or the like, which says nothing alone
}

// words splits a normalised Japanese text.
func (d *Dictionary) words(text string) []word {
	tokens := d.tokens.Analyze(text, tokenizer.Search)
	all := make([]word, 0, len(tokens))
	for _, t := range tokens {
		w := word{surface: t.Surface, base: t.Surface}
		switch t.Class {
		case tokenizer.KNOWN:
			if base := d.bases.at(t.ID); base != "" {
				w.base = base
			}
			w.reading, w.stop = d.readings.at(t.ID), d.stops[t.ID]
		case tokenizer.USER:
			w.stop = stops(t.POS())
			w.reading = strings.ReplaceAll(t.Features()[2], "/", "")
		default:
			w.stop = stops(t.POS())
		}
		if w.reading == "" && allKana(t.Surface) {
			w.reading = t.Surface
		}
		all = append(all, w)
	}
	return all
}

// stops reports the parts of speech of words that say nothing alone: particles, auxiliaries, marks, and
// dependent verbs and nouns.
func stops(pos []string) bool {
	if len(pos) == 0 {
		return false
	}
	switch pos[0] {
	case "助詞", "助動詞", "記号", "フィラー", "接続詞":
		return true
	case "動詞", "名詞", "形容詞":
		return len(pos) > 1 && (pos[1] == "非自立" || pos[1] == "接尾" && pos[0] == "動詞")
	}
	return false
}
