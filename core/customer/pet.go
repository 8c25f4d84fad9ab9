package customer

import (
	"context"
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
)

// MaxPets is how many pets a member enters at most.
const MaxPets = 50

// MaxAllergies is how many allergies of a pet are entered at most.
const MaxAllergies = 20

// eldestPet is how long ago a pet's birthday can be, in years: tortoises live long.
const eldestPet = 150

// Species is the kind of animal that a pet is.
type Species string

// Pet is an animal that lives with a member.
type Pet struct {
	ID        uuid.UUID
	MemberID  uuid.UUID
	Name      string
	Species   Species
	Breed     string     // 犬種・猫種; empty if it is not known
	Birthday  *time.Time // a day; midnight UTC
	Allergies []string   // アレルギー, in the owner's words
	CreatedAt time.Time
	UpdatedAt time.Time
	ClosedAt  *time.Time // removed by the member
}

// GlobalID is the pet's id in the schema.
func (p Pet) GlobalID() string { return id.Global("Pet", p.ID) }

// Validate checks a normalised pet; today is a day of the brand's zone.
func (p Pet) Validate(today time.Time) error {
	var all []error
	if p.Name == "" {
		all = append(all, fault.ErrRequired.At("name"))
	}
	for field, value := range map[string]string{"name": p.Name, "breed": p.Breed} {
		if utf8.RuneCountInString(value) > maxLine {
			all = append(all, ErrTooLong.With(maxLine).At(field))
		}
	}
	if len(p.Allergies) > MaxAllergies {
		all = append(all, ErrTooManyAllergies.With(MaxAllergies).At("allergies"))
	}
	for _, a := range p.Allergies {
		if utf8.RuneCountInString(a) > maxLine {
			all = append(all, ErrTooLong.With(maxLine).At("allergies"))
		}
	}
	return errors.Join(append(all, checkBirthday(p.Birthday, today, eldestPet))...)
}

// tidied are the words without what is empty or said twice.
func tidied(words []string) []string {
	kept := []string{}
	for _, w := range words {
		if w = tidy(w); w != "" && !slices.Contains(kept, w) {
			kept = append(kept, w)
		}
	}
	return kept
}

// AddPetInput is a pet to enter.
type AddPetInput struct {
	MemberID *uuid.UUID // whose; nil: the actor's
	Name     string
	Species  Species
	Breed    string
	Birthday *time.Time

	Allergies []string
}

// AddPet enters a pet of the actor, or of a member for staff.
func (s *Service) AddPet(ctx context.Context, in AddPetInput) (*Pet, error) {
	return s.changePet(ctx, in.MemberID, "pet.added", func(memberID uuid.UUID, pets []Pet, at time.Time) (Pet, error) {
		if len(pets) >= MaxPets {
			return Pet{}, ErrTooManyPets.With(MaxPets)
		}
		return Pet{
			ID: id.New(), MemberID: memberID, Name: tidy(in.Name), Species: in.Species, Breed: tidy(in.Breed),
			Birthday: in.Birthday, Allergies: tidied(in.Allergies), CreatedAt: at, UpdatedAt: at,
		}, nil
	})
}

// UpdatePetInput corrects a pet; nil leaves a value as it is.
type UpdatePetInput struct {
	MemberID *uuid.UUID // whose it is; nil: the actor's
	ID       uuid.UUID
	Name     *string
	Species  *Species
	Breed    *string
	Birthday *time.Time

	Allergies []string // nil leaves them
}

// UpdatePet corrects one of the actor's pets, or of a member's for staff.
func (s *Service) UpdatePet(ctx context.Context, in UpdatePetInput) (*Pet, error) {
	return s.changePet(ctx, in.MemberID, "pet.updated", func(_ uuid.UUID, pets []Pet, at time.Time) (Pet, error) {
		pet, err := petOf(pets, in.ID)
		set(&pet.Name, in.Name, tidy)
		set(&pet.Species, in.Species, nil)
		set(&pet.Breed, in.Breed, tidy)
		if in.Birthday != nil {
			pet.Birthday = in.Birthday
		}
		if in.Allergies != nil {
			pet.Allergies = tidied(in.Allergies)
		}
		pet.UpdatedAt = at
		return pet, err
	})
}

// RemovePetInput names a pet to remove.
type RemovePetInput struct {
	MemberID *uuid.UUID // whose it is; nil: the actor's
	ID       uuid.UUID
}

// RemovePet takes a pet out of the actor's profile, or of a member's for staff.
func (s *Service) RemovePet(ctx context.Context, in RemovePetInput) (*Pet, error) {
	return s.changePet(ctx, in.MemberID, "pet.removed", func(_ uuid.UUID, pets []Pet, at time.Time) (Pet, error) {
		pet, err := petOf(pets, in.ID)
		pet.ClosedAt, pet.UpdatedAt = &at, at
		return pet, err
	})
}

func petOf(pets []Pet, key uuid.UUID) (Pet, error) {
	found := slices.IndexFunc(pets, func(p Pet) bool { return p.ID == key })
	if found < 0 {
		return Pet{}, fault.ErrNotFound.At("id")
	}
	return pets[found], nil
}

// changePet keeps the pet that f makes of the member's pets.
func (s *Service) changePet(ctx context.Context, whose *uuid.UUID, kind string, f func(memberID uuid.UUID, pets []Pet, at time.Time) (Pet, error)) (*Pet, error) {
	var pet Pet
	err := s.changeOf(ctx, whose, func(ctx context.Context, memberID uuid.UUID, at time.Time) (happened, error) {
		pets, err := s.store.Pets(ctx, []uuid.UUID{memberID})
		if err != nil {
			return happened{}, err
		}
		if pet, err = f(memberID, pets, at); err != nil {
			return happened{}, err
		}
		if err := pet.Validate(today(ctx, at)); err != nil {
			return happened{}, err
		}
		return happened{kind, subject(whose), memberID, map[string]any{"petId": pet.ID}}, s.store.SavePet(ctx, pet)
	})
	if err != nil {
		return nil, err
	}
	return &pet, nil
}
