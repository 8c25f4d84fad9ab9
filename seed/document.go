package seed

import (
	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/i18n"
)

// document is what of a sample product can be searched for, as the database would
// tell it: a catalog of any size is so indexed while it is written, without reading
// it back.
func (b Brand) document(bundle catalog.Bundle) catalog.Document {
	p := bundle.Product
	d := catalog.Document{ProductID: p.ID, BrandID: p.BrandID, Name: p.Name, Description: p.Description, Tags: p.Tags}
	for _, m := range makers {
		if p.ProductBrandID != nil && b.MakerID(m.slug) == *p.ProductBrandID {
			d.Maker = i18n.Text{"ja": m.ja, "en": m.en}
		}
	}
	for _, category := range bundle.Categories {
		d.Shelves = append(d.Shelves, b.shelvesFrom(category)...)
	}
	for _, v := range bundle.Variants {
		d.Codes = append(append(d.Codes, v.SKU, v.Barcode), v.Options...)
	}
	for _, a := range bundle.Attributes {
		d.Values = append(d.Values, b.label(a))
	}
	return d
}

// shelvesFrom are the names of the category and of those above it.
func (b Brand) shelvesFrom(category uuid.UUID) []i18n.Text {
	var names []i18n.Text
	for i := len(shelves) - 1; i >= 0; i-- { // those above stand before
		if s := shelves[i]; b.CategoryID(s.slug) == category {
			names = append(names, i18n.Text{"ja": s.ja, "en": s.en})
			category = b.CategoryID(s.parent)
		}
	}
	return names
}

// label is how shoppers read the value of an attribute.
func (b Brand) label(v catalog.AttributeValue) i18n.Text {
	for _, a := range attributes {
		for _, c := range a.choices {
			if c.Value == v.Value && b.AttributeID(a.code) == v.AttributeID {
				return c.Label
			}
		}
	}
	return i18n.Text{"ja": v.Value}
}
