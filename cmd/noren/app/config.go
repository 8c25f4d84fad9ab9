package app

import "time"

// Config is every setting of a running noren. Each has a flag and an
// environment variable.
type Config struct {
	DatabaseURL string `env:"DATABASE_URL" help:"PostgreSQL to use: postgres://user:password@host:5432/name."`
	RedisURL    string `env:"REDIS_URL" help:"Redis to use: redis://host:6379/0. Without it noren is slower, not broken."`
	Addr        string `env:"NOREN_ADDR" default:"127.0.0.1:8080" help:"Address to listen on."`

	RequestTimeout time.Duration `env:"NOREN_REQUEST_TIMEOUT" default:"15s" help:"How long one operation may take."`
}
