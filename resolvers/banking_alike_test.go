package resolvers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

// new uploads a file and answers how many of its deposits no earlier file had brought.
func (d desk) new(t *testing.T, account string, rows ...string) int {
	t.Helper()
	var got struct{ UploadBankStatement bankUpload }
	d.Upload(t, `mutation($input: UploadBankStatementInput!) { uploadBankStatement(input: $input) {
		statement { id deposits known errors { line } } userErrors { code field message } } }`,
		in(apptest.Variables{"file": nil, "account": account}), "input.file", apptest.File{Name: "meisai.csv", ContentType: "text/csv", Content: []byte(strings.Join(rows, "\n"))}, d.headers...).Into(t, &got)
	require.Empty(t, got.UploadBankStatement.UserErrors)
	s := got.UploadBankStatement.Statement
	require.Empty(t, s.Errors)
	return s.Deposits - s.Known
}

func TestEqualDepositsOfOneDayAreEachCounted(t *testing.T) {
	t.Parallel()
	d := newDesk(t, apptest.Start(t))
	count := func() (n int) {
		require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM bank_lines`).Scan(&n))
		return n
	}
	const plain, balanced, twin = "日付,摘要,入金額", "日付,摘要,入金額,残高", "2026/01/20,ﾔﾏﾀﾞ ﾊﾅｺ,2640"
	require.Equal(t, 2, d.new(t, "", plain, twin, twin), "both of one file are real")
	require.Equal(t, 0, d.new(t, "", plain, twin))
	require.Equal(t, 1, d.new(t, "", plain, twin, twin, twin), "a later file adds what it has more")
	require.Equal(t, 0, d.new(t, "", plain, "2026/01/19,ｻﾄｳ,0", twin, twin), "and takes none away")
	require.Equal(t, 3, count())

	// Balances tell them apart: those of before are taken for the first that may be meant.
	require.Equal(t, 0, d.new(t, "", balanced, twin+",2640", twin+",5280", twin+",7920"))
	require.Equal(t, 1, d.new(t, "", balanced, twin+",10560"), "the afternoon's file has only the afternoon's")
	require.Equal(t, 0, d.new(t, "", balanced, twin+",10560", twin+",2640"))
	require.Equal(t, 4, count())

	// Accounts have transfers of their own.
	const other = "2026/01/21,ｻﾄｳ ｲﾁﾛｳ,1000"
	require.Equal(t, 1, d.new(t, "普通 1111111", plain, other))
	require.Equal(t, 1, d.new(t, "普通 2222222", plain, other), "the same file of another account is another")
	require.Equal(t, 0, d.new(t, "普通 2222222", plain, other, "2026/01/21,ｻﾄｳ,0"))

	var got struct{ UploadBankStatement bankUpload }
	d.Upload(t, `mutation($input: UploadBankStatementInput!) { uploadBankStatement(input: $input) { statement { id } userErrors { code field message } } }`,
		in(apptest.Variables{"file": nil, "account": strings.Repeat("あ", 101)}), "input.file", apptest.File{Name: "meisai.csv", ContentType: "text/csv", Content: []byte(plain + "\n" + other)}, d.headers...).Into(t, &got)
	require.Equal(t, "account", strings.Join(got.UploadBankStatement.UserErrors[0].Field, "."))
}

// What is cancelled in a 全銀 file leaves no gap behind, and its header says whose account it is.
func TestEqualDepositsOfFixedLengthFilesAreEachCounted(t *testing.T) {
	t.Parallel()
	d := newDesk(t, apptest.Start(t))
	header := func(account int) string {
		return fmt.Sprintf("%-200s", fmt.Sprintf("1010081124081124081124%s%-15s001%-15s1%07d", "0172", "WANKO", "HONTEN", account))
	}
	transfer := func(number int, flag string) string {
		return fmt.Sprintf("2%06d081124081124%010d0000000000%010d%-48s%-30s%s%-20s%52s", number, 2640, 0, "YAMADA HANAKO", "", flag, "", "")
	}
	sums := func(n, cancelled int) string {
		return fmt.Sprintf("%-200s", fmt.Sprintf("8%06d%012d%06d%012d", n, n*2640, cancelled, cancelled*2640))
	}
	end := fmt.Sprintf("%-200s", "9")
	require.Equal(t, 1, d.new(t, "", header(1), transfer(11, "0"), transfer(12, "0"), transfer(11, "1"), sums(2, 1), end))
	require.Equal(t, 0, d.new(t, "", header(1), transfer(12, "0"), sums(1, 0), end), "the one that stayed")
	require.Equal(t, 1, d.new(t, "", header(1), transfer(15, "0"), sums(1, 0), end), "a later file has only what is new")
	require.Equal(t, 0, d.new(t, "", header(1), transfer(12, "0"), transfer(15, "0"), sums(2, 0), end))
	require.Equal(t, 1, d.new(t, "", header(2), transfer(12, "0"), sums(1, 0), end), "the bank counts each account's")
}
