package order

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
)

func TestAPickUpCodeIsItsOrdersAlone(t *testing.T) {
	t.Parallel()
	codes, err := NewCodes("a secret of the shop")
	require.NoError(t, err)
	_, err = NewCodes("")
	require.Error(t, err)
	ready := func() PickUp {
		p := PickUp{OrderID: id.New(), State: PickUpReady}
		require.NoError(t, codes.give(&p))
		return p
	}
	p, other := ready(), ready()
	code := codes.Code(p)
	require.NotEqual(t, code, codes.Code(other))
	for _, typed := range []string{code, strings.ToLower(code), strings.ReplaceAll(code, "-", " ")} {
		require.True(t, codes.fits(p, Shown{OrderID: p.OrderID, code: typed}), typed)
		require.False(t, codes.fits(other, Shown{OrderID: other.OrderID, code: typed}))
	}
	require.False(t, codes.fits(p, Shown{OrderID: p.OrderID}), "nothing was typed")
	require.False(t, codes.fits(p, Shown{OrderID: p.OrderID, code: code[:8]}))

	shown, ok := readToken(codes.Token(p))
	require.True(t, ok)
	require.Equal(t, p.OrderID, shown.OrderID)
	require.True(t, codes.fits(p, shown))
	shown.OrderID = other.OrderID
	require.False(t, codes.fits(other, shown), "the token of another order")
	for _, wrong := range []string{"", "noren:pick-up:", codes.Token(p)[1:], codes.Token(p) + "A", "noren:member:" + strings.TrimPrefix(codes.Token(p), tokenOf)} {
		_, ok := readToken(wrong)
		require.False(t, ok, wrong)
	}

	again := p
	require.NoError(t, codes.give(&again))
	require.NotEqual(t, code, codes.Code(again), "a fresh code")
	theirs, err := NewCodes("another shop's secret")
	require.NoError(t, err)
	require.NotEqual(t, code, theirs.Code(p))
	p.State = PickUpHanded
	require.Empty(t, codes.Code(p))
	require.Empty(t, codes.Token(p))
}
