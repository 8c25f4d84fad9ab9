package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/storage/postgres"
)

func pageOf(n int) page.Args { return page.Args{First: &n} }

func (l *larder) lot(t testing.TB, number string) inventory.Lot {
	t.Helper()
	found, err := l.lots.List(l.ctx, inventory.LotFilter{Number: number}, pageOf(1))
	require.NoError(t, err)
	require.Len(t, found.Edges, 1, number)
	return found.Nodes()[0]
}

func TestARecalledLotStaysAndItsCustomersAreFound(t *testing.T) {
	t.Parallel()
	l := newLarder(t, inventory.ByLot)
	l.receive(t, "A", "2027-01-10", 10)
	for range 3 {
		require.NoError(t, l.ship(l.sold(t, 2)))
	}
	waits := l.sold(t, 1)
	a := l.lot(t, "A")
	_, err := l.lots.Recall(l.ctx, inventory.RecallInput{LotID: a.ID})
	require.Error(t, err, "without a reason")
	recalled, err := l.lots.Recall(l.ctx, inventory.RecallInput{LotID: a.ID, Reason: "異物混入のおそれ"})
	require.NoError(t, err)
	require.True(t, recalled.Blocked())
	require.ErrorIs(t, l.ship(waits), inventory.ErrNoFitLots)
	require.ErrorIs(t, l.ship(waits, l.chosen(waits, "A", 1)), inventory.ErrLotUnfit)
	l.receive(t, "A", "2027-01-10", 5)
	available, apart := l.lies(t, "A")
	require.Equal(t, [2]int{0, 9}, [2]int{available, apart}, "what arrives later is set apart too")
	l.requireSums(t)

	whom, err := l.lots.Recipients(l.ctx, a.ID, pageOf(2))
	require.NoError(t, err)
	require.Len(t, whom.Edges, 2)
	require.Equal(t, 2, whom.Nodes()[0].Quantity)
	all, err := whom.TotalCount(l.ctx)
	require.NoError(t, err)
	require.Equal(t, 3, all)
	file, err := l.lots.RecipientsFile(l.ctx, a.ID, "")
	require.NoError(t, err)
	require.Equal(t, 4, strings.Count(file.Text, "\r\n"))
	require.Contains(t, file.Text, "山田 花子,neko@example.com,03-0000-0000,2,0")
	require.Empty(t, file.Next)

	traced, err := l.lots.Trace(l.ctx, a.Code)
	require.NoError(t, err)
	require.Equal(t, "異物混入のおそれ", traced.BlockedFor)
	other := "2"
	if a.Code[19:20] == other {
		other = "3"
	}
	for _, code := range []string{"", "A", a.Code[:19] + other + a.Code[20:], a.Number} {
		_, err := l.lots.Trace(l.ctx, code)
		require.ErrorIs(t, err, inventory.ErrTraceUnknown, code)
	}

	_, err = l.lots.EndRecall(l.ctx, inventory.RecallInput{LotID: a.ID})
	require.NoError(t, err)
	require.NoError(t, l.ship(waits))
	l.requireSums(t)
}

func TestLotsGoAlongWithTransfersReturnsAndCounts(t *testing.T) {
	t.Parallel()
	l := newLarder(t, inventory.ByLot)
	shop := id.New()
	l.exec(t, `INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, 'shop', '{"ja":"店"}', 'SHOP')`, shop, l.BrandID)
	l.receive(t, "A", "2027-01-10", 5)
	l.receive(t, "B", "2027-02-10", 5)
	send := func(pieces int, lots ...inventory.LotPieces) (*inventory.Transfer, error) {
		return l.Send(l.ctx, inventory.SendStockInput{IdempotencyKey: id.New().String(), FromID: l.WarehouseID, ToID: shop, Lines: []inventory.SendLineInput{{VariantID: l.food, Quantity: pieces, Lots: lots}}})
	}
	_, err := send(1, inventory.LotPieces{Number: "X", Quantity: 1})
	requireCode(t, inventory.ErrLotUnknown, err)
	_, err = send(11)
	require.Error(t, err)
	sent, err := send(7)
	require.NoError(t, err)
	arrived := func(pieces int, lots ...inventory.LotPieces) error {
		_, err := l.ReceiveTransfer(l.ctx, inventory.ReceiveTransferInput{IdempotencyKey: id.New().String(), TransferID: sent.ID, Lines: []inventory.ArrivedLineInput{{VariantID: l.food, Arrived: pieces, Lots: lots}}})
		return err
	}
	requireCode(t, inventory.ErrLotShort, arrived(3, inventory.LotPieces{Number: "B", Quantity: 3}))
	require.NoError(t, arrived(2, inventory.LotPieces{Number: "B", Quantity: 2}))
	require.NoError(t, arrived(5))
	_, err = l.CloseTransfer(l.ctx, inventory.CloseTransferInput{IdempotencyKey: id.New().String(), TransferID: sent.ID, Returned: true})
	require.NoError(t, err)
	a, _ := l.lies(t, "A")
	require.Equal(t, 2, a, "the two that never arrived are back")
	l.requireSums(t)

	// Returns: of one lot back to it, of several to where somebody says, or set apart.
	stock := postgres.NewInventory(l.DB)
	one := l.sold(t, 2)
	require.NoError(t, l.ship(one))
	back := func(line uuid.UUID, pieces int, lots ...inventory.LotPieces) error {
		return l.DB.InTx(l.ctx, func(ctx context.Context) error {
			level, err := stock.LockLevel(ctx, l.food, l.WarehouseID)
			if err != nil {
				return err
			}
			level.OnHand += pieces
			m := inventory.Movement{ID: id.New(), At: l.now, VariantID: l.food, LocationID: l.WarehouseID, Kind: inventory.Return, Quantity: pieces}
			if err := errors.Join(stock.SaveLevel(ctx, level), stock.Move(ctx, m)); err != nil {
				return err
			}
			return l.lots.Return(ctx, inventory.CameBack{LocationID: l.WarehouseID, At: l.now, Reference: "R1", Lines: []inventory.ReturnedLine{{LineID: line, VariantID: l.food, Quantity: pieces, Lots: lots}}})
		})
	}
	require.NoError(t, back(one.Lines[0].LineID, 1))
	a, _ = l.lies(t, "A")
	require.Equal(t, 1, a)
	both := l.sold(t, 3)
	require.NoError(t, l.ship(both))
	require.ErrorIs(t, back(both.Lines[0].LineID, 1, inventory.LotPieces{Number: "X", Quantity: 1}), inventory.ErrLotUnknown)
	require.ErrorIs(t, back(both.Lines[0].LineID, 2, inventory.LotPieces{Number: "A", Quantity: 2}), inventory.ErrLotShort)
	require.NoError(t, back(both.Lines[0].LineID, 1, inventory.LotPieces{Number: "A", Quantity: 1}))
	require.NoError(t, back(both.Lines[0].LineID, 1))
	l.requireSums(t)

	// A stocktake counts by lot.
	count, err := l.StartStocktake(l.ctx, inventory.StartStocktakeInput{LocationID: l.WarehouseID})
	require.NoError(t, err)
	found := func(pieces int, lots ...inventory.LotPieces) error {
		_, err := l.CountStocktake(l.ctx, inventory.CountStocktakeInput{StocktakeID: count.ID, Lines: []inventory.CountedLineInput{{VariantID: l.food, Counted: pieces, Lots: lots}}})
		return err
	}
	requireCode(t, inventory.ErrLotsNeeded, found(4))
	requireCode(t, inventory.ErrLotsSum, found(4, inventory.LotPieces{Number: "A", Quantity: 3}))
	require.NoError(t, found(4, inventory.LotPieces{Number: "A", Quantity: 3}, inventory.LotPieces{Number: "N", ExpiresOn: day("2027-08-01"), Quantity: 1}))
	_, err = l.BookStocktake(l.ctx, inventory.BookStocktakeInput{IdempotencyKey: id.New().String(), StocktakeID: count.ID})
	require.NoError(t, err)
	a, _ = l.lies(t, "A")
	b, apart := l.lies(t, "B")
	require.Equal(t, [3]int{3, 0, 0}, [3]int{a, b, apart})
	l.requireSums(t)
	count, err = l.StartStocktake(l.ctx, inventory.StartStocktakeInput{LocationID: l.WarehouseID})
	require.NoError(t, err)
	_, err = l.BookStocktake(l.ctx, inventory.BookStocktakeInput{IdempotencyKey: id.New().String(), StocktakeID: count.ID, Zero: true})
	require.NoError(t, err)
	l.requireSums(t)
}

func TestLotsGoAlongToEventsAndBack(t *testing.T) {
	t.Parallel()
	l := newLarder(t, inventory.ByLot)
	van := id.New()
	l.exec(t, `INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, 'van', '{"ja":"移動販売車"}', 'EVENT')`, van, l.BrandID)
	l.receive(t, "A", "2027-01-10", 5)
	l.receive(t, "B", "2027-02-10", 5)
	send := func(from, to uuid.UUID, pieces int, lots ...inventory.LotPieces) (*inventory.Transfer, error) {
		return l.Send(l.ctx, inventory.SendStockInput{IdempotencyKey: id.New().String(), FromID: from, ToID: to, Lines: []inventory.SendLineInput{{VariantID: l.food, Quantity: pieces, Lots: lots}}})
	}
	arrive := func(sent *inventory.Transfer, pieces int, lots ...inventory.LotPieces) error {
		_, err := l.ReceiveTransfer(l.ctx, inventory.ReceiveTransferInput{IdempotencyKey: id.New().String(), TransferID: sent.ID, Lines: []inventory.ArrivedLineInput{{VariantID: l.food, Arrived: pieces, Lots: lots}}})
		return err
	}
	lots := func(location uuid.UUID) [2]int {
		var pieces [2]int
		for i, number := range []string{"A", "B"} {
			pieces[i] = l.number(t, `SELECT coalesce(sum(available), 0)::int FROM stock_lot_levels k JOIN stock_lots t ON t.id = k.lot_id WHERE t.number = $1 AND k.location_id = $2`, number, location)
		}
		return pieces
	}

	out, err := send(l.WarehouseID, van, 7)
	require.NoError(t, err)
	require.Equal(t, inventory.EventTakeOut, out.Kind)
	require.Equal(t, [2]int{0, 3}, lots(l.WarehouseID), "what expires first goes")
	requireCode(t, inventory.ErrLotUnknown, arrive(out, 1, inventory.LotPieces{Number: "X", Quantity: 1}))
	require.NoError(t, arrive(out, 6))
	require.Equal(t, [2]int{5, 1}, lots(van))
	_, err = l.CloseTransfer(l.ctx, inventory.CloseTransferInput{IdempotencyKey: id.New().String(), TransferID: out.ID, Returned: true})
	require.NoError(t, err)
	require.Equal(t, [2]int{0, 4}, lots(l.WarehouseID), "the one that never arrived is back")

	// What is set apart stays where it is unless its lot may not leave at all.
	l.exec(t, `UPDATE stock_lot_levels SET available = 3, quarantined = 2 WHERE lot_id = (SELECT id FROM stock_lots WHERE number = 'A') AND location_id = $1`, van)
	l.exec(t, `UPDATE stock_levels SET withheld = 2 WHERE location_id = $1`, van)
	_, err = send(van, l.WarehouseID, 4, inventory.LotPieces{Number: "A", Quantity: 4})
	requireCode(t, inventory.ErrLotShort, err)
	back, err := send(van, l.WarehouseID, 3, inventory.LotPieces{Number: "A", Quantity: 3})
	require.NoError(t, err)
	require.Equal(t, inventory.EventBringBack, back.Kind)
	require.NoError(t, arrive(back, 3))
	require.Equal(t, [2]int{3, 4}, lots(l.WarehouseID))
	require.Equal(t, [2]int{0, 1}, lots(van))
}

func TestSerialNumbersAreOfOnePieceEach(t *testing.T) {
	t.Parallel()
	l := newLarder(t, inventory.BySerial)
	serial := func(n string) inventory.LotPieces { return inventory.LotPieces{Number: n, Quantity: 1} }
	_, err := l.Receive(l.ctx, l.input(2, serial("S1"), serial("S2")))
	require.NoError(t, err)
	_, err = l.Receive(l.ctx, l.input(1, serial("S1")))
	requireCode(t, inventory.ErrSerialTaken, err)
	_, err = l.Receive(l.ctx, l.input(2, inventory.LotPieces{Number: "S9", Quantity: 2}))
	requireCode(t, inventory.ErrSerialOne, err)
	_, err = l.Receive(l.ctx, l.input(2))
	require.NoError(t, err, "they get their numbers when they leave")

	h := l.sold(t, 3)
	require.ErrorIs(t, l.ship(h), inventory.ErrSerialsNeeded)
	require.ErrorIs(t, l.ship(h, l.chosen(h, "S1", 1), l.chosen(h, "S1", 1)), inventory.ErrLotNumber)
	require.NoError(t, l.ship(h, l.chosen(h, "S1", 1), l.chosen(h, "NEW", 1)))
	require.Equal(t, 3, l.number(t, `SELECT count(*) FROM stock_lot_movements WHERE shipment_id = $1`, h.ID))
	next := l.sold(t, 1)
	require.ErrorIs(t, l.ship(next, l.chosen(next, "S1", 1)), inventory.ErrSerialTaken, "it has left")
	require.NoError(t, l.ship(next, l.chosen(next, "N2", 1)))
	l.requireSums(t)

	// A serial number that two receive at once is given to one.
	failures := make([]error, 8)
	var all sync.WaitGroup
	for i := range failures {
		all.Go(func() { _, failures[i] = l.Receive(l.ctx, l.input(1, serial("RACE"))) })
	}
	all.Wait()
	got := 0
	for _, err := range failures {
		if err == nil {
			got++
		} else {
			require.ErrorIs(t, err, inventory.ErrSerialTaken)
		}
	}
	require.Equal(t, 1, got)
	l.requireSums(t)
}

func TestTrackingBeginsWithNothingOrWithAnUnknownLot(t *testing.T) {
	t.Parallel()
	l := newLarder(t, inventory.Untracked)
	l.SetStock(t, l.food, 8)
	in := inventory.TrackingInput{VariantID: l.food, Mode: inventory.ByLot, Expires: true}
	_, err := l.lots.SetTracking(l.ctx, in)
	requireCode(t, inventory.ErrTrackingStock, err)
	in.KeepStock = true
	_, err = l.lots.SetTracking(l.ctx, in)
	require.NoError(t, err)
	available, _ := l.lies(t, "")
	require.Equal(t, 8, available)
	require.NoError(t, l.ship(l.sold(t, 3)))
	l.requireSums(t)
	in.Mode = inventory.Untracked
	_, err = l.lots.SetTracking(l.ctx, in)
	requireCode(t, inventory.ErrTrackingStock, err)
	in.AlertDays = 3651
	_, err = l.lots.SetTracking(l.ctx, in)
	requireCode(t, inventory.ErrTrackingDays, err)

	_, err = l.DB.Pool().Exec(l.ctx, `UPDATE stock_levels SET on_hand = on_hand + 1 WHERE variant_id = $1`, l.food)
	require.ErrorContains(t, err, "are not what lies there", "who forgets the lots fails")
}

func TestPiecesAreSetApartAndLetGoOnce(t *testing.T) {
	t.Parallel()
	l := newLarder(t, inventory.ByLot)
	l.receive(t, "A", "2027-01-10", 5)
	a := l.lot(t, "A")
	in := inventory.SetApartInput{IdempotencyKey: "apart-0001", LotID: a.ID, LocationID: l.WarehouseID, Quantity: 2, Reason: "破損"}
	for range 2 {
		_, err := l.lots.SetApart(l.ctx, in)
		require.NoError(t, err)
	}
	available, apart := l.lies(t, "A")
	require.Equal(t, [2]int{3, 2}, [2]int{available, apart})
	in.IdempotencyKey, in.Quantity, in.Release = "apart-0002", 3, true
	_, err := l.lots.SetApart(l.ctx, in)
	requireCode(t, inventory.ErrLotShort, err)
	in.IdempotencyKey, in.Quantity = "apart-0003", 1
	_, err = l.lots.SetApart(l.ctx, in)
	require.NoError(t, err)
	require.Equal(t, 4, l.number(t, `SELECT free FROM stock_levels WHERE variant_id = $1`, l.food))
	l.requireSums(t)
}

func isSaid(err error) bool {
	var said *fault.Error
	return errors.As(err, &said)
}

// Whatever is done at once, the sums hold when all is quiet, and what fails fails for a
// reason that is said.
func TestSumsHoldWhateverIsDoneAtOnce(t *testing.T) {
	t.Parallel()
	l := newLarder(t, inventory.ByLot)
	for i := range 3 {
		l.receive(t, fmt.Sprint("L", i), fmt.Sprintf("2027-0%d-10", i+2), 40)
	}
	for round := range 4 {
		random := rand.New(rand.NewPCG(7, uint64(round)))
		var deeds []func() error
		for range 24 {
			number := fmt.Sprint("L", random.IntN(3))
			pieces := random.IntN(4) + 1
			lot := l.lot(t, number)
			switch random.IntN(6) {
			case 0:
				deeds = append(deeds, func() error {
					_, err := l.Receive(l.ctx, l.input(pieces, inventory.LotPieces{Number: number, Quantity: pieces}))
					return err
				})
			case 1:
				deeds = append(deeds, func() error {
					_, err := l.Adjust(l.ctx, l.input(-pieces, inventory.LotPieces{Number: number, Quantity: pieces}))
					return err
				})
			case 2:
				deeds = append(deeds, func() error {
					_, err := l.lots.Recall(l.ctx, inventory.RecallInput{LotID: lot.ID, Reason: "点検"})
					return err
				}, func() error {
					_, err := l.lots.EndRecall(l.ctx, inventory.RecallInput{LotID: lot.ID})
					return err
				})
			default:
				h := l.sold(t, pieces)
				deeds = append(deeds, func() error { return l.ship(h) })
			}
		}
		failures := make([]error, len(deeds))
		var all sync.WaitGroup
		for i, do := range deeds {
			all.Go(func() { failures[i] = do() })
		}
		all.Wait()
		for _, err := range failures {
			if err != nil {
				require.True(t, isSaid(err), "%v", err)
			}
		}
		l.requireSums(t)
	}
}
