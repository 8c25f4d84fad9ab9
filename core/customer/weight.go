package customer

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// heaviest is what a pet weighs at most, in grams.
const heaviest = 1_000_000

// Weight is what a pet weighed on a day (体重記録).
type Weight struct {
	PetID      uuid.UUID
	MeasuredOn time.Time // a day; midnight UTC
	Grams      int
}

// RecordWeightInput notes what a pet weighed on a day; 0 takes the day out.
type RecordWeightInput struct {
	MemberID   *uuid.UUID // whose pet it is; nil: the actor's
	PetID      uuid.UUID
	MeasuredOn time.Time
	Grams      int
}

// RecordWeight notes what one of the actor's pets weighed, or of a member's for staff. A
// day has one weight.
func (s *Service) RecordWeight(ctx context.Context, in RecordWeightInput) (*Pet, error) {
	var pet Pet
	err := s.changeOf(ctx, in.MemberID, func(ctx context.Context, memberID uuid.UUID, at time.Time) (happened, error) {
		pets, err := s.store.Pets(ctx, []uuid.UUID{memberID})
		if err != nil {
			return happened{}, err
		}
		if pet, err = petOf(pets, in.PetID); err != nil {
			return happened{}, err
		}
		if in.Grams < 0 || in.Grams > heaviest || in.MeasuredOn.After(today(ctx, at)) {
			return happened{}, ErrWeight.At("grams")
		}
		what := happened{"pet.weighed", subject(in.MemberID), memberID, map[string]any{"petId": pet.ID}}
		return what, s.store.SaveWeight(ctx, Weight{in.PetID, in.MeasuredOn, in.Grams}, at)
	})
	if err != nil {
		return nil, err
	}
	return &pet, nil
}

// Weights are the weights of pets that the actor was shown.
func (s *Service) Weights(ctx context.Context, petIDs []uuid.UUID) ([]Weight, error) {
	return s.store.Weights(ctx, petIDs)
}
