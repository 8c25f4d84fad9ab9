package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows how far something is: a bar on a terminal, elsewhere a line for
// each tenth, so that logs stay readable.
type progress struct {
	what        string
	total, told int64
	bar         *progressbar.ProgressBar // nil where standard error is no terminal
}

func newProgress(what string, total int64, options ...progressbar.Option) *progress {
	p := &progress{what: what, total: max(total, 1)}
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		p.bar = progressbar.NewOptions64(p.total, append(options, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(what),
			progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionClearOnFinish())...)
	}
	return p
}

// set says that n of the total is done.
func (p *progress) set(n int64) {
	if p.bar != nil {
		_ = p.bar.Set64(n)
		return
	}
	if tenth := n * 10 / p.total; tenth > p.told {
		p.told = tenth
		fmt.Fprintf(os.Stderr, "%s: %d %%\n", p.what, tenth*10)
	}
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
