package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/sealing"
)

// Open opens what is sealed of the row.
func (s *Personal) Open(ctx context.Context, row sealing.Row) error { return s.keys.OpenRow(ctx, row) }

// staleMail is the condition that a mail in the job queue is not sealed by the key $1.
// What was sent leaves the queue within the hour; what could not be stays for days.
const staleMail = `kind = 'send_message' AND args ? 'message' AND NOT starts_with(coalesce(args->'message'->>'sealed', ''), 's1.' || $1 || '.')`

// resealMails seals anew the mails in the job queue.
func (s *Personal) resealMails(ctx context.Context, keyID string) (n int, err error) {
	type row struct {
		ID   int64
		Args messaging.SendJob
	}
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		rows, err := collect[row](ctx, s.db, `SELECT id, args FROM river_job WHERE `+staleMail+` ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED`, keyID, resealAtOnce)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		for _, r := range rows {
			if err := s.keys.OpenRow(ctx, &r.Args.Message); err != nil {
				return err
			}
			if _, err := s.keys.SealRow(ctx, &r.Args.Message); err != nil {
				return err
			}
			batch.Queue(`UPDATE river_job SET args = $2 WHERE id = $1`, r.ID, r.Args)
		}
		n = len(rows)
		return s.db.conn(ctx).SendBatch(ctx, batch).Close()
	})
	return n, wrapped("seal mails in the queue anew", err)
}
