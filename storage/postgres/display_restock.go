package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/display"
)

const requestColumns = `r.id, r.brand_id, r.channel_id, r.variant_id, r.member_id, r.name, r.email, r.language, r.created_at, r.notified_at, r.closed_at`

// Offered are those of the variants that the channel sells, that are sold out, and
// whose policy lets shoppers ask to be told.
func (s *Display) Offered(ctx context.Context, channelID uuid.UUID, variantIDs []uuid.UUID, at time.Time) ([]uuid.UUID, error) {
	return read(ctx, s.db, `
		SELECT v.id FROM variants v JOIN products p ON p.id = v.product_id
		JOIN product_listings l ON l.product_id = p.id`+setStock+`
		WHERE v.id = ANY(@ids) AND v.active AND l.sold_out = 'NOTIFY_ME' AND `+shown+` AND `+freePieces+` <= 0`,
		[]any{pgx.NamedArgs{"ids": variantIDs, "channel": channelID, "at": at}}, collectIDs)
}

// Member is the member's own name and address.
func (s *Display) Member(ctx context.Context, memberID uuid.UUID) (name, email string, err error) {
	m, err := contactOf(ctx, s.db, memberID)
	return m.Name, m.Email, err
}

// waits is the condition that the request r waits.
const waits = `r.notified_at IS NULL AND r.closed_at IS NULL`

// Wait keeps a request; one that waits for the same at the same address stays and
// is answered in its place. Which is the same is told by a hash that no rotation changes,
// and of one that older versions wrote by the address in clear.
func (s *Display) Wait(ctx context.Context, r display.Request) (display.Request, error) {
	args := pgx.NamedArgs{"id": r.ID, "brand": r.BrandID, "channel": r.ChannelID, "variant": r.VariantID, "member": r.MemberID,
		"clear": r.Email, "language": r.Language, "at": r.CreatedAt}
	hash, err := s.db.lastingHash(ctx, r.Email)
	if err != nil {
		return r, err
	}
	if args["key"], err = s.db.seal(ctx, &r); err != nil {
		return r, err
	}
	args["hash"], args["name"], args["email"] = hash, r.Name, r.Email
	// What a guest asked for becomes a member's who has shown that the address is theirs.
	const proven = `coalesce(r.member_id, (SELECT id FROM accounts WHERE id = @member AND email_verified_at IS NOT NULL))`
	same := `(variant_id, lasting_hash)`
	if hash == nil {
		same = `(variant_id, email)`
	}
	kept, err := first[display.Request](ctx, s.db, `
		WITH before AS (
			UPDATE restock_requests r SET member_id = `+proven+`
			WHERE r.variant_id = @variant AND r.email = @clear AND `+waits+` RETURNING `+requestColumns+`
		), kept AS (
			INSERT INTO restock_requests AS r (id, brand_id, channel_id, variant_id, member_id, name, email, lasting_hash, key_id, language, created_at)
			SELECT @id, @brand, @channel, @variant, @member, @name, @email, @hash, @key, @language, @at WHERE NOT EXISTS (SELECT FROM before)
			ON CONFLICT `+same+` WHERE notified_at IS NULL AND closed_at IS NULL
			DO UPDATE SET member_id = `+proven+`
			RETURNING `+requestColumns+`
		) SELECT * FROM before UNION ALL SELECT * FROM kept`, args)
	if err != nil {
		return display.Request{}, err
	}
	return *kept, nil
}

// RequestsOf are the member's requests, newest first, without those that were closed.
func (s *Display) RequestsOf(ctx context.Context, brandID, memberID uuid.UUID) ([]display.Request, error) {
	return collect[display.Request](ctx, s.db, `
		SELECT `+requestColumns+` FROM restock_requests r
		WHERE r.member_id = @member AND r.brand_id = @brand AND r.closed_at IS NULL ORDER BY r.created_at DESC, r.id DESC LIMIT 100`,
		pgx.NamedArgs{"member": memberID, "brand": brandID})
}

// Waiting reports whether somebody waits for one of the variants.
func (s *Display) Waiting(ctx context.Context, variantIDs []uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `
		SELECT EXISTS (SELECT FROM restock_requests WHERE variant_id = ANY($1) AND notified_at IS NULL AND closed_at IS NULL)`, variantIDs)
}

// LockDue reads requests whose variant is sold and in stock, the oldest first.
func (s *Display) LockDue(ctx context.Context, most int, at time.Time) ([]display.Due, error) {
	return collect[display.Due](ctx, s.db, `
		SELECT `+requestColumns+`, p.name AS product, p.slug, v.options
		FROM restock_requests r JOIN variants v ON v.id = r.variant_id JOIN products p ON p.id = v.product_id
		JOIN product_listings l ON l.channel_id = r.channel_id AND l.product_id = p.id`+setStock+`
		WHERE r.notified_at IS NULL AND r.closed_at IS NULL AND v.active AND p.status = 'ACTIVE'
			AND l.published AND l.published_at <= @at AND l.retired_at > @at AND `+freePieces+` > 0
		ORDER BY r.created_at, r.id LIMIT @most FOR UPDATE OF r SKIP LOCKED`, pgx.NamedArgs{"most": most, "at": at})
}

// Notified notes that the mail of a request is queued, and the token of its link.
func (s *Display) Notified(ctx context.Context, requestID uuid.UUID, tokenHash []byte, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE restock_requests SET notified_at = $3, token_hash = $2 WHERE id = $1`, requestID, tokenHash, at)
	return err
}

// CloseOwn closes a request of the member's that waits; false if there is none.
func (s *Display) CloseOwn(ctx context.Context, memberID, requestID uuid.UUID, at time.Time) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE restock_requests SET closed_at = $3 WHERE id = $2 AND member_id = $1 AND closed_at IS NULL`, memberID, requestID, at)
	return tag.RowsAffected() > 0, err
}

// CloseAll closes what waits at the address that got the token's mail, and tells
// whether there is such a mail.
func (s *Display) CloseAll(ctx context.Context, tokenHash []byte, at time.Time) (bool, error) {
	mail, err := first[display.Request](ctx, s.db, `SELECT `+requestColumns+` FROM restock_requests r WHERE r.token_hash = $1`, tokenHash)
	if err != nil || mail == nil {
		return false, err
	}
	hash, err := s.db.lastingHash(ctx, mail.Email)
	if err != nil {
		return false, err
	}
	_, err = s.db.conn(ctx).Exec(ctx, `
		UPDATE restock_requests r SET closed_at = $4 WHERE r.brand_id = $1 AND (r.lasting_hash = $2 OR r.email = $3) AND `+waits, mail.BrandID, hash, mail.Email, at)
	return true, err
}
