package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/points"
)

// StartRound lets the days of an occasion be worked from the day on, and that day again; days
// before it that wait come first.
func (s *Points) StartRound(ctx context.Context, programmeID uuid.UUID, o points.Occasion, day time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO point_rounds AS r (programme_id, occasion, day) VALUES ($1, $2, $3)
		ON CONFLICT (programme_id, occasion) DO UPDATE SET day = EXCLUDED.day, after = EXCLUDED.after WHERE r.day >= EXCLUDED.day`, programmeID, o, day)
	return err
}

// Round locks how far an occasion's days have been worked; nil if no rule ever asked for it.
func (s *Points) Round(ctx context.Context, programmeID uuid.UUID, o points.Occasion) (*points.Round, error) {
	return first[points.Round](ctx, s.db, `SELECT programme_id, occasion, day, after FROM point_rounds WHERE programme_id = $1 AND occasion = $2 FOR UPDATE`, programmeID, o)
}

// SaveRound says how far an occasion's days have been worked.
func (s *Points) SaveRound(ctx context.Context, r points.Round) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE point_rounds SET day = $3, after = $4 WHERE programme_id = $1 AND occasion = $2`, r.ProgrammeID, r.Occasion, r.Day, r.After)
	return err
}

// celebrants are members of the programme's brand, or of any if it is shared, behind the last
// one who have got nothing for the term. Each way to find them has an index.
func celebrants(found, of string) string {
	return `
	SELECT m.id AS member_id, coalesce((SELECT k.code FROM memberships j JOIN member_ranks k ON k.id = j.rank_id WHERE j.member_id = m.id AND j.brand_id = @brand), '') AS rank
	FROM ` + found + ` w JOIN members m ON m.id = w.member_id AND m.merged_into IS NULL AND m.erased_at IS NULL
	WHERE ` + of + ` AND w.member_id > @after
		AND EXISTS (SELECT FROM memberships j WHERE j.member_id = m.id AND j.ended_at IS NULL AND (@shared OR j.brand_id = @brand))
		AND NOT EXISTS (SELECT FROM point_occasions o WHERE o.member_id = m.id AND o.programme_id = @programme AND o.occasion = @occasion AND o.term = @term)
	ORDER BY w.member_id LIMIT @most`
}

// celebrantsOf find those who may celebrate. Of birthdays the month alone can be asked for; of
// registrations the first counts where the programme is shared.
var celebrantsOf = map[points.Occasion]string{
	points.Birthday: celebrants(`profiles`, `w.birth_month = @month`),
	points.Anniversary: celebrants(`memberships`, `
		(extract(month FROM w.joined_at AT TIME ZONE 'Asia/Tokyo') * 100 + extract(day FROM w.joined_at AT TIME ZONE 'Asia/Tokyo'))::int = ANY(@days)
		AND w.ended_at IS NULL AND w.joined_at AT TIME ZONE 'Asia/Tokyo' < @day::date AND (@shared OR w.brand_id = @brand)
		AND NOT EXISTS (SELECT FROM memberships b WHERE @shared AND b.member_id = w.member_id AND b.ended_at IS NULL AND (b.joined_at, b.brand_id) < (w.joined_at, w.brand_id))`),
}

// Celebrants are at most so many members behind the round's last one who may celebrate on its
// day and have got nothing for the term.
func (s *Points) Celebrants(ctx context.Context, p points.Programme, r points.Round, term string, most int) ([]points.Celebrant, error) {
	days := []int{int(r.Day.Month())*100 + r.Day.Day()}
	if days[0] == 228 && r.Day.AddDate(0, 0, 1).Day() == 1 {
		days = append(days, 229)
	}
	return collect[points.Celebrant](ctx, s.db, celebrantsOf[r.Occasion], pgx.NamedArgs{
		"brand": p.BrandID, "shared": p.Shared, "programme": p.ID, "occasion": r.Occasion, "term": term, "after": r.After, "most": most,
		"month": int(r.Day.Month()), "days": days, "day": r.Day,
	})
}

// rankUps are changes of ranks that wait, with what was reached and what was left.
const rankUps = `member_rank_changes c LEFT JOIN member_ranks t ON t.id = c.to_id LEFT JOIN member_ranks f ON f.id = c.from_id WHERE c.points_due`

// RankUps locks at most so many changes to a rank above for which nobody has looked whether
// they give points, the earliest first: one of each member and rank, as whether another gives
// any depends on it. Changes that are no way up wait no more: one is to the rank that asks for no
// purchase, of who had none before.
func (s *Points) RankUps(ctx context.Context, most int) ([]points.RankUp, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE member_rank_changes SET points_due = false WHERE id IN (
			SELECT c.id FROM `+rankUps+` AND (t.id IS NULL OR coalesce(f.min_spend, 0) >= t.min_spend) ORDER BY c.at, c.id LIMIT 10 * $1::int FOR UPDATE OF c SKIP LOCKED)`, most); err != nil {
		return nil, err
	}
	return collect[points.RankUp](ctx, s.db, `
		SELECT DISTINCT ON (member_id, rank_id) * FROM (
			SELECT c.id, c.member_id, c.brand_id, t.id AS rank_id, t.code AS rank, t.months, c.at FROM `+rankUps+`
				AND t.id IS NOT NULL AND coalesce(f.min_spend, 0) < t.min_spend ORDER BY c.at, c.id LIMIT $1 FOR UPDATE OF c SKIP LOCKED
		) due ORDER BY member_id, rank_id, at, id`, most)
}

// RankUpsSeen notes that the changes were looked at.
func (s *Points) RankUpsSeen(ctx context.Context, ids []uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE member_rank_changes SET points_due = false WHERE id = ANY($1)`, ids)
	return err
}

// Claim notes what the members get points for, and answers who get them. A merge or an erasure
// waits until they have them, or is seen.
func (s *Points) Claim(ctx context.Context, programmeID uuid.UUID, o points.Occasion, all []points.Claim, at time.Time) (map[uuid.UUID]bool, error) {
	members, terms, days, about, since := make([]uuid.UUID, len(all)), make([]string, len(all)), make([]time.Time, len(all)), make([]string, len(all)), make([]*time.Time, len(all))
	for i, c := range all {
		members[i], terms[i], days[i], about[i], since[i] = c.MemberID, c.Term, c.Day, c.About, c.Since
	}
	mine, err := read(ctx, s.db, `
		WITH here AS (
			SELECT m.id FROM members m WHERE m.id = ANY($3) AND m.merged_into IS NULL AND m.erased_at IS NULL ORDER BY m.id FOR SHARE
		)
		INSERT INTO point_occasions (programme_id, member_id, occasion, term, day, given_at)
		SELECT $1, w.member_id, $2, w.term, CASE WHEN w.since IS NOT NULL THEN w.day END, $8 FROM unnest($3::uuid[], $4::text[], $5::date[], $6::text[], $7::date[]) w (member_id, term, day, about, since) JOIN here ON here.id = w.member_id
		WHERE w.since IS NULL OR NOT EXISTS (SELECT FROM point_occasions o
			WHERE o.member_id = w.member_id AND o.programme_id = $1 AND o.occasion = $2 AND o.term LIKE w.about || ':%' AND o.day > w.since)
		ON CONFLICT DO NOTHING RETURNING member_id`, []any{programmeID, o, members, terms, days, about, since, at}, collectIDs)
	got := make(map[uuid.UUID]bool, len(mine))
	for _, m := range mine {
		got[m] = true
	}
	return got, err
}
