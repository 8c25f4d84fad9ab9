package embedded

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// Programs say where PostgreSQL's programs are looked for. What is empty is as
// usual.
type Programs struct {
	Folders    []string // patterns of folders; without any, where systems put them, and PATH
	Repository string   // the Maven repository to download from where none are found; Maven Central
	Cache      string   // keeps the download; the user's cache
}

// folder is the folder of initdb and postgres: the newest on the machine, else one
// that is downloaded once.
func (p Programs) folder(o *owner) (string, error) {
	if found := p.installed(); found != "" {
		return found, nil
	}
	cache := p.cache(o)
	bin := filepath.Join(cache, "bin")
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err == nil {
		return bin, nil
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	config := embeddedpostgres.DefaultConfig().BinariesPath(cache).CachePath(cache + "-archive").RuntimePath(cache + "-runtime").
		Port(uint32(port)).Logger(nil) //nolint:gosec // a port
	if p.Repository != "" {
		config = config.BinaryRepositoryURL(p.Repository)
	}
	download := embeddedpostgres.NewDatabase(config)
	if err = download.Start(); err == nil {
		err = download.Stop()
	}
	_ = os.RemoveAll(cache + "-runtime")
	_ = os.RemoveAll(cache + "-archive")
	// Run by root the download comes, and only its start fails; ours will not.
	if _, missing := os.Stat(filepath.Join(bin, "initdb")); missing != nil {
		return "", fmt.Errorf("no PostgreSQL on this machine and none could be downloaded: install it (Debian: apt-get install postgresql; macOS: brew install postgresql), or set DATABASE_URL (%s)", strings.Join(strings.Fields(fmt.Sprint(err)), " "))
	}
	return bin, nil
}

// cache is the folder that keeps the download. Root's home is closed to the user
// that runs the cluster, so root's download is the machine's.
func (p Programs) cache(o *owner) string {
	if p.Cache != "" {
		return p.Cache
	}
	home, err := os.UserCacheDir()
	if err != nil {
		home = os.TempDir()
	}
	if o != nil && !walkable(home) {
		home = "/var/cache"
	}
	return filepath.Join(home, "noren", "postgres")
}

// installed is the folder of the machine's newest PostgreSQL; empty if none.
func (p Programs) installed() string {
	patterns, candidates := p.Folders, []string(nil)
	if len(patterns) == 0 {
		patterns = []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin"}
	}
	for _, pattern := range patterns {
		found, _ := filepath.Glob(pattern)
		candidates = append(candidates, found...)
	}
	slices.SortFunc(candidates, func(a, b string) int { return version(b) - version(a) })
	if path, err := exec.LookPath("initdb"); err == nil && len(p.Folders) == 0 {
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
