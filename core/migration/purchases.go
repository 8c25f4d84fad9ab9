package migration

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/purchase"
)

// takingPurchases takes rows of receipts. Those of a receipt follow each other; it is taken
// whole or not at all, once for its store, till, number and day, and earns nothing: what it
// earned is in the opening balances.
type takingPurchases struct{ *taking }

// receiptKey names the receipt of a row, so that batches do not cut one in two.
func (t *takingPurchases) receiptKey(r *reading) string {
	var parts []string
	for _, name := range []string{"store", "till", "receipt", "bought_on"} {
		parts = append(parts, r.joined(r.Fields[name].From, r.Fields[name].Join))
	}
	return strings.Join(parts, "\x00")
}

// slip is a receipt with its rows.
type slip struct {
	key     string
	rows    []*reading
	receipt purchase.Receipt
	bad     bool
}

func (t *takingPurchases) lineOf(r *reading, s *slip) {
	f := r.Fields
	must := func(name string, said bool) {
		if !said && !r.failed {
			r.reject(strings.Join(f[name].From, "+"), "", because("値がありません", "The value is missing"))
		}
	}
	store, ok := read(r, f["store"], short(maxKey), nil)
	must("store", ok)
	till, ok := read(r, f["till"], short(64), nil)
	must("till", ok)
	number, ok := read(r, f["receipt"], short(64), nil)
	must("receipt", ok)
	day, ok := read(r, f["bought_on"], t.boughtOn, fromEra)
	must("bought_on", ok)
	code, ok := read(r, f["code"], short(64), nil)
	must("code", ok)
	quantity, ok := read(r, f["quantity"], readQuantity, nil)
	must("quantity", ok)
	amount, ok := read(r, f["amount"], readAmount, nil)
	must("amount", ok)
	card, _ := read(r, f["card"], readLoose, nil)
	name, _ := read(r, f["name"], short(200), nil)
	clock, timed := read(r, f["time"], readClock, nil)
	if len(s.rows) == 0 {
		s.receipt = purchase.Receipt{Store: store, Till: till, Receipt: number, BoughtOn: day}
	}
	if timed && s.receipt.BoughtAt == nil {
		at := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, jst).Add(clock).UTC()
		s.receipt.BoughtAt = &at
	}
	if s.receipt.CardNumber == "" {
		s.receipt.CardNumber = card
	}
	s.rows, s.bad = append(s.rows, r), s.bad || r.failed
	s.receipt.Lines = append(s.receipt.Lines, purchase.ReceiptLine{Code: code, Name: name, Quantity: quantity, Amount: amount})
}

func (t *takingPurchases) boughtOn(typed string) (time.Time, error) {
	day, _, err := ReadDate(typed)
	if err == nil && day.After(t.at.In(jst)) {
		err = because("未来の日付です", "The day is yet to come")
	}
	return day, err
}

func readQuantity(typed string) (int, error) {
	n, err := strconv.Atoi(strings.ReplaceAll(folded(typed), ",", ""))
	if err != nil || n == 0 {
		return 0, because("数量として読めません", "This is not a quantity")
	}
	return n, nil
}

func readAmount(typed string) (decimal.Decimal, error) {
	d, err := decimal.NewFromString(strings.NewReplacer(",", "", "¥", "", "円", "", "−", "-", "▲", "-", "△", "-").Replace(folded(typed)))
	if err != nil {
		return d, because("金額として読めません", "This is not an amount")
	}
	return d, nil
}

// readLoose is a card number as a till read it: one that nobody knows goes on the work list.
func readLoose(typed string) (string, error) {
	return short(64)(strings.NewReplacer(" ", "", "-", "").Replace(folded(typed)))
}

func readClock(typed string) (time.Duration, error) {
	hours, minutes, ok := strings.Cut(folded(typed), ":")
	minutes, _, _ = strings.Cut(minutes, ":")
	h, m := number(hours), number(minutes)
	if !ok || h > 29 || m > 59 {
		return 0, because("時刻として読めません", "This is not a time")
	}
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute, nil
}

func (t *takingPurchases) batch(ctx context.Context, rows []*reading) (taken, error) {
	slips := t.slips(rows)
	receipts := make([]purchase.Receipt, len(slips))
	for i, s := range slips {
		receipts[i] = s.receipt
	}
	made, failed, err := t.Purchases.Read(ctx, receipts)
	if err != nil {
		return taken{}, err
	}
	var ready []*slip
	var bring []purchase.Taken
	for i, s := range slips {
		if why := failed[i]; why != nil && !s.bad {
			s.bad = true
			s.rows[0].reject("", s.receipt.Store+"/"+s.receipt.Receipt, reasonOf(why))
		}
		if s.bad {
			s.refuse()
			continue
		}
		ready, bring = append(ready, s), append(bring, made[i])
	}
	if t.apply {
		if err := t.Purchases.Room(ctx, bring); err != nil {
			return taken{}, err
		}
	}
	return taken{write: func(ctx context.Context) (result, error) { return t.write(ctx, ready, bring) }}, ctx.Err()
}

// slips puts the rows of each receipt together. A row that cannot be read spoils the
// receipt that it stands in or behind.
func (t *takingPurchases) slips(rows []*reading) []*slip {
	var all []*slip
	for _, r := range rows {
		last := len(all) - 1
		if r.bad != nil {
			if last >= 0 {
				all[last].bad = true
			}
			continue
		}
		key := t.receiptKey(r)
		if last < 0 || all[last].key != key {
			all, last = append(all, &slip{key: key}), last+1
		}
		t.lineOf(r, all[last])
	}
	return all
}

// refuse rejects those rows of the receipt that are right: it is taken whole or not at all.
func (s *slip) refuse() {
	for _, r := range s.rows {
		if !r.failed {
			r.reject("", s.receipt.Receipt, because("同じレシートに取り込めない行があります", "Another row of the receipt cannot be taken"))
		}
	}
}

func (t *takingPurchases) write(ctx context.Context, slips []*slip, bring []purchase.Taken) (result, error) {
	var done result
	names := make([]Named, len(slips))
	for i, s := range slips {
		names[i] = Named{"receipt", s.key, s.rows[0].line}
	}
	first, err := t.Store.Seen(ctx, t.run.ID, names)
	if err != nil {
		return done, err
	}
	known, err := t.Purchases.Known(ctx, bring)
	if err != nil {
		return done, err
	}
	fresh := bring[:0:0]
	for i, s := range slips {
		if line := first[Named{"receipt", s.key, 0}]; line != s.rows[0].line {
			s.rows[0].reject("", s.receipt.Receipt, because("同じレシートが%d行目にもあります。1つのレシートの行は続けて書いてください", "The receipt stands in line %d too; its rows follow each other", line))
			s.refuse()
			continue
		}
		fresh = append(fresh, bring[i])
		same, there := known[bring[i].ID]
		if !there {
			done.accepted += len(s.rows)
			continue
		}
		done.repeated += len(s.rows)
		if !same {
			s.rows[0].said(Noticed, "", s.receipt.Receipt, because("同じレシートが別の内容で既に取り込まれています。取り込まずに、購買の確認リストに載せます",
				"The receipt is there with other content: it stays as it is, and the other goes on the work list of purchases"))
		}
	}
	if t.apply {
		_, err = t.Purchases.Bring(ctx, t.run.ID, fresh)
	}
	return done, err
}
