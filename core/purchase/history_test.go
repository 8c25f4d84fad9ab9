package purchase_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/purchase"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
	"github.com/noren-commerce/noren/storage/postgres/pgtest/books"
)

const heading = "店舗コード,端末番号,レシート番号,営業日,会員番号,明細数,商品コード,商品名,数量,金額\n"

// till is a shop whose purchases come in.
type till struct {
	*pgtest.Shop
	*purchase.Service
	store, member uuid.UUID
	card          string
	goods         pgtest.Product
	mutex         sync.Mutex
	earned        map[uuid.UUID]int
	masked        bool
	corrected     []uuid.UUID // purchases, in turn
	sent          int
}

// Returns knows of none.
func (*till) Returns(context.Context, uuid.UUID) ([]uuid.UUID, error) { return nil, nil }

// Corrected counts corrections.
func (s *till) Corrected(_ context.Context, p purchase.Purchase, _ []purchase.Line, _ uuid.UUID, _ bool) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.corrected = append(s.corrected, p.ID)
	return nil
}

// Shown knows whose the card is; a code is the member's.
func (s *till) Shown(ctx context.Context, by member.Criterion) (*member.Member, error) {
	if by.MemberCode != "" {
		return &member.Member{ID: s.member, Masked: true}, nil
	}
	rows, err := s.DB.Pool().Query(ctx, `SELECT member_id FROM member_cards WHERE number = $1`, by.CardNumber)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &member.Member{ID: found[0], Masked: true}, nil
}

// Bought counts how often each purchase earns.
func (s *till) Bought(_ context.Context, purchases []purchase.Purchase) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, p := range purchases {
		s.earned[p.ID]++
	}
	return nil
}

// ByID knows every member.
func (s *till) ByID(_ context.Context, memberID uuid.UUID) (*member.Member, error) {
	return &member.Member{ID: memberID, Masked: s.masked}, nil
}

func newTill(t testing.TB) *till {
	t.Helper()
	s := &till{Shop: pgtest.NewShop(t), store: id.New(), member: id.New(), earned: map[uuid.UUID]int{}}
	s.goods = s.AddProduct(t, "lead", 1980)
	body := "291111111111"
	s.card = body + string(member.CheckDigit(body))
	s.exec(t, `INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, 'shibuya', '{"ja":"渋谷店"}', 'SHOP')`, s.store, s.BrandID)
	s.exec(t, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now())`, s.member)
	s.exec(t, `INSERT INTO memberships (member_id, brand_id, joined_at) VALUES ($1, $2, now())`, s.member, s.BrandID)
	s.exec(t, `INSERT INTO member_cards (id, number, member_id, brand_id, kind, state, issued_at) VALUES ($1, $2, $3, $4, 'PHYSICAL', 'ACTIVE', now())`, id.New(), s.card, s.member, s.BrandID)
	s.Service = purchase.New(purchase.Parts{Tx: s.DB, Store: postgres.NewPurchases(s.DB), Keys: idempotency.New(s.DB, postgres.NewKeys(s.DB), clock.System), Members: s, Earner: s, Events: postgres.NewEvents(s.DB), Now: clock.System})
	t.Cleanup(func() {
		broken, err := books.Broken(context.WithoutCancel(t.Context()), s.DB.Pool(), books.Purchases)
		require.NoError(t, err)
		require.Empty(t, broken)
	})
	return s
}

func (s *till) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	_, err := s.DB.Pool().Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func get[T any](t testing.TB, s *till, sql string, args ...any) (v T) {
	t.Helper()
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), sql, args...).Scan(&v))
	return v
}

func (s *till) as(t testing.TB, a access.Actor) context.Context {
	return access.With(channel.With(t.Context(), channel.Channel{ID: s.ChannelID, BrandID: s.BrandID, Currency: "JPY", TimeZone: "Asia/Tokyo"}), a)
}

func (s *till) office(t testing.TB) context.Context {
	return s.as(t, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PurchaseWrite, access.MemberRead}})
}

func (s *till) upload(t testing.TB, rows string) *purchase.Import {
	t.Helper()
	i, err := s.Upload(s.office(t), purchase.UploadInput{FileName: "journal.csv", File: strings.NewReader(heading + rows)})
	require.NoError(t, err)
	return i
}

func TestAReceiptCountsOnce(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	rows := fmt.Sprintf("shibuya,1,100,2026/01/31,%s,2,lead-1,リード,1,1980\nshibuya,1,100,2026/01/31,%s,2,lead-1,リード,-1,-1980\nshibuya,1,101,2026/01/31,,1,lead-1,リード,2,3960\n", s.card, s.card)
	i := s.upload(t, rows)
	require.Equal(t, []int{3, 2, 0, 0}, []int{i.Rows, i.Receipts, i.Repeated, i.Refused})
	again := s.upload(t, rows)
	require.True(t, again.Again, "the same file")
	require.Equal(t, i.ID, again.ID)
	more := s.upload(t, rows+"shibuya,1,102,2026/01/31,,1,lead-1,リード,1,1980\nshibuya,1,100,2026/02/01,,1,lead-1,リード,1,1980\n")
	require.Equal(t, []int{5, 2, 2}, []int{more.Rows, more.Receipts, more.Repeated}, "the same number on another day is another receipt")
	require.Equal(t, 4, get[int](t, s, `SELECT count(*) FROM purchases`))
	require.Equal(t, 5, get[int](t, s, `SELECT count(*) FROM purchase_lines WHERE variant_id = $1 AND product_id = $2`, s.goods.Variants[0], s.goods.ID))
	require.Equal(t, s.member, get[uuid.UUID](t, s, `SELECT member_id FROM purchases WHERE receipt = '100' AND bought_on = '2026-01-31'`))
	require.Len(t, s.earned, 1)
	require.Equal(t, 0, get[int](t, s, `SELECT count(*) FROM purchases_default`), "months have their partitions")
	require.True(t, get[bool](t, s, `SELECT rank_due_on IS NOT NULL FROM memberships`), "the rank is worked out anew")
}

func TestSumsFollowThePurchases(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.upload(t, "shibuya,1,0001,2026/06/15,"+s.card+",1,"+"lead-1"+",リード,2,3960\nshibuya,1,0002,2026/05/31,,1,"+"lead-1"+",リード,1,1980\n")
	sums := func() string {
		return get[string](t, s, `SELECT coalesce(string_agg(concat_ws(' ', bought_on, items, total), ', ' ORDER BY bought_on), '') FROM purchase_sums WHERE member_id = $1`, s.member)
	}
	require.Equal(t, "2026-06-15 2 3960", sums(), "what nobody bought is nobody's")
	s.exec(t, `UPDATE purchases SET member_id = $1 WHERE receipt = '0002'`, s.member)
	s.exec(t, `UPDATE purchases SET items = 1, total = 1980 WHERE receipt = '0001'`)
	require.Equal(t, "2026-05-31 1 1980, 2026-06-15 1 1980", sums())
	_, err := s.DB.Pool().Exec(t.Context(), `UPDATE purchases SET bought_on = '2026-07-01' WHERE receipt = '0001'`)
	require.ErrorContains(t, err, "cannot change", "it would move past the triggers")
	s.exec(t, `DELETE FROM purchases WHERE receipt = '0001'`)
	require.Equal(t, "2026-05-31 1 1980", sums())
	s.exec(t, `UPDATE purchases SET member_id = NULL`)
	require.Empty(t, sums())
}

func TestTheSameFileTwiceAtOnce(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	var rows strings.Builder
	for n := range 200 {
		fmt.Fprintf(&rows, "shibuya,1,%d,2026/01/31,%s,1,lead-1,リード,1,1980\n", n, s.card)
	}
	ctx := s.office(t)
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			_, err := s.Upload(ctx, purchase.UploadInput{File: strings.NewReader(heading + rows.String())})
			require.NoError(t, err)
		})
	}
	group.Wait()
	require.Equal(t, 200, get[int](t, s, `SELECT count(*) FROM purchases`))
	require.Len(t, s.earned, 200)
	for _, times := range s.earned {
		require.Equal(t, 1, times)
	}
}

func TestHalfAFileAndThenTheWhole(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	whole := "shibuya,1,100,2026/01/31,,1,lead-1,リード,1,1980\nshibuya,1,101,2026/01/31,,2,lead-1,リード,1,1980\nshibuya,1,101,2026/01/31,,2,lead-1,リード,1,1980\n"
	half := s.upload(t, whole[:strings.LastIndex(whole, "リード")])
	require.Equal(t, 1, half.Receipts)
	require.Equal(t, 2, half.Refused)
	require.NotEmpty(t, half.Errors)
	rest := s.upload(t, whole)
	require.Equal(t, []int{1, 1, 0}, []int{rest.Receipts, rest.Repeated, rest.Refused})
	require.Equal(t, 3, get[int](t, s, `SELECT count(*) FROM purchase_lines`))
}

func TestWhatNobodyKnowsIsResolvedOnceForAll(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.upload(t, "shibuya,1,100,2026/01/31,9999,2,4900000000001,謎のリード,1,100\nshibuya,1,100,2026/01/31,9999,2,4900000000001,謎のリード,1,100\nshibuya,1,101,2026/01/31,9999,1,lead-1,リード,1,1980\n")
	ctx := s.office(t)
	problems, err := s.Problems(ctx, purchase.ProblemOpen, page.Args{})
	require.NoError(t, err)
	require.Len(t, problems.Edges, 2, "one for the code and one for the card, however often they come")
	require.Empty(t, s.earned)
	for _, p := range problems.Nodes() {
		_, err := s.Resolve(ctx, purchase.ResolveInput{ProblemID: p.ID})
		require.ErrorIs(t, err, purchase.ErrAnswer)
		in := purchase.ResolveInput{ProblemID: p.ID, MemberID: &s.member}
		if p.Kind == purchase.UnknownProduct {
			_, err = s.Resolve(ctx, in)
			require.ErrorIs(t, err, purchase.ErrAnswer, "a code is no member")
			in.MemberID, in.VariantID = nil, &s.goods.Variants[0]
		}
		_, err = s.Resolve(ctx, in)
		require.NoError(t, err)
		_, err = s.Resolve(ctx, in)
		require.ErrorIs(t, err, purchase.ErrSettled)
	}
	require.Zero(t, get[int](t, s, `SELECT count(*) FROM purchase_lines WHERE variant_id IS NULL OR member_id IS NULL`))
	require.Len(t, s.earned, 2, "late receipts earn when their member is known")
	s.upload(t, "shibuya,1,200,2026/01/31,9999,1,4900000000001,謎のリード,1,100\n")
	require.Equal(t, s.member, get[uuid.UUID](t, s, `SELECT member_id FROM purchases WHERE receipt = '200'`), "what was resolved stays so")
	require.Equal(t, s.goods.ID, get[uuid.UUID](t, s, `SELECT l.product_id FROM purchase_lines l JOIN purchases p ON p.id = l.purchase_id WHERE p.receipt = '200'`))
	require.Len(t, s.earned, 3)
	problems, err = s.Problems(ctx, purchase.ProblemOpen, page.Args{})
	require.NoError(t, err)
	require.Empty(t, problems.Edges)
}

func TestALostCardCountsForNobody(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.exec(t, `UPDATE member_cards SET state = 'LOST', ended_at = '2026-01-30T15:00:00Z'`)
	s.upload(t, fmt.Sprintf("shibuya,1,100,2026/01/30,%s,1,lead-1,リード,1,1980\nshibuya,1,101,2026/01/31,%s,1,lead-1,リード,1,1980\n", s.card, s.card))
	require.Equal(t, s.member, get[uuid.UUID](t, s, `SELECT member_id FROM purchases WHERE receipt = '100'`), "it was not lost then")
	require.True(t, get[bool](t, s, `SELECT member_id IS NULL FROM purchases WHERE receipt = '101'`))
	require.Equal(t, 1, get[int](t, s, `SELECT count(*) FROM purchase_problems WHERE kind = 'MEMBER'`))
}

func TestPartnersSendReceipts(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	pos := s.as(t, access.Actor{Role: access.RolePartner, ID: id.New(), Permissions: []access.Permission{access.PurchaseWrite}})
	receipt := purchase.Receipt{Store: "shibuya", Till: "1", Receipt: "100", BoughtOn: time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), CardNumber: s.card,
		Lines: []purchase.ReceiptLine{{Code: "lead-1", Quantity: 1, Amount: decimal.NewFromInt(1980)}}}
	for n, want := range []int{1, 0} {
		i, err := s.Record(pos, purchase.RecordInput{Receipts: []purchase.Receipt{receipt}})
		require.NoError(t, err)
		require.Equal(t, want, i.Receipts, "time %d", n)
	}
	require.Len(t, s.earned, 1)
	receipt.Store, receipt.Receipt = "ginza", "101"
	_, err := s.Record(pos, purchase.RecordInput{Receipts: []purchase.Receipt{receipt}})
	require.Equal(t, "receipts.0.store", fault.All(err)[0].Field)
	_, err = s.Record(s.as(t, access.Actor{Role: access.RolePartner, ID: id.New()}), purchase.RecordInput{Receipts: []purchase.Receipt{receipt}})
	require.ErrorIs(t, err, fault.ErrForbidden)
	other := s.as(t, access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: []access.Permission{access.PurchaseWrite}, Stores: []uuid.UUID{id.New()}})
	receipt.Store = "shibuya"
	_, err = s.Record(other, purchase.RecordInput{Receipts: []purchase.Receipt{receipt}})
	require.Error(t, err, "store staff bring their own store's receipts")
}

// A partner's system has the number as the till printed it.
func TestCardNumbersAreReadHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	pos := s.as(t, access.Actor{Role: access.RolePartner, ID: id.New(), Permissions: []access.Permission{access.PurchaseWrite}})
	wide := strings.Map(func(r rune) rune { return r - '0' + '０' }, s.card)
	var all []purchase.Receipt
	for n, number := range []string{s.card[:4] + "-" + s.card[4:8] + "-" + s.card[8:], wide, " " + s.card + " "} {
		all = append(all, purchase.Receipt{Store: "shibuya", Till: "1", Receipt: fmt.Sprint(n), BoughtOn: time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), CardNumber: number,
			Lines: []purchase.ReceiptLine{{Code: "lead-1", Quantity: 1, Amount: decimal.NewFromInt(1980)}}})
	}
	_, err := s.Record(pos, purchase.RecordInput{Receipts: all})
	require.NoError(t, err)
	require.Equal(t, 3, get[int](t, s, `SELECT count(*) FROM purchases WHERE member_id = (SELECT id FROM members) AND card_number = (SELECT number FROM member_cards)`))
	require.Zero(t, get[int](t, s, `SELECT count(*) FROM purchase_problems`))
}

func TestOneListOfStoreAndOnlinePurchases(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.upload(t, fmt.Sprintf("shibuya,1,100,2026/01/31,%s,1,lead-1,リード,1,1980\n", s.card))
	order, line, shipment := id.New(), id.New(), id.New()
	s.exec(t, `INSERT INTO orders (id, number, brand_id, channel_id, member_id, email, language, status, currency, tax_inclusive, subtotal, shipping_fee, tax, total, taxes, breakdown,
			shipping_address, shipping_method, payment_method, placed_at, updated_at)
		VALUES ($1, 'N-1', $2, $3, $4, 'a@example.jp', 'ja', 'SHIPPED', 'JPY', true, 3960, 500, 0, 4460, '[]', '[]', '{}', '{}', 'CARD', now(), now())`, order, s.BrandID, s.ChannelID, s.member)
	s.exec(t, `INSERT INTO order_lines (id, order_id, position, variant_id, product_id, sku, name, options, quantity, unit, total, tax_class, breakdown)
		VALUES ($1, $2, 1, $3, $4, 'lead-1', '{"ja":"リード"}', '[]', 2, 1980, 3960, 'STANDARD', '[]')`, line, order, s.goods.Variants[0], s.goods.ID)
	s.exec(t, `INSERT INTO shipments (id, order_id, brand_id, location_id, nth, status, currency, total, shipping_fee, instructed_at, shipped_at, updated_at)
		VALUES ($1, $2, $3, $4, 1, 'SHIPPED', 'JPY', 4460, 500, now(), '2026-02-01T15:30:00Z', now())`, shipment, order, s.BrandID, s.WarehouseID)
	s.exec(t, `INSERT INTO shipment_lines (shipment_id, line_id, variant_id, quantity) VALUES ($1, $2, $3, 2)`, shipment, line, s.goods.Variants[0])
	back := id.New()
	s.exec(t, `INSERT INTO returns (id, order_id, brand_id, nth, status, outcome, currency, terms, requested_at, updated_at) VALUES ($1, $2, $3, 1, 'COMPLETED', 'REFUND', 'JPY', '{}', now(), now())`, back, order, s.BrandID)
	s.exec(t, `INSERT INTO return_lines (id, return_id, line_id, reason, opened, asked, approved) VALUES ($1, $1, $2, 'CHANGED_MIND', false, 1, 1)`, back, line)
	s.exec(t, `INSERT INTO return_receipts (id, return_id, nth, location_id, at, refund, fee, shipping_fee) VALUES ($1, $1, 1, $2, '2026-02-05T03:00:00Z', 1980, 0, 0)`, back, s.WarehouseID)
	s.exec(t, `INSERT INTO return_receipt_lines (receipt_id, return_line_id, restocked, scrapped, repaired, refund) VALUES ($1, $1, 1, 0, 0, 1980)`, back)
	for range 2 { // again and again brings each once
		require.NoError(t, s.WorkShipments(s.as(t, access.System)))
	}
	mine := s.as(t, access.Actor{Role: access.RoleMember, ID: s.member})
	var got []string
	two := 2
	args := page.Args{First: &two}
	for {
		bought, err := s.Mine(mine, args)
		require.NoError(t, err)
		for _, p := range bought.Nodes() {
			got = append(got, fmt.Sprint(p.BoughtOn.Format(time.DateOnly), " ", p.Source, " ", p.Receipt, " ", p.Items, " ", p.TotalMinor))
		}
		if !bought.PageInfo.HasNextPage {
			break
		}
		args.After = bought.PageInfo.EndCursor
	}
	require.Equal(t, []string{"2026-02-05 ONLINE N-1 -1 -1980", "2026-02-02 ONLINE N-1 2 4460", "2026-01-31 STORE 100 1 1980"}, got)
	require.Equal(t, int64(3960), get[int64](t, s, `SELECT sum(amount)::bigint FROM purchase_lines WHERE product_id = $1`, s.goods.ID), "1,980 in the shop, 3,960 online, 1,980 given back")
	require.Len(t, s.earned, 3)
	theirs, err := s.OfMember(s.office(t), s.member, page.Args{})
	require.NoError(t, err)
	require.Len(t, theirs.Edges, 3)
	s.masked = true
	_, err = s.OfMember(s.office(t), s.member, page.Args{})
	require.ErrorIs(t, err, fault.ErrForbidden, "who sees a member masked does not see what they bought")
}

// BenchmarkUpload takes 50,000 lines in.
func BenchmarkUpload(b *testing.B) {
	s := newTill(b)
	const lines = 50_000
	ctx := s.office(b)
	for round := range b.N {
		var rows strings.Builder
		rows.WriteString(heading)
		for n := range lines / 2 {
			for range 2 {
				fmt.Fprintf(&rows, "shibuya,%d,%d,2026/01/%02d,%s,2,lead-1,リード,1,1980\n", round, n, 1+n%28, s.card)
			}
		}
		b.ResetTimer()
		begun := time.Now()
		_, err := s.Upload(ctx, purchase.UploadInput{File: strings.NewReader(rows.String())})
		require.NoError(b, err)
		b.ReportMetric(lines/time.Since(begun).Seconds(), "lines/s")
	}
}
