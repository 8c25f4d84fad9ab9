package books

// Purchases say that what searches sum up is what the history has.
var Purchases = []Rule{
	{"sums have every purchase of a member, and no other", `
		SELECT format('purchase %s: in the history %s, in the sums %s', coalesce(p.id, s.purchase_id), p, s) FROM
		(SELECT id, member_id, bought_on, brand_id, store_id, items, total FROM purchases WHERE member_id IS NOT NULL) p
		FULL JOIN purchase_sums s ON s.purchase_id = p.id
		WHERE (p.id, p.member_id, p.bought_on, p.brand_id, p.store_id, p.items, p.total)
			IS DISTINCT FROM (s.purchase_id, s.member_id, s.bought_on, s.brand_id, s.store_id, s.items, s.total)`},
}
