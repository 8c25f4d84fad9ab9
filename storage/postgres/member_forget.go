package postgres

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/event"
)

// forgetAtOnce is how many events are read and written together.
const forgetAtOnce = 500

// aboutMembers are the ids of what events about the members $1 are recorded of. Orders are
// none of them: they are books, and stay as they are.
const aboutMembers = `
	SELECT unnest($1::uuid[]) AS id
	UNION SELECT id FROM point_accounts WHERE member_id = ANY($1)
	UNION SELECT t.id FROM point_transfers t JOIN point_accounts a ON a.id = t.account_id WHERE a.member_id = ANY($1)
	UNION SELECT r.id FROM point_transfers t JOIN point_accounts a ON a.id = t.account_id
		JOIN point_arrivals r ON r.partner_id = t.partner_id AND r.reference = t.reference WHERE a.member_id = ANY($1) AND NOT t.outgoing
	UNION SELECT id FROM prize_exchanges WHERE member_id = ANY($1)
	UNION SELECT id FROM vouchers WHERE member_id = ANY($1)
	UNION SELECT id FROM quotations WHERE member_id = ANY($1)
	UNION SELECT id FROM draft_orders WHERE member_id = ANY($1)
	UNION SELECT id FROM recurring_orders WHERE member_id = ANY($1)
	UNION SELECT draw_id FROM draw_entrants WHERE member_id = ANY($1)`

// typed are the events of the subjects $1 behind the place $2 that may hold what people
// typed ($3); those of a draw if they name one of the members $4.
const typed = `
	SELECT id, at, position, data FROM events
	WHERE subject_id = ANY($1) AND position > $2 AND data::text ~ $3 AND (subject <> 'Draw' OR data->>'memberId' = ANY($4::text[]))
	ORDER BY position LIMIT $5`

// freeText finds the names of event.Free in the text of an event's data.
var freeText = `"(` + strings.Join(event.Free, `|`) + `)": `

// typedEvent is an event that may lose something.
type typedEvent struct {
	ID       uuid.UUID
	At       time.Time
	Position int64
	Data     json.RawMessage
}

// ForgetEvents takes what people typed out of the events about the erased member and those
// who were merged into them. It is found by the index on subjects.
func (s *Members) ForgetEvents(ctx context.Context, memberID uuid.UUID, at time.Time) error {
	memberIDs, err := column[uuid.UUID](ctx, s.db, `SELECT id FROM (`+mergedToo+`) m`, []uuid.UUID{memberID})
	if err != nil {
		return err
	}
	subjects, err := column[uuid.UUID](ctx, s.db, aboutMembers, memberIDs)
	if err != nil {
		return err
	}
	names := make([]string, len(memberIDs))
	for i, id := range memberIDs {
		names[i] = id.String()
	}
	for some := range slices.Chunk(subjects, forgetAtOnce) {
		if err := s.forgetAbout(ctx, some, names); err != nil {
			return wrapped("forget what events say of a member", err)
		}
	}
	_, err = s.db.conn(ctx).Exec(ctx, `UPDATE members SET events_cleaned_at = $2 WHERE id = ANY($1)`, memberIDs, at)
	return err
}

func (s *Members) forgetAbout(ctx context.Context, subjects []uuid.UUID, members []string) error {
	last := int64(-1)
	for {
		rows, err := collect[typedEvent](ctx, s.db, typed, subjects, last, freeText, members, forgetAtOnce)
		if err != nil || len(rows) == 0 {
			return err
		}
		last = rows[len(rows)-1].Position
		var ids []uuid.UUID
		var times []time.Time
		var kept []string
		for _, r := range rows {
			data, changed, err := event.Forget(r.Data)
			if err != nil {
				return err
			}
			if changed {
				ids, times, kept = append(ids, r.ID), append(times, r.At), append(kept, string(data))
			}
		}
		if len(ids) > 0 {
			if _, err := s.db.conn(ctx).Exec(ctx, `
				UPDATE events e SET data = w.data::jsonb FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS w (id, at, data)
				WHERE e.id = w.id AND e.at = w.at`, ids, times, kept); err != nil {
				return err
			}
		}
		if len(rows) < forgetAtOnce {
			return nil
		}
	}
}

// Unforgotten are erased members behind the one named whose events were left alone.
func (s *Members) Unforgotten(ctx context.Context, after uuid.UUID, most int) ([]uuid.UUID, error) {
	return column[uuid.UUID](ctx, s.db, `SELECT id FROM members WHERE erased_at IS NOT NULL AND events_cleaned_at IS NULL AND id > $1 ORDER BY id LIMIT $2`, after, most)
}
