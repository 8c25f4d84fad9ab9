package prepaid_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/prepaid"
	"github.com/noren-commerce/noren/core/symbols"
)

func TestCodesPayUpToTheTotalAndNoMoreThanTheyHold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		var held []prepaid.Held
		var there int64
		for _, balance := range rapid.SliceOfN(rapid.Int64Range(0, 5000), 0, prepaid.MaxPerOrder).Draw(r, "balances") {
			held, there = append(held, prepaid.Held{ID: uuid.New(), BalanceMinor: balance}), there+balance
		}
		total := rapid.Int64Range(0, 20_000).Draw(r, "total")
		uses, rest := prepaid.Share(held, total)
		if rest != max(0, total-there) {
			r.Fatalf("%d of %d are left, of codes with %d", rest, total, there)
		}
		for _, u := range uses {
			if total -= u.Minor; u.Minor < 1 || u.Minor > u.BalanceMinor {
				r.Fatalf("a code with %d pays %d", u.BalanceMinor, u.Minor)
			}
		}
		if total != rest {
			r.Fatalf("%d are not paid, not %d", total, rest)
		}
	})
}

// drawer keeps no codes, and notes which it was asked for.
type drawer struct {
	kind  *prepaid.Kind
	asked *[]string
}

func (d drawer) Kind() *prepaid.Kind { return d.kind }

func (d drawer) Tried(_ context.Context, codes []string) error {
	*d.asked = append(*d.asked, d.kind.Method)
	if len(codes) > 1 {
		return d.kind.Unknown.At("1")
	}
	return nil
}

func (d drawer) Hold(_ context.Context, codes []string) ([]prepaid.Held, error) {
	*d.asked = append(*d.asked, d.kind.Method)
	held := make([]prepaid.Held, len(codes))
	for i := range held {
		held[i] = prepaid.Held{Kind: d.kind, ID: uuid.New(), Currency: "JPY", BalanceMinor: 1}
	}
	return held, nil
}

func (drawer) Lock(context.Context, uuid.UUID, []uuid.UUID) error { return nil }
func (drawer) Spend(context.Context, []prepaid.Use) error         { return nil }
func (drawer) GiveBack(context.Context, uuid.UUID, prepaid.Use, string) error {
	return nil
}

func TestAPurseSaysWhichCodeIsWrong(t *testing.T) {
	t.Parallel()
	var asked []string
	purse := prepaid.NewPurse(drawer{prepaid.Vouchers, &asked}, drawer{prepaid.GiftCards, &asked})
	good, err := symbols.Draw(prepaid.CodeLength)
	require.NoError(t, err)
	other, err := symbols.Draw(prepaid.CodeLength)
	require.NoError(t, err)
	told := func(err error) (all []string) {
		for _, f := range fault.All(err) {
			all = append(all, string(f.Code)+" "+f.Field)
		}
		return all
	}
	require.Empty(t, told(purse.Tried(t.Context(), prepaid.Codes{GiftCards: []string{good}})))
	require.Equal(t, []string{"GIFT_CARD"}, asked, "nobody is asked for what is not named")
	require.Equal(t, []string{"VOUCHER_TWICE vouchers.1", "GIFT_CARD_MISTYPED giftCards.0", "GIFT_CARD_MISTYPED giftCards.1"},
		told(purse.Tried(t.Context(), prepaid.Codes{Vouchers: []string{good, good}, GiftCards: []string{"", good[1:]}})))
	require.Equal(t, []string{"VOUCHER_UNKNOWN vouchers.1"}, told(purse.Tried(t.Context(), prepaid.Codes{Vouchers: []string{good, other}})))

	asked = nil
	held, err := purse.Hold(t.Context(), prepaid.Codes{Vouchers: []string{good}, GiftCards: []string{other, good}}, "JPY")
	require.NoError(t, err)
	require.Equal(t, []string{"VOUCHER", "GIFT_CARD"}, asked, "in one order, whoever asks")
	require.Len(t, held, 3)
	require.Same(t, prepaid.Vouchers, held[0].Kind)
	_, err = purse.Hold(t.Context(), prepaid.Codes{Vouchers: []string{good}, GiftCards: []string{good}}, "USD")
	require.Equal(t, []string{"CODE_OTHER_CURRENCY vouchers.0", "CODE_OTHER_CURRENCY giftCards.0"}, told(err))
}
