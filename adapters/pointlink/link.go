// Package pointlink moves points to another point system that speaks JSON over HTTP:
// one POST for each transfer, under a key that moves points once however often it comes.
package pointlink

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/points"
)

// Config is where another system listens.
type Config struct {
	URL   string // that takes transfers
	Token string // of ours there
}

// Link is one other system.
type Link struct {
	config Config
	client *http.Client
}

// patience bounds one conversation.
const patience = 15 * time.Second

// New makes the way to another system.
func New(c Config) *Link { return &Link{c, &http.Client{Timeout: patience}} }

// request is what the other system is sent.
type request struct {
	Key         uuid.UUID `json:"key"`
	Member      string    `json:"member"`
	Points      int64     `json:"points"`
	RequestedAt time.Time `json:"requestedAt"`
}

// answer is what it says.
type answer struct {
	Result    string `json:"result"` // "accepted" or "rejected"
	Reference string `json:"reference"`
	Reason    string `json:"reason"`
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// Send tells the other system of a transfer. Whatever is not a clear yes or no is an
// error: it may have been heard, and is told again.
func (l *Link) Send(ctx context.Context, p points.Parcel) (points.Answer, error) {
	body, err := json.Marshal(request{p.Key, p.Member, p.Points, p.At.UTC()})
	if err != nil {
		return points.Answer{}, err
	}
	ask, err := http.NewRequestWithContext(ctx, http.MethodPost, l.config.URL, bytes.NewReader(body))
	if err != nil {
		return points.Answer{}, err
	}
	ask.Header.Set("Content-Type", "application/json")
	ask.Header.Set("Authorization", "Bearer "+l.config.Token)
	ask.Header.Set("Idempotency-Key", p.Key.String())
	response, err := l.client.Do(ask)
	if err != nil {
		return points.Answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusUnprocessableEntity {
		return points.Answer{}, fmt.Errorf("the point system answered %s", response.Status)
	}
	var said answer
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&said); err != nil {
		return points.Answer{}, fmt.Errorf("read the point system's answer: %w", err)
	}
	switch said.Result {
	case "accepted":
		return points.Answer{Accepted: true, Reference: said.Reference}, nil
	case "rejected":
		return points.Answer{Reference: said.Reference, Problem: said.Reason}, nil
	}
	return points.Answer{}, fmt.Errorf("the point system answered %q", said.Result)
}
