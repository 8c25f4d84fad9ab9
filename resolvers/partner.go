package resolvers

import (
	"context"

	"github.com/noren-commerce/noren/core/partner"
	"github.com/noren-commerce/noren/graph/model"
)

func partnerPayload(ctx context.Context) func(*partner.Partner, error) (model.PartnerPayload, error) {
	return func(p *partner.Partner, err error) (model.PartnerPayload, error) {
		errors, err := userErrors(ctx, err)
		if len(errors) > 0 {
			p = nil
		}
		return model.PartnerPayload{Partner: p, UserErrors: errors}, err
	}
}

// issuedPayload shows a new key with its secret, this once.
func issuedPayload(ctx context.Context) func(*partner.IssuedKey, error) (model.PartnerKeyPayload, error) {
	return func(issued *partner.IssuedKey, err error) (model.PartnerKeyPayload, error) {
		errors, err := userErrors(ctx, err)
		p := model.PartnerKeyPayload{UserErrors: errors}
		if issued != nil && len(errors) == 0 {
			p.Key, p.Secret = &issued.Key, &issued.Secret
		}
		return p, err
	}
}
