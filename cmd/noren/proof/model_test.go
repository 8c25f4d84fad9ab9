package proof_test

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/storage/postgres/pgtest/books"
)

// longer is how many times longer than in the ordinary suite everything runs.
func longer() int {
	n, err := strconv.Atoi(os.Getenv("NOREN_PROOF"))
	if err != nil {
		return 1
	}
	return max(1, n)
}

func TestMain(m *testing.M) {
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	set := func(name, value string) {
		given := false
		flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
		if !given {
			_ = flag.Set(name, value)
		}
	}
	set("rapid.checks", strconv.Itoa(longer()))
	set("rapid.shrinktime", "1ms") // what many do at once seldom fails twice the same way
	set("rapid.nofailfile", "true")
	os.Exit(m.Run())
}

const (
	workers = 4  // who act at once
	burst   = 60 // acts between two looks at the books
	rounds  = 16
)

// TestBooksAgreeWhateverManyDoAtOnce lets people act at once on one shop, and asks at
// every quiet point whether its books agree.
func TestBooksAgreeWhateverManyDoAtOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(scoped{t, rt})
		w.promote(t)
		w.subscribe(t)
		for range rounds {
			seed := rapid.Uint64().Draw(rt, "seed")
			var n atomic.Int64
			w.atOnce(func() {
				for i := n.Add(1); i <= burst; i = n.Add(1) {
					w.act(dice{rand.New(rand.NewPCG(seed, uint64(i)))})
				}
			})
			if w.check(rt); rapid.IntRange(0, 3).Draw(rt, "settle") == 3 {
				w.settle(rt)
			}
		}
		w.settle(rt)
		t.Log(w.summary())
	})
}

func (w *world) atOnce(f func()) {
	var all sync.WaitGroup
	for range workers {
		all.Go(f)
	}
	all.Wait()
}

// summary is how often what happened.
func (w *world) summary() string {
	var lines []string
	for what, n := range w.done {
		lines = append(lines, fmt.Sprintf("%5d %s", n, what))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[6:], b[6:]) })
	return fmt.Sprintf("%d acts, %d orders\n%s", len(w.said), len(w.orders), strings.Join(lines, "\n"))
}

// settle lets every gateway answer and staff send back what they owe; then nothing is
// left open, and gateways and books agree.
func (w *world) settle(rt *rapid.T) {
	for range 12 {
		w.shift.Add(int64(3 * 60e9))
		if w.operations(rt) == 0 && w.sendBack(rt) == 0 {
			break
		}
	}
	w.followAll(rt)
	w.check(rt, books.Settled())
	var taken, booked int64
	if err := w.ask([]any{&booked}, `SELECT coalesce(sum(captured - refunded + as_points), 0)::bigint FROM payments WHERE gateway = 'stripe'`); err != nil {
		rt.Fatal(err)
	}
	if taken = w.cards.Taken(); taken != booked {
		rt.Fatalf("Stripe has taken %d, booked are %d\n%s", taken, booked, strings.Join(w.said, "\n"))
	}
}

// operations carries out what is outstanding, and answers how much that was.
func (w *world) operations(rt *rapid.T) int {
	keys := w.keys(rt, `SELECT id FROM payment_operations WHERE status = 'OUTSTANDING' ORDER BY id`)
	for _, key := range keys {
		if err := patiently(w.Payments.Execute(w.staff, key)); err != nil {
			rt.Fatalf("operation %s: %v", key, err)
		}
	}
	return len(keys)
}

// sendBack lets staff send back by hand what came in for orders that are given up.
func (w *world) sendBack(rt *rapid.T) int {
	keys := w.keys(rt, `SELECT p.id FROM payments p JOIN orders o ON o.id = p.order_id
		WHERE o.status = 'CANCELLED' AND p.captured > p.refunded AND p.gateway <> 'stripe' ORDER BY p.id`)
	for _, key := range keys {
		p, err := w.Payments.Store.Payment(w.staff, key)
		if err != nil {
			rt.Fatal(err)
		}
		in := payment.RefundInput{PaymentID: key, Amount: decimal.NewFromInt(p.CapturedMinor - p.RefundedMinor), IdempotencyKey: w.key()}
		if _, err := w.Payments.Refund(w.staff, in); err != nil {
			rt.Fatalf("send back %s: %v", key, err)
		}
	}
	return len(keys)
}

func (w *world) keys(rt *rapid.T, sql string) (all []uuid.UUID) {
	rows, err := w.shop.DB.Pool().Query(w.staff, sql)
	if err != nil {
		rt.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key uuid.UUID
		if err := rows.Scan(&key); err != nil {
			rt.Fatal(err)
		}
		all = append(all, key)
	}
	return all
}
