package banking

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
)

// shelf keeps what files bring, as a store does.
type shelf struct{ known []Known }

// upload reads a file and answers how many of its lines are new.
func (s *shelf) upload(t *testing.T, account string, rows ...string) int {
	t.Helper()
	file, err := Read(strings.NewReader(strings.Join(rows, "\n")), Usual, "JPY", time.FixedZone("JST", 9*60*60))
	require.NoError(t, err)
	require.Empty(t, file.Errors)
	lines := make([]Line, len(file.Rows))
	for i, r := range file.Rows {
		lines[i] = Line{ID: id.New(), On: r.On, AmountMinor: r.Minor, Text: r.Text, Account: account, Mark: r.Mark}
	}
	added, told := fresh(lines, file.Vague, s.known)
	for _, more := range told {
		for i := range s.known {
			if s.known[i].ID == more.ID {
				s.known[i].Account, s.known[i].Mark = more.Account, more.Mark
			}
		}
	}
	for _, l := range added {
		s.known = append(s.known, Known{l.ID, l.On, l.AmountMinor, l.Text, l.Account, l.Mark})
	}
	return len(added)
}

const (
	plain     = "日付,摘要,入金額"
	balanced  = "日付,摘要,入金額,残高"
	numbered  = "照会番号,日付,摘要,入金額"
	twin      = "2026/01/20,ﾔﾏﾀﾞ ﾊﾅｺ,2640"
	otherTwin = "2026/01/20,ﾔﾏﾀﾞ　ﾊﾅｺ,\"2,640\"" // as another file may write it
)

func TestOfLinesThatLookAlikeAFileAddsWhatItHasMore(t *testing.T) {
	t.Parallel()
	s := &shelf{}
	require.Equal(t, 2, s.upload(t, "", plain, twin, twin), "both of one file are real")
	require.Equal(t, 0, s.upload(t, "", plain, twin), "a later file has one of them")
	require.Equal(t, 1, s.upload(t, "", plain, twin, otherTwin, twin), "or one more")
	require.Equal(t, 0, s.upload(t, "", plain, twin, twin))
	require.Equal(t, 1, s.upload(t, "", plain, strings.Replace(twin, "20,", "21,", 1)), "another day is another transfer")
}

func TestABalanceTellsApartWhatLooksAlike(t *testing.T) {
	t.Parallel()
	s := &shelf{}
	require.Equal(t, 1, s.upload(t, "", balanced, twin+",12640"))
	require.Equal(t, 1, s.upload(t, "", balanced, twin+",15280"), "the afternoon's file has the afternoon's lines only")
	require.Equal(t, 0, s.upload(t, "", balanced, twin+",¥15280", twin+",12640"))
	require.Equal(t, 0, s.upload(t, "", plain, twin, twin), "a file without balances says nothing new")
	require.Equal(t, 1, s.upload(t, "", plain, twin, twin, twin))
	require.Equal(t, 0, s.upload(t, "", balanced, twin+",17920"), "which a balance told later belongs to")
	require.Equal(t, 1, s.upload(t, "", balanced, twin+",20560"), "so that the next is another")
}

func TestANumberTellsApartUnlessItCountsTheFilesRows(t *testing.T) {
	t.Parallel()
	s := &shelf{}
	require.Equal(t, 1, s.upload(t, "", numbered, "4,"+twin))
	require.Equal(t, 1, s.upload(t, "", numbered, "7,"+twin))
	require.Equal(t, 0, s.upload(t, "", numbered, "7,"+twin, "4,"+twin))
	require.Equal(t, 0, s.upload(t, "", numbered, "1,"+twin, "2,2026/01/21,ｻﾄｳ,0"), "1 and 2 are the rows of this file")
	require.Equal(t, 0, s.upload(t, "", numbered, "2,"+twin, "1,"+twin))

	day := &shelf{} // the bank numbers the day's lines: a file that goes on tells the truth
	require.Equal(t, 1, day.upload(t, "", numbered, "1,"+twin))
	require.Equal(t, 1, day.upload(t, "", numbered, "2,"+twin))
	require.Equal(t, 0, day.upload(t, "", numbered, "1,"+twin, "2,"+twin))
}

func TestAccountsHaveTransfersOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := &shelf{}
	require.Equal(t, 1, s.upload(t, "A", plain, twin))
	require.Equal(t, 1, s.upload(t, "B", plain, twin))
	require.Equal(t, 0, s.upload(t, "", plain, twin, twin), "whoever names no account may mean either")
	require.Equal(t, 1, s.upload(t, "A", plain, twin, twin))

	untold := &shelf{}
	require.Equal(t, 1, untold.upload(t, "", plain, twin))
	require.Equal(t, 0, untold.upload(t, "A", plain, twin), "a line of an earlier day may be the account's")
	require.Equal(t, 1, untold.upload(t, "B", plain, twin), "and then is no other's")
}
