package catalog

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
)

// How many products are compared.
const (
	minCompared = 2
	maxCompared = 6
)

// ErrCompared says that too few or too many products are to be compared.
var ErrCompared = fault.Invalid(fault.CodeInvalid, "比較できる商品は%d〜%d点です", "Between %d and %d products can be compared").With(minCompared, maxCompared)

// Comparison is products side by side.
type Comparison struct {
	Products []Product
	Rows     []ComparisonRow
}

// ComparisonRow is one attribute of products that are compared.
type ComparisonRow struct {
	Code   string
	Name   i18n.Text
	Unit   string
	Values []*string // of each product, as shoppers read it; nil where nothing is said
}

// Differs reports whether the products differ in it.
func (r ComparisonRow) Differs() bool {
	for _, v := range r.Values[1:] {
		if (v == nil) != (r.Values[0] == nil) || v != nil && *v != *r.Values[0] {
			return true
		}
	}
	return false
}

// Compare puts products that the channel shows side by side, in the order of the ids.
func (s *Service) Compare(ctx context.Context, ids []uuid.UUID) (Comparison, error) {
	if len(ids) < minCompared || len(ids) > maxCompared {
		return Comparison{}, ErrCompared.At("ids")
	}
	shown, err := s.ByIDs(ctx, ids)
	if err != nil || len(shown) == 0 {
		return Comparison{Products: []Product{}}, err
	}
	var c Comparison
	seen := map[uuid.UUID]bool{}
	for _, id := range ids {
		for _, p := range shown {
			if p.ID == id && !seen[id] {
				seen[id] = true
				c.Products = append(c.Products, p)
			}
		}
	}
	columns := make([]uuid.UUID, len(c.Products))
	for i, p := range c.Products {
		columns[i] = p.ID
	}
	details, err := s.Details(ctx, columns)
	if err != nil {
		return Comparison{}, err
	}
	said := make(map[uuid.UUID][]ProductAttribute, len(details))
	for _, d := range details {
		said[d.ProductID] = d.Attributes
	}
	c.Rows = compared(ctx, columns, said)
	return c, nil
}

// compared are the rows of a comparison: what the first product has comes first, in
// its order, then what only others have.
func compared(ctx context.Context, columns []uuid.UUID, said map[uuid.UUID][]ProductAttribute) []ComparisonRow {
	var rows []ComparisonRow
	at := map[string]int{}
	for column, id := range columns {
		for _, a := range said[id] {
			row, known := at[a.Code]
			if !known {
				row = len(rows)
				at[a.Code] = row
				rows = append(rows, ComparisonRow{Code: a.Code, Name: a.Name, Unit: a.Unit, Values: make([]*string, len(columns))})
			}
			value := a.Display(ctx)
			if before := rows[row].Values[column]; before != nil { // an attribute may have several
				value = *before + " / " + value
			}
			rows[row].Values[column] = &value
		}
	}
	return rows
}
