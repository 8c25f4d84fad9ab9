package postgres_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/dispatch"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/photo"
	"github.com/noren-commerce/noren/core/returns"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// ordered is an order of two leashes whose shipment waits, and its keys.
type ordered struct{ order, shipment, line uuid.UUID }

func orderFor(t testing.TB, s *pgtest.Shop, number, mode string, member uuid.UUID) ordered {
	t.Helper()
	o := ordered{id.New(), id.New(), id.New()}
	exec := func(sql string, args ...any) {
		_, err := s.DB.Pool().Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	p := s.AddProduct(t, "leash-"+number, 1980)
	exec(`INSERT INTO orders (id, number, brand_id, channel_id, member_id, email, language, status, currency, tax_inclusive, subtotal, shipping_fee, tax, total, taxes, breakdown,
		shipping_address, shipping_method, payment_method, shipping_mode, placed_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, 'a@example.jp', 'ja', 'CONFIRMED', 'JPY', true, 3960, 0, 360, 3960, '[]', '[]', '{"name":"山田 花子","postalCode":"5300001"}', '{}', 'BANK_TRANSFER', $6, now(), now())`,
		o.order, number, s.BrandID, s.ChannelID, member, mode)
	exec(`INSERT INTO order_lines (id, order_id, position, variant_id, product_id, sku, name, options, quantity, unit, total, tax_class, breakdown)
		VALUES ($1, $2, 1, $3, $4, 'LS-1', '{"ja":"リード"}', '["M"]', 2, 1980, 3960, 'STANDARD', '[]')`, o.line, o.order, p.Variants[0], p.ID)
	exec(`INSERT INTO shipments (id, order_id, brand_id, location_id, nth, status, currency, instructed_at, updated_at) VALUES ($1, $2, $3, $4, 1, 'INSTRUCTED', 'JPY', now(), now())`,
		o.shipment, o.order, s.BrandID, s.WarehouseID)
	exec(`INSERT INTO shipment_lines (shipment_id, line_id, variant_id, quantity) VALUES ($1, $2, $3, 2)`, o.shipment, o.line, p.Variants[0])
	return o
}

func TestPapersShowWhatIsPacked(t *testing.T) {
	t.Parallel()
	s := pgtest.NewShop(t)
	store, ctx := postgres.NewDispatch(s.DB), t.Context()
	one, two := orderFor(t, s, "22222-22222", "NORMAL", id.New()), orderFor(t, s, "33333-33333", "DIRECT", id.New())
	found, err := store.Printable(ctx, dispatch.Wanted{BrandID: s.BrandID, LocationIDs: []uuid.UUID{s.WarehouseID}, Limit: 10})
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{one.shipment, two.shipment}, found)
	found, err = store.Printable(ctx, dispatch.Wanted{BrandID: s.BrandID, LocationIDs: []uuid.UUID{id.New()}, Limit: 10})
	require.NoError(t, err)
	require.Empty(t, found, "nothing leaves another place")

	paper := dispatch.Paper{ID: id.New(), BrandID: s.BrandID, Kind: dispatch.PickList, Source: dispatch.OfOrders, ShipmentIDs: []uuid.UUID{two.shipment, one.shipment}, CreatedAt: clock.System()}
	require.NoError(t, store.InsertPaper(ctx, paper))
	kept, err := store.Paper(ctx, paper.ID)
	require.NoError(t, err)
	require.Equal(t, paper.ShipmentIDs, kept.ShipmentIDs)
	packed, err := store.Packed(ctx, kept.ShipmentIDs)
	require.NoError(t, err)
	require.Len(t, packed, 2)
	require.Equal(t, []string{"33333-33333-1", "22222-22222-1"}, []string{packed[0].Reference(), packed[1].Reference()}, "in the order of the paper")
	require.Equal(t, []bool{false, true}, []bool{packed[0].Priced(), packed[1].Priced()})
	require.Equal(t, "わんこ堂", packed[1].From())
	require.NotContains(t, packed[0].From(), "わんこ堂")
	line := packed[1].Lines[0]
	require.Equal(t, []any{"LS-1", "リード", []string{"M"}, 2, int64(1980)}, []any{line.SKU, line.Name, line.Options, line.Quantity, *line.UnitMinor})
	_, err = s.DB.Pool().Exec(ctx, `UPDATE shipments SET status = 'CANCELLED' WHERE id = $1`, one.shipment)
	require.NoError(t, err)
	packed, err = store.Packed(ctx, kept.ShipmentIDs)
	require.NoError(t, err)
	require.Len(t, packed, 1, "what was called off since is not packed")
}

func TestPhotosOfReturnsGoWithTheirMember(t *testing.T) {
	t.Parallel()
	s := pgtest.NewShop(t)
	store, ctx, member := postgres.NewReturns(s.DB), t.Context(), id.New()
	var photos []returns.Photo
	var numbered []uuid.UUID
	for number, of := range map[string]uuid.UUID{"22222-22222": member, "33333-33333": id.New()} {
		o := orderFor(t, s, number, "NORMAL", of)
		r := returns.Return{
			ID: id.New(), OrderID: o.order, BrandID: s.BrandID, Nth: 1, Status: returns.Requested, Outcome: returns.Refund, Wished: returns.AsMoney, RefundAs: returns.AsMoney, Currency: "JPY", Terms: returns.Standard(s.BrandID).Terms, RequestedAt: clock.System(),
			Lines: []returns.Line{{ID: id.New(), LineID: o.line, Reason: returns.Defective, Asked: 1}},
		}
		require.NoError(t, store.Insert(ctx, r))
		p := returns.Photo{ID: id.New(), ReturnID: r.ID, Nth: 1, Width: 4, Height: 3, AddedAt: clock.System()}
		require.NoError(t, store.AddPhoto(ctx, p, photo.Photo{Content: []byte("JPEG"), Hash: [32]byte{1}}))
		require.NoError(t, store.AddPhoto(ctx, returns.Photo{ID: id.New(), ReturnID: r.ID, Nth: 2, AddedAt: clock.System()}, photo.Photo{Content: []byte("JPEG"), Hash: [32]byte{1}}), "the same picture")
		found, err := store.Numbered(ctx, s.BrandID, number, 1)
		require.NoError(t, err)
		require.Equal(t, r.ID, found.ID)
		photos, numbered = append(photos, p), append(numbered, r.ID)
	}
	none, err := store.Numbered(ctx, id.New(), "22222-22222", 1)
	require.NoError(t, err)
	require.Nil(t, none, "of another brand")
	all, err := store.Photos(ctx, numbered)
	require.NoError(t, err)
	require.Len(t, all, 2)
	for _, p := range photos {
		content, err := store.PhotoContent(ctx, p.ID)
		require.NoError(t, err)
		require.Equal(t, "JPEG", string(content))
	}
	require.NoError(t, s.DB.InTx(ctx, func(ctx context.Context) error {
		return postgres.NewMembers(s.DB, nil).Erase(ctx, member, clock.System())
	}))
	all, err = store.Photos(ctx, numbered)
	require.NoError(t, err)
	require.Len(t, all, 1, "only the member's are gone")
	content, err := store.PhotoContent(ctx, id.New())
	require.NoError(t, err)
	require.Nil(t, content)
	require.NoError(t, store.RemovePhoto(ctx, all[0].ID))
}
