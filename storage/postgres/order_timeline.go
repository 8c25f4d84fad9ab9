package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/sealing"
)

// momentKey is the sort key of a moment: mails have no id of their own.
type momentKey struct {
	At  time.Time `json:"t"`
	Key string    `json:"k"`
}

// Timeline is one page of what happened to an order, its payments and documents, and of
// the mails about it, the first first. It is one statement: an order has some dozens.
func (s *Orders) Timeline(ctx context.Context, q order.TimelineQuery) (page.Connection[order.Moment], error) {
	const moments = `(
		SELECT e.id::text AS key, e.at, e.type, e.subject, e.actor_role, e.actor_id, coalesce(a.name, '') AS actor_name, e.data
		FROM events e LEFT JOIN accounts a ON a.id = e.actor_id
		WHERE e.subject_id IN (SELECT @order::uuid UNION ALL SELECT id FROM payments WHERE order_id = @order UNION ALL SELECT id FROM documents WHERE order_id = @order)
		UNION ALL
		SELECT m.key, m.at, CASE WHEN m.sent_at IS NULL THEN 'mail.rejected' ELSE 'mail.sent' END, 'Mail', 'SYSTEM', NULL, '',
			jsonb_build_object('kind', m.kind, 'reason', m.rejection)
		FROM sent_messages m
		WHERE (m.recipient_hash = ANY(@hashes::bytea[] || (SELECT written_to FROM orders WHERE id = @order)) OR (m.recipient = @email AND m.recipient <> '')) AND (m.key LIKE '%/' || @order::text || '%'
			OR EXISTS (SELECT FROM payments p WHERE p.order_id = @order AND m.key LIKE '%/' || p.id::text || '%'))
	) m`
	where := `true`
	if !q.Staff {
		where = `m.type <> ALL(@hidden) AND (m.subject <> 'Payment' OR m.type IN ('payment.captured', 'payment.refunded', 'payment.failed'))
			AND (m.type <> 'order.remarked' OR (m.data->>'visible')::boolean)`
	}
	hashes := [][]byte{}
	if s.mails != nil {
		found, err := s.mails.Hashes(ctx, "email", sealing.Email(q.Order.Email))
		if err != nil {
			return page.Connection[order.Moment]{}, err
		}
		hashes = append(hashes, found...)
	}
	args := pgx.NamedArgs{"order": q.Order.ID, "email": q.Order.Email, "hashes": hashes, "hidden": q.Hidden}
	connection, err := keyset(ctx, s.db, q.Page, `m.key, m.at, m.type, m.subject, m.actor_role, m.actor_id, m.actor_name, m.data FROM `+moments, where, `(m.at, m.key)`, `m.at, m.key`, args,
		func(k momentKey) []any { return []any{k.At, k.Key} }, func(m order.Moment) momentKey { return momentKey{m.At, m.Key} })
	connection.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM `+moments+` WHERE `+where, args)
	}
	return connection, err
}
