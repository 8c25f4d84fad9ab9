package app

import (
	"net/http"
	"net/netip"

	"golang.org/x/text/language"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
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
		ctx = access.With(ctx, actorOf(r))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
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

func actorOf(r *http.Request) access.Actor {
	actor := access.Guest
	actor.CartToken = r.Header.Get("X-Cart-Token")
	if address, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		actor.Address = address.Addr()
	}
	return actor
}
