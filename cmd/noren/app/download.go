package app

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"
)

// signedFor are what a signed link holds.
func signedFor(r *http.Request) (id, expires, signature string) {
	query := r.URL.Query()
	return chi.URLParam(r, "id"), query.Get("expires"), query.Get("signature")
}

// unkept says that nobody keeps what is sent, no search engine lists it, and its address is
// told to nobody.
func unkept(h http.Header) {
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Referrer-Policy", "no-referrer")
}

// private says besides that nothing in it runs.
func private(h http.Header, contentType string, length int) {
	unkept(h)
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(length))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
}

// download is an answer that becomes a file with its first bytes. Neither the file nor why
// there is none is kept by anybody.
type download struct {
	http.ResponseWriter
	kind, name string
	begun      bool
}

// Write sends the headers of the file before its first bytes.
func (d *download) Write(b []byte) (int, error) {
	if !d.begun {
		d.begun = true
		d.Header().Set("Content-Type", d.kind)
		d.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename=%q`, d.name))
	}
	return d.ResponseWriter.Write(b)
}

// download answers with what f writes: with the fault if it has written nothing, else it
// breaks off, so that nobody takes the part for the whole.
func (a *App) download(w http.ResponseWriter, r *http.Request, f func(out *download) error) {
	unkept(w.Header())
	out := &download{ResponseWriter: w}
	err := f(out)
	switch {
	case err == nil:
	case !out.begun:
		a.Edge.WriteFault(w, r, err)
	default:
		slog.ErrorContext(r.Context(), "a download broke off", "file", out.name, "error", err)
		panic(http.ErrAbortHandler)
	}
}
