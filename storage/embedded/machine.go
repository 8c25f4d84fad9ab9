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
	"strconv"
	"strings"
	"syscall"
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

// shared is memory that is a file system, on Linux. A database is some two thousand files,
// and to make one there takes a thirtieth of the time that it takes on a disk.
const shared = "/dev/shm"

// roomy is how much must be free there: clusters of two test binaries, and then some.
const roomy = 4 << 30

// temporary makes a directory of the owner's for a cluster that does not stay: in memory
// where there is enough of it.
func temporary(o *owner) (string, error) {
	place := "/var/tmp"
	var there syscall.Statfs_t
	if err := syscall.Statfs(shared, &there); err == nil && there.Bavail*uint64(there.Bsize) >= roomy { //nolint:gosec // blocks have a size
		place = shared
	}
	parent, err := os.MkdirTemp(place, "noren-postgres-")
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

// password is the cluster's password: read from beside the data, or made.
func (c cluster) password() (string, error) {
	raw, err := os.ReadFile(c.dir + ".password")
	if errors.Is(err, fs.ErrNotExist) {
		return rand.Text(), nil
	}
	return strings.TrimSpace(string(raw)), err
}
