package resolvers

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/purchase"
	"github.com/noren-commerce/noren/graph"
	"github.com/noren-commerce/noren/graph/model"
)

func memberPayload(ctx context.Context, m *member.Member, err error) (model.MemberPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.MemberPayload{Member: unless(errors, m), UserErrors: errors}, err
}

func requestPayload(ctx context.Context, r *member.Request, err error) (model.MemberRequestPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.MemberRequestPayload{Request: unless(errors, r), UserErrors: errors}, err
}

func purchasesTaken(ctx context.Context, i *purchase.Import, err error) (model.PurchaseImportPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.PurchaseImportPayload{Import: unless(errors, i), UserErrors: errors}, err
}

func purchaseCorrected(ctx context.Context, p *purchase.Purchase, err error) (model.PurchaseCorrectionPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.PurchaseCorrectionPayload{Purchase: unless(errors, p), UserErrors: errors}, err
}

// purchasesAhead fetches the lines of the purchases of a page at once, where they are asked for.
func purchasesAhead(ctx context.Context, purchases []purchase.Purchase, paths ...string) error {
	for _, path := range paths {
		if graph.Asks(ctx, path+".lines") {
			if _, err := load(ctx).PurchaseLines.Ahead(ctx, keys(purchases, func(p purchase.Purchase) uuid.UUID { return p.ID })); err != nil {
				return err
			}
		}
	}
	return nil
}
