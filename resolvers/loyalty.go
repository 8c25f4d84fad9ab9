package resolvers

import (
	"context"
	"io"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	globalid "github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/graph/model"
)

// whose reads the ids that say whose points of which programme are meant.
func whose(programme string, member *string) (programmeID uuid.UUID, memberID *uuid.UUID, err error) {
	if _, programmeID, err = globalid.Parse(programme); err != nil || member == nil {
		return programmeID, nil, err
	}
	memberID, err = optionalID(member)
	return programmeID, memberID, err
}

// optionalID is the key of an id that may be left out.
func optionalID(global *string) (*uuid.UUID, error) {
	if global == nil {
		return nil, nil
	}
	_, key, err := globalid.Parse(*global)
	return &key, err
}

func balancePayload(ctx context.Context, b *points.Balance, err error) (model.PointBalancePayload, error) {
	errors, err := userErrors(ctx, err)
	return model.PointBalancePayload{Balance: unless(errors, b), UserErrors: errors}, err
}

func pointBatchPayload(ctx context.Context, b *points.Batch, err error) (model.PointBatchPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.PointBatchPayload{Batch: unless(errors, b), UserErrors: errors}, err
}

func pointTransferPayload(ctx context.Context, t *points.Transfer, err error) (model.PointTransferPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.PointTransferPayload{Transfer: unless(errors, t), UserErrors: errors}, err
}

// pointFile is whose file it is, and its lines, however they were sent.
func pointFile(partnerID string, csv *string, file *graphql.Upload) (partner uuid.UUID, lines io.Reader, err error) {
	if _, partner, err = globalid.Parse(partnerID); err != nil {
		return partner, nil, err
	}
	switch {
	case (csv == nil) == (file == nil):
		return partner, nil, points.ErrFileOne.At("csv")
	case csv != nil:
		return partner, strings.NewReader(*csv), nil
	}
	return partner, file.File, nil
}

func (r *Resolver) receivePointFile(ctx context.Context, in model.ReceivePointFileInput) (*points.Received, error) {
	partner, lines, err := pointFile(in.PartnerID, in.CSV, in.File)
	if err != nil {
		return nil, err
	}
	return r.Points.ReceiveFile(ctx, points.ReceiveFileInput{PartnerID: partner, CSV: lines})
}

func (r *Resolver) importPointAnswers(ctx context.Context, in model.ImportPointAnswersInput) (*points.Import, error) {
	partner, lines, err := pointFile(in.PartnerID, in.CSV, in.File)
	if err != nil {
		return nil, err
	}
	return r.Points.ImportAnswers(ctx, points.ImportInput{PartnerID: partner, CSV: lines})
}

func (r *Resolver) reconcilePoints(ctx context.Context, in model.ReconcilePointsInput) (*points.Reconciliation, error) {
	partner, lines, err := pointFile(in.PartnerID, in.CSV, in.File)
	if err != nil {
		return nil, err
	}
	return r.Points.Reconcile(ctx, points.ReconcileInput{PartnerID: partner, From: in.From, Until: in.Until, CSV: lines, Incoming: in.Incoming})
}

func answersPayload(ctx context.Context, done *points.Import, err error) (model.ImportPointAnswersPayload, error) {
	errors, err := userErrors(ctx, err)
	payload := model.ImportPointAnswersPayload{UserErrors: errors}
	if err != nil || done == nil {
		return payload, err
	}
	payload.Acknowledged, payload.Returned, payload.Repeated = done.Acknowledged, done.Returned, done.Repeated
	payload.UserErrors = append(payload.UserErrors, problems(ctx, done.Problems)...)
	return payload, nil
}

func receivedPayload(ctx context.Context, done *points.Received, err error) (model.ReceivePointFilePayload, error) {
	errors, err := userErrors(ctx, err)
	payload := model.ReceivePointFilePayload{UserErrors: errors}
	if err != nil || done == nil {
		return payload, err
	}
	payload.Received, payload.Repeated, payload.Unknown = done.Received, done.Repeated, done.Unknown
	payload.UserErrors = append(payload.UserErrors, problems(ctx, done.Problems)...)
	return payload, nil
}

// problems are those of a file's lines.
func problems(ctx context.Context, all []error) (told []model.UserError) {
	for _, problem := range all {
		for _, f := range fault.All(problem) {
			told = append(told, userError(ctx, f))
		}
	}
	return told
}
