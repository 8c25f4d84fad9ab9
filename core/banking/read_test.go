package banking_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/japanese"

	"github.com/noren-commerce/noren/core/banking"
)

var jst = time.FixedZone("JST", 9*60*60)

const usual = "日付,お取引内容,お引出し金額,お預入れ額,残高\r\n" +
	"2026/11/24,振込 7KXQ9B4TMH ﾔﾏﾀﾞ ﾊﾅｺ,,\"2,640\",102640\r\n" +
	"2026年11月24日,ﾃｽｳﾘﾖｳ,330,,102310\r\n" +
	"R8.11.25,カ）フクフクペット,,￥７０００,109310\r\n" +
	"令和8年11月25日,ｽｽﾞｷ,,1e3,0\r\n" +
	"2026/13/01,ｽｽﾞｷ,,1000,0\r\n" +
	"081125,ｽｽﾞｷ ｲﾁﾛｳ,,1000,0\r\n" +
	"081125,ｽｽﾞｷ ｲﾁﾛｳ,,1000,0\r\n" +
	",合計,,13640,\r\n"

func TestStatementIsReadWhateverTheBankCallsThings(t *testing.T) {
	t.Parallel()
	sjis, err := japanese.ShiftJIS.NewEncoder().String(usual)
	require.NoError(t, err)
	for name, text := range map[string]string{"utf-8": usual, "with a byte order mark": "\ufeff" + usual, "cp932": sjis} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := banking.Read(strings.NewReader(text), banking.Usual, "JPY", jst)
			require.NoError(t, err)
			require.Len(t, f.Rows, 4)
			require.Equal(t, 1, f.Others)
			require.Equal(t, int64(2640), f.Rows[0].Minor)
			require.Equal(t, int64(7000), f.Rows[1].Minor)
			require.Equal(t, "2026-11-25", f.Rows[1].On.Format(time.DateOnly))
			require.Equal(t, "2026-11-25", f.Rows[2].On.Format(time.DateOnly), "the year of the era")
			require.NotEqual(t, f.Rows[2].Finger, f.Rows[3].Finger, "two equal deposits are two")
			require.Len(t, f.Errors, 3)
			require.Equal(t, []int{5, 6, 9}, []int{f.Errors[0].Line, f.Errors[1].Line, f.Errors[2].Line})
			require.Equal(t, []string{"お預入れ額", "日付", "日付"}, []string{f.Errors[0].Column, f.Errors[1].Column, f.Errors[2].Column})
			require.Equal(t, "1e3", f.Errors[0].Value)
		})
	}
}

func TestStatementIsReadByItsProfile(t *testing.T) {
	t.Parallel()
	p := banking.Profile{Code: "b", Skip: 1, Date: "1", Deposit: "3", Payer: "2"}
	require.NoError(t, p.Validate())
	f, err := banking.Read(strings.NewReader("口座 1234567\n20261124,ﾔﾏﾀﾞ,2640\n"), p, "JPY", jst)
	require.NoError(t, err)
	require.Len(t, f.Rows, 1)
	require.Equal(t, "ﾔﾏﾀﾞ", f.Rows[0].Payer)

	named := banking.Profile{Code: "n", Heading: true, Date: "When", Deposit: "How much", Payer: "Who"}
	f, err = banking.Read(strings.NewReader("who,when,how much\nX,2026-11-24,5\n"), named, "JPY", jst)
	require.NoError(t, err)
	require.Len(t, f.Rows, 1)

	p.Deposit = "amount"
	require.Error(t, p.Validate())
	require.Error(t, banking.Profile{Code: "こ"}.Validate())
}

// amounts are what came in, by the file's order.
func amounts(f *banking.File) (all []int64) {
	for _, r := range f.Rows {
		all = append(all, r.Minor)
	}
	return all
}

func TestWhatWentOutIsNoDeposit(t *testing.T) {
	t.Parallel()
	numbered := banking.Profile{Code: "z", Date: "3", Deposit: "5", Payer: "6", Direction: "4"}
	require.NoError(t, numbered.Validate())
	unflagged := numbered
	unflagged.Direction = ""
	named := banking.Profile{Code: "n", Heading: true, Deposit: "金額", Direction: "出入"}
	for name, c := range map[string]struct {
		text    string
		profile banking.Profile
		want    []int64
		others  int
		errors  []int
	}{
		"flags": {"日付,入払区分,取引金額,摘要\n2026/11/24,入,100,A\n2026/11/24,出,200,B\n2026/11/24,１,300,C\n2026/11/24,2,400,D\n" +
			"2026/11/24,入金（振込）,500,E\n2026/11/24,お支払い,600,F\n2026/11/24,01,700,G\n2026/11/24,?,800,H\n2026/11/24,,900,I\n2026/11/24,出金,-,J\n2026/11/24,入金,-5,K\n",
			banking.Usual, []int64{100, 300, 500, 700}, 4, []int{9, 10, 12}},
		"signs":                                    {"取引日,入出金(円),残高(円),入出金先内容\n20261124,100,100,A\n20261125,-30,70,B\n20261126,－１０,60,C\n", banking.Usual, []int64{100}, 2, nil},
		"one column":                               {"日付,取引金額,摘要\n2026/11/24,100,A\n2026/11/25,▲30,B\n2026/11/25,△1,C\n", banking.Usual, []int64{100}, 2, nil},
		"a correction is no withdrawal":            {"日付,入金額,摘要\n2026/11/24,-100,A\n", banking.Usual, nil, 0, []int{2}},
		"a column of deposits needs no flag":       {"日付,入出金区分,入金額,出金額,摘要\n2026/11/24,振込,100,,A\n", banking.Usual, []int64{100}, 0, nil},
		"a profile":                                {"日付,出入,金額,摘要\n2026/11/24,出,1,A\n2026/11/24,入,2,B\n", named, []int64{2}, 1, nil},
		"records":                                  {"1,x,081101,081130\n2,x,081124,1,2640,ﾔﾏﾀﾞ\n2,x,081124,2,330,ﾃｽｳﾘﾖｳ\n8,1,2640,1,330\n9,1\n", numbered, []int64{2640}, 4, nil},
		"records of two accounts":                  {"1,a\n8,0\n1,b\n2,x,081124,,7,A\n8,1\n9,2\n\x1a", unflagged, []int64{7}, 6, nil},
		"records without more":                     {"2,x,081124,1,7,A\n2,x,081124,1,8,A\n8,1\n", numbered, []int64{7, 8}, 1, nil},
		"records under headings":                   {"データ区分,日付,入払区分,取引金額,摘要\n1,,,,\n2,081124,1,7,A\n9,,,,\n", banking.Usual, []int64{7}, 2, nil},
		"numbered rows are none":                   {"1,x,081124,1,1,A\n2,x,081124,1,2,B\n3,x,081124,1,3,C\n8,x,081124,1,4,D\n9,x,081124,1,5,E\n", numbered, []int64{1, 2, 3, 4, 5}, 0, nil},
		"flags in the first column are no records": {"1,x,081124,,1,A\n2,x,081124,,2,B\n", banking.Profile{Date: "3", Deposit: "5", Payer: "6", Direction: "1"}, []int64{1}, 1, nil},
		"a flag at the end is no end":              {"入払区分,日付,取引金額,摘要\n2,081124,1,A\n1,081124,2,B\n", banking.Usual, []int64{2}, 1, nil},
	} {
		f, err := banking.Read(strings.NewReader(c.text), c.profile, "JPY", jst)
		require.NoError(t, err, name)
		require.Equal(t, c.want, amounts(f), name)
		require.Equal(t, c.others, f.Others, name)
		var lines []int
		for _, bad := range f.Errors {
			lines = append(lines, bad.Line)
		}
		require.Equal(t, c.errors, lines, name)
	}
	_, err := banking.Read(strings.NewReader("日付,取引金額,摘要\n2026/11/24,1,A\n"), banking.Profile{Heading: true, Direction: "入払"}, "JPY", jst)
	require.ErrorIs(t, err, banking.ErrColumns, "a column that is asked for and missing is not passed over")
	require.ErrorContains(t, banking.Profile{Code: "z", Date: "1", Deposit: "2", Payer: "3", Direction: "入払"}.Validate(), "direction")
}

func TestFilesThatAreNoStatements(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "headings alone": "日付,入金額,摘要\n", "other columns": "a,b,c\n1,2,3\n", "binary": "PK\x03\x04\x00\x00",
	} {
		_, err := banking.Read(strings.NewReader(text), banking.Usual, "JPY", jst)
		require.Error(t, err, name)
	}
	_, err := banking.Read(strings.NewReader(strings.Repeat("x", 9<<20)), banking.Usual, "JPY", jst)
	require.ErrorIs(t, err, banking.ErrTooLarge)
	_, err = banking.Read(strings.NewReader("日付,入金額,摘要\n"+strings.Repeat("2026/1/1,1,x\n", 20_001)), banking.Usual, "JPY", jst)
	require.ErrorIs(t, err, banking.ErrTooLarge)
}

func TestPayersAreTheSameHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"株式会社フクフクペット", "ｶ)ﾌｸﾌｸﾍﾟﾂﾄ", "カ）フクフクペット", "ふくふくぺっと（カ", "㈱フクフク ペット", "(株)フクフクペット"},
		{"ヤマダ ハナコ", "ﾔﾏﾀﾞ ﾊﾅｺ", "ﾔﾏﾀﾞﾊﾅｺ", "やまだ　はなこ"},
		{"有限会社どうぶつ屋", "ユ）ドウブツ屋"},
		{"キョー・ヲヅ", "ｷﾖｰ ｵｽﾞ"},
	} {
		for _, name := range same[1:] {
			require.Equal(t, banking.NameKey(same[0]), banking.NameKey(name), name)
		}
	}
	require.NotEqual(t, banking.NameKey("ヤマダ ハナコ"), banking.NameKey("ヤマダ タロウ"))
	require.Equal(t, "カネコ", banking.NameKey("カネコ"), "a name that begins like a form is a name")
	require.Contains(t, banking.References("振込 7KXQ9-B4TMH ﾔﾏﾀﾞ"), "7KXQ9B4TMH")
	require.Contains(t, banking.References("７ＫＸＱ９Ｂ４ＴＭＨYAMADA"), "7KXQ9B4TMH")
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(usual), true)
	sjis, _ := japanese.ShiftJIS.NewEncoder().String(usual)
	f.Add([]byte(sjis), true)
	f.Add([]byte("20261124,\"ﾔﾏ\"\"ﾀﾞ,2640\n\"\n"), false)
	f.Add([]byte("日付,入払区分,取引金額,摘要\n2026/1/1,2,5,x\n2026/1/1,1,-5,x\n"), true)
	f.Add([]byte(strings.Join([]string{noticeHeader(), notice(1, "081124", 5, "A", "0", ""), notice(1, "081124", 5, "A", "1", ""), noticeTrailer(1, 5, 1, 5), end}, "\n")), true)
	f.Add([]byte("1,x\n2,081124,7,x\n8,1\n9\n\x1a"), false)
	f.Add([]byte("日付,入金額,摘要\n2026/1/1,99999999999999999999,x\n元年,1,\x80\xff\n"), true)
	f.Fuzz(func(t *testing.T, raw []byte, heading bool) {
		p := banking.Usual
		if !heading {
			p = banking.Profile{Date: "1", Deposit: "3", Payer: "2"}
		}
		file, err := banking.Read(strings.NewReader(string(raw)), p, "JPY", jst)
		if err != nil {
			return
		}
		fingers := map[string]bool{}
		for _, r := range file.Rows {
			if r.Minor <= 0 || r.Line < 1 || !utf8.ValidString(r.Text) || strings.ContainsRune(r.Text, 0) || fingers[r.Finger] {
				t.Fatalf("%+v", r)
			}
			fingers[r.Finger] = true
		}
		for _, e := range file.Errors {
			if e.Line < 1 || !utf8.ValidString(e.Value) || !utf8.ValidString(e.Column) {
				t.Fatalf("%+v", e)
			}
		}
	})
}
