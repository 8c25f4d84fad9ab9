package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/sealing"
)

// heldAccounts are the member's accounts of points, and those of members who became this
// one: their entries stay where they were made.
const heldAccounts = `WITH RECURSIVE held AS (
		SELECT id, programme_id, merged_into, available, pending, owed FROM point_accounts WHERE member_id = $1
		UNION SELECT g.id, g.programme_id, g.merged_into, g.available, g.pending, g.owed FROM held JOIN point_accounts g ON g.merged_into = held.id
	) `

// heldRows are the rows of each kind, as JSON objects. Amounts are in minor units. What
// staff did is said without naming them.
var heldRows = map[member.Held]string{
	member.HeldMemberships: `SELECT jsonb_build_object('brand', b.code, 'registeredStore', r.code, 'homeStore', h.code, 'rank', k.code, 'spend', j.spend, 'joinedAt', j.joined_at, 'endedAt', j.ended_at)
		FROM memberships j JOIN brands b ON b.id = j.brand_id LEFT JOIN locations r ON r.id = j.registered_store_id LEFT JOIN locations h ON h.id = j.home_store_id
		LEFT JOIN member_ranks k ON k.id = j.rank_id WHERE j.member_id = $1 ORDER BY j.joined_at`,
	member.HeldCards: `SELECT jsonb_build_object('number', c.number, 'brand', b.code, 'kind', c.kind, 'state', c.state, 'store', l.code, 'issuedAt', c.issued_at, 'endedAt', c.ended_at)
		FROM member_cards c JOIN brands b ON b.id = c.brand_id LEFT JOIN locations l ON l.id = c.store_id WHERE c.member_id = $1 ORDER BY c.issued_at, c.id`,
	member.HeldRanks: `SELECT jsonb_build_object('from', f.code, 'to', t.code, 'spend', c.spend, 'at', c.at)
		FROM member_rank_changes c LEFT JOIN member_ranks f ON f.id = c.from_id LEFT JOIN member_ranks t ON t.id = c.to_id WHERE c.member_id = $1 ORDER BY c.at, c.id`,
	member.HeldConsents: `SELECT jsonb_build_object('brand', b.code, 'medium', c.medium, 'given', c.given, 'how', c.how, 'wording', c.wording, 'store', l.code, 'address', c.address, 'at', c.at)
		FROM (WITH RECURSIVE chain AS (SELECT $1::uuid AS id UNION SELECT g.id FROM chain JOIN members g ON g.merged_into = chain.id) SELECT id FROM chain) m
		JOIN member_consents c ON c.member_id = m.id JOIN brands b ON b.id = c.brand_id LEFT JOIN locations l ON l.id = c.store_id ORDER BY c.at, c.id`,
	member.HeldPets: `SELECT jsonb_build_object('name', p.name, 'species', p.species, 'breed', p.breed, 'birthday', p.birthday, 'allergies', p.allergies, 'removedAt', p.closed_at,
			'weights', coalesce((SELECT jsonb_agg(jsonb_build_object('on', w.measured_on, 'grams', w.grams) ORDER BY w.measured_on) FROM pet_weights w WHERE w.pet_id = p.id), '[]'))
		FROM pets p WHERE p.member_id = $1 ORDER BY p.id`,
	member.HeldPurchases: `SELECT jsonb_build_object('on', p.bought_on, 'at', p.bought_at, 'source', p.source, 'store', l.code, 'till', p.till, 'receipt', p.receipt, 'items', p.items,
			'total', p.total, 'currency', p.currency, 'lines', (SELECT jsonb_agg(jsonb_build_object('code', i.code, 'name', i.name, 'quantity', i.quantity, 'amount', i.amount) ORDER BY i.position)
				FROM purchase_lines i WHERE i.purchase_id = p.id AND i.bought_on = p.bought_on))
		FROM purchases p LEFT JOIN locations l ON l.id = p.store_id WHERE p.member_id = $1 ORDER BY p.bought_at, p.id`,
	member.HeldMailings: `SELECT jsonb_build_object('brand', b.code, 'name', g.name, 'medium', g.medium, 'state', r.state, 'reason', r.reason, 'sentAt', g.sent_at, 'openedAt', r.opened_at,
			'clickedAt', r.clicked_at, 'unsubscribedAt', r.unsubscribed_at, 'bounce', r.bounce)
		FROM mailing_recipients r JOIN mailings g ON g.id = r.mailing_id JOIN brands b ON b.id = g.brand_id WHERE r.member_id = $1 ORDER BY g.sent_at, g.id`,
	member.HeldOrders: `SELECT jsonb_build_object('id', o.id, 'number', o.number, 'placedAt', o.placed_at, 'status', o.status, 'email', o.email, 'shippingAddress', o.shipping_address,
			'billingAddress', o.billing_address, 'total', o.total, 'currency', o.currency,
			'lines', (SELECT jsonb_agg(jsonb_build_object('sku', i.sku, 'name', i.name, 'quantity', i.quantity, 'total', i.total) ORDER BY i.position) FROM order_lines i WHERE i.order_id = o.id))
		FROM orders o WHERE o.member_id = $1 ORDER BY o.placed_at, o.id`,
	member.HeldReturns: `SELECT jsonb_build_object('order', o.number, 'nth', r.nth, 'status', r.status, 'outcome', r.outcome, 'refundAs', r.refund_as, 'text', r.text, 'note', r.note,
			'requestedAt', r.requested_at, 'decidedAt', r.decided_at, 'endedAt', r.ended_at, 'photos', (SELECT count(*) FROM return_photos f WHERE f.return_id = r.id),
			'lines', (SELECT jsonb_agg(jsonb_build_object('sku', i.sku, 'name', i.name, 'reason', l.reason, 'opened', l.opened, 'asked', l.asked, 'approved', l.approved) ORDER BY i.position)
				FROM return_lines l JOIN order_lines i ON i.id = l.line_id WHERE l.return_id = r.id),
			'receipts', coalesce((SELECT jsonb_agg(jsonb_build_object('at', e.at, 'refund', e.refund, 'fee', e.fee, 'shippingFee', e.shipping_fee, 'points', e.points) ORDER BY e.nth)
				FROM return_receipts e WHERE e.return_id = r.id), '[]'))
		FROM returns r JOIN orders o ON o.id = r.order_id WHERE o.member_id = $1 ORDER BY r.requested_at, r.id`,
	member.HeldRecurring: `SELECT jsonb_build_object('id', r.id, 'number', r.number, 'state', r.state, 'name', r.name, 'email', r.email, 'unit', r.unit, 'every', r.every, 'firstOn', r.first_on, 'nextOn', r.next_on,
			'shippingAddress', r.shipping_address, 'billingAddress', r.billing_address, 'paymentMethod', r.payment_method, 'createdAt', r.created_at,
			'lines', (SELECT jsonb_agg(jsonb_build_object('sku', v.sku, 'quantity', l.quantity) ORDER BY l.position) FROM recurring_order_lines l JOIN variants v ON v.id = l.variant_id WHERE l.recurring_id = r.id))
		FROM recurring_orders r WHERE r.member_id = $1 ORDER BY r.created_at, r.id`,
	member.HeldQuotations: `SELECT jsonb_build_object('id', q.id, 'number', q.number, 'state', q.state, 'name', q.name, 'email', q.email, 'requestedAt', q.requested_at, 'wishedFor', q.wished_for, 'validUntil', q.valid_until,
			'currency', q.currency, 'internalNote', q.internal_note,
			'lines', (SELECT jsonb_agg(jsonb_build_object('revision', l.revision, 'sku', l.sku, 'name', l.name, 'quantity', l.quantity, 'unit', l.unit, 'note', l.note) ORDER BY l.revision, l.position)
				FROM quotation_lines l WHERE l.quotation_id = q.id),
			'offers', coalesce((SELECT jsonb_agg(jsonb_build_object('revision', f.revision, 'at', f.offered_at, 'total', f.total, 'message', f.message) ORDER BY f.revision)
				FROM quotation_offers f WHERE f.quotation_id = q.id), '[]'))
		FROM quotations q WHERE q.member_id = $1 ORDER BY q.requested_at, q.id`,
	member.HeldDrafts: `SELECT jsonb_build_object('id', d.id, 'number', d.number, 'state', d.state, 'name', d.name, 'phone', d.phone, 'email', d.email, 'shippingAddress', d.shipping_address,
			'billingAddress', d.billing_address, 'paymentMethod', d.payment_method, 'note', d.note, 'message', d.message, 'total', d.total, 'currency', d.currency, 'createdAt', d.created_at, 'expiresAt', d.expires_at,
			'lines', coalesce((SELECT jsonb_agg(jsonb_build_object('sku', v.sku, 'quantity', l.quantity, 'unit', l.unit) ORDER BY l.position)
				FROM draft_order_lines l JOIN variants v ON v.id = l.variant_id WHERE l.draft_id = d.id), '[]'))
		FROM draft_orders d WHERE d.member_id = $1 ORDER BY d.created_at, d.id`,
	member.HeldCarts: `SELECT jsonb_build_object('id', c.id, 'brand', b.code, 'email', c.email, 'shippingAddress', c.shipping_address, 'billingAddress', c.billing_address, 'recipient', c.recipient,
			'paymentMethod', c.payment_method, 'closed', c.closed, 'updatedAt', c.updated_at,
			'lines', coalesce((SELECT jsonb_agg(jsonb_build_object('sku', v.sku, 'quantity', l.quantity) ORDER BY l.id) FROM cart_lines l JOIN variants v ON v.id = l.variant_id WHERE l.cart_id = c.id), '[]'))
		FROM carts c JOIN brands b ON b.id = c.brand_id WHERE c.member_id = $1 ORDER BY c.updated_at, c.id`,
	member.HeldSavedCards: `SELECT jsonb_build_object('brand', b.code, 'gateway', c.gateway, 'network', c.network, 'last4', c.last4, 'expiryYear', c.expiry_year, 'expiryMonth', c.expiry_month, 'savedAt', c.created_at)
		FROM saved_cards c JOIN brands b ON b.id = c.brand_id WHERE c.member_id = $1 AND c.state = 'KEPT' ORDER BY c.created_at, c.id`,
	member.HeldCoupons: `SELECT jsonb_build_object('brand', b.code, 'campaign', g.name, 'ending', c.hint, 'state', c.state, 'validFrom', c.valid_from, 'validUntil', c.valid_until,
			'usedFor', u.number, 'earnedBy', e.number, 'createdAt', c.created_at)
		FROM coupons c JOIN brands b ON b.id = c.brand_id JOIN campaigns g ON g.id = c.campaign_id LEFT JOIN orders u ON u.id = c.order_id LEFT JOIN orders e ON e.id = c.issued_for
		WHERE c.member_id = $1 ORDER BY c.created_at, c.id`,
	member.HeldRestock: `SELECT jsonb_build_object('id', r.id, 'brand', b.code, 'sku', v.sku, 'name', r.name, 'email', r.email, 'createdAt', r.created_at, 'notifiedAt', r.notified_at, 'closedAt', r.closed_at)
		FROM restock_requests r JOIN brands b ON b.id = r.brand_id JOIN variants v ON v.id = r.variant_id WHERE r.member_id = $1 ORDER BY r.created_at, r.id`,
	member.HeldWishes: `SELECT jsonb_build_object('brand', b.code, 'name', l.name, 'shared', l.token IS NOT NULL, 'createdAt', l.created_at, 'closedAt', l.closed_at,
			'wishes', coalesce((SELECT jsonb_agg(jsonb_build_object('sku', v.sku, 'quantity', w.quantity, 'note', w.note, 'notify', w.notify, 'addedAt', w.added_at) ORDER BY w.added_at, w.id)
				FROM wishes w JOIN variants v ON v.id = w.variant_id WHERE w.list_id = l.id), '[]'))
		FROM wish_lists l JOIN brands b ON b.id = l.brand_id WHERE l.member_id = $1 ORDER BY l.created_at, l.id`,
	member.HeldViews: `SELECT jsonb_build_object('brand', b.code, 'product', p.slug, 'at', w.viewed_at)
		FROM product_views w JOIN brands b ON b.id = w.brand_id JOIN products p ON p.id = w.product_id WHERE w.member_id = $1 ORDER BY w.viewed_at, p.slug`,
	member.HeldPoints: heldAccounts + `SELECT jsonb_build_object('programme', p.code, 'available', a.available, 'pending', a.pending, 'owed', a.owed)
		FROM held a JOIN point_programmes p ON p.id = a.programme_id WHERE a.merged_into IS NULL ORDER BY p.code`,
	member.HeldEntries: heldAccounts + `SELECT jsonb_build_object('programme', p.code, 'at', e.at, 'kind', e.kind, 'points', e.points, 'debit', e.debit, 'credit', e.credit, 'available', e.available,
			'pending', e.pending, 'order', o.number, 'reason', e.reason)
		FROM held a JOIN point_entries e ON e.account_id = a.id JOIN point_programmes p ON p.id = a.programme_id LEFT JOIN orders o ON o.id = e.order_id ORDER BY p.code, e.at, a.id, e.number`,
	member.HeldLots: heldAccounts + `SELECT jsonb_build_object('programme', p.code, 'issued', l.issued, 'remaining', l.remaining, 'pending', l.pending, 'earnedAt', l.earned_at, 'confirmsAt', l.confirms_at, 'expiresOn', l.expires_on)
		FROM held a JOIN point_lots l ON l.account_id = a.id JOIN point_programmes p ON p.id = a.programme_id ORDER BY p.code, l.earned_at, l.id`,
	member.HeldTransfers: heldAccounts + `SELECT jsonb_build_object('system', s.code, 'outgoing', t.outgoing, 'state', t.state, 'theirMember', t.their_member, 'points', t.points, 'theirPoints', t.their_points,
			'reference', t.reference, 'at', t.created_at, 'updatedAt', t.updated_at, 'arrival', (
				SELECT jsonb_build_object('theirMember', r.their_member, 'theirPoints', r.their_points, 'state', r.state, 'reason', r.reason, 'at', r.created_at, 'settledAt', r.settled_at)
				FROM point_arrivals r WHERE NOT t.outgoing AND r.partner_id = t.partner_id AND r.reference = t.reference))
		FROM held a JOIN point_transfers t ON t.account_id = a.id JOIN point_partners s ON s.id = t.partner_id ORDER BY t.created_at, t.id`,
	member.HeldPrizes: `SELECT jsonb_build_object('id', e.id, 'prize', p.name, 'quantity', e.quantity, 'points', e.points, 'state', e.state, 'address', e.address, 'carrier', e.carrier,
			'trackingNumber', e.tracking_number, 'reason', e.reason, 'at', e.created_at, 'shippedAt', e.shipped_at, 'deliveredAt', e.delivered_at)
		FROM prize_exchanges e JOIN prizes p ON p.id = e.prize_id WHERE e.member_id = $1 ORDER BY e.created_at, e.id`,
	member.HeldVouchers: `SELECT jsonb_build_object('name', b.name, 'ending', v.ending, 'state', v.state, 'balance', v.balance, 'currency', b.currency, 'expiresAt', v.expires_at, 'reason', v.reason,
			'entries', coalesce((SELECT jsonb_agg(jsonb_build_object('kind', e.kind, 'amount', e.amount, 'place', e.place, 'reference', e.reference, 'at', e.at) ORDER BY e.at, e.id)
				FROM voucher_entries e WHERE e.voucher_id = v.id), '[]'))
		FROM vouchers v JOIN voucher_batches b ON b.id = v.batch_id WHERE v.member_id = $1 ORDER BY v.created_at, v.id`,
	member.HeldDraws: `SELECT jsonb_build_object('draw', d.name, 'tag', n.tag, 'entries', (SELECT jsonb_agg(jsonb_build_object('id', e.id, 'source', e.source, 'at', e.created_at) ORDER BY e.created_at, e.id)
				FROM draw_entries e WHERE e.draw_id = n.draw_id AND e.member_id = n.member_id))
		FROM draw_entrants n JOIN draws d ON d.id = n.draw_id WHERE n.member_id = $1 ORDER BY d.opens_at, d.id`,
	member.HeldWins: `SELECT jsonb_build_object('draw', d.name, 'entry', w.entry_id, 'place', w.place, 'outcome', w.outcome, 'prize', p.name, 'answerBy', w.answer_by, 'updatedAt', w.updated_at)
		FROM draw_winners w JOIN draws d ON d.id = w.draw_id LEFT JOIN draw_ranks k ON k.draw_id = w.draw_id AND k.position = w.rank LEFT JOIN prizes p ON p.id = k.prize_id
		WHERE w.member_id = $1 ORDER BY d.opens_at, d.id, w.place`,
	member.HeldEvents: `SELECT jsonb_build_object('type', e.type, 'at', e.at, 'by', e.actor_role) FROM events e WHERE e.subject_id = $1 ORDER BY e.position`,
}

// heldSealed are the kinds of which something is sealed for the row's id.
var heldSealed = map[member.Held]bool{
	member.HeldPrizes: true, member.HeldOrders: true, member.HeldRecurring: true, member.HeldQuotations: true, member.HeldDrafts: true,
	member.HeldCarts: true, member.HeldRestock: true,
}

// Held are the rows of one kind that are held of the member, one by one.
func (s *Members) Held(ctx context.Context, kind member.Held, memberID uuid.UUID, yield func(json.RawMessage) error) error {
	if heldSealed[kind] {
		return s.opened(ctx, kind, memberID, yield)
	}
	rows, err := s.db.conn(ctx).Query(ctx, heldRows[kind], memberID)
	if err != nil {
		return fmt.Errorf("export %s: %w", kind, err)
	}
	var row json.RawMessage
	_, err = pgx.ForEachRow(rows, []any{&row}, func() error { return yield(row) })
	return err
}

// opened are rows of which something is sealed. They are read before they are opened,
// which may read keys; nobody has many.
func (s *Members) opened(ctx context.Context, kind member.Held, memberID uuid.UUID, yield func(json.RawMessage) error) error {
	rows, err := column[json.RawMessage](ctx, s.db, heldRows[kind], memberID)
	for _, row := range rows {
		if row, err = s.unsealed(ctx, kind, memberID, row); err != nil {
			return err
		}
		if err := yield(row); err != nil {
			return err
		}
	}
	return err
}

// heldFields are under which names the values of such rows are sealed.
var heldFields = map[string]string{
	"name": "name", "recipient": "name", "phone": "phone", "email": "email", "address": "address", "shippingAddress": "shipping_address", "billingAddress": "billing_address",
}

// unsealed is the row with its values as they were written. Carts are sealed for their
// member, all others for their ids.
func (s *Members) unsealed(ctx context.Context, kind member.Held, memberID uuid.UUID, row json.RawMessage) (json.RawMessage, error) {
	var all map[string]any
	if err := json.Unmarshal(row, &all); err != nil {
		return nil, err
	}
	key, _ := all["id"].(string)
	owner, err := uuid.Parse(key)
	if err != nil {
		return nil, err
	}
	if kind == member.HeldCarts {
		owner = memberID
	}
	changed := false
	for name, field := range heldFields {
		sealed, whole := all[name].(string)
		if address, ok := all[name].(map[string]any); ok {
			sealed, _ = address["sealed"].(string)
		}
		if !sealing.Sealed(sealed) {
			continue
		}
		plain, err := s.keys.Open(ctx, field, owner, sealed)
		if err != nil {
			return nil, err
		}
		changed = true
		if all[name] = plain; !whole || field == "address" {
			all[name] = json.RawMessage(plain)
		}
	}
	if !changed {
		return row, nil
	}
	return json.Marshal(all)
}
