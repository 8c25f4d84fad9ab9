package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/banking"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/draft"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/quotation"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// vault is a shop whose personal data is sealed.
type vault struct {
	*pgtest.Shop
	keys *sealing.Keys
	now  time.Time
}

func newVault(t *testing.T) *vault {
	v := &vault{Shop: pgtest.NewShop(t), now: clock.System()}
	master, err := identity.Sealer("a secret", "test")
	require.NoError(t, err)
	v.keys = sealing.New(postgres.NewDataKeys(v.DB), master, func() time.Time { return v.now })
	return v
}

func (v *vault) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	_, err := v.DB.Pool().Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func (v *vault) text(t *testing.T, sql string, args ...any) (s string) {
	t.Helper()
	require.NoError(t, v.DB.Pool().QueryRow(t.Context(), sql, args...).Scan(&s))
	return s
}

// listed are the ids of the brand's orders of a mail address, newest first.
func (v *vault) listed(t *testing.T, email string) []uuid.UUID {
	t.Helper()
	found, err := postgres.NewOrders(v.DB).List(t.Context(), order.Query{BrandID: v.BrandID, Email: email})
	require.NoError(t, err)
	ids := make([]uuid.UUID, len(found.Edges))
	for i, e := range found.Edges {
		ids[i] = e.Node.ID
		require.Equal(t, email, e.Node.Email)
		require.Equal(t, "山田 花子", e.Node.ShippingAddress.Name)
	}
	n, err := found.Count(t.Context())
	require.NoError(t, err)
	require.Len(t, ids, n)
	return ids
}

const everyOrder = `SELECT string_agg(o::text, ' ') FROM (SELECT id, email, shipping_address, billing_address FROM orders) o`

func TestOrdersAreSealedAndFound(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	ctx, store := t.Context(), postgres.NewOrders(v.DB)
	old := orderFor(t, v.Shop, "22222-22222", "NORMAL", id.New()).order
	require.Equal(t, []uuid.UUID{old}, v.listed(t, "a@example.jp"), "rows of an older version are read as they are")
	v.DB.SealWith(v.keys)
	require.Equal(t, []uuid.UUID{old}, v.listed(t, "a@example.jp"))

	read, err := store.Orders(ctx, []uuid.UUID{old})
	require.NoError(t, err)
	fresh := read[0]
	fresh.ID, fresh.Number, fresh.PlacedAt = id.New(), "33333-33333", v.now.Add(time.Minute)
	fresh.BillingAddress = &customer.Address{Name: "山田 太郎", Company: "見本商事", Prefecture: "OSAKA"}
	require.NoError(t, v.DB.InTx(ctx, func(ctx context.Context) error { return store.Insert(ctx, order.Draft{Order: fresh}) }))
	require.Equal(t, "山田 太郎", fresh.BillingAddress.Name, "whoever places it keeps what they had")
	require.Equal(t, []uuid.UUID{fresh.ID, old}, v.listed(t, "a@example.jp"), "sealed and not sealed, in the order of the list")
	require.Equal(t, "OSAKA", v.text(t, `SELECT billing_address->>'prefecture' FROM orders WHERE id = $1`, fresh.ID), "coarse")

	personal := postgres.NewPersonal(v.DB, v.keys)
	stale, err := personal.Stale(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, stale)
	n, err := personal.Reseal(ctx, nil)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	for _, clear := range []string{"a@example.jp", "山田", "5300001", "見本商事"} {
		require.NotContains(t, v.text(t, everyOrder), clear)
	}
	require.Equal(t, []uuid.UUID{fresh.ID, old}, v.listed(t, "a@example.jp"))

	v.now = v.now.Add(time.Hour)
	_, err = v.keys.Rotate(ctx)
	require.NoError(t, err)
	locked := fresh
	require.NoError(t, v.DB.InTx(ctx, func(ctx context.Context) error {
		o, err := store.Lock(ctx, fresh.ID)
		if err != nil {
			return err
		}
		locked = *o
		locked.ShippingAddress.City = "堺市"
		return store.SaveEdit(ctx, locked, nil, nil)
	}))
	require.Equal(t, []uuid.UUID{fresh.ID, old}, v.listed(t, "a@example.jp"), "under the hashes of both keys")
	n, err = personal.Reseal(ctx, nil)
	require.NoError(t, err)
	require.Equal(t, 1, n, "an edit seals the whole order with the new key")
	n, err = personal.Reseal(ctx, nil)
	require.NoError(t, err)
	require.Zero(t, n)
	read, err = store.Orders(ctx, []uuid.UUID{fresh.ID})
	require.NoError(t, err)
	require.Equal(t, "堺市 見本商事", read[0].ShippingAddress.City+" "+read[0].BillingAddress.Company)
	require.Empty(t, v.listed(t, "b@example.jp"))

	v.exec(t, `UPDATE orders SET email = (SELECT email FROM orders WHERE id = $1) WHERE id = $2`, old, fresh.ID)
	_, err = store.Orders(ctx, []uuid.UUID{fresh.ID})
	require.Error(t, err, "another order's value does not open")
	v.DB.SealWith(nil)
	_, err = store.Orders(ctx, []uuid.UUID{old})
	require.ErrorIs(t, err, sealing.ErrNoKeys)
}

func TestParcelsBanksAndLotsReadSealedOrders(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	ctx, o := t.Context(), orderFor(t, v.Shop, "22222-22222", "DIRECT", id.New())
	v.exec(t, `UPDATE orders SET billing_address = '{"name":"山田 太郎","kana":"ヤマダタロウ"}'`)
	v.exec(t, `INSERT INTO payments (id, order_id, brand_id, method, gateway, status, amount, currency, reference, created_at, updated_at)
		VALUES ($1, $2, $3, 'BANK_TRANSFER', 'bank_transfer', 'PENDING', 3960, 'JPY', '1234', now(), now())`, id.New(), o.order, v.BrandID)
	v.DB.SealWith(v.keys)
	_, err := postgres.NewPersonal(v.DB, v.keys).Reseal(ctx, nil)
	require.NoError(t, err)
	require.NotContains(t, v.text(t, everyOrder), "ヤマダ")

	packed, err := postgres.NewDispatch(v.DB).Packed(ctx, []uuid.UUID{o.shipment})
	require.NoError(t, err)
	require.Equal(t, "山田 花子 山田 太郎", packed[0].To.Name+" "+packed[0].Billing.Name)
	found, err := postgres.NewBanking(v.DB).Candidates(ctx, banking.Line{BrandID: v.BrandID, AmountMinor: 3960, Currency: "JPY"}, []string{"1234"})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Subset(t, found[0].Names, []string{"山田 花子", "ヤマダタロウ"}, "who may have paid")
}

func TestDraftsAndQuotationsAreSealedAndFoundByWholeWords(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	v.DB.SealWith(v.keys)
	ctx, drafts := t.Context(), postgres.NewDrafts(v.DB, v.keys)
	d := draft.Draft{
		ID: id.New(), Number: "D-1", BrandID: v.BrandID, ChannelID: v.ChannelID, BuyerRole: "GUEST", Language: "ja", State: draft.Open, Revision: 1, ShippingMode: "NORMAL",
		Currency: "JPY", ExpiresAt: v.now, CreatedBy: id.New(), CreatedAt: v.now, UpdatedAt: v.now,
	}
	require.NoError(t, drafts.Insert(ctx, d))
	d.Name, d.Phone, d.Email, d.ShippingAddress = "山田　花子", "09012345678", "hanako@example.jp", &customer.Address{Name: "山田 花子", City: "渋谷区"}
	require.NoError(t, drafts.Save(ctx, d))
	require.Equal(t, "山田　花子", d.Name)
	kept := func() string {
		return v.text(t, `SELECT (SELECT string_agg(d::text, '') FROM draft_orders d) || coalesce((SELECT string_agg(q::text, '') FROM quotations q), '')`)
	}
	for _, clear := range []string{"山田", "12345678", "hanako", "渋谷区"} {
		require.NotContains(t, kept(), clear)
	}
	find := func(text string) int {
		found, err := drafts.List(ctx, draft.Query{BrandID: v.BrandID, ChannelID: v.ChannelID, Text: text})
		require.NoError(t, err)
		for _, e := range found.Edges {
			require.Equal(t, "山田　花子 渋谷区", e.Node.Name+" "+e.Node.ShippingAddress.City)
		}
		return len(found.Edges)
	}
	check := func(t *testing.T) {
		t.Helper()
		for text, want := range map[string]int{
			"山田花子": 1, "山田 花子": 1, "山田": 1, "花子": 1, "HANAKO@example.jp": 1, "090-1234-5678": 1, "5678": 1, "D-1": 1,
			"山": 0, "s1": 0, "example": 0, "1234": 0, "": 1,
		} {
			require.Equal(t, want, find(text), text)
		}
	}
	check(t)
	q := quotation.Quotation{
		ID: id.New(), Number: "Q-1", BrandID: v.BrandID, ChannelID: v.ChannelID, MemberID: id.New(), Name: "山田 花子", Email: "hanako@example.jp", Language: "ja",
		State: quotation.Requested, ShippingMode: "NORMAL", Currency: "JPY", RequestedAt: v.now, UpdatedAt: v.now,
	}
	v.exec(t, `INSERT INTO accounts (id, role, email, name, created_at, updated_at) VALUES ($1, 'MEMBER', 'x@example.jp', '', now(), now())`, q.MemberID)
	require.NoError(t, postgres.NewQuotations(v.DB).Insert(ctx, q, nil))
	quoted := func(text string) int {
		found, err := postgres.NewQuotations(v.DB).List(ctx, quotation.Query{BrandID: v.BrandID, Text: text})
		require.NoError(t, err)
		return len(found.Edges)
	}
	require.Equal(t, []int{1, 1, 0, 1}, []int{quoted("花子"), quoted("hanako@example.jp"), quoted("太郎"), quoted("Q-")})
	require.NotContains(t, kept(), "hanako")

	v.now = v.now.Add(time.Hour)
	_, err := v.keys.Rotate(ctx)
	require.NoError(t, err)
	check(t)
	n, err := postgres.NewPersonal(v.DB, v.keys).Reseal(ctx, nil)
	require.NoError(t, err)
	require.Equal(t, 3, n, "and the account")
	check(t)
	require.Equal(t, 1, quoted("花子"))
}
