package points

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
)

// ReceiveInput is points that come from another system.
type ReceiveInput struct {
	PartnerID   uuid.UUID
	Reference   string // theirs: the same one comes in once
	MemberID    uuid.UUID
	TheirPoints int64
}

// ReceivePoints takes in points that another system moved here (staff with POINT_WRITE, or
// the partner whose system it is), once for each of its references.
func (s *Service) ReceivePoints(ctx context.Context, in ReceiveInput) (*Transfer, error) {
	partner, err := s.receiving(ctx, in.PartnerID)
	if err != nil {
		return nil, err
	}
	if err := partner.comes(in.Reference, in.TheirPoints); err != nil {
		return nil, err
	}
	var t Transfer
	err = s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		t, err = s.receiveOne(ctx, *partner, in, in.MemberID.String())
		return err
	})
	return &t, err
}

// receiveOne takes points in for the member, whom the other system knows by a number, or
// answers how they came in before.
func (s *Service) receiveOne(ctx context.Context, partner Partner, in ReceiveInput, number string) (Transfer, error) {
	t := s.arriving(partner, in, number)
	known, err := s.receive(ctx, partner, []Transfer{t})
	switch {
	case err != nil:
		return t, at("reference", err)
	case !known[in.Reference]:
		return t, nil
	}
	was, err := s.Store.Incoming(ctx, partner.ID, []string{in.Reference})
	if err != nil || len(was) == 0 {
		return t, err
	}
	return was[0], nil
}

// receiving is the other system, if points come from there and the actor may tell of them.
// A partner tells of its own system alone.
func (s *Service) receiving(ctx context.Context, partnerID uuid.UUID) (*Partner, error) {
	if err := access.Require(ctx, access.PointWrite); err != nil {
		return nil, err
	}
	partner, _, err := s.partner(ctx, partnerID)
	actor := access.From(ctx)
	switch {
	case err != nil:
		return nil, err
	case actor.Is(access.RolePartner) && !same(partner.APIPartnerID, &actor.ID):
		return nil, fault.ErrForbidden.At("partnerId")
	case !partner.Receives:
		return nil, ErrPartner.At("partnerId")
	}
	return partner, nil
}

// comes fails unless so many of their points can come from there.
func (p Partner) comes(reference string, theirPoints int64) error {
	if reference == "" {
		return fault.ErrRequired.At("reference")
	}
	if err := errors.Join(i18n.CheckString("reference", reference, maxTheirMember), at("theirPoints", amount(theirPoints))); err != nil {
		return err
	}
	if theirPoints%p.TheirPoints != 0 {
		return ErrUnit.With(p.TheirPoints).At("theirPoints")
	}
	return nil
}

// arriving is the transfer by which points come in for the member, whom the other system
// knows by a number.
func (s *Service) arriving(partner Partner, in ReceiveInput, number string) Transfer {
	now := s.Now()
	return Transfer{
		ID: id.New(), PartnerID: partner.ID, ProgrammeID: partner.ProgrammeID, MemberID: in.MemberID, State: StateReceived, TheirMember: number,
		Points: in.TheirPoints / partner.TheirPoints * partner.OurPoints, TheirPoints: in.TheirPoints, Reference: in.Reference, CreatedAt: now, UpdatedAt: now,
	}
}

// receive gives the members the points of the transfers, in the transaction of the context.
// It answers of each reference whether it had come in before.
func (s *Service) receive(ctx context.Context, partner Partner, all []Transfer) (known map[string]bool, err error) {
	postings := make([]Posting, len(all))
	for i, t := range all {
		postings[i] = Posting{Holder: t.holder(), Key: "receive:" + partner.ID.String() + ":" + t.Reference, Kind: Receive, Points: t.Points, ActorID: actorID(ctx), At: t.CreatedAt}
	}
	results, err := s.Post(ctx, postings...)
	if err != nil {
		return nil, err
	}
	known = map[string]bool{}
	var fresh []Transfer
	for i, t := range all {
		if known[t.Reference] = results[i].Replayed; !results[i].Replayed {
			t.AccountID = results[i].Account.ID
			fresh = append(fresh, t)
		}
	}
	inserted, err := s.Store.InsertTransfers(ctx, fresh...)
	switch {
	case err != nil:
		return nil, err
	case inserted < len(fresh): // for another member
		return nil, idempotency.ErrReused.At("reference")
	}
	return known, s.said(ctx, fresh...)
}
