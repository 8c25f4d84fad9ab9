package promotion

import (
	"context"
	"math"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/money"
)

// enoughBuyers is how many buyers each group has at least before their difference is
// taken for more than chance.
const enoughBuyers = 30

// Normal95 is how many standard errors a 95 % confidence interval reaches to each side.
const Normal95 = 1.959964

// Comparison is the buyers who may get a campaign beside those of its hold-out.
type Comparison struct {
	Open, Held Side
	// Uplift is by how many per cent the first buy more than as many of the hold-out;
	// nil while the hold-out has bought nothing.
	Uplift *decimal.Decimal
	// Low and High are the ends of its 95 % confidence interval; nil while TooFew.
	Low, High *decimal.Decimal
	TooFew    bool // of either group
}

// Side is one of the groups.
type Side struct {
	Share  decimal.Decimal // of all buyers, in per cent
	Buyers int             // that have bought
	Sales  money.Money

	squares float64 // sum of the squares of what each has bought for
}

// PerBuyer is what each buyer has bought for; zero while none has.
func (s Side) PerBuyer() money.Money {
	if s.Buyers == 0 {
		return s.Sales
	}
	return money.Of(money.RoundHalfUp.Divide(s.Sales.Minor, int64(s.Buyers)), s.Sales.Currency)
}

func (s *Side) add(sales int64) {
	s.Buyers++
	s.Sales.Minor += sales
	s.squares += float64(sales) * float64(sales)
}

// compare looks at what buyers of both groups have bought in the campaign's period so
// far. The hash puts as large a part of all buyers into each as it says, so sales are
// divided by the parts: who has bought nothing counts too.
func (s *Service) compare(ctx context.Context, c Campaign) (*Comparison, error) {
	from, until := c.From, c.Until
	if now := s.Now(); until.After(now) {
		until = now
	}
	share := c.Experiment.UpTo
	if share == 0 {
		share = 100
	}
	zero := money.Of(0, c.Currency)
	x := &Comparison{
		// The hold-out is taken first; the share divides the others.
		Open: Side{Share: decimal.NewFromInt(int64((100 - c.Experiment.HoldOut) * (share - c.Experiment.From))).Div(hundred), Sales: zero},
		Held: Side{Share: decimal.NewFromInt(int64(c.Experiment.HoldOut)), Sales: zero},
	}
	err := s.Store.EachBuyer(ctx, c.BrandID, from, until, func(buyer uuid.UUID, sales int64) {
		in, out := c.inShare(buyer)
		switch {
		case out:
			x.Held.add(sales)
		case in:
			x.Open.add(sales)
		}
	})
	x.reckon()
	return x, err
}

// Sample is what a group of known size has bought.
type Sample struct {
	Size    int // those who have bought nothing, too
	Buyers  int
	Sales   money.Money
	Squares float64 // sum of the squares of what each has bought for
}

// Compare looks at what two groups have bought that chance has made, reckoned on as many
// of each.
func Compare(open, held Sample) Comparison {
	x := Comparison{Open: open.side(), Held: held.side()}
	x.reckon()
	return x
}

func (s Sample) side() Side {
	return Side{Share: decimal.NewFromInt(int64(s.Size)), Buyers: s.Buyers, Sales: s.Sales, squares: s.Squares}
}

// reckon works out the uplift. Who is in which group is chance, so the sums are those
// of draws with known shares: the variance of the logarithm of their ratio is, for each
// side, the sum of squares over the square of the sum.
func (x *Comparison) reckon() {
	x.TooFew = x.Open.Buyers < enoughBuyers || x.Held.Buyers < enoughBuyers
	if x.Held.Sales.Minor == 0 || x.Open.Share.IsZero() {
		x.TooFew = true
		return
	}
	ratio := decimal.NewFromInt(x.Open.Sales.Minor).Div(x.Open.Share).Div(decimal.NewFromInt(x.Held.Sales.Minor).Div(x.Held.Share))
	x.Uplift = percentMore(ratio)
	if x.TooFew || x.Open.Sales.Minor == 0 {
		return
	}
	reach := math.Exp(Normal95 * math.Sqrt(x.Open.spread()+x.Held.spread()))
	x.Low, x.High = percentMore(ratio.Div(decimal.NewFromFloat(reach))), percentMore(ratio.Mul(decimal.NewFromFloat(reach)))
}

func (s *Side) spread() float64 { return s.squares / (float64(s.Sales.Minor) * float64(s.Sales.Minor)) }

func percentMore(ratio decimal.Decimal) *decimal.Decimal {
	more := ratio.Sub(decimal.NewFromInt(1)).Mul(hundred).Round(1)
	return &more
}
