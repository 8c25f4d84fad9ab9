package importing

import (
	"errors"
	"hash/maphash"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrFile says that a file cannot be read at all; the Rejection says why.
var ErrFile = errors.New("the file cannot be imported")

// Products reads a file product by product. A product with an error is answered
// with its rejections and no draft, and the rest goes on; what makes the rest
// unreadable ends the sequence with an error.
func Products(r io.Reader, o Options) iter.Seq2[Product, error] {
	return func(yield func(Product, error) bool) {
		table, err := openTable(r, o)
		if err != nil {
			yield(Product{}, unreadable(err))
			return
		}
		seen := newSeen()
		var group []row
		for {
			next, err := table.next()
			if len(group) > 0 && (err != nil || !table.layout.continues(group, next)) {
				if !yield(seen.check(table.layout.product(group, o), group[0].line), nil) {
					return
				}
				group = group[:0]
			}
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(Product{}, unreadable(err))
				return
			}
			group = append(group, next)
		}
	}
}

func unreadable(err error) error { return errors.Join(ErrFile, err) }

// row is one row of a table, by column name.
type row struct {
	line   int
	header map[string]int
	fields []string
	bad    *Rejection
}

// get is the trimmed value of a column; empty if there is none.
func (r row) get(column string) string {
	if i, ok := r.header[column]; ok && i < len(r.fields) {
		return strings.TrimSpace(r.fields[i])
	}
	return ""
}

func (r row) empty() bool {
	for _, f := range r.fields {
		if strings.TrimSpace(f) != "" {
			return false
		}
	}
	return true
}

// layout is what columns mean.
type layout interface {
	// required are the columns without which a file is not of this layout.
	required() []string
	// continues reports whether the row belongs to the product of the group.
	continues(group []row, next row) bool
	product(group []row, o Options) Product
}

// table is a file with its header read and its layout known.
type table struct {
	source source
	header map[string]int
	layout layout

	columns int
}

func openTable(r io.Reader, o Options) (*table, error) {
	t, err := openRows(r, o, func(name string) string { return name })
	if err == nil {
		t.layout, err = layoutOf(o.Format, t.header)
	}
	return t, err
}

// openRows reads a file's header; named says what a column is called.
func openRows(r io.Reader, o Options, named func(string) string) (*table, error) {
	src, err := open(r, o)
	if err != nil {
		return nil, err
	}
	head, err := src.next()
	if errors.Is(err, io.EOF) {
		return nil, reject(1, "", "", "見出し行がありません", "There is no header row")
	}
	if err != nil {
		return nil, err
	}
	t := &table{source: src, header: make(map[string]int, len(head.fields)), columns: len(head.fields)}
	for i, name := range head.fields {
		t.header[named(strings.TrimSpace(name))] = i
	}
	return t, nil
}

// layoutOf is the layout asked for, or the one whose columns the header has.
func layoutOf(format Format, header map[string]int) (layout, error) {
	var l layout
	switch format {
	case FormatNoren:
		l = norenLayout{}
	case FormatShopify:
		l = shopifyLayout{}
	case FormatAuto:
		l = norenLayout{}
		if _, shopify := header["Handle"]; shopify {
			l = shopifyLayout{}
		}
	default:
		return nil, reject(1, "", string(format), "形式は noren か shopify を指定してください", "The format is noren or shopify")
	}
	return l, requireColumns(header, l.required()...)
}

func requireColumns(header map[string]int, columns ...string) error {
	for _, column := range columns {
		if _, ok := header[column]; !ok {
			return reject(1, column, "", "列「%s」がありません", "The column %q is missing", column)
		}
	}
	return nil
}

func (t *table) next() (row, error) {
	for {
		rec, err := t.source.next()
		if err != nil {
			return row{}, err
		}
		r := row{line: rec.line, header: t.header, fields: append([]string(nil), rec.fields...), bad: rec.bad}
		if i := slices.IndexFunc(r.fields, unstorable); r.bad == nil && i >= 0 {
			bad := reject(rec.line, "#"+strconv.Itoa(i+1), r.fields[i], "使えない文字（NUL）が含まれています", "There is a character that cannot be kept (NUL)")
			r.bad = &bad
		}
		if r.bad == nil && len(rec.fields) > t.columns {
			bad := reject(rec.line, "", "", "見出しより列が多くあります（%d列、見出しは%d列）", "The row has more columns than the header (%d, the header %d)", len(rec.fields), t.columns)
			r.bad = &bad
		}
		if !r.empty() {
			return r, nil
		}
	}
}

// unstorable reports whether PostgreSQL's text cannot hold the cell.
func unstorable(cell string) bool { return strings.ContainsRune(cell, 0) || !utf8.ValidString(cell) }

// seen remembers the slugs and SKUs of a file by their hashes, eight bytes each.
type seen struct {
	seed  maphash.Seed
	lines map[uint64]int32
}

func newSeen() *seen { return &seen{maphash.MakeSeed(), map[uint64]int32{}} }

func (s *seen) before(kind, value string, line int) (int, bool) {
	key := maphash.String(s.seed, kind+"\x00"+value)
	first, there := s.lines[key]
	if !there {
		s.lines[key] = int32(min(line, 1<<31-1)) //nolint:gosec // bounded in the line above
	}
	return int(first), there
}

// check adds the rejections of what may stand in a file only once.
func (s *seen) check(p Product, line int) Product {
	if first, again := s.before("slug", p.Slug, line); again {
		p.Rejections = append(p.Rejections, reject(line, "", p.Slug, "同じ商品が%d行目にもあります。1つの商品の行は続けて書いてください", "The product stands in line %d too; its rows must follow each other", first))
		p.Draft = nil
	}
	if p.Draft == nil {
		return p
	}
	for _, v := range p.Draft.Variants {
		if first, again := s.before("sku", v.SKU, v.Line); again {
			p.Rejections = append(p.Rejections, reject(v.Line, "SKU", v.SKU, "SKUが%d行目と重複しています", "The SKU stands in line %d too", first))
			p.Draft = nil
			return p
		}
	}
	return p
}
