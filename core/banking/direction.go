package banking

import (
	"encoding/csv"
	"regexp"
	"slices"
	"strings"
)

// incoming reports whether the flag of a row (入払区分) says that money came in.
func incoming(flag string) bool {
	return slices.Contains([]string{"1", "入", "入金", "預入", "お預入れ", "受入", "受取", "in"}, foldFlag(flag))
}

// outgoing reports whether the flag of a row says that money went out. What says neither
// is nothing to guess at.
func outgoing(flag string) bool {
	return slices.Contains([]string{"2", "出", "出金", "支払", "支払い", "お支払い", "払", "払出", "払戻", "引出", "お引出し", "out"}, foldFlag(flag))
}

func foldFlag(flag string) string { return strings.TrimLeft(fold(flag), "0") }

// records are the kinds of the rows of a 全銀 file, in a line: 1 opens an account, 2 is
// what came in or went out, 8 closes the account, 9 the file. The opening may stand before
// the rows that are read. Numbered rows do not look like that, nor flags that alternate.
var records = regexp.MustCompile(`^(1?2*8(12*8)*9?|12+9)$`)

// hasKinds reports whether the first column of the rows is the kind of the record.
func hasKinds(text string, p Profile) bool {
	rows := csv.NewReader(strings.NewReader(text))
	rows.FieldsPerRecord, rows.LazyQuotes, rows.ReuseRecord = -1, true, true
	skip := p.Skip
	if p.Heading {
		skip++
	}
	var kinds strings.Builder
	for {
		fields, err := rows.Read()
		switch {
		case err != nil: // the end, or what the reading itself refuses
			return records.MatchString(kinds.String())
		case skip > 0:
			skip--
		case strings.Trim(fields[0], " \x1a") != "": // of which some files have one at their end
			kinds.WriteString(fields[0])
		}
	}
}

// envelope reports whether a row of the kind only opens or closes an account or the file.
func (r *reading) envelope(kind string) bool {
	return (r.layout.kinds || r.kinds && !r.layout.first()) && (kind == "1" || kind == "8" || kind == "9")
}
