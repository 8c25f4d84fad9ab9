package embedded_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/storage/embedded"
)

func TestClusterKeepsItsDataOverARestart(t *testing.T) {
	t.Parallel()
	parent, err := os.MkdirTemp("/var/tmp", "noren-embedded-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	require.NoError(t, os.Chmod(parent, 0o755))
	options := embedded.PostgresOptions{DataDir: filepath.Join(parent, "postgres")}

	cluster, err := embedded.StartPostgres(t.Context(), options)
	require.NoError(t, err)
	execute(t, cluster.URL, `CREATE TABLE kept (n int)`)
	_, err = embedded.StartPostgres(t.Context(), options)
	require.ErrorContains(t, err, "another noren runs on", "a second one on the same data")
	require.NoError(t, cluster.Stop())

	again, err := embedded.StartPostgres(t.Context(), options)
	require.NoError(t, err)
	execute(t, again.URL, `INSERT INTO kept VALUES (1)`)
	require.NoError(t, again.Stop())
}

func TestThrowawayClusterLeavesNothing(t *testing.T) {
	t.Parallel()
	cluster, err := embedded.StartPostgres(t.Context(), embedded.PostgresOptions{Throwaway: true})
	require.NoError(t, err)
	require.NoError(t, cluster.Stop())
	_, err = os.Stat(filepath.Dir(cluster.DataDir))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func execute(t *testing.T, url, sql string) {
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
}
