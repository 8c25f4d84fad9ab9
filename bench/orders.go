package main

import (
	"context"
	_ "embed" // the orders
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/storage/postgres"
)

//go:embed orders.sql
var twoMillionOrders string

// ordersWanted is how many orders the staff's list is measured over.
const ordersWanted = 2_000_000

// manyOrders measures pages of the staff's order list: the first page, and one deep in it.
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
	var brand, company, shop, member uuid.UUID
	var email, number string
	err = db.Pool().QueryRow(ctx, `SELECT c.brand_id, o.company_id, o.shop_id, o.member_id, o.email, o.number FROM channels c JOIN orders o ON o.brand_id = c.brand_id
		WHERE c.code = 'wanko' AND o.company_id IS NOT NULL AND o.shop_id IS NOT NULL AND o.member_id IS NOT NULL ORDER BY o.placed_at LIMIT 1`).Scan(&brand, &company, &shop, &member, &email, &number)
	if err != nil {
		return err
	}
	from := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	until := from.AddDate(0, 1, 0)
	fmt.Printf("orders    %d orders, pages of 50, milliseconds: the first page, and the page behind a cursor a million orders deep\n", ordersWanted)
	for _, q := range []struct {
		name  string
		query order.Query
	}{
		{"all", order.Query{}},
		{"one status", order.Query{Statuses: []order.Status{order.Confirmed}}},
		{"a rare status", order.Query{Statuses: []order.Status{order.PendingApproval}}},
		{"three statuses", order.Query{Statuses: []order.Status{order.Confirmed, order.Picking, order.Cancelled}}},
		{"open, the oldest first", order.Query{Statuses: []order.Status{order.Confirmed, order.Picking}, Oldest: true}},
		{"an address", order.Query{Email: email}},
		{"an address and a status", order.Query{Email: email, Statuses: []order.Status{order.Cancelled}}},
		{"a number", order.Query{Number: number}},
		{"a number that is not", order.Query{Number: "ZZZZZ-ZZZZZ"}},
		{"a company", order.Query{CompanyID: &company}},
		{"the oldest first", order.Query{Oldest: true}},
		{"a common tag", order.Query{Narrowed: order.Narrowed{Tag: "first"}}},
		{"a rare tag", order.Query{Narrowed: order.Narrowed{Tag: "gift"}}},
		{"a rare tag and a status", order.Query{Narrowed: order.Narrowed{Tag: "gift"}, Statuses: []order.Status{order.Delivered}}},
		{"held", order.Query{Narrowed: order.Narrowed{Held: true}}},
		{"a rare way to pay", order.Query{Narrowed: order.Narrowed{PaymentMethod: "CASH"}}},
		{"a shop", order.Query{Narrowed: order.Narrowed{ShopID: &shop}}},
		{"a shop, the oldest first", order.Query{Narrowed: order.Narrowed{ShopID: &shop}, Oldest: true}},
		{"those of a shop see", order.Query{Stores: []uuid.UUID{shop}}},
		{"a member", order.Query{Narrowed: order.Narrowed{MemberID: &member}}},
		{"a month", order.Query{Narrowed: order.Narrowed{PlacedFrom: &from, PlacedBefore: &until}}},
		{"a month and a status", order.Query{Narrowed: order.Narrowed{PlacedFrom: &from, PlacedBefore: &until}, Statuses: []order.Status{order.Cancelled}}},
		{"a company and a status", order.Query{CompanyID: &company, Statuses: []order.Status{order.Delivered}}},
	} {
		q.query.BrandID = brand
		front, deep, err := pages(ctx, db, s.rounds, q.query)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		fmt.Printf("  %-24s %6.2f %6.2f\n", q.name, front, deep)
	}
	return nil
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
	const size = 50
	first := size
	q.Page = page.Args{First: &first}
	orders := postgres.NewOrders(db)
	var at struct {
		At time.Time `json:"t"`
		ID uuid.UUID `json:"i"`
	}
	err = db.Pool().QueryRow(ctx, `SELECT placed_at, id FROM orders WHERE brand_id = $1 ORDER BY placed_at DESC, id DESC OFFSET 1000000 LIMIT 1`, q.BrandID).Scan(&at.At, &at.ID)
	if err != nil {
		return 0, 0, err
	}
	behind := q
	cursor := page.Cursor(at)
	behind.Page.After = &cursor
	for _, side := range []struct {
		query order.Query
		into  *float64
	}{{q, &front}, {behind, &deep}} {
		var took []float64
		for range 2*rounds + 1 {
			began := time.Now()
			if _, err := orders.List(ctx, side.query); err != nil {
				return 0, 0, err
			}
			took = append(took, float64(time.Since(began).Microseconds())/1000)
		}
		*side.into = middle(took)
	}
	return front, deep, nil
}
