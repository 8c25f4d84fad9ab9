package seed_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/seed"
)

func TestSampleGiftCardsAreIssuedOnce(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	require.NoError(t, seed.Write(t.Context(), a.DB, seed.Options{}))
	codes, err := seed.IssueCards(t.Context(), a.App.Resolvers.GiftCards, a.App.Channels)
	require.NoError(t, err)
	require.Equal(t, 4, strings.Count(codes, "\n"))
	codes, err = seed.IssueCards(t.Context(), a.App.Resolvers.GiftCards, a.App.Channels)
	require.NoError(t, err)
	require.Empty(t, codes)
}
