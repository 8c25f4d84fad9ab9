package points_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prize"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
)

// fair is a bench whose points go everywhere: between two programmes, to another system and
// from there, for prizes and back.
type fair struct {
	*bench
	prizes  *prize.Service
	bowl    *prize.Prize
	sky     *points.Partner
	jobs    *queue
	orders  []uuid.UUID
	staff   context.Context
	mutex   sync.Mutex
	bought  []uuid.UUID // exchanges for the bowl
	settled []step      // that ended well in this round
}

const seats = 4

func openFair(t testing.TB) *fair {
	f := &fair{bench: open(t, seats), jobs: &queue{}}
	f.staff = f.as(access.Actor{Role: access.RoleAdmin, ID: id.New()})
	f.Jobs, f.Links = f.jobs, map[string]points.Link{"sky": moody{}}
	for range 6 {
		f.orders = append(f.orders, id.New())
	}
	for _, r := range []points.SaveRateInput{{FromID: f.own.ID, ToID: f.pool.ID, FromPoints: 2, ToPoints: 1}, {FromID: f.pool.ID, ToID: f.own.ID, FromPoints: 1, ToPoints: 2}} {
		_, err := f.SaveRate(f.staff, r)
		require.NoError(t, err)
	}
	var err error
	f.sky, err = f.SavePartner(f.staff, points.SavePartnerInput{
		ProgrammeID: f.own.ID, Code: "sky", Name: i18n.JA("空マイル"), Way: points.WayAPI, OurPoints: 2, TheirPoints: 1, MinPoints: 2, Sends: true, Receives: true,
	})
	require.NoError(t, err)
	master, err := identity.Sealer("secret", "test")
	require.NoError(t, err)
	sealed := sealing.New(postgres.NewDataKeys(f.shop.DB), master, f.clock)
	_, err = sealed.Current(f.staff)
	require.NoError(t, err)
	f.prizes = prize.New(prize.Parts{
		Tx: f.shop.DB, Store: postgres.NewPrizes(f.shop.DB, sealed), Keys: f.Keys, Points: f.Service, Outbox: f.jobs, Events: f.Events, Now: f.clock,
	})
	f.bowl, err = f.prizes.Save(f.staff, prize.SaveInput{IdempotencyKey: "the-bowl", ProgrammeID: f.own.ID, Kind: prize.Goods, Code: "BOWL-1", Name: i18n.JA("陶器のボウル"), Points: 20, Stock: 1_000_000})
	require.NoError(t, err)
	return f
}

// moody is another system that takes some transfers, turns down others, and sometimes says
// nothing; what it has said it says again.
type moody struct{}

func (moody) Send(_ context.Context, p points.Parcel) (points.Answer, error) {
	switch {
	case rand.IntN(3) == 0: //nolint:gosec // a test's dice
		return silence()
	case p.Key[15]%2 == 0:
		return accepts()
	}
	return rejects()
}

// step is one thing that somebody does.
type step struct {
	word   int // of the words
	member uuid.UUID
	to     uuid.UUID
	seat   int
	other  int
	points int64
	order  int
	bought uuid.UUID // an exchange for a bowl, if there is one
	key    string
}

// words are what can happen. Those that have a key mean the same when they come again, and are
// refused when they come with another number of points.
var words = []struct {
	name  string
	keyed bool
	do    func(*fair, step) error
}{
	{"earn", true, (*fair).earn},
	{"promise", true, (*fair).promise},
	{"confirm", false, (*fair).confirm},
	{"use", true, (*fair).use},
	{"use", true, (*fair).use},
	{"return", true, (*fair).giveBack},
	{"take back", true, (*fair).takeBack},
	{"transfer", true, (*fair).transfer},
	{"expire", false, (*fair).expire},
	{"grant", true, (*fair).grant},
	{"deduct", true, (*fair).deduct},
	{"merge", false, (*fair).join},
	{"leave", false, (*fair).leave},
	{"leave", false, (*fair).leave},
	{"exchange", true, (*fair).exchange},
	{"exchange back", true, (*fair).exchangeBack},
	{"send", true, (*fair).send},
	{"deliver", false, (*fair).deliver},
	{"deliver", false, (*fair).deliver},
	{"receive", true, (*fair).receive},
	{"prize", true, (*fair).prize},
	{"prize back", true, (*fair).prizeBack},
}

// step is what the dice say.
func (f *fair) step(dice *rand.Rand, round, hand int) step {
	s := step{
		word: dice.IntN(len(words)), seat: dice.IntN(seats), other: dice.IntN(seats), points: 1 + dice.Int64N(200), order: dice.IntN(len(f.orders)),
		key: fmt.Sprintf("k%d", dice.IntN(12)),
	}
	if dice.IntN(3) > 0 {
		s.key = fmt.Sprintf("k%d-%d-%d", round, hand, dice.IntN(1000))
	}
	s.member, s.to = f.at(s.seat), f.at(s.other)
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if n := len(f.bought); n > 0 {
		s.bought = f.bought[n-1-int(s.points)%min(n, 12)]
	}
	return s
}

// take does the step. It fails only for what is no refusal.
func (f *fair) take(s step) error {
	w := words[s.word]
	err := w.do(f, s)
	switch {
	case err == nil && w.keyed:
		f.mutex.Lock()
		defer f.mutex.Unlock()
		f.settled = append(f.settled, s)
		return nil
	case errors.Is(err, idempotency.ErrReused) || refused(err):
		return nil
	}
	return fmt.Errorf("%s %+v: %w", w.name, s, err)
}

// again takes every step of the round that ended well once more, one after the other, and then
// with another number of points, which is refused: nothing moves.
func (f *fair) again(t require.TestingT) {
	const moved = `SELECT (SELECT count(*) FROM point_entries) + (SELECT count(*) FROM point_transfers) + (SELECT count(*) FROM prize_exchanges)`
	count := func() (n int64) {
		require.NoError(t, f.shop.DB.Pool().QueryRow(context.Background(), moved).Scan(&n))
		return n
	}
	before, all := count(), f.settled
	f.settled = nil
	for _, s := range all {
		require.NoError(t, f.take(s))
		require.Equal(t, before, count(), "%s %+v", words[s.word].name, s)
		if f.other(&s); s.points > 0 {
			err := words[s.word].do(f, s)
			require.True(t, err != nil && refused(err), "%s %+v: %v", words[s.word].name, s, err)
			require.Equal(t, before, count(), "%s %+v", words[s.word].name, s)
		}
	}
	f.settled = nil
}

// other lets the step be of another number of points; of none if it goes by no number.
func (*fair) other(s *step) {
	if s.points++; slices.Contains([]string{"prize", "prize back"}, words[s.word].name) {
		s.points = 0
	}
}

// lapses checks that what is known of orders to have expired unused is what was written off,
// whoever had it then, and what is over by now.
func (f *fair) lapses(t require.TestingT) {
	ctx := context.Background()
	for _, order := range f.orders {
		earned, err := f.store.Earned(ctx, order, f.clock())
		require.NoError(t, err)
		for _, e := range earned {
			var lapsed int64
			require.NoError(t, f.shop.DB.Pool().QueryRow(ctx, `
				SELECT coalesce((SELECT sum((p->>'points')::bigint) FROM point_entries e CROSS JOIN LATERAL jsonb_array_elements(e.portions) p JOIN point_lots l ON l.id = (p->>'lot')::uuid
						WHERE e.kind = 'EXPIRE' AND l.order_id = $1 AND l.programme_id = $2), 0)::bigint
					+ coalesce((SELECT sum(remaining) FROM point_lots WHERE order_id = $1 AND programme_id = $2 AND NOT pending AND expires_on < $3), 0)::bigint`,
				order, e.ProgrammeID, f.own.Day(f.clock())).Scan(&lapsed))
			require.Equal(t, lapsed, e.Lapsed)
		}
	}
}

func (f *fair) earn(s step) error {
	p := f.posting(points.Earn, s.member, s.key, s.points)
	p.OrderID = &f.orders[s.order]
	_, err := f.Post(context.Background(), p)
	return err
}

func (f *fair) promise(s step) error {
	p := f.posting(points.Earn, s.member, s.key, s.points)
	p.Pending, p.OrderID = true, &f.orders[s.order]
	_, err := f.Post(context.Background(), p)
	return err
}

func (f *fair) confirm(s step) error {
	p := f.posting(points.Confirm, s.member, s.key, 0)
	p.OrderID = &f.orders[s.order]
	_, err := f.Post(context.Background(), p)
	return err
}

func (f *fair) use(s step) error {
	_, err := f.Post(context.Background(), f.posting(points.Use, s.member, "use:"+s.key, s.points))
	return err
}

func (f *fair) giveBack(s step) error {
	p := f.posting(points.Return, s.member, s.key, s.points)
	p.Undoes = fmt.Sprint("use:k", s.order)
	_, err := f.Post(context.Background(), p)
	return err
}

func (f *fair) takeBack(s step) error {
	p := f.posting(points.TakeBack, s.member, s.key, s.points)
	p.OrderID = &f.orders[s.order]
	_, err := f.Post(context.Background(), p)
	return err
}

// transfer is of a key that means the same two.
func (f *fair) transfer(s step) error {
	key := fmt.Sprint(s.key, s.member, s.to)
	if s.member == s.to {
		return points.ErrSelf
	}
	_, err := f.Post(context.Background(), f.posting(points.TransferOut, s.member, key, s.points), f.posting(points.TransferIn, s.to, key, s.points))
	return err
}

func (f *fair) expire(step) error {
	f.pass(24 * time.Hour)
	return f.Expire(context.Background())
}

func (f *fair) grant(s step) error  { return f.byHand(s, false) }
func (f *fair) deduct(s step) error { return f.byHand(s, true) }

func (f *fair) byHand(s step, deduct bool) error {
	clerk := f.as(access.Actor{Role: access.RoleStaff, ID: f.orders[s.order], Permissions: []access.Permission{access.PointWrite}})
	_, err := f.Grant(clerk, points.GrantInput{IdempotencyKey: "granted-" + s.key, ProgrammeID: f.own.ID, MemberID: s.member, Points: s.points, Deduct: deduct, Reason: "お詫び"})
	return err
}

func (f *fair) join(s step) error {
	if s.seat == s.other {
		return points.ErrSelf
	}
	return f.merge(s.seat, s.other)
}

// leave lets who sits there close the account, and stay for a while: others still give to them,
// and what they bought is given back. Who has left makes room for a newcomer.
func (f *fair) leave(s step) error {
	var left bool
	if err := f.shop.DB.Pool().QueryRow(context.Background(), `SELECT closed_at IS NOT NULL FROM accounts WHERE id = $1`, s.member).Scan(&left); err != nil {
		return err
	}
	if left {
		return f.replace(s.seat, s.member)
	}
	return f.close(s.member)
}

func (f *fair) exchange(s step) error { return f.turn(s, f.own, f.pool) }

func (f *fair) exchangeBack(s step) error { return f.turn(s, f.pool, f.own) }

func (f *fair) turn(s step, from, to points.Programme) error {
	_, err := f.Exchange(f.member(s.member), points.ExchangeInput{IdempotencyKey: "turned-" + s.key, FromID: from.ID, ToID: to.ID, Points: s.points})
	return err
}

func (f *fair) send(s step) error {
	_, err := f.Send(f.member(s.member), points.SendInput{IdempotencyKey: "parcel-" + s.key, PartnerID: f.sky.ID, TheirMember: "77", Points: s.points})
	return err
}

// deliver tells the other system of a transfer, maybe once more.
func (f *fair) deliver(s step) error {
	f.jobs.Lock()
	all := f.jobs.sent
	f.jobs.Unlock()
	if len(all) == 0 {
		return points.ErrPartner
	}
	late := int(s.points) % min(len(all), 12)
	if err := f.Deliver(context.Background(), all[len(all)-1-late]); !errors.Is(err, errSilent) {
		return err
	}
	return nil
}

func (f *fair) receive(s step) error {
	_, _, err := f.ReceivePoints(f.staff, points.ReceiveInput{PartnerID: f.sky.ID, Reference: "IN-" + s.key, MemberID: &s.member, TheirPoints: s.points})
	return err
}

func (f *fair) prize(s step) error {
	e, err := f.prizes.Exchange(f.member(s.member), prize.ExchangeInput{
		IdempotencyKey: "bought-" + s.key, PrizeID: f.bowl.ID, Quantity: 1 + s.order, Points: f.bowl.Points * int64(1+s.order),
		Address: &customer.Address{Name: "山田 花子", PostalCode: "1500001", Prefecture: "TOKYO", City: "渋谷区", Line1: "神宮前1-2-3", Phone: "0312345678"},
	})
	if err != nil {
		return err
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.bought = append(f.bought, e.ID)
	return nil
}

// prizeBack gives one of the bowls up, maybe one that was given up before.
func (f *fair) prizeBack(s step) error {
	_, err := f.prizes.Cancel(f.staff, prize.CancelInput{IdempotencyKey: "back-" + s.key + s.bought.String(), ExchangeID: s.bought, Reason: "欠品"})
	return err
}

// agree checks what lies outside members' accounts: what is on the way to the other system,
// or there, is what the transfers say, and what was paid for bowls is what they cost.
func (f *fair) agree(t require.TestingT) {
	const sum = `(SELECT coalesce(sum(CASE $1::text WHEN credit THEN points WHEN debit THEN -points ELSE 0 END), 0)::bigint FROM point_entries)`
	for side, told := range map[points.Side]string{
		points.Sending: `SELECT coalesce(sum(points), 0)::bigint FROM point_transfers WHERE outgoing AND state IN ('RESERVED', 'SENT')`,
		points.External: `SELECT coalesce(sum(CASE WHEN outgoing THEN points ELSE -points END), 0)::bigint FROM point_transfers
			WHERE outgoing AND state = 'ACKNOWLEDGED' OR NOT outgoing`,
		points.Prizes: `SELECT coalesce(sum(points), 0)::bigint FROM prize_exchanges WHERE state <> 'CANCELLED'`,
	} {
		var books, said int64
		require.NoError(t, f.shop.DB.Pool().QueryRow(context.Background(), `SELECT `+sum+`, (`+told+`)`, side).Scan(&books, &said))
		require.Equal(t, said, books, side)
	}
}

func TestLedgerHoldsWhateverHappensAtOnce(t *testing.T) {
	t.Parallel()
	openFair(t).hold(t)
}

// The same where points live on with each movement: what can be used lives as long as the last
// movement says, and not longer than any says.
func TestLedgerHoldsWhereMovementsLetPointsLive(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	months := 1
	own, err := f.SaveProgramme(f.staff, points.SaveProgrammeInput{
		ID: &f.own.ID, Code: f.own.Code, Name: f.own.Name, UnitPoints: 1, UnitMinor: 1, Expiry: points.ByMovement, ExpiryMonths: &months,
		ConfirmDays: 7, GraceDays: 14, NoticeDays: 7, Transferable: true, GrantLimit: 5000,
	})
	require.NoError(t, err)
	f.own = *own
	f.hold(t)
}

// live checks, where movements let points live, that each account says so by the last movement
// of whoever it is made of, and that none of its points ends before that.
func (f *fair) live(t require.TestingT) {
	if f.own.Expiry != points.ByMovement {
		return
	}
	const lived = `WITH held AS (
			SELECT a.id, a.lasts_until, max(((e.at AT TIME ZONE 'Asia/Tokyo')::date + interval '1 month')::date)
				FILTER (WHERE e.kind IN ('EARN', 'CONFIRM', 'USE', 'TRANSFER_OUT', 'TRANSFER_IN', 'EXCHANGE_OUT', 'EXCHANGE_IN', 'SEND', 'RECEIVE', 'PRIZE')) AS told
			FROM point_accounts a JOIN point_accounts h ON h.id = a.id OR h.merged_into = a.id JOIN point_entries e ON e.account_id = h.id
			WHERE a.programme_id = $1 AND a.merged_into IS NULL GROUP BY a.id
		)`
	var wrong, short int
	require.NoError(t, f.shop.DB.Pool().QueryRow(context.Background(), lived+`
		SELECT (SELECT count(*) FROM held WHERE lasts_until IS DISTINCT FROM told),
			(SELECT count(*) FROM held h JOIN point_lots l ON l.account_id = h.id WHERE l.remaining > 0 AND NOT l.pending AND l.expires_on >= $2 AND l.expires_on < h.told)`,
		f.own.ID, f.own.Day(f.clock())).Scan(&wrong, &short))
	require.Zero(t, wrong, "accounts that do not live by their last movement")
	require.Zero(t, short, "lots that end before")
}

// gone checks that who has left, or has been since, has nothing that could be used.
func (f *fair) gone(t require.TestingT) {
	var wrong int
	require.NoError(t, f.shop.DB.Pool().QueryRow(context.Background(), `
		SELECT count(*) FROM point_accounts a JOIN accounts x ON x.id = a.member_id JOIN point_lots l ON l.account_id = a.id
		WHERE a.merged_into IS NULL AND x.closed_at IS NOT NULL AND l.remaining > 0 AND NOT l.pending AND (l.expires_on IS NULL OR l.expires_on >= $1)`,
		f.own.Day(f.clock())).Scan(&wrong))
	require.Zero(t, wrong, "who has left has points that live on")
}

// hold lets hands do whatever they like at once, and checks what must hold whenever they rest.
func (f *fair) hold(t *testing.T) {
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++
		seed := rapid.Uint64().Draw(r, "seed")
		hands := rapid.IntRange(1, 6).Draw(r, "hands")
		var group sync.WaitGroup
		failures := make(chan error, 100)
		for hand := range hands {
			group.Go(func() {
				dice := rand.New(rand.NewPCG(seed, uint64(hand))) //nolint:gosec // a test's dice
				for range 12 {
					if err := f.take(f.step(dice, round, hand)); err != nil {
						failures <- err
						return
					}
				}
			})
		}
		group.Wait()
		close(failures)
		for err := range failures {
			require.NoError(r, err)
		}
		f.audit(r)
		f.agree(r)
		f.live(r)
		f.gone(r)
		f.lapses(r)
		f.again(r)
	})
}
