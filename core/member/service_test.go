package member_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/membercode"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prize"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

var everything = []access.Permission{access.MemberRead, access.MemberWrite, access.PurchaseWrite}

// club is a shop with members.
type club struct {
	*pgtest.Shop
	*member.Service
	keys           *sealing.Keys
	codes          *membercode.Service
	customers      *customer.Service
	shibuya, umeda uuid.UUID
	now            time.Time
	ended          []uuid.UUID
	stays          uuid.UUID // an account that cannot be ended
	followed       [][2]uuid.UUID
}

// End notes which accounts are closed.
// Prove takes one password for everybody's.
func (c *club) Prove(_ context.Context, password, _ string) error {
	if password != "right" {
		return identity.ErrPasswordWrong.At("password")
	}
	return nil
}

func (c *club) AskEmailChange(context.Context, uuid.UUID, string, bool) error { return nil }

var errStays = errors.New("the account stays")

func (c *club) End(_ context.Context, accountID uuid.UUID) error {
	if accountID == c.stays {
		return errStays
	}
	c.ended = append(c.ended, accountID)
	return nil
}

// followers notes who is merged into whom.
type followers struct{ c *club }

func (f followers) Merge(_ context.Context, keptID, goneID uuid.UUID) error {
	f.c.followed = append(f.c.followed, [2]uuid.UUID{keptID, goneID})
	return nil
}

func newClub(t *testing.T) *club {
	t.Helper()
	c := &club{Shop: pgtest.NewShop(t), shibuya: id.New(), umeda: id.New(), now: time.Date(2026, 6, 15, 3, 0, 0, 0, time.UTC)}
	for code, key := range map[string]uuid.UUID{"shibuya": c.shibuya, "umeda": c.umeda} {
		c.exec(t, `INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, $3, '{"ja":"店"}', 'SHOP')`, key, c.BrandID, code)
	}
	master, err := identity.Sealer("a master key", "test")
	require.NoError(t, err)
	now := clock.Clock(func() time.Time { return c.now })
	c.keys = sealing.New(postgres.NewDataKeys(c.DB), master, now)
	c.customers = customer.New(c.DB, postgres.NewCustomers(c.DB, c.keys), postgres.NewEvents(c.DB), now)
	links, err := member.NewLinks("a secret", "https://noren.example.jp", now)
	require.NoError(t, err)
	c.codes, err = membercode.New(postgres.NewMemberCodes(c.DB), "a secret", nil, now)
	require.NoError(t, err)
	c.Service = member.New(member.Parts{
		Tx: c.DB, Store: postgres.NewMembers(c.DB, c.keys), Keys: idempotency.New(c.DB, postgres.NewKeys(c.DB), now), Accounts: c, Customers: c.customers,
		Codes: c.codes, Events: postgres.NewEvents(c.DB), Links: links, Now: now,
	})
	c.FollowedBy(followers{c})
	return c
}

func (c *club) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	_, err := c.DB.Pool().Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func get[T any](t *testing.T, c *club, sql string, args ...any) (v T) {
	t.Helper()
	require.NoError(t, c.DB.Pool().QueryRow(t.Context(), sql, args...).Scan(&v))
	return v
}

func (c *club) as(t *testing.T, a access.Actor) context.Context {
	ch := channel.Channel{ID: c.ChannelID, BrandID: c.BrandID, Currency: "JPY", TimeZone: "Asia/Tokyo"}
	return access.With(channel.With(t.Context(), ch), a)
}

func (c *club) at(t *testing.T, store uuid.UUID) context.Context {
	return c.as(t, access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: everything, Stores: []uuid.UUID{store}, Address: netip.MustParseAddr("192.0.2.7")})
}

func (c *club) office(t *testing.T) context.Context {
	return c.as(t, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: everything})
}

func (c *club) account(t *testing.T, email string) context.Context {
	key := id.New()
	c.exec(t, `INSERT INTO accounts (id, role, email, name, created_at, updated_at) VALUES ($1, 'MEMBER', $2, '佐藤 太郎', now(), now())`, key, email)
	return c.as(t, access.Actor{Role: access.RoleMember, ID: key, Address: netip.MustParseAddr("192.0.2.9")})
}

func to[T any](v T) *T { return &v }

func hanako() member.PersonalInput {
	born := time.Date(1990, 2, 28, 0, 0, 0, 0, time.UTC)
	return member.PersonalInput{
		Name: to("山田　花子"), Kana: to("やまだ はなこ"), Phone: to("０９０-1234-5612"), Email: to("Hanako@Example.jp"), Birthday: &born, Gender: to(customer.GenderFemale),
		Address: &customer.Address{Name: "山田花子", PostalCode: "1500001", Prefecture: "TOKYO", City: "渋谷区", Line1: "神宮前1-2-3", Phone: "0312345678"},
	}
}

func (c *club) register(t *testing.T, store uuid.UUID, key string, person member.PersonalInput) *member.Member {
	t.Helper()
	m, err := c.Register(c.at(t, store), member.RegisterInput{
		IdempotencyKey: "register-" + key, Person: person, How: member.ByStore, Wording: "2026-04",
		Settings: []member.SettingInput{{Medium: member.Mail, Given: true}, {Medium: member.DM, Given: false}},
	})
	require.NoError(t, err)
	return m
}

func (c *club) cards(t *testing.T, m uuid.UUID) []member.Card {
	t.Helper()
	cards, err := c.Cards(c.office(t), []uuid.UUID{m})
	require.NoError(t, err)
	return cards
}

func TestAMemberIsFoundByExactMatchAndSeenByItsStore(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	m := c.register(t, c.shibuya, "1", hanako())
	require.False(t, m.Masked)
	require.Equal(t, "山田 花子", m.Name)
	again, err := c.Register(c.at(t, c.shibuya), member.RegisterInput{IdempotencyKey: "register-2", Person: member.PersonalInput{}, How: member.ByStore})
	require.ErrorIs(t, err, member.ErrNoContact)
	require.Nil(t, again)
	number := c.cards(t, m.ID)[0].Number
	for _, by := range []member.Criterion{{CardNumber: number}, {Email: " ＨＡＮＡＫＯ@example.jp"}, {Phone: "+81 90 1234 5612"}} {
		for store, masked := range map[uuid.UUID]bool{c.shibuya: false, c.umeda: true} {
			found, err := c.Find(c.at(t, store), by)
			require.NoError(t, err)
			require.Len(t, found, 1, "%+v", by)
			require.Equal(t, masked, found[0].Masked)
			if masked {
				require.Equal(t, "山＊＊＊ 090-****-**12", found[0].Name+" "+found[0].Phone)
				require.Nil(t, found[0].Address)
			} else {
				require.Equal(t, "渋谷区", found[0].Address.City)
			}
		}
	}
	views := get[int](t, c, `SELECT count(*) FROM events WHERE type = 'member.viewed' AND subject_id = $1 AND actor_id IS NOT NULL`, m.ID)
	require.Equal(t, 7, views, "each view is written down: of six searches and of registering")
	require.Equal(t, 3, get[int](t, c, `SELECT count(*) FROM events WHERE type = 'member.viewed' AND (data->>'masked')::boolean`))
	_, err = c.Find(c.office(t), member.Criterion{Phone: "09012345612", Email: "hanako@example.jp"})
	require.ErrorIs(t, err, member.ErrSearch)
	_, err = c.Find(c.as(t, access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{c.shibuya}}), member.Criterion{Phone: "09012345612"})
	require.ErrorIs(t, err, fault.ErrForbidden)
	_, err = c.Update(c.at(t, c.umeda), member.UpdateInput{MemberID: m.ID, Person: member.PersonalInput{Name: to("別人")}})
	require.ErrorIs(t, err, fault.ErrForbidden, "another store changes nothing")
	_, err = c.SetHomeStore(c.at(t, c.umeda), member.SetHomeStoreInput{MemberID: &m.ID, StoreID: &c.umeda})
	require.ErrorIs(t, err, fault.ErrForbidden, "nor makes the member its own to read")
}

func TestAMemberIsFoundByTheCodeThatTheyShow(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	ctx := c.account(t, "taro@example.jp")
	_, err := c.Join(ctx, member.JoinInput{How: member.ByWeb, HomeStoreID: &c.shibuya})
	require.NoError(t, err)
	code, err := c.codes.Issue(ctx)
	require.NoError(t, err)
	for range 2 { // it is not used up
		found, err := c.Find(c.at(t, c.shibuya), member.Criterion{MemberCode: " " + code.Text})
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Equal(t, access.From(ctx).ID, found[0].ID)
		require.False(t, found[0].Masked)
	}
	masked, err := c.Find(c.at(t, c.umeda), member.Criterion{MemberCode: code.Text})
	require.NoError(t, err)
	require.True(t, masked[0].Masked, "another store's")
	require.Equal(t, 3, get[int](t, c, `SELECT count(*) FROM events WHERE type = 'member.viewed' AND data->>'by' = 'memberCode'`))
	sold, err := c.codes.Read(c.at(t, c.shibuya), code.Text, true)
	require.NoError(t, err, "the till may still use it")
	require.Equal(t, access.From(ctx).ID, sold.ID)

	stranger, err := c.codes.Issue(c.account(t, "stranger@example.jp"))
	require.NoError(t, err)
	none, err := c.Find(c.office(t), member.Criterion{MemberCode: stranger.Text})
	require.NoError(t, err)
	require.Empty(t, none, "who has not joined is no member")
	other := channel.With(ctx, channel.Channel{BrandID: id.New(), Currency: "JPY", TimeZone: "Asia/Tokyo"})
	foreign, err := c.codes.Issue(other)
	require.NoError(t, err)
	for text, want := range map[string]error{foreign.Text: membercode.ErrInvalid, "noren:member:forged": membercode.ErrInvalid, "2912345678901": membercode.ErrInvalid} {
		_, err = c.Find(c.office(t), member.Criterion{MemberCode: text})
		require.ErrorIs(t, err, want, text)
	}
	_, err = c.Find(c.office(t), member.Criterion{MemberCode: code.Text, Phone: "090"})
	require.ErrorIs(t, err, member.ErrSearch)
	_, err = c.Find(ctx, member.Criterion{MemberCode: code.Text})
	require.ErrorIs(t, err, fault.ErrForbidden, "members look nobody up")
	c.Limiter = never{}
	_, err = c.Find(c.office(t), member.Criterion{MemberCode: code.Text})
	require.ErrorIs(t, err, member.ErrTries)
	c.Limiter = nil
	c.now = code.ExpiresAt
	_, err = c.Find(c.office(t), member.Criterion{MemberCode: code.Text})
	require.ErrorIs(t, err, membercode.ErrExpired)
}

// never lets no try pass.
type never struct{}

func (never) GiveBack(context.Context, string, limit.Rate) {}

func (never) Allow(context.Context, string, limit.Rate) limit.Verdict {
	return limit.Verdict{RetryAfter: time.Minute}
}

func TestPersonalDataIsSealedAtRestAndByRotation(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	m := c.register(t, c.shibuya, "1", hanako())
	clear := func() string {
		return get[string](t, c, `SELECT coalesce(string_agg(p::text, ''), '') || coalesce((SELECT string_agg(s::text, '') FROM saved_addresses s), '') ||
			coalesce((SELECT string_agg(e::text, '') FROM events e), '') || coalesce((SELECT string_agg(k::text, '') FROM idempotency_keys k), '') FROM profiles p`)
	}
	for _, secret := range []string{"山田", "ヤマダ", "09012345612", "hanako", "1990-02-28", "渋谷区", "神宮前"} {
		require.NotContains(t, clear(), secret)
	}
	require.Equal(t, 1990, get[int](t, c, `SELECT birth_year FROM profiles`), "coarse columns stay clear")
	require.Equal(t, "TOKYO", get[string](t, c, `SELECT prefecture FROM saved_addresses`))
	// A row of an older version, in clear.
	old := id.New()
	c.exec(t, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now())`, old)
	c.exec(t, `INSERT INTO profiles (member_id, kana, phone, birthday, updated_at) VALUES ($1, 'スズキ', '0311112222', '1970-01-02', now())`, old)
	c.exec(t, `INSERT INTO saved_addresses (id, member_id, address, is_default, created_at, updated_at) VALUES ($1, $2, '{"city":"大津市","prefecture":"SHIGA"}', true, now(), now())`, id.New(), old)
	read, err := c.ByID(c.office(t), old)
	require.NoError(t, err)
	require.Equal(t, "スズキ 大津市 1970-01-02", read.Kana+" "+read.Address.City+" "+read.Birthday.Format(time.DateOnly))

	before := get[string](t, c, `SELECT key_id FROM profiles WHERE member_id = $1`, m.ID)
	c.now = c.now.Add(time.Hour)
	_, err = c.keys.Rotate(t.Context())
	require.NoError(t, err)
	personal := postgres.NewPersonal(c.DB, c.keys)
	stale, err := personal.Stale(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, stale)
	found, err := c.Find(c.office(t), member.Criterion{Email: "hanako@example.jp"})
	require.NoError(t, err)
	require.Len(t, found, 1, "found by the older key's hash before it is sealed anew")
	n, err := personal.Reseal(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, 4, n)
	n, err = personal.Reseal(t.Context(), nil)
	require.NoError(t, err)
	require.Zero(t, n, "a second run has nothing to do")
	require.NotEqual(t, before, get[string](t, c, `SELECT key_id FROM profiles WHERE member_id = $1`, m.ID))
	require.NotContains(t, clear(), "スズキ")
	for by, want := range map[member.Criterion]uuid.UUID{{Email: "hanako@example.jp"}: m.ID, {Phone: "03-1111-2222"}: old} {
		found, err := c.Find(c.office(t), by)
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Equal(t, want, found[0].ID)
	}
}

func TestCardsAreReissuedLostAndGivenOutOnce(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	m := c.register(t, c.shibuya, "1", hanako())
	body := "291234567890"
	number := body + string(member.CheckDigit(body))
	in := member.IssueInput{IdempotencyKey: "issue-card-1", MemberID: &m.ID, Kind: member.Physical, Number: &number, StoreID: &c.shibuya}
	for range 2 { // a replay issues nothing
		_, err := c.Issue(c.as(t, access.Actor{Role: access.RoleStaff, ID: c.BrandID, Permissions: everything}), in)
		require.NoError(t, err)
	}
	require.Len(t, c.cards(t, m.ID), 2)
	in.IdempotencyKey, in.Number, in.Lost = "issue-card-2", nil, true
	_, err := c.Issue(c.at(t, c.shibuya), in)
	require.NoError(t, err)
	cards := c.cards(t, m.ID)
	states := map[member.CardState]int{}
	for _, k := range cards {
		states[k.State]++
	}
	require.Equal(t, map[member.CardState]int{member.CardActive: 2, member.CardLost: 1}, states, "a digital and a new plastic one work")
	in.IdempotencyKey, in.Number = "issue-card-3", &number
	_, err = c.Issue(c.at(t, c.shibuya), in)
	require.ErrorIs(t, err, member.ErrCardTaken, "a lost number is never given out again")
	require.Equal(t, 2, func() (active int) {
		for _, k := range c.cards(t, m.ID) {
			if k.State == member.CardActive {
				active++
			}
		}
		return active
	}(), "and what failed ended nothing")
	wrong := number[:12] + string('0'+(number[12]-'0'+1)%10)
	in.Number = &wrong
	_, err = c.Issue(c.at(t, c.shibuya), in)
	require.ErrorIs(t, err, member.ErrCardNumber)
	for _, k := range cards {
		if k.State == member.CardLost {
			_, err = c.ReportLost(c.at(t, c.shibuya), member.LostInput{CardID: k.ID})
			require.ErrorIs(t, err, member.ErrCardEnded)
		}
	}
}

func TestConsentsAreProvedAndOnlyAdded(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	m := c.register(t, c.shibuya, "1", hanako())
	c.now = c.now.Add(time.Hour)
	_, err := c.SaveSettings(c.at(t, c.shibuya), member.SaveSettingsInput{MemberID: &m.ID, How: member.ByPhone, Settings: []member.SettingInput{{Medium: member.Mail, Given: false}}})
	require.NoError(t, err)
	consents, err := c.Consents(c.office(t), []uuid.UUID{m.ID})
	require.NoError(t, err)
	require.Len(t, consents, 3)
	require.Equal(t, member.ByPhone, consents[0].How)
	require.False(t, consents[0].Given)
	require.Equal(t, "192.0.2.7", consents[0].Address.String())
	require.Equal(t, access.RoleStoreStaff, consents[0].ActorRole)
	settings, err := c.Settings(c.office(t), []uuid.UUID{m.ID})
	require.NoError(t, err)
	require.Len(t, settings, 2)
	require.Zero(t, get[int](t, c, `SELECT count(*) FROM newsletter_consents WHERE withdrawn_at IS NULL`), "who sends magazines looks there")
	for _, sql := range []string{`UPDATE member_consents SET given = true`, `DELETE FROM member_consents`} {
		_, err := c.DB.Pool().Exec(t.Context(), sql)
		require.ErrorContains(t, err, "append-only")
	}
	_, err = c.SaveSettings(c.at(t, c.shibuya), member.SaveSettingsInput{MemberID: &m.ID, How: member.ByWeb, Settings: []member.SettingInput{{Medium: member.SMS, Given: true}}})
	require.Error(t, err, "staff do not say that the member did it on the website")
}

func (c *club) bought(t *testing.T, m uuid.UUID, on string, total int) {
	t.Helper()
	c.exec(t, `INSERT INTO purchases (id, bought_on, bought_at, brand_id, member_id, source, store_id, till, receipt, items, total, currency, created_at)
		VALUES (gen_random_uuid(), $1, $1::date + time '12:00', $2, $3, 'STORE', $4, '1', $5, 1, $6, 'JPY', now())`, on, c.BrandID, m, c.shibuya, id.New().String(), total)
	c.exec(t, `UPDATE memberships SET rank_due_on = $1 WHERE member_id = $2`, c.now, m)
}

func (c *club) rank(t *testing.T, m uuid.UUID) string {
	t.Helper()
	require.NoError(t, c.WorkRanks(c.as(t, access.System)))
	return get[string](t, c, `SELECT coalesce((SELECT code FROM member_ranks r WHERE r.id = j.rank_id), '') FROM memberships j WHERE member_id = $1`, m)
}

func TestARankFollowsRollingSpend(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	m := c.register(t, c.shibuya, "1", hanako())
	for code, least := range map[string]int64{"SILVER": 10000, "GOLD": 50000} {
		_, err := c.SaveRank(c.office(t), member.SaveRankInput{Code: code, Name: map[string]string{"ja": code}, MinSpend: decimal.NewFromInt(least), Months: 12})
		require.NoError(t, err)
	}
	require.Empty(t, c.rank(t, m.ID))
	c.bought(t, m.ID, "2025-07-01", 30000)
	require.Equal(t, "SILVER", c.rank(t, m.ID))
	c.bought(t, m.ID, "2026-06-01", 20000)
	require.Equal(t, "GOLD", c.rank(t, m.ID))
	require.Equal(t, "2026-07-01", get[time.Time](t, c, `SELECT rank_due_on FROM memberships`).Format(time.DateOnly), "due when the oldest purchase leaves the window")
	require.Equal(t, "GOLD", c.rank(t, m.ID), "nothing is due before")
	c.now = time.Date(2026, 6, 30, 15, 0, 0, 0, time.UTC) // midnight of the first of July in Japan
	require.Equal(t, "SILVER", c.rank(t, m.ID))
	c.bought(t, m.ID, "2026-07-01", -15000)
	require.Empty(t, c.rank(t, m.ID), "what is given back counts")
	changes, err := c.RankChanges(c.office(t), []uuid.UUID{m.ID})
	require.NoError(t, err)
	require.Len(t, changes, 4)
	require.Equal(t, "SILVER", changes[0].FromName["ja"])
	require.Empty(t, changes[0].ToName)
}

func TestAMergeKeepsTheHistoryOfBoth(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	keep, gone := c.register(t, c.shibuya, "1", member.PersonalInput{Name: to("山田 花子")}), c.register(t, c.umeda, "2", hanako())
	c.bought(t, gone.ID, "2026-06-01", 500)
	c.exec(t, `INSERT INTO pets (id, member_id, name, species, created_at, updated_at) VALUES (gen_random_uuid(), $1, 'ポチ', 'DOG', now(), now())`, gone.ID)
	c.now = c.now.Add(time.Hour)
	_, err := c.SaveSettings(c.at(t, c.umeda), member.SaveSettingsInput{MemberID: &gone.ID, How: member.ByPhone, Settings: []member.SettingInput{{Medium: member.DM, Given: true}}})
	require.NoError(t, err)
	in := member.MergeInput{IdempotencyKey: "merge-members-1", KeepID: keep.ID, GoneID: gone.ID, Reason: "同一人物"}
	_, err = c.Merge(c.at(t, c.shibuya), in)
	require.ErrorIs(t, err, fault.ErrForbidden, "it is for the head office")
	_, err = c.Merge(c.office(t), member.MergeInput{IdempotencyKey: "merge-members-0", KeepID: keep.ID, GoneID: keep.ID})
	require.ErrorIs(t, err, member.ErrMergeSelf)
	office := c.office(t)
	for range 2 { // a replay changes nothing
		m, err := c.Merge(office, in)
		require.NoError(t, err)
		require.Equal(t, "山田 花子 09012345612", m.Name+" "+m.Phone, "what one did not tell comes from the other")
	}
	require.Len(t, c.cards(t, keep.ID), 2)
	for _, table := range []string{"pets", "purchases"} {
		require.Equal(t, keep.ID, get[uuid.UUID](t, c, `SELECT member_id FROM `+table), table)
	}
	require.Equal(t, [][2]uuid.UUID{{keep.ID, gone.ID}}, c.followed)
	require.Equal(t, []uuid.UUID{gone.ID}, c.ended)
	require.Equal(t, 2, get[int](t, c, `SELECT count(*) FROM events WHERE type LIKE 'member.merged%'`), "both histories say so, once")
	consents, err := c.Consents(office, []uuid.UUID{keep.ID})
	require.NoError(t, err)
	require.Len(t, consents, 6, "the record of both, and the later word that holds now")
	settings, err := c.Settings(office, []uuid.UUID{keep.ID})
	require.NoError(t, err)
	for _, s := range settings {
		require.True(t, s.Given, s.Medium)
	}
	in.IdempotencyKey = "merge-members-2"
	_, err = c.Merge(office, in)
	require.ErrorIs(t, err, member.ErrMerged)
	found, err := c.Find(office, member.Criterion{Phone: "09012345612"})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, keep.ID, found[0].ID)
}

func TestTwoMergesAtOnceMergeOnce(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	a, b := c.register(t, c.shibuya, "1", hanako()), c.register(t, c.shibuya, "2", hanako())
	var group sync.WaitGroup
	var mutex sync.Mutex
	done := 0
	for key, pair := range map[string][2]uuid.UUID{"merge-at-once-1": {a.ID, b.ID}, "merge-at-once-2": {b.ID, a.ID}} {
		ctx := c.office(t)
		group.Go(func() {
			_, err := c.Merge(ctx, member.MergeInput{IdempotencyKey: key, KeepID: pair[0], GoneID: pair[1]})
			mutex.Lock()
			defer mutex.Unlock()
			if err == nil {
				done++
			}
		})
	}
	group.Wait()
	require.Equal(t, 1, done)
	require.Equal(t, 1, get[int](t, c, `SELECT count(*) FROM members WHERE merged_into IS NULL`))
}

func TestAGuestOfAShopClaimsTheirCard(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	guest := c.register(t, c.shibuya, "1", hanako())
	c.bought(t, guest.ID, "2026-06-01", 500)
	number := c.cards(t, guest.ID)[0].Number
	ctx := c.account(t, "taro@example.jp")
	body := "290000000000"
	for name, in := range map[string]member.ClaimInput{
		"no proof":       {CardNumber: number},
		"another phone":  {CardNumber: number, Phone: to("09000000000")},
		"no such card":   {CardNumber: body + string(member.CheckDigit(body)), Phone: to("09012345612")},
		"wrong birthday": {CardNumber: number, Birthday: to(time.Date(1990, 2, 27, 0, 0, 0, 0, time.UTC))},
	} {
		_, err := c.Claim(ctx, in)
		require.ErrorIs(t, err, member.ErrClaim, name)
	}
	for range 2 {
		m, err := c.Claim(ctx, member.ClaimInput{CardNumber: number, Phone: to("090-1234-5612")})
		require.NoError(t, err)
		require.Equal(t, access.From(ctx).ID, m.ID)
		require.Equal(t, "佐藤 太郎 taro@example.jp ヤマダ ハナコ", m.Name+" "+m.Email+" "+m.Kana, "the account's name and address stay")
	}
	require.Equal(t, access.From(ctx).ID, get[uuid.UUID](t, c, `SELECT member_id FROM purchases`))
	_, err := c.Claim(c.account(t, "thief@example.jp"), member.ClaimInput{CardNumber: number, Phone: to("090-1234-5612")})
	require.ErrorIs(t, err, member.ErrClaim, "who has an account is claimed by nobody")
}

func TestACardIsTriedFiveTimesADay(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	number := c.cards(t, c.register(t, c.shibuya, "1", hanako()).ID)[0].Number
	nobodys := "290000000000" + string(member.CheckDigit("290000000000"))
	claim := func(number, phone string) error {
		_, err := c.Claim(c.account(t, id.New().String()+"@example.jp"), member.ClaimInput{CardNumber: number, Phone: &phone})
		return err
	}
	for _, n := range []string{number, nobodys} {
		for range 5 {
			require.ErrorIs(t, claim(n, "09000000000"), member.ErrClaim)
		}
		require.ErrorIs(t, claim(n, "090-1234-5612"), member.ErrClaimLocked, "by whichever account, and whether there is such a card or not")
	}
	c.now = c.now.Add(24*time.Hour + time.Second)
	require.NoError(t, claim(number, "090-1234-5612"), "the next day")
	require.Zero(t, get[int](t, c, `SELECT count(*) FROM member_card_claims`), "and nothing is kept of it")
}

func TestManyTryACardAtOnceFiveTimes(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	number := c.cards(t, c.register(t, c.shibuya, "1", hanako()).ID)[0].Number
	var refused atomic.Int64
	var group sync.WaitGroup
	for range 12 {
		ctx := c.account(t, id.New().String()+"@example.jp")
		group.Go(func() {
			if _, err := c.Claim(ctx, member.ClaimInput{CardNumber: number, Phone: to("09000000000")}); errors.Is(err, member.ErrClaim) {
				refused.Add(1)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 5, refused.Load())
}

func TestWhoMayLetAllOfAMemberLeave(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	m := c.register(t, c.shibuya, "1", hanako())
	ask := func(role access.Role, permissions ...access.Permission) error {
		_, err := c.Export(c.as(t, access.Actor{Role: role, ID: id.New(), Permissions: permissions, Stores: []uuid.UUID{c.shibuya}}), member.AskInput{MemberID: &m.ID})
		return err
	}
	for _, held := range [][]access.Permission{{access.MemberWrite}, {access.MemberRead, access.MemberWrite}, {access.MemberExport, access.MemberWrite}} {
		require.ErrorIs(t, ask(access.RoleStaff, held...), fault.ErrForbidden, held)
	}
	require.ErrorIs(t, ask(access.RoleStoreStaff, access.Permissions...), fault.ErrForbidden)
	require.NoError(t, ask(access.RoleStaff, access.MemberRead, access.MemberExport))
}

func TestStaffNameTheirOwnShopAndMembersNone(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	m := c.register(t, c.shibuya, "1", hanako())
	said := func(ctx context.Context, of, store *uuid.UUID, how member.How) error {
		_, err := c.SaveSettings(ctx, member.SaveSettingsInput{MemberID: of, How: how, StoreID: store, Settings: []member.SettingInput{{Medium: member.SMS, Given: true}}})
		return err
	}
	issued := func(ctx context.Context, of, store *uuid.UUID) error {
		_, err := c.Issue(ctx, member.IssueInput{IdempotencyKey: id.New().String(), MemberID: of, Kind: member.Digital, StoreID: store})
		return err
	}
	clerk, taro := c.at(t, c.shibuya), c.account(t, "taro@example.jp")
	_, err := c.Join(taro, member.JoinInput{How: member.ByWeb})
	require.NoError(t, err)
	for name, err := range map[string]error{
		"another shop's proof": said(clerk, &m.ID, &c.umeda, member.ByPaper), "another shop's card": issued(clerk, &m.ID, &c.umeda),
		"a member's proof": said(taro, nil, &c.shibuya, member.ByWeb), "a member's card": issued(taro, nil, &c.shibuya),
	} {
		require.ErrorIs(t, err, fault.ErrForbidden, name)
	}
	require.NoError(t, said(clerk, &m.ID, &c.shibuya, member.ByPaper))
	require.NoError(t, issued(clerk, &m.ID, &c.shibuya))
	require.NoError(t, said(c.office(t), &m.ID, &c.umeda, member.ByPaper))
}

func TestWhoMayWriteAndNotReadHearsWhatWasDone(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	m := c.register(t, c.shibuya, "1", hanako())
	writer := c.as(t, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberWrite}})
	changed, err := c.Update(writer, member.UpdateInput{MemberID: m.ID, Person: member.PersonalInput{Phone: to("0311112222")}, Reason: "電話で確認"})
	require.NoError(t, err)
	require.True(t, changed.Masked)
	require.Equal(t, "031-****-**22", changed.Phone)
	changed, err = c.SetHomeStore(writer, member.SetHomeStoreInput{MemberID: &m.ID, StoreID: &c.umeda})
	require.NoError(t, err)
	require.True(t, changed.Masked)
	_, err = c.ByID(writer, m.ID)
	require.ErrorIs(t, err, fault.ErrNotFound, "they look nobody up")
	made, err := c.Register(c.as(t, access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: []access.Permission{access.MemberWrite}, Stores: []uuid.UUID{c.umeda}}),
		member.RegisterInput{IdempotencyKey: "register-2", Person: member.PersonalInput{Name: to("佐藤 太郎")}, How: member.ByStore})
	require.NoError(t, err)
	require.Equal(t, "佐＊＊＊", made.Name)
}

func TestARowThatTwoKeysSealedIsSealedAnew(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	m := c.register(t, c.shibuya, "1", hanako())
	master, err := identity.Sealer("a master key", "test")
	require.NoError(t, err)
	looks := 0
	keys := sealing.New(postgres.NewDataKeys(c.DB), master, func() time.Time {
		if looks++; looks <= 2 { // the second is the first of the writing, and too early to know the newer key
			return c.now
		}
		return c.now.Add(time.Hour)
	})
	before, err := keys.Current(t.Context())
	require.NoError(t, err)
	_, err = c.keys.Rotate(t.Context())
	require.NoError(t, err)
	require.NoError(t, postgres.NewMembers(c.DB, keys).SavePersonal(t.Context(), *m))
	require.Equal(t, before, get[string](t, c, `SELECT key_id FROM profiles`), "the row says the older key, so that the job finds it")
}

func TestAnExportHoldsAllByItsLinkAlone(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	ctx := c.account(t, "taro@example.jp")
	_, err := c.Join(ctx, member.JoinInput{How: member.ByWeb, Settings: []member.SettingInput{{Medium: member.Mail, Given: true}}})
	require.NoError(t, err)
	c.bought(t, access.From(ctx).ID, "2026-06-01", 500)
	_, err = c.Export(c.at(t, c.shibuya), member.AskInput{MemberID: to(access.From(ctx).ID)})
	require.ErrorIs(t, err, fault.ErrForbidden)
	_, err = c.Export(c.account(t, "other@example.jp"), member.AskInput{MemberID: to(access.From(ctx).ID)})
	require.ErrorIs(t, err, fault.ErrForbidden)
	_, err = c.customers.AddAddress(ctx, customer.AddAddressInput{Address: *hanako().Address})
	require.NoError(t, err)
	exported, err := c.Export(ctx, member.AskInput{})
	require.NoError(t, err)
	address, err := url.Parse(exported.URL)
	require.NoError(t, err)
	requestID, q := path.Base(address.Path), address.Query()
	var out bytes.Buffer
	require.NoError(t, c.Open(t.Context(), &out, requestID, q.Get("expires"), q.Get("signature")))
	var got struct {
		Member                                                struct{ Name, Email string }
		Cards, Consents, Purchases, Memberships, Orders, Pets []map[string]any
		Addresses                                             []struct{ Address customer.Address }
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &got), out.String())
	require.Equal(t, "佐藤 太郎", got.Member.Name)
	require.Equal(t, "渋谷区", got.Addresses[0].Address.City)
	require.Equal(t, []int{1, 1, 1, 1, 0, 0}, []int{len(got.Cards), len(got.Consents), len(got.Purchases), len(got.Memberships), len(got.Orders), len(got.Pets)})
	require.ErrorIs(t, c.Open(t.Context(), &out, requestID, q.Get("expires"), "x"), link.ErrInvalid)
	require.ErrorIs(t, c.Open(t.Context(), &out, id.New().String(), q.Get("expires"), q.Get("signature")), link.ErrInvalid)
	c.now = c.now.Add(time.Hour)
	require.ErrorIs(t, c.Open(t.Context(), &out, requestID, q.Get("expires"), q.Get("signature")), link.ErrExpired)
}

func TestAnExportHoldsWhatAMemberWonAskedForAndLookedAt(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	ctx := c.account(t, "taro@example.jp")
	_, err := c.Join(ctx, member.JoinInput{How: member.ByWeb})
	require.NoError(t, err)
	m, gone := access.From(ctx).ID, access.From(c.account(t, "gone@example.jp")).ID
	variant := c.AddProduct(t, "leash", 1980)
	exchange := c.furnish(t, m, gone, variant)

	exported, err := c.Export(ctx, member.AskInput{})
	require.NoError(t, err)
	address, err := url.Parse(exported.URL)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, c.Open(t.Context(), &out, path.Base(address.Path), address.Query().Get("expires"), address.Query().Get("signature")))
	var got map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(out.Bytes(), &got), out.String())
	for kind, want := range map[string][]string{
		"points":          {`"wan"`, `"available": 30`},
		"pointEntries":    {`"EARN"`, `"MERGE_OUT"`, `"merged away"`},
		"pointLots":       {`"remaining": 30`, `"2027-01-31"`},
		"pointTransfers":  {`"sky"`, `"their-77"`, `"their-88-typed"`},
		"prizeExchanges":  {exchange.String(), `"神宮前1-2-3"`, `"ぬいぐるみ"`},
		"vouchers":        {`"金券"`, `"WXYZ"`, `"balance": 500`},
		"draws":           {`"春の抽選"`, `"GRANT"`},
		"drawWins":        {`"WON"`, `"ぬいぐるみ"`},
		"wishLists":       {`"ほしい"`, `"贈り物"`, `"shared": true`},
		"recentlyViewed":  {`"leash"`},
		"quotations":      {`"Q-1"`, `常連`, `"hanako@example.jp"`, `"quoted"`},
		"returns":         {`"N-1"`, `"気に入らない"`, `"REQUESTED"`},
		"recurringOrders": {`"T-1"`, `"渋谷区"`, `"quantity": 2`},
		"draftOrders":     {`"D-1"`, `"玄関"`, `"quantity": 4`},
		"carts":           {`"cart@example.jp"`, `"quantity": 6`},
		"coupons":         {`"春の割引"`, `"HINT"`, `"ISSUED"`},
		"restockRequests": {`"restock@example.jp"`, `"sku": "leash`},
	} {
		for _, text := range want {
			require.Contains(t, string(got[kind]), text, kind)
		}
	}
	require.NotContains(t, out.String(), "secret", "a code is as good as money, and a token opens a list")
}

// furnish gives the member one row of all that an export holds, and points of another
// member who became this one. It is the exchange of a prize.
func (c *club) furnish(t *testing.T, m, gone uuid.UUID, goods pgtest.Product) uuid.UUID {
	t.Helper()
	method := id.New()
	c.exec(t, `INSERT INTO shipping_methods (id, brand_id, code, name, fee) VALUES ($1, $2, 'by-post', '{"ja":"宅配便"}', 0)`, method, c.BrandID)
	programme, account, merged, partner, exchange := id.New(), id.New(), id.New(), id.New(), id.New()
	prizeID, batch, draw, entry, list, order, recurring := id.New(), id.New(), id.New(), id.New(), id.New(), id.New(), id.New()
	c.exec(t, `INSERT INTO point_programmes (id, brand_id, code, name, currency, unit_points, unit_minor, confirm_days, grace_days, notice_days, grant_limit, zone, created_at, updated_at)
		VALUES ($1, $2, 'wan', '{}', 'JPY', 1, 1, 0, 0, 0, 0, 'Asia/Tokyo', now(), now())`, programme, c.BrandID)
	c.exec(t, `INSERT INTO point_accounts (id, programme_id, member_id, available, number) VALUES ($1, $2, $3, 30, 1)`, account, programme, m)
	c.exec(t, `INSERT INTO point_accounts (id, programme_id, member_id, number, merged_into) VALUES ($1, $2, $3, 1, $4)`, merged, programme, gone, account)
	for holder, kind := range map[uuid.UUID]string{account: "EARN", merged: "MERGE_OUT"} {
		c.exec(t, `INSERT INTO point_entries (account_id, number, programme_id, key, part, kind, debit, credit, points, available, pending, reason, at) VALUES ($1, 1, $2, 'k', 0, $3, 'ISSUED', 'AVAILABLE', 30, 30, 0, $4, now())`,
			holder, programme, kind, map[bool]string{true: "merged away"}[holder == merged])
	}
	c.exec(t, `INSERT INTO point_lots (id, account_id, programme_id, pending, issued, remaining, expires_on, earned_at) VALUES (gen_random_uuid(), $1, $2, false, 50, 30, '2027-01-31', now())`, account, programme)
	c.exec(t, `INSERT INTO point_partners (id, programme_id, code, name, way, our_points, their_points, min_points, sends, receives, created_at) VALUES ($1, $2, 'sky', '{}', 'API', 1, 1, 1, true, true, now())`, partner, programme)
	c.exec(t, `INSERT INTO point_transfers (id, partner_id, account_id, outgoing, state, their_member, points, their_points, created_at, updated_at) VALUES (gen_random_uuid(), $1, $2, true, 'SENT', 'their-77', 5, 5, now(), now())`, partner, account)
	c.exec(t, `INSERT INTO point_transfers (id, partner_id, account_id, outgoing, state, their_member, points, their_points, reference, created_at, updated_at) VALUES (gen_random_uuid(), $1, $2, false, 'RECEIVED', 'their-88', 5, 5, 'R-88', now(), now())`, partner, account)
	c.exec(t, `INSERT INTO point_arrivals (id, partner_id, reference, their_member, their_points, state, reason, created_at) VALUES (gen_random_uuid(), $1, 'R-88', 'their-88-typed', 5, 'RECEIVED', '山田さんに確認', now()),
		(gen_random_uuid(), $1, 'R-99', 'their-99', 5, 'OPEN', '', now())`, partner)
	c.exec(t, `INSERT INTO prizes (id, brand_id, programme_id, kind, name, points, stock, created_at, updated_at) VALUES ($1, $2, $3, 'GOODS', '{"ja":"ぬいぐるみ"}', 20, 5, now(), now())`, prizeID, c.BrandID, programme)
	require.NoError(t, c.DB.InTx(t.Context(), func(ctx context.Context) error {
		return postgres.NewPrizes(c.DB, c.keys).Insert(ctx, prize.Exchange{ID: exchange, PrizeID: prizeID, BrandID: c.BrandID, ProgrammeID: programme, MemberID: m, Quantity: 1, Points: 20, State: prize.Requested, Address: hanako().Address, CreatedAt: c.now, UpdatedAt: c.now})
	}))
	require.NotContains(t, get[string](t, c, `SELECT address::text FROM prize_exchanges`), "神宮前", "it is sealed at rest")
	c.exec(t, `INSERT INTO voucher_batches (id, brand_id, name, source, state, for_prizes, value, currency, count, made, created_at, updated_at) VALUES ($1, $2, '金券', 'OWN', 'READY', false, 500, 'JPY', 1, 1, now(), now())`, batch, c.BrandID)
	c.exec(t, `INSERT INTO vouchers (id, batch_id, brand_id, serial, code_hash, ending, state, balance, secret, member_id, created_at, updated_at) VALUES (gen_random_uuid(), $1, $2, 1, 'h', 'WXYZ', 'ASSIGNED', 500, 'secret', $3, now(), now())`, batch, c.BrandID, m)
	c.exec(t, `INSERT INTO draws (id, brand_id, programme_id, name, points, per_minor, max_entries, opens_at, closes_at, draws_at, answer_days, runners_up, state, commitment, sealed, created_at, updated_at)
		VALUES ($1, $2, $3, '{"ja":"春の抽選"}', 1, 0, 1, now(), now() + interval '1 day', now() + interval '2 days', 7, 0, 'OPEN', 'c', 's', now(), now())`, draw, c.BrandID, programme)
	c.exec(t, `INSERT INTO draw_ranks (draw_id, position, prize_id, count) VALUES ($1, 1, $2, 1)`, draw, prizeID)
	c.exec(t, `INSERT INTO draw_entrants (draw_id, member_id, entries) VALUES ($1, $2, 1)`, draw, m)
	c.exec(t, `INSERT INTO draw_entries (id, draw_id, member_id, source, created_at) VALUES ($1, $2, $3, 'GRANT', now())`, entry, draw, m)
	c.exec(t, `INSERT INTO draw_winners (id, draw_id, place, entry_id, member_id, outcome, rank, updated_at) VALUES (gen_random_uuid(), $1, 1, $2, $3, 'WON', 1, now())`, draw, entry, m)
	c.exec(t, `INSERT INTO wish_lists (id, brand_id, member_id, name, token, created_at, updated_at) VALUES ($1, $2, $3, 'ほしい', 'secret', now(), now())`, list, c.BrandID, m)
	c.exec(t, `INSERT INTO wishes (id, list_id, channel_id, variant_id, quantity, note, notify, language, added_at) VALUES (gen_random_uuid(), $1, $2, $3, 1, '贈り物', false, 'ja', now())`, list, c.ChannelID, goods.Variants[0])
	c.exec(t, `INSERT INTO product_views (member_id, brand_id, product_id, viewed_at) VALUES ($1, $2, $3, now())`, m, c.BrandID, goods.ID)
	c.quotation(t, m)
	c.exec(t, `INSERT INTO orders (id, number, brand_id, channel_id, member_id, email, language, status, currency, tax_inclusive, subtotal, shipping_fee, tax, total, taxes, breakdown,
			shipping_address, shipping_method, payment_method, placed_at, updated_at)
		VALUES ($1, 'N-1', $2, $3, $4, 'a@example.jp', 'ja', 'SHIPPED', 'JPY', true, 1, 0, 0, 1, '[]', '[]', '{}', '{}', 'CARD', now(), now())`, order, c.BrandID, c.ChannelID, m)
	c.exec(t, `INSERT INTO returns (id, order_id, brand_id, nth, status, outcome, currency, text, terms, requested_at, updated_at) VALUES (gen_random_uuid(), $1, $2, 1, 'REQUESTED', 'REFUND', 'JPY', '気に入らない', '{}', now(), now())`, order, c.BrandID)
	c.exec(t, `INSERT INTO recurring_orders (id, number, brand_id, channel_id, member_id, buyer_role, name, email, language, state, revision, unit, every, first_on, next_on, attempts, accepted, shipping_address, shipping_method_id, shipping_mode, payment_method, currency, created_at, updated_at)
		VALUES ($1, 'T-1', $2, $3, $4, 'MEMBER', '佐藤 太郎', 'taro@example.jp', 'ja', 'ACTIVE', 1, 'MONTH', 1, now(), now(), 0, 1, '{"city":"渋谷区"}', $5, 'NORMAL', 'CARD', 'JPY', now(), now())`, recurring, c.BrandID, c.ChannelID, m, method)
	c.exec(t, `INSERT INTO recurring_order_lines (id, recurring_id, position, variant_id, quantity) VALUES (gen_random_uuid(), $1, 1, $2, 2)`, recurring, goods.Variants[0])
	c.prepares(t, m, goods.Variants[0])
	return exchange
}

// prepares gives the member what may become an order: a draft, a cart, a coupon, and word
// when goods are back.
func (c *club) prepares(t *testing.T, m, variant uuid.UUID) {
	t.Helper()
	draft, cart, campaign := c.draft(t, m), id.New(), id.New()
	c.exec(t, `INSERT INTO draft_order_lines (id, draft_id, position, variant_id, quantity) VALUES (gen_random_uuid(), $1, 1, $2, 4)`, draft, variant)
	c.exec(t, `INSERT INTO carts (id, brand_id, channel_id, member_id, email, updated_at) VALUES ($1, $2, $3, $4, 'cart@example.jp', now())`, cart, c.BrandID, c.ChannelID, m)
	c.exec(t, `INSERT INTO cart_lines (id, cart_id, variant_id, quantity) VALUES (gen_random_uuid(), $1, $2, 6)`, cart, variant)
	c.exec(t, `INSERT INTO campaigns (id, brand_id, code, name, currency, status, valid_from, valid_until, audiences, benefits, stacking, created_at, updated_at)
		VALUES ($1, $2, 'spring', '{"ja":"春の割引"}', 'JPY', 'READY', now(), now() + interval '1 day', '[]', '[]', 'COMBINABLE', now(), now())`, campaign, c.BrandID)
	c.exec(t, `INSERT INTO coupons (id, brand_id, campaign_id, hint, hash, member_id, valid_from, valid_until, created_at) VALUES (gen_random_uuid(), $1, $2, 'HINT', 'h', $3, now(), now() + interval '1 day', now())`, c.BrandID, campaign, m)
	c.exec(t, `INSERT INTO restock_requests (id, brand_id, channel_id, variant_id, member_id, email, language, created_at) VALUES (gen_random_uuid(), $1, $2, $3, $4, 'restock@example.jp', 'ja', now())`, c.BrandID, c.ChannelID, variant, m)
}

// draft is an order that staff write for the member.
func (c *club) draft(t *testing.T, m uuid.UUID) uuid.UUID {
	t.Helper()
	key := id.New()
	c.exec(t, `INSERT INTO draft_orders (id, number, brand_id, channel_id, member_id, buyer_role, name, phone, email, language, state, revision, shipping_address, shipping_mode, note, currency, expires_at, created_by, created_at, updated_at)
		VALUES ($1, 'D-1', $2, $3, $4, 'MEMBER', '山田', '090', 'a@example.jp', 'ja', 'SENT', 1, '{"name": "山田"}', 'NORMAL', '玄関', 'JPY', now(), gen_random_uuid(), now(), now())`, key, c.BrandID, c.ChannelID, m)
	return key
}

func TestAnErasureWaitsForOrdersAndLeavesTheHistory(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	m := c.register(t, c.shibuya, "1", hanako())
	c.bought(t, m.ID, "2026-06-01", 500)
	order := id.New()
	c.exec(t, `INSERT INTO orders (id, number, brand_id, channel_id, member_id, email, language, status, currency, tax_inclusive, subtotal, shipping_fee, tax, total, taxes, breakdown,
			shipping_address, shipping_method, payment_method, placed_at, updated_at)
		VALUES ($1, 'N-1', $2, $3, $4, 'a@example.jp', 'ja', 'PICKING', 'JPY', true, 1, 0, 0, 1, '[]', '[]', '{}', '{}', 'CARD', now(), now())`, order, c.BrandID, c.ChannelID, m.ID)
	r, err := c.RequestErasure(c.office(t), member.AskInput{MemberID: &m.ID})
	require.NoError(t, err)
	require.Equal(t, []string{"WAITING", "ORDERS"}, []string{string(r.State), string(*r.Awaited())})
	_, err = c.RequestErasure(c.office(t), member.AskInput{MemberID: &m.ID})
	require.ErrorIs(t, err, member.ErrErasureOpen)
	c.exec(t, `INSERT INTO accounts (id, role, email, name, created_at, updated_at) VALUES ($1, 'MEMBER', 'hanako@example.jp', '山田', now(), now())`, m.ID)
	c.draft(t, m.ID)
	c.quotation(t, m.ID)
	other := id.New()
	c.exec(t, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now())`, other)
	c.exec(t, `INSERT INTO purchase_problems (id, brand_id, kind, value, state, member_id, reason, created_at) VALUES (gen_random_uuid(), $1, 'MEMBER', '8888', 'RESOLVED', $2, '山田さんの古いカード', now())`, c.BrandID, m.ID)
	c.exec(t, `INSERT INTO purchase_problems (id, brand_id, kind, value, state, reason, purchase_id, content, created_at) SELECT gen_random_uuid(), $1, 'RECEIPT', '1', 'RESOLVED', '山田さんに確認', id, 'x'::bytea, now() FROM purchases`, c.BrandID)
	c.exec(t, `INSERT INTO duplicate_members (id, brand_id, run_id, member_id, other_id, likenesses, state, reason, created_at) VALUES (gen_random_uuid(), $1, gen_random_uuid(), $2, $3, '{PHONE}', 'KEPT', '山田さんの姉', now())`, c.BrandID, other, m.ID)
	require.NoError(t, c.WorkErasures(c.as(t, access.System)))
	require.Equal(t, 1, get[int](t, c, `SELECT count(*) FROM profiles`), "it waits")
	require.NotEmpty(t, c.naming(t, "山田", "hanako@example.jp"))
	c.exec(t, `UPDATE orders SET status = 'SHIPPED'`)
	require.NoError(t, c.WorkErasures(c.as(t, access.System)))
	for _, table := range []string{"profiles", "saved_addresses", "pets", "newsletter_consents WHERE withdrawn_at IS NULL", "member_cards WHERE state = 'ACTIVE'", "member_settings WHERE given"} {
		require.Zero(t, get[int](t, c, `SELECT count(*) FROM `+table), table)
	}
	require.Equal(t, "CANCELLED", get[string](t, c, `SELECT state || name || phone || email || note || coalesce(shipping_address::text, '') FROM draft_orders`), "nothing is prepared any more, and nobody named")
	require.Empty(t, c.naming(t, "山田", "hanako@example.jp"))
	require.Zero(t, get[int](t, c, `SELECT count(*) FROM purchase_problems WHERE reason <> '' OR member_id IS NOT NULL`), "nor what staff wrote of a card or a receipt")
	require.Equal(t, "IGNORED", get[string](t, c, `SELECT state FROM purchase_problems WHERE kind = 'MEMBER'`), "receipts to come are nobody's")
	require.Empty(t, get[string](t, c, `SELECT reason FROM duplicate_members`))
	require.Equal(t, m.ID, get[uuid.UUID](t, c, `SELECT member_id FROM purchases`), "the history stays")
	require.Equal(t, m.ID, get[uuid.UUID](t, c, `SELECT member_id FROM orders`))
	erased, err := c.ByID(c.office(t), m.ID)
	require.NoError(t, err)
	require.NotNil(t, erased.ErasedAt)
	require.Equal(t, m.ID.String()+"@erased.invalid", erased.Name+erased.Phone+erased.Email, "an address that is nobody's")
	require.Equal(t, []uuid.UUID{m.ID}, c.ended)
	_, err = c.Update(c.office(t), member.UpdateInput{MemberID: m.ID, Person: hanako()})
	require.ErrorIs(t, err, member.ErrErased)
	_, err = c.WithdrawErasure(c.office(t), member.WithdrawInput{RequestID: r.ID})
	require.ErrorIs(t, err, member.ErrNotWaiting)
}

func TestAnErasureForgetsWhoBecameTheMember(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	kept := c.register(t, c.shibuya, "1", hanako()).ID
	var gone [2]uuid.UUID
	for i, email := range []string{"older@example.jp", "taro@example.jp"} {
		ctx := c.account(t, email)
		_, err := c.Join(ctx, member.JoinInput{How: member.ByWeb})
		require.NoError(t, err)
		gone[i] = access.From(ctx).ID
	}
	c.furnish(t, gone[1], gone[0], c.AddProduct(t, "leash", 1980))
	c.exec(t, `INSERT INTO point_entries (account_id, number, programme_id, key, part, kind, debit, credit, points, available, pending, reason, at)
		SELECT id, 2, programme_id, 'k2', 0, 'GRANT', 'ISSUED', 'AVAILABLE', 30, 30, 0, '山田さんへお詫び', now() FROM point_accounts`)
	c.exec(t, `INSERT INTO point_entries (account_id, number, programme_id, key, part, kind, debit, credit, points, available, pending, reason, at)
		SELECT a.id, 2 + w.n, a.programme_id, 'words ' || w.n, 0, w.kind, 'ISSUED', 'AVAILABLE', 1, 30, 0, '佐藤様のご要望', now()
		FROM point_accounts a CROSS JOIN unnest(ARRAY['RETURN', 'REFUND', 'SEND_BACK', 'TRANSFER_IN']) WITH ORDINALITY AS w (kind, n)`)
	c.exec(t, `UPDATE point_entries SET reason = 'BIRTHDAY' WHERE kind = 'EARN'`)
	c.exec(t, `UPDATE point_transfers SET problem = '山田様の番号なし' WHERE NOT outgoing`)
	c.exec(t, `UPDATE returns SET text = '山田です。犬に合いません', note = '佐藤様に電話済み'`)
	c.exec(t, `INSERT INTO one_time_tokens (hash, account_id, purpose, email, created_at, expires_at) VALUES ('h', $1, 'VERIFY_EMAIL', 'taro@example.jp', now(), now())`, gone[1])
	log := postgres.NewMessages(c.DB, c.keys)
	c.exec(t, `INSERT INTO sent_messages (key, kind, recipient, message_id, at) VALUES ('old', 'points_expiring', 'older@example.jp', 'm', now())`)
	require.NoError(t, log.Record(t.Context(), messaging.Delivery{Key: "points_expiring/" + gone[1].String(), Kind: "points_expiring", Recipient: "Taro@example.jp", At: c.now}))
	require.NoError(t, log.HashRecipients(t.Context()))
	hash, err := c.keys.Hash(t.Context(), "email", "taro@example.jp")
	require.NoError(t, err)
	require.Equal(t, hash, get[[]byte](t, c, `SELECT recipient_hash FROM sent_messages WHERE key <> 'old'`))
	require.Equal(t, 2, get[int](t, c, `SELECT count(*) FROM sent_messages WHERE recipient = '' AND recipient_hash IS NOT NULL`))
	card := c.savedCard(t, gone[1])
	office := c.office(t)
	for i, pair := range [][2]uuid.UUID{{gone[1], gone[0]}, {kept, gone[1]}} {
		_, err := c.Merge(office, member.MergeInput{IdempotencyKey: "merge-chain-" + strconv.Itoa(i), KeepID: pair[0], GoneID: pair[1], Reason: "山田さんと同一人物"})
		require.NoError(t, err)
	}
	require.Equal(t, gone[1], get[uuid.UUID](t, c, `SELECT member_id FROM quotations`), "what only accounts have stayed")
	require.Equal(t, "REMOVED CANCELLED CANCELLED", get[string](t, c, `SELECT concat_ws(' ', c.state, r.state, d.state) FROM saved_cards c, recurring_orders r, draft_orders d WHERE c.id = $1`, card), "and ended")
	texts := []string{"山田", "佐藤", "older@", "taro@", "hanako@", "restock@", "cart@", "their-88"}
	require.NotEmpty(t, c.naming(t, texts...))

	// Events of older versions said what staff wrote, and numbers at other systems.
	said := func(subject, of, data string) {
		c.exec(t, `INSERT INTO events (id, at, type, subject, subject_id, actor_role, data) SELECT gen_random_uuid(), now(), 'x.said', $1::text, x.id, 'STAFF', replace($2::text, 'WHO', $3::text)::jsonb FROM (`+of+`) x`, subject, data, gone[1])
	}
	said("PointAccount", `SELECT id FROM point_accounts LIMIT 1`, `{"reason":"山田さんへお詫び","points":30}`)
	said("PointTransfer", `SELECT id FROM point_transfers WHERE state <> 'SENT' AND their_member = 'their-88' LIMIT 1`, `{"after":{"theirMember":"their-88","points":5}}`)
	said("PrizeExchange", `SELECT id FROM prize_exchanges LIMIT 1`, `{"reason":"佐藤さんの都合"}`)
	said("Quotation", `SELECT id FROM quotations`, `{"note":"山田家の犬"}`)
	said("Draw", `SELECT id FROM draws`, `{"memberId":"WHO","count":2,"reason":"佐藤さんは常連"}`)
	said("Draw", `SELECT id FROM draws`, `{"memberId":"somebody","reason":"鈴木さんは常連"}`)
	facts := get[int](t, c, `SELECT count(*) FROM events`)

	c.exec(t, `UPDATE returns SET status = 'COMPLETED'`)
	c.exec(t, `UPDATE prize_exchanges SET state = 'DELIVERED'`)
	r, err := c.RequestErasure(office, member.AskInput{MemberID: &kept})
	require.NoError(t, err)
	require.Equal(t, member.RequestDone, r.State)
	require.Empty(t, c.naming(t, texts...))
	require.NotEmpty(t, c.naming(t, "their-99"), "it is somebody else's")
	require.NotEmpty(t, c.naming(t, "鈴木"), "so is another entrant's grant")
	require.Equal(t, []int{facts + 2, 1, 1}, []int{
		get[int](t, c, `SELECT count(*) FROM events`), get[int](t, c, `SELECT count(*) FROM events WHERE data = '{"points": 30, "reason": ""}'`),
		get[int](t, c, `SELECT count(*) FROM events WHERE type = 'member.merged' AND subject_id = $1 AND data->>'gone' = $2 AND data->>'reason' = ''`, kept, gone[1].String()),
	}, "facts stay")

	// Of who was erased before events were seen to, the job sees to them, once.
	said("Member", `SELECT id FROM members WHERE merged_into IS NULL AND erased_at IS NOT NULL`, `{"reason":"山田さん"}`)
	require.NoError(t, c.WorkErasures(c.as(t, access.System)))
	require.NotEmpty(t, c.naming(t, "山田"), "they were seen to")
	c.exec(t, `UPDATE members SET events_cleaned_at = NULL`)
	for range 2 {
		require.NoError(t, c.WorkErasures(c.as(t, access.System)))
		require.Empty(t, c.naming(t, texts...))
	}
	require.Zero(t, get[int](t, c, `SELECT count(*) FROM members WHERE erased_at IS NOT NULL AND events_cleaned_at IS NULL`))

	require.NotEmpty(t, c.naming(t, "their-77"), "what is on the way needs the number")
	sent := points.Transfer{ID: get[uuid.UUID](t, c, `SELECT id FROM point_transfers WHERE state = 'SENT'`), State: points.StateSent, Tries: 2, UpdatedAt: c.now}
	require.NoError(t, postgres.NewPoints(c.DB).SaveTransfer(t.Context(), sent))
	require.NotEmpty(t, c.naming(t, "their-77"))
	c.exec(t, `UPDATE point_entries SET reason = '山田という会員はいない' WHERE kind = 'SEND_BACK' AND account_id = (SELECT account_id FROM point_transfers WHERE id = $1)`, sent.ID)
	sent.State, sent.Problem = points.StateReturned, "山田という会員はいない"
	require.NoError(t, postgres.NewPoints(c.DB).SaveTransfer(t.Context(), sent))
	require.Empty(t, c.naming(t, "their-77", "山田"), "and loses it when it is answered")
	require.Equal(t, "BIRTHDAY", get[string](t, c, `SELECT reason FROM point_entries WHERE kind = 'EARN'`), "an occasion is nobody's word")

	c.account(t, "jiro@example.jp")
	_, err = postgres.NewPersonal(c.DB, c.keys).Reseal(t.Context(), nil)
	require.NoError(t, err)
	require.NotContains(t, c.naming(t, "@"), "accounts.email", "who stays has no address in clear either")
	require.Empty(t, c.naming(t, "jiro@"))
	for email, want := range map[string]int{"jiro@example.jp": 1, "taro@example.jp": 0, "older@example.jp": 0} {
		hash, err := c.keys.Lasting(t.Context(), "account", email)
		require.NoError(t, err)
		require.Equal(t, want, get[int](t, c, `SELECT count(*) FROM accounts WHERE address_hash = $1`, hash), email)
	}
}

// savedCard is a card of the member's that Stripe keeps.
func (c *club) savedCard(t *testing.T, m uuid.UUID) uuid.UUID {
	t.Helper()
	key := id.New()
	c.exec(t, `INSERT INTO saved_cards (id, brand_id, member_id, gateway, reference, state, created_at, updated_at) VALUES ($1, $2, $3, 'stripe', 'pm_1', 'KEPT', now(), now())`, key, c.BrandID, m)
	return key
}

// quotation is one that the member asked for.
func (c *club) quotation(t *testing.T, m uuid.UUID) {
	t.Helper()
	key := id.New()
	c.exec(t, `INSERT INTO quotations (id, number, brand_id, channel_id, member_id, name, email, language, state, shipping_mode, currency, tax_inclusive, internal_note, requested_at, updated_at)
		VALUES ($1, 'Q-1', $2, $3, $4, '山田 花子', 'hanako@example.jp', 'ja', 'REQUESTED', 'NORMAL', 'JPY', true, '山田さん、常連', now(), now())`, key, c.BrandID, c.ChannelID, m)
	c.exec(t, `INSERT INTO quotation_lines (id, quotation_id, revision, position, variant_id, sku, name, options, quantity, note) VALUES (gen_random_uuid(), $1, 0, 1, $2, 'quoted', '{}', '{}', 3, '山田家の犬に')`,
		key, c.AddProduct(t, "quoted", 100).Variants[0])
	c.exec(t, `INSERT INTO quotation_offers (quotation_id, revision, valid_until, subtotal, shipping_fee, tax, total, taxes, message, offered_at) VALUES ($1, 1, now(), 1, 0, 0, 1, '[]', '山田様へ', now())`, key)
}

// naming are the columns of any table that hold one of the texts, as table.column.
func (c *club) naming(t *testing.T, texts ...string) (columns []string) {
	t.Helper()
	rows, err := c.DB.Pool().Query(t.Context(), `
		SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
		WHERE t.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.data_type IN ('text', 'jsonb', 'json', 'character varying', 'ARRAY')`)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Table, Column string }])
	require.NoError(t, err)
	require.NotEmpty(t, all)
	for _, x := range all {
		for _, text := range texts {
			if get[bool](t, c, `SELECT EXISTS (SELECT FROM `+pgx.Identifier{x.Table}.Sanitize()+` WHERE `+pgx.Identifier{x.Column}.Sanitize()+`::text ILIKE '%' || $1 || '%')`, text) {
				columns = append(columns, x.Table+"."+x.Column)
			}
		}
	}
	return columns
}

func TestAnErasureThatFailsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	var all []uuid.UUID
	for _, key := range []string{"1", "2"} {
		person := hanako()
		phone := "0900000000" + key
		person.Email, person.Phone = nil, &phone
		m := c.register(t, c.shibuya, key, person)
		c.exec(t, `INSERT INTO orders (id, number, brand_id, channel_id, member_id, email, language, status, currency, tax_inclusive, subtotal, shipping_fee, tax, total, taxes, breakdown,
				shipping_address, shipping_method, payment_method, placed_at, updated_at)
			VALUES (gen_random_uuid(), 'N-' || $4::text, $1, $2, $3, 'a@example.jp', 'ja', 'PICKING', 'JPY', true, 1, 0, 0, 1, '[]', '[]', '{}', '{}', 'CARD', now(), now())`, c.BrandID, c.ChannelID, m.ID, key)
		_, err := c.RequestErasure(c.office(t), member.AskInput{MemberID: &m.ID})
		require.NoError(t, err)
		all = append(all, m.ID)
	}
	c.exec(t, `UPDATE orders SET status = 'SHIPPED'`)
	c.stays = all[0]
	require.ErrorIs(t, c.WorkErasures(c.as(t, access.System)), errStays)
	require.Equal(t, all[1:], c.ended)
	c.stays = uuid.Nil
	require.NoError(t, c.WorkErasures(c.as(t, access.System)))
	require.Equal(t, []uuid.UUID{all[1], all[0]}, c.ended)
}

func TestAMemberProvesThatTheyAskToBeErased(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	ctx := c.account(t, "hanako@example.jp")
	_, err := c.Join(ctx, member.JoinInput{How: member.ByWeb})
	require.NoError(t, err)
	for _, password := range []string{"", "wrong"} {
		_, err = c.RequestErasure(ctx, member.AskInput{Password: password})
		require.ErrorIs(t, err, identity.ErrPasswordWrong)
	}
	require.Zero(t, get[int](t, c, `SELECT count(*) FROM member_requests`))
	r, err := c.RequestErasure(ctx, member.AskInput{Password: "right"})
	require.NoError(t, err)
	require.Equal(t, member.RequestDone, r.State)
}
