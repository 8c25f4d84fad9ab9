package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/storage/postgres"
)

const (
	takers      = 64    // buyers at once
	manyGoods   = 1_000 // variants, where they want different ones
	takerConns  = 32    // connections that they share
	takenAtOnce = 1     // pieces of an order
	lastPieces  = 100   // of the variant that sells out
	triesEach   = 10    // orders of each buyer for it
)

// stock measures how fast orders can take stock: each in a transaction of its own that
// is committed to disk, all of one variant, and of many.
func stock(ctx context.Context, s settings, database string) error {
	db, err := postgres.Open(ctx, database, postgres.WithMaxConns(takerConns))
	if err != nil {
		return err
	}
	defer db.Close()
	rows, _ := db.Pool().Query(ctx, `
		SELECT s.variant_id, s.location_id FROM stock_levels s JOIN locations l ON l.id = s.location_id
		WHERE l.ships AND s.free > 500000 ORDER BY s.variant_id LIMIT $1`, manyGoods)
	places, err := pgx.CollectRows(rows, pgx.RowToStructByPos[place])
	if err != nil {
		return err
	}
	if len(places) < manyGoods {
		return errors.New("too few variants with stock")
	}
	buyers, err := ordersOf(ctx, db)
	if err != nil {
		return err
	}
	var hot, many []float64
	for range s.rounds {
		for _, side := range []struct {
			places []place
			rates  *[]float64
		}{{places[:1], &hot}, {places, &many}} {
			rate, err := take(ctx, db, s.length(), side.places, buyers)
			if err != nil {
				return err
			}
			*side.rates = append(*side.rates, rate)
		}
	}
	if err := sellOut(ctx, db, places[len(places)-1], buyers); err != nil {
		return err
	}
	fmt.Printf("stock     %d buyers: %.0f reservations/s of one variant, %.0f/s of %d variants = %.1f×; none lost, none oversold; of %d pieces exactly %d of %d buyers got one\n",
		takers, middle(hot), middle(many), manyGoods, middle(many)/middle(hot), lastPieces, lastPieces, takers*triesEach)
	return nil
}

// place is where a variant lies.
type place struct{ Variant, Location uuid.UUID }

// take lets the buyers take one piece after another for a while, and counts. What was
// taken must be what is reserved.
func take(ctx context.Context, db *postgres.DB, length time.Duration, places []place, buyers []uuid.UUID) (float64, error) {
	orders := postgres.NewOrders(db)
	before, err := reserved(ctx, db)
	if err != nil {
		return 0, err
	}
	var taken atomic.Int64
	var group sync.WaitGroup
	failures := make([]error, takers)
	end := time.Now().Add(length)
	for b := range takers {
		group.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				p := places[(n*takers+b*17)%len(places)]
				if err := takeOne(ctx, db, orders, p, buyers[b]); err != nil {
					failures[b] = err
					return
				}
				taken.Add(takenAtOnce)
			}
		})
	}
	group.Wait()
	after, err := reserved(ctx, db)
	if err := errors.Join(append(failures, err)...); err != nil {
		return 0, err
	}
	if after-before != taken.Load() {
		return 0, fmt.Errorf("%d pieces were taken, %d are reserved", taken.Load(), after-before)
	}
	return float64(taken.Load()) / length.Seconds(), nil
}

// sellOut leaves fewer pieces of a variant than orders come for it, all at once: as many
// orders as there are pieces get one, each of the others is told that none is left.
func sellOut(ctx context.Context, db *postgres.DB, p place, buyers []uuid.UUID) error {
	if _, err := db.Pool().Exec(ctx, `UPDATE stock_levels SET on_hand = on_hand - free + $3 WHERE variant_id = $1 AND location_id = $2`, p.Variant, p.Location, lastPieces); err != nil {
		return err
	}
	orders := postgres.NewOrders(db)
	var got, refused atomic.Int64
	var group sync.WaitGroup
	failures := make([]error, takers)
	for b := range takers {
		group.Go(func() {
			for range triesEach {
				switch err := takeOne(ctx, db, orders, p, buyers[b]); {
				case err == nil:
					got.Add(1)
				case errors.Is(err, order.ErrStockMoved):
					refused.Add(1)
				default:
					failures[b] = err
					return
				}
			}
		})
	}
	group.Wait()
	var left int
	err := db.Pool().QueryRow(ctx, `SELECT free FROM stock_levels WHERE variant_id = $1 AND location_id = $2`, p.Variant, p.Location).Scan(&left)
	if err := errors.Join(append(failures, err)...); err != nil {
		return err
	}
	if got.Load() != lastPieces || refused.Load() != takers*triesEach-lastPieces || left != 0 {
		return fmt.Errorf("of %d pieces %d were taken, %d orders were refused, and %d are left", lastPieces, got.Load(), refused.Load(), left)
	}
	return nil
}

// ordersOf are orders that hold nothing, one for each buyer.
func ordersOf(ctx context.Context, db *postgres.DB) ([]uuid.UUID, error) {
	rows, _ := db.Pool().Query(ctx, `
		INSERT INTO orders (id, number, brand_id, channel_id, email, language, status, currency, tax_inclusive, subtotal, shipping_fee, tax, total, taxes, breakdown, shipping_address,
			shipping_method, payment_method, paid, placed_at, updated_at)
		SELECT gen_random_uuid(), 'STOCK-' || md5(random()::text), c.brand_id, c.id, 'buyer@example.jp', 'ja', 'CONFIRMED', 'JPY', true, 0, 0, 0, 0, '[]', '[]', '{}', '{}', 'CARD', true, now(), now()
		FROM (SELECT id, brand_id FROM channels ORDER BY code LIMIT 1) c CROSS JOIN generate_series(1, $1) RETURNING id`, takers)
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// takeOne lets an order hold one piece more: what it holds, the movement and the level, in
// one transaction that is committed to disk.
func takeOne(ctx context.Context, db *postgres.DB, orders *postgres.Orders, p place, orderID uuid.UUID) error {
	one := []order.Reservation{{VariantID: p.Variant, LocationID: p.Location, Quantity: takenAtOnce}}
	return db.InTx(ctx, func(ctx context.Context) error {
		if err := orders.Reserve(ctx, orderID, one); err != nil {
			return err
		}
		_, err := orders.Take(ctx, order.Taking{OrderID: orderID, At: time.Now(), Reservations: one})
		return err
	})
}

func reserved(ctx context.Context, db *postgres.DB) (pieces int64, err error) {
	err = db.Pool().QueryRow(ctx, `SELECT sum(reserved) FROM stock_levels`).Scan(&pieces)
	return pieces, err
}

// middle is the median.
func middle(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
