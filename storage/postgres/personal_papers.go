package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/dispatch"
	"github.com/noren-commerce/noren/core/invoice"
)

// filesAtOnce is how many files one transaction seals: they are large.
const filesAtOnce = 20

// someFile narrows to files that have something in them, or said of them.
const someFile = ` AND (content <> '' OR remarks <> '[]')`

// resealFiles seals anew the files of instructions to carriers.
func (s *Personal) resealFiles(ctx context.Context, keyID string) (n int, err error) {
	type file struct {
		ID      uuid.UUID
		Content []byte
		Remarks []dispatch.Remark
	}
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		files, err := collect[file](ctx, s.db, `
			SELECT id, content, remarks FROM shipment_batches
			WHERE id IN (SELECT id FROM shipment_batches WHERE `+staleKeys+someFile+` LIMIT $2) FOR UPDATE SKIP LOCKED`, keyID, filesAtOnce)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		for _, f := range files {
			plain, err := s.keys.OpenFile(ctx, "file", f.ID, f.Content)
			if err != nil {
				return err
			}
			said := dispatch.Batch{ID: f.ID, Remarks: f.Remarks}
			if err := s.keys.OpenRow(ctx, &said); err != nil {
				return err
			}
			sealed, err := s.keys.SealFile(ctx, "file", f.ID, plain)
			if err != nil {
				return err
			}
			if _, err := s.keys.SealRow(ctx, &said); err != nil {
				return err
			}
			batch.Queue(`UPDATE shipment_batches SET content = $2, remarks = $3, key_id = $4 WHERE id = $1`, f.ID, orEmpty(sealed), said.Remarks, keyID)
		}
		n = len(files)
		return s.db.conn(ctx).SendBatch(ctx, batch).Close()
	})
	return n, wrapped("seal files of instructions anew", err)
}

// parties are whom a document is for, as they are kept.
type parties struct {
	To     invoice.Party  `json:"to"`
	ShipTo *invoice.Party `json:"shipTo,omitempty"`
}

// resealDocuments seals anew whom issued documents are for.
func (s *Personal) resealDocuments(ctx context.Context, keyID string) (n int, err error) {
	type row struct {
		ID      uuid.UUID
		Content invoice.Content
	}
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		rows, err := collect[row](ctx, s.db, `
			SELECT id, content - 'lines' AS content FROM documents
			WHERE id IN (SELECT id FROM documents WHERE `+staleKeys+` LIMIT $2) FOR UPDATE SKIP LOCKED`, keyID, resealAtOnce)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		for _, r := range rows {
			d := invoice.Document{ID: r.ID, Content: r.Content}
			if err := s.keys.OpenRow(ctx, &d); err != nil {
				return err
			}
			key, err := s.keys.SealRow(ctx, &d)
			if err != nil {
				return err
			}
			batch.Queue(`UPDATE documents SET content = content || $2::jsonb, key_id = $3 WHERE id = $1`, r.ID, parties{d.Content.To, d.Content.ShipTo}, key)
		}
		n = len(rows)
		return s.db.conn(ctx).SendBatch(ctx, batch).Close()
	})
	return n, wrapped("seal documents anew", err)
}
