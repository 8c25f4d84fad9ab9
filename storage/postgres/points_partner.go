package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/points"
)

const (
	pointPartnerColumns  = `id, programme_id, code, name, way, our_points, their_points, min_points, sends, receives, created_at, closed_at, api_partner_id`
	pointTransferColumns = `t.id, t.partner_id, t.account_id, a.programme_id, a.member_id, t.outgoing, t.state, t.their_member, t.points, t.their_points, t.reference, t.problem, t.batch_id, t.tries, t.created_at, t.updated_at`
	pointTransferTables  = ` FROM point_transfers t JOIN point_accounts a ON a.id = t.account_id`
)

// SavePartner inserts a partner or changes it.
func (s *Points) SavePartner(ctx context.Context, p points.Partner) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO point_partners (`+pointPartnerColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (id) DO UPDATE SET name = $4, way = $5, our_points = $6, their_points = $7, min_points = $8, sends = $9, receives = $10, closed_at = $12, api_partner_id = $13`,
		p.ID, p.ProgrammeID, p.Code, p.Name, p.Way, p.OurPoints, p.TheirPoints, p.MinPoints, p.Sends, p.Receives, p.CreatedAt, p.ClosedAt, p.APIPartnerID)
	return pointCode(err)
}

// Partners are those of the programmes.
func (s *Points) Partners(ctx context.Context, programmeIDs []uuid.UUID) ([]points.Partner, error) {
	return collect[points.Partner](ctx, s.db, `SELECT `+pointPartnerColumns+` FROM point_partners WHERE programme_id = ANY($1) ORDER BY code`, programmeIDs)
}

// Partner is nil if there is none.
func (s *Points) Partner(ctx context.Context, partnerID uuid.UUID) (*points.Partner, error) {
	return first[points.Partner](ctx, s.db, `SELECT `+pointPartnerColumns+` FROM point_partners WHERE id = $1`, partnerID)
}

// InsertTransfers adds transfers, but for those whose reference has come in before.
func (s *Points) InsertTransfers(ctx context.Context, all ...points.Transfer) (int, error) {
	if len(all) == 0 {
		return 0, nil
	}
	rows, err := json.Marshal(all)
	if err != nil {
		return 0, err
	}
	tag, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO point_transfers (id, partner_id, account_id, outgoing, state, their_member, points, their_points, reference, created_at, updated_at)
		SELECT * FROM jsonb_to_recordset($1) AS t ("ID" uuid, "PartnerID" uuid, "AccountID" uuid, "Outgoing" boolean, "State" text, "TheirMember" text, "Points" bigint,
			"TheirPoints" bigint, "Reference" text, "CreatedAt" timestamptz, "UpdatedAt" timestamptz)
		ON CONFLICT (partner_id, reference) WHERE NOT outgoing DO NOTHING`, rows)
	return int(tag.RowsAffected()), err
}

// LockTransfer is nil if there is none.
func (s *Points) LockTransfer(ctx context.Context, transferID uuid.UUID) (*points.Transfer, error) {
	return first[points.Transfer](ctx, s.db, `SELECT `+pointTransferColumns+pointTransferTables+` WHERE t.id = $1 FOR UPDATE OF t`, transferID)
}

// LockTransfers are those that there are, locked by the order of their ids.
func (s *Points) LockTransfers(ctx context.Context, transferIDs []uuid.UUID) ([]points.Transfer, error) {
	return collect[points.Transfer](ctx, s.db, `SELECT `+pointTransferColumns+pointTransferTables+` WHERE t.id = ANY($1) ORDER BY t.id FOR UPDATE OF t`, transferIDs)
}

// Incoming are those that came in with a partner's references.
func (s *Points) Incoming(ctx context.Context, partnerID uuid.UUID, references []string) ([]points.Transfer, error) {
	return collect[points.Transfer](ctx, s.db, `SELECT `+pointTransferColumns+pointTransferTables+` WHERE t.partner_id = $1 AND t.reference = ANY($2) AND NOT t.outgoing`, partnerID, references)
}

// HasClient reports whether the brand has the API client, open.
func (s *Points) HasClient(ctx context.Context, brandID, clientID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM partners WHERE id = $2 AND brand_id = $1 AND closed_at IS NULL)`, brandID, clientID)
}

// SaveTransfer writes what may change of transfers, with one statement. One that is answered
// forgets the number at the other system and what that said, if the member was erased
// meanwhile.
func (s *Points) SaveTransfer(ctx context.Context, all ...points.Transfer) error {
	rows, err := json.Marshal(all)
	if err != nil {
		return err
	}
	_, err = s.db.conn(ctx).Exec(ctx, `
		WITH w AS (
			SELECT w.*, EXISTS (SELECT FROM point_transfers t JOIN point_accounts a ON a.id = t.account_id JOIN members m ON m.id = a.member_id AND m.erased_at IS NOT NULL WHERE t.id = w."ID") AS erased
			FROM jsonb_to_recordset($1) AS w ("ID" uuid, "State" text, "Reference" text, "Problem" text, "Tries" int, "UpdatedAt" timestamptz)
		), said AS (
			UPDATE point_entries e SET reason = '' FROM w JOIN point_transfers t ON t.id = w."ID" WHERE w.erased AND e.account_id = t.account_id AND e.kind IN ('SENT', 'SEND_BACK') AND e.reason <> ''
		)
		UPDATE point_transfers t SET state = w."State", reference = w."Reference", problem = CASE WHEN w.erased THEN '' ELSE w."Problem" END, tries = w."Tries", updated_at = w."UpdatedAt",
			their_member = CASE WHEN w."State" NOT IN ('RESERVED', 'SENT') AND w.erased THEN '' ELSE their_member END
		FROM w WHERE t.id = w."ID"`, rows)
	return err
}

// Transfers is one page, the newest first.
func (s *Points) Transfers(ctx context.Context, q points.TransferQuery) (page.Connection[points.Transfer], error) {
	where, args := []string{`programme_id = ANY(@programmes)`}, pgx.NamedArgs{"programmes": q.ProgrammeIDs, "partner": q.PartnerID, "member": q.MemberID, "client": q.ClientID, "state": q.State}
	if q.PartnerID != nil {
		where = append(where, `partner_id = @partner`)
	}
	if q.MemberID != nil {
		where = append(where, `member_id = @member`)
	}
	if q.ClientID != nil {
		where = append(where, `partner_id IN (SELECT id FROM point_partners WHERE api_partner_id = @client)`)
	}
	if q.State != "" {
		where = append(where, `state = @state`)
	}
	return newest(ctx, s.db, `*`, `(SELECT `+pointTransferColumns+pointTransferTables+`) t`, where, args, q.Page,
		func(t points.Transfer) newestKey { return newestKey{t.CreatedAt, t.ID} })
}

// MarkBatch marks what is reserved for a partner as sent with a file.
func (s *Points) MarkBatch(ctx context.Context, partnerID, batchID uuid.UUID, most int, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE point_transfers SET state = 'SENT', batch_id = $2, tries = tries + 1, updated_at = $3
		WHERE id IN (SELECT id FROM point_transfers WHERE partner_id = $1 AND state = 'RESERVED' AND outgoing ORDER BY id LIMIT $4 FOR UPDATE)`, partnerID, batchID, at, most)
	return err
}

// Reserved reports whether something waits for a file.
func (s *Points) Reserved(ctx context.Context, partnerID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM point_transfers WHERE partner_id = $1 AND state = 'RESERVED' AND outgoing)`, partnerID)
}

// Batch are the transfers of a file.
func (s *Points) Batch(ctx context.Context, partnerID, batchID uuid.UUID) ([]points.Transfer, error) {
	return collect[points.Transfer](ctx, s.db, `SELECT `+pointTransferColumns+pointTransferTables+` WHERE t.partner_id = $1 AND t.batch_id = $2 ORDER BY t.id`, partnerID, batchID)
}

// Between are some of a partner's transfers of a time, in the order of the index.
func (s *Points) Between(ctx context.Context, q points.PeriodQuery) ([]points.Transfer, error) {
	return collect[points.Transfer](ctx, s.db, `
		SELECT `+pointTransferColumns+pointTransferTables+`
		WHERE t.partner_id = $1 AND t.outgoing = $2 AND (t.created_at, t.id) > ($3, $4) AND t.created_at < $5 ORDER BY t.created_at, t.id LIMIT $6`,
		q.PartnerID, q.Outgoing, q.From, q.After, q.Until, q.Most)
}

// Named are those of a partner with the ids.
func (s *Points) Named(ctx context.Context, partnerID uuid.UUID, transferIDs []uuid.UUID) ([]points.Transfer, error) {
	return collect[points.Transfer](ctx, s.db, `SELECT `+pointTransferColumns+pointTransferTables+` WHERE t.partner_id = $1 AND t.id = ANY($2) ORDER BY t.id`, partnerID, transferIDs)
}

// Stuck are outgoing transfers by API that nobody has answered since.
func (s *Points) Stuck(ctx context.Context, since time.Time, most int) ([]uuid.UUID, error) {
	return read(ctx, s.db, `
		SELECT t.id FROM point_transfers t JOIN point_partners p ON p.id = t.partner_id AND p.way = 'API'
		WHERE t.state IN ('RESERVED', 'SENT') AND t.outgoing AND t.updated_at < $1 ORDER BY t.updated_at LIMIT $2`, []any{since, most}, collectIDs)
}
