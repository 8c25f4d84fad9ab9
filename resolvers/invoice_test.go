package resolvers_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/invoice"
)

type issuedDocument struct {
	ID, Kind, Number, Addressee, DownloadURL string
	Total, Tax                               struct{ Amount string }
	Taxes                                    []struct {
		Class           string
		Percent         int
		Net, Tax, Gross struct{ Amount string }
	}
	Reissue            bool
	Corrects           *string
	OrderID, CompanyID *string
}

const documentFields = `id kind number addressee downloadUrl total { amount } tax { amount } taxes { class percent net { amount } tax { amount } gross { amount } } reissue corrects orderId companyId`

func ourIssuer() apptest.Variables {
	return apptest.Variables{
		"registrationNumber": "Ｔ９０００−０００−００−００００", "name": "株式会社わんこ堂", "postalCode": "〒150-0001", "address": "東京都渋谷区神宮前9-9-9", "phone": "03-0000-0000",
		"bank": "見本銀行 見本支店 普通 0000000",
	}
}

// issueAs says who the documents are from.
func issueAs(t testing.TB, a *apptest.App) {
	t.Helper()
	var got struct {
		SaveDocumentIssuer struct {
			Issuer     *struct{ RegistrationNumber, PostalCode string }
			UserErrors []writeError
		}
	}
	a.DoAs(t, bookkeeper, `mutation($input: SaveDocumentIssuerInput!) { saveDocumentIssuer(input: $input) { issuer { registrationNumber postalCode } userErrors { code field } } }`, in(ourIssuer())).Into(t, &got)
	require.Empty(t, got.SaveDocumentIssuer.UserErrors)
	require.Equal(t, "T9000000000000", got.SaveDocumentIssuer.Issuer.RegistrationNumber)
	require.Equal(t, "1500001", got.SaveDocumentIssuer.Issuer.PostalCode)
}

// documents are the order's, as its customer sees them.
func (s *till) documents(t testing.TB) map[string]issuedDocument {
	t.Helper()
	var got struct {
		Order struct{ Documents []issuedDocument }
	}
	s.Do(t, `query($o: ID!) { order(id: $o) { documents { `+documentFields+` } } }`, apptest.Variables{"o": s.order}, "X-Cart-Token", s.token).Into(t, &got)
	all := map[string]issuedDocument{}
	for _, d := range got.Order.Documents {
		all[d.Number] = d
	}
	return all
}

type documentAnswer struct {
	Document   *issuedDocument
	UserErrors []userError
}

// fault is the first error's code and field.
func (a documentAnswer) fault() string {
	if len(a.UserErrors) == 0 {
		return ""
	}
	return strings.TrimSpace(a.UserErrors[0].Code + " " + strings.Join(a.UserErrors[0].Field, "."))
}

func receiptInput(key, order string) apptest.Variables {
	return apptest.Variables{"idempotencyKey": "receipt-" + key, "orderId": order, "addressee": "株式会社ふくふく", "proviso": "ペット用品代"}
}

const askReceipt = `mutation($input: IssueReceiptInput!) { issueReceipt(input: $input) { document { ` + documentFields + ` } userErrors { code field message } } }`

func (s *till) receipt(t testing.TB, input apptest.Variables) documentAnswer {
	t.Helper()
	var got struct{ IssueReceipt documentAnswer }
	s.Do(t, askReceipt, in(input), "X-Cart-Token", s.token).Into(t, &got)
	return got.IssueReceipt
}

func credit(t testing.TB, a *apptest.App, input apptest.Variables) documentAnswer {
	t.Helper()
	var got struct{ IssueCreditNote documentAnswer }
	a.DoAs(t, bookkeeper, `mutation($input: IssueCreditNoteInput!) { issueCreditNote(input: $input) { document { `+documentFields+` } userErrors { code field message } } }`, in(input)).Into(t, &got)
	return got.IssueCreditNote
}

func (s *till) ship(t *testing.T) {
	t.Helper()
	counter{s.App, cashier}.ship(t, s.order)
}

// download opens a link without logging in.
func download(t testing.TB, a *apptest.App, link string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL+link, nil)
	require.NoError(t, err)
	request.Header.Set("Accept-Language", "ja")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, body
}

func TestAnOrderIsInvoicedWhenItShips(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	issueAs(t, s.App)
	require.Equal(t, "RECEIPT_UNPAID orderId", s.receipt(t, receiptInput("0", s.order)).fault())
	require.Empty(t, s.pay(t, "attempt-1", stripetest.CardVisa).UserErrors)
	require.Empty(t, s.documents(t), "the sale is booked when it ships")
	s.ship(t)

	all := s.documents(t)
	require.Len(t, all, 2)
	made := all["I-00000001"]
	require.Equal(t, "INVOICE", made.Kind)
	require.Equal(t, "山田 花子 様", made.Addressee)
	require.Equal(t, []string{"2640", "240"}, amounts(made.Total.Amount, made.Tax.Amount))
	require.Len(t, made.Taxes, 1)
	require.Equal(t, []string{"2400", "240", "2640"}, amounts(made.Taxes[0].Net.Amount, made.Taxes[0].Tax.Amount, made.Taxes[0].Gross.Amount))
	require.Equal(t, s.order, *made.OrderID)
	require.Equal(t, "DELIVERY_NOTE", all["D-00000001"].Kind)

	response, file := download(t, s.App, made.DownloadURL)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "application/pdf", response.Header.Get("Content-Type"))
	require.Contains(t, response.Header.Get("Content-Disposition"), `filename="I-00000001.pdf"`)
	require.Equal(t, "private, no-store", response.Header.Get("Cache-Control"))
	require.True(t, strings.HasPrefix(string(file), "%PDF-"))
	exec(t, s.App, `UPDATE orders SET number = 'CHANGED'`)
	exec(t, s.App, `UPDATE document_issuers SET issuer = jsonb_set(issuer, '{name}', '"another"')`)
	_, again := download(t, s.App, s.documents(t)["I-00000001"].DownloadURL)
	require.Equal(t, file, again, "what was issued stays to the byte")
}

func TestALinkOpensOneDocumentForAWhile(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	issueAs(t, s.App)
	require.Empty(t, s.pay(t, "attempt-1", stripetest.CardVisa).UserErrors)
	s.ship(t)
	all := s.documents(t)
	link, err := url.Parse(all["I-00000001"].DownloadURL)
	require.NoError(t, err)
	other, err := url.Parse(all["D-00000001"].DownloadURL)
	require.NoError(t, err)

	key := s.App.App.Config.Secret
	past, err := invoice.NewLinks(key, "", func() time.Time { return time.Now().Add(-time.Hour) })
	require.NoError(t, err)
	now, err := invoice.NewLinks(key, "", time.Now)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		link, code string
		status     int
	}{
		"tampered":         {link.Path + "?" + strings.Replace(link.RawQuery, "expires=1", "expires=2", 1), "DOCUMENT_LINK_INVALID", 403},
		"another document": {other.Path + "?" + link.RawQuery, "DOCUMENT_LINK_INVALID", 403},
		"unsigned":         {link.Path, "DOCUMENT_LINK_INVALID", 403},
		"no id":            {"/documents/x", "DOCUMENT_LINK_INVALID", 403},
		"expired":          {past.To(keyOf(t, all["I-00000001"].ID)), "DOCUMENT_LINK_EXPIRED", 403},
		"no such document": {now.To(uuid.New()), "NOT_FOUND", 404},
	} {
		response, body := download(t, s.App, c.link)
		require.Equal(t, c.status, response.StatusCode, name)
		var said struct {
			Errors []struct {
				Message    string
				Extensions struct{ Code string }
			}
		}
		require.NoError(t, json.Unmarshal(body, &said), "%s: %s", name, body)
		require.Equal(t, c.code, said.Errors[0].Extensions.Code, name)
		require.NotEmpty(t, said.Errors[0].Message)
	}
	_, body := download(t, s.App, past.To(keyOf(t, all["I-00000001"].ID)))
	require.Contains(t, string(body), "有効期限が切れました")
}

func TestReceiptsAreIssuedAsCustomersAsk(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	require.Empty(t, s.pay(t, "attempt-1", stripetest.CardVisa).UserErrors)
	require.Equal(t, "DOCUMENT_ISSUER_MISSING", s.receipt(t, receiptInput("0", s.order)).fault())
	issueAs(t, s.App)
	for want, input := range map[string]apptest.Variables{
		"REQUIRED addressee":                     with(receiptInput("1", s.order), "addressee", " "),
		"REQUIRED proviso":                       with(receiptInput("1", s.order), "proviso", ""),
		"TOO_LONG addressee":                     with(receiptInput("1", s.order), "addressee", strings.Repeat("あ", 61)),
		"NOT_FOUND orderId":                      receiptInput("1", id.Global("Order", id.New())),
		"IDEMPOTENCY_KEY_INVALID idempotencyKey": with(receiptInput("1", s.order), "idempotencyKey", "x"),
	} {
		require.Equal(t, want, s.receipt(t, input).fault())
	}
	first := s.receipt(t, receiptInput("1", s.order))
	require.Empty(t, first.UserErrors)
	require.Equal(t, "R-00000001", first.Document.Number)
	require.Equal(t, "株式会社ふくふく 御中", first.Document.Addressee)
	require.Equal(t, "2640", first.Document.Total.Amount)
	require.False(t, first.Document.Reissue)
	require.Equal(t, "R-00000001", s.receipt(t, receiptInput("1", s.order)).Document.Number, "the same key issues once")
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED idempotencyKey", s.receipt(t, with(receiptInput("1", s.order), "addressee", "別人")).fault())
	for _, key := range []string{"2", "3", "4"} {
		again := s.receipt(t, receiptInput(key, s.order))
		require.Equal(t, "R-0000000"+key, again.Document.Number)
		require.True(t, again.Document.Reissue)
	}
	require.Equal(t, "RECEIPT_LIMIT orderId", s.receipt(t, receiptInput("5", s.order)).fault())
	var staff struct{ IssueReceipt documentAnswer }
	s.DoAs(t, cashier, askReceipt, in(receiptInput("5", s.order))).Into(t, &staff)
	require.Equal(t, "R-00000005", staff.IssueReceipt.Document.Number, "staff may, and what was refused drew no number")

	// Who may not see the order gets no receipt of it.
	stranger := &till{shopper: &shopper{App: s.App, token: "somebody-else"}, order: s.order}
	require.Equal(t, "NOT_FOUND orderId", stranger.receipt(t, receiptInput("6", s.order)).fault())
	require.NotEmpty(t, s.DoAs(t, access.Actor{Role: access.RolePartner, ID: id.New()}, askReceipt, in(receiptInput("6", s.order))).Errors)

	// Given up, what the receipt was for is given back.
	require.Empty(t, counter{s.App, cashier}.act(t, "cancelOrder", apptest.Variables{"orderId": s.order, "reason": "欠品"}).UserErrors)
	note := s.documents(t)["C-00000001"]
	require.Equal(t, "CREDIT_NOTE", note.Kind)
	require.Equal(t, "R-00000005", *note.Corrects)
	require.Equal(t, "2640", note.Total.Amount)
	require.Equal(t, "RECEIPT_UNPAID orderId", s.receipt(t, receiptInput("7", s.order)).fault())
}

// A receipt says what was received, before there is an invoice too.
func TestAReceiptIsCorrectedBeforeTheOrderShips(t *testing.T) {
	t.Parallel()
	d := newEditDesk(t)
	issueAs(t, d.App)
	s := &till{shopper: d.guest, order: d.order}
	require.Equal(t, "5060", s.receipt(t, receiptInput("1", s.order)).Document.Total.Amount)
	require.Empty(t, d.edit(t, lines(d.leashes, 1)).UserErrors)
	note := s.documents(t)["C-00000001"]
	require.Equal(t, []string{"2200", "R-00000001"}, []string{note.Total.Amount, *note.Corrects})
	refund := func(amount string) {
		t.Helper()
		require.NotContains(t, s.work(t, "refundPayment", s.payment(t).ID, apptest.Variables{"amount": amount, "reason": "お詫び"}), "_AMOUNT")
	}
	refund("2200") // which the edit gave back
	require.Len(t, s.documents(t), 2)
	require.Equal(t, "2860", s.receipt(t, receiptInput("2", s.order)).Document.Total.Amount, "as it was edited")
	refund("360")
	note = s.documents(t)["C-00000002"]
	require.Equal(t, []string{"360", "R-00000002"}, []string{note.Total.Amount, *note.Corrects})
	require.Equal(t, "2500", s.receipt(t, receiptInput("3", s.order)).Document.Total.Amount)
}

func TestCreditNotesCorrectAnInvoice(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	issueAs(t, s.App)
	require.Empty(t, s.pay(t, "attempt-1", stripetest.CardVisa).UserErrors)
	require.Equal(t, "R-00000001", s.receipt(t, receiptInput("1", s.order)).Document.Number)
	s.ship(t)
	all := s.documents(t)
	of := func(key string, more ...any) apptest.Variables {
		v := apptest.Variables{"idempotencyKey": "credit-" + key, "documentId": all["I-00000001"].ID, "reason": "返品"}
		for i := 0; i < len(more); i += 2 {
			v[more[i].(string)] = more[i+1]
		}
		return v
	}
	var lines struct {
		Order struct{ Lines []struct{ ID string } }
	}
	s.DoAs(t, cashier, `query($o: ID!) { order(id: $o) { lines { id } } }`, apptest.Variables{"o": s.order}).Into(t, &lines)
	line := func(n int) []apptest.Variables {
		return []apptest.Variables{{"orderLineId": lines.Order.Lines[0].ID, "quantity": n}}
	}
	amount := func(class, minor string) []apptest.Variables {
		return []apptest.Variables{{"text": "送料", "taxClass": class, "amount": minor}}
	}
	for want, input := range map[string]apptest.Variables{
		"REQUIRED reason":                         of("0", "reason", " "),
		"NOT_FOUND documentId":                    of("0", "documentId", id.Global("Document", id.New())),
		"DOCUMENT_NOT_CREDITABLE documentId":      of("0", "documentId", all["D-00000001"].ID),
		"CREDIT_EXCEEDS_INVOICE lines.0.quantity": of("0", "lines", line(2)),
		"CREDIT_EXCEEDS_INVOICE amounts":          of("0", "amounts", amount("STANDARD", "2641")),
		"INVALID amounts.0.amount":                of("0", "amounts", amount("STANDARD", "-1")),
		"AMOUNT_TOO_FINE amounts.0.amount":        of("0", "amounts", amount("STANDARD", "1.5")),
	} {
		require.Equal(t, want, credit(t, s.App, input).fault())
	}
	require.Equal(t, "DOCUMENT_NOT_CREDITABLE documentId", credit(t, s.App, of("0", "documentId", all["R-00000001"].ID)).fault(), "the invoice is what is corrected")
	require.Equal(t, "CREDIT_EXCEEDS_INVOICE amounts", credit(t, s.App, of("0", "amounts", amount("REDUCED", "1"))).fault())

	fee := credit(t, s.App, of("1", "amounts", amount("STANDARD", "660")))
	require.Empty(t, fee.UserErrors)
	require.Equal(t, "C-00000001", fee.Document.Number)
	require.Equal(t, "I-00000001", *fee.Document.Corrects)
	require.Equal(t, []string{"660", "60"}, amounts(fee.Document.Total.Amount, fee.Document.Tax.Amount))
	require.Equal(t, "C-00000001", credit(t, s.App, of("1", "amounts", amount("STANDARD", "660"))).Document.Number, "the same key issues once")

	receipt := s.receipt(t, receiptInput("2", s.order))
	require.Equal(t, "1980", receipt.Document.Total.Amount, "less what was given back")
	goods := credit(t, s.App, of("2", "lines", line(1)))
	require.Equal(t, []string{"1980", "180"}, amounts(goods.Document.Total.Amount, goods.Document.Tax.Amount))
	require.Equal(t, "CREDIT_EXCEEDS_INVOICE", credit(t, s.App, of("3")).fault(), "nothing is left")
	require.Equal(t, "RECEIPT_UNPAID orderId", s.receipt(t, receiptInput("3", s.order)).fault())

	require.NotEmpty(t, s.DoAs(t, cashier, `mutation($input: IssueCreditNoteInput!) { issueCreditNote(input: $input) { userErrors { code } } }`, in(of("4"))).Errors, "who works on orders does not correct invoices")

	// Other domains credit in their own transaction, once for each cause.
	service := s.App.App.Resolvers.Invoices
	again := invoice.CreditInput{BrandID: s.BrandID, OrderID: keyOf(t, s.order), Source: "return:1", Reason: "返品"}
	_, err := service.Credit(t.Context(), again)
	require.ErrorIs(t, err, invoice.ErrCredit)
	require.NoError(t, service.Cancelled(t.Context(), s.BrandID, keyOf(t, s.order), ""), "all of it has been given back")
	require.Len(t, s.documents(t), 6)
}

func TestAnInvoicedOrderThatIsGivenUpIsCreditedOnce(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	issueAs(t, s.App)
	require.Empty(t, s.pay(t, "attempt-1", stripetest.CardVisa).UserErrors)
	s.ship(t)
	service := s.App.App.Resolvers.Invoices
	for range 2 {
		require.NoError(t, s.DB.InTx(t.Context(), func(ctx context.Context) error {
			return service.Cancelled(ctx, s.BrandID, keyOf(t, s.order), "")
		}))
		soldAgain(t, s.App, s.order)
	}
	all := s.documents(t)
	require.Len(t, all, 3)
	note := all["C-00000001"]
	require.Equal(t, "I-00000001", *note.Corrects)
	require.Equal(t, []string{"2640", "240"}, amounts(note.Total.Amount, note.Tax.Amount))
}

// Several ask at once: the numbers have no gaps, one receipt is the first, and no more is
// given back than there is.
func TestDocumentsAskedForAtOnce(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	issueAs(t, s.App)
	require.Empty(t, s.pay(t, "attempt-1", stripetest.CardVisa).UserErrors)
	s.ship(t)
	made := s.documents(t)["I-00000001"]
	var all sync.WaitGroup
	receipts, notes := make([]documentAnswer, 6), make([]documentAnswer, 6)
	for i := range receipts {
		key := string(rune('0' + i))
		all.Go(func() {
			var got struct{ IssueReceipt documentAnswer }
			s.DoAs(t, cashier, askReceipt, in(receiptInput(key, s.order))).Into(t, &got)
			receipts[i] = got.IssueReceipt
		})
	}
	all.Wait()
	for i := range notes {
		all.Go(func() {
			notes[i] = credit(t, s.App, apptest.Variables{"idempotencyKey": "credit-" + string(rune('0'+i)), "documentId": made.ID, "reason": "値引き", "amounts": []apptest.Variables{
				{"text": "値引き", "taxClass": "STANDARD", "amount": "1000"},
			}})
		})
	}
	all.Wait()
	first, numbers := 0, map[string]bool{}
	for _, r := range receipts {
		require.Empty(t, r.UserErrors)
		if numbers[r.Document.Number] = true; !r.Document.Reissue {
			first++
			require.Equal(t, "R-00000001", r.Document.Number)
		}
	}
	require.Equal(t, 1, first)
	given := 0
	for _, n := range notes {
		if n.fault() == "" {
			given++
			numbers[n.Document.Number] = true
			continue
		}
		require.Equal(t, "CREDIT_EXCEEDS_INVOICE amounts", n.fault())
	}
	require.Equal(t, 2, given, "1,000 yen goes twice into 2,640")
	for _, number := range []string{"R-00000001", "R-00000002", "R-00000003", "R-00000004", "R-00000005", "R-00000006", "C-00000001", "C-00000002"} {
		require.True(t, numbers[number], number)
	}
}

// soldAgain tells that the shipments of an order have left, once more.
func soldAgain(t *testing.T, a *apptest.App, orderID string) {
	t.Helper()
	ctx, key := access.With(t.Context(), access.System), []uuid.UUID{keyOf(t, orderID)}
	orders, err := a.App.Resolvers.Orders.ByIDs(ctx, key)
	require.NoError(t, err)
	lines, err := a.App.Resolvers.Orders.Lines(ctx, key)
	require.NoError(t, err)
	shipments, err := a.App.Resolvers.Orders.Shipments(ctx, key)
	require.NoError(t, err)
	require.NotEmpty(t, shipments)
	for _, h := range shipments {
		require.NoError(t, a.App.Resolvers.Invoices.Sold(ctx, orders[0], lines, h))
	}
}

func TestAnOrderThatLeavesInPartsHasOneInvoice(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	issueAs(t, a)
	order, _, _, _ := split(t, a)
	staff := counter{a, packer}
	documents := func() map[string]issuedDocument {
		var got struct {
			Order struct{ Documents []issuedDocument }
		}
		a.DoAs(t, packer, `query($o: ID!) { order(id: $o) { documents { `+documentFields+` } } }`, apptest.Variables{"o": order}).Into(t, &got)
		all := map[string]issuedDocument{}
		for _, d := range got.Order.Documents {
			all[d.Number] = d
		}
		return all
	}
	made := staff.instruct(t, order, apptest.Variables{"partial": true})
	require.Empty(t, made.UserErrors)
	require.Len(t, made.Shipments, 2)
	var totals []string
	for i, h := range made.Shipments {
		left := staff.move(t, "shipShipment", apptest.Variables{"shipmentId": h.ID})
		require.Empty(t, left.UserErrors)
		totals = append(totals, left.Shipment.Total.Amount)
		require.Len(t, documents(), 2+i, "the invoice goes with the first")
	}
	all := documents()
	require.Equal(t, "7510", all["I-00000001"].Total.Amount, "the invoice is of the whole order")
	require.Equal(t, totals, amounts(all["D-00000001"].Total.Amount, all["D-00000002"].Total.Amount))
	for _, d := range all {
		response, file := download(t, a, d.DownloadURL)
		require.Equal(t, http.StatusOK, response.StatusCode, d.Number)
		require.True(t, strings.HasPrefix(string(file), "%PDF-"))
	}
	var contents []invoice.Content
	for _, number := range []string{"D-00000001", "D-00000002"} {
		d, err := a.App.Resolvers.Invoices.Store.ByID(t.Context(), keyOf(t, all[number].ID))
		require.NoError(t, err)
		contents = append(contents, d.Content)
	}
	for i, c := range contents {
		require.True(t, c.Unpriced, "what a part comes to is on the invoice")
		require.Equal(t, i+1, c.Order.Shipment)
		require.Len(t, c.Lines, 1)
		require.Equal(t, made.Shipments[i].Lines[0].Quantity, c.Lines[0].Quantity)
	}
	soldAgain(t, a, order)
	require.Len(t, documents(), 3, "told again, nothing is issued twice")
}

func TestDocumentsAreIssuedLaterOfWhatWasSoldBefore(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	require.Empty(t, s.pay(t, "attempt-1", stripetest.CardVisa).UserErrors)
	issue := func(input apptest.Variables) ([]issuedDocument, []writeError) {
		var got struct {
			IssueDocuments struct {
				Documents  []issuedDocument
				UserErrors []writeError
			}
		}
		s.DoAs(t, bookkeeper, `mutation($input: IssueDocumentsInput!) { issueDocuments(input: $input) { documents { number kind } userErrors { code field } } }`, in(input)).Into(t, &got)
		return got.IssueDocuments.Documents, got.IssueDocuments.UserErrors
	}
	order := apptest.Variables{"orderId": s.order}
	_, failed := issue(order)
	require.Equal(t, []writeError{{"DOCUMENT_ISSUER_MISSING", []string{}}}, failed)
	var none struct{ DocumentIssuer *struct{ Name string } }
	s.DoAs(t, bookkeeper, `{ documentIssuer { name } }`, nil).Into(t, &none)
	require.Nil(t, none.DocumentIssuer)
	issueAs(t, s.App)
	_, failed = issue(order)
	require.Equal(t, []writeError{{"DOCUMENT_NOT_SOLD", []string{"orderId"}}}, failed)
	_, failed = issue(apptest.Variables{})
	require.Equal(t, []writeError{{"REQUIRED", []string{"orderId"}}}, failed)
	_, failed = issue(apptest.Variables{"statementId": id.Global("AccountStatement", id.New())})
	require.Equal(t, []writeError{{"NOT_FOUND", []string{"statementId"}}}, failed)

	exec(t, s.App, `DELETE FROM document_issuers`)
	s.ship(t)
	require.Empty(t, s.documents(t))
	issueAs(t, s.App)
	for range 2 {
		made, failed := issue(order)
		require.Empty(t, failed)
		require.Len(t, made, 2)
	}
	require.Len(t, s.documents(t), 2)
}

func TestAnIssuerIsChecked(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	for want, input := range map[string]apptest.Variables{
		"INVOICE_NUMBER_INVALID registrationNumber": with(ourIssuer(), "registrationNumber", "T1000000000000"), // its check digit is 9
		"REQUIRED name":                  with(ourIssuer(), "name", " "),
		"REQUIRED address":               with(ourIssuer(), "address", ""),
		"POSTAL_CODE_INVALID postalCode": with(ourIssuer(), "postalCode", "150"),
		"PHONE_INVALID phone":            with(ourIssuer(), "phone", "電話"),
		"TOO_MANY note":                  with(ourIssuer(), "note", strings.Repeat("行\n", 5)+"行"),
		"TOO_LONG bank":                  with(ourIssuer(), "bank", strings.Repeat("行", 301)),
	} {
		failed := write(t, a, bookkeeper, "saveDocumentIssuer", "SaveDocumentIssuerInput", "issuer { name }", input, nil)
		require.Len(t, failed, 1, want)
		require.Equal(t, want, failed[0].Code+" "+strings.Join(failed[0].Field, "."))
	}
	for _, number := range []string{"", "T9000000000000"} {
		require.Empty(t, write(t, a, bookkeeper, "saveDocumentIssuer", "SaveDocumentIssuerInput", "issuer { name }", with(ourIssuer(), "registrationNumber", number), nil))
	}
	for _, denied := range []string{`{ documents { totalCount } }`, `{ documentIssuer { name } }`, `{ document(id: "` + id.Global("Document", id.New()) + `") { id } }`} {
		require.NotEmpty(t, a.DoAs(t, cashier, denied, nil).Errors)
		require.NotEmpty(t, a.Do(t, denied, nil).Errors)
	}
}

func TestACompanysMonthIsADocumentToo(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "20000", "BLOCK")
	issueAs(t, w.App)
	kaede, books := w.buyer(t, "kaede@example.jp", "BUYER", nil), w.buyer(t, "keiri@example.jp", "ACCOUNTANT", nil)
	staff := counter{w.App, seller}
	var orders []string
	for i, pieces := range []int{3, 4} {
		placed := kaede.order(t, "intent-"+string(rune('1'+i)), "ON_ACCOUNT", pieces)
		require.Empty(t, placed.UserErrors)
		orders = append(orders, placed.Order.ID)
		staff.ship(t, placed.Order.ID)
	}
	parts := w.App.App.Resolvers.Billing.Parts
	parts.Now = nextMonth
	closer := *w.App.App.Resolvers.Billing
	closer.Parts = parts
	require.NoError(t, closer.Run(t.Context()))
	require.NoError(t, closer.Run(t.Context()), "again: what is closed stays")

	var mine struct {
		MyAccountStatements struct {
			Nodes []struct {
				Closing  struct{ Amount string }
				Document *issuedDocument
			}
		}
	}
	books.do(t, `{ myAccountStatements { nodes { closing { amount } document { `+documentFields+` } } } }`, nil).Into(t, &mine)
	require.Len(t, mine.MyAccountStatements.Nodes, 1)
	d := mine.MyAccountStatements.Nodes[0].Document
	require.Equal(t, "S-00000001", d.Number)
	require.Equal(t, "フクフク商店 御中", d.Addressee)
	require.Equal(t, []string{"7000", "7000"}, amounts(mine.MyAccountStatements.Nodes[0].Closing.Amount, d.Total.Amount))
	require.Equal(t, []string{"6365", "635", "7000"}, amounts(d.Taxes[0].Net.Amount, d.Taxes[0].Tax.Amount, d.Taxes[0].Gross.Amount), "272 + 363: each invoice rounded its tax once")
	response, file := download(t, w.App, d.DownloadURL)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.True(t, strings.HasPrefix(string(file), "%PDF-"))
	kaede.do(t, `{ myAccountStatements { nodes { document { id } } } }`, nil).Into(t, &mine)
	require.Empty(t, mine.MyAccountStatements.Nodes, "who only orders does not see what is owed")

	var got struct {
		Order *struct{ Documents []issuedDocument }
	}
	const ofOrder = `query($o: ID!) { order(id: $o) { documents { ` + documentFields + ` } } }`
	books.do(t, ofOrder, apptest.Variables{"o": orders[0]}).Into(t, &got)
	require.Len(t, got.Order.Documents, 2, "accountants see the invoices of all its orders")
	require.Equal(t, w.company, *got.Order.Documents[0].CompanyID)
	newCustomer(t, w.App, "other@example.jp").do(t, ofOrder, apptest.Variables{"o": orders[0]}).Into(t, &got)
	require.Nil(t, got.Order, "others see neither order nor documents")
	var refused struct{ IssueReceipt documentAnswer }
	books.do(t, askReceipt, in(receiptInput("1", orders[0]))).Into(t, &refused)
	require.Equal(t, "RECEIPT_ON_ACCOUNT orderId", refused.IssueReceipt.fault())

	list := func(filter string) (numbers []string) {
		var got struct {
			Documents struct {
				TotalCount int
				Nodes      []issuedDocument
			}
		}
		w.DoAs(t, bookkeeper, `{ documents(first: 50, filter: {`+filter+`}) { totalCount nodes { number downloadUrl } } }`, nil).Into(t, &got)
		require.Len(t, got.Documents.Nodes, got.Documents.TotalCount)
		for _, d := range got.Documents.Nodes {
			require.NotEmpty(t, d.DownloadURL)
			numbers = append(numbers, d.Number)
		}
		return numbers
	}
	require.Len(t, list(""), 5)
	require.Equal(t, []string{"I-00000002"}, list(`number: "ｉ２"`))
	require.Empty(t, list(`number: "x"`))
	require.Equal(t, []string{"S-00000001"}, list(`kinds: [STATEMENT], companyId: "`+w.company+`"`))
	require.Len(t, list(`orderId: "`+orders[1]+`"`), 2)
	require.Empty(t, list(`until: "2020-01-01T00:00:00Z"`))
	require.Len(t, list(`from: "2020-01-01T00:00:00Z", kinds: [INVOICE, DELIVERY_NOTE]`), 4)
	var one struct{ Document *issuedDocument }
	w.DoAs(t, bookkeeper, `query($d: ID!) { document(id: $d) { number } }`, apptest.Variables{"d": d.ID}).Into(t, &one)
	require.Equal(t, "S-00000001", one.Document.Number)
	w.DoAs(t, bookkeeper, `query($d: ID!) { document(id: $d) { number } }`, apptest.Variables{"d": id.Global("Document", id.New())}).Into(t, &one)
	require.Nil(t, one.Document)
}
