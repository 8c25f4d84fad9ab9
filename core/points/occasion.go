package points

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
)

// Occasions keep which members have something to celebrate, and what they got for it.
type Occasions interface {
	// StartRound lets the days of an occasion be worked from the day on, and that day again.
	StartRound(ctx context.Context, programmeID uuid.UUID, o Occasion, day time.Time) error
	// Round locks how far an occasion's days have been worked; nil if no rule ever asked for it.
	Round(ctx context.Context, programmeID uuid.UUID, o Occasion) (*Round, error)
	SaveRound(ctx context.Context, r Round) error
	// Celebrants are at most so many members of the programme behind the round's last one who
	// may celebrate on its day and have got nothing for the term: of birthdays, those who were
	// born in its month.
	Celebrants(ctx context.Context, p Programme, r Round, term string, most int) ([]Celebrant, error)
	// RankUps locks at most so many changes to a rank above for which nobody has looked whether
	// they give points, the earliest first: one of each member and rank.
	RankUps(ctx context.Context, most int) ([]RankUp, error)
	// RankUpsSeen notes that those changes were looked at.
	RankUpsSeen(ctx context.Context, ids []uuid.UUID) error
	// Claim notes what the members get points for, and answers who get them: who got none for
	// the term, nor since, and neither is erased nor was merged.
	Claim(ctx context.Context, programmeID uuid.UUID, o Occasion, all []Claim, at time.Time) (map[uuid.UUID]bool, error)
}

// Round is how far an occasion's days have been worked.
type Round struct {
	ProgrammeID uuid.UUID
	Occasion    Occasion
	Day         time.Time // midnight UTC; the day that is worked
	After       uuid.UUID // the last member of that day
}

// Celebrant is a member who may have something to celebrate.
type Celebrant struct {
	MemberID uuid.UUID
	Rank     string // code of the rank with the programme's brand; empty: none
}

// RankUp is a change to a higher rank.
type RankUp struct {
	ID       uuid.UUID
	MemberID uuid.UUID
	BrandID  uuid.UUID
	RankID   uuid.UUID
	Rank     string // code
	Months   int    // the rank's window
	At       time.Time
}

// Claim is an occasion of one member.
type Claim struct {
	MemberID uuid.UUID
	Term     string
	Day      time.Time
	Rank     string      // code
	Segments []uuid.UUID // of those that rules for the occasion name, which the member is in
	About    string      // the beginning of terms that count as the same since then
	Since    *time.Time  // nil: only the term itself counts
}

// OccasionJob is the regular job that gives points for what members celebrate.
type OccasionJob struct{}

// Kind is the job's name in the queue.
func (OccasionJob) Kind() string { return "points_occasions" }

const (
	celebrantsAtOnce = 500
	// catchUp is for how many days that are over points are still given, if nobody worked them.
	catchUp = 31
)

// byCalendar are the occasions that come with a day.
var byCalendar = []Occasion{Birthday, Anniversary}

// Celebrate gives points for birthdays, anniversaries of registrations, and ranks that were
// reached. It goes on where it was broken off; each occasion is given once. An occasion of a
// programme that fails holds up no other, nor the ranks.
func (s *Service) Celebrate(ctx context.Context) error {
	all, err := s.Store.Programmes(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, p := range all {
		if p.ClosedAt != nil {
			continue
		}
		for _, o := range byCalendar {
			if err := untilDone(func() (bool, error) { return s.celebrate(ctx, p, o) }); err != nil {
				failed = append(failed, fmt.Errorf("points of %s for %s: %w", p.Code, o, err))
			}
		}
	}
	if err := untilDone(func() (bool, error) { return s.rankedUp(ctx, all) }); err != nil {
		failed = append(failed, fmt.Errorf("points for %s: %w", RankedUp, err))
	}
	return errors.Join(failed...)
}

// untilDone goes on as long as there is more, and nothing fails.
func untilDone(some func() (more bool, err error)) error {
	for {
		if more, err := some(); err != nil || !more {
			return err
		}
	}
}

// celebrate works some members of the round's day in one transaction; false when all days
// that have begun are worked.
func (s *Service) celebrate(ctx context.Context, p Programme, o Occasion) (more bool, err error) {
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		today := p.Day(now)
		r, err := s.Store.Round(ctx, p.ID, o)
		if more = err == nil && r != nil && !r.Day.After(today); !more {
			return err
		}
		if oldest := today.AddDate(0, 0, -catchUp); r.Day.Before(oldest) {
			r.Day, r.After = oldest, uuid.Nil
		}
		rules, err := s.rulesOn(ctx, p, o, r.Day, now)
		if err != nil {
			return err
		}
		var some []Celebrant
		if len(rules) > 0 {
			if some, err = s.Store.Celebrants(ctx, p, *r, term(r.Day), celebrantsAtOnce); err != nil {
				return err
			}
			if err := s.treat(ctx, p, *r, rules, some, now); err != nil {
				return err
			}
		}
		if len(some) == celebrantsAtOnce {
			r.After = some[len(some)-1].MemberID
		} else {
			r.Day, r.After = r.Day.AddDate(0, 0, 1), uuid.Nil
		}
		return s.Store.SaveRound(ctx, *r)
	})
	return more, err
}

// term is the year of the day: nobody celebrates twice in it.
func term(day time.Time) string { return day.Format("2006") }

// rulesOn are the programme's rules for the occasion that stand at some moment of the day: as
// they are now, or as they were when the day was over.
func (s *Service) rulesOn(ctx context.Context, p Programme, o Occasion, day, now time.Time) ([]Rule, error) {
	begins := startOf(p, now)
	if over := p.Day(now).Sub(day); over > 0 {
		begins = begins.AddDate(0, 0, -int(over/(24*time.Hour)))
	}
	ends := begins.AddDate(0, 0, 1)
	seen := ends.Add(-time.Microsecond)
	if now.Before(seen) {
		seen = now
	}
	all, err := s.Store.Rules(ctx, []uuid.UUID{p.ID}, seen)
	var rules []Rule
	for _, r := range all {
		if r.Terms.Occasion == o && (r.ValidFrom == nil || r.ValidFrom.Before(ends)) && (r.ValidUntil == nil || r.ValidUntil.After(begins)) {
			rules = append(rules, r)
		}
	}
	return rules, err
}

// treat gives those of the members points who celebrate on the round's day.
func (s *Service) treat(ctx context.Context, p Programme, r Round, rules []Rule, some []Celebrant, now time.Time) error {
	if r.Occasion == Birthday {
		var err error
		if some, err = s.bornOn(ctx, some, r.Day); err != nil {
			return err
		}
	}
	claims := make([]Claim, len(some))
	for i, c := range some {
		claims[i] = Claim{MemberID: c.MemberID, Term: term(r.Day), Day: r.Day, Rank: c.Rank}
	}
	return s.giveFor(ctx, p, r.Occasion, rules, claims, now)
}

// bornOn are those of the members whose birthday is on the day. Their birthdays are unsealed
// for it alone. Who cannot be read has none, and holds up nobody else's.
func (s *Service) bornOn(ctx context.Context, some []Celebrant, day time.Time) ([]Celebrant, error) {
	if s.Members == nil || len(some) == 0 {
		return nil, nil
	}
	keys := make([]uuid.UUID, len(some))
	for i, c := range some {
		keys[i] = c.MemberID
	}
	members, err := s.Members.Legible(access.With(ctx, access.System), keys)
	born := map[uuid.UUID]bool{}
	for _, m := range members {
		born[m.ID] = m.Birthday != nil && celebrates(*m.Birthday, day)
	}
	var mine []Celebrant
	for _, c := range some {
		if born[c.MemberID] {
			mine = append(mine, c)
		}
	}
	return mine, err
}

// celebrates reports whether the day comes round on the other one, in a later year. What was
// on 29 February comes on the 28th in years that have no 29th.
func celebrates(first, day time.Time) bool {
	month, n := first.Month(), first.Day()
	if month == time.February && n == 29 && day.AddDate(0, 0, 1).Day() == 1 {
		n = day.Day()
	}
	return first.Year() < day.Year() && day.Month() == month && day.Day() == n
}

// fitting are those of the rules that look at such a day, rank and segments.
func (c Claim) fitting(rules []Rule) (fit []Rule) {
	for _, r := range rules {
		if r.Terms.sees(c.Day, nil, c.Rank) && r.Terms.within(c.Segments) {
			fit = append(fit, r)
		}
	}
	return fit
}

// worth are those of the claims for which at least one rule gives something.
func (s *Service) worth(ctx context.Context, p Programme, o Occasion, rules []Rule, claims []Claim) ([]Claim, error) {
	members := make([]uuid.UUID, len(claims))
	for i, c := range claims {
		members[i] = c.MemberID
	}
	in, err := s.among(channel.With(ctx, channel.Channel{BrandID: p.BrandID}), members, named(rules, o))
	if err != nil {
		return nil, err
	}
	for i, c := range claims {
		claims[i].Segments = in[c.MemberID]
	}
	return slices.DeleteFunc(claims, func(c Claim) bool { return len(c.fitting(rules)) == 0 }), nil
}

// giveFor claims the occasion for those for whom there is a rule, and gives what it gives.
func (s *Service) giveFor(ctx context.Context, p Programme, o Occasion, rules []Rule, claims []Claim, now time.Time) error {
	claims, err := s.worth(ctx, p, o, rules, claims)
	if err != nil || len(claims) == 0 {
		return err
	}
	mine, err := s.Store.Claim(ctx, p.ID, o, claims, now)
	if err != nil {
		return err
	}
	var all []Posting
	for _, c := range claims {
		if !mine[c.MemberID] {
			continue
		}
		for _, r := range c.fitting(rules) {
			all = append(all, Posting{Holder: Holder{p.ID, c.MemberID}, Key: fmt.Sprintf("reward:%s:%s:%s", r.ID, o, c.Term), Kind: Earn, Points: r.Terms.Points, Lives: oneLife(r.Terms.LifeDays), Reason: reason(o, c), Still: o != RankedUp, At: now})
		}
	}
	if len(all) == 0 {
		return nil
	}
	_, err = s.Post(ctx, all...)
	return err
}

// reason is what a member's statement says of an occasion.
func reason(o Occasion, c Claim) string {
	if o == RankedUp {
		return string(o) + " " + c.Rank
	}
	return string(o)
}

// rankedUp looks at some changes of ranks in one transaction; false if there were none.
func (s *Service) rankedUp(ctx context.Context, programmes []Programme) (more bool, err error) {
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		some, err := s.Store.RankUps(ctx, celebrantsAtOnce)
		if more = len(some) > 0; err != nil || !more {
			return err
		}
		ids := make([]uuid.UUID, len(some))
		for i, c := range some {
			ids[i] = c.ID
		}
		for _, p := range programmes {
			if p.ClosedAt == nil {
				if err := s.treatRanks(ctx, p, some); err != nil {
					return err
				}
			}
		}
		return s.Store.RankUpsSeen(ctx, ids)
	})
	return more, err
}

// treatRanks gives points for ranks by the rules that stood when they were reached. A rank
// that was lost and is reached again within its months gives none.
func (s *Service) treatRanks(ctx context.Context, p Programme, some []RankUp) error {
	for moment, changes := range byMoment(p, some) {
		rules, err := s.rulesAt(ctx, p, RankedUp, moment)
		if err != nil {
			return err
		}
		var claims []Claim
		for _, c := range changes {
			day := p.Day(c.At)
			since := day.AddDate(0, -c.Months, 0)
			claims = append(claims, Claim{MemberID: c.MemberID, Term: c.RankID.String() + ":" + day.Format(time.DateOnly), Day: day, Rank: c.Rank, About: c.RankID.String(), Since: &since})
		}
		if err := s.giveFor(ctx, p, RankedUp, rules, claims, s.Now()); err != nil {
			return err
		}
	}
	return nil
}

// rulesAt are the programme's rules for the occasion that stood at the moment.
func (s *Service) rulesAt(ctx context.Context, p Programme, o Occasion, moment time.Time) ([]Rule, error) {
	all, err := s.Store.Rules(ctx, []uuid.UUID{p.ID}, moment)
	return slices.DeleteFunc(all, func(r Rule) bool { return r.Terms.Occasion != o || !r.stands(moment) }), err
}

// byMoment are the changes in the programme's brand, or in all, by when they were: the job of
// ranks makes many at one moment.
func byMoment(p Programme, some []RankUp) map[time.Time][]RankUp {
	all := map[time.Time][]RankUp{}
	for _, c := range some {
		if p.Shared || c.BrandID == p.BrandID {
			all[c.At] = append(all[c.At], c)
		}
	}
	return all
}
