package embedded

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// owner is the user that runs the cluster, where that is not the present one:
// PostgreSQL refuses to run as root, and containers often do.
type owner struct{ uid, gid int }

func unprivileged() (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.Atoi(u.Uid)
			gid, _ := strconv.Atoi(u.Gid)
			return &owner{uid, gid}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody: run noren as another user, or set DATABASE_URL")
}

// run makes the command run as the owner, in its own process group.
func (o *owner) run(command *exec.Cmd) {
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if o != nil {
		command.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}
	}
}

func (o *owner) own(path string) error {
	if o == nil {
		return nil
	}
	return os.Chown(path, o.uid, o.gid)
}

// temporary makes a directory of the owner's for a cluster that does not stay.
func temporary(o *owner) (string, error) {
	parent, err := os.MkdirTemp("/var/tmp", "noren-postgres-")
	if err != nil {
		return "", err
	}
	return filepath.Join(parent, "data"), errors.Join(os.Chmod(parent, 0o755), o.own(parent)) //nolint:gosec // the cluster itself is 0700
}

// reachable makes the data directory and gives it to the owner. Where the owner
// could not walk to it (below a private home, say), a directory in the system's
// temporary one that belongs to this data directory stands in.
func reachable(dir string, o *owner) (string, error) {
	if o != nil && !walkable(filepath.Dir(dir)) {
		dir = filepath.Join("/var/tmp", fmt.Sprintf("noren-%x", sha256.Sum256([]byte(dir)))[:22], "postgres")
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil { //nolint:gosec // the owner must be able to walk in; the cluster itself is 0700
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	// The server's log stands beside the data.
	log, err := os.OpenFile(dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	_ = log.Close()
	return dir, errors.Join(o.own(dir), o.own(dir+".log"))
}

func walkable(dir string) bool {
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist): // it will be made walkable
		case err != nil || info.Mode().Perm()&0o001 == 0:
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// binaries is the folder of initdb and postgres: the newest on the machine, else
// one downloaded once into the user's cache.
func binaries() (string, error) {
	if found := installed(); found != "" {
		return found, nil
	}
	home, err := os.UserCacheDir()
	if err != nil {
		home = os.TempDir()
	}
	cache := filepath.Join(home, "noren", "postgres")
	if _, err := os.Stat(filepath.Join(cache, "bin", "initdb")); err == nil {
		return filepath.Join(cache, "bin"), nil
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	download := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		BinariesPath(cache).RuntimePath(cache + "-runtime").Port(uint32(port)).Logger(nil))
	if err = download.Start(); err == nil {
		err = download.Stop()
	}
	_ = os.RemoveAll(cache + "-runtime")
	// Run by root the download comes, and only its start fails; ours will not.
	if _, missing := os.Stat(filepath.Join(cache, "bin", "initdb")); missing != nil {
		return "", fmt.Errorf("no PostgreSQL on this machine and none could be downloaded: install it (Debian: apt-get install postgresql; macOS: brew install postgresql), or set DATABASE_URL (%w)", err)
	}
	return filepath.Join(cache, "bin"), nil
}

// installed is the folder of the machine's newest PostgreSQL; empty if none.
func installed() string {
	var candidates []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin"} {
		found, _ := filepath.Glob(pattern)
		candidates = append(candidates, found...)
	}
	slices.SortFunc(candidates, func(a, b string) int { return version(b) - version(a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		candidates = append([]string{filepath.Dir(path)}, candidates...)
	}
	for _, dir := range candidates {
		_, initdb := os.Stat(filepath.Join(dir, "initdb"))
		_, server := os.Stat(filepath.Join(dir, "postgres"))
		if initdb == nil && server == nil {
			return dir
		}
	}
	return ""
}

func version(dir string) int {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, dir)
	n, _ := strconv.Atoi(digits)
	return n
}

// password is the cluster's password: read from beside the data, or made.
func (c cluster) password() (string, error) {
	raw, err := os.ReadFile(c.dir + ".password")
	if errors.Is(err, fs.ErrNotExist) {
		return rand.Text(), nil
	}
	return strings.TrimSpace(string(raw)), err
}
