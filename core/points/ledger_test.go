package points_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// bench is a shop with programmes and members, and a clock that tests move.
type bench struct {
	*points.Service
	shop    *pgtest.Shop
	store   *postgres.Points
	now     atomic.Int64
	own     points.Programme
	pool    points.Programme
	members []uuid.UUID
	seats   sync.RWMutex // over members
	merging sync.Mutex   // as locked members let one merge wait for another
}

// one makes one posting in a transaction of its own.
func (b *bench) one(ctx context.Context, p points.Posting) (points.Result, error) {
	all, err := b.Post(ctx, p)
	if err != nil {
		return points.Result{}, err
	}
	return all[0], nil
}

var jst = time.FixedZone("JST", 9*60*60)

func (b *bench) clock() time.Time     { return time.UnixMicro(b.now.Load()).UTC() }
func (b *bench) set(at time.Time)     { b.now.Store(at.UnixMicro()) }
func (b *bench) pass(d time.Duration) { b.now.Add(d.Microseconds()) }

func open(t testing.TB, members int) *bench {
	b := &bench{shop: pgtest.NewShop(t)}
	b.set(time.Date(2026, 3, 1, 12, 0, 0, 0, jst))
	b.store = postgres.NewPoints(b.shop.DB)
	b.Service = points.New(points.Parts{
		Tx: b.shop.DB, Store: b.store, Keys: idempotency.New(b.shop.DB, postgres.NewKeys(b.shop.DB), b.clock), Events: postgres.NewEvents(b.shop.DB), Now: b.clock,
	})
	days := 30
	admin := b.as(access.Actor{Role: access.RoleAdmin})
	own, err := b.SaveProgramme(admin, points.SaveProgrammeInput{
		Code: "wan", Name: i18n.JA("わんポイント"), UnitPoints: 1, UnitMinor: 1, ExpiryDays: &days, ConfirmDays: 7, GraceDays: 14, NoticeDays: 7, Transferable: true, GrantLimit: 5000,
	})
	require.NoError(t, err)
	pool, err := b.SaveProgramme(admin, points.SaveProgrammeInput{
		Code: "pool", Name: i18n.JA("共通ポイント"), Shared: true, UnitPoints: 100, UnitMinor: 50, ExpiryDays: &days, GraceDays: 14, Transferable: false, GrantLimit: 5000,
	})
	require.NoError(t, err)
	b.own, b.pool = *own, *pool
	for range members {
		b.members = append(b.members, b.join(t))
	}
	return b
}

// as is the actor in the shop's channel.
func (b *bench) as(a access.Actor) context.Context {
	ctx := access.With(context.Background(), a)
	return channel.With(ctx, channel.Channel{ID: b.shop.ChannelID, BrandID: b.shop.BrandID, Currency: "JPY", TimeZone: "Asia/Tokyo"})
}

func (b *bench) member(m uuid.UUID) context.Context {
	return b.as(access.Actor{Role: access.RoleMember, ID: m})
}

func (b *bench) join(t testing.TB) uuid.UUID {
	m, err := b.newcomer()
	require.NoError(t, err)
	return m
}

func (b *bench) newcomer() (uuid.UUID, error) {
	m := id.New()
	_, err := b.shop.DB.Pool().Exec(context.Background(), `
		INSERT INTO accounts (id, role, email, name, created_at, updated_at) VALUES ($1, 'MEMBER', $2, '会員', $3, $3)`, m, m.String()+"@example.jp", b.clock())
	return m, err
}

// at is who sits there now.
func (b *bench) at(n int) uuid.UUID {
	b.seats.RLock()
	defer b.seats.RUnlock()
	return b.members[n]
}

// merge makes who sits on one seat one with who sits on another; a newcomer takes the seat.
// Until then others post to who is merged.
func (b *bench) merge(gone, kept int) error {
	b.merging.Lock()
	defer b.merging.Unlock()
	if err := b.Merge(context.Background(), b.at(kept), b.at(gone)); err != nil {
		return err
	}
	return b.replace(gone, b.at(gone))
}

// replace lets a newcomer sit where the member does.
func (b *bench) replace(seat int, member uuid.UUID) error {
	m, err := b.newcomer()
	if err != nil {
		return err
	}
	b.seats.Lock()
	defer b.seats.Unlock()
	if b.members[seat] == member {
		b.members[seat] = m
	}
	return nil
}

// close closes the member's account, and writes down that the member left.
func (b *bench) close(m uuid.UUID) error {
	return b.shop.DB.InTx(context.Background(), func(ctx context.Context) error {
		if err := postgres.NewAccounts(b.shop.DB).CloseAccount(ctx, m, b.clock()); err != nil {
			return err
		}
		return postgres.NewCustomers(b.shop.DB, nil).Forget(ctx, m, b.clock())
	})
}

func (b *bench) posting(kind points.Kind, m uuid.UUID, key string, n int64) points.Posting {
	return points.Posting{Holder: points.Holder{ProgrammeID: b.own.ID, MemberID: m}, Key: key, Kind: kind, Points: n, At: b.clock()}
}

func (b *bench) usable(t testing.TB, m uuid.UUID) int64 {
	all, err := b.Mine(b.member(m))
	require.NoError(t, err)
	for _, x := range all {
		if x.ProgrammeID == b.own.ID {
			return x.Usable
		}
	}
	return 0
}

// audit checks what must hold at every quiet moment.
func (b *bench) audit(t require.TestingT) {
	ctx := context.Background()
	type row struct {
		ID                        uuid.UUID
		Available, Pending, Owed  int64
		Number                    int64
		SumAvailable, SumPending  int64
		SumOwed, LotsAvailable    int64
		LotsPending, Entries, Top int64
		Gone                      bool
	}
	rows, err := b.shop.DB.Pool().Query(ctx, `
		SELECT a.id, a.available, a.pending, a.owed, a.number, a.merged_into IS NOT NULL AS gone,
			coalesce(e.available, 0)::bigint AS sum_available, coalesce(e.pending, 0)::bigint AS sum_pending, coalesce(e.owed, 0)::bigint AS sum_owed,
			coalesce(l.available, 0)::bigint AS lots_available, coalesce(l.pending, 0)::bigint AS lots_pending, coalesce(e.entries, 0) AS entries, coalesce(e.top, 0) AS top
		FROM point_accounts a
		LEFT JOIN (SELECT account_id, count(*) AS entries, max(number) AS top,
			sum(CASE 'AVAILABLE' WHEN credit THEN points WHEN debit THEN -points ELSE 0 END) AS available,
			sum(CASE 'PENDING' WHEN credit THEN points WHEN debit THEN -points ELSE 0 END) AS pending,
			sum(CASE 'OWED' WHEN debit THEN points WHEN credit THEN -points ELSE 0 END) AS owed FROM point_entries GROUP BY account_id) e ON e.account_id = a.id
		LEFT JOIN (SELECT account_id, sum(remaining) FILTER (WHERE NOT pending) AS available, sum(remaining) FILTER (WHERE pending) AS pending
			FROM point_lots GROUP BY account_id) l ON l.account_id = a.id`)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	require.NoError(t, err)
	for _, r := range all {
		require.Equal(t, r.SumAvailable, r.Available, "the balance is the sum of the entries")
		require.Equal(t, r.SumPending, r.Pending)
		require.Equal(t, r.SumOwed, r.Owed)
		require.Equal(t, r.LotsAvailable, r.Available, "the balance is what is left of the lots")
		require.Equal(t, r.LotsPending, r.Pending)
		require.GreaterOrEqual(t, min(r.Available, r.Pending, r.Owed), int64(0), "no balance is below zero")
		require.False(t, r.Gone && r.Available+r.Pending+r.Owed > 0, "who was merged has nothing left")
		require.Equal(t, r.Entries, r.Number, "no number is left out")
		require.Equal(t, r.Top, r.Number)
	}
	var uneven int
	require.NoError(t, b.shop.DB.Pool().QueryRow(ctx, `
		SELECT count(*) FROM (SELECT programme_id, sum(amount) FROM (
			SELECT programme_id, debit AS side, points AS amount FROM point_entries UNION ALL SELECT programme_id, credit, -points FROM point_entries) s
			GROUP BY programme_id HAVING sum(amount) <> 0) x`).Scan(&uneven))
	require.Zero(t, uneven, "debits are credits")
	var adrift int64 // what is on the way from member to member is nothing at a quiet moment
	require.NoError(t, b.shop.DB.Pool().QueryRow(ctx, `
		SELECT coalesce(sum(CASE WHEN credit = 'TRANSFER' THEN points ELSE -points END), 0)::bigint FROM point_entries WHERE 'TRANSFER' IN (debit, credit)`).Scan(&adrift))
	require.Zero(t, adrift)
	b.lots(t)
	b.replay(t)
}

// lots checks that each lot is its account's, and has of what was given with it no less than
// nothing and no more than all.
func (b *bench) lots(t require.TestingT) {
	var wrong int
	require.NoError(t, b.shop.DB.Pool().QueryRow(context.Background(), `
		SELECT count(*) FROM point_lots l LEFT JOIN point_accounts a ON a.id = l.account_id AND a.programme_id = l.programme_id
		WHERE a.id IS NULL OR l.remaining < 0 OR l.remaining > l.issued`).Scan(&wrong))
	require.Zero(t, wrong, "a lot that is nobody's, or has more than there was")
}

// replay adds every account's entries up in their order: what each says stands after it
// is so.
func (b *bench) replay(t require.TestingT) {
	var wrong int
	require.NoError(t, b.shop.DB.Pool().QueryRow(context.Background(), `
		SELECT count(*) FROM (SELECT available, pending,
			sum(CASE 'AVAILABLE' WHEN credit THEN points WHEN debit THEN -points ELSE 0 END) OVER w AS a,
			sum(CASE 'PENDING' WHEN credit THEN points WHEN debit THEN -points ELSE 0 END) OVER w AS p
			FROM point_entries WINDOW w AS (PARTITION BY account_id ORDER BY number)) x WHERE a <> available OR p <> pending`).Scan(&wrong))
	require.Zero(t, wrong)
}

func refused(err error) bool { return err == nil || len(fault.All(err)) > 0 }

func TestPostingHappensOnceForItsKey(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m := b.members[0]
	var group sync.WaitGroup
	for range 20 {
		group.Add(1)
		go func() {
			defer group.Done()
			_, err := b.one(context.Background(), b.posting(points.Earn, m, "the-key-1", 300))
			require.NoError(t, err)
		}()
	}
	group.Wait()
	require.EqualValues(t, 300, b.usable(t, m))
	_, err := b.one(context.Background(), b.posting(points.Earn, m, "the-key-1", 301))
	require.ErrorIs(t, err, idempotency.ErrReused)
	again, err := b.Post(context.Background(), b.posting(points.Earn, m, "the-key-1", 300))
	require.NoError(t, err)
	require.True(t, again[0].Replayed)
	b.audit(t)
}

func TestTwoUsesAtOnceNeverExceedTheBalance(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m := b.members[0]
	_, err := b.one(context.Background(), b.posting(points.Earn, m, "earned-1", 500))
	require.NoError(t, err)
	var done, short atomic.Int32
	var group sync.WaitGroup
	for i := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			_, err := b.Post(context.Background(), b.posting(points.Use, m, fmt.Sprintf("phone-%d", i), 400))
			switch {
			case err == nil:
				done.Add(1)
			case errors.Is(err, points.ErrShort):
				short.Add(1)
			}
		}()
	}
	group.Wait()
	require.EqualValues(t, 1, done.Load())
	require.EqualValues(t, 7, short.Load())
	require.EqualValues(t, 100, b.usable(t, m))
	b.audit(t)
}

func TestLotEndsWithItsDayInJapan(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m, ctx := b.members[0], context.Background()
	given := time.Date(2026, 3, 1, 23, 59, 59, 0, jst)
	b.set(given)
	_, err := b.one(ctx, b.posting(points.Earn, m, "first", 100))
	require.NoError(t, err)
	b.set(given.Add(time.Second)) // the next day
	_, err = b.one(ctx, b.posting(points.Earn, m, "second", 10))
	require.NoError(t, err)

	last := time.Date(2026, 3, 31, 23, 59, 59, 0, jst) // thirty days after the first
	b.set(last)
	require.EqualValues(t, 110, b.usable(t, m))
	_, err = b.one(ctx, b.posting(points.Use, m, "in time", 5))
	require.NoError(t, err)
	b.set(last.Add(time.Second)) // 00:00:00
	require.EqualValues(t, 10, b.usable(t, m), "nobody has run the job yet, and still it is over")
	_, err = b.one(ctx, b.posting(points.Use, m, "too late", 11))
	require.ErrorIs(t, err, points.ErrShort)
	_, err = b.one(ctx, b.posting(points.Use, m, "of the second", 4))
	require.NoError(t, err)
	b.audit(t)
	lost, err := b.store.Expire(ctx, b.own.ID, b.own.Day(b.clock()), b.clock(), 100)
	require.NoError(t, err)
	require.Empty(t, lost, "the use has written off what had expired")
	b.set(last.Add(24*time.Hour + time.Second))
	lost, err = b.store.Expire(ctx, b.own.ID, b.own.Day(b.clock()), b.clock(), 100)
	require.NoError(t, err)
	require.Len(t, lost, 1)
	require.Zero(t, b.usable(t, m))
	b.audit(t)
}

func TestUsedPointsComeBackToTheirLots(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m, ctx := b.members[0], context.Background()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, jst)
	b.set(start)
	_, err := b.one(ctx, b.posting(points.Earn, m, "old", 100))
	require.NoError(t, err)
	b.set(start.AddDate(0, 0, 20))
	_, err = b.one(ctx, b.posting(points.Earn, m, "new", 100))
	require.NoError(t, err)
	_, err = b.one(ctx, b.posting(points.Use, m, "use:1", 150)) // all of the old, half of the new
	require.NoError(t, err)
	b.set(start.AddDate(0, 0, 40)) // the old ones are over
	back := b.posting(points.Return, m, "back:1", 60)
	back.Undoes = "use:1"
	_, err = b.one(ctx, back)
	require.NoError(t, err)
	lots, err := b.Lots(b.member(m), b.own.ID, nil)
	require.NoError(t, err)
	require.Len(t, lots, 2)
	require.Equal(t, "2026-04-20", lots[0].ExpiresOn.Format(time.DateOnly), "the new lot's own day")
	require.EqualValues(t, 100, lots[0].Remaining)
	require.Equal(t, "2026-04-24", lots[1].ExpiresOn.Format(time.DateOnly), "fourteen days of grace")
	require.EqualValues(t, 10, lots[1].Remaining)
	back.Key, back.Points = "back:2", 91
	_, err = b.one(ctx, back)
	require.ErrorIs(t, err, points.ErrNotUsed, "more than was used never comes back")
	back.Points = 90
	_, err = b.one(ctx, back)
	require.NoError(t, err)
	require.EqualValues(t, 200, b.usable(t, m))
	b.audit(t)
}

func TestPointsTakenBackAfterUseAreOwed(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m, ctx, order := b.members[0], context.Background(), id.New()
	earned := b.posting(points.Earn, m, "earn:1", 100)
	earned.OrderID = &order
	_, err := b.one(ctx, earned)
	require.NoError(t, err)
	_, err = b.one(ctx, b.posting(points.Use, m, "use:1", 80))
	require.NoError(t, err)
	taken := b.posting(points.TakeBack, m, "taken:1", 100)
	taken.OrderID = &order
	r, err := b.one(ctx, taken)
	require.NoError(t, err)
	require.EqualValues(t, 0, r.Account.Available)
	require.EqualValues(t, 80, r.Account.Owed)
	r, err = b.one(ctx, b.posting(points.Earn, m, "earn:2", 100))
	require.NoError(t, err)
	require.EqualValues(t, 20, r.Account.Available, "what was owed comes off")
	require.Zero(t, r.Account.Owed)
	b.audit(t)
}

func TestATakeBackIsOfOneNumberOfPoints(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m := b.members[0]
	_, err := b.one(t.Context(), b.posting(points.Earn, m, "earned", 100))
	require.NoError(t, err)
	for range 2 {
		_, err = b.one(t.Context(), b.posting(points.TakeBack, m, "taken", 10))
		require.NoError(t, err)
	}
	_, err = b.one(t.Context(), b.posting(points.TakeBack, m, "taken", 40))
	require.ErrorIs(t, err, idempotency.ErrReused, "what is to be taken back besides is not swallowed")
	require.EqualValues(t, 90, b.usable(t, m))
}

func TestStatementIsReadByPages(t *testing.T) {
	t.Parallel()
	b := open(t, 2)
	m := b.members[0]
	for i := range 7 {
		_, err := b.one(context.Background(), b.posting(points.Earn, m, fmt.Sprintf("earn:%d", i), int64(i+1)))
		require.NoError(t, err)
	}
	var after *string
	var seen []int64
	for {
		first := 3
		p, err := b.Statement(b.member(m), points.StatementInput{ProgrammeID: b.own.ID, Page: page.Args{First: &first, After: after}})
		require.NoError(t, err)
		for _, e := range p.Nodes() {
			seen = append(seen, e.Points)
		}
		if !p.PageInfo.HasNextPage {
			break
		}
		after = p.PageInfo.EndCursor
	}
	require.Equal(t, []int64{7, 6, 5, 4, 3, 2, 1}, seen)
	_, err := b.Statement(b.member(b.members[1]), points.StatementInput{ProgrammeID: b.own.ID, MemberID: &m})
	require.ErrorIs(t, err, fault.ErrForbidden, "nobody reads another's")
}

// owing lets a member owe what an order had earned: they have used it all, and the goods came
// back.
func (b *bench) owing(t testing.TB, m uuid.UUID, n int64) {
	order := id.New()
	earned, back := b.posting(points.Earn, m, "earned", n), b.posting(points.TakeBack, m, "taken", n)
	earned.OrderID, back.OrderID = &order, &order
	_, err := b.Post(t.Context(), earned, b.posting(points.Use, m, "use:1", n), back)
	require.NoError(t, err)
}

func TestWhatIsOwedComesOffWhatComesBack(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m := b.members[0]
	b.owing(t, m, 1000)
	back := b.posting(points.Return, m, "back:1", 400)
	back.Undoes = "use:1"
	r, err := b.one(t.Context(), back)
	require.NoError(t, err)
	require.Equal(t, []int64{0, 600}, []int64{r.Account.Available, r.Account.Owed})
	r, err = b.one(t.Context(), back)
	require.NoError(t, err)
	require.True(t, r.Replayed)
	_, err = b.one(t.Context(), b.posting(points.Grant, m, "sorry", 50))
	require.NoError(t, err)
	require.EqualValues(t, 50, b.usable(t, m), "what staff give for an apology is theirs")
	b.pass(31 * 24 * time.Hour)
	back.Key, back.Points, back.At = "back:2", 600, b.clock()
	r, err = b.one(t.Context(), back)
	require.NoError(t, err)
	require.Equal(t, int64(0), r.Account.Owed, "of points that live on as well")
	require.Zero(t, b.usable(t, m))
	b.audit(t)
}

func TestWhatIsOwedComesOffWhatComesInFromElsewhere(t *testing.T) {
	t.Parallel()
	for _, kind := range []points.Kind{points.Receive, points.TransferIn, points.ExchangeIn} {
		b := open(t, 1)
		m := b.members[0]
		b.owing(t, m, 100)
		r, err := b.one(t.Context(), b.posting(kind, m, "came", 130))
		require.NoError(t, err)
		require.Equal(t, []int64{30, 0}, []int64{r.Account.Available, r.Account.Owed}, kind)
	}
}

func TestWhatWasUsedComesBackAfterItsLotExpiredAndItsMemberWasMerged(t *testing.T) {
	t.Parallel()
	b := open(t, 2)
	gone, kept := b.members[0], b.members[1]
	_, err := b.Post(t.Context(), b.posting(points.Earn, gone, "earned", 100), b.posting(points.Use, gone, "use:1", 60))
	require.NoError(t, err)
	b.pass(31 * 24 * time.Hour)
	require.NoError(t, b.Expire(t.Context()))
	require.NoError(t, b.Merge(t.Context(), kept, gone))
	back := b.posting(points.Return, kept, "back:1", 60)
	back.Undoes = "use:1"
	for range 2 {
		_, err = b.Post(t.Context(), back)
		require.NoError(t, err)
		require.EqualValues(t, 60, b.usable(t, kept), "what expired unused does not come back, what was used does, once")
	}
	back.Key, back.Points = "back:2", 1
	_, err = b.Post(t.Context(), back)
	require.ErrorIs(t, err, points.ErrNotUsed)
	b.audit(t)
}
