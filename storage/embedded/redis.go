package embedded

import (
	"fmt"

	"github.com/alicebob/miniredis/v2"
)

// Redis is a Redis inside this process. What it holds goes with it.
type Redis struct {
	URL    string // redis://127.0.0.1:port/0
	server *miniredis.Miniredis
}

// StartRedis starts a Redis on a free port of 127.0.0.1.
func StartRedis() (*Redis, error) {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("start the in-process Redis: %w", err)
	}
	return &Redis{URL: "redis://" + server.Addr() + "/0", server: server}, nil
}

// Stop ends it; clients find the port closed.
func (r *Redis) Stop() { r.server.Close() }

// Restart opens it again on the same port, with what it held.
func (r *Redis) Restart() error { return r.server.Restart() }

// Flush empties it, as a Redis without persistence is after a restart.
func (r *Redis) Flush() { r.server.FlushAll() }

// Dump is a copy of the strings it holds, for tests of a Redis that falls back.
func (r *Redis) Dump() map[string]string {
	held := map[string]string{}
	for _, key := range r.server.Keys() {
		if value, err := r.server.Get(key); err == nil {
			held[key] = value
		}
	}
	return held
}

// Load puts a dump back.
func (r *Redis) Load(held map[string]string) {
	for key, value := range held {
		_ = r.server.Set(key, value)
	}
}

// Stream is what the stream under the key holds, oldest first.
func (r *Redis) Stream(key string) ([]map[string]string, error) {
	entries, err := r.server.Stream(key)
	all := make([]map[string]string, len(entries))
	for i, entry := range entries {
		all[i] = map[string]string{}
		for j := 0; j+1 < len(entry.Values); j += 2 {
			all[i][entry.Values[j]] = entry.Values[j+1]
		}
	}
	return all, err
}
