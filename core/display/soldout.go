package display

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
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
	// SoldOutBackOrder lets it be ordered all the same (取り寄せ), up to a limit.
	SoldOutBackOrder SoldOut = "BACK_ORDER"
)

// MaxBackOrder is the highest limit of back-orders for a variant.
const MaxBackOrder = 1_000_000

// Policy is what becomes of some goods when they are sold out. A product's own goes
// before its nearest category's, that before its product brand's, that before the
// one for all goods; without one they stay.
type Policy struct {
	ID      uuid.UUID
	BrandID uuid.UUID
	scope.Target
	Policy SoldOut
	// BackOrderLimit is how many pieces of each variant may be on order at once; nil
	// unless the policy is SoldOutBackOrder.
	BackOrderLimit *int
	Promise        i18n.Text // what shoppers read of when they come
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// GlobalID is the policy's id in the schema.
func (p Policy) GlobalID() string { return id.Global("SoldOutPolicy", p.ID) }

// PolicyInput sets the policy of a target; none of its own if Policy is nil.
type PolicyInput struct {
	Target *scope.TargetInput // all goods if nil
	Policy *SoldOut
	// BackOrderLimit and Promise belong to SoldOutBackOrder, which needs both.
	BackOrderLimit *int
	Promise        i18n.Text
}

// maxPromise is how long a promise may be, in characters.
const maxPromise = 100

func (in PolicyInput) validate() error {
	all := []error{in.Target.Target().Validate(), in.Promise.Check("promise", maxPromise, false)}
	switch in.Target.Target().Kind {
	case scope.Product, scope.Category, scope.ProductBrand, scope.AllGoods:
	default:
		all = append(all, ErrPolicyTarget.At("target"))
	}
	switch limit := in.BackOrderLimit; {
	case in.Policy == nil || *in.Policy != SoldOutBackOrder:
		if limit != nil {
			all = append(all, ErrBackOrderOnly.At("backOrderLimit"))
		}
		if len(in.Promise) > 0 {
			all = append(all, ErrBackOrderOnly.At("promise"))
		}
	case limit == nil || *limit < 1 || *limit > MaxBackOrder:
		all = append(all, ErrBackOrderLimit.With(MaxBackOrder).At("backOrderLimit"))
	case in.Promise.In(i18n.Default) == "":
		all = append(all, fault.ErrRequired.At("promise"))
	}
	return errors.Join(all...)
}

// SetPolicy sets what becomes of the target when it is sold out. Lists know at once.
func (e *Editor) SetPolicy(ctx context.Context, in PolicyInput) ([]Policy, error) {
	p := Policy{Target: in.Target.Target(), BackOrderLimit: in.BackOrderLimit, Promise: in.Promise.OrNone()}
	var all []Policy
	err := e.write(ctx, in.validate(), func(ctx context.Context) error {
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
	if err := access.RequireEverywhere(ctx, access.DisplayWrite); err != nil {
		return nil, err
	}
	return e.Store.Policies(ctx, channel.From(ctx).BrandID)
}
