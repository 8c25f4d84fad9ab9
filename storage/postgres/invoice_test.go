package postgres_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

func drafted(brandID uuid.UUID, kind invoice.Kind, source string) invoice.Document {
	return invoice.Document{ID: id.New(), BrandID: brandID, Kind: kind, Source: source, IssuedAt: time.Now(), Currency: money.JPY, TotalMinor: 1}
}

// Many draw numbers at once, in either order, and many of them give up.
func TestNumbersHaveNoGaps(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	store, givenUp := postgres.NewDocuments(shop.DB), errors.New("given up")
	const writers, rounds = 16, 25
	issued := map[invoice.Kind][]int64{}
	var mutex sync.Mutex
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			chance := rand.New(rand.NewPCG(uint64(w), 1))
			for range rounds {
				kinds := [][]invoice.Kind{
					{invoice.KindInvoice, invoice.KindDeliveryNote}, {invoice.KindDeliveryNote, invoice.KindInvoice}, {invoice.KindReceipt}, {invoice.KindInvoice},
				}[chance.IntN(4)]
				gives := chance.IntN(3) == 0
				var drawn []invoice.Document
				err := shop.DB.InTx(context.Background(), func(ctx context.Context) (err error) {
					var drafts []invoice.Document
					for _, kind := range kinds {
						drafts = append(drafts, drafted(shop.BrandID, kind, uuid.NewString()))
					}
					if drawn, err = store.Issue(ctx, drafts); err != nil {
						return err
					}
					if gives {
						return givenUp
					}
					return nil
				})
				if gives {
					if !errors.Is(err, givenUp) {
						t.Errorf("gave up with %v", err)
					}
					continue
				}
				if err != nil {
					t.Errorf("issue: %v", err)
					continue
				}
				mutex.Lock()
				for _, d := range drawn {
					issued[d.Kind] = append(issued[d.Kind], d.Serial)
				}
				mutex.Unlock()
			}
		})
	}
	all.Wait()
	require.Len(t, issued, 3)
	for kind, serials := range issued {
		seen := map[int64]bool{}
		for _, n := range serials {
			require.False(t, seen[n], "%s %d twice", kind, n)
			seen[n] = true
		}
		for n := int64(1); n <= int64(len(serials)); n++ {
			require.True(t, seen[n], "%s %d is missing of %d", kind, n, len(serials))
		}
	}
}

func TestDocumentsAreIssuedOnceAndNeverChange(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	store := postgres.NewDocuments(shop.DB)
	first, err := store.Issue(t.Context(), []invoice.Document{drafted(shop.BrandID, invoice.KindInvoice, "invoice:1")})
	require.NoError(t, err)
	require.EqualValues(t, 1, first[0].Serial)
	err = shop.DB.InTx(t.Context(), func(ctx context.Context) error {
		_, err := store.Issue(ctx, []invoice.Document{drafted(shop.BrandID, invoice.KindInvoice, "invoice:1")})
		return err
	})
	var f *fault.Error
	require.ErrorAs(t, err, &f)
	require.Equal(t, fault.CodeConflict, f.Code)
	second, err := store.Issue(t.Context(), []invoice.Document{drafted(shop.BrandID, invoice.KindInvoice, "invoice:2")})
	require.NoError(t, err)
	require.EqualValues(t, 2, second[0].Serial, "what was refused drew no number")

	for _, change := range []string{`UPDATE documents SET total = 2`, `UPDATE documents SET content = '{}'`, `DELETE FROM documents`} {
		_, err := shop.DB.Pool().Exec(t.Context(), change)
		require.ErrorContains(t, err, "never changes", change)
	}
}
