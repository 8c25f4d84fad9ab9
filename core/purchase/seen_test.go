package purchase_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/purchase"
)

func (s *till) staffOf(t *testing.T, store uuid.UUID) context.Context {
	return s.as(t, access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: []access.Permission{access.PurchaseWrite}, Stores: []uuid.UUID{store}})
}

func (s *till) pos(t *testing.T) context.Context {
	return s.as(t, access.Actor{Role: access.RolePartner, ID: id.New(), Permissions: []access.Permission{access.PurchaseWrite}})
}

// seen are how many journals the actor sees, and the values on the work list of the state.
func (s *till) seen(t *testing.T, ctx context.Context, state purchase.ProblemState) (journals int, values []string) {
	t.Helper()
	imports, err := s.Imports(ctx, page.Args{})
	require.NoError(t, err)
	counted, err := imports.Count(ctx)
	require.NoError(t, err)
	require.Len(t, imports.Edges, counted)
	problems, err := s.Problems(ctx, state, page.Args{})
	require.NoError(t, err)
	for _, p := range problems.Nodes() {
		values = append(values, p.Value)
	}
	return len(imports.Edges), values
}

func TestWhatMembersOfOthersBoughtIsNotShown(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ginza := id.New()
	s.exec(t, `INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, 'ginza', '{"ja":"銀座店"}', 'SHOP')`, ginza, s.BrandID)
	shibuya, others, pos, stranger, office := s.staffOf(t, s.store), s.staffOf(t, ginza), s.pos(t), s.pos(t), s.office(t)
	sent, err := s.Upload(shibuya, purchase.UploadInput{FileName: "a.csv", File: strings.NewReader(heading + "shibuya,1,100,2026/01/31,9999,1,4900000000001,謎のリード,1,100\nshibuya,1,101,2026/01/31,2911111111119\n")})
	require.NoError(t, err)
	require.Equal(t, 1, sent.Receipts)
	require.Len(t, sent.Errors, 1)
	require.Empty(t, sent.Errors[0].Value, "a row that breaks off is a purchase with whose card it was")
	_, err = s.Record(pos, purchase.RecordInput{Receipts: []purchase.Receipt{{
		Store: "ginza", Till: "1", Receipt: "1", BoughtOn: time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), CardNumber: "8888",
		Lines: []purchase.ReceiptLine{{Code: "4900000000002", Quantity: 1, Amount: decimal.NewFromInt(100)}},
	}}})
	require.NoError(t, err)

	for name, a := range map[string]struct {
		ctx      context.Context
		journals int
		open     []string
	}{
		"the shop that sent it":     {shibuya, 1, []string{"9999", "4900000000001"}},
		"another shop":              {others, 0, []string{"8888", "4900000000002"}},
		"the partner that sent it":  {pos, 1, []string{"8888", "4900000000002"}},
		"another partner":           {stranger, 0, nil},
		"staff of the head office":  {office, 2, []string{"9999", "4900000000001", "8888", "4900000000002"}},
		"staff of a shop of nobody": {s.staffOf(t, id.New()), 0, nil},
	} {
		journals, values := s.seen(t, a.ctx, purchase.ProblemOpen)
		require.Equal(t, a.journals, journals, name)
		require.ElementsMatch(t, a.open, values, name)
	}

	problems, err := s.Problems(office, purchase.ProblemOpen, page.Args{})
	require.NoError(t, err)
	for _, p := range problems.Nodes() {
		if p.Kind == purchase.UnknownMember {
			_, err = s.Resolve(office, purchase.ResolveInput{ProblemID: p.ID, MemberID: &s.member})
			require.NoError(t, err)
		}
	}
	for name, a := range map[string]struct {
		ctx  context.Context
		want []string
	}{
		"the shop": {shibuya, []string{"9999"}}, "another shop": {others, []string{"8888"}}, "the partner": {pos, []string{"8888"}}, "another partner": {stranger, nil}, "staff of the head office": {office, []string{"9999", "8888"}},
	} {
		_, values := s.seen(t, a.ctx, purchase.ProblemResolved)
		require.ElementsMatch(t, a.want, values, "whose card it is: %s", name)
	}
}
