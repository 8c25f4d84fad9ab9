package app

import (
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/graph/server"
)

// LimitConfig bounds what one request may ask. What is zero is as the endpoint's
// defaults have it.
type LimitConfig struct {
	MaxDepth     int   `env:"NOREN_MAX_DEPTH" default:"15" help:"Fields within fields that an operation may have."`
	MaxCost      int   `env:"NOREN_MAX_COST" default:"10000" help:"What an operation of a shopper or a partner may cost: an object 1, a list as many as it holds."`
	MaxStaffCost int   `env:"NOREN_MAX_STAFF_COST" default:"50000" help:"What an operation of staff may cost."`
	MaxBody      int64 `env:"NOREN_MAX_BODY" default:"1048576" help:"Bytes of a request's body, uploads aside."`
	MaxUpload    int64 `env:"NOREN_MAX_UPLOAD" default:"67108864" help:"Bytes of a request with uploads; what is large goes to temporary files."`
	MaxStreams   int   `env:"NOREN_MAX_STREAMS" default:"5000" help:"Subscriptions' connections that one process keeps open."`
}

// limits are the endpoint's limits with the settings in them.
func (c Config) limits() server.Limits {
	l := server.DefaultLimits()
	override(&l.Timeout, c.RequestTimeout)
	override(&l.Depth, c.MaxDepth)
	override(&l.Cost, c.MaxCost)
	override(&l.Body, c.MaxBody)
	override(&l.Upload, c.MaxUpload)
	override(&l.Streams, c.MaxStreams)
	if c.MaxStaffCost > 0 {
		for _, role := range []access.Role{access.RoleStoreStaff, access.RoleStaff, access.RoleAdmin} {
			l.CostByRole[role] = c.MaxStaffCost
		}
	}
	return l
}

func override[T ~int | ~int64](to *T, from T) {
	if from > 0 {
		*to = from
	}
}
