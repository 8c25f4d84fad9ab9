package app

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// DevSecret is the secret of `noren dev`. serve refuses it.
const DevSecret = "development-secret-that-protects-nothing"

// minSecret is the least length of a secret, in characters.
const minSecret = 32

// Config is every setting of a running noren. Each has a flag and an
// environment variable.
type Config struct {
	DatabaseURL string `env:"DATABASE_URL" help:"PostgreSQL to use: postgres://user:password@host:5432/name."`
	RedisURL    string `env:"REDIS_URL" help:"Redis to use: redis://host:6379/0. Without it noren is slower, not broken."`
	Addr        string `env:"NOREN_ADDR" default:"127.0.0.1:8080" help:"Address to listen on."`
	PublicURL   string `env:"NOREN_PUBLIC_URL" default:"http://127.0.0.1:8080" help:"The address under which clients reach noren; links in mails begin with it."`

	ShopURL string `env:"NOREN_SHOP_URL" help:"The address of the shop's pages, where mailed links lead: /verify-email, /confirm-email and /reset-password. NOREN_PUBLIC_URL unless set."`

	Secret        string   `env:"NOREN_SECRET" help:"At least 32 random characters; keys that noren stores are encrypted, and links to documents signed, with it."`
	PersonalKey   string   `env:"NOREN_PERSONAL_KEY" help:"At least 32 random characters: the master key of personal data, which wraps the keys that seal it. NOREN_SECRET unless set; change it with noren keys personal rewrap."`
	CORSOrigins   []string `env:"NOREN_CORS_ORIGINS" help:"Web origins that may call noren, comma-separated: https://shop.example.jp."`
	SecureCookies bool     `env:"NOREN_SECURE_COOKIES" default:"true" negatable:"" help:"Send cookies over TLS only."`
	TrustedProxy  []string `env:"NOREN_TRUSTED_PROXIES" help:"Addresses (CIDR) of proxies whose X-Forwarded-For is believed, comma-separated."`

	RequestTimeout time.Duration `env:"NOREN_REQUEST_TIMEOUT" default:"15s" help:"How long one operation may take."`
	DrainDelay     time.Duration `env:"NOREN_DRAIN_DELAY" default:"0s" help:"How long /readyz answers 503 after SIGTERM while requests are still taken, so that load balancers notice."`
	DrainTimeout   time.Duration `env:"NOREN_DRAIN_TIMEOUT" default:"25s" help:"How long running requests and jobs may take to finish after SIGTERM."`
	MaxConns       int32         `env:"NOREN_MAX_CONNS" default:"16" help:"Connections to PostgreSQL that one process keeps at most."`
	Introspection  bool          `env:"NOREN_INTROSPECTION" default:"false" negatable:"" help:"Let the public read the schema by introspection."`
	Dev            bool          `kong:"-"`

	WatchConfig     `embed:""`
	OperationConfig `embed:""`
	LimitConfig     `embed:""`
	MailConfig      `embed:""`
	AssetConfig     `embed:""`
	DocumentConfig  `embed:""`
	PaymentConfig   `embed:""`
	PointConfig     `embed:""`
	SSOConfig       `embed:""`
	CarrierConfig   `embed:""`
}

// Production fails on the first setting that is not safe to serve the public
// with, naming it and what it should be.
func (c Config) Production() error {
	public, err := url.Parse(c.PublicURL)
	switch {
	case c.DatabaseURL == "":
		return setting("DATABASE_URL", "must name the PostgreSQL to use: postgres://user:password@host:5432/name")
	case c.Secret == "" || c.Secret == DevSecret:
		return setting("NOREN_SECRET", "must be set to at least %d random characters", minSecret)
	case len(c.Secret) < minSecret:
		return setting("NOREN_SECRET", "has %d characters and must have at least %d", len(c.Secret), minSecret)
	case c.PersonalKey != "" && len(c.PersonalKey) < minSecret:
		return setting("NOREN_PERSONAL_KEY", "has %d characters and must have at least %d", len(c.PersonalKey), minSecret)
	case len(c.CORSOrigins) == 0:
		return setting("NOREN_CORS_ORIGINS", "must name the web origins that may call, such as https://shop.example.jp")
	case slices.ContainsFunc(c.CORSOrigins, func(o string) bool { return strings.Contains(o, "*") }):
		return setting("NOREN_CORS_ORIGINS", "must name origins; * would let every site call in the customer's name")
	case !c.SecureCookies:
		return setting("NOREN_SECURE_COOKIES", "must be true: a cookie sent in plain text can be read on the way")
	case err != nil || public.Host == "" || (public.Scheme != "https" && !local(public.Hostname())):
		return setting("NOREN_PUBLIC_URL", "must be the https:// address under which clients reach noren")
	}
	_, badProxies := newProxies(c.TrustedProxy)
	_, badAssets := c.open(c.PublicURL)
	_, badFont := c.printer()
	return cmp.Or(badProxies, c.MailConfig.check(), c.PaymentConfig.check(), c.PointConfig.check(), badAssets, badFont, c.SSOConfig.check(), c.CarrierConfig.check())
}

func local(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

func setting(name, rule string, args ...any) error {
	return fmt.Errorf(name+" "+rule, args...)
}
