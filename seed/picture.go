package seed

import (
	"fmt"
	"html"
	"net/http"
	"strings"
)

// faces are the animals of the sample pictures, drawn in a square of 200.
var faces = map[string]string{
	"dog":     `<ellipse cx="60" cy="85" rx="18" ry="38"/><ellipse cx="140" cy="85" rx="18" ry="38"/><circle cx="100" cy="100" r="50"/>`,
	"cat":     `<path d="M55 90 60 45 95 65zM145 90 140 45 105 65z"/><circle cx="100" cy="105" r="48"/>`,
	"small":   `<ellipse cx="80" cy="55" rx="13" ry="38"/><ellipse cx="120" cy="55" rx="13" ry="38"/><circle cx="100" cy="115" r="45"/>`,
	"bird":    `<circle cx="100" cy="75" r="32"/><ellipse cx="100" cy="125" rx="44" ry="38"/><path d="M128 72l26 8-26 10z"/>`,
	"fish":    `<ellipse cx="95" cy="100" rx="55" ry="34"/><path d="M145 100l34-28v56z"/>`,
	"reptile": `<ellipse cx="100" cy="110" rx="58" ry="40"/><circle cx="165" cy="95" r="17"/><circle cx="60" cy="150" r="13"/><circle cx="140" cy="150" r="13"/>`,
	"human":   `<circle cx="100" cy="120" r="34"/><circle cx="62" cy="80" r="15"/><circle cx="88" cy="58" r="15"/><circle cx="114" cy="58" r="15"/><circle cx="139" cy="80" r="15"/>`,
}

// Picture answers /sample/{pet}/{slug}.svg with a picture drawn for the slug.
func Picture(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/sample/"), ".svg"), "/")
	face, known := faces[parts[0]]
	if len(parts) != 2 || !known {
		http.NotFound(w, r)
		return
	}
	hue := hash(parts[1]) % 360
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200" role="img" aria-label="%s"><rect width="200" height="200" fill="hsl(%d 45%% 88%%)"/><g fill="hsl(%d 35%% 45%%)">%s</g></svg>`,
		html.EscapeString(parts[1]), hue, hue, face)
}
