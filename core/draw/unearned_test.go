package draw_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/draw"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/purchase"
	"github.com/noren-commerce/noren/storage/postgres"
)

// ByID knows every member.
func (*fair) ByID(_ context.Context, memberID uuid.UUID) (*member.Member, error) {
	return &member.Member{ID: memberID}, nil
}

// Shown is nobody.
func (*fair) Shown(context.Context, member.Criterion) (*member.Member, error) { return nil, nil }

// tills is the shop's history of receipts.
type tills struct {
	*purchase.Service
	f *fair
}

func openTills(t testing.TB, f *fair) *tills {
	db := f.shop.DB
	f.exec(t, `INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, 'shibuya', '{"ja":"渋谷店"}', 'SHOP')`, id.New(), f.shop.BrandID)
	return &tills{purchase.New(purchase.Parts{
		Tx: db, Store: postgres.NewPurchases(db), Keys: idempotency.New(db, postgres.NewKeys(db), f.clock), Members: f, Draws: f.Service, Events: postgres.NewEvents(db), Now: f.clock,
	}), f}
}

// card makes a member with a card.
func (s *tills) card(t testing.TB, number string) uuid.UUID {
	m := access.From(s.f.joined(t, 0)).ID
	s.f.exec(t, `INSERT INTO member_cards (id, number, member_id, brand_id, kind, state, issued_at) VALUES ($1, $2, $3, $4, 'PHYSICAL', 'ACTIVE', now())`, id.New(), number, m, s.f.shop.BrandID)
	return m
}

func goods(yen int64) []purchase.ReceiptLine {
	return []purchase.ReceiptLine{{Code: "lead", Quantity: 1, Amount: decimal.NewFromInt(yen)}}
}

func (s *tills) ring(t testing.TB, number, card string, yen int64) {
	at := s.f.clock()
	_, err := s.Record(s.f.admin(), purchase.RecordInput{Receipts: []purchase.Receipt{{
		Store: "shibuya", Till: "1", Receipt: number, BoughtOn: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), BoughtAt: &at, CardNumber: card, Lines: goods(yen)}}})
	require.NoError(t, err)
}

func (s *tills) correction(t testing.TB, number string) (in purchase.CorrectionInput) {
	in.IdempotencyKey, in.Reason = id.New().String(), "打ち間違い"
	require.NoError(t, s.f.shop.DB.Pool().QueryRow(t.Context(), `SELECT id FROM purchases WHERE receipt = $1`, number).Scan(&in.PurchaseID))
	return in
}

func (s *tills) rewrite(t testing.TB, number string, yen int64) {
	_, err := s.Correct(s.f.admin(), purchase.CorrectInput{CorrectionInput: s.correction(t, number), Lines: goods(yen)})
	require.NoError(t, err)
}

func (s *tills) move(t testing.TB, number string, to uuid.UUID) {
	_, err := s.Move(s.f.admin(), purchase.MoveInput{CorrectionInput: s.correction(t, number), MemberID: &to})
	require.NoError(t, err)
}

func TestEntriesThatNoPurchaseEarnsAnyMore(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	d := f.draw(t, func(in *draw.SaveInput) { in.Points, in.PerMinor, in.MaxEntries = 0, 3000, 4 })
	s := openTills(t, f)
	m, other := s.card(t, "2911111111110"), s.card(t, "2911111111127")
	s.ring(t, "1", "2911111111110", 9000)
	s.ring(t, "2", "2911111111110", 3000)
	s.ring(t, "3", "2911111111127", 3000)
	entries := func(m uuid.UUID) int64 {
		return f.count(t, `SELECT count(*) FROM draw_entries WHERE draw_id = $1 AND member_id = $2`, d.ID, m)
	}
	told := func() int64 { return f.count(t, `SELECT count(*) FROM events WHERE type = 'draw.entries_unearned'`) }
	s.rewrite(t, "1", 6000)
	s.move(t, "3", m)
	require.Zero(t, told(), "what is put right before the close counts")
	f.pass(24 * time.Hour)
	f.turn(t)
	require.Equal(t, []int64{4, 0}, []int64{entries(m), entries(other)}, "12,000 yen")

	s.move(t, "2", other)
	require.EqualValues(t, 1, f.count(t, `
		SELECT count(*) FROM events WHERE type = 'draw.entries_unearned' AND subject_id = $1 AND data->>'memberId' = $2::text AND data->>'earned' = '4' AND data->>'due' = '3' AND data->>'won' = 'false'`, d.ID, m))
	s.rewrite(t, "3", 4000)
	require.EqualValues(t, 1, told(), "nothing is lost")
	f.pass(time.Hour)
	f.turn(t) // which fails if the list is not the published one
	_, err := s.Void(f.admin(), purchase.VoidInput{CorrectionInput: s.correction(t, "1")})
	require.NoError(t, err)
	require.EqualValues(t, 1, f.count(t, `SELECT count(*) FROM events WHERE type = 'draw.entries_unearned' AND data->>'due' = '1' AND data->>'won' = 'true'`))
	require.Equal(t, []int64{4, 0}, []int64{entries(m), entries(other)}, "the list stays")
	require.EqualValues(t, 2, told())
}
