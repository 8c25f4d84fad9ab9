package resolvers

import (
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/points"
)

// wanted is a priced cart as points look at it.
func wanted(c *cart.Priced) points.Wanted {
	q := c.Quote
	w := points.Wanted{MemberID: c.Tried, Total: q.Total.Minor, Shipping: q.Shipping.Minor + q.Charge.Minor, ShopID: c.ShopID, Campaign: q.PointsFactor()}
	for _, l := range c.Lines {
		if l.Price != nil {
			w.Goods = append(w.Goods, points.Good{ProductID: l.ProductID, Minor: l.Price.Total.Minor})
		}
	}
	return w
}
