package migration

import (
	"slices"
	"strings"

	"github.com/noren-commerce/noren/core/i18n"
)

// row is one row of a file, kept.
type row struct {
	line  int
	cells []string
	bad   *Reason
}

// binding is a mapping and where its columns stand in a file.
type binding struct {
	*Mapping
	places map[string]int
}

// bind finds the mapping's columns in the heading; a Reason names those that it lacks.
func bind(m *Mapping, headers []string) (*binding, error) {
	b := &binding{m, make(map[string]int, len(headers))}
	for i, h := range headers {
		if _, twice := b.places[h]; twice && slices.Contains(m.columns(), h) {
			return nil, because("見出し「%s」が2つあります", "The heading %q stands there twice", h)
		}
		b.places[h] = i
	}
	var lacks []string
	for _, c := range m.columns() {
		if _, ok := b.places[c]; !ok {
			lacks = append(lacks, c)
		}
	}
	if len(lacks) > 0 {
		return nil, because("移行定義の列「%s」がファイルにありません（見出し: %s）", "The file lacks the mapping's columns %s; it has: %s", strings.Join(lacks, "、"), strings.Join(headers, "、"))
	}
	return b, nil
}

// reading is one row being read: what is said of it, and what was done to its values.
type reading struct {
	*binding
	row
	remarks []Remark
	done    Conversions
	failed  bool
}

// Conversions counts what was done to values, by column.
type Conversions map[string]map[Conversion]int

func (c Conversions) add(column string, what Conversion, n int) {
	if c[column] == nil {
		c[column] = map[Conversion]int{}
	}
	c[column][what] += n
}

// join adds the counts of another.
func (c Conversions) join(other Conversions) {
	for column, all := range other {
		for what, n := range all {
			c.add(column, what, n)
		}
	}
}

// said remarks something of a cell.
func (r *reading) said(kind RemarkKind, column, value string, why Reason) {
	r.failed = r.failed || kind == Rejected
	r.remarks = append(r.remarks, Remark{Line: r.line, Column: column, Value: Masked(value), Kind: kind, JA: why.JA, EN: why.EN})
}

// reject refuses the row.
func (r *reading) reject(column, value string, why Reason) { r.said(Rejected, column, value, why) }

// cell is the trimmed value of a column.
func (r *reading) cell(column string) string {
	if i, ok := r.places[column]; ok && i < len(r.cells) {
		return strings.TrimSpace(r.cells[i])
	}
	return ""
}

// joined are the values of several columns as one.
func (r *reading) joined(columns Columns, between string) string {
	parts := make([]string, 0, len(columns))
	for _, c := range columns {
		if v := r.cell(c); v != "" {
			parts = append(parts, v)
		}
	}
	return strings.Join(parts, between)
}

// text is what a field's columns say, by its table and default; and the columns' names.
func (r *reading) text(f *Field) (value, column string) {
	column = strings.Join(f.From, "+")
	if f.First {
		for _, c := range f.From {
			if value = r.cell(c); value != "" {
				column = c
				break
			}
		}
	} else {
		value = r.joined(f.From, f.Join)
	}
	if meant, ok := f.Values[value]; ok {
		r.done.add(column, ByValues, 1)
		value = meant
	}
	if value == "" && f.Default != "" {
		r.done.add(column, ByDefault, 1)
		value = f.Default
	}
	return value, column
}

// read makes a field's value; false if nothing stands there or it is none. What was done to
// it is noted where how says so.
func read[T any](r *reading, f *Field, parse func(string) (T, error), how func(typed string, made T) Conversion) (T, bool) {
	var none T
	if f == nil {
		return none, false
	}
	typed, column := r.text(f)
	if typed == "" {
		return none, false
	}
	made, err := parse(typed)
	if err != nil {
		kind := Rejected
		if f.Invalid == "drop" {
			kind = Dropped
		}
		r.said(kind, column, typed, reasonOf(err))
		return none, false
	}
	if how != nil {
		if what := how(typed, made); what != "" {
			r.done.add(column, what, 1)
		}
	}
	return made, true
}

// differs is the conversion if the value is not what was typed.
func differs(what Conversion) func(typed, made string) Conversion {
	return func(typed, made string) Conversion {
		if typed == made {
			return ""
		}
		return what
	}
}

// short is a text of at most so many characters, its width folded.
func short(most int) func(string) (string, error) {
	return func(typed string) (string, error) {
		text := folded(typed)
		if i18n.CheckString("", text, most) != nil {
			return "", because("%d文字までです", "It has more than %d characters", most)
		}
		return text, nil
	}
}

// maxKey bounds what names a row.
const maxKey = 100

// asKey is the key of a row of another file, which is kept as it stood there.
func asKey(typed string) (string, error) {
	if len(typed) > maxKey {
		return "", because("キーは%dバイトまでです", "The key has more than %d bytes", maxKey)
	}
	return typed, nil
}

// key is what names the row in its system; the row is refused without one.
func (r *reading) key() string {
	key := r.joined(r.Key, "/")
	switch {
	case key == "":
		r.reject(strings.Join(r.Key, "+"), "", because("キー列が空です", "The key is empty"))
	case len(key) > maxKey:
		r.reject(strings.Join(r.Key, "+"), key, because("キーは%dバイトまでです", "The key has more than %d bytes", maxKey))
	}
	return key
}
