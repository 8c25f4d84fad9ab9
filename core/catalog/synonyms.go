package catalog

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/search"
)

// Synonym is one rule of other words. Without sources the words stand for each
// other; with sources the words are found by those, and not the other way round.
type Synonym struct {
	ID      uuid.UUID
	BrandID uuid.UUID
	Sources []string
	Words   []string
}

// GlobalID is the rule's id in the schema.
func (s Synonym) GlobalID() string { return id.Global("Synonym", s.ID) }

// synonymsFor is how long a process trusts the synonyms that it has read.
const synonymsFor = 10 * time.Second

// synonymBook keeps each brand's synonyms for a moment.
type synonymBook struct {
	store interface {
		Synonyms(ctx context.Context, brandID uuid.UUID) ([]Synonym, error)
	}
	now   clock.Clock
	mu    sync.Mutex
	books map[uuid.UUID]datedBook
}

type datedBook struct {
	synonyms search.Synonyms
	readAt   time.Time
}

func (b *synonymBook) of(ctx context.Context, brandID uuid.UUID) (search.Synonyms, error) {
	b.mu.Lock()
	kept, ok := b.books[brandID]
	b.mu.Unlock()
	if ok && b.now().Sub(kept.readAt) < synonymsFor {
		return kept.synonyms, nil
	}
	rules, err := b.store.Synonyms(ctx, brandID)
	if err != nil {
		return nil, err
	}
	book := search.Synonyms{}
	for _, rule := range rules {
		if len(rule.Sources) == 0 {
			book.Add(rule.Words...)
		}
		for _, source := range rule.Sources {
			book.Replace(source, rule.Words...)
		}
	}
	b.mu.Lock()
	b.books[brandID] = datedBook{book, b.now()}
	b.mu.Unlock()
	return book, nil
}
