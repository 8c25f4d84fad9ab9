package banking

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/ledger"
)

// Files of fixed length, as the banks' association (全銀協) lays them out: records of 200
// bytes, with line ends or without. 1 opens an account, 2 is what moved, 8 sums the account
// up, 9 ends the file.
const (
	zenginLength = 200
	zenginOrders = 120 // of files that order transfers or collect by direct debit
)

// The kinds of files that say what came in (種別コード).
const (
	zenginNotice    = "01" // 振込入金通知
	zenginStatement = "03" // 入出金取引明細
)

// ErrZengin says that a file of fixed length is of another kind.
var ErrZengin = fault.Invalid("FILE_UNREADABLE", "この全銀ファイル（種別%s）は入金の明細ではありません。振込入金通知（01）か入出金取引明細（03）を指定してください",
	"This 全銀 file (kind %s) does not say what came in: send 振込入金通知 (01) or 入出金取引明細 (03)")

// field is where a field stands in a record.
type field struct {
	name     string
	from, to int
}

// The fields of what moved, by the kind of the file.
var (
	noticeFields = zenginFields{
		number: field{"照会番号", 1, 7}, date: field{"勘定日", 7, 13}, amount: field{"金額", 19, 29}, payer: field{"振込依頼人名", 49, 97},
		flag: field{"取消区分", 127, 128}, texts: []field{{"EDI情報", 128, 148}},
	}
	statementFields = zenginFields{
		number: field{"照会番号", 1, 9}, date: field{"勘定日", 9, 15}, amount: field{"取引金額", 24, 36}, payer: field{"振込依頼人名", 81, 129},
		flag: field{"入払区分", 21, 22}, texts: []field{{"摘要内容", 159, 179}, {"EDI情報", 179, 199}},
	}
	// What an account comes to: what came in, and what was cancelled or went out.
	noticeSums    = [4]field{{"振込合計件数", 1, 7}, {"振込合計金額", 7, 19}, {"取消合計件数", 19, 25}, {"取消合計金額", 25, 37}}
	statementSums = [4]field{{"入金件数", 1, 7}, {"入金額合計", 7, 20}, {"出金件数", 20, 26}, {"出金額合計", 26, 39}}
)

type zenginFields struct {
	number, date, amount, payer, flag field
	texts                             []field
}

// opening is how the first record of such a file begins: its type, kind, code and the day
// or the customer, without a separator.
var opening = regexp.MustCompile(`^1[0-9]{3}[0-9]{6}`)

// zenginRecords are the records of a file of fixed length; nil for any other file.
func zenginRecords(raw []byte) [][]byte {
	raw = bytes.TrimRight(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), "\r\n\x1a")
	if !opening.Match(raw) {
		return nil
	}
	records := cutRecords(raw)
	if plain, err := japanese.ShiftJIS.NewEncoder().Bytes(raw); err == nil && utf8.Valid(raw) { // somebody may have saved it as UTF-8
		if other := cutRecords(plain); whole(other) > whole(records) {
			return other
		}
	}
	return records
}

// whole is how many of the records have their length and a type.
func whole(records [][]byte) (n int) {
	for _, record := range records {
		if len(record) == len(records[0]) && begins(record) {
			n++
		}
	}
	return n
}

// cutRecords cuts at the ends of lines, or where there are none by the length; nil unless
// the first record has one of the lengths.
func cutRecords(raw []byte) (records [][]byte) {
	if bytes.IndexByte(raw, '\n') < 0 {
		length := zenginLength
		if len(raw) > zenginOrders && begins(raw[zenginOrders:]) && (len(raw) <= zenginLength || !begins(raw[zenginLength:])) {
			length = zenginOrders
		}
		for ; len(raw) > length; raw = raw[length:] {
			records = append(records, raw[:length])
		}
		records = append(records, raw)
	} else {
		for line := range bytes.SplitSeq(raw, []byte("\n")) {
			records = append(records, bytes.TrimRight(line, "\r"))
		}
	}
	if n := len(records[0]); n != zenginLength && n != zenginOrders {
		return nil
	}
	return records
}

// begins reports whether a record may begin so.
func begins(record []byte) bool {
	return len(record) > 0 && bytes.IndexByte([]byte("1289"), record[0]) >= 0
}

// zengin reads a file of fixed length.
type zengin struct {
	*reading
	line    int
	kind    string // of the open account; empty while none is
	account string // bank, branch and number of it
	refused int    // rows of the account that could not be read
	sums    [4]int64
	numbers map[string]int // the account's deposits, by the bank's number
}

// fixed reads the records. What does not hold is an error of its record.
func (r *reading) fixed(records [][]byte) error {
	if len(records) > maxRows {
		return ErrTooLarge.At("file")
	}
	z := &zengin{reading: r}
	for i, record := range records {
		z.line = i + 1
		if len(record) == 0 {
			continue
		}
		if len(record) != zenginLength && i > 0 {
			z.refuse(field{}, string(record), fmt.Sprintf("レコードが%dバイトです（%dバイトのはずです）", len(record), zenginLength), fmt.Sprintf("The record has %d bytes instead of %d", len(record), zenginLength))
			continue
		}
		if err := z.record(record); err != nil {
			return err
		}
	}
	if z.kind != "" {
		z.refuse(field{}, "", "トレーラレコードがありません。ファイルが途中で切れている可能性があります", "The record with the sums is missing: the file may be cut off")
	}
	return nil
}

func (z *zengin) record(record []byte) error {
	switch kind := record[0]; {
	case kind == '1':
		if z.kind != "" {
			z.refuse(field{}, "", "トレーラレコードがないまま次の口座が始まっています", "The next account begins before the sums of this one")
		}
		z.kind, z.refused, z.sums, z.numbers = string(record[1:3]), 0, [4]int64{}, map[string]int{}
		if z.kind != zenginNotice && z.kind != zenginStatement || len(record) != zenginLength {
			return ErrZengin.With(z.kind).At("file")
		}
		z.account = accountOf(record, z.kind)
		z.file.Others++
	case kind == '9' && z.kind == "":
		z.file.Others++
	case z.kind == "":
		z.refuse(field{}, string(record[:1]), "ヘッダレコードがありません", "No account is open")
	case kind == '2':
		z.moved(record)
	case kind == '8':
		z.file.Others++
		z.compare(record)
		z.kind = ""
	default:
		z.refuse(field{"データ区分", 0, 1}, string(record[:1]), "データ区分が正しくありません", "There is no such type of record")
	}
	return nil
}

// moved takes a record of what moved: a deposit, an error, or something else.
func (z *zengin) moved(record []byte) {
	fields := statementFields
	if z.kind == zenginNotice {
		fields = noticeFields
	}
	number := text(record, fields.number)
	z.reading.numbers.add(z.account, number)
	amount, ok := digits(record, fields.amount)
	if !ok || amount == 0 {
		z.refuse(fields.amount, text(record, fields.amount), "金額が読み取れません", "The amount cannot be read")
		return
	}
	came, ok := z.came(text(record, fields.flag))
	if !ok {
		z.refuse(fields.flag, text(record, fields.flag), fields.flag.name+"が読み取れません", "Whether it came in cannot be read")
		return
	}
	if !came {
		z.sums[2], z.sums[3] = z.sums[2]+1, z.sums[3]+amount
		z.away(record, fields)
		return
	}
	on, ok := parseDay(text(record, fields.date), z.zone)
	if !ok {
		z.refuse(fields.date, text(record, fields.date), "日付が読み取れません", "The date cannot be read")
		return
	}
	payer := text(record, fields.payer)
	words := []string{payer}
	for _, f := range fields.texts {
		words = append(words, text(record, f))
	}
	all := strings.Join(strings.Fields(strings.Join(words, " ")), " ")
	if strings.ContainsRune(all, utf8.RuneError) {
		z.refuse(fields.payer, payer, "文字コードが正しくありません", "The characters cannot be read")
		return
	}
	z.sums[0], z.sums[1] = z.sums[0]+1, z.sums[1]+amount
	z.numbers[number+"/"+strconv.FormatInt(amount, 10)] = len(z.file.Rows)
	z.file.Rows = append(z.file.Rows, Row{Line: z.line, On: on, Minor: amount, Payer: payer, Text: all, Finger: z.finger(on, amount, all), Account: z.account, Mark: mark("", number)})
}

// accountOf is the account that a first record opens: bank, branch and number, of which a
// statement has three digits more than a notice. Empty where it does not say.
func accountOf(record []byte, kind string) string {
	number := field{"口座番号", 60, 67}
	if kind == zenginStatement {
		number.from, number.to = 63, 73
	}
	account := strings.TrimLeft(text(record, number), "0")
	if account == "" {
		return ""
	}
	return text(record, field{"銀行コード", 22, 26}) + "-" + text(record, field{"支店コード", 41, 44}) + "-" + account
}

// came reports whether a record's money came in, by its flag.
func (z *zengin) came(flag string) (came, ok bool) {
	if z.kind == zenginNotice {
		return flag != "1", flag == "" || flag == "0" || flag == "1"
	}
	return flag == "1", flag == "1" || flag == "2"
}

// away is what went out; of a notice a transfer that is cancelled. A deposit of this file
// that it cancels is none; one that an earlier file brought is for people to look at.
func (z *zengin) away(record []byte, fields zenginFields) {
	if z.kind != zenginNotice {
		z.file.Others++
		return
	}
	key := text(record, fields.number) + "/" + strings.TrimLeft(text(record, fields.amount), "0")
	i, known := z.numbers[key]
	if !known {
		z.report(fields.flag, text(record, fields.payer), "以前の入金の取消です。該当する入金を確認してください", "This cancels an earlier transfer: look at that deposit")
		return
	}
	delete(z.numbers, key)
	for other, at := range z.numbers {
		if at > i {
			z.numbers[other] = at - 1
		}
	}
	z.file.Rows = append(z.file.Rows[:i], z.file.Rows[i+1:]...)
	z.file.Others += 2
}

// compare holds what was read of an account to what the bank says it comes to. Where a row
// was refused they cannot agree, and that row says why.
func (z *zengin) compare(record []byte) {
	fields := statementSums
	if z.kind == zenginNotice {
		fields = noticeSums
	}
	for i, f := range fields {
		said, ok := digits(record, f)
		if z.refused == 0 && (!ok || said != z.sums[i]) {
			z.report(f, text(record, f), fmt.Sprintf("明細の合計（%d）と一致しません。ファイルを確認してください", z.sums[i]), fmt.Sprintf("The records come to %d: look at the file", z.sums[i]))
		}
	}
}

func (z *zengin) refuse(f field, value, ja, en string) {
	z.refused++
	z.report(f, value, ja, en)
}

func (z *zengin) report(f field, value, ja, en string) {
	z.file.Errors = append(z.file.Errors, ledger.BadRow{Line: z.line, Column: f.name, Value: cut(strings.ToValidUTF8(value, ""), 100), Reason: i18n.Text{"ja": ja, "en": en}})
}

// text is a field as text, without the blanks that fill it.
func text(record []byte, f field) string {
	decoded, err := japanese.ShiftJIS.NewDecoder().Bytes(record[f.from:f.to])
	if err != nil {
		return string(utf8.RuneError)
	}
	return strings.TrimSpace(strings.ReplaceAll(string(decoded), "\x00", " "))
}

// digits is a field that holds a number.
func digits(record []byte, f field) (int64, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(string(record[f.from:f.to])), 10, 62)
	return int64(n), err == nil
}
