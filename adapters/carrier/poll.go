package carrier

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"github.com/noren-commerce/noren/core/tracking"
)

// Bounds of one question.
const (
	maxNumbers = 100
	maxAnswer  = 4 << 20
	patience   = 15 * time.Second
)

// Poller asks a carrier where parcels are, no faster than it allows.
type Poller struct {
	settings Settings
	client   *http.Client
	pace     *rate.Limiter
}

// NewPoller makes who asks the carrier.
func NewPoller(s Settings) *Poller {
	return &Poller{s, &http.Client{Timeout: patience}, rate.NewLimiter(rate.Limit(cmp.Or(s.PerSecond, 1)), 1)}
}

// Carrier is the carrier's code.
func (p *Poller) Carrier() string { return p.settings.Code }

// Batch is how many numbers one question has at most.
func (p *Poller) Batch() int { return maxNumbers }

// Track is what the carrier says of the parcels with the numbers.
func (p *Poller) Track(ctx context.Context, numbers []string) ([]tracking.Report, error) {
	if err := p.pace.Wait(ctx); err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]any{"numbers": numbers})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.settings.PollURL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+p.settings.Key)
	response, err := p.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", p.settings.Code, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask %s: it answers %s", p.settings.Code, response.Status)
	}
	var answer struct {
		Parcels []spoken `json:"parcels"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", p.settings.Code, err)
	}
	reports, foreign := p.settings.reports(answer.Parcels)
	if foreign > 0 {
		slog.WarnContext(ctx, "a carrier says what noren has no word for", "carrier", p.settings.Code, "events", foreign)
	}
	return reports, nil
}
