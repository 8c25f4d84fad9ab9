package seed

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/storage/postgres"
)

// article is one variant that people buy.
type article struct {
	VariantID, ProductID uuid.UUID
	SKU, Name            string
	Price                int64
}

// mostArticles bounds the assortment that is held in memory.
const mostArticles = 50_000

// assortment is what the brand sells, at the prices of its list.
func (b Brand) assortment(ctx context.Context, db *postgres.DB) ([]article, error) {
	rows, err := db.Pool().Query(ctx, `
		SELECT v.id AS variant_id, v.product_id, v.sku, coalesce(p.name->>'ja', '') AS name, r.amount AS price
		FROM variants v JOIN products p ON p.id = v.product_id
		CROSS JOIN LATERAL (SELECT amount FROM prices WHERE price_list_id = $2 AND variant_id = v.id ORDER BY min_quantity LIMIT 1) r
		WHERE v.brand_id = $1 ORDER BY v.sku LIMIT $3`, b.ID, b.PriceListID, mostArticles)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[article])
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s sells nothing: write the sample first", b.Code)
	}
	return all, err
}

// history makes what residents bought.
type history struct {
	*crowd
	articles [][]article // of each brand
}

// month is a part of the history: the days from the first to before the last, with so
// many lines.
type month struct {
	from, until time.Time
	lines       int
}

func (m month) name() string { return m.from.Format("2006_01") }

// months share the lines by days, and grow by a tenth a year.
func (p Population) months() []month {
	var all []month
	last := p.Until.AddDate(0, 0, 1)
	first := last.AddDate(-p.Years, 0, 0)
	var weights []float64
	sum := 0.0
	for from := first; from.Before(last); {
		until := time.Date(from.Year(), from.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		if until.After(last) {
			until = last
		}
		w := until.Sub(from).Hours() * (1 + 0.1*from.Sub(first).Hours()/(24*365))
		all, weights, sum = append(all, month{from: from, until: until}), append(weights, w), sum+w
		from = until
	}
	before, share := 0, 0.0
	for i := range all {
		share += weights[i] / sum
		upTo := int(share*float64(p.Purchases) + 0.5)
		if i == len(all)-1 {
			upTo = p.Purchases
		}
		all[i].lines, before = upTo-before, upTo
	}
	return all
}

// receipt is one purchase of the history.
type receipt struct {
	id     uuid.UUID
	day    time.Time
	at     time.Time
	brand  int
	member int // -1: nobody's
	who    resident
	shop   int // 0: online
	till   string
	number string
	items  int
	total  int64
	lines  []bought // good until the next receipt
}

type bought struct {
	article  *article
	quantity int
	amount   int64
}

// receipts are those of the month, the same each time, until yield has had enough.
func (h *history) receipts(m month, yield func(*receipt) bool) {
	// Each month and receipt has numbers of its own; an index of no member is as good as one.
	counted, left, weight := 0, m.lines, 0.0
	for day := m.from; day.Before(m.until); day = day.AddDate(0, 0, 1) {
		weight += busy(day)
	}
	for day := m.from; day.Before(m.until); day = day.AddDate(0, 0, 1) {
		quota := int(float64(left) * busy(day) / weight)
		weight -= busy(day)
		if !day.AddDate(0, 0, 1).Before(m.until) {
			quota = left
		}
		left -= quota
		numbers := make(map[[2]int]int, len(h.brands)*8)
		there := h.joinedBefore(day)
		for quota > 0 {
			counted++
			r := h.receipt(day, uint64(counted), there, quota) //nolint:gosec // counts from one
			shop := [2]int{r.brand, r.shop}
			numbers[shop]++
			r.till, r.number = fmt.Sprint(1+numbers[shop]%4), fmt.Sprintf("%06d", numbers[shop])
			if r.shop == 0 {
				r.till, r.number = "", "W"+day.Format("060102")+"-"+r.number
			}
			quota -= len(r.lines)
			if !yield(r) {
				return
			}
		}
	}
}

// busy is how much is bought on the day.
func busy(day time.Time) float64 {
	if d := day.Weekday(); d == time.Saturday || d == time.Sunday {
		return 1.7
	}
	return 1
}

// receipt is the n-th of the month, of at most so many lines.
func (h *history) receipt(day time.Time, n uint64, there, most int) *receipt {
	r := &receipt{day: day}
	// Who: a few buy often, most seldom.
	h.source.Seed(h.Seed^0x9e3779b97f4a7c15, uint64(day.Unix())<<24|n) //nolint:gosec // after 1970
	r.member = h.buyer(there)
	a, b := h.chance.Uint64(), h.chance.Uint64()
	r.at = openingOf(day).Add(time.Duration(h.chance.Int64N(int64(opened))).Truncate(time.Second))
	r.id = idAt(r.at, a, b)
	other, away, online := h.chance.IntN(100) < 20, h.chance.IntN(100) < 25, h.chance.IntN(100) < 15
	r.brand = h.chance.IntN(len(h.brands))
	r.shop = h.shopOf(r.brand)
	h.basket(r, most)
	if r.member >= 0 { // the chance is the member's from here on
		brand, shop := r.brand, r.shop
		r.who = h.resident(r.member)
		if r.brand = r.who.brand; r.who.both && other {
			r.brand = 1 - r.brand
		}
		if r.shop = r.who.shopIn(r.brand); away && r.brand == brand {
			r.shop = shop
		}
		if r.brand != brand {
			h.swap(r)
		}
	}
	if online {
		r.shop = 0
	}
	return r
}

// buyer is one of the members who are there; -1 is nobody's.
func (h *history) buyer(there int) int {
	if h.Members == 0 || h.chance.IntN(100) < 12 {
		return -1
	}
	for range 12 {
		u := h.chance.Float64()
		rank := uint64(u * u * u * float64(h.Members))
		if i := int(rank * scatter % uint64(h.Members)); i < there { //nolint:gosec // below the members
			return i
		}
	}
	return -1
}

// basket is what is in it: one in a hundred receipts is of a return.
func (h *history) basket(r *receipt, most int) {
	lines := 1
	for lines < min(most, 12) && h.chance.IntN(100) < 62 {
		lines++
	}
	sign := 1
	if h.chance.IntN(100) == 0 {
		sign, lines = -1, 1
	}
	r.lines = make([]bought, lines)
	for i := range r.lines {
		all := h.articles[r.brand]
		u := h.chance.Float64()
		rank := uint64(u * u * float64(len(all)))
		quantity := 1
		if h.chance.IntN(4) == 0 {
			quantity += 1 + h.chance.IntN(2)
		}
		r.put(i, &all[rank*scatter%uint64(len(all))], sign*quantity)
	}
}

// swap puts goods of the receipt's brand into the basket, for as many others.
func (h *history) swap(r *receipt) {
	r.items, r.total = 0, 0
	all := h.articles[r.brand]
	for i, l := range r.lines {
		u := h.chance.Float64()
		rank := uint64(u * u * float64(len(all)))
		r.put(i, &all[rank*scatter%uint64(len(all))], l.quantity)
	}
}

func (r *receipt) put(i int, a *article, quantity int) {
	r.lines[i] = bought{a, quantity, a.Price * int64(quantity)}
	r.items += quantity
	r.total += r.lines[i].amount
}

// buyerKey is the buyer's key; nil is nobody's.
func (r *receipt) buyerKey() *uuid.UUID {
	if r.member < 0 {
		return nil
	}
	return &r.who.id
}

// spending is what each resident spent with each brand in the year up to the last day.
type spending [2][]int32

func (s spending) of(brand, i int) int64 { return int64(s[brand][i]) }

// spending adds up the last year's receipts, without writing them.
func (h *history) spending(ctx context.Context) (s spending, err error) {
	s = spending{make([]int32, h.Members), make([]int32, h.Members)}
	year := h.Until.AddDate(-1, 0, 0)
	for _, m := range h.months() {
		if !m.until.After(year) {
			continue
		}
		h.receipts(m, func(r *receipt) bool {
			if r.member >= 0 && r.day.After(year) {
				s[r.brand][r.member] += int32(r.total) //nolint:gosec // nobody spends two billion yen on pets
			}
			err = ctx.Err()
			return err == nil
		})
	}
	return s, err
}
