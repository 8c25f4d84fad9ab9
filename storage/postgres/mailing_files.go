package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/mailing"
)

// InsertFiles keeps that files were asked for.
func (s *Mailings) InsertFiles(ctx context.Context, all []mailing.File) error {
	batch := &pgx.Batch{}
	for _, f := range all {
		batch.Queue(`INSERT INTO mailing_files (id, mailing_id, kind, format, skip, first, last, actor_role, actor_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			f.ID, f.MailingID, f.Kind, f.Format, f.Skip, f.First, f.Last, f.ActorRole, f.ActorID, f.CreatedAt)
	}
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// FileByID is nil if there is none.
func (s *Mailings) FileByID(ctx context.Context, fileID uuid.UUID) (*mailing.File, error) {
	return first[mailing.File](ctx, s.db, `SELECT id, mailing_id, kind, format, skip, first, last, actor_role, actor_id, created_at FROM mailing_files WHERE id = $1`, fileID)
}

// Addressees are those of the positions as they are now, in their order.
func (s *Mailings) Addressees(ctx context.Context, m mailing.Mailing, from, to int) ([]mailing.Person, error) {
	facts, err := collect[candidate](ctx, s.db, candidateFacts+`u.state = 'LEFT_OUT' AS left_out FROM mailing_recipients u`+candidateJoins+`
		WHERE u.mailing_id = $1 AND u.position BETWEEN $4 AND $5 ORDER BY u.position`, m.ID, m.BrandID, m.Medium, from, to)
	if err != nil || len(facts) == 0 {
		return nil, err
	}
	return s.people(ctx, facts)
}

// LastPosition is that of the last label.
func (s *Mailings) LastPosition(ctx context.Context, mailingID uuid.UUID) (int, error) {
	return one[int](ctx, s.db, `SELECT coalesce(max(position), 0) FROM mailing_recipients WHERE mailing_id = $1`, mailingID)
}

// Print notes whose labels were printed, and leaves out whose label stayed blank unless it
// was printed before.
func (s *Mailings) Print(ctx context.Context, mailingID uuid.UUID, p mailing.Printed, at time.Time) error {
	ids, reasons := make([]uuid.UUID, len(p.Blank)), make([]string, len(p.Blank))
	for i, d := range p.Blank {
		ids[i], reasons[i] = d.MemberID, string(d.Reason)
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		WITH printed AS (UPDATE mailing_recipients SET printed_at = $3 WHERE mailing_id = $1 AND member_id = ANY($2) AND state = 'SENT' AND printed_at IS NULL),
		blank AS (
			UPDATE mailing_recipients r SET state = 'LEFT_OUT', reason = b.reason FROM unnest($4::uuid[], $5::text[]) AS b (member_id, reason)
			WHERE r.mailing_id = $1 AND r.member_id = b.member_id AND r.state = 'SENT' AND r.printed_at IS NULL RETURNING 1
		), n AS (SELECT count(*)::int AS n FROM blank)
		UPDATE mailings SET sent = sent - n.n, addressed = addressed - n.n, left_out = left_out + n.n FROM n WHERE id = $1 AND n.n > 0`, mailingID, orEmpty(p.MemberIDs), at, ids, reasons)
	return err
}

// Omitted are some of those left out, behind the member. Where a letter has an address no
// more is sealed with it: of those by now without one nothing is said until labels are printed.
func (s *Mailings) Omitted(ctx context.Context, m mailing.Mailing, after uuid.UUID, most int) ([]mailing.Omitted, error) {
	return collect[mailing.Omitted](ctx, s.db, `
		WITH u AS (
			SELECT u.member_id, CASE WHEN u.state = 'LEFT_OUT' THEN u.reason WHEN u.position IS NULL OR $3 <> 'DM' OR u.printed_at IS NOT NULL THEN '' WHEN `+candidateGone+` THEN 'GONE'
				WHEN $6::uuid IS NOT NULL AND $6 IS DISTINCT FROM j.registered_store_id AND $6 IS DISTINCT FROM j.home_store_id THEN 'OTHER_STORE'
				WHEN NOT coalesce(c.given, false) THEN 'UNSUBSCRIBED' ELSE '' END AS reason,
				coalesce($6 IN (j.registered_store_id, j.home_store_id), false) AS theirs
			FROM mailing_recipients u`+candidateJoins+` WHERE u.mailing_id = $1 AND u.member_id > $4
		)
		SELECT u.member_id, coalesce(k.number, '') AS number, u.reason, u.theirs
		FROM (SELECT * FROM u WHERE reason <> '' ORDER BY member_id LIMIT $5) u
		LEFT JOIN LATERAL (SELECT number FROM member_cards WHERE member_id = u.member_id AND brand_id = $2 AND state = 'ACTIVE' ORDER BY issued_at DESC, id DESC LIMIT 1) k ON true
		ORDER BY u.member_id`, m.ID, m.BrandID, m.Medium, after, most, m.StoreID)
}
