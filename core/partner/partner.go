// Package partner keeps the programs of other companies that call noren: what they
// may do, the keys they prove themselves with, and how often they may call.
package partner

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/limit"
)

// Bounds of what a partner may be given.
const (
	maxRate       = 60_000 // calls per minute
	maxName       = 200    // characters
	defaultClient = "partner"
)

// Partner is one company's program. It works for one brand.
type Partner struct {
	ID            uuid.UUID
	BrandID       uuid.UUID
	Name          string
	Client        string // whose registered operations it may run
	Permissions   []access.Permission
	RatePerMinute int
	CreatedAt     time.Time
	ClosedAt      *time.Time // since when it may do nothing
}

// GlobalID is the partner's id in the schema.
func (p Partner) GlobalID() string { return id.Global("Partner", p.ID) }

// Rate is how often the partner may call: a sixth of a minute's calls at once.
func (p Partner) Rate() limit.Rate {
	return limit.Rate{Allowed: p.RatePerMinute, Burst: max(p.RatePerMinute/6, 1), Per: time.Minute}
}

// Key is an API key without its secret.
type Key struct {
	ID         uuid.UUID
	PartnerID  uuid.UUID
	Prefix     string // "pk_…": the part that may be shown, and the OAuth client_id
	CreatedAt  time.Time
	ExpiresAt  *time.Time
	RevokedAt  *time.Time
	LastUsedAt *time.Time // to the minute
}

// GlobalID is the key's id in the schema.
func (k Key) GlobalID() string { return id.Global("PartnerKey", k.ID) }

// CreateInput says what a new partner is called and may do.
type CreateInput struct {
	Name          string
	Client        *string
	Permissions   []access.Permission
	RatePerMinute int
}

// Validate checks what needs no look at other partners.
func (in CreateInput) Validate() error {
	return errors.Join(validName(in.Name), validRate(in.RatePerMinute))
}

// UpdateInput changes what is given and leaves the rest.
type UpdateInput struct {
	PartnerID     uuid.UUID
	Name          *string
	Client        *string
	Permissions   []access.Permission // nil leaves them
	RatePerMinute *int
}

// Validate checks what needs no look at other partners.
func (in UpdateInput) Validate() error {
	var errs []error
	if in.Name != nil {
		errs = append(errs, validName(*in.Name))
	}
	if in.RatePerMinute != nil {
		errs = append(errs, validRate(*in.RatePerMinute))
	}
	return errors.Join(errs...)
}

func validName(name string) error {
	switch n := utf8.RuneCountInString(strings.TrimSpace(name)); {
	case n == 0:
		return fault.ErrRequired.At("name")
	case n > maxName:
		return fault.Invalid(fault.CodeTooLong, "名前は%d文字以内で入力してください", "The name may have %d characters at most").With(maxName).At("name")
	}
	return nil
}

func validRate(n int) error {
	if n < 1 || n > maxRate {
		return ErrRate.With(maxRate).At("ratePerMinute")
	}
	return nil
}

// grantable fails for permissions that the actor does not hold, and for those that
// no program may have: staff and partners are people's business.
func grantable(ctx context.Context, permissions []access.Permission) error {
	actor := access.From(ctx)
	for _, p := range permissions {
		if p == access.StaffWrite || p == access.PartnerWrite || !actor.May(p) {
			return ErrGrant.With(p).At("permissions")
		}
	}
	return nil
}

// sorted are the permissions once each, in a fixed order.
func sorted(permissions []access.Permission) []access.Permission {
	list := slices.Clone(permissions)
	slices.Sort(list)
	list = slices.Compact(list)
	if list == nil {
		return []access.Permission{}
	}
	return list
}

type partnerKey struct{}

// With puts the calling partner into the context.
func With(ctx context.Context, p Partner) context.Context {
	return context.WithValue(ctx, partnerKey{}, p)
}

// From is the calling partner; false when the caller is none.
func From(ctx context.Context) (Partner, bool) {
	p, ok := ctx.Value(partnerKey{}).(Partner)
	return p, ok
}
