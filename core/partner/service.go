package partner

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
)

// Store keeps partners, their keys and their tokens.
type Store interface {
	Partners(ctx context.Context, brandID uuid.UUID) ([]Partner, error)
	// Partner locks the brand's partner until the transaction ends; nil if none.
	Partner(ctx context.Context, brandID, partnerID uuid.UUID) (*Partner, error)
	SavePartner(ctx context.Context, p Partner) error
	KeysOf(ctx context.Context, partnerIDs []uuid.UUID) ([]Key, error)
	// Key locks the brand's key until the transaction ends; nil if none.
	Key(ctx context.Context, brandID, keyID uuid.UUID) (*Key, error)
	AddKey(ctx context.Context, k Key, hash []byte) error
	SaveKey(ctx context.Context, k Key) error
	// ByKey and ByToken find who may act with the credential at the moment, and
	// note that its key was used; nil if nobody may.
	ByKey(ctx context.Context, prefix string, hash []byte, at time.Time) (*Grant, error)
	ByToken(ctx context.Context, hash []byte, at time.Time) (*Grant, error)
	// AddToken keeps a token and forgets those that have expired.
	AddToken(ctx context.Context, hash []byte, t Token, keyID uuid.UUID, at time.Time) error
}

// Grant is what a credential lets its bearer do.
type Grant struct {
	Partner
	KeyID  uuid.UUID
	Scopes []access.Permission
	Until  *time.Time // when the credential ends; nil for keys without an end
}

// trustFor is how long a process believes a credential it has verified: so much
// longer does a revoked key work.
const trustFor = 10 * time.Second

// Parts are what the service is made of.
type Parts struct {
	Tx interface {
		InTx(context.Context, func(context.Context) error) error
	}
	Store  Store
	Events event.Recorder
	Now    clock.Clock
}

// Service keeps partners and knows them by their credentials.
type Service struct {
	Parts
	known *otter.Cache[[32]byte, Grant]
}

// New makes the partner service.
func New(parts Parts) *Service {
	return &Service{parts, otter.Must(&otter.Options[[32]byte, Grant]{
		MaximumSize: 10_000, ExpiryCalculator: otter.ExpiryWriting[[32]byte, Grant](trustFor),
	})}
}

// List are the partners of the channel's brand, newest first.
func (s *Service) List(ctx context.Context) ([]Partner, error) {
	if err := access.RequireEverywhere(ctx, access.PartnerWrite); err != nil {
		return nil, err
	}
	return s.Store.Partners(ctx, channel.From(ctx).BrandID)
}

// KeysOf are the keys of many partners, newest first, revoked ones included.
func (s *Service) KeysOf(ctx context.Context, partnerIDs []uuid.UUID) ([]Key, error) {
	if err := access.RequireEverywhere(ctx, access.PartnerWrite); err != nil {
		return nil, err
	}
	return s.Store.KeysOf(ctx, partnerIDs)
}

// Create makes a partner of the channel's brand. It has no key yet.
func (s *Service) Create(ctx context.Context, in CreateInput) (*Partner, error) {
	if err := access.RequireEverywhere(ctx, access.PartnerWrite); err != nil {
		return nil, err
	}
	if err := in.Validate(); err != nil {
		return nil, err
	}
	if err := grantable(ctx, in.Permissions); err != nil {
		return nil, err
	}
	p := Partner{
		ID: id.New(), BrandID: channel.From(ctx).BrandID, Name: strings.TrimSpace(in.Name), Client: defaultClient,
		Permissions: sorted(in.Permissions), RatePerMinute: in.RatePerMinute, CreatedAt: s.Now(),
	}
	if in.Client != nil && *in.Client != "" {
		p.Client = *in.Client
	}
	return &p, s.save(ctx, p, "partner.created")
}

// Update changes a partner. Only permissions that it gains need be the actor's own.
func (s *Service) Update(ctx context.Context, in UpdateInput) (*Partner, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	return s.change(ctx, in.PartnerID, "partner.updated", func(p *Partner) error {
		if in.Permissions != nil {
			if err := grantable(ctx, gained(p.Permissions, in.Permissions)); err != nil {
				return err
			}
			p.Permissions = sorted(in.Permissions)
		}
		if in.Name != nil {
			p.Name = strings.TrimSpace(*in.Name)
		}
		if in.Client != nil && *in.Client != "" {
			p.Client = *in.Client
		}
		if in.RatePerMinute != nil {
			p.RatePerMinute = *in.RatePerMinute
		}
		return nil
	})
}

// CloseInput says which partner to close.
type CloseInput struct{ PartnerID uuid.UUID }

// Close ends what a partner may do, with all its keys and tokens.
func (s *Service) Close(ctx context.Context, in CloseInput) (*Partner, error) {
	return s.change(ctx, in.PartnerID, "partner.closed", func(p *Partner) error {
		now := s.Now()
		p.ClosedAt = &now
		return nil
	})
}

func (s *Service) change(ctx context.Context, partnerID uuid.UUID, what string, change func(*Partner) error) (*Partner, error) {
	if err := access.RequireEverywhere(ctx, access.PartnerWrite); err != nil {
		return nil, err
	}
	var changed *Partner
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		p, err := s.open(ctx, partnerID)
		if err != nil {
			return err
		}
		if err := change(p); err != nil {
			return err
		}
		changed = p
		return s.save(ctx, *p, what)
	})
	if err != nil {
		return nil, err
	}
	s.known.InvalidateAll()
	return changed, nil
}

// open is the brand's partner, locked, if it is not closed.
func (s *Service) open(ctx context.Context, partnerID uuid.UUID) (*Partner, error) {
	p, err := s.Store.Partner(ctx, channel.From(ctx).BrandID, partnerID)
	switch {
	case err != nil:
		return nil, err
	case p == nil:
		return nil, fault.ErrNotFound.At("partnerId")
	case p.ClosedAt != nil:
		return nil, ErrClosed
	}
	return p, nil
}

func (s *Service) save(ctx context.Context, p Partner, what string) error {
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.SavePartner(ctx, p); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, s.Now(), what, "Partner", p.ID, p))
	})
}

func gained(before, after []access.Permission) []access.Permission {
	var list []access.Permission
	for _, p := range after {
		if !slices.Contains(before, p) {
			list = append(list, p)
		}
	}
	return list
}
