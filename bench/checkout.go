package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/bench/load"
)

// buyer walks one connection through checkouts: a new cart, a line, the address,
// the order; and again.
type buyer struct {
	variants []string
	method   string
	step     int
	number   int
	name     int
	run      int64
	token    string
	total    string
}

// checkouts measures whole checkouts, three requests each; where another noren is
// named, the two in turn.
func checkouts(ctx context.Context, s settings, f *fleet, database string) error {
	variants, method, err := goods(ctx, database)
	if err != nil {
		return err
	}
	sides := []*child{f.plain}
	if f.other != nil {
		sides = []*child{f.other, f.plain}
	}
	for range s.rounds {
		for _, side := range sides {
			buyers := make([]*buyer, s.connections)
			for i := range buyers {
				buyers[i] = &buyer{variants: variants, method: method, name: i, run: time.Now().UnixNano()}
			}
			if err := checkout(ctx, 2*s.length(), side, buyers, database); err != nil {
				return err
			}
		}
	}
	return pgbench(ctx, database)
}

// checkout lets the buyers buy for a while and prints what came of it.
func checkout(ctx context.Context, length time.Duration, server *child, buyers []*buyer, database string) error {
	walk := func(length time.Duration) (load.Result, error) {
		r, err := load.Walk(ctx, server.address, len(buyers), length,
			func(c, _ int) load.Request { return buyers[c].next() },
			func(c int, answer []byte) error { return buyers[c].heard(answer) })
		if err != nil {
			err = fmt.Errorf("checkout: %w (%.300s)", err, r.Last)
		}
		return r, err
	}
	// PostgreSQL plans a statement anew the first five times on a connection.
	if _, err := walk(length / 4); err != nil {
		return err
	}
	before, err := spentBy(ctx, server, database)
	if err != nil {
		return err
	}
	r, err := walk(length)
	if err != nil {
		return err
	}
	after, err := spentBy(ctx, server, database)
	if err != nil {
		return err
	}
	used := after.minus(before)
	fmt.Printf("checkout  %8.0f orders/s (%s, %d placed, 3 requests each), a request p50 %s p99 %s, %d failed\n  %s\n",
		float64(used.orders)/length.Seconds(), filepath.Base(server.command.Path), used.orders, r.P50, r.P99, r.Failed, used)
	return nil
}

// next is the request of the buyer's next step.
func (b *buyer) next() load.Request {
	var body []byte
	var err error
	switch b.step {
	case 0:
		b.token = ""
		body, err = operationBody("AddCartLine", map[string]any{"variantId": b.variants[(b.number*7919+b.name*104729)%len(b.variants)], "quantity": 1}, "CartView")
	case 1:
		body, err = operationBody("UpdateCart", map[string]any{"input": map[string]any{
			"email": fmt.Sprintf("buyer%d@example.jp", b.name), "shippingMethodId": b.method,
			"shippingAddress": map[string]any{"name": "山田 花子", "postalCode": "1500001", "prefecture": "TOKYO", "city": "渋谷区", "line1": "神宮前1-2-3", "phone": "0312345678"},
		}}, "CartView")
	case 2:
		body, err = operationBody("PlaceOrder", map[string]any{"input": map[string]any{
			"idempotencyKey": fmt.Sprintf("bench-%d-%d-%d", b.run, b.name, b.number), "expectedTotal": b.total, "paymentMethod": "BANK_TRANSFER",
		}})
	}
	if err != nil {
		panic(err) // the operations are files of this repository
	}
	return load.Request{Method: http.MethodPost, Path: "/graphql", Header: jsonHeader("X-Cart-Token", b.token), Body: body}
}

// heard reads what the step needs of the answer and moves on.
func (b *buyer) heard(raw []byte) error {
	var a struct {
		Data struct {
			AddCartLine struct{ CartToken string }
			UpdateCart  struct {
				Cart *struct{ Total struct{ Amount string } }
			}
			PlaceOrder struct{ Order *struct{ ID string } }
		}
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return err
	}
	switch {
	case b.step == 0 && a.Data.AddCartLine.CartToken != "":
		b.token = a.Data.AddCartLine.CartToken
	case b.step == 1 && a.Data.UpdateCart.Cart != nil:
		b.total = a.Data.UpdateCart.Cart.Total.Amount
	case b.step == 2 && a.Data.PlaceOrder.Order != nil:
		b.number++
	default:
		return fmt.Errorf("step %d of a checkout: %.300s", b.step, raw)
	}
	b.step = (b.step + 1) % 3
	return nil
}

// goods are variants to buy and a shipping method, as clients name them.
func goods(ctx context.Context, database string) (variants []string, method string, err error) {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, `
		SELECT replace(rtrim(translate(encode(convert_to('Variant:' || v.id, 'UTF8'), 'base64'), '+/'||chr(10), '-_'), '='), chr(10), '')
		FROM variants v JOIN channels c ON c.brand_id = v.brand_id
		WHERE c.code = 'wanko' AND (SELECT sum(on_hand - reserved) FROM stock_levels s JOIN locations l ON l.id = s.location_id WHERE s.variant_id = v.id AND l.ships) > 1000
		ORDER BY v.id LIMIT 5000`)
	if err != nil {
		return nil, "", err
	}
	if variants, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return nil, "", err
	}
	err = conn.QueryRow(ctx, `
		SELECT rtrim(translate(encode(convert_to('ShippingMethod:' || m.id, 'UTF8'), 'base64'), '+/'||chr(10), '-_'), '=')
		FROM shipping_methods m JOIN channels c ON c.brand_id = m.brand_id WHERE c.code = 'wanko' AND m.code = 'parcel'`).Scan(&method)
	return variants, method, err
}

// pgbench prints what PostgreSQL itself does on this machine in this run.
func pgbench(ctx context.Context, database string) error {
	path, err := exec.LookPath("pgbench")
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
		if len(found) == 0 {
			fmt.Println("pgbench   not on this machine")
			return nil
		}
		path = found[len(found)-1]
	}
	fill := exec.CommandContext(ctx, path, "-i", "-q", "-s", "10", database) //nolint:gosec // looked up
	if out, err := fill.CombinedOutput(); err != nil {
		return fmt.Errorf("fill pgbench: %w: %s", err, out)
	}
	for _, kind := range []string{"tpcb-like", "select-only"} {
		command := exec.CommandContext(ctx, path, "-b", kind, "-c", "16", "-j", "2", "-T", "5", "-M", "prepared", "-n", database) //nolint:gosec // looked up
		out, err := command.Output()
		if err != nil {
			return fmt.Errorf("pgbench: %w", err)
		}
		for _, line := range strings.Split(string(out), "\n") {
			if strings.HasPrefix(line, "tps") {
				fmt.Printf("pgbench   %-12s %s\n", kind, line)
			}
		}
	}
	return nil
}
