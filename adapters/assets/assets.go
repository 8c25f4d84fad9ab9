// Package assets keeps uploaded files in a local directory and serves them. A file
// is named by the hash of its content: it never changes under its address, and the
// same file is kept once.
package assets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

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

// Directory keeps files in a directory of this machine.
type Directory struct {
	path   string
	public string // what addresses begin with
}

// New keeps files under the path; addresses begin with the public address of noren.
func New(path, public string) *Directory {
	return &Directory{path: path, public: strings.TrimSuffix(public, "/")}
}

// Put keeps a file and answers its kind and address.
func (d *Directory) Put(_ context.Context, content io.Reader) (catalog.MediaKind, string, error) {
	raw, err := io.ReadAll(io.LimitReader(content, MaxSize+1))
	if err != nil {
		return "", "", fmt.Errorf("read the uploaded file: %w", err)
	}
	if len(raw) > MaxSize {
		return "", "", ErrTooLarge
	}
	is, ok := served[http.DetectContentType(raw)]
	if !ok {
		return "", "", ErrKind
	}
	hash := sha256.Sum256(raw)
	name := hex.EncodeToString(hash[:]) + is.suffix
	return is.kind, d.public + Prefix + name, d.write(name, raw)
}

// write puts the file in place whole: readers never see half of it.
func (d *Directory) write(name string, raw []byte) error {
	if err := os.MkdirAll(d.path, 0o750); err != nil {
		return fmt.Errorf("make the directory of files: %w", err)
	}
	target := filepath.Join(d.path, name)
	if _, err := os.Stat(target); err == nil {
		return nil
	}
	draft, err := os.CreateTemp(d.path, ".draft-*")
	if err != nil {
		return fmt.Errorf("keep the file: %w", err)
	}
	_, err = io.Copy(draft, bytes.NewReader(raw))
	if err = errors.Join(err, draft.Close()); err == nil {
		err = os.Rename(draft.Name(), target)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep the file: %w", err), os.Remove(draft.Name()))
	}
	return nil
}

var names = regexp.MustCompile(`^[0-9a-f]{64}\.(jpg|png|gif|webp|mp4|pdf)$`)

// ServeHTTP serves a kept file for ever; nothing but kept files is reachable.
func (d *Directory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, Prefix)
	if !names.MatchString(name) {
		http.NotFound(w, r)
		return
	}
	file, err := os.OpenInRoot(d.path, name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	for contentType, is := range served {
		if strings.HasSuffix(name, is.suffix) {
			h.Set("Content-Type", contentType)
		}
	}
	http.ServeContent(w, r, name, info.ModTime(), file)
}
