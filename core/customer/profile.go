package customer

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
)

// Gender is what a member says of themselves.
type Gender string

// The genders.
const (
	GenderUnsaid Gender = "UNSAID"
	GenderFemale Gender = "FEMALE"
	GenderMale   Gender = "MALE"
	GenderOther  Gender = "OTHER"
)

// Profile is what a member has told about themselves, over all brands but for
// the newsletter.
type Profile struct {
	MemberID   uuid.UUID
	Name       string
	Kana       string     // the name's reading in katakana
	Phone      string     // digits only
	Birthday   *time.Time // a day; midnight UTC
	Gender     Gender
	Newsletter bool // whether the brand may send its mail magazine (メールマガジン)
	UpdatedAt  time.Time
}

// How says in what way somebody told what they want, for the proof of it: core/member has
// the ways.
type How string

// Told is the proof that a member said something of the newsletter: how, and from where.
type Told struct {
	How     How
	Address *netip.Addr
}

// bySelf are the ways in which members say it themselves.
var bySelf = []How{"WEB", "APP"}

// UpdateProfileInput is what a member corrects; nil leaves a value as it is.
type UpdateProfileInput struct {
	Name       *string
	Kana       *string
	Phone      *string
	Birthday   *time.Time
	Gender     *Gender
	Newsletter *bool
	How        How // in which the newsletter was agreed to or withdrawn
}

// eldest is how long ago a living member's birthday can be, in years.
const eldest = 130

// onto is the profile with the input's values, normalised, and their names.
func (in UpdateProfileInput) onto(p Profile) (Profile, []string) {
	before := p
	set(&p.Name, in.Name, tidy)
	set(&p.Kana, in.Kana, func(s string) string { return ToKatakana(tidy(s)) })
	set(&p.Phone, in.Phone, digits)
	set(&p.Gender, in.Gender, nil)
	set(&p.Newsletter, in.Newsletter, nil)
	if in.Birthday != nil {
		p.Birthday = in.Birthday
	}
	var changed []string
	for name, differs := range map[string]bool{
		"name": p.Name != before.Name, "kana": p.Kana != before.Kana, "phone": p.Phone != before.Phone,
		"gender": p.Gender != before.Gender, "newsletter": p.Newsletter != before.Newsletter,
		"birthday": !sameDay(p.Birthday, before.Birthday),
	} {
		if differs {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	return p, changed
}

// Corrected is the profile with the input's values in their normal form, checked as a
// whole, and the names of what changed: for who keeps profiles of people without accounts.
func Corrected(p Profile, in UpdateProfileInput, today time.Time) (Profile, []string, error) {
	corrected, changed := in.onto(p)
	return corrected, changed, corrected.Validate(today)
}

func set[T any](to *T, value *T, clean func(T) T) {
	if value == nil {
		return
	}
	*to = *value
	if clean != nil {
		*to = clean(*value)
	}
}

func sameDay(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// Validate checks a normalised profile; today is a day of the brand's zone.
func (p Profile) Validate(today time.Time) error {
	var all []error
	for field, value := range map[string]string{"name": p.Name, "kana": p.Kana} {
		if utf8.RuneCountInString(value) > maxLine {
			all = append(all, ErrTooLong.With(maxLine).At(field))
		}
	}
	if !katakana.MatchString(p.Kana) {
		all = append(all, ErrKana.At("kana"))
	}
	if p.Phone != "" && !phone.MatchString(p.Phone) {
		all = append(all, ErrPhone.At("phone"))
	}
	return errors.Join(append(all, checkBirthday(p.Birthday, today, eldest))...)
}

// checkBirthday refuses a day to come, and one too long ago.
func checkBirthday(day *time.Time, today time.Time, years int) error {
	if day != nil && (day.After(today) || day.Before(today.AddDate(-years, 0, 0))) {
		return ErrBirthday.At("birthday")
	}
	return nil
}

// UpdateProfile corrects the actor's own profile.
func (s *Service) UpdateProfile(ctx context.Context, in UpdateProfileInput) (*Profile, error) {
	if !slices.Contains(bySelf, in.How) {
		return nil, fault.Invalid(fault.CodeInvalid, "WEB または APP を指定してください", "Say WEB or APP").At("how")
	}
	brand, told := brandOf(ctx), Told{How: in.How}
	if actor := access.From(ctx); actor.Address.IsValid() {
		told.Address = &actor.Address
	}
	var updated Profile
	err := s.change(ctx, func(ctx context.Context, memberID uuid.UUID, at time.Time) (happened, error) {
		found, err := s.store.Profiles(ctx, brand, []uuid.UUID{memberID})
		if err != nil || len(found) == 0 {
			return happened{}, errors.Join(err, fault.ErrUnauthenticated)
		}
		var changed []string
		if updated, changed = in.onto(*found[0]); len(changed) == 0 {
			return happened{}, nil
		}
		if err := updated.Validate(today(ctx, at)); err != nil {
			return happened{}, err
		}
		updated.UpdatedAt = at
		return happened{"profile.updated", "Account", memberID, map[string]any{"changed": changed}}, s.store.SaveProfile(ctx, brand, updated, slices.Contains(changed, "name"), told)
	})
	if err != nil {
		return nil, err
	}
	return &updated, nil
}

// today is the day on which the channel's customers are, as midnight UTC.
func today(ctx context.Context, at time.Time) time.Time {
	at = at.In(channel.From(ctx).Zone())
	return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
}

func brandOf(ctx context.Context) uuid.UUID { return channel.From(ctx).BrandID }
