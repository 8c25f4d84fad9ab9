package app

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/noren-commerce/noren/adapters/carrier"
	"github.com/noren-commerce/noren/adapters/signed"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/dispatch"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/prize"
	"github.com/noren-commerce/noren/core/tracking"
	"github.com/noren-commerce/noren/storage/postgres"
)

// carriers are what passes between noren and those who carry parcels.
type carriers struct {
	files   *dispatch.Service
	papers  *dispatch.Papers
	results *dispatch.Results
	issues  *tracking.Issues
	follow  *tracking.Service
}

// CarrierConfig says how noren hears of parcels on their way.
type CarrierConfig struct {
	Carriers  carrier.List  `env:"NOREN_CARRIERS" help:"Carriers that tell where parcels are, a JSON array: [{\"code\":\"kamome\",\"pollUrl\":\"https://…\",\"key\":\"…\",\"webhookSecret\":\"…\"}]. See docs/carriers.md."`
	LateAfter time.Duration `env:"NOREN_LATE_AFTER" default:"96h" help:"A shipment of which its carrier says nothing new for as long is late."`
}

// check fails on the first setting that carriers cannot be followed with.
func (c CarrierConfig) check() error {
	if err := c.Carriers.Check(); err != nil {
		return setting("NOREN_CARRIERS", "%w", err)
	}
	return nil
}

// lateAfter is LateAfter where nothing is set.
const lateAfter = 96 * time.Hour

// trackers are the carriers that can be asked.
func (c CarrierConfig) trackers() (all []tracking.Tracker) {
	for _, s := range c.Carriers.Settings {
		if s.PollURL != "" {
			all = append(all, carrier.NewPoller(s))
		}
	}
	return all
}

func newCarriers(cfg Config, db *postgres.DB, keys *idempotency.Keys, orders *order.Service, parcels *postgres.Prizes, prizes *prize.Service, jobs *postgres.Jobs, now clock.Clock) (c carriers, err error) {
	links, err := dispatch.NewLinks(cfg.Secret, cfg.PublicURL, now)
	if err != nil {
		return c, err
	}
	if c.files, err = dispatch.New(dispatch.Parts{Tx: db, Store: postgres.NewDispatch(db), Keys: keys, Prizes: parcels, Links: links, Events: postgres.NewEvents(db), Now: now}); err != nil {
		return c, err
	}
	if c.papers, err = newPapers(cfg, db, parcels, now); err != nil {
		return c, err
	}
	events := postgres.NewEvents(db)
	c.issues = tracking.NewIssues(db, postgres.NewTracking(db), events, now)
	c.results = dispatch.NewResults(dispatch.ResultParts{
		Tx: db, Store: postgres.NewDispatch(db), Orders: orders, Prizes: prizes, Issues: c.issues, Jobs: jobs, Events: events, Now: now,
	})
	c.follow = tracking.New(tracking.Parts{
		Tx: db, Store: postgres.NewTracking(db), Orders: orders, Issues: c.issues, Channels: channel.New(postgres.NewChannels(db), now).All,
		Trackers: cfg.trackers(), Events: events, Still: cmp.Or(cfg.LateAfter, lateAfter), Now: now,
	})
	return c, nil
}

// NewDispatch makes the writer of files of instructions over a database, for the command:
// of shipments alone, since it has no keys of prizes' addresses.
func NewDispatch(db *postgres.DB, now clock.Clock) (*dispatch.Service, error) {
	return dispatch.New(dispatch.Parts{Tx: db, Store: postgres.NewDispatch(db), Keys: idempotency.New(db, postgres.NewKeys(db), now), Events: postgres.NewEvents(db), Now: now})
}

// carrierReport takes in what a carrier says of parcels. One report that fails does not keep
// the others from being taken in. Answers: 200 all taken in (also when said before), 400
// unsigned or unreadable, 404 no such carrier, 413 too large, 500 send it again later: what
// was taken in counts once.
func (a *App) carrierReport(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(a.Config.Carriers.Settings, func(s carrier.Settings) bool { return s.Code == chi.URLParam(r, "carrier") })
	if i < 0 {
		say(w, http.StatusNotFound, "this carrier is not set up")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhook))
	if err != nil {
		say(w, http.StatusRequestEntityTooLarge, "the body is too large, or could not be read")
		return
	}
	s, ctx := a.Config.Carriers.Settings[i], access.With(r.Context(), access.System)
	reports, foreign, err := s.Interpret(body, r.Header.Get(carrier.SignatureHeader), a.now())
	switch {
	case errors.Is(err, signed.ErrUnsigned):
		slog.WarnContext(ctx, "a carrier's webhook without a valid signature", "carrier", s.Code, "remote", r.RemoteAddr, "error", err)
		say(w, http.StatusBadRequest, signed.ErrUnsigned.Error())
		return
	case err != nil:
		say(w, http.StatusBadRequest, carrier.ErrUnreadable.Error())
		return
	case foreign > 0:
		slog.WarnContext(ctx, "a carrier says what noren has no word for", "carrier", s.Code, "events", foreign)
	}
	failed := 0
	for _, report := range reports {
		if err := a.Tracking.Take(ctx, s.Code, report); err != nil {
			slog.ErrorContext(ctx, "a carrier's report could not be taken in", "carrier", s.Code, "parcel", report.TrackingNumber, "error", err)
			failed++
		}
	}
	if failed > 0 {
		say(w, http.StatusInternalServerError, fmt.Sprintf("%d of %d not taken in; send it again", failed, len(reports)))
		return
	}
	say(w, http.StatusOK, "TAKEN")
}

// shipmentFile serves the file of instructions that a signed link leads to.
func (a *App) shipmentFile(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	batch, content, err := a.Resolvers.Dispatch.Open(r.Context(), chi.URLParam(r, "id"), query.Get("expires"), query.Get("signature"))
	if err != nil {
		a.Edge.WriteFault(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=Shift_JIS")
	h.Set("Content-Length", strconv.Itoa(len(content)))
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s"`, url.PathEscape(batch.FileName)))
	unkept(h)
	_, _ = w.Write(content) //nolint:gosec // a CSV to download, of noren's own making
}
