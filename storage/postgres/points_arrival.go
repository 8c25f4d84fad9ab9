package postgres

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/points"
)

// Who has the points of an arrival is said by the transfer with its reference, which goes
// along when members become one.
const pointArrivalColumns = `a.id, a.partner_id, a.reference, a.their_member, a.their_points, a.state, a.reason, a.created_at, a.settled_at,
	(SELECT c.member_id FROM point_transfers t JOIN point_accounts c ON c.id = t.account_id
		WHERE a.state = 'RECEIVED' AND t.partner_id = a.partner_id AND t.reference = a.reference AND NOT t.outgoing) AS member_id`

// CardHolders are the members who have the numbers.
func (s *Points) CardHolders(ctx context.Context, numbers []string) (map[string]uuid.UUID, error) {
	rows, err := collect[struct {
		Number   string
		MemberID uuid.UUID
	}](ctx, s.db, `
		SELECT c.number, c.member_id FROM member_cards c JOIN members m ON m.id = c.member_id AND m.merged_into IS NULL AND m.erased_at IS NULL
		WHERE c.number = ANY($1) AND c.state IN ('ACTIVE', 'REISSUED')`, numbers)
	holders := make(map[string]uuid.UUID, len(rows))
	for _, r := range rows {
		holders[r.Number] = r.MemberID
	}
	return holders, err
}

// Arrived are those from the partner with the references. Locks on the references, in one
// order whoever asks, hold off who asks for the same.
func (s *Points) Arrived(ctx context.Context, partnerID uuid.UUID, references []string) ([]points.Arrival, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, `
		SELECT pg_advisory_xact_lock(key) FROM (
			SELECT DISTINCT hashtextextended('point arrival ' || $1::text || ' ' || reference, 0) AS key FROM unnest($2::text[]) reference ORDER BY key
		) k`, partnerID, references); err != nil {
		return nil, err
	}
	return collect[points.Arrival](ctx, s.db, `SELECT `+pointArrivalColumns+` FROM point_arrivals a WHERE a.partner_id = $1 AND a.reference = ANY($2) ORDER BY a.id FOR UPDATE`, partnerID, references)
}

// SaveArrivals adds arrivals, or keeps what became of those that were open.
func (s *Points) SaveArrivals(ctx context.Context, all []points.Arrival) error {
	if len(all) == 0 {
		return nil
	}
	rows, err := json.Marshal(all)
	if err != nil {
		return err
	}
	_, err = s.db.conn(ctx).Exec(ctx, `
		INSERT INTO point_arrivals (id, partner_id, reference, their_member, their_points, state, reason, created_at, settled_at)
		SELECT * FROM jsonb_to_recordset($1) AS a ("ID" uuid, "PartnerID" uuid, "Reference" text, "TheirMember" text, "TheirPoints" bigint, "State" text, "Reason" text,
			"CreatedAt" timestamptz, "SettledAt" timestamptz)
		ON CONFLICT (partner_id, reference) DO UPDATE SET state = EXCLUDED.state, reason = EXCLUDED.reason, settled_at = EXCLUDED.settled_at
			WHERE point_arrivals.state = 'OPEN'`, rows)
	return err
}

// LockArrival is nil if there is none.
func (s *Points) LockArrival(ctx context.Context, arrivalID uuid.UUID) (*points.Arrival, error) {
	return first[points.Arrival](ctx, s.db, `SELECT `+pointArrivalColumns+` FROM point_arrivals a WHERE a.id = $1 FOR UPDATE`, arrivalID)
}

// Arrivals is one page of those for the programmes, the newest first.
func (s *Points) Arrivals(ctx context.Context, programmeIDs []uuid.UUID, clientID *uuid.UUID, state points.ArrivalState, p page.Args) (page.Connection[points.Arrival], error) {
	where, args := []string{`partner_id IN (SELECT id FROM point_partners WHERE programme_id = ANY(@programmes))`}, pgx.NamedArgs{"programmes": programmeIDs, "client": clientID, "state": state}
	if clientID != nil {
		where = append(where, `partner_id IN (SELECT id FROM point_partners WHERE api_partner_id = @client)`)
	}
	if state != "" {
		where = append(where, `state = @state`)
	}
	return newest(ctx, s.db, pointArrivalColumns, `point_arrivals a`, where, args, p, func(a points.Arrival) newestKey { return newestKey{a.CreatedAt, a.ID} })
}
