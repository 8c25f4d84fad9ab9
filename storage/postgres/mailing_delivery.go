package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/mailing"
	"github.com/noren-commerce/noren/core/sealing"
)

// Waiting are those who wait next for their e-mail, those behind who were tried before.
func (s *Mailings) Waiting(ctx context.Context, m mailing.Mailing, at time.Time, most int) ([]mailing.Reader, error) {
	ids, err := s.segments.ids(ctx, `SELECT member_id FROM mailing_recipients WHERE mailing_id = $1 AND state = 'QUEUED' ORDER BY tries, position LIMIT $2`, m.ID, most)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	found, err := s.Readers(ctx, m, at, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[uuid.UUID]mailing.Reader, len(found))
	for _, r := range found {
		byID[r.MemberID] = r
	}
	all := make([]mailing.Reader, len(ids))
	for i, key := range ids {
		all[i] = byID[key]
		all[i].MemberID = key // who has left since is still claimed, and left out
	}
	return all, nil
}

// Readers are the members as texts speak of them: points, and those that expire next, are those
// of the brand's own programmes.
func (s *Mailings) Readers(ctx context.Context, m mailing.Mailing, at time.Time, memberIDs []uuid.UUID) ([]mailing.Reader, error) {
	facts, err := collect[struct {
		MemberID  uuid.UUID
		Rank      string
		Store     string
		Points    int64
		Expiring  int64
		ExpiresOn *time.Time
		CouponID  *uuid.UUID
	}](ctx, s.db, `
		SELECT j.member_id, CASE WHEN $4 THEN (SELECT c.id FROM coupons c WHERE c.batch_id = $3 AND c.member_id = j.member_id AND c.state = 'ISSUED' ORDER BY c.id LIMIT 1) END AS coupon_id, coalesce(k.name->>'ja', '') AS rank,
			coalesce(h.name->>'ja', '') AS store, coalesce(e.points, 0)::bigint AS expiring, e.expires_on,
			coalesce((SELECT sum(a.available) FROM point_accounts a JOIN point_programmes g ON g.id = a.programme_id WHERE a.member_id = j.member_id AND g.brand_id = $1), 0)::bigint AS points
		FROM memberships j LEFT JOIN member_ranks k ON k.id = j.rank_id LEFT JOIN locations h ON h.id = j.home_store_id
		LEFT JOIN LATERAL (
			SELECT l.expires_on, sum(l.remaining) AS points FROM point_accounts a JOIN point_programmes g ON g.id = a.programme_id
			JOIN point_lots l ON l.account_id = a.id AND l.remaining > 0 AND NOT l.pending AND l.expires_on >= ($5::timestamptz AT TIME ZONE g.zone)::date
			WHERE a.member_id = j.member_id AND g.brand_id = $1 GROUP BY l.expires_on ORDER BY l.expires_on LIMIT 1
		) e ON true
		WHERE j.brand_id = $1 AND j.ended_at IS NULL AND j.member_id = ANY($2)`, m.BrandID, memberIDs, m.ID, m.CouponCampaignID != nil, at)
	if err != nil {
		return nil, err
	}
	people, err := s.members.Members(ctx, memberIDs)
	if err != nil {
		return nil, err
	}
	byID := map[uuid.UUID]mailing.Reader{}
	for _, p := range people {
		if p.MergedInto == nil && p.ErasedAt == nil {
			byID[p.ID] = mailing.Reader{MemberID: p.ID, Name: p.Name, Email: p.Email}
		}
	}
	all := make([]mailing.Reader, 0, len(facts))
	for _, f := range facts {
		if r, ok := byID[f.MemberID]; ok {
			r.Rank, r.Store, r.Points, r.Expiring, r.ExpiresOn, r.CouponID = f.Rank, f.Store, f.Points, f.Expiring, f.ExpiresOn, f.CouponID
			all = append(all, r)
		}
	}
	return all, nil
}

// Claim takes up an e-mail before it is handed over: one statement, and one that looks the
// address up. It holds the mailing: a cancel that comes first is seen, and one that comes
// after sees the e-mail as being sent, and leaves its coupon alone. FOR SHARE would do for
// that, but two claims that both leave their readers out would wait for each other.
func (s *Mailings) Claim(ctx context.Context, m mailing.Mailing, r mailing.Reader, messageID string, at time.Time) (mailing.Claim, error) {
	var hash []byte // the newest key's; nil without an address
	dead, err := s.dead(ctx, []string{r.Email})
	if err != nil {
		return mailing.Stopped, err
	}
	hashes, err := s.keys.Hashes(ctx, "email", sealing.Email(r.Email))
	if err != nil {
		return mailing.Stopped, err
	}
	if len(hashes) > 0 {
		hash = hashes[0]
	}
	found, err := first[struct{ State mailing.RecipientState }](ctx, s.db, `
		WITH why AS (SELECT CASE WHEN NOT EXISTS (SELECT FROM memberships WHERE member_id = $2 AND brand_id = $3 AND ended_at IS NULL) THEN 'GONE'
				WHEN $5::bytea IS NULL THEN 'NO_EMAIL' WHEN $6::boolean THEN 'BOUNCED'
				WHEN NOT coalesce((SELECT given FROM member_settings WHERE member_id = $2 AND brand_id = $3 AND medium = 'MAIL'), false) THEN 'UNSUBSCRIBED'
				WHEN EXISTS (SELECT FROM mailing_recipients WHERE mailing_id = $1 AND member_id <> $2 AND email_hash = ANY($8) AND (state IN ('SENDING', 'SENT') OR reason = 'INTERRUPTED')) THEN 'DUPLICATE'
				ELSE '' END AS reason),
		held AS MATERIALIZED (SELECT FROM mailings WHERE id = $1 AND state = 'SENDING' FOR NO KEY UPDATE),
		taken AS (
			UPDATE mailing_recipients r SET state = CASE why.reason WHEN '' THEN 'SENDING' ELSE 'LEFT_OUT' END, reason = why.reason, message_id = $4, email_hash = $5, sent_at = $7, tries = tries + 1
			FROM held, why WHERE r.mailing_id = $1 AND r.member_id = $2 AND r.state = 'QUEUED'
			RETURNING r.state
		), counted AS (UPDATE mailings SET left_out = left_out + 1, addressed = addressed - 1 WHERE id = $1 AND EXISTS (SELECT FROM taken WHERE state = 'LEFT_OUT'))
		SELECT state FROM taken`, m.ID, r.MemberID, m.BrandID, messageID, hash, dead[r.Email], at, hashes)
	switch {
	case err != nil || found == nil:
		return mailing.Stopped, err
	case found.State == mailing.LeftOut:
		return mailing.Skipped, nil
	}
	return mailing.Claimed, nil
}

// Settle keeps what became of an e-mail, and counts it.
func (s *Mailings) Settle(ctx context.Context, o mailing.Outcome, tries int) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		WITH settled AS (
			UPDATE mailing_recipients SET state = CASE WHEN $3 = 'QUEUED' AND tries >= $6 AND NOT $7 THEN 'LEFT_OUT' ELSE $3 END,
				reason = CASE WHEN $3 = 'QUEUED' AND tries >= $6 AND NOT $7 THEN 'REFUSED' ELSE $4 END, tries = tries - $7::boolean::int, sent_at = CASE WHEN $3 = 'SENT' THEN $5::timestamptz END
			WHERE mailing_id = $1 AND member_id = $2 AND state = 'SENDING' RETURNING state
		)
		UPDATE mailings SET sent = sent + (settled.state = 'SENT')::int, left_out = left_out + (settled.state = 'LEFT_OUT')::int, addressed = addressed - (settled.state = 'LEFT_OUT')::int
		FROM settled WHERE id = $1`, o.MailingID, o.MemberID, o.State, o.Reason, o.At, tries, o.Free)
	return err
}

// Interrupted leaves out who was being handed an e-mail when noren broke off.
func (s *Mailings) Interrupted(ctx context.Context, mailingID uuid.UUID) (int, error) {
	return one[int](ctx, s.db, `
		WITH broken AS (UPDATE mailing_recipients SET state = 'LEFT_OUT', reason = 'INTERRUPTED' WHERE mailing_id = $1 AND state = 'SENDING' RETURNING 1),
		n AS (SELECT count(*)::int AS n FROM broken),
		counted AS (UPDATE mailings SET left_out = left_out + n.n, addressed = addressed - n.n FROM n WHERE id = $1 AND n.n > 0)
		SELECT n FROM n`, mailingID)
}

// Bounce keeps a bounce, marks its recipient and counts it at the address.
func (s *Mailings) Bounce(ctx context.Context, b mailing.KeptBounce, maxSoft int) (mailing.Taken, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO mail_bounces (id, digest, message_id, mailing_id, member_id, kind, status, diagnosis, at)
		SELECT $1, $2, $3, r.mailing_id, r.member_id, $4, $5, $6, $7 FROM (VALUES (1)) AS v LEFT JOIN mailing_recipients r ON r.message_id = $3
		ON CONFLICT (digest) DO NOTHING`, b.ID, b.Digest, b.MessageID, b.Kind, b.Status, b.Diagnosis, b.At)
	if err != nil {
		return "", err
	}
	if tag.RowsAffected() == 0 {
		return mailing.SeenBefore, nil
	}
	// What is hard stays so, whatever else comes back.
	hash, err := read(ctx, s.db, `UPDATE mailing_recipients SET bounce = CASE WHEN bounce = 'HARD' THEN bounce ELSE $2 END WHERE message_id = $1 RETURNING email_hash`, []any{b.MessageID, b.Kind},
		func(rows pgx.Rows) ([][]byte, error) { return pgx.CollectRows(rows, pgx.RowTo[[]byte]) })
	if err != nil {
		return "", err
	}
	if len(hash) == 0 {
		return mailing.UnknownMail, nil
	}
	_, err = s.db.conn(ctx).Exec(ctx, `
		INSERT INTO mail_addresses AS a (hash, soft_bounces, suppressed_at, diagnosis, updated_at)
		VALUES ($1, ($2 = 'SOFT')::int, CASE WHEN $2 = 'HARD' OR $5 <= 1 THEN $4::timestamptz END, $3, $4)
		ON CONFLICT (hash) DO UPDATE SET soft_bounces = a.soft_bounces + EXCLUDED.soft_bounces, diagnosis = EXCLUDED.diagnosis, updated_at = EXCLUDED.updated_at,
			suppressed_at = coalesce(a.suppressed_at, CASE WHEN $2 = 'HARD' OR a.soft_bounces + EXCLUDED.soft_bounces >= $5 THEN $4::timestamptz END)`,
		hash[0], b.Kind, b.Diagnosis, b.At, maxSoft)
	return mailing.TakenIn, err
}

// Release lets e-mails go to the address again.
func (s *Mailings) Release(ctx context.Context, brandID uuid.UUID, email string, at time.Time) (*mailing.Released, error) {
	email = sealing.Email(email)
	hashes, err := s.keys.Hashes(ctx, "email", email)
	if err != nil {
		return nil, err
	}
	account, err := s.db.addressHash(ctx, email)
	if err != nil {
		return nil, err
	}
	return first[mailing.Released](ctx, s.db, `
		WITH released AS (UPDATE mail_addresses SET suppressed_at = NULL, soft_bounces = 0, updated_at = $2 WHERE hash = ANY($1) AND suppressed_at IS NOT NULL RETURNING 1)
		SELECT ($1::bytea[])[1] AS hash, ARRAY(
			SELECT j.member_id FROM memberships j WHERE j.brand_id = $3 AND j.ended_at IS NULL AND j.member_id = ANY(ARRAY(
				SELECT `+accountAt(`$5`, `$4`)+` UNION ALL SELECT member_id FROM profiles WHERE email_hash = ANY($1))) ORDER BY j.member_id) AS member_ids
		WHERE EXISTS (SELECT FROM released)`, hashes, at, brandID, email, account)
}
