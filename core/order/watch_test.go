package order_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/order"
)

// topics notes what is published.
type topics struct{ said []string }

func (b *topics) Publish(_ context.Context, topic string, _ []byte) { b.said = append(b.said, topic) }

func (*topics) Listen(context.Context, string) <-chan []byte { return nil }

func TestWatchersHearOfAnOrdersPaymentsToo(t *testing.T) {
	t.Parallel()
	board, first, second := &topics{}, id.New(), id.New()
	raw, err := json.Marshal(map[string]any{"orderId": second})
	require.NoError(t, err)
	order.Signalled(t.Context(), board, []event.Event{
		{Subject: "Order", SubjectID: first},
		{Subject: "Payment", SubjectID: id.New(), Data: raw},
		{Subject: "Payment", SubjectID: id.New(), Data: json.RawMessage("null")},
		{Subject: "Product", SubjectID: id.New(), Data: raw},
	})
	require.Equal(t, []string{"order:" + first.String(), "order:" + second.String()}, board.said)
}
