package points

import (
	"math/big"

	"github.com/google/uuid"
)

// gains reports whether points come of nothing if the rate joins the others: by exchanging
// them round a circle that goes through it, over programmes of whatever brands, more come
// back than left. Rounding down is not counted on.
func (r Rate) gains(others []Rate) bool {
	best := map[uuid.UUID]*big.Rat{r.ToID: r.share()} // the most that a point of From becomes
	for range others {                                // no way is longer than all of them
		for _, o := range others {
			had, reached := best[o.FromID]
			if !reached || o.FromID == r.FromID {
				continue
			}
			if got := new(big.Rat).Mul(had, o.share()); best[o.ToID] == nil || got.Cmp(best[o.ToID]) > 0 {
				best[o.ToID] = got
			}
		}
	}
	back := best[r.FromID]
	return back != nil && back.Cmp(big.NewRat(1, 1)) > 0
}

// share is how many points of To one of From becomes.
func (r Rate) share() *big.Rat { return big.NewRat(r.ToPoints, r.FromPoints) }
