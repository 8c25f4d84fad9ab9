package banking_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/japanese"

	"github.com/noren-commerce/noren/core/banking"
)

// record is fields of fixed width, one behind the other, and blanks up to the length.
func record(length int, fields ...any) string {
	var all strings.Builder
	for i := 0; i < len(fields); i += 2 {
		width := fields[i].(int)
		switch value := fields[i+1].(type) {
		case int:
			fmt.Fprintf(&all, "%0*d", width, value)
		case string:
			all.WriteString(value + strings.Repeat(" ", width-len([]rune(value))))
		}
	}
	return all.String() + strings.Repeat(" ", length-len([]rune(all.String())))
}

func noticeHeader() string {
	return record(200, 1, "1", 2, "01", 1, "0", 6, "081125", 6, "081124", 6, "081124", 4, "0172", 15, "ﾜﾝｺｷﾞﾝｺｳ", 3, "001", 15, "ﾎﾝﾃﾝ", 1, "1", 7, 1234567, 40, "ｶ)ﾜﾝｺ")
}

func notice(number int, day string, amount any, payer, cancelled, edi string) string {
	return record(200, 1, "2", 6, number, 6, day, 6, day, 10, amount, 10, 0, 10, 0, 48, payer, 15, "ﾀｶﾞｲｷﾞﾝｺｳ", 15, "ｼﾃﾝ", 1, cancelled, 20, edi)
}

func noticeTrailer(n, sum, cancelled, cancelledSum int) string {
	return record(200, 1, "8", 6, n, 12, sum, 6, cancelled, 12, cancelledSum)
}

func statementHeader() string {
	return record(200, 1, "1", 2, "03", 1, "0", 6, "081125", 6, "081124", 6, "081124", 4, "0172", 15, "ﾜﾝｺｷﾞﾝｺｳ", 3, "001", 15, "ﾎﾝﾃﾝ", 3, "000", 1, "1", 10, 1234567, 40, "ｶ)ﾜﾝｺ", 1, "1", 1, "1", 14, 100000)
}

func entry(number int, flag string, amount int, payer, remark, edi string) string {
	return record(200, 1, "2", 8, number, 6, "081124", 6, "081124", 1, flag, 2, "11", 12, amount, 12, 0, 6, 0, 6, 0, 1, "0", 7, 0, 3, 0, 10, 0, 48, payer, 15, "ﾀｶﾞｲｷﾞﾝｺｳ", 15, "ｼﾃﾝ", 20, remark, 20, edi)
}

func statementTrailer(n, sum, out, outSum int) string {
	return record(200, 1, "8", 6, n, 13, sum, 6, out, 13, outSum, 1, "1", 14, 100000, 7, n+out)
}

var end = record(200, 1, "9")

func readFixed(t *testing.T, text string) (*banking.File, error) {
	t.Helper()
	return banking.Read(strings.NewReader(text), banking.Usual, "JPY", jst)
}

func TestFixedLengthFilesAreReadHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	for kind, records := range map[string][]string{
		"notice": {noticeHeader(), notice(1, "081124", 2640, "ﾔﾏﾀﾞ ﾊﾅｺ", "0", "7KXQ9B4TMH"), notice(2, "081124", 7000, "ｶ)ﾌｸﾌｸﾍﾟﾂﾄ", "", ""),
			noticeTrailer(2, 9640, 0, 0), end},
		"statement": {statementHeader(), entry(1, "1", 2640, "ﾔﾏﾀﾞ ﾊﾅｺ", "ﾌﾘｺﾐ", "7KXQ9B4TMH"), entry(2, "2", 330, "", "ﾃｽｳﾘﾖｳ", ""), entry(3, "1", 7000, "ｶ)ﾌｸﾌｸﾍﾟﾂﾄ", "", ""),
			statementTrailer(2, 9640, 1, 330), end},
	} {
		sjis, err := japanese.ShiftJIS.NewEncoder().String(strings.Join(records, "\r\n") + "\r\n\x1a")
		require.NoError(t, err)
		for name, text := range map[string]string{
			"cp932": sjis, "without line ends": strings.ReplaceAll(sjis, "\r\n", ""), "utf-8": strings.Join(records, "\n"), "with a byte order mark": "\ufeff" + strings.Join(records, ""),
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				f, err := readFixed(t, text)
				require.NoError(t, err)
				require.Empty(t, f.Errors)
				require.Equal(t, []int64{2640, 7000}, amounts(f))
				require.Equal(t, []string{"ﾔﾏﾀﾞ ﾊﾅｺ", "2026-11-24"}, []string{f.Rows[0].Payer, f.Rows[0].On.Format(time.DateOnly)})
				require.Contains(t, banking.References(f.Rows[0].Text), "7KXQ9B4TMH", "the order's number")
				require.Equal(t, len(records)-2, f.Others)
			})
		}
	}
}

func TestBrokenRecordsAreSaidAndTheOthersCount(t *testing.T) {
	t.Parallel()
	good := notice(1, "081124", 100, "A", "0", "")
	for name, c := range map[string]struct {
		records []string
		want    []int64
		errors  []string // line and field
	}{
		"amount":                     {[]string{noticeHeader(), good, notice(2, "081124", "12X", "B", "0", ""), noticeTrailer(2, 212, 0, 0), end}, []int64{100}, []string{"3 金額"}},
		"no amount":                  {[]string{noticeHeader(), notice(2, "081124", 0, "B", "0", ""), noticeTrailer(1, 0, 0, 0), end}, nil, []string{"2 金額"}},
		"day":                        {[]string{noticeHeader(), notice(2, "081324", 5, "B", "0", ""), noticeTrailer(1, 5, 0, 0), end}, nil, []string{"2 勘定日"}},
		"flag":                       {[]string{noticeHeader(), notice(2, "081124", 5, "B", "7", ""), noticeTrailer(1, 5, 0, 0), end}, nil, []string{"2 取消区分"}},
		"flag of a statement":        {[]string{statementHeader(), entry(1, "", 5, "B", "", ""), statementTrailer(1, 5, 0, 0), end}, nil, []string{"2 入払区分"}},
		"length":                     {[]string{noticeHeader(), good[:150], good, noticeTrailer(2, 200, 0, 0), end}, []int64{100}, []string{"2 "}},
		"type":                       {[]string{noticeHeader(), good, record(200, 1, "5"), noticeTrailer(1, 100, 0, 0), end}, []int64{100}, []string{"3 データ区分"}},
		"count":                      {[]string{noticeHeader(), good, noticeTrailer(2, 100, 0, 0), end}, []int64{100}, []string{"3 振込合計件数"}},
		"sum":                        {[]string{noticeHeader(), good, noticeTrailer(1, 101, 0, 0), end}, []int64{100}, []string{"3 振込合計金額"}},
		"sum of a statement":         {[]string{statementHeader(), entry(1, "1", 5, "B", "", ""), entry(2, "2", 6, "", "", ""), statementTrailer(1, 5, 1, 7), end}, []int64{5}, []string{"4 出金額合計"}},
		"cut off":                    {[]string{noticeHeader(), good}, []int64{100}, []string{"2 "}},
		"two accounts":               {[]string{noticeHeader(), good, noticeTrailer(1, 100, 0, 0), statementHeader(), entry(1, "1", 5, "B", "", ""), statementTrailer(1, 5, 0, 0), end}, []int64{100, 5}, nil},
		"an account that is not end": {[]string{noticeHeader(), good, noticeHeader(), noticeTrailer(0, 0, 0, 0), end}, []int64{100}, []string{"3 "}},
		"outside of an account":      {[]string{noticeHeader(), good, noticeTrailer(1, 100, 0, 0), good, end}, []int64{100}, []string{"4 "}},
		"cancelled here":             {[]string{noticeHeader(), good, notice(2, "081124", 7, "B", "0", ""), notice(1, "081124", 100, "A", "1", ""), noticeTrailer(2, 107, 1, 100), end}, []int64{7}, nil},
		"cancelled from before":      {[]string{noticeHeader(), notice(9, "081124", 100, "A", "1", ""), noticeTrailer(0, 0, 1, 100), end}, nil, []string{"2 取消区分"}},
	} {
		f, err := readFixed(t, strings.Join(c.records, "\n"))
		require.NoError(t, err, name)
		require.Equal(t, c.want, amounts(f), name)
		var errors []string
		for _, e := range f.Errors {
			errors = append(errors, fmt.Sprintf("%d %s", e.Line, e.Column))
			require.NotEmpty(t, e.Reason["ja"], name)
			require.NotEmpty(t, e.Reason["en"], name)
		}
		require.Equal(t, c.errors, errors, name)
	}
}

func TestFixedLengthFilesOfOtherKindsAreRefused(t *testing.T) {
	t.Parallel()
	orders := record(120, 1, "1", 2, "21", 1, "0", 10, 1234567890, 40, "ｶ)ﾜﾝｺ")
	for name, text := range map[string]string{
		"transfers to order": orders + "\r\n" + record(120, 1, "9"), "without line ends": orders + record(120, 1, "9"),
		"a kind nobody knows": record(200, 1, "1", 2, "77", 1, "0", 6, "081125"),
	} {
		_, err := readFixed(t, text)
		require.ErrorIs(t, err, banking.ErrZengin, name)
	}
	_, err := readFixed(t, noticeHeader()+strings.Repeat("\n"+notice(1, "081124", 1, "A", "0", ""), 20_001))
	require.ErrorIs(t, err, banking.ErrTooLarge)
}
