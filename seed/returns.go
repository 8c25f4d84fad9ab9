package seed

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/returns"
)

// story is what a sample customer gives back, and how far that comes.
type story struct {
	outcome returns.Outcome
	reason  returns.Reason
	text    string
	ends    returns.Status
	shop    bool // it is brought to a shop
}

// stories are those of sample orders, by their place: one for each state of a return.
var stories = map[int]story{
	17: {returns.Refund, returns.ChangedMind, "ほかのサイズを買い直したため", returns.Withdrawn, false},
	19: {returns.Exchange, returns.Defective, "縫い目がほつれていました", returns.Completed, false},
	20: {returns.Refund, returns.ChangedMind, "思っていた色と違いました", returns.Completed, true},
	21: {returns.Refund, returns.Other, "うちの子が気に入りませんでした", returns.Rejected, false},
	23: {returns.Refund, returns.Damaged, "箱がつぶれて中身がこぼれていました", returns.PartlyReceived, false},
	27: {returns.Refund, returns.WrongItem, "注文と違うものが届きました", returns.Approved, false},
	29: {returns.Refund, returns.ChangedMind, "サイズが合いませんでした", returns.Requested, false},
}

// comeBack lets the customer of a delivered order give some of it back, if there is a
// story of it.
func (t *trade) comeBack(ctx context.Context, n int, placed order.Order, buyer Account) error {
	s, ok := stories[n]
	if !ok {
		return nil
	}
	lines, err := t.orders.Lines(ctx, []uuid.UUID{placed.ID})
	if err != nil {
		return err
	}
	key := fmt.Sprintf("noren-sample-return-%02d", n)
	t.at = awake(t.at.Add(30 * time.Hour))
	in := returns.AskInput{IdempotencyKey: key, OrderID: placed.ID, Outcome: s.outcome, Text: s.text}
	for _, l := range lines {
		if len(l.Parts) == 0 {
			in.Lines = append(in.Lines, returns.AskedLine{LineID: l.ID, Quantity: l.Quantity, Reason: s.reason})
		}
	}
	asked, err := t.returns.Ask(t.as(ctx, buyer), in)
	if err != nil || s.ends == returns.Requested {
		return err
	}
	if s.ends == returns.Withdrawn {
		_, err := t.returns.Withdraw(t.as(ctx, buyer), returns.WithdrawInput{ReturnID: asked.ID})
		return err
	}
	t.at = atWork(t.at.Add(12 * time.Hour))
	if s.ends == returns.Rejected {
		_, err := t.returns.Reject(ctx, returns.RejectInput{ReturnID: asked.ID, Note: "開封された商品のため、お受けできません"})
		return err
	}
	if _, err := t.returns.Approve(ctx, returns.ApproveInput{ReturnID: asked.ID}); err != nil || s.ends == returns.Approved {
		return err
	}
	return t.takeIn(ctx, n, *asked, *buyer.BrandID, s)
}

// takeIn receives what came back; of a return that is to wait for more, one piece.
func (t *trade) takeIn(ctx context.Context, n int, asked returns.Return, brandID uuid.UUID, s story) error {
	t.at = atWork(t.at.Add(50 * time.Hour))
	key := fmt.Sprintf("noren-sample-return-%02d", n)
	in := returns.ReceiveInput{IdempotencyKey: key, ReturnID: asked.ID, LocationID: place(brandID, s.shop)}
	for _, l := range asked.Lines {
		pieces := returns.InspectedLine{LineID: l.ID, Restock: l.Asked}
		if s.ends == returns.PartlyReceived {
			pieces.Restock, pieces.Scrap = 0, 1
		} else if s.reason == returns.Defective {
			pieces.Restock, pieces.Repair = 0, l.Asked
		}
		if in.Lines = append(in.Lines, pieces); s.ends == returns.PartlyReceived {
			break
		}
	}
	got, err := t.returns.Receive(ctx, in)
	if err != nil || s.outcome != returns.Exchange {
		return err
	}
	return t.dispatch(ctx, 100+n, *got.Receipts[0].ExchangeOrderID, key, order.Delivered)
}

// place is the brand's warehouse, or its first shop.
func place(brandID uuid.UUID, shop bool) uuid.UUID {
	for _, b := range Brands() {
		if b.ID == brandID && shop {
			return b.Shops[1].ID
		} else if b.ID == brandID {
			return b.Shops[0].ID
		}
	}
	return uuid.Nil
}
