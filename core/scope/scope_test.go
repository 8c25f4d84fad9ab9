package scope_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/scope"
)

func TestWindowOpensAtItsFirstMomentAndClosesBeforeItsLast(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	later := noon.Add(time.Hour)
	w := scope.NewWindow(&noon, &later)
	require.NoError(t, w.Validate())
	require.False(t, w.Holds(noon.Add(-time.Nanosecond)))
	require.True(t, w.Holds(noon))
	require.False(t, w.Holds(later))
	require.Nil(t, scope.NewWindow(nil, nil).Opens())
	require.Nil(t, scope.NewWindow(nil, nil).Closes())
	require.Equal(t, &noon, w.Opens())
	require.ErrorIs(t, scope.NewWindow(&later, &noon).Validate(), scope.ErrWindow)
	require.ErrorIs(t, scope.NewWindow(&noon, &noon).Validate(), scope.ErrWindow)
}

func TestScopesNameWhatTheirKindNeeds(t *testing.T) {
	t.Parallel()
	one := id.New()
	for _, a := range []scope.Audience{{Kind: scope.Group}, {Kind: scope.Everyone, ID: one}, {Kind: "NOBODY"}} {
		require.ErrorIs(t, a.Validate(), scope.ErrAudience, "%+v", a)
	}
	for _, target := range []scope.Target{
		{Kind: scope.Product}, {Kind: scope.Product, ID: one, Value: "x"}, {Kind: scope.Attribute, ID: one}, {Kind: scope.Tag},
		{Kind: scope.Tag, ID: one, Value: "x"}, {Kind: scope.AllGoods, ID: one}, {Kind: "NOTHING"},
	} {
		require.ErrorIs(t, target.Validate(), scope.ErrTarget, "%+v", target)
	}
	require.NoError(t, scope.Audience{Kind: scope.Company, ID: one}.Validate())
	require.NoError(t, scope.Target{Kind: scope.Attribute, ID: one, Value: "adult"}.Validate())
}

// TestIndexFindsWhatFitsMostSpecificFirst holds the index to the plain reading: go
// through audiences and targets in their order and through all rules for each.
func TestIndexFindsWhatFitsMostSpecificFirst(t *testing.T) {
	t.Parallel()
	pool := make([]uuid.UUID, 8)
	for i := range pool {
		pool[i] = id.New()
	}
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SampledFrom(pool)
		buyer := scope.Buyer{Groups: rapid.SliceOfNDistinct(key, 0, 3, rapid.ID).Draw(t, "groups")}
		if rapid.Bool().Draw(t, "member") {
			buyer.MemberID = key.Draw(t, "member id")
		}
		if rapid.Bool().Draw(t, "company") {
			buyer.CompanyID = key.Draw(t, "company id")
		}
		goods := scope.Goods{VariantID: id.New(), ProductID: id.New(), Categories: pool[:3], BrandID: pool[4], Tags: []string{"a", "b"}, Attributes: []scope.AttributeValue{{ID: pool[5], Value: "x"}}}
		audiences := append(scope.Buyer{MemberID: pool[0], CompanyID: pool[1], Groups: pool}.Audiences(), buyer.Audiences()...)
		targets := append(scope.Goods{VariantID: pool[7], ProductID: goods.ProductID, Categories: pool[:2], Tags: []string{"b", "c"}}.Targets(), goods.Targets()...)
		type rule struct {
			scope.Audience
			scope.Target
			n int
		}
		var rules []rule
		var index scope.Index[int]
		for n := range rapid.IntRange(0, 30).Draw(t, "rules") {
			r := rule{rapid.SampledFrom(audiences).Draw(t, "audience"), rapid.SampledFrom(targets).Draw(t, "target"), n}
			rules = append(rules, r)
			index.Add(r.Audience, r.Target, n)
		}
		want := []int{}
		for _, a := range buyer.Audiences() {
			for _, target := range goods.Targets() {
				for _, r := range rules {
					if r.Audience == a && r.Target == target {
						want = append(want, r.n)
					}
				}
			}
		}
		require.Equal(t, want, append([]int{}, slices.Collect(index.For(buyer).Of(goods))...))
	})
}
