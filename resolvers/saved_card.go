package resolvers

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/cardfile"
	"github.com/noren-commerce/noren/graph/model"
)

func saveCardPayload(ctx context.Context, saved cardfile.Saved, err error) (model.SaveCardPayload, error) {
	errors, err := userErrors(ctx, err)
	p := model.SaveCardPayload{UserErrors: errors, NeedsAction: saved.NeedsAction}
	if err != nil || len(errors) > 0 || saved.Card.ID == uuid.Nil {
		return p, err
	}
	p.SavedCard = &saved.Card
	if saved.NeedsAction {
		p.ClientSecret = &saved.ClientSecret
	}
	return p, nil
}

func removeCardPayload(ctx context.Context, removed *cardfile.Card, err error) (model.RemoveSavedCardPayload, error) {
	errors, err := userErrors(ctx, err)
	p := model.RemoveSavedCardPayload{UserErrors: errors}
	if removed != nil {
		key := removed.GlobalID()
		p.RemovedID = &key
	}
	return p, err
}
