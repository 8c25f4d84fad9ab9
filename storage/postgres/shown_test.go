package postgres_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/search"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

func TestCachesHearWhenSearchFindsOtherThings(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	p := shop.AddProduct(t, "collar", 1200)
	var brands []uuid.UUID
	shop.DB.OnCommit(func(_ context.Context, events []event.Event) { brands = append(brands, event.ShownBrands(events)...) })
	require.NoError(t, catalog.NewIndexer(postgres.NewCatalog(shop.DB), search.NewAnalyzer()).Products(t.Context(), p.ID))
	require.Equal(t, []uuid.UUID{shop.BrandID}, brands)
}
