package resolvers

import (
	"context"

	"github.com/noren-commerce/noren/core/mailing"
	"github.com/noren-commerce/noren/graph/model"
)

func mailingPayload(ctx context.Context, m *mailing.Mailing, err error) (model.MailingPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.MailingPayload{Mailing: unless(errors, m), UserErrors: errors}, err
}
