package event_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/event"
)

func TestWhatPeopleTypedIsForgottenAndFactsStay(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"gone":"0190","reason":"同じ方でした","points":9007199254740993}`:             `{"gone":"0190","points":9007199254740993,"reason":""}`,
		`{"reason":"claimed","kept":"0190"}`:                                      ``,
		`{"before":{"state":"SENT","theirMember":"A-1"},"after":[{"note":"電話"}]}`: `{"after":[{"note":""}],"before":{"state":"SENT","theirMember":""}}`,
		`{"address":{"name":"山田","city":"渋谷区","lines":["1-2-3"]},"n":1.50}`:       `{"address":{"city":"","lines":[""],"name":""},"n":1.50}`,
		`{"reason":""}`: ``,
		`null`:          ``,
		`["理由"]`:        ``,
	} {
		got, changed, err := event.Forget(json.RawMessage(data))
		require.NoError(t, err)
		require.Equal(t, want != "", changed, data)
		if changed {
			require.Equal(t, want, string(got))
			_, changed, err = event.Forget(got)
			require.NoError(t, err)
			require.False(t, changed, "once is enough")
		} else {
			require.Equal(t, data, string(got))
		}
	}
	_, _, err := event.Forget(json.RawMessage(`{`))
	require.Error(t, err)
}
