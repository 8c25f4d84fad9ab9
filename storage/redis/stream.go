package redis

import (
	"context"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/noren-commerce/noren/core/event"
)

const (
	// streamKey is where consumers outside noren read the events.
	streamKey = "noren:events"
	// streamMost is about how many events the stream keeps; PostgreSQL has all.
	streamMost = 100_000
	// streamWithin bounds the telling of one page of events.
	streamWithin = 5 * time.Second
)

// Stream tells events to consumers outside noren through the Redis stream
// noren:events. An event may come more than once; its id tells.
type Stream struct{ client *Client }

// NewStream makes the stream's writer.
func NewStream(client *Client) *Stream { return &Stream{client} }

// Tell adds the events to the stream in their order, or fails.
func (s *Stream) Tell(ctx context.Context, events []event.Event) error {
	if !s.client.Up() {
		return ErrDown
	}
	ctx, cancel := context.WithTimeout(ctx, streamWithin)
	defer cancel()
	pipe := s.client.rdb.Pipeline()
	for _, e := range events {
		pipe.XAdd(ctx, &goredis.XAddArgs{
			Stream: streamKey, MaxLen: streamMost, Approx: true,
			Values: []any{
				"id", e.ID.String(), "at", e.At.Format(time.RFC3339Nano), "type", e.Type, "brand", e.BrandID.String(),
				"subject", e.Subject, "subjectId", e.SubjectID.String(),
				"actorRole", string(e.ActorRole), "actorId", e.ActorID.String(), "data", string(e.Data),
			},
		})
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("add to the stream %s: %w", streamKey, err)
	}
	return nil
}
