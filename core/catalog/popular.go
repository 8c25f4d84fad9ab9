package catalog

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/search"
)

// Asked is how often shoppers of a brand asked for something.
type Asked struct {
	BrandID uuid.UUID
	Key     string
	Text    string
	Times   int
	At      time.Time
}

// Popular queries are counted in memory and written down now and then, so that a
// search costs no write. A process that dies forgets at most the last moment.
const (
	writeEvery = 10 * time.Second
	maxAsked   = 1000
)

type popularity struct {
	store interface {
		CountQueries(ctx context.Context, asked []Asked) error
	}
	now     clock.Clock
	mu      sync.Mutex
	counts  map[askedKey]*Asked
	written time.Time
}

type askedKey struct {
	brand uuid.UUID
	key   string
}

// asked counts one search that found something.
func (p *popularity) asked(ctx context.Context, brandID uuid.UUID, text string) {
	keys := search.Beginnings(text)
	if len(keys) == 0 {
		return
	}
	due := p.count(askedKey{brandID, keys[0]}, text)
	if len(due) == 0 {
		return
	}
	go func() { // the shopper does not wait for statistics
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeEvery)
		defer cancel()
		if err := p.store.CountQueries(ctx, due); err != nil {
			slog.WarnContext(ctx, "popular searches were not written down", "error", err)
		}
	}()
}

// count adds one and takes the counts out when it is time to write them.
func (p *popularity) count(key askedKey, text string) []Asked {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if p.written.IsZero() {
		p.written = now
	}
	switch counted := p.counts[key]; {
	case counted != nil:
		counted.Times++
	case len(p.counts) < maxAsked:
		p.counts[key] = &Asked{BrandID: key.brand, Key: key.key, Text: text, Times: 1, At: now}
	}
	if now.Sub(p.written) < writeEvery {
		return nil
	}
	due := make([]Asked, 0, len(p.counts))
	for _, counted := range p.counts {
		due = append(due, *counted)
	}
	p.counts, p.written = map[askedKey]*Asked{}, now
	return due
}
