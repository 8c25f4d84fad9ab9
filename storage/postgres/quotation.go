package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/quotation"
	"github.com/noren-commerce/noren/core/shipping"
)

// Quotations keeps quotations in PostgreSQL.
type Quotations struct{ db *DB }

// NewQuotations makes the quotations' store.
func NewQuotations(db *DB) *Quotations { return &Quotations{db} }

const quotationColumns = `q.id, q.number, q.brand_id, q.channel_id, q.member_id, q.company_id, q.name, q.email, q.language, q.state, q.revision,
	q.shipping_mode, q.currency, q.tax_inclusive, q.wished_for, q.valid_until, q.internal_note, q.order_id, q.requested_at, q.updated_at`

// Goods are those of the variants that the brand has, sold or not.
func (s *Quotations) Goods(ctx context.Context, q quotation.GoodsQuery) ([]quotation.Goods, error) {
	return collect[quotation.Goods](ctx, s.db, `
		SELECT v.id AS variant_id, v.sku, p.name, v.options, p.tax_class, `+sellable+` AS on_sale, `+rulesVersion+` AS rules,
			ARRAY(SELECT z.variant_id FROM set_parts z WHERE z.set_id = v.id AND z.slot = 0 ORDER BY z.position) AS held, EXISTS (SELECT FROM set_slots o WHERE o.set_id = v.id) AS chosen
		FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = ANY(@ids) AND v.brand_id = @brand`,
		pgx.NamedArgs{"ids": q.VariantIDs, "brand": q.BrandID, "channel": q.ChannelID, "at": q.At})
}

// Asker is who asks, by account.
func (s *Quotations) Asker(ctx context.Context, memberID uuid.UUID) (messaging.Address, error) {
	return contactOf(ctx, s.db, memberID)
}

// Answerers are the staff who answer.
func (s *Quotations) Answerers(ctx context.Context) ([]messaging.Address, error) {
	return staffMay(ctx, s.db, access.QuotationWrite)
}

// Insert keeps a new quotation with the lines that are asked for.
func (s *Quotations) Insert(ctx context.Context, q quotation.Quotation, lines []quotation.Line) error {
	found, err := s.db.found(ctx, q.Name, q.Email, "")
	if err != nil {
		return err
	}
	keyID, err := s.db.seal(ctx, &q)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO quotations (id, number, brand_id, channel_id, member_id, company_id, name, email, language, state, shipping_mode,
			currency, tax_inclusive, wished_for, requested_at, updated_at, found, key_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16, $17)`,
		q.ID, q.Number, q.BrandID, q.ChannelID, q.MemberID, q.CompanyID, q.Name, q.Email, q.Language, q.State, q.ShippingMode,
		q.Currency, q.TaxInclusive, q.WishedFor, q.RequestedAt, found, keyID)
	if err := queueQuotationLines(batch, lines); err != nil {
		return err
	}
	return s.db.later(ctx, batch)
}

// queueQuotationLines writes all lines in one statement: they travel as one JSON array.
func queueQuotationLines(batch *pgx.Batch, lines []quotation.Line) error {
	type row struct {
		ID          uuid.UUID `json:"id"`
		QuotationID uuid.UUID `json:"quotation_id"`
		Revision    int       `json:"revision"`
		Position    int       `json:"position"`
		VariantID   uuid.UUID `json:"variant_id"`
		SKU         string    `json:"sku"`
		Name        i18n.Text `json:"name"`
		Options     []string  `json:"options"`
		Quantity    int       `json:"quantity"`
		Unit        *int64    `json:"unit"`
		Note        string    `json:"note"`
	}
	rows := make([]row, len(lines))
	for i, l := range lines {
		rows[i] = row{l.ID, l.QuotationID, l.Revision, l.Position, l.VariantID, l.SKU, l.Name, l.Options, l.Quantity, l.UnitMinor, l.Note}
	}
	raw, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("write down the lines of a quotation: %w", err)
	}
	batch.Queue(`
		INSERT INTO quotation_lines (id, quotation_id, revision, position, variant_id, sku, name, options, quantity, unit, note)
		SELECT id, quotation_id, revision, position, variant_id, sku, name, options, quantity, unit, note
		FROM jsonb_populate_recordset(NULL::quotation_lines, $1::jsonb)`, string(raw))
	return nil
}

// Lock reads a quotation and locks it; nil if there is none.
func (s *Quotations) Lock(ctx context.Context, quotationID uuid.UUID) (*quotation.Quotation, error) {
	return first[quotation.Quotation](ctx, s.db, `SELECT `+quotationColumns+` FROM quotations q WHERE q.id = $1 FOR UPDATE`, quotationID)
}

// Update writes what may change in a quotation.
func (s *Quotations) Update(ctx context.Context, q quotation.Quotation) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE quotations SET state = @state, revision = @revision, valid_until = @until, internal_note = @note, order_id = @order, updated_at = @at
		WHERE id = @id`, pgx.NamedArgs{"id": q.ID, "state": q.State, "revision": q.Revision, "until": q.ValidUntil, "note": q.InternalNote,
		"order": q.OrderID, "at": q.UpdatedAt})
	return s.db.later(ctx, batch)
}

// Offer keeps an offer with its lines.
func (s *Quotations) Offer(ctx context.Context, o quotation.Offer, lines []quotation.Line) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO quotation_offers (quotation_id, revision, valid_until, subtotal, shipping_fee, tax, total, taxes, message, offered_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		o.QuotationID, o.Revision, o.ValidUntil, o.SubtotalMinor, o.ShippingMinor, o.TaxMinor, o.TotalMinor, o.Taxes, o.Message, o.OfferedAt)
	if err := queueQuotationLines(batch, lines); err != nil {
		return err
	}
	return s.db.later(ctx, batch)
}

// Basket is what the latest offer holds, with the stock for it as the channel sells it
// now, and the shipping method at the offered fee.
func (s *Quotations) Basket(ctx context.Context, in cart.Lookup, q quotation.BasketQuery) (*cart.Basket, error) {
	args := cartArgs(in, pgx.NamedArgs{"quotation": q.QuotationID, "method": q.MethodID})
	var (
		b     cart.Basket
		units []struct {
			ID, VariantID uuid.UUID
			Unit          int64
		}
		offers []struct{ ShippingFee int64 }
	)
	batch := &pgx.Batch{}
	const from, where = `quotations c JOIN quotation_lines k ON k.quotation_id = c.id AND k.revision = c.revision`, `c.id = @quotation`
	queueContents(batch, basketLines{from, where, share, shippingPlaces}, args, &b)
	queueRows(batch, &units, nil, `SELECT k.id, k.variant_id, k.unit FROM `+from+` WHERE `+where+` AND k.unit IS NOT NULL`, args)
	queueRows(batch, &offers, nil, `
		SELECT o.shipping_fee FROM quotations c JOIN quotation_offers o ON o.quotation_id = c.id AND o.revision = c.revision WHERE `+where, args)
	queueRows(batch, &[]shipping.Method{}, func(rows []shipping.Method) {
		if len(rows) > 0 {
			b.Method = &rows[0]
		}
	}, `SELECT `+shippingColumns+` FROM shipping_methods m WHERE m.id = @method AND m.brand_id = @brand AND m.active`, args)
	if err := s.db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil {
		return nil, err
	}
	agreed := make(map[uuid.UUID]*pricing.Agreed, len(units))
	for _, u := range units {
		agreed[u.VariantID] = &pricing.Agreed{Amount: u.Unit, Source: u.ID}
	}
	for i := range b.Items {
		b.Items[i].Agreed = agreed[b.Items[i].VariantID]
	}
	if b.Method != nil && len(offers) > 0 {
		b.Method.FeeMinor, b.Method.TaxClass, b.Method.Tariff = offers[0].ShippingFee, money.TaxStandard, shipping.Tariff{}
	}
	return &b, nil
}

// Expire ends at most so many offers that are over, and answers them.
func (s *Quotations) Expire(ctx context.Context, at time.Time, most int) ([]quotation.Quotation, error) {
	return collect[quotation.Quotation](ctx, s.db, `
		UPDATE quotations q SET state = 'EXPIRED', updated_at = @at
		WHERE q.id IN (SELECT id FROM quotations WHERE state = 'ANSWERED' AND valid_until <= @at ORDER BY valid_until LIMIT @most FOR UPDATE SKIP LOCKED)
		RETURNING `+quotationColumns, pgx.NamedArgs{"at": at, "most": most})
}

// Quotations are the quotations with the ids.
func (s *Quotations) Quotations(ctx context.Context, ids []uuid.UUID) ([]quotation.Quotation, error) {
	return collect[quotation.Quotation](ctx, s.db, `SELECT `+quotationColumns+` FROM quotations q WHERE q.id = ANY($1)`, ids)
}

// List is one page of quotations, newest first.
func (s *Quotations) List(ctx context.Context, q quotation.Query) (page.Connection[quotation.Quotation], error) {
	var none page.Connection[quotation.Quotation]
	size, err := q.Page.Size()
	if err != nil {
		return none, err
	}
	var after placedKey
	behind, err := q.Page.Start(&after)
	if err != nil {
		return none, err
	}
	where, args := quotationFilter(q)
	if args["asked"], err = s.db.asked(ctx, q.Text); err != nil {
		return none, err
	}
	keyset := ""
	if behind {
		keyset = ` AND (q.requested_at, q.id) < (@after_at, @after_id)`
	}
	args["limit"], args["after_at"], args["after_id"] = size+1, after.At, after.ID
	rows, err := collect[quotation.Quotation](ctx, s.db, `SELECT `+quotationColumns+` FROM quotations q WHERE `+where+keyset+`
		ORDER BY q.requested_at DESC, q.id DESC LIMIT @limit`, args)
	if err != nil {
		return none, err
	}
	found := page.Of(rows, size, behind, func(q quotation.Quotation) any { return placedKey{q.RequestedAt, q.ID} })
	found.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM quotations q WHERE `+where, args)
	}
	return found, nil
}

func quotationFilter(q quotation.Query) (string, pgx.NamedArgs) {
	where := `q.brand_id = @brand`
	for _, f := range []struct {
		wanted    bool
		condition string
	}{
		{q.ChannelID != uuid.Nil, `q.channel_id = @channel`},
		{q.MemberID != uuid.Nil, `q.member_id = @member AND (q.company_id IS NULL OR q.company_id = @seat)`},
		{q.CompanyID != nil, `q.company_id = @company`},
		{len(q.States) > 0, `q.state = ANY(@states)`},
		{q.From != nil, `q.requested_at >= @from`},
		{q.To != nil, `q.requested_at < @to`},
		{q.Text != "", `(q.number ILIKE @part OR q.found && @asked OR (q.key_id IS NULL AND (q.name ILIKE @part OR q.email ILIKE @part))
			OR EXISTS (SELECT FROM companies c WHERE c.id = q.company_id AND (c.name ILIKE @part OR c.code ILIKE @part))
			OR EXISTS (SELECT FROM quotation_lines l WHERE l.quotation_id = q.id AND l.revision IN (0, q.revision) AND (l.sku ILIKE @part OR l.name::text ILIKE @part)))`},
	} {
		if f.wanted {
			where += ` AND ` + f.condition
		}
	}
	return where, pgx.NamedArgs{
		"brand": q.BrandID, "channel": q.ChannelID, "member": q.MemberID, "seat": q.Seat, "company": q.CompanyID, "states": q.States,
		"from": q.From, "to": q.To, "part": `%` + literal(q.Text) + `%`,
	}
}

// Offers are all revisions of the quotations, the latest first.
func (s *Quotations) Offers(ctx context.Context, quotationIDs []uuid.UUID) ([]quotation.Offer, error) {
	return collect[quotation.Offer](ctx, s.db, `
		SELECT o.quotation_id, o.revision, o.valid_until, o.subtotal, o.shipping_fee, o.tax, o.total, o.taxes, o.message, o.offered_at, q.currency
		FROM quotation_offers o JOIN quotations q ON q.id = o.quotation_id
		WHERE o.quotation_id = ANY($1) ORDER BY o.quotation_id, o.revision DESC`, quotationIDs)
}

// Lines are those of all revisions of the quotations, in their order.
func (s *Quotations) Lines(ctx context.Context, quotationIDs []uuid.UUID) ([]quotation.Line, error) {
	return collect[quotation.Line](ctx, s.db, `
		SELECT l.id, l.quotation_id, l.revision, l.position, l.variant_id, l.sku, l.name, l.options, l.quantity, l.unit, l.note, v.cost, q.currency
		FROM quotation_lines l JOIN quotations q ON q.id = l.quotation_id JOIN variants v ON v.id = l.variant_id
		WHERE l.quotation_id = ANY($1) ORDER BY l.quotation_id, l.revision, l.position`, quotationIDs)
}

// History is what happened to the quotations, oldest first.
func (s *Quotations) History(ctx context.Context, quotationIDs []uuid.UUID) ([]event.Event, error) {
	return collect[event.Event](ctx, s.db, `
		SELECT id, at, type, coalesce(brand_id, @none) AS brand_id, subject, subject_id, actor_role, coalesce(actor_id, @none) AS actor_id, data
		FROM events WHERE subject_id = ANY(@ids) AND subject = 'Quotation' ORDER BY subject_id, position`,
		pgx.NamedArgs{"ids": quotationIDs, "none": uuid.Nil})
}
