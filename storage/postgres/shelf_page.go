package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/page"
)

// shelfKey is a place on a category's page. Pins stand at their positions and the
// walk of the other products goes on between them, so the place is in both: behind
// Key in the walk, behind Pin among the pins. Whoever pages on sees the pins and
// the order as they were when the first page was made.
type shelfKey struct {
	Sort catalog.Sort `json:"s"`
	At   time.Time    `json:"p"`
	Key  *sortKey     `json:"k,omitempty"` // nil before the first row of the walk
	Pin  int          `json:"l,omitempty"` // position of the last pin
	Rows int          `json:"c,omitempty"` // rows so far
}

// shelfPage is one page of a category as it stands by itself. A pinned product
// stands where it is pinned, or, where the shelf is shorter, at its end; it does not
// come again in the walk. One that the buyer cannot see leaves its place to the walk.
func (s *Catalog) shelfPage(ctx context.Context, q catalog.ListQuery, sel selection) (page.Connection[catalog.Product], error) {
	var none page.Connection[catalog.Product]
	size, err := q.Page.Size()
	if err != nil {
		return none, err
	}
	var place shelfKey
	behind, err := q.Page.Start(&place)
	if err != nil {
		return none, err
	}
	if !behind {
		place = shelfKey{Sort: q.Sort, At: q.At}
	}
	q.Sort = place.Sort
	o, ok := sel.by(q.Sort)
	if !ok || place.At.IsZero() || place.Key != nil && (place.Key.Sort != q.Sort || isNil(place.Key.value(o))) {
		return none, errCursor
	}
	pins, pinned := q.View.Pinned(q.Shelf, place.At), map[uuid.UUID]catalog.Product{}
	var free []string
	if len(pins) > 0 {
		sel.args["pinned"] = productsOf(pins)
		rows, err := s.rows(ctx, q, sel, o, nil, len(pins), `l.product_id = ANY(@pinned)`)
		if err != nil {
			return none, err
		}
		for _, r := range rows {
			pinned[r.ID] = r.Product
		}
		free = []string{`l.product_id <> ALL(@pinned)`}
	}
	rows, err := s.rows(ctx, q, sel, o, place.Key, size+1, free...)
	if err != nil {
		return none, err
	}
	return interleave(place, pins, pinned, rows, size, behind), nil
}

func productsOf(pins []display.Pin) []uuid.UUID {
	ids := make([]uuid.UUID, len(pins))
	for i, p := range pins {
		ids[i] = p.ProductID
	}
	return ids
}

// interleave puts the pins that are still to come among the rows of the walk.
func interleave(place shelfKey, pins []display.Pin, pinned map[uuid.UUID]catalog.Product, rows []sortedRow, size int, behind bool) page.Connection[catalog.Product] {
	var due []display.Pin
	for _, p := range pins {
		if _, seen := pinned[p.ProductID]; seen && p.Position > place.Pin {
			due = append(due, p)
		}
	}
	type row struct {
		product catalog.Product
		place   shelfKey
	}
	var all []row
	for len(all) <= size && (len(due) > 0 || len(rows) > 0) {
		place.Rows++
		if len(due) > 0 && (len(rows) == 0 || due[0].Position <= place.Rows) {
			place.Pin = due[0].Position
			all = append(all, row{pinned[due[0].ProductID], place})
			due = due[1:]
			continue
		}
		key := rows[0].key(place.Sort)
		place.Key = &key
		all = append(all, row{rows[0].Product, place})
		rows = rows[1:]
	}
	paged := page.Of(all, size, behind, func(r row) any { return r.place })
	return page.Map(paged, func(r row) catalog.Product { return r.product })
}
