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
	Reference   string     // theirs: the same one comes in once
	MemberID    *uuid.UUID // who gets them,
	CardNumber  *string    // or who has the card
	TheirPoints int64
}

// ReceivePoints takes in points that another system moved here (the partner whose system it
// is, or staff with POINT_ADMIN where it is no partner's), once for each of its references: the transfer by which
// a member has them, or what waits on the work list because nobody has the card's number.
func (s *Service) ReceivePoints(ctx context.Context, in ReceiveInput) (t *Transfer, waits *Arrival, err error) {
	partner, err := s.telling(ctx, in.PartnerID)
	if err != nil {
		return nil, nil, err
	}
	l, err := in.line()
	if err = errors.Join(err, partner.comes(in.Reference, in.TheirPoints)); err != nil {
		return nil, nil, err
	}
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		done, err := s.receiveSome(ctx, *partner, []arrivalLine{l})
		if err = errors.Join(append(done.Problems, err)...); err != nil {
			return err
		}
		t, waits, err = s.came(ctx, partner.ID, in.Reference)
		return err
	})
	return t, waits, err
}

// line is the points as a line of a file says them; it fails unless just one of member and
// card is named.
func (in ReceiveInput) line() (l arrivalLine, err error) {
	switch {
	case (in.MemberID == nil) == (in.CardNumber == nil):
		return l, ErrReceiver.At("memberId")
	case in.MemberID != nil:
		return arrivalLine{reference: in.Reference, number: in.MemberID.String(), memberID: in.MemberID, points: in.TheirPoints}, nil
	}
	l = arrivalLine{reference: in.Reference, number: readNumber(*in.CardNumber), points: in.TheirPoints}
	return l, at("cardNumber", numbered(l.number))
}

// came is how points with the reference came in.
func (s *Service) came(ctx context.Context, partnerID uuid.UUID, reference string) (*Transfer, *Arrival, error) {
	transfers, err := s.Store.Incoming(ctx, partnerID, []string{reference})
	if err != nil || len(transfers) > 0 {
		return one(transfers), nil, err
	}
	arrivals, err := s.Store.Arrived(ctx, partnerID, []string{reference})
	return nil, one(arrivals), err
}

func one[T any](all []T) *T {
	if len(all) == 0 {
		return nil
	}
	return &all[0]
}

// receiving is the other system, if points come from there and the actor may tell of them.
func (s *Service) receiving(ctx context.Context, partnerID uuid.UUID) (*Partner, error) {
	if err := access.Require(ctx, access.PointWrite); err != nil {
		return nil, err
	}
	partner, err := s.standing(ctx, partnerID)
	switch {
	case err != nil:
		return nil, err
	case !partner.Receives:
		return nil, ErrPartner.At("partnerId")
	}
	return partner, nil
}

// telling is the other system, if the actor may say by themselves what comes from there: its
// API client alone where it has one, else the head office with POINT_ADMIN. Whoever else
// could give points to anybody, without a reason and beyond what one of the staff may.
func (s *Service) telling(ctx context.Context, partnerID uuid.UUID) (*Partner, error) {
	partner, err := s.receiving(ctx, partnerID)
	if err != nil || access.From(ctx).Is(access.RolePartner) {
		return partner, err
	}
	if partner.APIPartnerID != nil || access.RequireEverywhere(ctx, access.PointAdmin) != nil {
		return nil, fault.ErrForbidden.At("partnerId")
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

// arriving is the transfer by which points come in for the member.
func (s *Service) arriving(partner Partner, l arrivalLine, memberID uuid.UUID) Transfer {
	now := s.Now()
	return Transfer{
		ID: id.New(), PartnerID: partner.ID, ProgrammeID: partner.ProgrammeID, MemberID: memberID, State: StateReceived, TheirMember: l.number,
		Points: l.points / partner.TheirPoints * partner.OurPoints, TheirPoints: l.points, Reference: l.reference, CreatedAt: now, UpdatedAt: now,
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
		return nil, at("memberId", err)
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
