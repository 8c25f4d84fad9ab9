package embedded_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"

	"github.com/noren-commerce/noren/storage/embedded"
)

const install = "no PostgreSQL on this machine and none could be downloaded: install it (Debian: apt-get install postgresql; macOS: brew install postgresql), or set DATABASE_URL"

// room is a directory that every user can walk to.
func room(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "noren-embedded-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

// bare is a machine without PostgreSQL, which downloads from the repository.
func bare(dir, repository string) embedded.PostgresOptions {
	return embedded.PostgresOptions{DataDir: filepath.Join(dir, "postgres"), Programs: embedded.Programs{
		Folders: []string{filepath.Join(dir, "none", "*", "bin")}, Repository: repository, Cache: filepath.Join(dir, "cache", "postgres"),
	}}
}

func TestMachineWithoutPostgresIsToldWhatToInstall(t *testing.T) {
	t.Parallel()
	broken := archive(t, "bin/readme.txt", "nothing of use")
	for name, serve := range map[string]http.HandlerFunc{
		"refused": nil,
		"absent":  http.NotFound,
		"broken":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("no archive")) },
		"forged": func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".sha256") {
				_, _ = w.Write([]byte(strings.Repeat("0", 64)))
				return
			}
			_, _ = w.Write(broken)
		},
		"empty": func(w http.ResponseWriter, r *http.Request) { deliver(w, r, broken) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(serve)
			t.Cleanup(server.Close)
			if serve == nil {
				server.Close()
			}
			dir := room(t)
			_, err := embedded.StartPostgres(t.Context(), bare(dir, server.URL))
			require.ErrorContains(t, err, install)
			require.NotContains(t, err.Error(), "\n", "one sentence")
			require.NoDirExists(t, filepath.Join(dir, "postgres"))
		})
	}
}

func TestMissingProgramsAreDownloadedOnce(t *testing.T) {
	t.Parallel()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) == 0 {
		t.Skip("no PostgreSQL in /usr/lib/postgresql to be handed out by the repository of this test")
	}
	// The repository hands out programs that call the machine's.
	var files []string
	for _, program := range []string{"initdb", "postgres", "pg_ctl"} {
		files = append(files, "bin/"+program, fmt.Sprintf("#!/bin/sh\nexec %s/%s \"$@\"\n", found[len(found)-1], program))
	}
	jar := archive(t, files...)
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		deliver(w, r, jar)
	}))
	t.Cleanup(server.Close)
	dir := room(t)
	for range 2 {
		cluster, err := embedded.StartPostgres(t.Context(), bare(dir, server.URL))
		require.NoError(t, err)
		execute(t, cluster.URL, `CREATE TABLE IF NOT EXISTS kept (n int)`)
		require.NoError(t, cluster.Stop())
		require.EqualValues(t, 2, asked.Load(), "the archive and its checksum, once")
	}
}

// deliver answers for the archive or its checksum.
func deliver(w http.ResponseWriter, r *http.Request, jar []byte) {
	if !strings.HasPrefix(r.URL.Path, "/io/zonky/test/postgres/embedded-postgres-binaries-") {
		http.NotFound(w, r)
		return
	}
	if strings.HasSuffix(r.URL.Path, ".sha256") {
		sum := sha256.Sum256(jar)
		_, _ = w.Write([]byte(hex.EncodeToString(sum[:])))
		return
	}
	_, _ = w.Write(jar)
}

// archive packs files, names and contents in turn, as the repository does: a jar
// with a tar of them in xz.
func archive(t *testing.T, files ...string) []byte {
	t.Helper()
	var packed bytes.Buffer
	squeezed, err := xz.NewWriter(&packed)
	require.NoError(t, err)
	rolled := tar.NewWriter(squeezed)
	for i := 0; i < len(files); i += 2 {
		require.NoError(t, rolled.WriteHeader(&tar.Header{Name: files[i], Mode: 0o755, Size: int64(len(files[i+1])), Typeflag: tar.TypeReg}))
		_, err = rolled.Write([]byte(files[i+1]))
		require.NoError(t, err)
	}
	require.NoError(t, rolled.Close())
	require.NoError(t, squeezed.Close())
	var jar bytes.Buffer
	zipped := zip.NewWriter(&jar)
	entry, err := zipped.Create("postgres-linux-x86_64.txz")
	require.NoError(t, err)
	_, err = entry.Write(packed.Bytes())
	require.NoError(t, err)
	require.NoError(t, zipped.Close())
	return jar.Bytes()
}
