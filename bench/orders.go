package main

import (
	"cmp"
	"context"
	_ "embed" // the orders
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/storage/postgres"
)

//go:embed orders.sql
var twoMillionOrders string

// ordersWanted is how many orders the staff's list is measured over.
const ordersWanted = 2_000_000

// ordersAim is how long the first page may take, in milliseconds.
const ordersAim = 30

// narrowing is one filter of the list. Two of a kind are not asked for together.
type narrowing struct {
	kind, name string
	by         func(q *order.Query)
}

// manyOrders measures pages of the staff's order list: the first page, and one deep in it,
// for every filter, and the first for every two of them together, both ways round.
func manyOrders(ctx context.Context, s settings) error {
	url, err := prepare(ctx, s.database, "orders_", 0)
	if err != nil {
		return err
	}
	db, err := postgres.Open(ctx, url, postgres.WithMaxConns(2))
	if err != nil {
		return err
	}
	defer db.Close()
	if err := fillOrders(ctx, db); err != nil {
		return err
	}
	brand, all, err := narrowings(ctx, db)
	if err != nil {
		return err
	}
	fmt.Printf("orders    %d orders, pages of 50, milliseconds: the first page, and the page behind a cursor a million orders deep\n", ordersWanted)
	for _, oldest := range []bool{false, true} {
		for _, n := range all {
			q := order.Query{BrandID: brand, Oldest: oldest}
			n.by(&q)
			front, deep, err := pages(ctx, db, s.rounds, q)
			if err != nil {
				return fmt.Errorf("%s: %w", n.name, err)
			}
			fmt.Printf("  %-40s %6.2f %6.2f\n", said(n.name, oldest), front, deep)
		}
	}
	return pairs(ctx, db, s.rounds, brand, all)
}

func said(name string, oldest bool) string {
	if oldest {
		return name + ", the oldest first"
	}
	return name
}

// pairs measures the first page for every two filters, and fails where one takes too long.
func pairs(ctx context.Context, db *postgres.DB, rounds int, brand uuid.UUID, all []narrowing) error {
	type figure struct {
		name string
		took float64
	}
	var figures []figure
	for i, one := range all {
		for _, other := range all[i+1:] {
			for _, oldest := range []bool{false, true} {
				if one.kind == "" || one.kind == other.kind {
					continue
				}
				q := order.Query{BrandID: brand, Oldest: oldest}
				one.by(&q)
				other.by(&q)
				took, err := page50(ctx, db, rounds, q)
				if err != nil {
					return fmt.Errorf("%s and %s: %w", one.name, other.name, err)
				}
				figures = append(figures, figure{said(one.name+" and "+other.name, oldest), took})
			}
		}
	}
	slices.SortFunc(figures, func(a, b figure) int { return cmp.Compare(b.took, a.took) })
	fmt.Printf("  %d pairs of filters, first pages; the slowest:\n", len(figures))
	for _, f := range figures[:10] {
		fmt.Printf("  %-60s %6.2f\n", f.name, f.took)
	}
	if figures[0].took > ordersAim {
		return fmt.Errorf("%s takes %.0f ms, more than %d ms", figures[0].name, figures[0].took, ordersAim)
	}
	return nil
}

// narrowings are the filters that the schema offers, with values that are common and rare.
func narrowings(ctx context.Context, db *postgres.DB) (brand uuid.UUID, all []narrowing, err error) {
	var company, shop, member uuid.UUID
	var email, number string
	err = db.Pool().QueryRow(ctx, `SELECT c.brand_id, o.company_id, o.shop_id, o.member_id, o.email, o.number FROM channels c JOIN orders o ON o.brand_id = c.brand_id
		WHERE c.code = 'wanko' AND o.company_id IS NOT NULL AND o.shop_id IS NOT NULL AND o.member_id IS NOT NULL ORDER BY o.placed_at LIMIT 1`).Scan(&brand, &company, &shop, &member, &email, &number)
	early, late := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)
	month := func(from time.Time) func(q *order.Query) {
		until := from.AddDate(0, 1, 0)
		return func(q *order.Query) { q.PlacedFrom, q.PlacedBefore = &from, &until }
	}
	status := func(of ...order.Status) func(q *order.Query) {
		return func(q *order.Query) { q.Statuses = of }
	}
	tag := func(of string) func(q *order.Query) { return func(q *order.Query) { q.Tag = of } }
	paid := func(by payment.Method) func(q *order.Query) { return func(q *order.Query) { q.PaymentMethod = by } }
	return brand, []narrowing{
		{"", "all", func(*order.Query) {}},
		{"status", "a common status", status(order.Delivered)},
		{"status", "one status", status(order.Confirmed)},
		{"status", "a rare status", status(order.PendingApproval)},
		{"status", "three statuses", status(order.Confirmed, order.Picking, order.Cancelled)},
		{"number", "a number", func(q *order.Query) { q.Number = number }},
		{"number", "a number that is not", func(q *order.Query) { q.Number = "ZZZZZ-ZZZZZ" }},
		{"email", "an address", func(q *order.Query) { q.Email = email }},
		{"email", "an address that is not", func(q *order.Query) { q.Email = "nobody@example.jp" }},
		{"tag", "a common tag", tag("first")},
		{"tag", "a rare tag", tag("gift")},
		{"held", "held", func(q *order.Query) { q.Held = true }},
		{"late", "late", func(q *order.Query) { q.Late, q.Today = true, time.Date(2027, 1, 15, 0, 0, 0, 0, time.UTC) }},
		{"paid", "a common way to pay", paid(payment.MethodCard)},
		{"paid", "another common way to pay", paid(payment.MethodBankTransfer)},
		{"paid", "a rare way to pay", paid(payment.MethodCash)},
		{"shop", "a shop", func(q *order.Query) { q.ShopID = &shop }},
		{"stores", "those of a shop see", func(q *order.Query) { q.Stores = []uuid.UUID{shop} }},
		{"member", "a member", func(q *order.Query) { q.MemberID = &member }},
		{"company", "a company", func(q *order.Query) { q.CompanyID = &company }},
		{"placed", "a month", month(early)},
		{"placed", "a late month", month(late)},
	}, err
}

// fillOrders writes the orders, unless they are there.
func fillOrders(ctx context.Context, db *postgres.DB) error {
	var there int
	if err := db.Pool().QueryRow(ctx, `SELECT count(*) FROM orders`).Scan(&there); err != nil || there >= ordersWanted {
		return err
	}
	began := time.Now()
	_, err := db.Pool().Exec(ctx, twoMillionOrders)
	if err == nil {
		_, err = db.Pool().Exec(ctx, `VACUUM ANALYZE orders`)
	}
	fmt.Printf("orders    filled in %s\n", time.Since(began).Round(time.Second))
	return err
}

// pages are the medians, in milliseconds, of the first page and of one deep in the list.
func pages(ctx context.Context, db *postgres.DB, rounds int, q order.Query) (front, deep float64, err error) {
	var at struct {
		At time.Time `json:"t"`
		ID uuid.UUID `json:"i"`
	}
	err = db.Pool().QueryRow(ctx, `SELECT placed_at, id FROM orders WHERE brand_id = $1 ORDER BY placed_at DESC, id DESC OFFSET 1000000 LIMIT 1`, q.BrandID).Scan(&at.At, &at.ID)
	if err != nil {
		return 0, 0, err
	}
	if front, err = page50(ctx, db, rounds, q); err != nil {
		return 0, 0, err
	}
	cursor := page.Cursor(at)
	q.Page.After = &cursor
	deep, err = page50(ctx, db, rounds, q)
	return front, deep, err
}

// page50 is the median, in milliseconds, of a page of 50.
func page50(ctx context.Context, db *postgres.DB, rounds int, q order.Query) (float64, error) {
	size := 50
	q.Page.First = &size
	orders := postgres.NewOrders(db)
	var took []float64
	for range 2*rounds + 1 {
		began := time.Now()
		if _, err := orders.List(ctx, q); err != nil {
			return 0, err
		}
		took = append(took, float64(time.Since(began).Microseconds())/1000)
	}
	return middle(took), nil
}
