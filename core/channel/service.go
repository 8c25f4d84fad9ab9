package channel

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
)

// Store keeps the channels.
type Store interface {
	Channels(ctx context.Context) ([]Channel, error)
}

// freshFor is how long a process trusts the channels it has read. They change
// about once a year.
const freshFor = 10 * time.Second

// Service finds the channel of a request.
type Service struct {
	store  Store
	now    clock.Clock
	cached atomic.Pointer[snapshot]
}

type snapshot struct {
	channels []Channel
	readAt   time.Time
}

// New makes the channel service.
func New(store Store, now clock.Clock) *Service { return &Service{store: store, now: now} }

// Resolve is the channel with the code, else the one that serves the host, else
// the oldest, else, in an installation that has none yet, a channel that shows
// nothing. An unknown code is fault.CodeNotFound.
func (s *Service) Resolve(ctx context.Context, code, host string) (Channel, error) {
	channels, err := s.All(ctx)
	if err != nil {
		return Channel{}, err
	}
	host, _, _ = strings.Cut(strings.ToLower(host), ":")
	var found *Channel
	for i, c := range channels {
		if code != "" && c.Code == code {
			return c, nil
		}
		if code == "" && found == nil && serves(c, host) {
			found = &channels[i]
		}
	}
	switch {
	case code == "" && len(channels) == 0:
		return Channel{DefaultLocale: "ja"}, nil
	case code != "":
		return Channel{}, fault.NotFound(fault.CodeNotFound, "指定されたチャネルはありません", "There is no such channel")
	case found == nil:
		return channels[0], nil
	}
	return *found, nil
}

// All are the channels, oldest first.
func (s *Service) All(ctx context.Context) ([]Channel, error) {
	if snap := s.cached.Load(); snap != nil && s.now().Sub(snap.readAt) < freshFor {
		return snap.channels, nil
	}
	channels, err := s.store.Channels(ctx)
	if err != nil {
		return nil, err
	}
	for i := range channels {
		channels[i].zone = loadZone(channels[i].TimeZone)
	}
	s.cached.Store(&snapshot{channels: channels, readAt: s.now()})
	return channels, nil
}

func serves(c Channel, host string) bool {
	for _, h := range c.Hosts {
		if h == host {
			return true
		}
	}
	return false
}
