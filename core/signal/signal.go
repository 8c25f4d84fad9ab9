// Package signal tells everyone who listens, in any process, that something has
// happened, so that a subscription can look again. A signal may be lost: what it
// says must be readable elsewhere too.
package signal

import "context"

// Board carries signals by topic ("order:0190…").
type Board interface {
	// Publish tells all listeners of the topic. It does not wait for them.
	Publish(ctx context.Context, topic string, data []byte)
	// Listen yields what is published to the topic from now until ctx ends, when
	// the channel closes. A listener that does not keep up misses some.
	Listen(ctx context.Context, topic string) <-chan []byte
}
