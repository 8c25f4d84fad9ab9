package scope

import "slices"

// Covers reports whether the goods are among those that the target names. An Index
// finds many rules at once; this asks one.
func (t Target) Covers(g Goods) bool {
	switch t.Kind {
	case Variant:
		return t.ID == g.VariantID
	case Product:
		return t.ID == g.ProductID
	case Category:
		return slices.Contains(g.Categories, t.ID)
	case ProductBrand:
		return t.ID == g.BrandID
	case Attribute:
		return slices.ContainsFunc(g.Attributes, func(a AttributeValue) bool { return a.ID == t.ID && a.Value == t.Value })
	case Tag:
		return slices.Contains(g.Tags, t.Value)
	case AllGoods:
		return true
	}
	return false
}
