package returns

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/photo"
)

// MostPhotos is how many photos a return has at most.
const MostPhotos = 5

// Failures of photos.
var (
	ErrPhotos       = fault.Conflict("RETURN_PHOTOS_FULL", "写真は%d枚までです", "A return has at most %d photos").With(MostPhotos).At("file")
	ErrPhotoUnknown = fault.NotFound("RETURN_PHOTO_UNKNOWN", "指定した写真がありません", "There is no such photo").At("photoId")
)

// Photo is a picture of goods that are to come back, as it is kept.
type Photo struct {
	ID            uuid.UUID
	ReturnID      uuid.UUID
	Nth           int // among the return's, from 1
	Width, Height int // pixels
	ByStaff       bool
	AddedAt       time.Time
}

// GlobalID is the photo's id in the schema.
func (p Photo) GlobalID() string { return id.Global("ReturnPhoto", p.ID) }

// PhotoStore keeps photos.
type PhotoStore interface {
	// Photos are those of the returns, in their order.
	Photos(ctx context.Context, returnIDs []uuid.UUID) ([]Photo, error)
	// Photo is nil if there is none.
	Photo(ctx context.Context, photoID uuid.UUID) (*Photo, error)
	// AddPhoto keeps a photo under the return's next number; the same picture once.
	AddPhoto(ctx context.Context, p Photo, of photo.Photo) error
	RemovePhoto(ctx context.Context, photoID uuid.UUID) error
	// PhotoContent is the JPEG; nil if there is none.
	PhotoContent(ctx context.Context, photoID uuid.UUID) ([]byte, error)
}

// AddPhotoInput shows goods of a return.
type AddPhotoInput struct {
	ReturnID uuid.UUID
	File     io.Reader
}

// AddPhoto adds a photo to a return that has not ended: for the order's customer, and
// staff. The same picture again changes nothing.
func (s *Service) AddPhoto(ctx context.Context, in AddPhotoInput) (*Return, error) {
	found, err := s.ByID(ctx, in.ReturnID) // nothing is drawn for strangers
	if err != nil {
		return nil, err
	}
	if err := found.open(); err != nil {
		return nil, err
	}
	taken, err := s.Pictures.Read(ctx, in.File)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, in.ReturnID, "order.return_photo_added", func(ctx context.Context, c changing) error {
		if err := c.r.open(); err != nil {
			return err
		}
		all, err := s.Photos.Photos(ctx, []uuid.UUID{c.r.ID})
		switch {
		case err != nil:
			return err
		case len(all) >= MostPhotos:
			return ErrPhotos
		}
		p := Photo{ID: id.New(), ReturnID: c.r.ID, Nth: 1, Width: taken.Width, Height: taken.Height, ByStaff: access.From(ctx).May(access.OrderWrite), AddedAt: s.Now()}
		if len(all) > 0 {
			p.Nth = all[len(all)-1].Nth + 1
		}
		return s.Photos.AddPhoto(ctx, p, *taken)
	})
}

// open fails unless something may still be said about the return.
func (r Return) open() error {
	if r.Status != Requested && !r.Status.awaits() {
		return ErrStatus.With(r.Status)
	}
	return nil
}

// RemovePhotoInput names a photo.
type RemovePhotoInput struct{ PhotoID uuid.UUID }

// RemovePhoto deletes a photo: for staff always, for the order's customer until staff have
// decided, and only what staff have not added.
func (s *Service) RemovePhoto(ctx context.Context, in RemovePhotoInput) (*Return, error) {
	p, err := s.Photos.Photo(ctx, in.PhotoID)
	if err != nil || p == nil {
		return nil, errors.Join(err, ErrPhotoUnknown)
	}
	if _, err := s.ByID(ctx, p.ReturnID); err != nil {
		if errors.Is(err, ErrUnknown) {
			err = ErrPhotoUnknown
		}
		return nil, err
	}
	return s.change(ctx, p.ReturnID, "order.return_photo_removed", func(ctx context.Context, c changing) error {
		switch {
		case access.From(ctx).May(access.OrderWrite):
		case p.ByStaff:
			return fault.ErrForbidden
		case c.r.Status != Requested:
			return ErrStatus.With(c.r.Status)
		}
		return s.Photos.RemovePhoto(ctx, p.ID)
	})
}

// PhotosOf are the photos of returns that were read through their service.
func (s *Service) PhotosOf(ctx context.Context, returnIDs []uuid.UUID) ([]Photo, error) {
	return s.Photos.Photos(ctx, returnIDs)
}

// PhotoLink is where a photo is seen, for a quarter of an hour.
func (s *Service) PhotoLink(p Photo) string { return s.Links.Photos.To(p.ID) }

// OpenPhoto is the JPEG that a link leads to.
func (s *Service) OpenPhoto(ctx context.Context, photoID, expires, signature string) ([]byte, error) {
	key, err := s.Links.Photos.Check(photoID, expires, signature)
	if err != nil {
		return nil, ErrLink
	}
	content, err := s.Photos.PhotoContent(ctx, key)
	if err == nil && content == nil { // removed, or erased
		err = fault.ErrNotFound
	}
	return content, err
}
