package carrier

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/order"
)

func TestSettingsOfCarriersAreChecked(t *testing.T) {
	t.Parallel()
	const good = `{"code":"kamome","pollUrl":"https://api.kamome.example/track","key":"k","webhookSecret":"a secret of at least 32 characters"}`
	for want, text := range map[string]string{
		"":                     "[" + good + "]",
		"must be a JSON array": "kamome",
		"is there twice":       "[" + good + "," + good + "]",
		"needs a code":         `[{"code":"カモメ"}]`,
		"https":                `[{"code":"kamome","pollUrl":"http://api.kamome.example/"}]`,
		"32 characters":        `[{"code":"kamome","webhookSecret":"short"}]`,
		"no status of noren":   `[{"code":"kamome","statuses":{"配完":"THERE"}}]`,
	} {
		var l List
		require.NoError(t, l.UnmarshalText([]byte(text)), "what is wrong is said without the secrets")
		if err := l.Check(); want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, want)
		}
	}
}

func TestACarriersWordsAreNorens(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 5, 12, 0, 0, 0, time.FixedZone("JST", 9*60*60))
	s := Settings{Statuses: map[string]string{"配達完了": "DELIVERED"}}
	reports, foreign := s.reports([]spoken{{"1", []word{{"配達完了", at, " 渋谷営業所 "}, {"ABSENT", at, ""}, {"迷子", at, ""}, {"ABSENT", time.Time{}, ""}}}, {"", []word{{"ABSENT", at, ""}}}})
	require.Equal(t, 3, foreign)
	require.Len(t, reports, 2)
	require.Equal(t, order.TrackDelivered, reports[0].Status)
	require.Equal(t, "渋谷営業所", reports[0].Place)
	require.Equal(t, at.UTC(), reports[0].At)
}
