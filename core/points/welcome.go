package points

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
)

// WelcomeJob gives who has just joined a brand what its rules give for that.
type WelcomeJob struct {
	BrandID  uuid.UUID `json:"brandId"`
	MemberID uuid.UUID `json:"memberId"`
}

// Kind is the job's name in the queue.
func (WelcomeJob) Kind() string { return "points_welcome" }

// Welcoming records events about members, and lets who joined be welcomed.
type Welcoming struct {
	event.Recorder
	Jobs interface {
		WelcomeMember(ctx context.Context, job WelcomeJob) error
	}
}

// Record records the events.
func (w Welcoming) Record(ctx context.Context, events ...event.Event) error {
	if err := w.Recorder.Record(ctx, events...); err != nil {
		return err
	}
	for _, e := range events {
		if e.Type == "member.joined" || e.Type == "member.registered" {
			if err := w.Jobs.WelcomeMember(ctx, WelcomeJob{e.BrandID, e.SubjectID}); err != nil {
				return err
			}
		}
	}
	return nil
}

// lately is how long ago a member who is welcomed joined at most: who joins again has been.
const lately = 24 * time.Hour

// Welcome gives who has joined a brand lately the points of its rules for that, once.
func (s *Service) Welcome(ctx context.Context, j WelcomeJob) error {
	ctx = channel.With(access.With(ctx, access.System), channel.Channel{BrandID: j.BrandID})
	fresh, err := s.Store.JoinedSince(ctx, j.BrandID, j.MemberID, s.Now().Add(-lately))
	if err != nil || !fresh {
		return err
	}
	_, err = s.Reward(ctx, RewardInput{IdempotencyKey: "welcome:" + j.MemberID.String(), Occasion: Joined, MemberID: &j.MemberID})
	if errors.Is(err, ErrEvent) || errors.Is(err, ErrMember) { // no rule gives any, or who joined was erased or merged meanwhile
		return nil
	}
	return err
}
