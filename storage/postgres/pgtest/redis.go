package pgtest

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/storage/embedded"
)

// Redis starts an in-process Redis that is this test's alone, so that the test
// may stop it.
func Redis(t testing.TB) *embedded.Redis {
	t.Helper()
	server, err := embedded.StartRedis()
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	return server
}

// RedisURL names a Redis to test with: REDIS_URL's, which other tests share (keys
// must be unique), or an in-process one.
func RedisURL(t testing.TB) string {
	t.Helper()
	if named := os.Getenv("REDIS_URL"); named != "" {
		return named
	}
	return Redis(t).URL
}
