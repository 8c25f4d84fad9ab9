package app_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

func TestClientBehindProxiesIsKnownByTheAddressTheyName(t *testing.T) {
	t.Parallel()
	behind := apptest.Start(t, func(c *app.Config) { c.TrustedProxy = []string{"127.0.0.1", "10.0.0.0/8"} })
	bare := apptest.Start(t)
	for i, c := range []struct {
		app             *apptest.App
		forwarded, seen string
	}{
		{bare, "203.0.113.7", "127.0.0.1"},
		{behind, "203.0.113.7", "203.0.113.7"},
		{behind, "198.51.100.1, 203.0.113.7, 10.1.2.3", "203.0.113.7"}, // the first is the client's own invention
		{behind, "::ffff:203.0.113.7", "203.0.113.7"},
		{behind, "2001:db8::7", "2001:db8::7"},
		{behind, "10.1.2.3", "127.0.0.1"},
		{behind, "203.0.113.7, nonsense", "127.0.0.1"},
		{behind, "", "127.0.0.1"},
	} {
		var got struct {
			Register struct{ Tokens struct{ AccessToken string } }
		}
		c.app.Do(t, fmt.Sprintf(`mutation { register(input: {email: "m%d@example.jp", password: "correct horse battery"}) { tokens { accessToken } } }`, i),
			nil, "X-Forwarded-For", c.forwarded).Into(t, &got)
		var me struct {
			Me struct{ Sessions []struct{ Address string } }
		}
		c.app.Do(t, `{ me { sessions { address } } }`, nil, "Authorization", "Bearer "+got.Register.Tokens.AccessToken).Into(t, &me)
		require.Equal(t, c.seen, me.Me.Sessions[0].Address, c.forwarded)
	}
}
