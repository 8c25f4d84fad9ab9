package main

import (
	"bytes"
	"context"
	_ "embed" // the rules
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/bench/load"
	"github.com/noren-commerce/noren/seed"
)

// tradeLines is how long the measured cart is.
const tradeLines = 50

// tradeBuyer buys for a sample company.
const tradeBuyer = "approver@noren.example"

// trade measures what a wholesaler's many rules cost: the cart of a company's buyer with
// and without campaigns, and the list of products beside a guest's.
func trade(ctx context.Context, s settings, f *fleet) error {
	url, err := prepare(ctx, s.database, "trade_", s.products)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := agree(ctx, conn); err != nil {
		return err
	}
	server, err := start(ctx, filepath.Join(f.bin, "noren"), []string{"serve"}, append(f.common[:len(f.common):len(f.common)], "DATABASE_URL="+url, "REDIS_URL="))
	if err != nil {
		return err
	}
	defer func() {
		_ = server.command.Process.Signal(syscall.SIGTERM)
		_ = server.command.Wait()
	}()
	b, err := enter(ctx, server, conn)
	if err != nil {
		return err
	}
	return b.measure(ctx, s, conn)
}

//go:embed trade.sql
var tradeRules string

// agree fills the database with the rules, unless they are there.
func agree(ctx context.Context, conn *pgx.Conn) error {
	var there bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM companies WHERE code = 'BENCH-2')`).Scan(&there); err != nil || there {
		return err
	}
	for _, script := range []string{tradeRules, `VACUUM ANALYZE prices, price_lists, rates, companies, campaigns`} {
		if _, err := conn.Exec(ctx, script); err != nil {
			return fmt.Errorf("fill in the wholesaler's rules: %w", err)
		}
	}
	return nil
}

// client is a buyer's way to one server.
type client struct {
	server *child
	header http.Header
}

// enter logs the buyer in and fills the cart with the goods that have most rules.
func enter(ctx context.Context, server *child, conn *pgx.Conn) (*client, error) {
	c := &client{server, jsonHeader()}
	var entered struct {
		Login struct{ Tokens struct{ AccessToken string } }
	}
	err := c.ask(ctx, &entered, `mutation ($input: LoginInput!) { login(input: $input) { tokens { accessToken } } }`,
		map[string]any{"input": map[string]any{"email": tradeBuyer, "password": seed.Password}})
	if err != nil || entered.Login.Tokens.AccessToken == "" {
		return nil, fmt.Errorf("log the buyer in: %w", err)
	}
	c.header = jsonHeader("Authorization", "Bearer "+entered.Login.Tokens.AccessToken)
	rows, _ := conn.Query(ctx, `
		SELECT rtrim(translate(encode(convert_to('Variant:' || v.id, 'UTF8'), 'base64'), '+/'||chr(10), '-_'), '=')
		FROM variants v JOIN channels c ON c.brand_id = v.brand_id JOIN prices r ON r.variant_id = v.id AND r.price_list_id = c.price_list_id
		WHERE c.code = 'wanko' ORDER BY v.id LIMIT $1`, tradeLines)
	variants, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	for i, variant := range variants {
		err := c.ask(ctx, nil, `mutation ($input: AddCartLineInput!) { addCartLine(input: $input) { userErrors { message } } }`,
			map[string]any{"input": map[string]any{"variantId": variant, "quantity": 1 + i%9}})
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// ask puts one question and reads its data.
func (c *client) ask(ctx context.Context, data any, query string, variables any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.server.address+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header = c.header
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if len(answer.Errors) > 0 {
		return fmt.Errorf("%s: %.200s", answer.Errors[0].Message, query)
	}
	if data == nil {
		return nil
	}
	return json.Unmarshal(answer.Data, data)
}

// measure takes the cart with and without campaigns, and the list of a hundred products
// with the buyer's prices and with a guest's.
func (c *client) measure(ctx context.Context, s settings, conn *pgx.Conn) error {
	cart, err := operationBody("CartView", nil)
	if err != nil {
		return err
	}
	list, err := operationBody("ProductList", map[string]any{"first": 100})
	if err != nil {
		return err
	}
	var rates, prices, campaigns int
	err = conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM rates), (SELECT count(*) FROM campaigns),
		(SELECT count(*) FROM prices r JOIN price_lists l ON l.id = r.price_list_id WHERE l.audience_kind = 'COMPANY')`).Scan(&rates, &campaigns, &prices)
	if err != nil {
		return err
	}
	fmt.Printf("trade     %d rates, %d customer prices, %d campaigns; a company's cart of %d lines\n", rates, prices, campaigns, tradeLines)
	sides := []struct {
		name      string
		campaigns bool
		body      []byte
		header    http.Header
	}{
		{"cart, no campaign", false, cart, c.header}, {"cart, campaigns", true, cart, c.header},
		{"list, guest", true, list, jsonHeader()}, {"list, buyer", true, list, c.header},
	}
	results, spent := make([][]load.Result, len(sides)), make([]time.Duration, len(sides))
	answers := make([]int, len(sides))
	for range s.rounds {
		for i, side := range sides {
			if err := letRun(ctx, conn, side.campaigns); err != nil {
				return err
			}
			before := c.server.cpu()
			request := load.Request{Method: http.MethodPost, Path: "/graphql", Header: side.header, Body: side.body}
			r, err := load.Run(ctx, c.server.address, s.connections, s.length(), func(int, int) load.Request { return request })
			if err != nil || r.Failed > 0 {
				return fmt.Errorf("%s: %d failed: %w (%.300s)", side.name, r.Failed, err, r.Last)
			}
			results[i], spent[i], answers[i] = append(results[i], r), spent[i]+c.server.cpu()-before, answers[i]+r.All
		}
	}
	if bytes.Equal(results[0][0].Last, results[1][0].Last) {
		return fmt.Errorf("no campaign changes the cart: %.2000s", results[0][0].Last)
	}
	for i, side := range sides {
		r, first := median(results[i]), median(results[i&^1])
		each := spent[i] / time.Duration(max(answers[i], 1))
		fmt.Printf("  %-18s %7.0f/s  cost %.2f×  cpu %-8s p50 %-9s p99 %s\n", side.name, r.PerSecond, first.PerSecond/r.PerSecond,
			each.Round(time.Microsecond), r.P50.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond))
	}
	return nil
}

// letRun lets the campaigns run, or stops them.
func letRun(ctx context.Context, conn *pgx.Conn, run bool) error {
	before, after := "READY", "STOPPED"
	if run {
		before, after = after, before
	}
	_, err := conn.Exec(ctx, `WITH moved AS (UPDATE campaigns SET status = '`+after+`' WHERE status = '`+before+`' RETURNING brand_id)
		UPDATE rulebooks SET version = version + 1 WHERE brand_id IN (SELECT brand_id FROM moved)`)
	return err
}
