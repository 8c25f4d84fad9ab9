package pricing

import "slices"

// Tiers are the quantities from which a piece gets cheaper for the buyer, with
// the price from each on, the first for the smallest quantity that has a price.
func (d *Desk) Tiers(sheet *Sheet, item Item) ([]Line, error) {
	var tiers []Line
	for _, from := range d.breaks(sheet) {
		item.Quantity = from
		line, err := d.Piece(sheet, item)
		if err != nil {
			return nil, err
		}
		if line != nil && (len(tiers) == 0 || line.Unit.Minor != tiers[len(tiers)-1].Unit.Minor) {
			tiers = append(tiers, *line)
		}
	}
	return tiers, nil
}

// breaks are the quantities at which some rule may begin to have a say.
func (d *Desk) breaks(sheet *Sheet) []int {
	all := []int{1}
	if sheet == nil {
		return all
	}
	for _, row := range sheet.Prices {
		all = append(all, row.MinQuantity)
	}
	t := d.terms.Load()
	_, discounts := t.Rules.views(t.Buyer)
	for q := range discounts.Of(sheet.Goods) {
		for _, tier := range q.Tiers {
			all = append(all, tier.From)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
