package purchase

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"strconv"

	"github.com/noren-commerce/noren/core/money"
)

// contentSize is how many bytes of the digest are kept.
const contentSize = 16

// Content is a digest of what a till says of a receipt: the card, and codes, pieces and
// amounts in whatever order. Names and times are not in it: tills write them anew. The
// store makes the same of receipts that it kept without one.
func (t Taken) Content() []byte {
	text := make([]byte, 0, 32*(1+len(t.Lines)))
	text = append(text, t.CardNumber...)
	for _, l := range sorted(t.Lines) {
		text = append(append(text, '\n'), l.Code...)
		text = strconv.AppendInt(append(text, '\t'), int64(l.Quantity), 10)
		text = strconv.AppendInt(append(text, '\t'), l.AmountMinor, 10)
	}
	sum := sha256.Sum256(text)
	return sum[:contentSize]
}

// sorted are the lines in one order, however a till wrote them.
func sorted(lines []Line) []Line {
	if len(lines) < 2 {
		return lines
	}
	lines = slices.Clone(lines)
	slices.SortFunc(lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Quantity, b.Quantity), cmp.Compare(a.AmountMinor, b.AmountMinor))
	})
	return lines
}

// Difference is a code of which two contents of a receipt do not say the same.
type Difference struct {
	Code     string
	Name     string
	Was      int // pieces
	Came     int
	was      int64
	came     int64
	currency money.Currency
}

// WasAmount is what the code's lines came to before.
func (d Difference) WasAmount() money.Money { return money.Of(d.was, d.currency) }

// CameAmount is what they come to now.
func (d Difference) CameAmount() money.Money { return money.Of(d.came, d.currency) }

// Differences are the codes of which the lines do not say the same, in their order.
func Differences(was, came []Line) []Difference {
	var all []Difference
	at := map[string]int{}
	of := func(l Line) *Difference {
		i, seen := at[l.Code]
		if !seen {
			i, at[l.Code] = len(all), len(all)
			all = append(all, Difference{Code: l.Code, Name: l.Name, currency: l.Currency})
		}
		return &all[i]
	}
	for _, l := range was {
		d := of(l)
		d.Was, d.was = d.Was+l.Quantity, d.was+l.AmountMinor
	}
	for _, l := range came {
		d := of(l)
		d.Came, d.came = d.Came+l.Quantity, d.came+l.AmountMinor
	}
	return slices.DeleteFunc(all, func(d Difference) bool { return d.Was == d.Came && d.was == d.came })
}
