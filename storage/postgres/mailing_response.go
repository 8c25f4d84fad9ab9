package postgres

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/mailing"
	"github.com/noren-commerce/noren/core/sealing"
)

// A link names whom the e-mail went to. After a merge what that one did is the kept
// member's, unless both were in the audience.
const (
	mailingChain = `WITH RECURSIVE chain AS (
		SELECT id, merged_into, 0 AS step FROM members WHERE id = $2
		UNION ALL SELECT m.id, m.merged_into, c.step + 1 FROM members m JOIN chain c ON m.id = c.merged_into
	), reader AS (SELECT r.mailing_id, r.member_id, r.email_hash FROM mailing_recipients r JOIN chain c ON c.id = r.member_id WHERE r.mailing_id = $1 ORDER BY c.step LIMIT 1)`
	ofReader = ` WHERE (r.mailing_id, r.member_id) = (SELECT mailing_id, member_id FROM reader)`
)

// Left notes that the reader unsubscribed by the mailing's link.
func (s *Mailings) Left(ctx context.Context, t mailing.Token, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, mailingChain+` UPDATE mailing_recipients r SET unsubscribed_at = coalesce(unsubscribed_at, $3)`+ofReader, t.MailingID, t.MemberID, at)
	return err
}

// arrives notes at an address that something arrived there.
const arrives = mailingChain + ` UPDATE mail_addresses SET soft_bounces = 0, updated_at = $3 WHERE hash = (SELECT email_hash FROM reader) AND soft_bounces > 0 AND suppressed_at IS NULL`

// Clicked notes that the reader followed a link; who follows one has opened the e-mail.
func (s *Mailings) Clicked(ctx context.Context, t mailing.Token, at time.Time) error {
	batch := &pgx.Batch{}
	batch.Queue(mailingChain+`, clicked AS (
			UPDATE mailing_recipients r SET clicked_at = coalesce(clicked_at, $3), opened_at = coalesce(opened_at, $3)`+ofReader+` RETURNING r.member_id
		) INSERT INTO mailing_clicks (mailing_id, link, member_id, at) SELECT $1, $4, member_id, $3 FROM clicked ON CONFLICT DO NOTHING`, t.MailingID, t.MemberID, at, t.Link)
	batch.Queue(arrives, t.MailingID, t.MemberID, at)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// Opened notes that the reader opened the e-mail.
func (s *Mailings) Opened(ctx context.Context, t mailing.Token, at time.Time) error {
	batch := &pgx.Batch{}
	batch.Queue(mailingChain+` UPDATE mailing_recipients r SET opened_at = $3`+ofReader+` AND opened_at IS NULL`, t.MailingID, t.MemberID, at)
	batch.Queue(arrives, t.MailingID, t.MemberID, at)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// Sharing are the others of the brand whose e-mail address is the one that the e-mail went
// to. Of an address that the reader has no more only its hash is known: accounts, which are
// found by the address, are not looked for then.
func (s *Mailings) Sharing(ctx context.Context, t mailing.Token, brandID uuid.UUID) ([]uuid.UUID, error) {
	went, err := first[struct {
		MemberID  uuid.UUID
		EmailHash []byte
	}](ctx, s.db, mailingChain+` SELECT member_id, email_hash FROM reader WHERE email_hash IS NOT NULL`, t.MailingID, t.MemberID)
	if err != nil || went == nil {
		return nil, err
	}
	readers, err := s.members.Members(ctx, []uuid.UUID{went.MemberID})
	if err != nil {
		return nil, err
	}
	hashes, email := [][]byte{went.EmailHash}, ""
	for _, r := range readers {
		all, err := s.keys.Hashes(ctx, "email", sealing.Email(r.Email))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(hash []byte) bool { return bytes.Equal(hash, went.EmailHash) }) {
			hashes, email = all, sealing.Email(r.Email)
		}
	}
	hash, err := addressHash(ctx, s.keys, email)
	if err != nil {
		return nil, err
	}
	return s.segments.ids(ctx, mailingChain+`
		SELECT m.id FROM members m WHERE m.id = ANY(ARRAY(SELECT `+accountAt(`$6`, `$5`)+` UNION ALL SELECT member_id FROM profiles WHERE email_hash = ANY($4)))
			AND m.id NOT IN (SELECT id FROM chain) AND m.id NOT IN (SELECT member_id FROM reader) AND m.merged_into IS NULL AND m.erased_at IS NULL
			AND EXISTS (SELECT FROM memberships j WHERE j.member_id = m.id AND j.brand_id = $3 AND j.ended_at IS NULL)
		ORDER BY m.id`, t.MailingID, t.MemberID, brandID, hashes, email, hash)
}
