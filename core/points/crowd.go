package points

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
)

// crowd gathers postings that come at once into one transaction: one commit and a few
// statements serve them all, and those on one account do not wait for each other's
// commits. Nobody is answered before the transaction is committed.
type crowd struct {
	sync.Mutex
	waiting []*waiting
	leaders int
}

// waiting is one posting whose caller waits.
type waiting struct {
	posting Posting
	from    context.Context //nolint:containedctx // whose values the posting is made with
	done    chan struct{}
	result  Result
	err     error
}

const (
	leadersAtOnce  = 2   // transactions under way
	gatherAtMost   = 256 // postings in one
	gatherPatience = 10 * time.Second
)

// Submit makes a posting in a transaction that it may share with others; it fails or
// succeeds for itself. Only what stands alone is submitted: what belongs to an order's
// transaction goes through Post.
func (s *Service) Submit(ctx context.Context, p Posting) (Result, error) {
	w := &waiting{posting: p, from: ctx, done: make(chan struct{})}
	c := &s.crowd
	c.Lock()
	c.waiting = append(c.waiting, w)
	lead := c.leaders < leadersAtOnce
	if lead {
		c.leaders++
	}
	c.Unlock()
	if lead {
		go s.lead()
	}
	select {
	case <-w.done:
		return w.result, w.err
	case <-ctx.Done(): // it may happen all the same: the key tells
		return Result{}, ctx.Err()
	}
}

// lead serves those who wait until nobody does.
func (s *Service) lead() {
	c := &s.crowd
	for {
		c.Lock()
		n := min(len(c.waiting), gatherAtMost)
		if n == 0 {
			c.leaders--
			c.Unlock()
			return
		}
		some := c.waiting[:n:n]
		c.waiting = c.waiting[n:]
		c.Unlock()
		s.serve(some)
	}
}

// serve makes the postings in one transaction; if that fails, each in its own.
func (s *Service) serve(some []*waiting) {
	ctx, cancel := context.WithTimeout(context.Background(), gatherPatience)
	defer cancel()
	err := s.together(ctx, some)
	for _, w := range some {
		if err != nil {
			if len(some) > 1 {
				one := channel.With(access.With(ctx, access.From(w.from)), channel.From(w.from))
				w.result, w.err = first(s.Post(one, w.posting))
			} else {
				w.result, w.err = Result{}, err
			}
		}
		close(w.done)
	}
}

func (s *Service) together(ctx context.Context, some []*waiting) error {
	all := make([]Posting, len(some))
	for i, w := range some {
		all[i] = w.posting
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		book, err := s.open(ctx, all)
		if err != nil {
			return err
		}
		for _, w := range some {
			w.result, w.err = book.Post(w.posting)
		}
		return s.write(ctx, book)
	})
}

// memberOf is the member that an event of points is about.
func memberOf(e event.Event) (uuid.UUID, bool) {
	var m moved
	err := json.Unmarshal(e.Data, &m)
	return m.MemberID, err == nil && m.MemberID != uuid.Nil
}

// first is the only result, or why there is none.
func first(results []Result, err error) (Result, error) {
	if err != nil {
		return Result{}, err
	}
	if len(results) == 0 {
		return Result{}, errors.New("a posting has no result")
	}
	return results[0], nil
}
