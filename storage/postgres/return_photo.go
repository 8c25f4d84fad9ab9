package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/photo"
	"github.com/noren-commerce/noren/core/returns"
)

const photoColumns = `id, return_id, nth, width, height, by_staff, added_at`

// Photos are those of the returns, in their order.
func (s *Returns) Photos(ctx context.Context, returnIDs []uuid.UUID) ([]returns.Photo, error) {
	return collect[returns.Photo](ctx, s.db, `SELECT `+photoColumns+` FROM return_photos WHERE return_id = ANY($1) ORDER BY return_id, nth`, returnIDs)
}

// Photo is the photo with the id; nil if there is none.
func (s *Returns) Photo(ctx context.Context, photoID uuid.UUID) (*returns.Photo, error) {
	return first[returns.Photo](ctx, s.db, `SELECT `+photoColumns+` FROM return_photos WHERE id = $1`, photoID)
}

// AddPhoto keeps a photo; the same picture of a return once.
func (s *Returns) AddPhoto(ctx context.Context, p returns.Photo, of photo.Photo) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO return_photos (`+photoColumns+`, hash, content) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (return_id, hash) DO NOTHING`,
		p.ID, p.ReturnID, p.Nth, p.Width, p.Height, p.ByStaff, p.AddedAt, of.Hash[:], of.Content)
	return err
}

// RemovePhoto deletes a photo.
func (s *Returns) RemovePhoto(ctx context.Context, photoID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM return_photos WHERE id = $1`, photoID)
	return err
}

// PhotoContent is the JPEG; nil if there is none.
func (s *Returns) PhotoContent(ctx context.Context, photoID uuid.UUID) ([]byte, error) {
	return one[[]byte](ctx, s.db, `SELECT (SELECT content FROM return_photos WHERE id = $1)`, photoID)
}
