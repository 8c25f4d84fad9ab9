package idempotency_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/idempotency"
)

// twice runs what it is given twice, as where the first try was rolled back.
type twice struct{}

func (twice) InTx(ctx context.Context, f func(context.Context) error) error {
	if err := f(ctx); err != nil {
		return err
	}
	return f(ctx)
}

// overtaken is a store in which somebody else has used the key since the first try.
type overtaken struct {
	tries  *int
	answer string
}

func (o overtaken) Claim(_ context.Context, c idempotency.Claim) idempotency.Claimed {
	return func(context.Context) (*idempotency.Earlier, error) {
		if *o.tries++; *o.tries == 1 {
			return nil, nil
		}
		return &idempotency.Earlier{InputHash: c.InputHash, Answer: json.RawMessage(o.answer)}, nil
	}
}

func (overtaken) Keep(context.Context, idempotency.Claim, json.RawMessage) error { return nil }
func (overtaken) Forget(context.Context, time.Time, int) (int, error)            { return 0, nil }

func TestWhatWasRolledBackIsNotAnswered(t *testing.T) {
	t.Parallel()
	act := func(context.Context) (string, error) { return "rolled back", nil }
	read := func(context.Context) (string, error) { return "as it stands", nil }

	answer, err := idempotency.OnceRead(t.Context(), idempotency.New(twice{}, overtaken{new(int), `{}`}, clock.System), "move", "a-long-key", nil, act, read)
	require.NoError(t, err)
	require.Equal(t, "as it stands", answer)

	type told struct {
		Kept  string
		Shown string `json:"-"`
	}
	again, err := idempotency.Once(t.Context(), idempotency.New(twice{}, overtaken{new(int), `{"Kept": "theirs"}`}, clock.System), "move", "a-long-key", nil,
		func(context.Context) (told, error) { return told{"ours", "once"}, nil })
	require.NoError(t, err)
	require.Equal(t, told{Kept: "theirs"}, again)
}
