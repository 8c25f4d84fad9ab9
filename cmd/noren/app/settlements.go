package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/sheet"
)

// settle makes the settlement files of every brand's days that are over. A brand whose files
// fail holds up no other.
func (a *App) settle(ctx context.Context, _ ledger.SettleJob) error {
	channels, err := a.Channels.All(ctx)
	if err != nil {
		return err
	}
	var failed []error
	settled := map[uuid.UUID]bool{}
	for _, c := range channels {
		if settled[c.BrandID] {
			continue
		}
		settled[c.BrandID] = true
		if err := a.Resolvers.Ledger.Settle(channel.With(ctx, c)); err != nil {
			failed = append(failed, fmt.Errorf("settlement files of brand %s: %w", c.BrandID, err))
		}
	}
	return errors.Join(failed...)
}

// settlementFile serves a settlement file to who has the link, line by line.
func (a *App) settlementFile(w http.ResponseWriter, r *http.Request) {
	a.download(w, r, func(out *download) error {
		id, expires, signature := signedFor(r)
		f, err := a.Resolvers.Ledger.Open(r.Context(), id, expires, signature)
		if err != nil {
			return err
		}
		encoding := sheet.UTF8
		if r.URL.Query().Get("encoding") == string(sheet.CP932) {
			encoding = sheet.CP932
		}
		out.kind, out.name = encoding.ContentType(), "settlement-"+f.From.Format("20060102")+"-"+f.To.Format("20060102")+".csv"
		return a.Resolvers.Ledger.Write(r.Context(), *f, encoding, out)
	})
}
