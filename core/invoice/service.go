package invoice

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/billing"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/payment"
)

// Failures of documents.
var (
	ErrNoIssuer       = fault.Conflict("DOCUMENT_ISSUER_MISSING", "帳票の発行者情報が登録されていません", "Nobody has said who the documents are from")
	ErrNotSold        = fault.Conflict("DOCUMENT_NOT_SOLD", "出荷前の注文のため、請求書は発行できません", "The order is not sold yet; its invoice is issued when it ships")
	ErrReceiptUnpaid  = fault.Conflict("RECEIPT_UNPAID", "ご入金を確認できていないため、領収書は発行できません", "A receipt is issued once the money has been received")
	ErrReceiptAccount = fault.Conflict("RECEIPT_ON_ACCOUNT", "掛売のご注文は締め請求書でお支払いいただくため、注文ごとの領収書は発行できません", "Orders on account are paid by statement; there is no receipt for each")
	ErrReceiptLimit   = fault.Conflict("RECEIPT_LIMIT", "領収書の再発行は%d回までです。お問い合わせください", "A receipt is issued again at most %d times; please ask us")
	ErrCredit         = fault.Invalid("CREDIT_EXCEEDS_INVOICE", "返還できる残り（%s）を超えています", "This is more than is left of the document (%s)")
	ErrNotCreditable  = fault.Conflict("DOCUMENT_NOT_CREDITABLE", "適格返還請求書で訂正できるのは、注文の請求書（まだなければ最後の領収書）だけです", "Credit notes correct an order's invoice, or its last receipt while there is none")
)

// Store keeps documents.
type Store interface {
	// Issuer is nil if nobody has said who the brand's documents are from.
	Issuer(ctx context.Context, brandID uuid.UUID) (*Issuer, error)
	SaveIssuer(ctx context.Context, brandID uuid.UUID, i Issuer, at time.Time) error
	// Issue draws the next number of each kind and writes the documents down. Who draws
	// one at the same time waits for the transaction, so that numbers have no gaps. One
	// whose source has a document already is fault.CodeConflict.
	Issue(ctx context.Context, documents []Document) ([]Document, error)
	// LockOrder keeps others from issuing documents of the order.
	LockOrder(ctx context.Context, orderID uuid.UUID) error
	// Lock reads a document of the brand and keeps others from crediting it; nil if
	// there is none.
	Lock(ctx context.Context, brandID, documentID uuid.UUID) (*Document, error)
	ByID(ctx context.Context, documentID uuid.UUID) (*Document, error)
	BySource(ctx context.Context, brandID uuid.UUID, source string) (*Document, error)
	// OfOrders and OfStatements are the documents of each, oldest first.
	OfOrders(ctx context.Context, orderIDs []uuid.UUID) ([]Document, error)
	OfStatements(ctx context.Context, statementIDs []uuid.UUID) ([]Document, error)
	// Credits are the credit notes of a document, oldest first.
	Credits(ctx context.Context, documentID uuid.UUID) ([]Document, error)
	List(ctx context.Context, q Query) (page.Connection[Document], error)
	// SalesOf are the sales on a statement.
	SalesOf(ctx context.Context, statementID uuid.UUID) ([]Sale, error)
	CompanyName(ctx context.Context, companyID uuid.UUID) (string, error)
	// ClosedBefore is the company's closing day before the day; nil if there was none.
	ClosedBefore(ctx context.Context, companyID uuid.UUID, closesOn time.Time) (*time.Time, error)
}

// Query asks for one page of documents, the last issued first. Zero fields do not filter.
type Query struct {
	BrandID   uuid.UUID
	From      *time.Time // issued at or after
	Until     *time.Time // issued before
	Kinds     []Kind
	Number    string // as a person typed it
	CompanyID *uuid.UUID
	OrderID   *uuid.UUID
	Page      page.Args
}

// Orders are what documents are made of. Only those that the actor may see.
type Orders interface {
	ByIDs(ctx context.Context, orderIDs []uuid.UUID) ([]order.Order, error)
	// Unmasked are those of the orders whose personal data the actor may read.
	Unmasked(ctx context.Context, orderIDs []uuid.UUID) ([]uuid.UUID, error)
	Lines(ctx context.Context, orderIDs []uuid.UUID) ([]order.Line, error)
	Shipments(ctx context.Context, orderIDs []uuid.UUID) ([]order.Shipment, error)
}

// Sale is an entry of the journal that books one, and its tax by class.
type Sale struct {
	EntryID uuid.UUID
	Taxes   []money.Taxed
}

// Payments say what has been received for orders.
type Payments interface {
	OfOrders(ctx context.Context, orderIDs []uuid.UUID) ([]payment.Payment, error)
}

// Statements are companies' closed months.
type Statements interface {
	Statement(ctx context.Context, brandID, statementID uuid.UUID) (*billing.Statement, error)
	LinesOf(ctx context.Context, statementIDs []uuid.UUID) ([]billing.Line, error)
}

// Renderer draws a document. The same document gives the same bytes.
type Renderer interface {
	Render(w io.Writer, d Document) error
}

// Parts are what the service stands on.
type Parts struct {
	Tx         idempotency.Tx
	Store      Store
	Orders     Orders
	Payments   Payments
	Statements Statements
	Keys       *idempotency.Keys
	Links      *Links
	Events     event.Recorder
	Now        clock.Clock
}

// Service issues documents and lets them be read.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

var japan = time.FixedZone("JST", 9*60*60)

// zone is where days are told apart: the brand's, or Japan's for noren itself.
func zone(ctx context.Context) *time.Location {
	if ch := channel.From(ctx); ch.BrandID != uuid.Nil {
		return ch.Zone()
	}
	return japan
}

// issue writes documents down with their numbers and events, in the transaction of the
// context.
func (s *Service) issue(ctx context.Context, documents ...Document) ([]Document, error) {
	now := s.Now()
	for i := range documents {
		documents[i].ID, documents[i].IssuedAt = id.New(), now
	}
	issued, err := s.Store.Issue(ctx, documents)
	if err != nil {
		return nil, err
	}
	events := make([]event.Event, len(issued))
	for i, d := range issued {
		events[i] = event.New(ctx, now, "document.issued", "Document", d.ID, map[string]any{
			"kind": d.Kind, "number": d.Number(), "orderId": d.OrderID, "companyId": d.CompanyID, "statementId": d.StatementID,
			"correctsId": d.CorrectsID, "total": d.Total(), "taxes": d.Taxes,
		})
		events[i].BrandID = d.BrandID
	}
	return issued, s.Events.Record(ctx, events...)
}

// read is the order with its lines, whoever asks; nil if there is none.
func (s *Service) read(ctx context.Context, orderID uuid.UUID, issuer Issuer) (*basis, error) {
	ctx = access.With(ctx, access.System)
	orders, err := s.Orders.ByIDs(ctx, []uuid.UUID{orderID})
	if err != nil || len(orders) == 0 {
		return nil, err
	}
	b := &basis{order: orders[0], issuer: issuer, at: s.Now(), zone: zone(ctx)}
	if b.lines, err = s.Orders.Lines(ctx, []uuid.UUID{orderID}); err != nil {
		return nil, err
	}
	return b, s.nameCompany(ctx, b)
}

// nameCompany notes the name of the company on whose account the order is.
func (s *Service) nameCompany(ctx context.Context, b *basis) (err error) {
	if b.order.CompanyID != nil && b.order.OnAccount() {
		b.company, err = s.Store.CompanyName(ctx, *b.order.CompanyID)
	}
	return err
}

// Sold issues what goes with a shipment that leaves, in the transaction that books its
// sale: its delivery note, and with the first of an order the order's invoice; once for
// each. Where nobody has said who the brand's documents are from, none is issued.
func (s *Service) Sold(ctx context.Context, o order.Order, lines []order.Line, h order.Shipment) error {
	issuer, err := s.Store.Issuer(ctx, o.BrandID)
	if err != nil || issuer == nil {
		return err
	}
	b := &basis{order: o, lines: lines, issuer: *issuer, at: s.Now(), zone: zone(ctx)}
	if err := s.nameCompany(ctx, b); err != nil {
		return err
	}
	return s.sell(ctx, *b, h)
}

// sell issues what is missing of the documents of a shipment.
func (s *Service) sell(ctx context.Context, b basis, h order.Shipment) error {
	there, err := s.Store.OfOrders(ctx, []uuid.UUID{b.order.ID})
	if err != nil {
		return err
	}
	if h.ShippedAt != nil {
		b.soldAt = *h.ShippedAt
	}
	var drafts []Document
	if b.order.TotalMinor > 0 && find(there, KindInvoice) == nil { // what replaces returned goods was invoiced before
		drafts = append(drafts, b.invoice())
	}
	note := b.deliveryNote(h)
	if !slices.ContainsFunc(there, func(d Document) bool { return d.Source == note.Source }) {
		drafts = append(drafts, note)
	}
	if len(drafts) == 0 {
		return nil
	}
	_, err = s.issue(ctx, drafts...)
	return err
}

// find is the first document of the kind; nil if there is none.
func find(documents []Document, kind Kind) *Document {
	for i := range documents {
		if documents[i].Kind == kind {
			return &documents[i]
		}
	}
	return nil
}

// OfOrders are the documents of orders that were read through the orders' service. They
// name the customer: of an order that is masked for the actor, there are none.
func (s *Service) OfOrders(ctx context.Context, orderIDs []uuid.UUID) ([]Document, error) {
	open, err := s.Orders.Unmasked(ctx, orderIDs)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	return s.Store.OfOrders(ctx, open)
}

// OfStatements are the documents of statements that were read through their service.
func (s *Service) OfStatements(ctx context.Context, statementIDs []uuid.UUID) ([]Document, error) {
	return s.Store.OfStatements(ctx, statementIDs)
}

// List is one page of the brand's documents, for accountants.
func (s *Service) List(ctx context.Context, q Query) (page.Connection[Document], error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return page.Connection[Document]{}, err
	}
	q.BrandID = channel.From(ctx).BrandID
	return s.Store.List(ctx, q)
}

// ByID is a document of the brand, for accountants; else fault.CodeNotFound.
func (s *Service) ByID(ctx context.Context, documentID uuid.UUID) (*Document, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return nil, err
	}
	d, err := s.Store.ByID(ctx, documentID)
	if err == nil && (d == nil || d.BrandID != channel.From(ctx).BrandID) {
		return nil, fault.ErrNotFound
	}
	return d, err
}

// Open is the document that a link leads to, while the link holds.
func (s *Service) Open(ctx context.Context, documentID, expires, signature string) (*Document, error) {
	key, err := s.Links.Check(documentID, expires, signature)
	if err != nil {
		return nil, err
	}
	d, err := s.Store.ByID(ctx, key)
	if err == nil && d == nil {
		err = fault.ErrNotFound
	}
	return d, err
}

// IssueInput names what documents are to be issued of: an order that was sold, or a
// statement.
type IssueInput struct {
	OrderID     *uuid.UUID
	StatementID *uuid.UUID
}

// Issue issues what is missing: the documents of an order that was sold, or of a
// statement that was closed, before anybody had said who they are from (accountants).
func (s *Service) Issue(ctx context.Context, in IssueInput) (issued []Document, err error) {
	if err := access.RequireEverywhere(ctx, access.AccountingWrite); err != nil {
		return nil, err
	}
	if (in.OrderID == nil) == (in.StatementID == nil) {
		return nil, fault.ErrRequired.At("orderId")
	}
	brandID := channel.From(ctx).BrandID
	issuer, err := s.Store.Issuer(ctx, brandID)
	if err != nil {
		return nil, err
	}
	if issuer == nil {
		return nil, ErrNoIssuer
	}
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		if in.OrderID != nil {
			issued, err = s.issueSold(ctx, brandID, *in.OrderID, *issuer)
			return err
		}
		issued, err = s.issueClosed(ctx, brandID, *in.StatementID)
		return err
	})
	return issued, err
}

func (s *Service) issueSold(ctx context.Context, brandID, orderID uuid.UUID, issuer Issuer) ([]Document, error) {
	if err := s.Store.LockOrder(ctx, orderID); err != nil {
		return nil, err
	}
	b, err := s.read(ctx, orderID, issuer)
	if err != nil {
		return nil, err
	}
	if b == nil || b.order.BrandID != brandID {
		return nil, fault.ErrNotFound.At("orderId")
	}
	shipments, err := s.Orders.Shipments(ctx, []uuid.UUID{orderID})
	if err != nil {
		return nil, err
	}
	shipments = slices.DeleteFunc(shipments, func(h order.Shipment) bool { return !h.Status.Left() })
	if len(shipments) == 0 {
		return nil, ErrNotSold.At("orderId")
	}
	for _, h := range shipments {
		if err := s.sell(ctx, *b, h); err != nil {
			return nil, err
		}
	}
	there, err := s.Store.OfOrders(ctx, []uuid.UUID{orderID})
	return slices.DeleteFunc(there, func(d Document) bool { return d.Kind != KindInvoice && d.Kind != KindDeliveryNote }), err
}

func (s *Service) issueClosed(ctx context.Context, brandID, statementID uuid.UUID) ([]Document, error) {
	t, err := s.Statements.Statement(ctx, brandID, statementID)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, fault.ErrNotFound.At("statementId")
	}
	return s.close(ctx, *t)
}
