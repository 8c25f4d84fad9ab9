package seed

import (
	"context"

	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/giftcard"
)

// sampleCard is what is on each sample gift card, in yen.
const sampleCard = 3000

// IssueCards issues three sample gift cards of the first brand, once. The codes are told
// as CSV when they are issued, and never again.
func IssueCards(ctx context.Context, cards *giftcard.Service, channels *channel.Service) (codes string, err error) {
	ch, err := channels.Resolve(ctx, Brands()[0].Code, "")
	if err != nil {
		return "", err
	}
	issued, err := cards.Issue(channel.With(access.With(ctx, access.System), ch), giftcard.IssueInput{
		IdempotencyKey: "noren-sample-cards", Amount: decimal.NewFromInt(sampleCard), Count: 3, PaidBy: giftcard.Given, Note: "見本",
	})
	if err != nil {
		return "", err
	}
	return issued.CSV, nil
}
