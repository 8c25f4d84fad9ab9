package banking

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"
)

// Two transfers of one day, of one amount and from one payer look alike, and both are real.
// Banks give out the same transfer again in each file of its day. So of lines that look alike
// a file adds as many as it has more than are known, unless what the bank says beside them
// tells them apart: the balance after a line, or the number by which the bank knows it.

// The kinds of what tells lines apart. Those of one kind can be compared.
const (
	markBalance = "b"
	markNumber  = "n"
)

// mark is what tells a line from those that look alike; empty if nothing does. A balance is
// the account's own, so it comes first.
func mark(balance, number string) string {
	switch {
	case balance != "":
		return markBalance + balance
	case strings.Trim(number, "0") != "":
		return markNumber + number
	}
	return ""
}

// numbering are the bank's numbers of all rows of a file, by account.
type numbering map[string][]int

// add notes a row's number; one that is no number cannot be one that counts.
func (n numbering) add(account, number string) {
	value, err := strconv.Atoi(number)
	if err != nil {
		value = -1
	}
	n[account] = append(n[account], value)
}

// counts reports whether the numbers only count the rows of the file, or of each of its
// accounts, from 1: such a number is another one in the next file.
func (n numbering) counts() bool {
	var all []int
	each := true
	for _, numbers := range n {
		all, each = append(all, numbers...), each && fromOne(numbers)
	}
	return each || fromOne(all)
}

func fromOne(numbers []int) bool {
	sorted := slices.Sorted(slices.Values(numbers))
	for i, number := range sorted {
		if number != i+1 {
			return false
		}
	}
	return true
}

// likeness is what lines that look alike have in common.
type likeness struct {
	on    string
	minor int64
	text  string
}

func likenessOf(on time.Time, minor int64, text string) likeness {
	return likeness{on.Format(time.DateOnly), minor, strings.Join(strings.Fields(norm.NFKC.String(text)), " ")}
}

// Known is a line that an earlier file brought.
type Known struct {
	ID          uuid.UUID
	On          time.Time
	AmountMinor int64 `db:"amount"`
	Text        string
	Account     string // empty: not told
	Mark        string
}

// Told says by what a known line can be told from now on.
type Told struct {
	ID      uuid.UUID `json:"id"`
	Account string    `json:"account"`
	Mark    string    `json:"mark"`
}

// fresh are those of a file's lines that no earlier file brought. vague says that its numbers
// tell nothing. told are known lines of which the file says more than was known.
func fresh(lines []Line, vague bool, known []Known) (added []Line, told []Told) {
	pairing := pairing{lines: lines, known: known, vague: vague, of: make([]int, len(lines)), used: make([]bool, len(known)), groups: map[likeness][]int{}}
	for i, k := range known {
		key := likenessOf(k.On, k.AmountMinor, k.Text)
		pairing.groups[key] = append(pairing.groups[key], i)
	}
	for i := range pairing.of {
		pairing.of[i] = -1
	}
	pairing.pair(func(l Line, k Known) bool { return l.Mark != "" && l.Mark == k.Mark && mayShare(l, k) })
	pairing.pair(func(l Line, k Known) bool { return l.Account == k.Account && !pairing.apart(l, k) })
	pairing.pair(func(l Line, k Known) bool { return mayShare(l, k) && !pairing.apart(l, k) })
	for i, l := range lines {
		if pairing.of[i] < 0 {
			added = append(added, l)
			continue
		}
		k := known[pairing.of[i]]
		more := Told{ID: k.ID, Account: k.Account, Mark: k.Mark}
		if k.Account == "" {
			more.Account = l.Account
		}
		if k.Mark == "" && !pairing.unsure(l) {
			more.Mark = l.Mark
		}
		if more.Account != k.Account || more.Mark != k.Mark {
			told = append(told, more)
		}
	}
	return added, told
}

// mayShare reports whether both may be of one account.
func mayShare(l Line, k Known) bool {
	return l.Account == k.Account || l.Account == "" || k.Account == ""
}

// pairing finds for each line of a file the known line that it is.
type pairing struct {
	lines  []Line
	known  []Known
	vague  bool
	of     []int // by line; -1 for none
	used   []bool
	groups map[likeness][]int
}

// pair pairs what is left and same allows: first the lines that can be told apart, as these
// have the less choice.
func (p *pairing) pair(same func(Line, Known) bool) {
	for _, marked := range []bool{true, false} {
		for i, l := range p.lines {
			if p.of[i] >= 0 || (l.Mark != "") != marked {
				continue
			}
			for _, j := range p.groups[likenessOf(l.On, l.AmountMinor, l.Text)] {
				if !p.used[j] && same(l, p.known[j]) {
					p.of[i], p.used[j] = j, true
					break
				}
			}
		}
	}
}

// apart reports whether the bank's words tell the line from the known one.
func (p *pairing) apart(l Line, k Known) bool {
	return l.Mark != "" && k.Mark != "" && !p.unsure(l) && l.Mark[0] == k.Mark[0] && l.Mark != k.Mark
}

// unsure reports whether the line's mark tells nothing beyond its file.
func (p *pairing) unsure(l Line) bool { return p.vague && strings.HasPrefix(l.Mark, markNumber) }
