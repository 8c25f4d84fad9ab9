package seed

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/voucher"
	"github.com/noren-commerce/noren/core/wishlist"
)

// Club is what the sample members have of the first brand beside their points.
type Club struct {
	Members  *member.Service
	Vouchers *voucher.Service
	Wishes   *wishlist.Service
	Channels *channel.Service
}

// Fill makes a batch of vouchers, two members a household, and one of them a list of
// wishes: once. WriteMembers comes first.
func (c Club) Fill(ctx context.Context) error {
	brand := Brands()[0]
	ch, err := c.Channels.Resolve(ctx, brand.Code, "")
	if err != nil {
		return err
	}
	here := channel.With(access.With(ctx, access.System), ch)
	if err := c.vouchers(here); err != nil {
		return fmt.Errorf("sample vouchers: %w", err)
	}
	caller := Members()[0]
	if err := c.household(here, caller.ID, Members()[len(Brands())].ID); err != nil {
		return fmt.Errorf("sample household: %w", err)
	}
	if err := c.wishes(access.With(here, access.Actor{Role: access.RoleMember, ID: caller.ID}), brand); err != nil {
		return fmt.Errorf("sample wishes: %w", err)
	}
	return nil
}

func (c Club) vouchers(ctx context.Context) error {
	there, err := c.Vouchers.Batches(ctx, page.Args{})
	if err != nil || len(there.Edges) > 0 {
		return err
	}
	amount := decimal.NewFromInt(500)
	_, err = c.Vouchers.Issue(ctx, voucher.IssueInput{IdempotencyKey: "noren-sample-vouchers", Name: "500円お買物券", Count: 20, Amount: &amount, Note: "見本"})
	return err
}

func (c Club) household(ctx context.Context, one, other uuid.UUID) error {
	m, err := c.Members.ByID(ctx, one)
	switch {
	case errors.Is(err, fault.ErrNotFound): // a shop without members
		return nil
	case err != nil, m.HouseholdID != nil:
		return err
	}
	_, err = c.Members.SetHousehold(ctx, member.HouseholdInput{MemberID: one, WithID: &other})
	return err
}

func (c Club) wishes(ctx context.Context, brand Brand) error {
	there, err := c.Wishes.Lists(ctx)
	if err != nil || len(there) > 0 {
		return err
	}
	tell := true
	n := 0
	for bundle := range brand.Products(0) {
		if _, err := c.Wishes.SaveWish(ctx, wishlist.SaveWishInput{VariantID: bundle.Prices[0].VariantID, Notify: &tell}); err != nil {
			return err
		}
		if n++; n == 3 {
			break
		}
	}
	return nil
}
