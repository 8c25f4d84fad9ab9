package display

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/scope"
)

// SoldOut is what becomes of a product that is sold out (売り切れ時の扱い).
type SoldOut string

// The policies.
const (
	SoldOutShow     SoldOut = "SHOW"      // stays where it stands
	SoldOutHide     SoldOut = "HIDE"      // goes away until stock returns
	SoldOutLast     SoldOut = "LAST"      // stands behind everything else, in every order
	SoldOutNotifyMe SoldOut = "NOTIFY_ME" // stays, and shoppers may ask to be told
)

// Policy is what becomes of some goods when they are sold out. A product's own goes
// before its nearest category's, that before its product brand's, that before the
// one for all goods; without one they stay.
type Policy struct {
	ID      uuid.UUID
	BrandID uuid.UUID
	scope.Target
	Policy    SoldOut
	CreatedAt time.Time
	UpdatedAt time.Time
}

// GlobalID is the policy's id in the schema.
func (p Policy) GlobalID() string { return id.Global("SoldOutPolicy", p.ID) }

// PolicyInput sets the policy of a target; none of its own if Policy is nil.
type PolicyInput struct {
	Target *scope.TargetInput // all goods if nil
	Policy *SoldOut
}

// SetPolicy sets what becomes of the target when it is sold out. Lists know at once.
func (e *Editor) SetPolicy(ctx context.Context, in PolicyInput) ([]Policy, error) {
	p := Policy{Target: in.Target.Target()}
	invalid := p.Validate()
	switch p.Kind {
	case scope.Product, scope.Category, scope.ProductBrand, scope.AllGoods:
	default:
		invalid = errors.Join(invalid, ErrPolicyTarget.At("target"))
	}
	var all []Policy
	err := e.write(ctx, invalid, func(ctx context.Context) error {
		now, brandID := e.Now(), channel.From(ctx).BrandID
		if err := e.known(ctx, nil, p.Target); err != nil {
			return err
		}
		known, err := e.Store.Policies(ctx, brandID)
		if err != nil {
			return err
		}
		p.ID, p.BrandID, p.CreatedAt, p.UpdatedAt = id.New(), brandID, now, now
		var before *Policy
		for i, o := range known {
			if o.Target == p.Target {
				before, p.ID, p.CreatedAt = &known[i], o.ID, o.CreatedAt
			}
		}
		var after *Policy
		if in.Policy != nil {
			p.Policy, after = *in.Policy, &p
		}
		if err := errors.Join(e.Store.SavePolicy(ctx, p), e.record(ctx, "sold_out_policy.set", "SoldOutPolicy", p.ID, before, after)); err != nil {
			return err
		}
		all, err = e.Store.Policies(ctx, brandID)
		return err
	})
	return all, err
}

// Policies are the brand's policies.
func (e *Editor) Policies(ctx context.Context) ([]Policy, error) {
	if err := access.Require(ctx, access.DisplayWrite); err != nil {
		return nil, err
	}
	return e.Store.Policies(ctx, channel.From(ctx).BrandID)
}
