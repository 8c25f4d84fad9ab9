package redis

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"github.com/noren-commerce/noren/core/channel"
)

const (
	// answerFor is how long an answer is kept. A change makes it unreachable at
	// once; this bounds how late it shows what time alone changes, such as the
	// beginning of a sale, and how old it can be should Redis forget a change.
	answerFor = 30 * time.Second
	// answerMost is the largest answer that is kept, in bytes.
	answerMost = 512 << 10
	// answersHere bounds what one process keeps, in bytes.
	answersHere = 32 << 20
	// documentFor is how long an automatically persisted query is remembered
	// after it was last sent in full.
	documentFor = 7 * 24 * time.Hour
	// documentsHere bounds the documents that one process keeps, in bytes.
	documentsHere = 4 << 20
)

// Answers keeps whole answers to public operations, in this process and in Redis.
// The caller's keys hold the generation, so nothing here is ever out of date.
type Answers struct {
	client      *Client
	generations *Generations
	here        *otter.Cache[string, []byte]
	counts      answerCounts
}

type answerCounts struct{ here, there, missed, blind atomic.Int64 }

// AnswerStats count look-ups since the start.
type AnswerStats struct {
	Here   int64 // found in this process
	There  int64 // found in Redis
	Missed int64 // found nowhere
	Blind  int64 // not looked up: the generation was not known
}

// NewAnswers makes an empty cache of answers.
func NewAnswers(client *Client, generations *Generations) *Answers {
	return &Answers{client: client, generations: generations, here: otter.Must(&otter.Options[string, []byte]{
		MaximumWeight:    answersHere,
		Weigher:          func(key string, answer []byte) uint32 { return uint32(len(key)+len(answer)) + 64 }, //nolint:gosec // at most answerMost
		ExpiryCalculator: otter.ExpiryWriting[string, []byte](answerFor),
	})}
}

// Generation is the number of the state that the channel's brand shows.
func (a *Answers) Generation(ctx context.Context, _ uuid.UUID) (uint64, bool) {
	now, ok := a.generations.Now(ctx, channel.From(ctx).BrandID)
	if !ok {
		a.counts.blind.Add(1)
	}
	return now, ok
}

// Get is the answer kept under the key.
func (a *Answers) Get(ctx context.Context, key string) ([]byte, bool) {
	if answer, ok := a.here.GetIfPresent(key); ok {
		a.counts.here.Add(1)
		return answer, true
	}
	if a.client.Up() {
		if answer, err := a.client.rdb.Get(ctx, "noren:"+key).Bytes(); err == nil {
			a.counts.there.Add(1)
			a.here.Set(key, answer)
			return answer, true
		}
	}
	a.counts.missed.Add(1)
	return nil, false
}

// Set keeps the answer.
func (a *Answers) Set(ctx context.Context, key string, answer []byte) {
	if len(answer) > answerMost {
		return
	}
	a.here.Set(key, answer)
	if a.client.Up() {
		a.client.rdb.Set(ctx, "noren:"+key, answer, spread(answerFor))
	}
}

// Stats are the counts so far.
func (a *Answers) Stats() AnswerStats {
	c := &a.counts
	return AnswerStats{Here: c.here.Load(), There: c.there.Load(), Missed: c.missed.Load(), Blind: c.blind.Load()}
}

// spread takes up to a fifth off, so that what was kept together does not end
// together.
func spread(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/5+1)) //nolint:gosec // jitter
}

// Documents remembers automatically persisted queries by their SHA-256. Without
// Redis each process remembers for itself.
type Documents struct {
	client *Client
	here   *otter.Cache[string, string]
}

// NewDocuments makes an empty memory of documents.
func NewDocuments(client *Client) *Documents {
	return &Documents{client: client, here: otter.Must(&otter.Options[string, string]{
		MaximumWeight: documentsHere,
		Weigher:       func(_, source string) uint32 { return uint32(len(source)) + 128 }, //nolint:gosec // bounded by the request's body
	})}
}

// Get is the document with the hash.
func (d *Documents) Get(ctx context.Context, sha256 string) (string, bool) {
	if source, ok := d.here.GetIfPresent(sha256); ok {
		return source, true
	}
	if !d.client.Up() {
		return "", false
	}
	source, err := d.client.rdb.Get(ctx, "noren:document:"+sha256).Result()
	if err != nil {
		return "", false
	}
	d.here.Set(sha256, source)
	return source, true
}

// Put remembers a document; the caller has checked the hash.
func (d *Documents) Put(ctx context.Context, sha256, source string) {
	d.here.Set(sha256, source)
	if d.client.Up() {
		d.client.rdb.Set(ctx, "noren:document:"+sha256, source, documentFor)
	}
}
