package books

var journal = []Rule{
	{"every entry balances", `
		SELECT format('entry %s (%s)', e.id, e.source) FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id
		GROUP BY e.id, e.source HAVING sum(l.debit) <> sum(l.credit)`},
	{"the journal balances", `SELECT format('off by %s', sum(debit - credit)) FROM journal_lines HAVING sum(debit - credit) <> 0`},
	{"a payment's money is where the journal says", `
		SELECT format('payment %s (%s %s): has %s, in the journal %s', p.id, p.method, p.status, p.captured - p.refunded, coalesce(j.sum, 0))
		FROM payments p LEFT JOIN (
			SELECT e.payment_id, sum(l.debit - l.credit) FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id
			WHERE l.account IN ('CASH', 'BANK', 'CLEARING', 'GIFT_CARDS', 'VOUCHERS', 'POINTS') GROUP BY 1
		) j ON j.payment_id = p.id
		WHERE p.captured - p.refunded <> coalesce(j.sum, 0)`},
	{"each shipment is one sale of what it is worth", `
		SELECT format('shipment %s of %s: worth %s, sold %s', h.id, h.order_id, h.total, coalesce(j.sum, 0))
		FROM shipments h LEFT JOIN (
			SELECT split_part(e.source, ':', 2) AS shipment, sum(l.debit - l.credit) FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id
			WHERE e.kind = 'SALE' AND l.account IN ('RECEIVABLE', 'DEPOSITS') GROUP BY 1
		) j ON j.shipment = h.id::text
		WHERE (h.status IN ('SHIPPED', 'DELIVERED') AND h.total <> coalesce(j.sum, 0)) OR (h.status IN ('INSTRUCTED', 'CANCELLED') AND j.sum IS NOT NULL)`},
	{"the shipments of an order that has left come to its total", `
		SELECT format('order %s: total %s, shipments %s', o.number, o.total, sum(h.total))
		FROM orders o JOIN shipments h ON h.order_id = o.id AND h.status IN ('SHIPPED', 'DELIVERED', 'REFUSED')
		GROUP BY o.id HAVING (o.status IN ('SHIPPED', 'DELIVERED') AND sum(h.total) <> o.total) OR sum(h.total) > o.total`},
	// but for what goes back once a carrier has brought the money: it waits for all of that
	{"nobody owes what he has deposited", `
		SELECT format('order %s: owes %s, has deposited %s, of which %s goes back later', o.number, b.owed, b.deposited, p.later) FROM (
			SELECT e.order_id, sum(l.debit - l.credit) FILTER (WHERE l.account = 'RECEIVABLE') AS owed, sum(l.credit - l.debit) FILTER (WHERE l.account = 'DEPOSITS') AS deposited
			FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id WHERE e.company_id IS NULL GROUP BY 1
		) b JOIN orders o ON o.id = b.order_id CROSS JOIN LATERAL (SELECT coalesce(sum(p.owed_back), 0) AS later FROM payments p WHERE p.order_id = o.id) p
		WHERE (b.owed > 0 AND b.deposited > 0 AND b.deposited <> p.later) OR b.owed < 0 OR b.deposited < 0 OR coalesce(b.deposited, 0) < p.later`},
	{"the sale of an order is not undone beyond it", `
		SELECT format('order %s: %s of its sale is left', o.number, b.sold) FROM (
			SELECT e.order_id, sum(l.credit - l.debit) AS sold FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id
			WHERE l.account IN ('SALES', 'SHIPPING', 'CHARGES', 'RETURNS', 'TAX') GROUP BY 1
		) b JOIN orders o ON o.id = b.order_id WHERE b.sold < 0`},
}

var payments = []Rule{
	{"no more goes back than came in", `
		SELECT format('payment %s: captured %s, refunded %s, going back %s', p.id, p.captured, p.refunded, coalesce(o.sum, 0))
		FROM payments p LEFT JOIN (
			SELECT payment_id, sum(amount) FROM payment_operations WHERE kind = 'REFUND' AND status = 'OUTSTANDING' GROUP BY 1
		) o ON o.payment_id = p.id
		WHERE p.refunded + coalesce(o.sum, 0) > p.captured`},
	{"what went back was asked for", `
		SELECT format('payment %s (%s): refunded %s, asked %s', p.id, p.method, p.refunded, coalesce(o.sum, 0))
		FROM payments p LEFT JOIN (
			SELECT payment_id, sum(amount) FROM payment_operations WHERE kind = 'REFUND' AND status = 'DONE' GROUP BY 1
		) o ON o.payment_id = p.id
		WHERE p.refunded <> coalesce(o.sum, 0)`},
	{"a payment's state agrees with its sums", `
		SELECT format('payment %s: %s with %s/%s/%s', id, status, authorised, captured, refunded) FROM payments
		WHERE (status IN ('PENDING', 'FAILED') AND (authorised <> 0 OR refunded <> 0 OR (captured <> 0 AND method <> 'BANK_TRANSFER')))
			OR (status = 'CANCELLED' AND (authorised <> 0 OR captured <> 0)) OR (status = 'AUTHORISED' AND (authorised = 0 OR captured <> 0))
			OR (status = 'CAPTURED' AND (captured = 0 OR refunded <> 0)) OR (status = 'PARTLY_REFUNDED' AND (refunded = 0 OR refunded = captured))
			OR (status = 'REFUNDED' AND refunded <> captured)`},
	{"transfers are what came in", `
		SELECT format('payment %s: captured %s, transfers %s', p.id, p.captured, coalesce(t.sum, 0))
		FROM payments p LEFT JOIN (SELECT payment_id, sum(amount) FROM bank_transfers GROUP BY 1) t ON t.payment_id = p.id
		WHERE p.method = 'BANK_TRANSFER' AND p.captured <> coalesce(t.sum, 0)`},
	{"one start is outstanding at most", `
		SELECT format('payment %s', payment_id) FROM payment_operations WHERE kind = 'START' AND status = 'OUTSTANDING' GROUP BY 1 HAVING count(*) > 1`},
}

var giftCards = []Rule{
	{"a card's balance is the sum of its entries", `
		SELECT format('card %s: balance %s, entries %s', c.id, c.balance, coalesce(e.sum, 0))
		FROM gift_cards c LEFT JOIN (SELECT card_id, sum(amount) FROM gift_card_entries GROUP BY 1) e ON e.card_id = c.id
		WHERE c.balance <> coalesce(e.sum, 0)`},
	{"what is on cards is what the journal owes", `
		SELECT format('on cards %s, owed %s', c, j)
		FROM (SELECT coalesce(sum(balance), 0) FROM gift_cards) a (c), (SELECT coalesce(sum(credit - debit), 0) FROM journal_lines WHERE account = 'GIFT_CARDS') b (j)
		WHERE c <> j`},
	{"what a card pays has left it", `
		SELECT format('payment %s: holds %s, entries %s', p.id, p.captured - p.refunded + p.as_points, coalesce(e.sum, 0))
		FROM payments p LEFT JOIN (SELECT payment_id, -sum(amount) AS sum FROM gift_card_entries GROUP BY 1) e ON e.payment_id = p.id
		WHERE p.method = 'GIFT_CARD' AND p.captured - p.refunded + p.as_points <> coalesce(e.sum, 0)`},
}

var vouchers = []Rule{
	{"what is on a voucher is its value less its entries", `
		SELECT format('voucher %s (%s): value %s, balance %s, entries %s', v.id, v.state, b.value, v.balance, coalesce(e.sum, 0))
		FROM vouchers v JOIN voucher_batches b ON b.id = v.batch_id LEFT JOIN (SELECT voucher_id, sum(amount) FROM voucher_entries GROUP BY 1) e ON e.voucher_id = v.id
		WHERE v.balance <> b.value - coalesce(e.sum, 0) OR v.balance > b.value OR (v.state = 'REDEEMED' AND v.balance <> 0)`},
	{"what is on vouchers is what the journal owes", `
		SELECT format('on vouchers %s, owed %s', v, j)
		FROM (SELECT coalesce(sum(v.balance), 0) FROM vouchers v JOIN voucher_batches b ON b.id = v.batch_id AND b.state = 'READY') a (v),
			(SELECT coalesce(sum(credit - debit), 0) FROM journal_lines WHERE account = 'VOUCHERS') b (j)
		WHERE v <> j`},
	{"what a voucher pays has left it", `
		SELECT format('payment %s: holds %s, entries %s', p.id, p.captured - p.refunded + p.as_points, coalesce(e.sum, 0))
		FROM payments p LEFT JOIN (SELECT payment_id, sum(amount) FROM voucher_entries GROUP BY 1) e ON e.payment_id = p.id
		WHERE p.method = 'VOUCHER' AND p.captured - p.refunded + p.as_points <> coalesce(e.sum, 0)`},
}

var credit = []Rule{
	{"what a company owes is the sum of its entries", `
		SELECT format('company %s: owes %s, entries %s', c.company_id, c.used, coalesce(e.sum, 0))
		FROM company_credit c LEFT JOIN (SELECT company_id, sum(amount) FROM credit_entries GROUP BY 1) e USING (company_id)
		WHERE c.used <> coalesce(e.sum, 0)`},
	{"a company owes what left and what is to leave", `
		SELECT format('company %s: owes %s, receivable %s, to leave %s', c.company_id, c.used, coalesce(j.sum, 0), coalesce(o.sum, 0))
		FROM company_credit c LEFT JOIN (
			SELECT e.company_id, sum(l.debit - l.credit) FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id WHERE l.account = 'RECEIVABLE' AND e.company_id IS NOT NULL GROUP BY 1
		) j USING (company_id) LEFT JOIN (
			SELECT o.company_id, sum(o.total - coalesce((SELECT sum(h.total) FROM shipments h WHERE h.order_id = o.id AND h.status IN ('SHIPPED', 'DELIVERED')), 0))
			FROM orders o WHERE o.payment_method = 'ON_ACCOUNT' AND o.status NOT IN ('PENDING_APPROVAL', 'CANCELLED') GROUP BY 1
		) o USING (company_id)
		WHERE c.used <> coalesce(j.sum, 0) + coalesce(o.sum, 0)`},
}

// settled hold when nothing is under way.
var settled = []Rule{
	{"nothing is stuck at a gateway", `
		SELECT format('operation %s: %s %s of %s (%s attempts, %s)', id, kind, status, payment_id, attempts, detail) FROM payment_operations WHERE status = 'OUTSTANDING'`},
	{"no gateway refuses what noren asks", `
		SELECT format('operation %s: %s of %s: %s', o.id, o.kind, o.payment_id, o.detail) FROM payment_operations o
		WHERE o.status = 'REFUSED' AND o.kind IN ('CAPTURE', 'REFUND')`},
	{"the money of a given-up order has gone back", `
		SELECT format('order %s, payment %s (%s %s): %s', o.number, p.id, p.method, p.status, p.captured - p.refunded + p.authorised) FROM orders o JOIN payments p ON p.order_id = o.id
		WHERE o.status = 'CANCELLED' AND p.captured - p.refunded + p.authorised <> 0`},
	{"nobody is asked to pay for a given-up order", `
		SELECT format('order %s, payment %s (%s)', o.number, p.id, p.status) FROM orders o JOIN payments p ON p.order_id = o.id
		WHERE o.status = 'CANCELLED' AND p.status IN ('PENDING', 'FAILED')`},
	{"the books of a given-up order are closed", `
		SELECT format('order %s: %s %s', o.number, l.account, sum(l.debit - l.credit)) FROM orders o JOIN journal_entries e ON e.order_id = o.id JOIN journal_lines l ON l.entry_id = e.id
		WHERE o.status = 'CANCELLED' AND l.account IN ('RECEIVABLE', 'DEPOSITS') GROUP BY o.number, l.account HAVING sum(l.debit - l.credit) <> 0`},
	{"no gateway keeps what is too much", `
		SELECT format('order %s (%s): total %s, has %s (payments %s)', o.number, o.id, o.total, sum(p.captured - p.refunded), string_agg(p.id::text, ', ')) FROM orders o JOIN payments p ON p.order_id = o.id
		WHERE o.status <> 'CANCELLED' GROUP BY o.id HAVING sum(p.captured - p.refunded) > o.total AND bool_and(p.gateway IN ('stripe', 'gift_card', 'voucher') OR p.captured = 0)`},
	{"held money is taken when all has left", `
		SELECT format('order %s, payment %s: %s', o.number, p.id, p.authorised) FROM orders o JOIN payments p ON p.order_id = o.id
		WHERE o.status IN ('SHIPPED', 'DELIVERED') AND p.authorised <> 0`},
}
