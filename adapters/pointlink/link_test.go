package pointlink_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/pointlink"
	"github.com/noren-commerce/noren/core/points"
)

func TestAnotherSystemIsTold(t *testing.T) {
	t.Parallel()
	key := uuid.New()
	for name, c := range map[string]struct {
		status int
		body   string
		want   points.Answer
		failed bool
	}{
		"it takes them":            {200, `{"result":"accepted","reference":"R-9"}`, points.Answer{Accepted: true, Reference: "R-9"}, false},
		"it turns them down":       {422, `{"result":"rejected","reason":"unknown member"}`, points.Answer{Problem: "unknown member"}, false},
		"it is broken":             {500, `{"result":"accepted"}`, points.Answer{}, true},
		"it says something else":   {200, `{"result":"later"}`, points.Answer{}, true},
		"it says nothing":          {200, ``, points.Answer{}, true},
		"it does not let us in":    {401, `{"result":"rejected"}`, points.Answer{}, true},
		"it breaks off in the mid": {200, `{"result":"acc`, points.Answer{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var asked struct {
					Key    uuid.UUID
					Member string
					Points int64
				}
				if json.NewDecoder(r.Body).Decode(&asked) != nil || asked.Key != key || asked.Member != "m-1" || asked.Points != 50 ||
					r.Header.Get("Idempotency-Key") != key.String() || r.Header.Get("Authorization") != "Bearer secret" {
					w.WriteHeader(http.StatusTeapot)
					return
				}
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			t.Cleanup(server.Close)
			got, err := pointlink.New(pointlink.Config{URL: server.URL, Token: "secret"}).Send(t.Context(), points.Parcel{Key: key, Member: "m-1", Points: 50, At: time.Unix(0, 0)})
			require.Equal(t, c.failed, err != nil, "%v", err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	_, err := pointlink.New(pointlink.Config{URL: server.URL, Token: "secret"}).Send(t.Context(), points.Parcel{Key: uuid.New()})
	require.Error(t, err)
}
