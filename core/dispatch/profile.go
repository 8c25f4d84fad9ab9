// Package dispatch tells carriers and warehouses which shipments to send (出荷指示データ)
// and takes in what became of them (出荷実績データ).
package dispatch

import (
	"embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Profile is a table of columns in the style of a carrier's software. Another carrier is
// another table, not other code.
type Profile struct {
	Code    string
	Name    string
	Columns []Column
}

// Headings are the first row of its files.
func (p Profile) Headings() []string {
	all := make([]string, len(p.Columns))
	for i, c := range p.Columns {
		all[i] = c.Heading
	}
	return all
}

// Column is one column of a profile.
type Column struct {
	Heading string
	Fills   string            // which text stands in it; =x: always x; empty: nothing
	Width   int               // how many bytes of CP932 it holds: 2 for a full-width character
	Codes   map[string]string // how the carrier writes a value; nil: as it is
	Layout  string            // of a day
}

//go:embed profiles
var tables embed.FS

// names are the profiles that there are, by code.
var names = []struct{ code, name string }{
	{"yamato-b2", "ヤマト運輸 B2クラウド"},
	{"sagawa-ehiden", "佐川急便 e飛伝Ⅲ"},
}

// Profiles reads the tables.
func Profiles() ([]Profile, error) {
	all := make([]Profile, len(names))
	for i, n := range names {
		columns, err := columnsOf(n.code)
		if err != nil {
			return nil, fmt.Errorf("table of %s: %w", n.code, err)
		}
		all[i] = Profile{n.code, n.name, columns}
	}
	return all, nil
}

func columnsOf(code string) ([]Column, error) {
	file, err := tables.Open("profiles/" + code + ".csv")
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, err
	}
	var all []Column
	for _, row := range rows[1:] {
		c := Column{Heading: row[0], Fills: row[1]}
		if c.Width, err = strconv.Atoi(row[2]); err != nil {
			return nil, fmt.Errorf("width of %s: %w", c.Heading, err)
		}
		if layout, day := strings.CutPrefix(row[3], "@"); day {
			c.Layout = layout
		} else if row[3] != "" {
			c.Codes = map[string]string{}
			for _, pair := range strings.Split(row[3], ";") {
				ours, theirs, _ := strings.Cut(pair, "=")
				c.Codes[ours] = theirs
			}
		}
		all = append(all, c)
	}
	return all, nil
}

// find is the profile with the code; nil if there is none.
func find(all []Profile, code string) *Profile {
	i := slices.IndexFunc(all, func(p Profile) bool { return p.Code == code })
	if i < 0 {
		return nil
	}
	return &all[i]
}
