package server

import (
	"maps"
	"net/http"
	"strings"

	"github.com/rs/cors"
)

// CORS lets pages of the named origins call the endpoint and read its answers.
func CORS(origins []string) func(http.Handler) http.Handler {
	if len(origins) == 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	return cors.New(cors.Options{
		AllowedOrigins:   origins,
		AllowedMethods:   []string{http.MethodGet, http.MethodPost},
		AllowedHeaders:   []string{"*"},
		ExposedHeaders:   []string{"Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-Id"},
		AllowCredentials: true,
		MaxAge:           3600,
	}).Handler
}

// SecurityHeaders tell browsers what pages of noren may do: run noren's own files
// and nothing else, inside no other site's frame. tls says that clients come over
// TLS, and must go on doing so.
func SecurityHeaders(tls bool) func(http.Handler) http.Handler {
	// Every answer carries the same values: they are made once and never changed.
	fixed := http.Header{}
	fixed.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
	}, "; "))
	fixed.Set("X-Content-Type-Options", "nosniff")
	fixed.Set("X-Frame-Options", "DENY")
	fixed.Set("Referrer-Policy", "no-referrer")
	fixed.Set("Cross-Origin-Opener-Policy", "same-origin")
	fixed.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if tls {
		fixed.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			maps.Copy(w.Header(), fixed)
			next.ServeHTTP(w, r)
		})
	}
}
