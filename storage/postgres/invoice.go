package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/page"
)

// Documents keeps invoices, receipts and the like in PostgreSQL.
type Documents struct{ db *DB }

// NewDocuments makes the store of documents.
func NewDocuments(db *DB) *Documents { return &Documents{db} }

// Issuer is who the brand's documents are from; nil if nobody has said.
func (s *Documents) Issuer(ctx context.Context, brandID uuid.UUID) (*invoice.Issuer, error) {
	found, err := column[invoice.Issuer](ctx, s.db, `SELECT issuer FROM document_issuers WHERE brand_id = $1`, brandID)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// SaveIssuer says who the brand's documents are from.
func (s *Documents) SaveIssuer(ctx context.Context, brandID uuid.UUID, i invoice.Issuer, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO document_issuers (brand_id, issuer, updated_at) VALUES ($1, $2, $3)
		ON CONFLICT (brand_id) DO UPDATE SET issuer = $2, updated_at = $3`, brandID, i, at)
	return err
}

// Issue draws the next number of each kind and writes the documents down, in one
// statement. They are of one brand, and no two of one kind.
func (s *Documents) Issue(ctx context.Context, documents []invoice.Document) ([]invoice.Document, error) {
	type row struct {
		ID          uuid.UUID       `json:"id"`
		BrandID     uuid.UUID       `json:"brand_id"`
		Kind        invoice.Kind    `json:"kind"`
		Source      string          `json:"source"`
		OrderID     *uuid.UUID      `json:"order_id"`
		CompanyID   *uuid.UUID      `json:"company_id"`
		StatementID *uuid.UUID      `json:"statement_id"`
		CorrectsID  *uuid.UUID      `json:"corrects_id"`
		IssuedAt    time.Time       `json:"issued_at"`
		Currency    string          `json:"currency"`
		Total       int64           `json:"total"`
		Taxes       any             `json:"taxes"`
		Content     invoice.Content `json:"content"`
		KeyID       *string         `json:"key_id"`
	}
	rows := make([]row, len(documents))
	for i, d := range documents {
		keyID, err := s.db.sealDocument(ctx, &d)
		if err != nil {
			return nil, err
		}
		rows[i] = row{
			d.ID, d.BrandID, d.Kind, d.Source, d.OrderID, d.CompanyID, d.StatementID, d.CorrectsID,
			d.IssuedAt, string(d.Currency), d.TotalMinor, orEmpty(d.Taxes), d.Content, keyID,
		}
	}
	raw, err := json.Marshal(rows)
	if err != nil {
		return nil, fmt.Errorf("write down documents: %w", err)
	}
	type drawn struct {
		ID     uuid.UUID
		Serial int64
	}
	issued, err := collect[drawn](ctx, s.db, `
		WITH wanted AS (
			SELECT * FROM jsonb_populate_recordset(NULL::documents, $1::jsonb)
		), drawn AS (
			INSERT INTO document_numbers AS n (brand_id, kind, last)
			SELECT brand_id, kind, 1 FROM wanted
			ORDER BY array_position(ARRAY['INVOICE', 'DELIVERY_NOTE', 'RECEIPT', 'CREDIT_NOTE', 'STATEMENT'], kind)
			ON CONFLICT (brand_id, kind) DO UPDATE SET last = n.last + 1
			RETURNING brand_id, kind, last
		)
		INSERT INTO documents (id, brand_id, kind, serial, source, order_id, company_id, statement_id, corrects_id, issued_at, currency, total, taxes, content, key_id)
		SELECT w.id, w.brand_id, w.kind, d.last, w.source, w.order_id, w.company_id, w.statement_id, w.corrects_id, w.issued_at, w.currency, w.total, w.taxes, w.content, w.key_id
		FROM wanted w JOIN drawn d USING (brand_id, kind)
		ON CONFLICT (brand_id, source) DO NOTHING RETURNING id, serial`, string(raw))
	if err != nil {
		return nil, err
	}
	if len(issued) < len(documents) {
		return nil, fault.Conflict(fault.CodeConflict, "この帳票はすでに発行されています", "This document has been issued already")
	}
	for i := range documents {
		for _, d := range issued {
			if d.ID == documents[i].ID {
				documents[i].Serial = d.Serial
			}
		}
	}
	return documents, nil
}

// LockOrder keeps others from issuing documents of the order.
func (s *Documents) LockOrder(ctx context.Context, orderID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `SELECT FROM orders WHERE id = $1 FOR UPDATE`, orderID)
	return err
}

const (
	documentHead    = `d.id, d.brand_id, d.kind, d.serial, d.source, d.order_id, d.company_id, d.statement_id, d.corrects_id, d.issued_at, d.currency, d.total, d.taxes, `
	documentColumns = documentHead + `d.content`
	documentListed  = documentHead + `d.content - 'lines' AS content` // lists do not show lines
)

// Lock reads a document of the brand and keeps others from crediting it.
func (s *Documents) Lock(ctx context.Context, brandID, documentID uuid.UUID) (*invoice.Document, error) {
	return first[invoice.Document](ctx, s.db, `SELECT `+documentColumns+` FROM documents d WHERE d.brand_id = $1 AND d.id = $2 FOR UPDATE`, brandID, documentID)
}

// ByID is a document; nil if there is none.
func (s *Documents) ByID(ctx context.Context, documentID uuid.UUID) (*invoice.Document, error) {
	return first[invoice.Document](ctx, s.db, `SELECT `+documentColumns+` FROM documents d WHERE d.id = $1`, documentID)
}

// BySource is the document that was issued for the source; nil if there is none.
func (s *Documents) BySource(ctx context.Context, brandID uuid.UUID, source string) (*invoice.Document, error) {
	return first[invoice.Document](ctx, s.db, `SELECT `+documentColumns+` FROM documents d WHERE d.brand_id = $1 AND d.source = $2`, brandID, source)
}

// OfOrders are the documents of the orders, without their lines, oldest first.
func (s *Documents) OfOrders(ctx context.Context, orderIDs []uuid.UUID) ([]invoice.Document, error) {
	return collect[invoice.Document](ctx, s.db, `
		SELECT `+documentListed+` FROM documents d WHERE d.order_id = ANY($1)
		ORDER BY d.order_id, d.issued_at, array_position(ARRAY['INVOICE', 'DELIVERY_NOTE', 'RECEIPT', 'CREDIT_NOTE'], d.kind), d.serial`, orderIDs)
}

// OfStatements are the documents of the statements, without their lines.
func (s *Documents) OfStatements(ctx context.Context, statementIDs []uuid.UUID) ([]invoice.Document, error) {
	return collect[invoice.Document](ctx, s.db, `SELECT `+documentListed+` FROM documents d WHERE d.statement_id = ANY($1) ORDER BY d.statement_id, d.issued_at`, statementIDs)
}

// Credits are the credit notes of the document, oldest first.
func (s *Documents) Credits(ctx context.Context, documentID uuid.UUID) ([]invoice.Document, error) {
	return collect[invoice.Document](ctx, s.db, `SELECT `+documentColumns+` FROM documents d WHERE d.corrects_id = $1 ORDER BY d.serial`, documentID)
}

// List is one page of documents, the last issued first, without their lines.
func (s *Documents) List(ctx context.Context, q invoice.Query) (page.Connection[invoice.Document], error) {
	where, args := documentFilter(q)
	connection, err := keyset(ctx, s.db, q.Page, documentListed+` FROM documents d`, where, `(d.issued_at, d.id)`, `d.issued_at DESC, d.id DESC`, args,
		func(k placedKey) []any { return []any{k.At, k.ID} }, func(d invoice.Document) placedKey { return placedKey{d.IssuedAt, d.ID} })
	connection.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM documents d WHERE `+where, args)
	}
	return connection, err
}

func documentFilter(q invoice.Query) (string, pgx.NamedArgs) {
	where, args := `d.brand_id = @brand`, pgx.NamedArgs{"brand": q.BrandID}
	add := func(wanted bool, name, condition string, value any) {
		if wanted {
			where, args[name] = where+` AND `+condition, value
		}
	}
	add(q.From != nil, "from", `d.issued_at >= @from`, q.From)
	add(q.Until != nil, "until", `d.issued_at < @until`, q.Until)
	add(len(q.Kinds) > 0, "kinds", `d.kind = ANY(@kinds)`, q.Kinds)
	add(q.CompanyID != nil, "company", `d.company_id = @company`, q.CompanyID)
	add(q.OrderID != nil, "order", `d.order_id = @order`, q.OrderID)
	if q.Number != "" {
		kind, serial, ok := invoice.ParseNumber(q.Number)
		add(true, "numbered", `d.kind = @numbered`, kind)
		add(ok, "serial", `d.serial = @serial`, serial)
	}
	return where, args
}

// SalesOf are the sales on a statement, with the taxes of their shipments; one from
// before there were shipments has its order's.
func (s *Documents) SalesOf(ctx context.Context, statementID uuid.UUID) ([]invoice.Sale, error) {
	return collect[invoice.Sale](ctx, s.db, `
		SELECT e.id AS entry_id, coalesce(h.taxes, o.taxes) AS taxes
		FROM account_statement_entries x JOIN journal_entries e ON e.id = x.entry_id JOIN orders o ON o.id = e.order_id
		LEFT JOIN shipments h ON h.order_id = e.order_id AND e.source = 'sale:' || h.id::text
		WHERE x.statement_id = $1 AND e.kind = 'SALE' ORDER BY e.at, e.id`, statementID)
}

// CompanyName is the company's name.
func (s *Documents) CompanyName(ctx context.Context, companyID uuid.UUID) (string, error) {
	return one[string](ctx, s.db, `SELECT name FROM companies WHERE id = $1`, companyID)
}

// ClosedBefore is the company's closing day before the day; nil if there was none.
func (s *Documents) ClosedBefore(ctx context.Context, companyID uuid.UUID, closesOn time.Time) (*time.Time, error) {
	return one[*time.Time](ctx, s.db, `SELECT max(closes_on)::timestamp AT TIME ZONE 'UTC' FROM account_statements WHERE company_id = $1 AND closes_on < $2`, companyID, closesOn)
}
