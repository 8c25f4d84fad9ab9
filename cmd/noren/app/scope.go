package app

import (
	"context"
	"net/http"

	"golang.org/x/text/language"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/identity"
)

// inScope puts what a request runs in into its context: channel, language
// and actor.
func (a *App) inScope(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		ch, err := a.Channels.Resolve(ctx, r.Header.Get("X-Noren-Channel"), r.Host)
		if err != nil {
			a.Edge.WriteFault(w, r, err)
			return
		}
		ctx = channel.With(ctx, ch)
		ctx = i18n.WithLanguage(ctx, chooseLanguage(ch, r.Header.Get("Accept-Language")))
		ctx, err = a.withCaller(ctx, r)
		if err != nil {
			a.Edge.WriteFault(w, r.WithContext(ctx), err)
			return
		}
		ctx = identity.WithDevice(ctx, r.UserAgent())
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// withCaller puts the actor of the request into the context: a partner by its key
// or token, anyone else by the access token.
func (a *App) withCaller(ctx context.Context, r *http.Request) (context.Context, error) {
	if credential := partnerCredential(r); credential != "" {
		return a.asPartnerActor(ctx, credential, r)
	}
	actor, err := a.actorOf(ctx, r)
	return access.With(ctx, actor), err
}

// chooseLanguage is the channel's locale that fits the header best (RFC 9110 §12.5.4).
func chooseLanguage(ch channel.Channel, header string) string {
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(wanted) == 0 || len(ch.Locales) == 0 {
		return ch.DefaultLocale
	}
	offered := make([]language.Tag, len(ch.Locales))
	for i, l := range ch.Locales {
		offered[i] = language.Make(l)
	}
	_, i, confidence := language.NewMatcher(offered).Match(wanted...)
	if confidence == language.No {
		return ch.DefaultLocale
	}
	return ch.Locales[i]
}
