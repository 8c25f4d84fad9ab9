package draw_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/draw"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prize"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/segment"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// fair is a shop with a draw: ten bowls and one cushion, 10 points an entry.
type fair struct {
	segments *segment.Service
	*draw.Service
	shop    *pgtest.Shop
	points  *points.Service
	prizes  *prize.Service
	members *postgres.Members
	own     points.Programme
	bowl    *prize.Prize
	pillow  *prize.Prize
	now     atomic.Int64
	keys    atomic.Int64
	mutex   sync.Mutex
	mails   []messaging.Message
	refused uuid.UUID // whose mails cannot be queued
}

// Enqueue keeps mails.
func (f *fair) Enqueue(_ context.Context, all ...messaging.Message) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, m := range all {
		if f.refused != uuid.Nil && m.To.Email == f.refused.String()+"@example.jp" {
			return errRefused
		}
	}
	f.mails = append(f.mails, all...)
	return nil
}

var jst = time.FixedZone("JST", 9*60*60)

func (f *fair) clock() time.Time     { return time.UnixMicro(f.now.Load()).UTC() }
func (f *fair) pass(d time.Duration) { f.now.Add(d.Microseconds()) }

func openFair(t testing.TB) *fair {
	f := &fair{shop: pgtest.NewShop(t)}
	f.now.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, jst).UnixMicro())
	db := f.shop.DB
	master, err := identity.Sealer("secret", "test")
	require.NoError(t, err)
	sealed := sealing.New(postgres.NewDataKeys(db), master, clock.System)
	_, err = sealed.Current(context.Background())
	require.NoError(t, err)
	keys, events := idempotency.New(db, postgres.NewKeys(db), f.clock), postgres.NewEvents(db)
	f.points = points.New(points.Parts{Tx: db, Store: postgres.NewPoints(db), Keys: keys, Events: events, Now: f.clock})
	customers := customer.New(db, postgres.NewCustomers(db, sealed), events, f.clock)
	f.members = postgres.NewMembers(db, sealed)
	members := member.New(member.Parts{Tx: db, Store: f.members, Keys: keys, Customers: customers, Events: events, Now: f.clock})
	f.segments = segment.New(segment.Parts{Tx: db, Store: postgres.NewSegments(db, postgres.NewMembers(db, sealed)), Members: members, Events: events, Now: f.clock})
	f.prizes = prize.New(prize.Parts{
		Tx: db, Store: postgres.NewPrizes(db, sealed), Keys: keys, Points: f.points, Segments: f.segments, Members: members, Addresses: customers, Outbox: f, Events: events, Now: f.clock,
	})
	f.Service = draw.New(draw.Parts{
		Tx: db, Store: postgres.NewDraws(db), Keys: keys, Points: f.points, Prizes: f.prizes, Members: members, Segments: f.segments, Sealer: sealed, Outbox: f, Events: events, Now: f.clock,
		Channels: func(context.Context, uuid.UUID) (channel.Channel, error) { return f.channel(), nil },
	})
	own, err := f.points.SaveProgramme(f.admin(), points.SaveProgrammeInput{Code: "wan", Name: i18n.JA("わんポイント"), UnitPoints: 1, UnitMinor: 1, GrantLimit: 1_000_000})
	require.NoError(t, err)
	f.own = *own
	f.bowl, f.pillow = f.prize(t, "陶器のボウル"), f.prize(t, "クッション")
	return f
}

func (f *fair) prize(t testing.TB, name string) *prize.Prize {
	p, err := f.prizes.Save(f.admin(), prize.SaveInput{IdempotencyKey: id.New().String(), ProgrammeID: f.own.ID, Kind: prize.Goods, Name: i18n.JA(name), Stock: 20})
	require.NoError(t, err)
	return p
}

func (f *fair) channel() channel.Channel {
	return channel.Channel{ID: f.shop.ChannelID, BrandID: f.shop.BrandID, Currency: "JPY", TimeZone: "Asia/Tokyo"}
}

func (f *fair) as(a access.Actor) context.Context {
	return channel.With(access.With(context.Background(), a), f.channel())
}
func (f *fair) admin() context.Context {
	return f.as(access.Actor{Role: access.RoleAdmin, ID: id.New()})
}

func (f *fair) exec(t testing.TB, sql string, args ...any) {
	_, err := f.shop.DB.Pool().Exec(context.Background(), sql, args...)
	require.NoError(t, err)
}

func (f *fair) count(t testing.TB, sql string, args ...any) (n int64) {
	require.NoError(t, f.shop.DB.Pool().QueryRow(context.Background(), sql, args...).Scan(&n))
	return n
}

func (f *fair) joined(t testing.TB, n int64) context.Context {
	m := id.New()
	f.exec(t, `INSERT INTO accounts (id, role, email, name, created_at, updated_at) VALUES ($1, 'MEMBER', $2, '会員', now(), now())`, m, m.String()+"@example.jp")
	f.exec(t, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now())`, m)
	f.exec(t, `INSERT INTO memberships (member_id, brand_id, joined_at) VALUES ($1, $2, now())`, m, f.shop.BrandID)
	if n > 0 {
		_, err := f.points.Post(f.admin(), points.Posting{Holder: points.Holder{ProgrammeID: f.own.ID, MemberID: m}, Key: "start", Kind: points.Grant, Points: n, At: f.clock()})
		require.NoError(t, err)
	}
	return f.as(access.Actor{Role: access.RoleMember, ID: m})
}

// draw opens an hour ago, closes in a day and draws an hour later.
func (f *fair) draw(t testing.TB, change func(*draw.SaveInput)) *draw.Draw {
	in := draw.SaveInput{
		IdempotencyKey: id.New().String(), ProgrammeID: f.own.ID, Name: i18n.JA("春の大抽選会"), Points: 10, MaxEntries: 5, OpensAt: f.clock().Add(-time.Hour), ClosesAt: f.clock().Add(24 * time.Hour),
		DrawsAt: f.clock().Add(25 * time.Hour), AnswerDays: 7, RunnersUp: 2, Ranks: []draw.RankInput{{PrizeID: f.pillow.ID, Count: 1}, {PrizeID: f.bowl.ID, Count: 2}},
	}
	if change != nil {
		change(&in)
	}
	d, err := f.Save(f.admin(), in)
	require.NoError(t, err)
	return d
}

func (f *fair) ask(d *draw.Draw, n int) draw.EnterInput {
	return draw.EnterInput{IdempotencyKey: fmt.Sprintf("intent-%06d", f.keys.Add(1)), DrawID: d.ID, Count: n, Points: d.Points * int64(n)}
}

func (f *fair) enter(t testing.TB, m context.Context, d *draw.Draw, n int) { //nolint:revive // the test comes first
	all, err := f.Enter(m, f.ask(d, n))
	require.NoError(t, err)
	require.Len(t, all, n)
}

func (f *fair) turn(t testing.TB) { require.NoError(t, f.Turn(context.Background())) }

func (f *fair) winners(t testing.TB, d *draw.Draw) []draw.Winner {
	all, err := f.Winners(f.admin(), []uuid.UUID{d.ID})
	require.NoError(t, err)
	return all
}

// listed writes the published list, as anybody reads it.
func (f *fair) listed(t testing.TB, d *draw.Draw, to io.Writer) {
	write, err := f.Publish(f.as(access.Guest), d.ID)
	require.NoError(t, err)
	require.NoError(t, write(to))
}

func home() *customer.Address {
	return &customer.Address{Name: "山田 花子", PostalCode: "1500001", Prefecture: "TOKYO", City: "渋谷区", Line1: "神宮前1-2-3", Phone: "0312345678"}
}

func TestADrawFromEntriesToDelivery(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	d := f.draw(t, nil)
	require.Nil(t, d.Revealed(), "the seed is not told")
	require.EqualValues(t, 18, f.count(t, `SELECT stock FROM prizes WHERE id = $1`, f.bowl.ID), "prizes are held")
	people := map[uuid.UUID]context.Context{}
	for i := range 8 {
		m := f.joined(t, 100)
		people[access.From(m).ID] = m
		f.enter(t, m, d, 1+i%3)
	}
	_, err := f.Publish(f.as(access.Guest), d.ID)
	require.ErrorIs(t, err, draw.ErrState, "the list is published when it is closed")
	f.turn(t)
	require.Empty(t, f.winners(t, d), "its time has not come")
	f.pass(24 * time.Hour)
	f.turn(t)
	closed, err := postgres.NewDraws(f.shop.DB).Draw(context.Background(), d.ID)
	require.NoError(t, err)
	require.Equal(t, []any{draw.Closed, 15}, []any{closed.State, closed.Entries})
	require.Nil(t, closed.Revealed())
	require.ErrorIs(t, f.Run(f.as(access.System), d.ID), draw.ErrState, "not before its time")
	f.pass(time.Hour)
	f.turn(t)
	f.turn(t)
	require.ErrorIs(t, f.Run(f.as(access.System), d.ID), draw.ErrState, "a draw is drawn once")

	drawn, err := postgres.NewDraws(f.shop.DB).Draw(context.Background(), d.ID)
	require.NoError(t, err)
	require.Equal(t, draw.Drawn, drawn.State)
	require.Equal(t, d.Committed(), hex.EncodeToString(draw.Commitment(drawn.Seed)), "the seed is the one that was committed to")
	winners := f.winners(t, d)
	require.Len(t, winners, 5)
	proof := draw.Proof{Algorithm: draw.Algorithm, Commitment: d.Committed(), Digest: *drawn.Listed(), Entries: drawn.Entries, Seed: *drawn.Revealed()}
	who := map[uuid.UUID]bool{}
	for _, w := range winners {
		proof.Called, who[w.MemberID] = append(proof.Called, w.Number()), true
	}
	require.Len(t, who, 5, "nobody wins twice")
	var text bytes.Buffer
	f.listed(t, d, &text)
	require.NoError(t, proof.Verify(&text), "anyone can draw again")
	for key := range people {
		require.NotContains(t, text.String(), key.String(), "nobody can be told from the list")
	}
	require.Equal(t, []any{draw.Won, draw.Won, draw.Won, draw.Reserve, draw.Reserve}, []any{winners[0].Outcome, winners[1].Outcome, winners[2].Outcome, winners[3].Outcome, winners[4].Outcome})
	require.Equal(t, []int{1, 2, 2}, []int{*winners[0].Rank, *winners[1].Rank, *winners[2].Rank})
	require.Len(t, f.mails, 3, "who won is told, once")

	_, err = f.Answer(people[winners[1].MemberID], draw.AnswerInput{IdempotencyKey: id.New().String(), WinnerID: winners[0].ID, Accept: true, Address: home()})
	require.ErrorIs(t, err, fault.ErrNotFound, "another's")
	_, err = f.Answer(people[winners[0].MemberID], draw.AnswerInput{IdempotencyKey: id.New().String(), WinnerID: winners[0].ID, Accept: true})
	require.ErrorIs(t, err, prize.ErrAddress)
	took, err := f.Answer(people[winners[0].MemberID], draw.AnswerInput{IdempotencyKey: id.New().String(), WinnerID: winners[0].ID, Accept: true, Address: home()})
	require.NoError(t, err)
	require.Equal(t, draw.Accepted, took.Outcome)
	require.EqualValues(t, 1, f.count(t, `SELECT count(*) FROM prize_exchanges WHERE id = $1 AND state = 'REQUESTED' AND points = 0 AND prize_id = $2`, *took.ExchangeID, f.pillow.ID), "it is delivered like any prize")
	_, err = f.Answer(people[winners[0].MemberID], draw.AnswerInput{IdempotencyKey: id.New().String(), WinnerID: winners[0].ID, Accept: true, Address: home()})
	require.ErrorIs(t, err, draw.ErrAnswered)

	_, err = f.Answer(people[winners[1].MemberID], draw.AnswerInput{IdempotencyKey: id.New().String(), WinnerID: winners[1].ID})
	require.NoError(t, err)
	winners = f.winners(t, d)
	require.Equal(t, []any{draw.Declined, draw.Won, 2}, []any{winners[1].Outcome, winners[3].Outcome, *winners[3].Rank}, "the first who stands by moves up")
	require.Len(t, f.mails, 4)
	f.pass(7*24*time.Hour + time.Minute)
	f.turn(t)
	winners = f.winners(t, d)
	require.Equal(t, []any{draw.Lapsed, draw.Lapsed, draw.Won}, []any{winners[2].Outcome, winners[3].Outcome, winners[4].Outcome}, "who does not answer in time lets go")
	require.EqualValues(t, 19, f.count(t, `SELECT stock FROM prizes WHERE id = $1`, f.bowl.ID), "nobody stands by any more: a piece is back")
	_, err = f.Answer(people[winners[2].MemberID], draw.AnswerInput{IdempotencyKey: id.New().String(), WinnerID: winners[2].ID, Accept: true, Address: home()})
	require.ErrorIs(t, err, draw.ErrAnswered, "too late")
	f.turn(t)
	require.EqualValues(t, 19, f.count(t, `SELECT stock FROM prizes WHERE id = $1`, f.bowl.ID))
}

func TestWhoIsMergedIsOneEntrant(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	d := f.draw(t, nil)
	var early, late [2]context.Context
	for i := range 2 {
		early[i], late[i] = f.joined(t, 100), f.joined(t, 100)
		f.enter(t, early[i], d, 2)
		f.enter(t, late[i], d, 3)
	}
	f.merge(t, access.From(early[0]).ID, access.From(early[1]).ID)
	require.Equal(t, [3]int64{3, 4, 10}, [3]int64{
		f.count(t, `SELECT count(*) FROM draw_entrants`), f.count(t, `SELECT entries FROM draw_entrants WHERE member_id = $1`, access.From(early[0]).ID),
		f.count(t, `SELECT count(*) FROM draw_entries`),
	}, "who was merged in time is one entrant, and keeps all entries")
	f.pass(24 * time.Hour)
	f.turn(t)
	f.merge(t, access.From(late[0]).ID, access.From(late[1]).ID)
	f.pass(time.Hour)
	f.turn(t) // which fails if the list is not the published one
	winners := f.winners(t, d)
	outcomes := map[uuid.UUID][]draw.Outcome{}
	for _, w := range winners {
		outcomes[w.MemberID] = append(outcomes[w.MemberID], w.Outcome)
	}
	require.Equal(t, map[uuid.UUID][]draw.Outcome{
		access.From(early[0]).ID: {draw.Won}, access.From(late[0]).ID: {draw.Won, draw.Declined},
	}, outcomes, "a second call is passed over")
	require.EqualValues(t, 38, f.count(t, `SELECT sum(stock) FROM prizes`), "what nobody won is in stock again")
}

// merge makes what is the gone member's the kept one's.
func (f *fair) merge(t *testing.T, kept, gone uuid.UUID) {
	t.Helper()
	require.NoError(t, f.members.Move(t.Context(), kept, gone, f.clock()))
	require.NoError(t, f.members.Retire(t.Context(), kept, gone, f.clock()))
}

func TestWinsOfWhoIsMergedTwiceAreOnePersons(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	d := f.draw(t, nil)
	first, second, third := f.joined(t, 100), f.joined(t, 100), f.joined(t, 100)
	for _, m := range []context.Context{first, second, third} {
		f.enter(t, m, d, 1)
	}
	f.pass(24 * time.Hour)
	f.turn(t)
	f.merge(t, access.From(second).ID, access.From(first).ID)
	f.merge(t, access.From(third).ID, access.From(second).ID)
	f.pass(time.Hour)
	f.turn(t)
	won := 0
	for _, w := range f.winners(t, d) {
		require.Equal(t, access.From(third).ID, w.MemberID)
		if w.Outcome == draw.Won {
			won++
		}
	}
	require.Equal(t, 1, won, "the others are passed over")
}

func TestWhoWonBeforeAMergeDoesNotMoveUp(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	d := f.draw(t, func(in *draw.SaveInput) { in.Ranks, in.RunnersUp = []draw.RankInput{{PrizeID: f.bowl.ID, Count: 2}}, 2 })
	for range 4 {
		f.enter(t, f.joined(t, 100), d, 1)
	}
	f.pass(25 * time.Hour)
	f.turn(t)
	f.turn(t)
	called := f.winners(t, d)
	f.merge(t, called[0].MemberID, called[2].MemberID)
	_, err := f.Answer(f.as(access.Actor{Role: access.RoleMember, ID: called[1].MemberID}), draw.AnswerInput{IdempotencyKey: "decline-it", WinnerID: called[1].ID})
	require.NoError(t, err)
	outcomes := make([]draw.Outcome, 0, 4)
	for _, w := range f.winners(t, d) {
		outcomes = append(outcomes, w.Outcome)
	}
	require.Equal(t, []draw.Outcome{draw.Won, draw.Declined, draw.Reserve, draw.Won}, outcomes, "one person wins once")
}

func TestEntriesAreGrantedToWhoIsThere(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	d := f.draw(t, nil)
	grant := func(memberID uuid.UUID, reason string) error {
		_, err := f.Grant(f.admin(), draw.GrantInput{IdempotencyKey: id.New().String(), DrawID: d.ID, MemberID: memberID, Count: 1, Reason: reason})
		return err
	}
	kept, gone, erased := access.From(f.joined(t, 0)).ID, access.From(f.joined(t, 0)).ID, access.From(f.joined(t, 0)).ID
	f.merge(t, kept, gone)
	f.exec(t, `UPDATE members SET erased_at = now() WHERE id = $1`, erased)
	for name, memberID := range map[string]uuid.UUID{"nobody": id.New(), "merged": gone, "erased": erased} {
		require.ErrorIs(t, grant(memberID, "来店"), fault.ErrNotFound, name)
	}
	require.Error(t, grant(kept, strings.Repeat("あ", 201)), "a reason has an end")
	require.ErrorIs(t, grant(kept, ""), fault.ErrRequired)
	require.Zero(t, f.count(t, `SELECT count(*) FROM draw_entries`))
	require.NoError(t, grant(kept, "来店"))
}

func TestEntriesAtTheMomentOfTheClose(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	d := f.draw(t, nil)
	f.pass(24*time.Hour - time.Microsecond)
	const members = 24
	all := make([]context.Context, members)
	for i := range all {
		all[i] = f.joined(t, 10)
	}
	var entered atomic.Int64
	var group sync.WaitGroup
	for i, m := range all {
		in := f.ask(d, 1)
		group.Go(func() {
			if i == members/2 {
				f.pass(time.Microsecond)
				if err := f.Close(f.as(access.System), d.ID); err != nil {
					t.Error(err)
				}
			}
			_, err := f.Enter(m, in)
			for errors.Is(err, fault.ErrUnavailable) { // the machine is busy: the key makes asking again safe
				_, err = f.Enter(m, in)
			}
			switch all := fault.All(err); {
			case err == nil:
				entered.Add(1)
			case len(all) == 0 || all[0].Code != draw.ErrClosed.Code:
				t.Error(err)
			}
		})
	}
	group.Wait()
	closed, err := postgres.NewDraws(f.shop.DB).Draw(context.Background(), d.ID)
	require.NoError(t, err)
	require.Equal(t, draw.Closed, closed.State)
	require.EqualValues(t, entered.Load(), closed.Entries, "who was let in is on the list, and nobody else")
	require.Equal(t, entered.Load()*10, f.count(t, `SELECT coalesce(sum(points), 0) FROM point_entries WHERE kind = 'PRIZE'`), "who was not paid nothing")
	digest := sha256.New()
	f.listed(t, d, digest)
	require.Equal(t, closed.Digest, digest.Sum(nil))
	_, err = f.Enter(all[0], f.ask(d, 1))
	require.ErrorIs(t, err, draw.ErrClosed, "after the close")
}

func TestWhatIsNoEntryCostsNothing(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	m, d := f.joined(t, 100), f.draw(t, nil)
	rank := id.New()
	f.exec(t, `INSERT INTO member_ranks (id, brand_id, code, name, min_spend, months, updated_at) VALUES ($1, $2, 'GOLD', '{"ja":"金"}', 100000, 12, now())`, rank, f.shop.BrandID)
	other := f.draw(t, nil)
	brand := id.New()
	f.exec(t, `INSERT INTO brands (id, code, name) VALUES ($1, 'other', '{"ja":"別"}')`, brand)
	f.exec(t, `UPDATE draws SET brand_id = $2 WHERE id = $1`, other.ID, brand)
	for name, c := range map[string]struct {
		draw   *draw.Draw
		change func(*draw.EnterInput)
		want   *fault.Error
	}{
		"more than one may": {d, func(in *draw.EnterInput) { in.Count, in.Points = 6, 60 }, draw.ErrLimit},
		"above the balance": {f.draw(t, func(in *draw.SaveInput) { in.Points = 101 }), nil, points.ErrShort},
		"another price":     {d, func(in *draw.EnterInput) { in.Points = 1 }, draw.ErrCost},
		"none":              {d, func(in *draw.EnterInput) { in.Count = 0 }, draw.ErrCount},
		"not yet":           {f.draw(t, func(in *draw.SaveInput) { in.OpensAt = f.clock().Add(time.Hour) }), nil, draw.ErrNotYet},
		"not for points":    {f.draw(t, func(in *draw.SaveInput) { in.Points = 0 }), nil, draw.ErrNotBought},
		"of a higher rank":  {f.draw(t, func(in *draw.SaveInput) { in.MinRankID = &rank }), nil, draw.ErrIneligible},
		"another brand's":   {other, nil, draw.ErrUnknown},
		"nobody's":          {&draw.Draw{ID: id.New()}, nil, draw.ErrUnknown},
	} {
		in := f.ask(c.draw, 1)
		if c.change != nil {
			c.change(&in)
		}
		_, err := f.Enter(m, in)
		require.ErrorIs(t, err, c.want, name)
	}
	_, err := f.Enter(f.as(access.Guest), f.ask(d, 1))
	require.ErrorIs(t, err, prize.ErrMembersOnly)
	require.Zero(t, f.count(t, `SELECT count(*) FROM draw_entries`))
	require.Zero(t, f.count(t, `SELECT count(*) FROM point_entries WHERE kind = 'PRIZE'`))

	in := f.ask(d, 2)
	first, err := f.Enter(m, in)
	require.NoError(t, err)
	again, err := f.Enter(m, in)
	require.NoError(t, err)
	require.Equal(t, first[0].ID, again[0].ID, "the same key replays")
	require.EqualValues(t, 2, f.count(t, `SELECT count(*) FROM draw_entries`))

	bad := func(change func(*draw.SaveInput)) error {
		in := draw.SaveInput{
			IdempotencyKey: id.New().String(), ProgrammeID: f.own.ID, Name: i18n.JA("抽選"), MaxEntries: 1, OpensAt: f.clock(), ClosesAt: f.clock().Add(time.Hour), DrawsAt: f.clock().Add(time.Hour), AnswerDays: 1,
			Ranks: []draw.RankInput{{PrizeID: f.bowl.ID, Count: 1}},
		}
		change(&in)
		_, err := f.Save(f.admin(), in)
		return err
	}
	require.ErrorIs(t, bad(func(in *draw.SaveInput) { in.ClosesAt = in.OpensAt }), draw.ErrTimes)
	require.ErrorIs(t, bad(func(in *draw.SaveInput) { in.DrawsAt = in.OpensAt }), draw.ErrTimes)
	require.ErrorIs(t, bad(func(in *draw.SaveInput) { in.Ranks = nil }), draw.ErrRanks)
	require.ErrorIs(t, bad(func(in *draw.SaveInput) { in.Ranks[0].Count = 999 }), prize.ErrSoldOut, "more than there are")
	require.ErrorIs(t, bad(func(in *draw.SaveInput) { in.Ranks[0].PrizeID = id.New() }), prize.ErrUnknown)
}

func TestPurchasesEarnEntries(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	d := f.draw(t, func(in *draw.SaveInput) { in.Points, in.PerMinor, in.MaxEntries = 0, 3000, 4 })
	buy := func(m context.Context, total int, at time.Time) {
		f.exec(t, `INSERT INTO purchases (id, bought_on, bought_at, brand_id, member_id, source, items, total, currency, created_at) VALUES ($1, $2, $3, $4, $5, 'STORE', 1, $6, 'JPY', now())`,
			id.New(), at.In(jst).Format(time.DateOnly), at, f.shop.BrandID, access.From(m).ID, total)
	}
	many, some, half, few, late, given := f.joined(t, 0), f.joined(t, 0), f.joined(t, 0), f.joined(t, 0), f.joined(t, 0), f.joined(t, 0)
	now := f.clock()
	buy(many, 50_000, now)
	buy(some, 4000, now)
	buy(some, 2500, now.Add(time.Hour))
	buy(half, 5000, now)
	buy(few, 2999, now)
	buy(late, 9000, now.Add(25*time.Hour))
	_, err := f.Grant(f.admin(), draw.GrantInput{IdempotencyKey: "grant-0001", DrawID: d.ID, MemberID: access.From(given).ID, Count: 3, Reason: "来場"})
	require.NoError(t, err)
	buy(given, 9000, now)
	f.pass(24 * time.Hour)
	f.turn(t)
	n := func(m context.Context) int {
		all, err := f.Mine(m, d.ID)
		require.NoError(t, err)
		return len(all)
	}
	require.Equal(t, []int{4, 2, 1, 0, 0, 4}, []int{n(many), n(some), n(half), n(few), n(late), n(given)}, "for each full 3,000 yen in its time, up to four")
}

func TestADrawWithoutEntriesGivesItsPrizesBack(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	d := f.draw(t, nil)
	f.pass(26 * time.Hour)
	f.turn(t)
	require.Empty(t, f.winners(t, d))
	require.EqualValues(t, 40, f.count(t, `SELECT sum(stock) FROM prizes`))
}

func TestALongListIsReadInPortions(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	d := f.draw(t, nil)
	m := access.From(f.joined(t, 0)).ID
	f.exec(t, `INSERT INTO draw_entrants (draw_id, member_id, entries) VALUES ($1, $2, 4500)`, d.ID, m)
	f.exec(t, `INSERT INTO draw_entries (id, draw_id, member_id, source, created_at) SELECT gen_random_uuid(), $1, $2, 'GRANT', now() FROM generate_series(1, 4500)`, d.ID, m)
	f.pass(24 * time.Hour)
	f.turn(t)
	closed, err := postgres.NewDraws(f.shop.DB).Draw(context.Background(), d.ID)
	require.NoError(t, err)
	require.Equal(t, 4500, closed.Entries)
	var text bytes.Buffer
	f.listed(t, d, &text)
	require.Equal(t, 4500, bytes.Count(text.Bytes(), []byte("\n")))
	digest := sha256.Sum256(text.Bytes())
	require.Equal(t, closed.Digest, digest[:], "each once, in the published order")
}

func TestASegmentStaysWhileADrawIsForIt(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	group := id.New()
	f.exec(t, `INSERT INTO segments (id, brand_id, name, kind, currency, conditions, counted_at, created_at, updated_at) VALUES ($1, $2, '犬', 'STATIC', 'JPY', '{}', now(), now(), now())`, group, f.shop.BrandID)
	d := f.draw(t, func(in *draw.SaveInput) { in.SegmentID = &group })
	_, err := f.segments.Close(f.admin(), segment.ByIDInput{SegmentID: group})
	require.ErrorIs(t, err, segment.ErrInUse)
	require.Contains(t, fault.All(err)[0].Message("ja"), "春の大抽選会")
	f.pass(24 * time.Hour)
	f.turn(t)
	_, err = f.segments.Close(f.admin(), segment.ByIDInput{SegmentID: group})
	require.NoError(t, err, "who entered is on the list of %s", d.ID)
}
