package resolvers

import (
	"context"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/graph/model"
)

func cartPayload(ctx context.Context, c *cart.Priced, err error) (model.CartPayload, error) {
	errors, err := userErrors(ctx, err)
	p := model.CartPayload{Cart: c, UserErrors: errors}
	if c != nil && c.Token != "" {
		p.CartToken = &c.Token
	}
	return p, err
}

func orderPayload(ctx context.Context, o *order.Order, err error) (model.OrderPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.OrderPayload{Order: o, UserErrors: errors}, err
}
