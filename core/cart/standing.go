package cart

import (
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/sale"
)

// found is how the buyer finds the variant with what it holds, if it is a set.
func (l Lookup) found(standings map[uuid.UUID]display.Standing, variantID uuid.UUID, held []uuid.UUID) display.Standing {
	return display.Found(standings, variantID, l.follows(variantID), held)
}

// unnamed is the item with nothing said of parts that the buyer may not know of any
// more; that the set cannot be had is the line's problem.
func (i Item) unnamed(standings map[uuid.UUID]display.Standing) Item {
	if standings == nil {
		return i
	}
	i.Parts = slices.Clone(i.Parts)
	for n := range i.Parts {
		if p := &i.Parts[n]; !display.Of(standings, p.VariantID).Visible {
			p.SKU, p.Name, p.Options = "", i18n.Text{"ja": "現在お取り扱いのない商品", "en": "No longer available"}, nil
		}
	}
	return i
}

// follows reports whether the variant is a set whose price follows its parts.
func (l Lookup) follows(variantID uuid.UUID) bool {
	set := l.desk.Set(variantID)
	return set != nil && set.PriceRule == sale.PartsPrice
}

// held are the variants in a set as it is wanted; none if it is no set.
func (l Lookup) held(wanted AddLineInput) (all []uuid.UUID) {
	set := l.desk.Set(wanted.VariantID)
	if set == nil {
		return nil
	}
	for _, p := range set.Parts {
		all = append(all, p.VariantID)
	}
	for _, c := range wanted.Choices {
		all = append(all, c.VariantID)
	}
	return all
}

func (i Item) heldVariants() []uuid.UUID {
	all := make([]uuid.UUID, len(i.Parts))
	for n, p := range i.Parts {
		all[n] = p.VariantID
	}
	return all
}

// hide takes out of the book what no total may tell: the prices that the buyer is not
// told, by themselves and in sets whose price follows them.
func (l Lookup) hide(book pricing.Book, standings map[uuid.UUID]display.Standing) {
	for variant, standing := range standings {
		if standing.Visible && standing.PriceHidden == nil {
			continue
		}
		delete(book, variant)
		for set, sheet := range book {
			if sheet.Parts != nil && l.follows(set) {
				delete(sheet.Parts, variant)
			}
		}
	}
}
