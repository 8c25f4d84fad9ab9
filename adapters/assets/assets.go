// Package assets keeps uploaded files and serves them: in a directory of this
// machine, or in a bucket of an object storage that speaks S3. A file is named by
// the hash of its content: it never changes under its address, and the same file is
// kept once. What a client calls a file, and says it is, counts for nothing.
package assets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/fault"
)

// MaxSize is the largest file that is kept, in bytes.
const MaxSize = 10 << 20

// Prefix is where files are served.
const Prefix = "/assets/"

// Failures of uploads.
var (
	ErrTooLarge = fault.Invalid("FILE_TOO_LARGE", "ファイルは%dMBまでです", "A file has at most %d MB").With(MaxSize >> 20).At("file")
	ErrKind     = fault.Invalid("FILE_TYPE_INVALID", "JPEG・PNG・GIF・WebP・MP4・PDFのいずれかにしてください", "The file must be JPEG, PNG, GIF, WebP, MP4 or PDF").At("file")
)

// forEver is how long a browser may keep a file.
const forEver = "public, max-age=31536000, immutable"

// served are the kinds of content that are kept, as their first bytes tell. SVG is
// not among them: it can carry scripts.
var served = map[string]struct {
	kind   catalog.MediaKind
	suffix string
}{
	"image/jpeg":      {catalog.MediaImage, ".jpg"},
	"image/png":       {catalog.MediaImage, ".png"},
	"image/gif":       {catalog.MediaImage, ".gif"},
	"image/webp":      {catalog.MediaImage, ".webp"},
	"video/mp4":       {catalog.MediaVideo, ".mp4"},
	"application/pdf": {catalog.MediaDocument, ".pdf"},
}

// place is where files are.
type place interface {
	// keep puts a file there whole: readers never see half of it.
	keep(ctx context.Context, name, contentType string, raw []byte) error
	// open reads a file; one that is not there is fs.ErrNotExist.
	open(ctx context.Context, name string) (file io.ReadSeekCloser, changed time.Time, err error)
}

// Files are the kept files.
type Files struct {
	place  place
	public string // what addresses begin with, before the file's name
}

// Put keeps a file and answers its kind and address.
func (f *Files) Put(ctx context.Context, content io.Reader) (catalog.MediaKind, string, error) {
	raw, err := io.ReadAll(io.LimitReader(content, MaxSize+1))
	if err != nil {
		return "", "", fmt.Errorf("read the uploaded file: %w", err)
	}
	if len(raw) > MaxSize {
		return "", "", ErrTooLarge
	}
	contentType := http.DetectContentType(raw)
	is, ok := served[contentType]
	if !ok {
		return "", "", ErrKind
	}
	hash := sha256.Sum256(raw)
	name := hex.EncodeToString(hash[:]) + is.suffix
	return is.kind, f.public + name, f.place.keep(ctx, name, contentType, raw)
}

var names = regexp.MustCompile(`^[0-9a-f]{64}\.(jpg|png|gif|webp|mp4|pdf)$`)

// ServeHTTP serves a kept file for ever; nothing but kept files is reachable.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, Prefix)
	if !names.MatchString(name) {
		http.NotFound(w, r)
		return
	}
	file, changed, err := f.place.open(r.Context(), name)
	if errors.Is(err, fs.ErrNotExist) {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		slog.ErrorContext(r.Context(), "an uploaded file cannot be read", "name", name, "error", err)
		w.Header().Set("Retry-After", "5")
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	defer func() { _ = file.Close() }()
	h := w.Header()
	h.Set("Cache-Control", forEver)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	for contentType, is := range served {
		if strings.HasSuffix(name, is.suffix) {
			h.Set("Content-Type", contentType)
		}
	}
	http.ServeContent(w, r, name, changed, file)
}
