// Package carrier speaks with carriers about where parcels are (配送状況): it asks them by
// JSON over HTTP, and reads the signed webhooks by which they report. docs/carriers.md
// describes what both look like.
package carrier

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/tracking"
)

// Settings are how noren speaks with one carrier.
type Settings struct {
	Code          string            `json:"code"`          // of the brands' shipping carriers
	PollURL       string            `json:"pollUrl"`       // where it is asked; empty: it is not
	Key           string            `json:"key"`           // noren's at the carrier
	PerSecond     float64           `json:"perSecond"`     // how often it may be asked; 1 if left out
	WebhookSecret string            `json:"webhookSecret"` // that signs its webhooks; empty: it sends none
	Statuses      map[string]string `json:"statuses"`      // its words for noren's; noren's if left out
}

// List is the settings of several carriers; it reads from a JSON array.
type List struct {
	Settings []Settings
	problem  error
}

// UnmarshalText reads a JSON array of settings. What is wrong with it is said by Check: a
// command line that cannot read a setting repeats it, secrets and all.
func (l *List) UnmarshalText(text []byte) error {
	if len(text) > 0 {
		l.problem = json.Unmarshal(text, &l.Settings)
	}
	return nil
}

var codes = regexp.MustCompile(`^[a-z0-9]+([-_][a-z0-9]+)*$`)

// minSecret is the least length of a webhook's secret.
const minSecret = 32

// Check fails on what is no array of carriers, and on what is missing or unsafe.
func (l *List) Check() error {
	if l.problem != nil {
		return fmt.Errorf("must be a JSON array of carriers: %w", l.problem)
	}
	seen := map[string]bool{}
	for _, s := range l.Settings {
		if seen[s.Code] {
			return fmt.Errorf("the carrier %q is there twice", s.Code)
		}
		seen[s.Code] = true
		if err := s.check(); err != nil {
			return fmt.Errorf("the carrier %q %w", s.Code, err)
		}
	}
	return nil
}

func (s Settings) check() error {
	if !codes.MatchString(s.Code) {
		return fmt.Errorf("needs a code of small letters, digits and hyphens")
	}
	if u, err := url.Parse(s.PollURL); s.PollURL != "" && (err != nil || u.Host == "" || (u.Scheme != "https" && u.Hostname() != "127.0.0.1")) {
		return fmt.Errorf("needs an https address in pollUrl")
	}
	if s.WebhookSecret != "" && len(s.WebhookSecret) < minSecret {
		return fmt.Errorf("needs a webhookSecret of at least %d characters", minSecret)
	}
	for theirs, ours := range s.Statuses {
		if !known(order.TrackingStatus(ours)) {
			return fmt.Errorf("calls %q %q, which is no status of noren", theirs, ours)
		}
	}
	return nil
}

func known(s order.TrackingStatus) bool {
	switch s {
	case order.TrackAccepted, order.TrackInTransit, order.TrackArriving, order.TrackAbsent, order.TrackDelivered, order.TrackReturned:
		return true
	}
	return false
}

// word is what a carrier says of a parcel.
type word struct {
	Status string    `json:"status"`
	At     time.Time `json:"at"`
	Place  string    `json:"place"`
}

// spoken is a parcel with what its carrier says of it.
type spoken struct {
	Number string `json:"number"`
	Events []word `json:"events"`
}

// reports are what is said, in noren's words; what noren has no word for is left out and
// counted.
func (s Settings) reports(all []spoken) (reports []tracking.Report, foreign int) {
	for _, p := range all {
		for _, e := range p.Events {
			status := order.TrackingStatus(cmp.Or(s.Statuses[e.Status], e.Status))
			if !known(status) || e.At.IsZero() || p.Number == "" {
				foreign++
				continue
			}
			place := []rune(strings.TrimSpace(norm.NFKC.String(e.Place)))
			reports = append(reports, tracking.Report{TrackingNumber: p.Number, Status: status, At: e.At.UTC(), Place: string(place[:min(len(place), 100)])})
		}
	}
	return reports, foreign
}
