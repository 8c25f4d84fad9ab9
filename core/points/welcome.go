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

// WelcomeJob gives who has just joined a brand what its rules give for that; without a brand, who
// has just proved the address, what those of all brands give that were joined before.
type WelcomeJob struct {
	BrandID  uuid.UUID `json:"brandId"`
	MemberID uuid.UUID `json:"memberId"`
}

// Kind is the job's name in the queue.
func (WelcomeJob) Kind() string { return "points_welcome" }

// Welcoming records events about members and accounts, and lets who joined be welcomed, or who
// joined before and has proved the address now.
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
		job := WelcomeJob{MemberID: e.SubjectID}
		switch e.Type {
		case "member.joined", "member.registered":
			job.BrandID = e.BrandID
		case "account.email_verified":
		default:
			continue
		}
		if err := w.Jobs.WelcomeMember(ctx, job); err != nil {
			return err
		}
	}
	return nil
}

// lately is how long ago a member who is welcomed joined at most, or proved the address: who
// joins again has been.
const lately = 24 * time.Hour

// Welcome gives who has joined a brand lately the points of its rules for that, once. An account
// costs nothing, so an address is to be proved first, unless a shop has registered the member;
// who proves it later is welcomed then.
func (s *Service) Welcome(ctx context.Context, j WelcomeJob) error {
	var brand *uuid.UUID
	if j.BrandID != uuid.Nil {
		brand = &j.BrandID
	}
	brands, err := s.Store.Welcomed(ctx, j.MemberID, brand, s.Now().Add(-lately))
	failed := []error{err}
	for _, brandID := range brands {
		failed = append(failed, s.welcome(ctx, brandID, j.MemberID))
	}
	return errors.Join(failed...)
}

// welcome gives the member the points of one brand's rules.
func (s *Service) welcome(ctx context.Context, brandID, memberID uuid.UUID) error {
	ctx = channel.With(access.With(ctx, access.System), channel.Channel{BrandID: brandID})
	_, err := s.Reward(ctx, RewardInput{IdempotencyKey: "welcome:" + memberID.String(), Occasion: Joined, MemberID: &memberID})
	if errors.Is(err, ErrEvent) || errors.Is(err, ErrMember) { // no rule gives any, or who joined was erased or merged meanwhile
		return nil
	}
	return err
}
