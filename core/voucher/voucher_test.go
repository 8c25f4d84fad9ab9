package voucher_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/url"
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
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/voucher"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// mint is a shop that issues vouchers.
type mint struct {
	*voucher.Service
	sealed *sealing.Keys
	shop   *pgtest.Shop
	now    atomic.Int64
	keys   atomic.Int64
}

// MakeVouchers is done by whoever asks for it.
func (*mint) MakeVouchers(context.Context, uuid.UUID) error { return nil }

func (m *mint) clock() time.Time { return time.UnixMicro(m.now.Load()).UTC() }

func openMint(t testing.TB) *mint {
	m := &mint{shop: pgtest.NewShop(t)}
	m.now.Store(time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC).UnixMicro())
	db := m.shop.DB
	master, err := identity.Sealer("secret", "test")
	require.NoError(t, err)
	sealed := sealing.New(postgres.NewDataKeys(db), master, clock.System)
	_, err = sealed.Current(context.Background())
	require.NoError(t, err)
	m.sealed = sealed
	links, err := link.New("secret", "test", "https://shop.example", voucher.LinkPath, m.clock)
	require.NoError(t, err)
	m.Service = voucher.New(voucher.Parts{
		Tx: db, Store: postgres.NewVouchers(db), Keys: idempotency.New(db, postgres.NewKeys(db), m.clock), Sealer: sealed, Books: ledger.NewBooks(postgres.NewJournal(db), m.clock),
		Jobs: m, Events: postgres.NewEvents(db), Links: links, Now: m.clock,
	})
	return m
}

func (m *mint) as(a access.Actor) context.Context {
	return channel.With(access.With(context.Background(), a), channel.Channel{ID: m.shop.ChannelID, BrandID: m.shop.BrandID, Currency: "JPY", TimeZone: "Asia/Tokyo"})
}
func (m *mint) admin() context.Context {
	return m.as(access.Actor{Role: access.RoleAdmin, ID: id.New()})
}
func (m *mint) till() context.Context {
	return m.as(access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: []access.Permission{access.VoucherRedeem}})
}

func (m *mint) key() string { return fmt.Sprintf("intent-%06d", m.keys.Add(1)) }

func (m *mint) count(t testing.TB, sql string, args ...any) (n int64) {
	require.NoError(t, m.shop.DB.Pool().QueryRow(context.Background(), sql, args...).Scan(&n))
	return n
}

// agree fails unless what is on all vouchers is what the journal owes.
func (m *mint) agree(t testing.TB) {
	require.Equal(t, m.count(t, `SELECT coalesce(sum(balance), 0) FROM vouchers`), m.count(t, `SELECT coalesce(sum(credit - debit), 0) FROM journal_lines WHERE account = 'VOUCHERS'`))
	require.Zero(t, m.count(t, `SELECT coalesce(sum(debit - credit), 0) FROM journal_lines`))
}

func (m *mint) issue(t testing.TB, in voucher.IssueInput) *voucher.Batch {
	in.IdempotencyKey, in.Name = m.key(), "春の金券"
	b, err := m.Issue(m.admin(), in)
	require.NoError(t, err)
	require.NoError(t, m.Make(m.as(access.System), b.ID))
	return b
}

// taken are the codes of a batch, as its link tells them.
func (m *mint) taken(t testing.TB, b *voucher.Batch) (codes []string) {
	to, err := m.Export(m.admin(), b.ID)
	require.NoError(t, err)
	address, err := url.Parse(to.URL)
	require.NoError(t, err)
	write, err := m.Take(context.Background(), b.ID.String(), address.Query().Get("expires"), address.Query().Get("signature"))
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, write(&text))
	rows, err := csv.NewReader(&text).ReadAll()
	require.NoError(t, err)
	for _, row := range rows[1:] {
		codes = append(codes, row[0])
	}
	_, err = m.Take(context.Background(), b.ID.String(), address.Query().Get("expires"), address.Query().Get("signature"))
	require.ErrorIs(t, err, voucher.ErrExported, "told once")
	_, err = m.Export(m.admin(), b.ID)
	require.ErrorIs(t, err, voucher.ErrExported)
	return codes
}

func (m *mint) redeem(ctx context.Context, code string, amount int64) (*voucher.Redemption, error) {
	in := voucher.RedeemInput{IdempotencyKey: m.key(), Code: code, Place: voucher.AtShop, Reference: "R-1"}
	if amount > 0 {
		d := decimal.NewFromInt(amount)
		in.Amount = &d
	}
	return m.Redeem(ctx, in)
}

func yen(n int64) *decimal.Decimal {
	d := decimal.NewFromInt(n)
	return &d
}

func TestManyCodesAreMadeAndToldOnce(t *testing.T) {
	t.Parallel()
	m := openMint(t)
	const n = 12_345
	b := m.issue(t, voucher.IssueInput{Count: n, Amount: yen(500)})
	require.EqualValues(t, n, m.count(t, `SELECT made FROM voucher_batches WHERE state = 'READY'`))
	require.NoError(t, m.Make(m.as(access.System), b.ID), "made again, nothing is added")
	require.EqualValues(t, n, m.count(t, `SELECT count(DISTINCT code_hash) FROM vouchers`))
	m.agree(t)
	codes := m.taken(t, b)
	require.Len(t, codes, n)
	seen := map[string]bool{}
	for _, code := range codes {
		seen[code] = true
	}
	require.Len(t, seen, n, "no code twice")
	require.Zero(t, m.count(t, `SELECT count(*) FROM voucher_batches WHERE secret <> ''`), "nothing is left that the codes could be made of")
	require.Zero(t, m.count(t, `SELECT count(*) FROM vouchers WHERE secret <> '' OR position(convert_to($1, 'UTF8') IN code_hash) > 0`, codes[0]))
	done, err := m.redeem(m.till(), strings.ToLower(codes[n-1]), 0)
	require.NoError(t, err)
	require.Equal(t, "500", done.Amount().Amount().String())
}

func TestACodeIsUsedInPartsAndOnce(t *testing.T) {
	t.Parallel()
	m := openMint(t)
	codes := m.taken(t, m.issue(t, voucher.IssueInput{Count: 3, Amount: yen(1000)}))
	till := m.till()
	done, err := m.redeem(till, codes[0], 300)
	require.NoError(t, err)
	require.Equal(t, []any{voucher.PartRedeemed, int64(700)}, []any{done.Voucher.State(), done.Voucher.BalanceMinor})
	m.agree(t)
	_, err = m.redeem(till, codes[0], 701)
	require.ErrorIs(t, err, voucher.ErrShort)
	in := voucher.RedeemInput{IdempotencyKey: m.key(), Code: codes[0], Amount: yen(200), Place: voucher.AtEvent, Reference: "春のイベント"}
	for range 2 {
		_, err = m.Redeem(till, in)
		require.NoError(t, err, "a till that tries again takes nothing more")
	}
	require.EqualValues(t, 500, m.count(t, `SELECT balance FROM vouchers WHERE state = 'PART_REDEEMED'`))
	in.Code = codes[1]
	_, err = m.Redeem(till, in)
	require.ErrorIs(t, err, idempotency.ErrReused, "the same key for another code")

	var won atomic.Int64
	var group sync.WaitGroup
	for range 12 {
		group.Go(func() {
			_, err := m.redeem(till, codes[1], 0)
			switch all := fault.All(err); {
			case err == nil:
				won.Add(1)
			case len(all) == 0 || all[0].Code != voucher.ErrUsed.Code:
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 1, won.Load(), "of many at once one")
	m.agree(t)
	require.EqualValues(t, 3, m.count(t, `SELECT count(*) FROM events WHERE type = 'voucher.redeemed'`))
	_, err = m.redeem(m.as(access.Actor{Role: access.RoleMember, ID: id.New()}), codes[2], 0)
	require.ErrorIs(t, err, fault.ErrForbidden)
}

func TestCodesThatAreNoneLockWhoGuesses(t *testing.T) {
	t.Parallel()
	m := openMint(t)
	codes := m.taken(t, m.issue(t, voucher.IssueInput{Count: 1}))
	others := openMint(t)
	strange := others.taken(t, others.issue(t, voucher.IssueInput{Count: 10}))
	till := m.till()
	_, err := m.redeem(till, "ABCD", 0)
	require.ErrorIs(t, err, voucher.ErrMistyped)
	for i, code := range strange {
		_, err = m.redeem(till, code, 0)
		want := voucher.ErrUnknown
		if i == 9 {
			want = voucher.ErrLocked
		}
		require.ErrorIs(t, err, want, "%d", i)
	}
	_, err = m.redeem(till, codes[0], 0)
	require.ErrorIs(t, err, voucher.ErrLocked, "a right one, too")
	require.EqualValues(t, 1, m.count(t, `SELECT count(*) FROM events WHERE type = 'vouchers.locked'`))
	_, err = m.redeem(till, codes[0], 100)
	require.ErrorIs(t, err, voucher.ErrLocked)
	m.now.Add(time.Hour.Microseconds() + 1)
	_, err = m.redeem(till, codes[0], 100)
	require.ErrorIs(t, err, voucher.ErrWhole, "it is not worth money")
	done, err := m.redeem(till, codes[0], 0)
	require.NoError(t, err)
	require.Nil(t, done.Amount())
	require.Equal(t, voucher.Redeemed, done.Voucher.State())
}

func TestAFewWrongCodesDoNotShutAChain(t *testing.T) {
	t.Parallel()
	m := openMint(t)
	codes := m.taken(t, m.issue(t, voucher.IssueInput{Count: 2}))
	others := openMint(t)
	strange := others.taken(t, others.issue(t, voucher.IssueInput{Count: 12}))
	chain := m.as(access.Actor{Role: access.RolePartner, ID: id.New(), Permissions: []access.Permission{access.VoucherRedeem}})
	for _, code := range strange[:11] {
		_, err := m.redeem(chain, code, 0)
		require.ErrorIs(t, err, voucher.ErrUnknown)
	}
	_, err := m.redeem(chain, codes[0], 0)
	require.NoError(t, err, "the other tills go on")
	_, err = m.shop.DB.Pool().Exec(t.Context(), `UPDATE voucher_locks SET failures = 999`)
	require.NoError(t, err)
	_, err = m.redeem(chain, strange[11], 0)
	require.ErrorIs(t, err, voucher.ErrLocked, "but nobody tries on and on")
	_, err = m.redeem(chain, codes[1], 0)
	require.ErrorIs(t, err, voucher.ErrLocked)
}

func TestCodesEnd(t *testing.T) {
	t.Parallel()
	m := openMint(t)
	until := m.clock().Add(time.Hour)
	b := m.issue(t, voucher.IssueInput{Count: 3, Amount: yen(1000), ExpiresAt: &until})
	codes := m.taken(t, b)
	var first uuid.UUID
	require.NoError(t, m.shop.DB.Pool().QueryRow(context.Background(), `SELECT id FROM vouchers WHERE serial = 0`).Scan(&first))
	_, err := m.Void(m.admin(), voucher.VoidInput{IdempotencyKey: id.New().String(), IDs: []uuid.UUID{first}})
	require.ErrorIs(t, err, fault.ErrRequired, "say why")
	n, err := m.Void(m.admin(), voucher.VoidInput{IdempotencyKey: id.New().String(), IDs: []uuid.UUID{first}, Reason: "紛失"})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	m.agree(t)
	_, err = m.redeem(m.till(), codes[0], 0)
	require.ErrorIs(t, err, voucher.ErrVoid)
	m.now.Add(time.Hour.Microseconds())
	_, err = m.redeem(m.till(), codes[1], 0)
	require.ErrorIs(t, err, voucher.ErrExpired, "whether or not the job has run")
	for range 2 {
		require.NoError(t, m.Expire(m.as(access.System)))
		m.agree(t)
	}
	require.Zero(t, m.count(t, `SELECT sum(balance) FROM vouchers`))
	n, err = m.Void(m.admin(), voucher.VoidInput{IdempotencyKey: id.New().String(), BatchID: &b.ID, Reason: "終了"})
	require.NoError(t, err)
	require.Equal(t, 2, n, "what is void stays as it is")
	m.agree(t)
}

func TestABatchIsVoidedInRoundsThatAKeyDoesOnce(t *testing.T) {
	t.Parallel()
	m := openMint(t)
	admin, b := m.admin(), m.issue(t, voucher.IssueInput{Count: 1201, Amount: yen(100)})
	in := voucher.VoidInput{IdempotencyKey: m.key(), BatchID: &b.ID, Reason: "終了"}
	for range 2 {
		n, err := m.Void(admin, in)
		require.NoError(t, err)
		require.Equal(t, 1201, n)
		m.agree(t)
	}
	require.EqualValues(t, 3, m.count(t, `SELECT count(*) FROM events WHERE type = 'vouchers.voided'`))
	in.Reason = "別の理由"
	_, err := m.Void(admin, in)
	require.ErrorIs(t, err, idempotency.ErrReused)
	n, err := m.Void(admin, voucher.VoidInput{IdempotencyKey: m.key(), BatchID: &b.ID, Reason: "終了"})
	require.NoError(t, err)
	require.Zero(t, n, "another intent finds nothing")
}

func TestSuppliersCodesAreSealedAndHandedOutOnce(t *testing.T) {
	t.Parallel()
	m := openMint(t)
	admin := m.admin()
	in := voucher.ImportInput{IdempotencyKey: m.key(), Name: "他社ギフト", Codes: "AMZ-0001\nAMZ-0002\r\n\nAMZ-0003\n"}
	b, err := m.Import(admin, in)
	require.NoError(t, err)
	again, err := m.Import(admin, in)
	require.NoError(t, err)
	require.Equal(t, b.ID, again.ID)
	require.EqualValues(t, 3, m.count(t, `SELECT count(*) FROM vouchers`))
	require.Zero(t, m.count(t, `SELECT count(*) FROM vouchers WHERE secret LIKE '%AMZ%' OR secret = ''`))
	require.Zero(t, m.count(t, `SELECT count(*) FROM events WHERE data::text LIKE '%AMZ%'`))
	in.IdempotencyKey = m.key()
	_, err = m.Import(admin, in)
	require.ErrorIs(t, err, voucher.ErrThere)
	for _, text := range []string{"", "abc", "AMZ-0009\nAMZ-0009"} {
		_, err = m.Import(m.admin(), voucher.ImportInput{IdempotencyKey: m.key(), Name: "x", Codes: text})
		require.NotEmpty(t, fault.All(err), "%q", text)
	}
	_, err = m.Export(m.admin(), b.ID)
	require.ErrorIs(t, err, voucher.ErrPool)
}

func TestASuppliersCodeIsKnownAfterTheKeysRotate(t *testing.T) {
	t.Parallel()
	m := openMint(t)
	imports := func(codes string) error {
		_, err := m.Import(m.admin(), voucher.ImportInput{IdempotencyKey: m.key(), Name: "他社ギフト", Codes: codes})
		return err
	}
	require.NoError(t, imports("AMZ-0001\nAMZ-0002"))
	for range 2 {
		_, err := m.sealed.Rotate(t.Context())
		require.NoError(t, err)
		require.ErrorIs(t, imports("AMZ-0003\nAMZ-0002"), voucher.ErrThere, "it would be handed out twice")
	}
	require.EqualValues(t, 2, m.count(t, `SELECT count(*) FROM vouchers`))
	require.NoError(t, imports("AMZ-0003"))
}

func TestAUseIsRepeatedAfterTheKeysRotate(t *testing.T) {
	t.Parallel()
	m := openMint(t)
	code := m.taken(t, m.issue(t, voucher.IssueInput{Count: 1, Amount: yen(1000)}))[0]
	in := voucher.RedeemInput{IdempotencyKey: m.key(), Code: code, Amount: yen(300), Place: voucher.AtShop, Reference: "R-1"}
	for range 3 {
		done, err := m.Redeem(m.as(access.Actor{Role: access.RoleAdmin, ID: m.shop.BrandID}), in)
		require.NoError(t, err, "a till tries again")
		require.EqualValues(t, 700, done.Voucher.BalanceMinor)
		_, err = m.sealed.Rotate(t.Context())
		require.NoError(t, err)
	}
	in.Place = voucher.AtEvent
	_, err := m.Redeem(m.as(access.Actor{Role: access.RoleAdmin, ID: m.shop.BrandID}), in)
	require.ErrorIs(t, err, idempotency.ErrReused, "another place is another use")
	m.agree(t)
}

func TestABatchIsNotVoidedWhileItIsMade(t *testing.T) {
	t.Parallel()
	m := openMint(t)
	b, err := m.Issue(m.admin(), voucher.IssueInput{IdempotencyKey: m.key(), Name: "春の金券", Count: 5001, Amount: yen(100)})
	require.NoError(t, err)
	in := voucher.VoidInput{IdempotencyKey: m.key(), BatchID: &b.ID, Reason: "誤発行"}
	_, err = m.Void(m.admin(), in)
	require.ErrorIs(t, err, voucher.ErrUnready, "those to come would be good")
	require.Equal(t, "batchId", fault.All(err)[0].Field)
	require.NoError(t, m.Make(m.as(access.System), b.ID))
	n, err := m.Void(m.admin(), in)
	require.NoError(t, err, "the key was not used up")
	require.Equal(t, 5001, n)
	m.agree(t)
	require.Zero(t, m.count(t, `SELECT sum(balance) FROM vouchers`))
}
