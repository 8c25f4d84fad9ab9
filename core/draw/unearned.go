package draw

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/purchase"
)

// Unearning finds entries that purchases no longer earn.
type Unearning interface {
	// Published are the brand's draws with a published list that purchases of the moment have
	// earned entries of. Those whose list is to come are not closed before the transaction ends.
	Published(ctx context.Context, brandID uuid.UUID, at time.Time) ([]Draw, error)
	// Unearned are entries that the member's purchases have earned of the draws, and do not
	// any more.
	Unearned(ctx context.Context, drawIDs []uuid.UUID, memberID uuid.UUID) ([]Unearned, error)
}

// Unearned is entries of a member that stay on a published list, though purchases that were
// put right earn fewer.
type Unearned struct {
	DrawID   uuid.UUID `json:"-"`
	MemberID uuid.UUID `json:"memberId"`
	Earned   int       `json:"earned"` // on the list
	Due      int       `json:"due"`    // by the purchases as they are now
	Won      bool      `json:"won"`
}

// PurchaseCorrected is told of a purchase of a member that was put right, in that
// transaction. What purchases earn is worked out when a draw closes, so it counts for those
// that have not. Of the others the list is published and stays; if there is more on it than
// is earned now, staff find the event.
func (s *Service) PurchaseCorrected(ctx context.Context, p purchase.Purchase, memberID, correctionID uuid.UUID) error {
	draws, err := s.Store.Published(ctx, p.BrandID, p.BoughtAt)
	if err != nil || len(draws) == 0 {
		return err
	}
	keys, byID := make([]uuid.UUID, len(draws)), map[uuid.UUID]Draw{}
	for i, d := range draws {
		keys[i], byID[d.ID] = d.ID, d
	}
	found, err := s.Store.Unearned(ctx, keys, memberID)
	if err != nil {
		return err
	}
	for _, u := range found {
		about := struct {
			Unearned
			PurchaseID   uuid.UUID `json:"purchaseId"`
			CorrectionID uuid.UUID `json:"correctionId"`
		}{u, p.ID, correctionID}
		if err := s.record(ctx, "draw.entries_unearned", byID[u.DrawID], about); err != nil {
			return err
		}
	}
	return nil
}
