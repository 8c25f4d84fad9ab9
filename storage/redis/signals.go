package redis

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"

	"github.com/noren-commerce/noren/core/signal"
)

// unheard is how many signals wait for a listener before it misses some.
const unheard = 16

// Signals carries signals within the process directly, and to other processes
// through Redis while it is there.
type Signals struct {
	client *Client
	self   [16]byte // marks what this process has sent, and so heard already

	mu        sync.Mutex
	listeners map[string]map[chan []byte]struct{}
	remote    *goredis.PubSub // open while somebody listens
}

var _ signal.Board = (*Signals)(nil)

// NewSignals makes the board.
func NewSignals(client *Client) *Signals {
	return &Signals{client: client, self: uuid.New(), listeners: map[string]map[chan []byte]struct{}{}}
}

const signalPrefix = "noren:signal:"

// Publish tells all listeners of the topic.
func (s *Signals) Publish(ctx context.Context, topic string, data []byte) {
	s.tell(topic, data)
	if s.client.Up() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), replyWithin)
		defer cancel()
		s.client.rdb.Publish(ctx, signalPrefix+topic, append(s.self[:len(s.self):len(s.self)], data...))
	}
}

// Listen yields what is published to the topic until ctx ends.
func (s *Signals) Listen(ctx context.Context, topic string) <-chan []byte {
	heard := make(chan []byte, unheard)
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.listeners[topic] == nil
	if first {
		s.listeners[topic] = map[chan []byte]struct{}{}
	}
	s.listeners[topic][heard] = struct{}{}
	if first {
		s.subscribe(topic)
	}
	context.AfterFunc(ctx, func() { s.leave(topic, heard) })
	return heard
}

func (s *Signals) leave(topic string, heard chan []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners[topic], heard)
	close(heard)
	if len(s.listeners[topic]) > 0 {
		return
	}
	delete(s.listeners, topic)
	if s.remote != nil {
		_ = s.remote.Unsubscribe(context.Background(), signalPrefix+topic)
	}
}

// subscribe asks Redis for the topic; the caller holds the lock. The connection
// is made when the first listener comes, and mends itself: it knows its topics.
func (s *Signals) subscribe(topic string) {
	if !s.client.Configured() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), dialWithin+replyWithin)
	defer cancel()
	if s.remote != nil {
		_ = s.remote.Subscribe(ctx, signalPrefix+topic)
		return
	}
	s.remote = s.client.rdb.Subscribe(ctx, signalPrefix+topic)
	go s.receive(s.remote.Channel(goredis.WithChannelHealthCheckInterval(time.Second)))
}

func (s *Signals) receive(messages <-chan *goredis.Message) {
	for m := range messages {
		data, ok := []byte(m.Payload), len(m.Payload) >= len(s.self)
		if ok && !bytes.Equal(data[:len(s.self)], s.self[:]) {
			s.tell(m.Channel[len(signalPrefix):], data[len(s.self):])
		}
	}
}

func (s *Signals) tell(topic string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for heard := range s.listeners[topic] {
		select {
		case heard <- data:
		default: // it has enough to look at already
		}
	}
}

// Close ends the connection to Redis; listeners end with their contexts.
func (s *Signals) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.remote == nil {
		return nil
	}
	return s.remote.Close()
}
