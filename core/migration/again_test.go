package migration_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/migration"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/purchase"
	"github.com/noren-commerce/noren/storage/postgres"
)

const (
	pointHead    = "会員コード,残高,期限\n"
	purchaseHead = "店,レジ,伝票,日付,時刻,会員,商品,品名,数,金額\n"
)

// A dry run says what the run will do, also where an earlier file brought some of it.
func TestADryRunSaysWhatWasBroughtBefore(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.bring(t, migration.Members, memberMapping, memberHead+memberRow("A1", 1, "昭和50年1月2日"), false)
	d.bring(t, migration.Points, pointMapping, pointHead+"A1,100,R9.3.31\nA1,200,R9.4.30\n", false)
	d.bring(t, migration.Purchases, purchaseMapping, purchaseHead+"1,,R1,H30.4.1,,,4900000000017,フード,1,990\n1,,R2,H30.4.1,,,4900000000017,フード,1,990\n", false)
	for kind, c := range map[migration.Kind]struct {
		mapping, text string
		want          migration.Counts
	}{
		migration.Points: {pointMapping, pointHead + "A1,100,R9.3.31\nA1,250,R9.4.30\nA1,300,R9.5.31\n",
			migration.Counts{Rows: 3, Accepted: 1, Repeated: 1, Rejected: 1, Remarks: 1}},
		migration.Purchases: {purchaseMapping, purchaseHead + "1,,R1,H30.4.1,,,4900000000017,フード,1,990\n1,,R2,H30.4.1,,,4900000000017,フード,2,1980\n1,,R3,H30.4.1,,,4900000000017,フード,1,990\n",
			migration.Counts{Rows: 3, Accepted: 1, Repeated: 2, Remarks: 1}},
	} {
		dry := d.bring(t, kind, c.mapping, c.text, true)
		require.Equal(t, c.want, dry.Counts, d.report(t, dry))
		run := d.bring(t, kind, c.mapping, c.text, false)
		require.Equal(t, dry.Counts, run.Counts, d.report(t, run))
		require.Equal(t, d.report(t, dry), d.report(t, run))
	}
	require.Equal(t, 1, d.count(t, `SELECT count(*) FROM purchase_problems WHERE kind = 'RECEIPT'`), "a receipt that is there with other content")
}

// The last receipt of a file that is cut off inside a quote may have had more rows.
func TestAReceiptBeforeACutIsNotTaken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first := "1,,R6,H30.4.1,,,4900000000017,フード,1,990\n1,,R7,H30.4.1,,,4900000000017,フード,1,990\n"
	rest := "1,,R7,H30.4.1,,,4900000000024,おやつ,1,\"1,980\"\n"
	cut := d.bring(t, migration.Purchases, purchaseMapping, purchaseHead+first+rest[:len(rest)-5], false)
	require.Equal(t, migration.Failed, cut.State)
	require.Equal(t, 1, cut.Accepted, "the one before")
	require.Zero(t, d.count(t, `SELECT count(*) FROM purchases WHERE receipt = 'R7'`))
	whole := d.bring(t, migration.Purchases, purchaseMapping, purchaseHead+first+rest, false)
	require.Equal(t, []int{2, 1}, []int{whole.Accepted, whole.Repeated}, d.report(t, whole))
	require.Equal(t, 2970, d.count(t, `SELECT total FROM purchases WHERE receipt = 'R7'`))
}

// Keys are kept as they stand: the same key finds its member whatever its width.
func TestKeysOfAnyWidthFindTheirMembers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.bring(t, migration.Members, memberMapping, memberHead+memberRow("Ａ００１", 1, "昭和50年1月2日")+memberRow("ｶ2", 2, "昭和51年1月2日"), false)
	run := d.bring(t, migration.Points, pointMapping, pointHead+"Ａ００１,100,R9.3.31\nｶ2,200,R9.3.31\n", false)
	require.Equal(t, 2, run.Accepted, d.report(t, run))
}

func TestNothingIsOpenedForWhoWasErased(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.bring(t, migration.Members, memberMapping, memberHead+memberRow("A1", 1, "昭和50年1月2日"), false)
	d.exec(t, `UPDATE members SET erased_at = $1`, noon)
	run := d.bring(t, migration.Points, pointMapping, pointHead+"A1,100,R9.3.31\n", false)
	require.Equal(t, []int{0, 1}, []int{run.Accepted, run.Rejected})
	require.Contains(t, d.report(t, run), "この会員の個人情報は削除されています")
	require.Zero(t, d.count(t, `SELECT count(*) FROM point_entries`))
}

// A transaction that PostgreSQL breaks off is tried again; what is said of its rows is said once.
func TestASecondTryRemarksNothingTwice(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.bring(t, migration.Members, memberMapping, memberHead+memberRow("A1", 1, "昭和50年1月2日"), false)
	events, now := postgres.NewEvents(d.db), clock.Fixed(noon)
	d.past = migration.New(migration.Parts{
		Store: tryingTwice{postgres.NewDataMigrations(d.db, nil, d.keys)}, Events: events, Now: now,
		Points:    points.New(points.Parts{Tx: d.db, Store: postgres.NewPoints(d.db), Events: events, Now: now}),
		Purchases: purchase.New(purchase.Parts{Tx: d.db, Store: postgres.NewPurchases(d.db), Events: events, Now: now}),
	})
	taken := memberRow("A2", 1, "昭和51年1月2日") // its card is A1's
	run := d.bring(t, migration.Members, memberMapping, memberHead+taken+memberRow("A3", 3, "昭和52年1月2日")+memberRow("A3", 4, "昭和53年1月2日"), false)
	require.Equal(t, []int{3, 2, 1, 2}, []int{run.Rows, run.Accepted, run.Rejected, run.Remarks}, d.report(t, run))
	require.Contains(t, d.report(t, run), "会員番号は既に登録されているため")
}

// tryingTwice breaks every transaction off once before it is made.
type tryingTwice struct{ *postgres.DataMigrations }

func (s tryingTwice) InTx(ctx context.Context, f func(context.Context) error) error {
	broken := errors.New("broken off")
	err := s.DataMigrations.InTx(ctx, func(ctx context.Context) error {
		if err := f(ctx); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		return err
	}
	return s.DataMigrations.InTx(ctx, f)
}
