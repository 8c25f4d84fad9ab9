package prize_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prize"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/segment"
	"github.com/noren-commerce/noren/core/voucher"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// stall is a shop with prizes, points and members.
type stall struct {
	segments *segment.Service
	*prize.Service
	shop    *pgtest.Shop
	points  *points.Service
	members *member.Service
	codes   *voucher.Service
	sealed  *sealing.Keys
	own     points.Programme
	now     atomic.Int64
	keys    atomic.Int64
	mutex   sync.Mutex
	mails   []messaging.Message
}

// Enqueue keeps mails.
func (s *stall) Enqueue(_ context.Context, all ...messaging.Message) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.mails = append(s.mails, all...)
	return nil
}

// MakeVouchers is done by whoever asks for it.
func (*stall) MakeVouchers(context.Context, uuid.UUID) error { return nil }

var jst = time.FixedZone("JST", 9*60*60)

func (s *stall) clock() time.Time     { return time.UnixMicro(s.now.Load()).UTC() }
func (s *stall) pass(d time.Duration) { s.now.Add(d.Microseconds()) }

func openStall(t testing.TB) *stall {
	s := &stall{shop: pgtest.NewShop(t)}
	s.now.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, jst).UnixMicro())
	db := s.shop.DB
	master, err := identity.Sealer("secret", "test")
	require.NoError(t, err)
	s.sealed = sealing.New(postgres.NewDataKeys(db), master, clock.System)
	_, err = s.sealed.Current(context.Background())
	require.NoError(t, err)
	keys, events := idempotency.New(db, postgres.NewKeys(db), s.clock), postgres.NewEvents(db)
	s.points = points.New(points.Parts{Tx: db, Store: postgres.NewPoints(db), Keys: keys, Events: events, Now: s.clock})
	customers := customer.New(db, postgres.NewCustomers(db, s.sealed), events, s.clock)
	s.members = member.New(member.Parts{Tx: db, Store: postgres.NewMembers(db, s.sealed), Keys: keys, Customers: customers, Events: events, Now: s.clock})
	s.members.FollowedBy(s.points)
	s.segments = segment.New(segment.Parts{Tx: db, Store: postgres.NewSegments(db, postgres.NewMembers(db, s.sealed)), Members: s.members, Events: events, Now: s.clock})
	s.codes = voucher.New(voucher.Parts{
		Tx: db, Store: postgres.NewVouchers(db), Keys: keys, Sealer: s.sealed, Books: ledger.NewBooks(postgres.NewJournal(db), s.clock), Jobs: s, Events: events, Now: s.clock,
	})
	s.Service = prize.New(prize.Parts{
		Tx: db, Store: postgres.NewPrizes(db, s.sealed), Keys: keys, Points: s.points, Segments: s.segments, Members: s.members, Addresses: customers, Codes: s.codes, Outbox: s, Events: events, Now: s.clock,
	})
	days := 30
	own, err := s.points.SaveProgramme(s.admin(), points.SaveProgrammeInput{
		Code: "wan", Name: i18n.JA("わんポイント"), UnitPoints: 1, UnitMinor: 1, ExpiryDays: &days, GraceDays: 14, GrantLimit: 1_000_000,
	})
	require.NoError(t, err)
	s.own = *own
	return s
}

func (s *stall) as(a access.Actor) context.Context {
	return channel.With(access.With(context.Background(), a), channel.Channel{ID: s.shop.ChannelID, BrandID: s.shop.BrandID, Currency: "JPY", TimeZone: "Asia/Tokyo"})
}

func (s *stall) admin() context.Context {
	return s.as(access.Actor{Role: access.RoleAdmin, ID: id.New()})
}

// joined is the context of a new member with points.
func (s *stall) joined(t testing.TB, n int64) context.Context {
	m := id.New()
	s.exec(t, `INSERT INTO accounts (id, role, email, name, created_at, updated_at) VALUES ($1, 'MEMBER', $2, '会員', now(), now())`, m, m.String()+"@example.jp")
	s.exec(t, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now())`, m)
	s.exec(t, `INSERT INTO memberships (member_id, brand_id, joined_at) VALUES ($1, $2, now())`, m, s.shop.BrandID)
	if n > 0 {
		_, err := s.points.Post(s.admin(), points.Posting{Holder: points.Holder{ProgrammeID: s.own.ID, MemberID: m}, Key: "start", Kind: points.Grant, Points: n, At: s.clock()})
		require.NoError(t, err)
	}
	return s.as(access.Actor{Role: access.RoleMember, ID: m})
}

func (s *stall) exec(t testing.TB, sql string, args ...any) {
	_, err := s.shop.DB.Pool().Exec(context.Background(), sql, args...)
	require.NoError(t, err)
}

func (s *stall) count(t testing.TB, sql string, args ...any) (n int64) {
	require.NoError(t, s.shop.DB.Pool().QueryRow(context.Background(), sql, args...).Scan(&n))
	return n
}

func (s *stall) usable(t testing.TB, ctx context.Context) int64 { //nolint:revive // the test comes first
	b, err := s.points.In(ctx, s.own.ID)
	require.NoError(t, err)
	return b.Usable
}

// prize is a bowl for 100 points, changed by the function.
// Save makes each new prize by a key of its own.
func (s *stall) Save(ctx context.Context, in prize.SaveInput) (*prize.Prize, error) {
	if in.IdempotencyKey == "" {
		in.IdempotencyKey = id.New().String()
	}
	return s.Service.Save(ctx, in)
}

func (s *stall) prize(t testing.TB, stock int64, change func(*prize.SaveInput)) *prize.Prize {
	in := prize.SaveInput{ProgrammeID: s.own.ID, Kind: prize.Goods, Code: "BOWL-1", Name: i18n.JA("陶器のボウル"), Points: 100, Stock: stock}
	if change != nil {
		change(&in)
	}
	p, err := s.Save(s.admin(), in)
	require.NoError(t, err)
	return p
}

func home() *customer.Address {
	return &customer.Address{Name: "=山田 花子", PostalCode: "1500001", Prefecture: "TOKYO", City: "渋谷区", Line1: "神宮前1-2-3", Phone: "0312345678"}
}

func (s *stall) ask(p *prize.Prize, n int) prize.ExchangeInput {
	return prize.ExchangeInput{IdempotencyKey: fmt.Sprintf("intent-%06d", s.keys.Add(1)), PrizeID: p.ID, Quantity: n, Points: p.Points * int64(n), Address: home()}
}

// agree fails unless points and pieces are all accounted for.
func (s *stall) agree(t testing.TB, p *prize.Prize, pieces int64) {
	left := s.count(t, `SELECT stock FROM prizes WHERE id = $1`, p.ID)
	out := s.count(t, `SELECT coalesce(sum(quantity), 0) FROM prize_exchanges WHERE prize_id = $1 AND state <> 'CANCELLED'`, p.ID)
	require.Equal(t, pieces, left+out, "pieces")
	require.Equal(t, s.count(t, `SELECT coalesce(sum(points), 0) FROM prize_exchanges WHERE state <> 'CANCELLED'`),
		s.count(t, `SELECT coalesce(sum(CASE WHEN credit = 'PRIZES' THEN points ELSE -points END), 0) FROM point_entries WHERE 'PRIZES' IN (debit, credit)`), "points")
	require.Zero(t, s.count(t, `SELECT count(*) FROM point_accounts a WHERE a.available <> (SELECT coalesce(sum(remaining), 0) FROM point_lots l WHERE l.account_id = a.id)`), "lots")
}

func TestPointsBecomeAPrizeAndComeBack(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	m, p := s.joined(t, 500), s.prize(t, 3, nil)
	in := s.ask(p, 2)
	e, err := s.Exchange(m, in)
	require.NoError(t, err)
	require.Equal(t, []any{prize.Requested, int64(200), "陶器のボウル", "=山田 花子"}, []any{e.State, e.Points, e.PrizeName.In("ja"), e.Address.Name})
	again, err := s.Exchange(m, in)
	require.NoError(t, err)
	require.Equal(t, e.ID, again.ID, "the same key replays")
	in.Quantity, in.Points = 1, 100
	_, err = s.Exchange(m, in)
	require.ErrorIs(t, err, idempotency.ErrReused)
	require.EqualValues(t, 300, s.usable(t, m))
	s.agree(t, p, 3)
	require.Zero(t, s.count(t, `SELECT count(*) FROM prize_exchanges WHERE address::text LIKE '%神宮前%'`), "sealed at rest")

	before := s.count(t, `SELECT extract(epoch FROM expires_on)::bigint FROM point_lots`)
	_, err = s.Cancel(s.joined(t, 0), prize.CancelInput{IdempotencyKey: id.New().String(), ExchangeID: e.ID})
	require.ErrorIs(t, err, fault.ErrNotFound, "another member's")
	back, err := s.Cancel(m, prize.CancelInput{IdempotencyKey: id.New().String(), ExchangeID: e.ID})
	require.NoError(t, err)
	require.Equal(t, prize.Cancelled, back.State)
	require.EqualValues(t, 500, s.usable(t, m))
	require.Equal(t, before, s.count(t, `SELECT extract(epoch FROM max(expires_on))::bigint FROM point_lots WHERE remaining > 0`), "with the last day that they had")
	s.agree(t, p, 3)
	_, err = s.Cancel(m, prize.CancelInput{IdempotencyKey: id.New().String(), ExchangeID: e.ID})
	require.ErrorIs(t, err, prize.ErrState, "once")
	require.EqualValues(t, 500, s.usable(t, m))

	e, err = s.Exchange(m, s.ask(p, 1))
	require.NoError(t, err)
	s.pass(40 * 24 * time.Hour)
	_, err = s.Cancel(s.admin(), prize.CancelInput{IdempotencyKey: id.New().String(), ExchangeID: e.ID})
	require.ErrorIs(t, err, fault.ErrRequired, "staff say why")
	_, err = s.Cancel(s.admin(), prize.CancelInput{IdempotencyKey: id.New().String(), ExchangeID: e.ID, Reason: "破損"})
	require.NoError(t, err)
	require.EqualValues(t, 100, s.usable(t, m), "what has expired since lives on for the days of grace; the rest is over")
	s.pass(15 * 24 * time.Hour)
	require.Zero(t, s.usable(t, m))
}

func TestTheLastPiecesGoToAsManyAsThereAre(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	const members, pieces = 64, 10
	p := s.prize(t, pieces, nil)
	all := make([]context.Context, members)
	for i := range all {
		all[i] = s.joined(t, 100)
	}
	var got, sold atomic.Int64
	var group sync.WaitGroup
	for _, m := range all {
		in := s.ask(p, 1)
		group.Go(func() {
			_, err := s.Exchange(m, in)
			for errors.Is(err, fault.ErrUnavailable) { // the machine is busy: the key makes asking again safe
				_, err = s.Exchange(m, in)
			}
			switch {
			case err == nil:
				got.Add(1)
			case fault.All(err) != nil && fault.All(err)[0].Code == prize.ErrSoldOut.Code:
				sold.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, pieces, got.Load())
	require.EqualValues(t, members-pieces, sold.Load())
	s.agree(t, p, pieces)
	var left int64
	for _, m := range all {
		left += s.usable(t, m)
	}
	require.EqualValues(t, (members-pieces)*100, left, "who got nothing paid nothing")
}

func TestOneMemberOnTwoPhones(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	limit := 2
	for name, c := range map[string]struct {
		points int64
		limit  *int
		want   int64
		code   fault.Code
	}{
		"points for two":  {250, nil, 2, "POINTS_SHORT"},
		"two for each":    {1000, &limit, 2, prize.ErrLimit.Code},
		"the same intent": {1000, nil, 1, ""},
	} {
		p := s.prize(t, 100, func(in *prize.SaveInput) { in.MemberLimit = c.limit })
		m, same := s.joined(t, c.points), s.ask(p, 1)
		var got atomic.Int64
		var group sync.WaitGroup
		for range 8 {
			in := s.ask(p, 1)
			if c.code == "" {
				in = same
			}
			group.Go(func() {
				_, err := s.Exchange(m, in)
				if err == nil {
					got.Add(1)
				} else if all := fault.All(err); len(all) == 0 || all[0].Code != c.code {
					t.Error(name, err)
				}
			})
		}
		group.Wait()
		require.Equal(t, c.want, s.count(t, `SELECT count(*) FROM prize_exchanges WHERE prize_id = $1`, p.ID), name)
		require.EqualValues(t, c.points-100*c.want, s.usable(t, m), name)
		s.agree(t, p, 100)
	}
}

func TestWhatCannotBeExchangedTakesNothing(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	past, future := s.clock().Add(-time.Hour), s.clock().Add(time.Hour)
	m := s.joined(t, 500)
	p := s.prize(t, 5, nil)
	other := s.prize(t, 5, nil)
	brand := id.New()
	s.exec(t, `INSERT INTO brands (id, code, name) VALUES ($1, 'other', '{"ja":"別"}')`, brand)
	s.exec(t, `UPDATE prizes SET brand_id = $2 WHERE id = $1`, other.ID, brand)
	rank := id.New()
	s.exec(t, `INSERT INTO member_ranks (id, brand_id, code, name, min_spend, months, updated_at) VALUES ($1, $2, 'GOLD', '{"ja":"金"}', 100000, 12, now())`, rank, s.shop.BrandID)
	group := id.New()
	s.exec(t, `INSERT INTO segments (id, brand_id, name, kind, currency, conditions, counted_at, created_at, updated_at) VALUES ($1, $2, '犬', 'STATIC', 'JPY', '{}', now(), now(), now())`, group, s.shop.BrandID)
	bad := home()
	bad.PostalCode = "12"
	for name, c := range map[string]struct {
		prize  *prize.Prize
		change func(*prize.ExchangeInput)
		code   fault.Code
	}{
		"above the balance":  {p, func(in *prize.ExchangeInput) { in.Quantity, in.Points = 6, 600 }, "POINTS_SHORT"},
		"none left":          {s.prize(t, 0, nil), nil, "PRIZE_SOLD_OUT"},
		"more than are left": {s.prize(t, 1, nil), func(in *prize.ExchangeInput) { in.Quantity, in.Points = 2, 200 }, "PRIZE_SOLD_OUT"},
		"not yet":            {s.prize(t, 5, func(in *prize.SaveInput) { in.ValidFrom = &future }), nil, "PRIZE_NOT_OFFERED"},
		"not any more":       {s.prize(t, 5, func(in *prize.SaveInput) { in.ValidUntil = &past }), nil, "PRIZE_NOT_OFFERED"},
		"closed":             {s.prize(t, 5, func(in *prize.SaveInput) { in.Closed = true }), nil, "PRIZE_UNKNOWN"},
		"in draws only":      {s.prize(t, 5, func(in *prize.SaveInput) { in.Points = 0 }), nil, "PRIZE_UNKNOWN"},
		"another brand's":    {other, nil, "PRIZE_UNKNOWN"},
		"nobody's":           {&prize.Prize{ID: id.New()}, nil, "PRIZE_UNKNOWN"},
		"no address":         {p, func(in *prize.ExchangeInput) { in.Address = nil }, "PRIZE_ADDRESS_REQUIRED"},
		"half an address":    {p, func(in *prize.ExchangeInput) { in.Address = bad }, "POSTAL_CODE_INVALID"},
		"an unknown address": {p, func(in *prize.ExchangeInput) { key := id.New(); in.Address, in.AddressID = nil, &key }, fault.CodeNotFound},
		"none":               {p, func(in *prize.ExchangeInput) { in.Quantity = 0 }, fault.CodeInvalid},
		"another price":      {p, func(in *prize.ExchangeInput) { in.Points = 50 }, "PRIZE_POINTS_CHANGED"},
		"of a higher rank":   {s.prize(t, 5, func(in *prize.SaveInput) { in.MinRankID = &rank }), nil, "PRIZE_NOT_ELIGIBLE"},
		"of a segment":       {s.prize(t, 5, func(in *prize.SaveInput) { in.SegmentID = &group }), nil, "PRIZE_NOT_ELIGIBLE"},
		"more than one may":  {s.prize(t, 5, func(in *prize.SaveInput) { one := 1; in.MemberLimit = &one }), func(in *prize.ExchangeInput) { in.Quantity, in.Points = 2, 200 }, "PRIZE_LIMIT"},
	} {
		in := s.ask(c.prize, 1)
		if c.change != nil {
			c.change(&in)
		}
		_, err := s.Exchange(m, in)
		require.Error(t, err, name)
		require.NotEmpty(t, fault.All(err), "%s: %v", name, err)
		require.Equal(t, c.code, fault.All(err)[0].Code, name)
		require.EqualValues(t, 500, s.usable(t, m), name)
	}
	require.Zero(t, s.count(t, `SELECT count(*) FROM prize_exchanges`))
	require.Zero(t, s.count(t, `SELECT count(*) FROM prizes WHERE stock NOT IN (0, 1, 5)`))
	_, err := s.Exchange(s.as(access.Guest), s.ask(p, 1))
	require.ErrorIs(t, err, prize.ErrMembersOnly)

	s.exec(t, `UPDATE memberships SET rank_id = $1 WHERE member_id = $2`, rank, access.From(m).ID)
	_, err = s.Exchange(m, s.ask(s.prize(t, 1, func(in *prize.SaveInput) { in.MinRankID = &rank }), 1))
	require.NoError(t, err, "who has the rank")
	s.exec(t, `INSERT INTO segment_members VALUES ($1, $2)`, group, access.From(m).ID)
	_, err = s.Exchange(m, s.ask(s.prize(t, 1, func(in *prize.SaveInput) { in.SegmentID = &group }), 1))
	require.NoError(t, err, "who is in the segment")
}

func TestALimitHoldsForItsDays(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	one, days := 1, 7
	m, p := s.joined(t, 500), s.prize(t, 9, func(in *prize.SaveInput) { in.MemberLimit, in.LimitDays = &one, &days })
	_, err := s.Exchange(m, s.ask(p, 1))
	require.NoError(t, err)
	s.pass(6*24*time.Hour + 11*time.Hour)
	_, err = s.Exchange(m, s.ask(p, 1))
	require.ErrorIs(t, err, prize.ErrLimit, "the seventh day")
	s.pass(2 * time.Hour)
	_, err = s.Exchange(m, s.ask(p, 1))
	require.NoError(t, err, "the eighth")
}

func TestPrizesAreSentOut(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	m, p := s.joined(t, 500), s.prize(t, 9, nil)
	e, err := s.Exchange(m, s.ask(p, 1))
	require.NoError(t, err)
	given, err := s.Exchange(m, s.ask(p, 1))
	require.NoError(t, err)
	_, err = s.Cancel(m, prize.CancelInput{IdempotencyKey: id.New().String(), ExchangeID: given.ID})
	require.NoError(t, err)

	packer := s.as(access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PrizeRead, access.PrizeWrite, access.MemberRead}})
	_, err = s.ShipSheet(packer, nil)
	require.ErrorIs(t, err, fault.ErrForbidden, "addresses leave with MEMBER_EXPORT alone")
	sheet, err := s.ShipSheet(s.admin(), nil)
	require.NoError(t, err)
	rows, err := csv.NewReader(strings.NewReader(sheet.CSV)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2, "what was given up is not sent")
	require.Equal(t, []string{"BOWL-1", "陶器のボウル", "1", "'=山田 花子"}, rows[1][2:6], "no formula for a spreadsheet")
	require.EqualValues(t, 1, s.count(t, `SELECT count(*) FROM events WHERE type = 'prize_exchange.sheet'`))

	advance := func(to prize.State, key uuid.UUID) error {
		_, err := s.Advance(packer, prize.AdvanceInput{To: to, Carrier: "ヤマト運輸", Moves: []prize.Move{{ExchangeID: key, TrackingNumber: "1234"}}})
		return err
	}
	require.ErrorIs(t, advance(prize.Delivered, e.ID), prize.ErrState, "it has not left")
	require.ErrorIs(t, advance(prize.Packed, given.ID), prize.ErrState, "it was given up")
	require.ErrorIs(t, advance(prize.Packed, id.New()), fault.ErrNotFound)
	require.NoError(t, advance(prize.Packed, e.ID))
	require.NoError(t, advance(prize.Packed, e.ID), "told twice")
	_, err = s.Cancel(m, prize.CancelInput{IdempotencyKey: id.New().String(), ExchangeID: e.ID})
	require.ErrorIs(t, err, prize.ErrState, "members cancel until it is packed")
	require.NoError(t, advance(prize.Shipped, e.ID))
	_, err = s.Cancel(s.admin(), prize.CancelInput{IdempotencyKey: id.New().String(), ExchangeID: e.ID, Reason: "遅延"})
	require.ErrorIs(t, err, prize.ErrState, "it has left")
	require.NoError(t, advance(prize.Delivered, e.ID))
	mine, err := s.Mine(m, page.Args{})
	require.NoError(t, err)
	require.Len(t, mine.Edges, 2)
	last := mine.Edges[1].Node
	require.Equal(t, []any{prize.Delivered, "ヤマト運輸", "1234"}, []any{last.State, last.Carrier, last.TrackingNumber})
	require.NotNil(t, last.DeliveredAt)
	s.agree(t, p, 9)
}

func TestAShopSeesAddressesOfItsOwnMembersAlone(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	m, p := s.joined(t, 500), s.prize(t, 9, nil)
	_, err := s.Exchange(m, s.ask(p, 1))
	require.NoError(t, err)
	store := id.New()
	s.exec(t, `INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, 'shibuya', '{"ja":"渋谷店"}', 'SHOP')`, store, s.shop.BrandID)
	clerk := access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{store}, Permissions: []access.Permission{access.PrizeRead, access.MemberRead, access.PrizeWrite}}
	shown := func(a access.Actor) bool {
		all, err := s.Exchanges(s.as(a), prize.ExchangeQuery{})
		require.NoError(t, err)
		require.Len(t, all.Edges, 1)
		return all.Edges[0].Node.Address != nil
	}
	require.False(t, shown(clerk), "another shop's member")
	s.exec(t, `UPDATE memberships SET home_store_id = $1`, store)
	require.True(t, shown(clerk))
	require.Positive(t, s.count(t, `SELECT count(*) FROM events WHERE type = 'member.viewed'`), "the view is written down")
	require.False(t, shown(access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PrizeRead}}), "who may not read members")
	_, err = s.Save(s.as(clerk), prize.SaveInput{ProgrammeID: s.own.ID, Kind: prize.Goods, Name: i18n.JA("x"), Points: 1})
	require.ErrorIs(t, err, fault.ErrForbidden, "prizes are the head office's")
	_, err = s.Exchanges(m, prize.ExchangeQuery{})
	require.ErrorIs(t, err, fault.ErrForbidden)
}

func TestAddressesOfPrizesAreSealedAnewAndForgotten(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	m, p := s.joined(t, 500), s.prize(t, 9, nil)
	e, err := s.Exchange(m, s.ask(p, 1))
	require.NoError(t, err)
	_, err = s.sealed.Rotate(context.Background())
	require.NoError(t, err)
	personal := postgres.NewPersonal(s.shop.DB, s.sealed)
	stale, err := personal.Stale(context.Background())
	require.NoError(t, err)
	require.Equal(t, 2, stale, "the address, and the account")
	_, err = personal.Reseal(context.Background(), nil)
	require.NoError(t, err)
	stale, err = personal.Stale(context.Background())
	require.NoError(t, err)
	require.Zero(t, stale)
	mine, err := s.Mine(m, page.Args{})
	require.NoError(t, err)
	require.Equal(t, "神宮前1-2-3", mine.Edges[0].Node.Address.Line1)

	orders, _, err := postgres.NewMembers(s.shop.DB, s.sealed).Unfinished(context.Background(), access.From(m).ID)
	require.NoError(t, err)
	require.Equal(t, 1, orders, "an erasure waits for what is under way")
	require.NoError(t, postgres.NewMembers(s.shop.DB, s.sealed).Erase(context.Background(), access.From(m).ID, s.clock()))
	require.Zero(t, s.count(t, `SELECT count(*) FROM prize_exchanges WHERE address IS NOT NULL`))
	require.EqualValues(t, 1, s.count(t, `SELECT count(*) FROM prize_exchanges WHERE id = $1`, e.ID), "what was exchanged stays")
}

func TestPointsComeBackToWhoTheMemberBecame(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	gone, kept, p := s.joined(t, 300), s.joined(t, 0), s.prize(t, 2, nil)
	e, err := s.Exchange(gone, s.ask(p, 1))
	require.NoError(t, err)
	require.NoError(t, s.points.Merge(s.as(access.System), access.From(kept).ID, access.From(gone).ID))
	require.NoError(t, postgres.NewMembers(s.shop.DB, s.sealed).Move(context.Background(), access.From(kept).ID, access.From(gone).ID, s.clock()))
	_, err = s.Cancel(kept, prize.CancelInput{IdempotencyKey: id.New().String(), ExchangeID: e.ID})
	require.NoError(t, err)
	require.EqualValues(t, 300, s.usable(t, kept))
	s.agree(t, p, 2)
}

func TestAPrizeIsMadeOnceForItsKey(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	in := prize.SaveInput{ProgrammeID: s.own.ID, Kind: prize.Goods, Name: i18n.JA("陶器のボウル"), Points: 100, Stock: 5}
	_, err := s.Service.Save(s.admin(), in)
	require.ErrorIs(t, err, idempotency.ErrKey, "stock is made by intent")
	in.IdempotencyKey = "the-bowls"
	admin := s.admin()
	for range 2 {
		p, err := s.Service.Save(admin, in)
		require.NoError(t, err)
		require.EqualValues(t, 5, p.Stock)
	}
	require.EqualValues(t, 5, s.count(t, `SELECT sum(stock) FROM prizes`))
	in.Stock = 6
	_, err = s.Service.Save(admin, in)
	require.ErrorIs(t, err, idempotency.ErrReused)
}

func TestWhatIsSentOutIsReadToTheEnd(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	_, err := s.Exchange(s.joined(t, 500), s.ask(s.prize(t, 9, nil), 1))
	require.NoError(t, err)
	s.exec(t, `INSERT INTO prize_exchanges (id, prize_id, brand_id, programme_id, member_id, quantity, points, state, created_at, updated_at)
		SELECT gen_random_uuid(), prize_id, brand_id, programme_id, member_id, 1, 0, 'PACKED', created_at - interval '1 day', updated_at FROM prize_exchanges CROSS JOIN generate_series(1, 5000)`)
	sheet, err := s.ShipSheet(s.admin(), nil)
	require.NoError(t, err)
	require.Zero(t, sheet.Count, "the oldest have no address")
	require.NotNil(t, sheet.Next(), "and there are more behind them")
	_, after, err := id.Parse(*sheet.Next())
	require.NoError(t, err)
	sheet, err = s.ShipSheet(s.admin(), &after)
	require.NoError(t, err)
	require.Equal(t, 1, sheet.Count)
	require.Nil(t, sheet.Next())
}

func TestStockIsMovedByDifferences(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	p := s.prize(t, 2, nil)
	_, err := s.MoveStock(s.admin(), prize.MoveStockInput{IdempotencyKey: id.New().String(), PrizeID: p.ID, By: -3, Reason: "破損"})
	require.ErrorIs(t, err, prize.ErrStock)
	after, err := s.MoveStock(s.admin(), prize.MoveStockInput{IdempotencyKey: id.New().String(), PrizeID: p.ID, By: 5, Reason: "入荷"})
	require.NoError(t, err)
	require.EqualValues(t, 7, after.Stock)
	changed, err := s.Save(s.admin(), prize.SaveInput{ID: &p.ID, ProgrammeID: s.own.ID, Kind: prize.Goods, Name: i18n.JA("大きなボウル"), Points: 120, Stock: 99})
	require.NoError(t, err)
	require.EqualValues(t, 7, changed.Stock, "saving a prize leaves its stock alone")
}

func TestCodesAreHandedOutOnce(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	amount := decimal.NewFromInt(500)
	own, err := s.codes.Issue(s.admin(), voucher.IssueInput{IdempotencyKey: "issue-0001", Name: "交換用", Count: 3, Amount: &amount, ForPrizes: true})
	require.NoError(t, err)
	require.NoError(t, s.codes.Make(s.as(access.System), own.ID))
	theirs, err := s.codes.Import(s.admin(), voucher.ImportInput{IdempotencyKey: "import-0001", Name: "他社ギフト", Codes: "AMZ-0001\nAMZ-0002\nAMZ-0003"})
	require.NoError(t, err)
	for kind, batch := range map[prize.Kind]uuid.UUID{prize.Voucher: own.ID, prize.GiftCode: theirs.ID} {
		p := s.prize(t, 3, func(in *prize.SaveInput) { in.Kind, in.BatchID = kind, &batch })
		s.exec(t, `UPDATE prizes SET stock = 20 WHERE id = $1`, p.ID) // as if codes had been voided since
		people := make([]context.Context, 8)
		for i := range people {
			people[i] = s.joined(t, 100)
		}
		var got, none atomic.Int64
		var group sync.WaitGroup
		for _, m := range people {
			in := s.ask(p, 1)
			in.Address = nil
			group.Go(func() {
				_, err := s.Exchange(m, in)
				for errors.Is(err, fault.ErrUnavailable) {
					_, err = s.Exchange(m, in)
				}
				switch {
				case err == nil:
					got.Add(1)
				case errors.Is(err, voucher.ErrNone):
					none.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.EqualValues(t, []int64{3, 5}, []int64{got.Load(), none.Load()})
		s.agree(t, p, 20)
		told := map[string]bool{}
		for _, m := range people {
			mine, err := s.codes.Mine(m)
			require.NoError(t, err)
			if len(mine) > 0 {
				require.Len(t, mine, 1)
				require.Equal(t, voucher.Assigned, mine[0].State())
				told[*mine[0].Code()] = true
			}
		}
		require.Len(t, told, 3, "each to one member, who reads it")
		all, err := s.codes.List(s.admin(), voucher.Query{BatchID: &batch})
		require.NoError(t, err)
		for _, e := range all.Edges {
			require.Nil(t, e.Node.Code(), "nobody else does")
		}
	}
	_, err = s.Save(s.admin(), prize.SaveInput{ProgrammeID: s.own.ID, Kind: prize.Voucher, Name: i18n.JA("金券"), Points: 1})
	require.ErrorIs(t, err, fault.Invalid(fault.CodeInvalid, "", ""), "codes are taken from a batch")
}

func TestNoMoreCodesArePromisedThanThereAre(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	batch, err := s.codes.Import(s.admin(), voucher.ImportInput{IdempotencyKey: "import-0001", Name: "他社ギフト", Codes: "AMZ-0001\nAMZ-0002\nAMZ-0003\nAMZ-0004\nAMZ-0005"})
	require.NoError(t, err)
	in := prize.SaveInput{ProgrammeID: s.own.ID, Kind: prize.GiftCode, Name: i18n.JA("ギフト"), Points: 100, Stock: 6, BatchID: &batch.ID}
	refused := func(err error, field string) {
		t.Helper()
		require.ErrorIs(t, err, prize.ErrCodes)
		require.Equal(t, field, fault.All(err)[0].Field)
	}
	_, err = s.Save(s.admin(), in)
	refused(err, "stock")
	in.Stock = 4
	p, err := s.Save(s.admin(), in)
	require.NoError(t, err)
	move := func(by int64) error {
		_, err := s.MoveStock(s.admin(), prize.MoveStockInput{IdempotencyKey: id.New().String(), PrizeID: p.ID, By: by, Reason: "追加"})
		return err
	}
	refused(move(2), "by")
	in.Stock = 2
	_, err = s.Save(s.admin(), in)
	refused(err, "stock")
	in.Stock = 1
	other, err := s.Save(s.admin(), in)
	require.NoError(t, err, "two prizes share the codes")
	refused(move(1), "by")

	held, err := s.Hold(s.admin(), map[uuid.UUID]int{p.ID: 3})
	require.NoError(t, err)
	require.Empty(t, held)
	draw := id.New()
	s.exec(t, `INSERT INTO draws (id, brand_id, programme_id, name, points, per_minor, max_entries, opens_at, closes_at, draws_at, answer_days, runners_up, state, commitment, sealed, created_at, updated_at)
		VALUES ($1, $2, $3, '{"ja":"春の抽選"}', 1, 0, 1, now(), now() + interval '1 day', now() + interval '2 days', 7, 0, 'OPEN', 'c', 's', now(), now())`, draw, s.shop.BrandID, s.own.ID)
	s.exec(t, `INSERT INTO draw_ranks (draw_id, position, prize_id, count) VALUES ($1, 1, $2, 3)`, draw, p.ID)
	refused(move(1), "by")
	s.exec(t, `UPDATE draws SET state = 'DRAWN', sealed = '', seed = 's', digest = 'd', closed_at = now(), drawn_at = now()`)
	s.exec(t, `INSERT INTO draw_entrants (draw_id, member_id, entries) SELECT $1, gen_random_uuid(), 1 FROM generate_series(1, 3)`, draw)
	s.exec(t, `INSERT INTO draw_entries (id, draw_id, member_id, source, created_at) SELECT gen_random_uuid(), draw_id, member_id, 'GRANT', now() FROM draw_entrants`)
	s.exec(t, `INSERT INTO draw_winners (id, draw_id, place, entry_id, member_id, outcome, rank, updated_at) SELECT gen_random_uuid(), draw_id, row_number() OVER (), id, member_id, 'WON', 1, now() FROM draw_entries`)
	refused(move(1), "by")
	require.NoError(t, move(-1), "fewer are always possible")
	require.NoError(t, move(1))

	in.ID, in.Closed = &other.ID, true
	_, err = s.Save(s.admin(), in)
	require.NoError(t, err)
	require.NoError(t, move(1), "nobody gets what is closed")
	in.Closed = false
	_, err = s.Save(s.admin(), in)
	refused(err, "stock")
	require.Zero(t, s.count(t, `SELECT count(*) FROM prizes WHERE id = $1 AND closed_at IS NULL`, other.ID))

	s.exec(t, `UPDATE vouchers SET state = 'VOID' WHERE serial < 1`)
	held, err = s.Hold(s.admin(), map[uuid.UUID]int{p.ID: 1})
	require.NoError(t, err)
	require.ErrorIs(t, held[p.ID], prize.ErrCodes, "no draw is made for codes that are not there")
}

func TestASegmentStaysWhileAPrizeIsForIt(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	group := id.New()
	s.exec(t, `INSERT INTO segments (id, brand_id, name, kind, currency, conditions, counted_at, created_at, updated_at) VALUES ($1, $2, '犬', 'STATIC', 'JPY', '{}', now(), now(), now())`, group, s.shop.BrandID)
	p := s.prize(t, 5, func(in *prize.SaveInput) { in.SegmentID = &group })
	_, err := s.segments.Close(s.admin(), segment.ByIDInput{SegmentID: group})
	require.ErrorIs(t, err, segment.ErrInUse)
	require.Zero(t, s.count(t, `SELECT count(*) FROM segments WHERE closed_at IS NOT NULL`))
	_, err = s.Save(s.admin(), prize.SaveInput{ID: &p.ID, ProgrammeID: s.own.ID, Kind: prize.Goods, Name: p.Name, Points: 100, SegmentID: &group, Closed: true})
	require.NoError(t, err)
	_, err = s.segments.Close(s.admin(), segment.ByIDInput{SegmentID: group})
	require.NoError(t, err)
	_, err = s.Save(s.admin(), prize.SaveInput{ID: &p.ID, ProgrammeID: s.own.ID, Kind: prize.Goods, Name: p.Name, Points: 100, SegmentID: &group})
	require.ErrorIs(t, err, fault.ErrNotFound, "it is not opened again for nobody")
}
