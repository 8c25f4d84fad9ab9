package telemetry

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"
)

// checkWithin bounds one look at something noren needs.
const checkWithin = time.Second

// Health answers those who decide whether a noren lives and gets work.
type Health struct {
	Checks   []Check
	draining atomic.Bool
}

// Check looks at something that noren works with.
type Check struct {
	Name  string
	Vital bool // without it noren can answer nothing
	Look  func(context.Context) error
}

// Drain makes noren unready for good.
func (h *Health) Drain() { h.draining.Store(true) }

// Draining reports whether noren finishes what it has and takes nothing new.
func (h *Health) Draining() bool { return h.draining.Load() }

// Live answers 200 as long as the process can answer at all: a database that is
// away is no reason to start noren again.
func (h *Health) Live(w http.ResponseWriter, _ *http.Request) {
	tell(w, http.StatusOK, map[string]string{"status": "ok"})
}

// Ready answers 200 when requests may be sent here, 503 when not, and says why.
func (h *Health) Ready(w http.ResponseWriter, r *http.Request) {
	status, report := http.StatusOK, map[string]string{"status": "ready"}
	for _, c := range h.Checks {
		ctx, cancel := context.WithTimeout(r.Context(), checkWithin)
		err := c.Look(ctx)
		cancel()
		report[c.Name] = "ok"
		if err != nil {
			report[c.Name] = "down" // the cause is for the log, not for passers-by
		}
		if err != nil && c.Vital {
			status, report["status"] = http.StatusServiceUnavailable, "unready"
		}
	}
	if h.Draining() {
		status, report["status"] = http.StatusServiceUnavailable, "draining"
	}
	tell(w, status, report)
}

func tell(w http.ResponseWriter, status int, report map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(report)
}
