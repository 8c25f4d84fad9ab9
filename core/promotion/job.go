package promotion

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/event"
)

// TurnJob is worked on when a campaign begins or ends: answers that were kept from
// before must not be given after.
type TurnJob struct {
	CampaignID uuid.UUID `json:"campaign"`
	BrandID    uuid.UUID `json:"brand"`
	At         time.Time `json:"at"`
}

// Kind names the job in the queue.
func (TurnJob) Kind() string { return "campaign_turn" }

// Turn moves the number of the brand's rules and, by its event, the generation of
// what is kept. Done twice it does no harm; a campaign that was moved or stopped
// since turns nothing.
func (s *Service) Turn(ctx context.Context, j TurnJob) error {
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		c, err := s.Store.Lock(ctx, j.BrandID, j.CampaignID)
		if err != nil || c == nil || c.Status != Ready {
			return err
		}
		kind := ""
		switch {
		case c.From.Equal(j.At):
			kind = "campaign.started"
		case c.Until.Equal(j.At):
			kind = "campaign.ended"
		default:
			return nil
		}
		e := event.New(ctx, s.Now(), kind, "Campaign", c.ID, nil)
		e.BrandID = j.BrandID
		return joined(s.Store.Moved(ctx, j.BrandID), s.Events.Record(ctx, e))
	})
}
