package app

import (
	"context"
	"encoding/base64"
	"errors"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"github.com/noren-commerce/noren/adapters/dsn"
	"github.com/noren-commerce/noren/adapters/signed"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/mailing"
	"github.com/noren-commerce/noren/core/wishlist"
)

// mailLinks serves where links of e-mails lead, without any login.
func (a *App) mailLinks(r chi.Router) {
	r.With(a.inScope).Get(mailing.UnsubscribePath+"{token}", a.unsubscribing)
	r.With(a.inScope).Post(mailing.UnsubscribePath+"{token}", a.unsubscribe)
	r.With(a.inScope).Get(wishlist.StopPath+"{token}", a.stoppingWishes)
	r.With(a.inScope).Post(wishlist.StopPath+"{token}", a.stopWishes)
	r.Get(mailing.ClickPath+"{token}", a.mailClick)
	r.Get(mailing.OpenPath+"{token}", a.mailOpen)
	r.Post("/webhooks/mail", a.mailReturned)
}

// unsubscribePage asks, or says that it is done.
var unsubscribePage = template.Must(template.New("unsubscribe").Parse(`<!doctype html>
<html lang="{{.Language}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex"><title>{{.Title}}</title></head>
<body style="max-width:32em;margin:3em auto;padding:0 1.5em;font-family:sans-serif;line-height:1.7"><h1 style="font-size:1.3em">{{.Title}}</h1><p>{{.Text}}</p>
{{if .Button}}<form method="post"><button type="submit" style="font-size:1em;padding:.6em 1.4em">{{.Button}}</button></form>{{end}}</body></html>
`))

type unsubscribeWords struct{ Language, Title, Text, Button string }

func (a *App) unsubscribePage(w http.ResponseWriter, r *http.Request, done bool) {
	words := unsubscribeWords{"ja", "配信停止", "今後この種類のお知らせをお送りしません。よろしければボタンを押してください。", "配信を停止する"}
	english := !strings.HasPrefix(i18n.Language(r.Context()), "ja")
	switch {
	case done && english:
		words = unsubscribeWords{"en", "Unsubscribed", "We will not write to you so any more.", ""}
	case done:
		words = unsubscribeWords{"ja", "配信を停止しました", "今後この種類のお知らせはお送りしません。", ""}
	case english:
		words = unsubscribeWords{"en", "Unsubscribe", "We will not write to you so any more. Press the button if that is what you want.", "Unsubscribe"}
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "private, no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	if err := unsubscribePage.Execute(w, words); err != nil {
		slog.WarnContext(r.Context(), "the page to unsubscribe could not be sent", "error", err)
	}
}

// unsubscribing asks. It changes nothing: programs follow links before people do.
func (a *App) unsubscribing(w http.ResponseWriter, r *http.Request) {
	if err := a.Resolvers.Mailings.Leads(r.Context(), chi.URLParam(r, "token")); err != nil {
		a.Edge.WriteFault(w, r, err)
		return
	}
	a.unsubscribePage(w, r, false)
}

// unsubscribe withdraws the consent: by the page's button, or by a mail program's (RFC 8058).
func (a *App) unsubscribe(w http.ResponseWriter, r *http.Request) {
	if err := a.Resolvers.Mailings.Unsubscribe(r.Context(), chi.URLParam(r, "token")); err != nil {
		a.Edge.WriteFault(w, r, err)
		return
	}
	a.unsubscribePage(w, r, true)
}

// stoppingWishes asks. It changes nothing.
func (a *App) stoppingWishes(w http.ResponseWriter, r *http.Request) {
	if err := a.Resolvers.Wishes.Leads(chi.URLParam(r, "token")); err != nil {
		a.Edge.WriteFault(w, r, err)
		return
	}
	a.unsubscribePage(w, r, false)
}

// stopWishes ends the mails about a member's wishes.
func (a *App) stopWishes(w http.ResponseWriter, r *http.Request) {
	if err := a.Resolvers.Wishes.Stop(r.Context(), chi.URLParam(r, "token")); err != nil {
		a.Edge.WriteFault(w, r, err)
		return
	}
	a.unsubscribePage(w, r, true)
}

// mailClick leads on to what the e-mail says.
func (a *App) mailClick(w http.ResponseWriter, r *http.Request) {
	url, err := a.Resolvers.Mailings.Click(r.Context(), chi.URLParam(r, "token"))
	if err != nil {
		a.Edge.WriteFault(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "private, no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, url, http.StatusFound)
}

// pixel is an invisible picture.
var pixel = sync.OnceValue(func() []byte {
	raw, _ := base64.StdEncoding.DecodeString("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7") //nolint:errcheck // it is valid
	return raw
})

// mailOpen notes that an e-mail was opened. The picture comes whatever became of that.
func (a *App) mailOpen(w http.ResponseWriter, r *http.Request) {
	if err := a.Resolvers.Mailings.Opened(r.Context(), chi.URLParam(r, "token")); err != nil && !errors.Is(err, link.ErrInvalid) {
		slog.WarnContext(r.Context(), "that an e-mail was opened could not be noted", "error", err)
	}
	private(w.Header(), "image/gif", len(pixel()))
	_, _ = w.Write(pixel())
}

// mailSignature carries the signature of what a mail server hands over; see package signed.
const mailSignature = "Mail-Signature"

// maxMailBack bounds an e-mail that comes back: it may hold the whole of what was sent.
const maxMailBack = 4 << 20

// mailReturned takes in what comes back by e-mail, as it is. Answers: 200 taken in, seen
// before, or of an e-mail that noren does not know; 400 unsigned or unreadable; 413 too
// large; 500 send it again later.
func (a *App) mailReturned(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMailBack))
	if err != nil {
		say(w, http.StatusRequestEntityTooLarge, "the body is too large, or could not be read")
		return
	}
	ctx := access.With(r.Context(), access.System)
	if err := signed.Verify(r.Header.Get(mailSignature), body, a.Config.MailWebhookSecret, a.now()); err != nil {
		slog.WarnContext(ctx, "an e-mail that came back without a valid signature", "remote", r.RemoteAddr, "error", err)
		say(w, http.StatusBadRequest, signed.ErrUnsigned.Error())
		return
	}
	outcome, err := TakeReturned(ctx, a.Resolvers.Mailings, body)
	switch {
	case errors.Is(err, dsn.ErrUnreadable):
		say(w, http.StatusBadRequest, dsn.ErrUnreadable.Error())
	case err != nil:
		slog.ErrorContext(ctx, "an e-mail that came back could not be taken in", "error", err)
		say(w, http.StatusInternalServerError, "not taken in; send it again")
	default:
		say(w, http.StatusOK, outcome)
	}
}

// TakeReturned takes in an e-mail that came back, and says what became of it: of several
// recipients, of the last.
func TakeReturned(ctx context.Context, mailings *mailing.Service, raw []byte) (string, error) {
	returned, err := dsn.Read(raw)
	if err != nil {
		return "", err
	}
	if returned.Unsubscribe != "" {
		var f *fault.Error
		err := mailings.Unsubscribe(ctx, returned.Unsubscribe)
		if errors.As(err, &f) {
			return string(mailing.UnknownMail), nil
		}
		return "UNSUBSCRIBED", err
	}
	outcome := mailing.NoFailure
	for _, report := range returned.Reports {
		if outcome, err = mailings.TakeBounce(ctx, report); err != nil {
			return "", err
		}
	}
	return string(outcome), nil
}
