// Package photo takes in pictures that people upload and keeps nothing of them but what
// is seen: each is drawn anew as JPEG, upright, no larger than a screen, without where
// and by what it was taken.
package photo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"runtime"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"github.com/noren-commerce/noren/core/fault"
)

// What is taken in.
const (
	MaxSize   = 8 << 20    // bytes
	maxPixels = 25_000_000 // 25 megapixels: what is drawn fits in memory
	maxSide   = 20_000
	smallest  = 16 // pixels a side: less shows nothing
)

// What is kept.
const (
	longest = 2048 // pixels
	quality = 85
)

// Failures of a picture.
var (
	ErrEmpty      = fault.ErrRequired.At("file")
	ErrTooLarge   = fault.Invalid("FILE_TOO_LARGE", "写真は%dMBまでです", "A photo has at most %d MB").With(MaxSize >> 20).At("file")
	ErrKind       = fault.Invalid("FILE_TYPE_INVALID", "写真はJPEG・PNG・WebPのいずれかにしてください", "A photo must be JPEG, PNG or WebP").At("file")
	ErrUnreadable = fault.Invalid("FILE_UNREADABLE", "写真を読み取れません。壊れている可能性があります", "The photo cannot be read; it may be damaged").At("file")
	ErrPixels     = fault.Invalid("PHOTO_SIZE_INVALID", "写真は一辺16画素以上、全体で2,500万画素以下にしてください", "A photo has at least 16 pixels a side and at most 25 megapixels").At("file")
)

// Photo is a picture as it is kept: JPEG with nothing but the picture.
type Photo struct {
	Content       []byte
	Width, Height int // pixels
	Hash          [sha256.Size]byte
}

// decoder reads one kind of picture.
type decoder struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

// decoders are the kinds that are taken in, as their first bytes tell: what a client
// says of a file counts for nothing.
var decoders = map[string]decoder{
	"image/jpeg": {jpeg.DecodeConfig, jpeg.Decode},
	"image/png":  {png.DecodeConfig, png.Decode},
	"image/webp": {webp.DecodeConfig, webp.Decode},
}

// kindOf is the kind of picture by its first bytes; empty for any that is not taken in.
func kindOf(raw []byte) string {
	switch {
	case bytes.HasPrefix(raw, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case bytes.HasPrefix(raw, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case len(raw) >= 12 && string(raw[:4]) == "RIFF" && string(raw[8:12]) == "WEBP":
		return "image/webp"
	}
	return ""
}

// Reader takes pictures in, no more at once than there are processors.
type Reader struct{ turns chan struct{} }

// NewReader makes a reader.
func NewReader() *Reader { return &Reader{make(chan struct{}, runtime.GOMAXPROCS(0))} }

// Read takes a picture in.
func (r *Reader) Read(ctx context.Context, file io.Reader) (*Photo, error) {
	raw, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the uploaded photo: %w", err)
	case len(raw) == 0:
		return nil, ErrEmpty
	case len(raw) > MaxSize:
		return nil, ErrTooLarge
	}
	kind, ok := decoders[kindOf(raw)]
	if !ok {
		return nil, ErrKind
	}
	size, err := kind.config(bytes.NewReader(raw))
	if err != nil {
		return nil, ErrUnreadable
	}
	if min(size.Width, size.Height) < smallest || max(size.Width, size.Height) > maxSide || size.Width*size.Height > maxPixels {
		return nil, ErrPixels
	}
	select {
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	picture, err := kind.decode(bytes.NewReader(raw))
	if err != nil {
		return nil, ErrUnreadable
	}
	return keep(upright(shrunk(picture), orientation(raw)))
}

func keep(picture image.Image) (*Photo, error) {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("draw the photo: %w", err)
	}
	at := picture.Bounds()
	return &Photo{Content: out.Bytes(), Width: at.Dx(), Height: at.Dy(), Hash: sha256.Sum256(out.Bytes())}, nil
}

// shrunk is the picture on white, no side of it longer than is kept.
func shrunk(picture image.Image) *image.RGBA {
	from := picture.Bounds()
	wide, high := from.Dx(), from.Dy()
	if side := max(wide, high); side > longest {
		wide, high = max(1, wide*longest/side), max(1, high*longest/side)
	}
	to := image.NewRGBA(image.Rect(0, 0, wide, high))
	draw.Draw(to, to.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(to, to.Bounds(), picture, from, draw.Over, nil)
	return to
}

// upright turns and mirrors the picture as its camera says it was held.
func upright(picture *image.RGBA, held int) *image.RGBA {
	if held < 2 || held > 8 {
		return picture
	}
	wide, high := picture.Bounds().Dx(), picture.Bounds().Dy()
	size := image.Rect(0, 0, wide, high)
	if held >= 5 { // on its side
		size = image.Rect(0, 0, high, wide)
	}
	to := image.NewRGBA(size)
	for y := range high {
		for x := range wide {
			u, v := turned(held, x, y, wide-1, high-1)
			to.SetRGBA(u, v, picture.RGBAAt(x, y))
		}
	}
	return to
}

// turned is where a pixel of the picture comes to lie.
func turned(held, x, y, right, bottom int) (u, v int) {
	switch held {
	case 2:
		return right - x, y
	case 3:
		return right - x, bottom - y
	case 4:
		return x, bottom - y
	case 5:
		return y, x
	case 6:
		return bottom - y, x
	case 7:
		return bottom - y, right - x
	}
	return y, right - x
}
