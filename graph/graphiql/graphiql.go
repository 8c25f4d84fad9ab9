// Package graphiql serves GraphiQL, the page for exploring the schema, from files
// inside the binary: it works offline and under a strict content security policy.
// The files are built by web/graphiql; their licences are in NOTICE.
package graphiql

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed dist/*.gz
var files embed.FS

// Prefix is the path under which the page's files are.
const Prefix = "/graphiql/"

// policy lets the page run noren's own scripts and workers and speak to noren.
// Its editor makes style elements as it goes.
const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; " +
	"style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler answers "/" with the page and Prefix with its files.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, Prefix)
		if r.URL.Path == "/" {
			name = "index.html"
		}
		packed, err := files.ReadFile("dist/" + path.Base(name) + ".gz")
		if err != nil {
			http.NotFound(w, r)
			return
		}
		serve(w, r, name, packed)
	})
}

func serve(w http.ResponseWriter, r *http.Request, name string, packed []byte) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	sum := sha256.Sum256(packed)
	etag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h.Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed) //nolint:gosec // a file of this binary
		return
	}
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		http.Error(w, "the file is damaged", http.StatusInternalServerError)
		return
	}
	_, _ = io.Copy(w, plain) //nolint:gosec // a file of this binary, of known size
}
