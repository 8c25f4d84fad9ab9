package returns

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/id"
)

// Whatever is asked, approved, received and given up in whatever order: what returns
// take up is never more than was shipped, and what came never more than that.
func TestReturnsNeverTakeUpMoreThanWasShipped(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		line, shipped := id.New(), rapid.IntRange(1, 12).Draw(t, "shipped")
		var all []Return
		pick := func(t *rapid.T, of func(Return) bool) *Return {
			var some []int
			for i, r := range all {
				if of(r) {
					some = append(some, i)
				}
			}
			if len(some) == 0 {
				t.Skip("none stands so")
			}
			return &all[rapid.SampledFrom(some).Draw(t, "which")]
		}
		t.Repeat(map[string]func(*rapid.T){
			"ask": func(t *rapid.T) {
				n := rapid.IntRange(1, 12).Draw(t, "pieces")
				if n > shipped-Claimed(all, line) {
					t.Skip("that is refused")
				}
				all = append(all, Return{ID: id.New(), Status: Requested, Lines: []Line{{ID: id.New(), LineID: line, Asked: n}}})
			},
			"approve": func(t *rapid.T) {
				r := pick(t, func(r Return) bool { return r.Status == Requested })
				n := rapid.IntRange(0, 13).Draw(t, "pieces")
				err := r.approve([]ApprovedLine{{r.Lines[0].ID, n}})
				require.Equal(t, n >= 1 && n <= r.Lines[0].Asked, err == nil)
				if err == nil {
					r.Status = Approved
				}
			},
			"reject": func(t *rapid.T) { pick(t, func(r Return) bool { return r.Status == Requested }).Status = Rejected },
			"receive": func(t *rapid.T) {
				r := pick(t, func(r Return) bool { return r.Status.awaits() })
				n := rapid.IntRange(1, 13).Draw(t, "pieces")
				left := r.Lines[0].Approved - r.inspected(r.Lines[0].ID).Pieces()
				came, err := r.inspect([]InspectedLine{{LineID: r.Lines[0].ID, Scrap: n}})
				require.Equal(t, n <= left, err == nil)
				if err == nil {
					r.receive(Receipt{Lines: came})
					require.Equal(t, n == left, r.Status == Completed)
				}
			},
			"close": func(t *rapid.T) { pick(t, func(r Return) bool { return r.Status.awaits() }).Status = Completed },
			"": func(t *rapid.T) {
				require.LessOrEqual(t, Claimed(all, line), shipped)
				require.LessOrEqual(t, Received(all, line), Claimed(all, line))
			},
		})
	})
}
