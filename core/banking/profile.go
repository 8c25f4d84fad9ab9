// Package banking brings the money that arrived at the shop's bank account to what it
// pays (入金消込): statements of the bank are read, their lines are matched with orders
// and companies, and what cannot be is a work list for people.
package banking

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
)

// Profile says in which columns a bank's CSV has what. A column is its heading, or its
// number from 1 where the file has no headings.
type Profile struct {
	Code    string
	Name    string
	Heading bool   // the file has a row of headings
	Skip    int    // rows before the headings, or before the first line
	Date    string // 取引日
	Deposit string // 入金額, or of a file with a Direction what came in or went out
	Payer   string // 振込依頼人
	Text    string // 摘要; empty: the payer's column
	// Direction is whether money came in (1, 入, 入金) or went out (2, 出, 出金, 支払), where
	// one column has the amounts of both (入払区分); empty: the usual heading, or none.
	Direction string
	// Balance is what was on the account after the row (残高), and Number by what the bank
	// knows it (照会番号): they tell apart what looks alike. Empty: the usual heading, or none.
	Balance string
	Number  string
}

// Usual is the profile for whoever names none: headings as Japanese banks call them.
var Usual = Profile{Heading: true}

// usual are the headings of each column, as banks call them, after folding.
var usual = map[string][]string{
	"date":      {"取引日", "日付", "年月日", "お取引日", "入出金日", "勘定日", "起算日", "集金日", "回収日", "配達完了日", "date"},
	"deposit":   {"入金額", "入金金額", "お預入金額", "お預り金額", "預り金額", "入金", "お預入れ額", "取引金額", "代引金額", "集金額", "回収金額", "お取引金額", "入出金額", "入出金金額", "入出金", "deposit"},
	"payer":     {"振込依頼人", "振込依頼人名", "依頼人名", "お取引内容", "入出金先内容", "摘要内容", "摘要", "内容", "注文番号", "お客様管理番号", "伝票番号", "送り状番号", "payer"},
	"text":      {"ediinfo", "edi情報", "備考", "メモ", "reference"},
	"direction": {"入払区分", "入出金区分", "入出区分", "受払区分", "出入金区分", "入金出金区分", "direction"},
	"balance":   {"残高", "差引残高", "取引後残高", "お取引後残高", "預金残高", "残高金額", "balance"},
	"number":    {"照会番号", "取引番号", "お取引番号", "取引id", "transactionid"},
}

// shared are the headings of amounts that came in or went out.
var shared = []string{"取引金額", "お取引金額", "入出金額", "入出金金額", "入出金"}

// recordKind are the headings of the kind of a record, as 全銀 files have it.
var recordKind = []string{"データ区分", "レコード区分", "データ種別"}

var (
	profileCode = regexp.MustCompile(`^[0-9A-Za-z_-]{1,40}$`)
	errCode     = fault.Invalid(fault.CodeInvalid, "コードは半角英数字・ハイフン・アンダースコアの40文字以内で入力してください", "A code is up to 40 letters, digits, hyphens and underscores")
	errColumn   = fault.Invalid(fault.CodeInvalid, "見出しのないファイルでは列を1からの番号で指定してください", "Where a file has no headings, a column is its number from 1")
	errSkip     = fault.Invalid(fault.CodeInvalid, "読み飛ばす行数は0〜50で指定してください", "0 to 50 rows are skipped")
)

// Validate checks a profile that staff keep.
func (p Profile) Validate() error {
	all := []error{i18n.CheckString("name", p.Name, 100)}
	if !profileCode.MatchString(p.Code) {
		all = append(all, errCode.At("code"))
	}
	if p.Skip < 0 || p.Skip > 50 {
		all = append(all, errSkip.At("skip"))
	}
	for _, c := range []struct {
		field, column string
		must          bool
	}{{"date", p.Date, true}, {"deposit", p.Deposit, true}, {"payer", p.Payer, true}, {"text", p.Text, false}, {"direction", p.Direction, false}, {"balance", p.Balance, false}, {"number", p.Number, false}} {
		all = append(all, i18n.CheckString(c.field, c.column, 100))
		switch {
		case c.column == "" && c.must && !p.Heading:
			all = append(all, fault.ErrRequired.At(c.field))
		case c.column != "" && !p.Heading && number(c.column) == 0:
			all = append(all, errColumn.At(c.field))
		}
	}
	return errors.Join(all...)
}

// number is the column's number from 1; 0 if it is a heading.
func number(column string) int {
	n := 0
	for _, r := range column {
		if r < '0' || r > '9' || n > 100 {
			return 0
		}
		n = n*10 + int(r-'0')
	}
	return n
}

// layout is where a file has its columns, from 0; -1 for none.
type layout struct {
	date, deposit, payer, text, direction, balance, number int

	shared bool // amounts below 0 went out
	kinds  bool // the first column is the kind of the record, if it is headed so
}

// first reports whether one of the columns that are read is the first.
func (l layout) first() bool {
	return slices.Contains([]int{l.date, l.deposit, l.payer, l.text, l.direction, l.balance, l.number}, 0)
}

// layout finds the profile's columns by the headings. missing names what is not there.
func (p Profile) layout(headings []string) (l layout, missing string) {
	find := func(field, column string) int { return p.find(headings, field, column) }
	l = layout{date: find("date", p.Date), deposit: find("deposit", p.Deposit), payer: find("payer", p.Payer), text: find("text", p.Text), direction: find("direction", p.Direction), balance: find("balance", p.Balance), number: find("number", p.Number)}
	headed := func(i int, names []string) bool {
		return i >= 0 && i < len(headings) && slices.Contains(names, fold(headings[i]))
	}
	both := headed(l.deposit, shared)
	if p.Direction == "" && !both && headed(l.deposit, usual["deposit"]) { // deposits alone: nothing to ask
		l.direction = -1
	}
	l.shared, l.kinds = both && l.direction < 0, headed(0, recordKind)
	if p.Direction != "" && l.direction < 0 { // else what went out would be taken for deposits
		return l, p.Direction
	}
	for _, c := range []struct {
		at   int
		name string
	}{{l.date, "取引日"}, {l.deposit, "入金額"}, {l.payer, "摘要"}} {
		if c.at < 0 {
			return l, c.name
		}
	}
	return l, ""
}

// find is where the field's column is: as the profile says, else by the usual headings.
func (p Profile) find(headings []string, field, column string) int {
	if !p.Heading {
		return number(column) - 1
	}
	wanted := usual[field]
	if column != "" {
		wanted = []string{fold(column)}
	}
	for _, name := range wanted {
		if i := slices.IndexFunc(headings, func(heading string) bool { return fold(heading) == name }); i >= 0 {
			return i
		}
	}
	return -1
}

// fold brings a heading into one form: widths, spaces, and what stands in brackets.
func fold(heading string) string {
	heading = strings.ToLower(norm.NFKC.String(strings.TrimPrefix(heading, "\ufeff")))
	if i := strings.IndexByte(heading, '('); i > 0 {
		heading = heading[:i]
	}
	return strings.Join(strings.Fields(heading), "")
}
