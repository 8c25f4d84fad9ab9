package resolvers_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/japanese"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	ordering "github.com/noren-commerce/noren/core/order"
)

// dock is a shop whose parcels go with a carrier named kamome; it takes cash on delivery.
type dock struct {
	*door
	staff counter
	clerk string // a token
}

func newDock(t *testing.T, options ...func(*app.Config)) *dock {
	t.Helper()
	a := apptest.Start(t, options...)
	d := &dock{door: &door{App: a, leash: a.AddProduct(t, "leash", 1980).Variants[0], parcel: a.AddShipping(t, "parcel", 660)}, staff: counter{a, dispatcher}}
	require.Empty(t, d.terms(t, apptest.Variables{}))
	carrier := id.New()
	exec(t, a, `INSERT INTO shipping_carriers (id, brand_id, code, name, tracking_url) VALUES ($1, $2, 'kamome', '{"ja":"かもめ急便"}', 'https://track.kamome.example/?no={number}')`, carrier, a.BrandID)
	exec(t, a, `UPDATE shipping_methods SET carrier_id = $1`, carrier)
	d.clerk = employ(t, a, "depot@example.jp", access.RoleStaff, access.OrderRead, access.OrderWrite).bearer()
	return d
}

// instructed is an order of a leash, to be paid at the door, whose shipment waits.
func (d *dock) instructed(t testing.TB) (order, number, shipment string) {
	t.Helper()
	guest, _ := d.cart(t, 1, "CASH_ON_DELIVERY")
	placed := d.place(t, guest, "2970", "CASH_ON_DELIVERY")
	require.Empty(t, placed.UserErrors)
	packed := d.staff.instruct(t, placed.Order.ID, nil)
	require.Empty(t, packed.UserErrors)
	return placed.Order.ID, placed.Order.Number, packed.Shipments[0].ID
}

type batchAnswer struct {
	Batch *struct {
		ID, FileName, DownloadURL, Profile string
		Number, Shipments                  int
		Remarks                            []struct {
			ShipmentID, Reference, Column, Value, Reason string
			Taken                                        bool
		}
	}
	UserErrors []userError
}

const batchFields = `batch { id number fileName downloadUrl profile shipments remarks { shipmentId reference column value taken reason } } userErrors { code field message }`

func (d *dock) export(t testing.TB, actor access.Actor, more apptest.Variables) batchAnswer {
	t.Helper()
	d.keys++
	input := apptest.Variables{"idempotencyKey": fmt.Sprintf("export-%03d", d.keys), "profile": "yamato-b2"}
	for name, value := range more {
		input[name] = value
	}
	var got struct{ ExportShipments batchAnswer }
	d.DoAs(t, actor, `mutation($input: ExportShipmentsInput!) { exportShipments(input: $input) { `+batchFields+` } }`, in(input)).Into(t, &got)
	return got.ExportShipments
}

func (d *dock) send(t testing.TB, profile string) {
	t.Helper()
	var got struct {
		SaveCarrierSender struct{ UserErrors []userError }
	}
	d.DoAs(t, access.Actor{Role: access.RoleAdmin, ID: id.New()}, `mutation($input: SaveCarrierSenderInput!) { saveCarrierSender(input: $input) { profile { code from { customerCode address { city } } } userErrors { code field } } }`, in(apptest.Variables{
		"profile": profile, "customerCode": "0612345678", "fareCode": "01",
		"address": apptest.Variables{"name": "わんこ堂", "postalCode": "530-0001", "prefecture": "OSAKA", "city": "大阪市北区", "line1": "梅田4-5-6", "phone": "06-1234-5678"},
	})).Into(t, &got)
	require.Empty(t, got.SaveCarrierSender.UserErrors)
}

// download is what a link leads to, by its headings.
func (d *dock) download(t testing.TB, link string) (int, []map[string]string) {
	t.Helper()
	_, path, _ := strings.Cut(link, "/shipment-files/")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL+"/shipment-files/"+path, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if response.StatusCode != http.StatusOK {
		return response.StatusCode, nil
	}
	text, err := japanese.ShiftJIS.NewDecoder().String(string(raw))
	require.NoError(t, err)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	var all []map[string]string
	for _, row := range rows[1:] {
		found := map[string]string{}
		for i, heading := range rows[0] {
			found[heading] = row[i]
		}
		all = append(all, found)
	}
	return response.StatusCode, all
}

func TestShipmentsAreWrittenForTheCarrierOnce(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	_, number, first := d.instructed(t)
	require.Equal(t, "CARRIER_SENDER_MISSING", d.export(t, dispatcher, nil).UserErrors[0].Code)
	require.Equal(t, "CARRIER_PROFILE_UNKNOWN", d.export(t, dispatcher, apptest.Variables{"profile": "fax"}).UserErrors[0].Code)
	d.send(t, "yamato-b2")
	d.send(t, "sagawa-ehiden")
	order, _, second := d.instructed(t)
	exec(t, d.App, `UPDATE orders SET shipping_address = '`+inClear+`' || jsonb_build_object('line1', repeat('町', 90)) WHERE id = $1`, keyOf(t, order))

	made := d.export(t, dispatcher, apptest.Variables{"idempotencyKey": "export-once"})
	require.Empty(t, made.UserErrors)
	require.Equal(t, []int{1, 1}, []int{made.Batch.Number, made.Batch.Shipments})
	require.Len(t, made.Batch.Remarks, 1, "an address too long for the label is no row, and is said")
	require.Equal(t, second, made.Batch.Remarks[0].ShipmentID)
	require.False(t, made.Batch.Remarks[0].Taken)
	status, rows := d.download(t, made.Batch.DownloadURL)
	require.Equal(t, http.StatusOK, status)
	require.Len(t, rows, 1)
	require.Equal(t, []string{number + "-1", "2", "2970", "270", "山田 花子", "わんこ堂", "しょうひん leash×1"},
		[]string{rows[0]["お客様管理番号"], rows[0]["送り状種類"], rows[0]["ｺﾚｸﾄ代金引換額（税込)"], rows[0]["内消費税額等"], rows[0]["お届け先名"], rows[0]["ご依頼主名"], rows[0]["品名１"]})

	// Asked again, it is the same file; the next has what this one could not say only.
	require.Equal(t, made.Batch.ID, d.export(t, dispatcher, apptest.Variables{"idempotencyKey": "export-once"}).Batch.ID)
	next := d.export(t, dispatcher, nil)
	require.Equal(t, []int{2, 0, 1}, []int{next.Batch.Number, next.Batch.Shipments, len(next.Batch.Remarks)})
	exec(t, d.App, `UPDATE orders SET shipping_address = '`+inClear+`' || jsonb_build_object('line1', '千駄ヶ谷1') WHERE id = $1`, keyOf(t, order))
	next = d.export(t, dispatcher, apptest.Variables{"profile": "sagawa-ehiden"})
	require.Equal(t, 1, next.Batch.Shipments)
	_, rows = d.download(t, next.Batch.DownloadURL)
	require.Equal(t, "東京都渋谷区千駄ヶ谷1", rows[0]["お届け先住所１"])
	require.Equal(t, "NOTHING_TO_EXPORT", d.export(t, dispatcher, nil).UserErrors[0].Code)
	again := d.export(t, dispatcher, apptest.Variables{"shipmentIds": []string{first}})
	require.Equal(t, 1, again.Batch.Shipments, "one that is named is written again")

	// What left, or is held, is not written; nor by those of another shop.
	require.Empty(t, d.staff.move(t, "shipShipment", apptest.Variables{"shipmentId": first, "trackingNumber": "4912-3456-7890"}).UserErrors)
	require.Equal(t, "SHIPMENT_UNKNOWN", d.export(t, dispatcher, apptest.Variables{"shipmentIds": []string{first}}).UserErrors[0].Code)
	exec(t, d.App, `UPDATE orders SET held = 'ADDRESS' WHERE id = $1`, keyOf(t, order))
	require.Equal(t, "SHIPMENT_UNKNOWN", d.export(t, dispatcher, apptest.Variables{"shipmentIds": []string{second}}).UserErrors[0].Code)
	elsewhere := access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{id.New()}, Permissions: dispatcher.Permissions}
	require.Equal(t, "FORBIDDEN", d.export(t, elsewhere, apptest.Variables{"locationId": id.Global("Location", d.WarehouseID)}).UserErrors[0].Code)
	require.Equal(t, "NOTHING_TO_EXPORT", d.export(t, elsewhere, nil).UserErrors[0].Code)

	var list struct {
		ShipmentBatches struct {
			TotalCount int
			Nodes      []struct{ Number int }
		}
		CarrierProfiles []struct {
			Code     string
			Headings []string
			From     *struct{ CustomerCode string }
		}
		Shipments struct{ Nodes []struct{ ID string } }
	}
	const query = `{ shipmentBatches { totalCount nodes { number } } carrierProfiles { code headings from { customerCode } } shipments(filter: {exported: false}) { nodes { id } } }`
	d.DoAs(t, dispatcher, query, nil).Into(t, &list)
	require.Equal(t, 4, list.ShipmentBatches.TotalCount)
	require.Equal(t, 4, list.ShipmentBatches.Nodes[0].Number)
	require.Len(t, list.CarrierProfiles, 2)
	require.NotNil(t, list.CarrierProfiles[0].From)
	require.Empty(t, list.Shipments.Nodes)
	d.DoAs(t, elsewhere, query, nil).Into(t, &list)
	require.Empty(t, list.ShipmentBatches.Nodes, "a file has other shops' customers")

	// A link is for one file, and not for ever.
	status, _ = d.download(t, made.Batch.DownloadURL+"x")
	require.Equal(t, http.StatusForbidden, status)
	_, query2, _ := strings.Cut(made.Batch.DownloadURL, "?")
	status, _ = d.download(t, "/shipment-files/"+keyOf(t, next.Batch.ID).String()+"?"+query2)
	require.Equal(t, http.StatusForbidden, status)
}

type resultSeen struct {
	ID                                  string
	Rows, Done, Shipped, Parcels, Known int
	Rejections                          []struct {
		Line           int
		Column, Reason string
	}
}

func (d *dock) upload(t testing.TB, content string) (resultSeen, []userError) {
	t.Helper()
	var got struct {
		UploadShipmentResults struct {
			Result     *resultSeen
			UserErrors []userError
		}
	}
	d.Upload(t, `mutation($input: UploadShipmentResultsInput!) { uploadShipmentResults(input: $input) { result { id rows done shipped parcels known rejections { line column reason } } userErrors { code field message } } }`,
		in(apptest.Variables{"file": nil}), "input.file", apptest.File{Name: "results.csv", ContentType: "text/csv", Content: []byte(content)}, "X-Noren-CSRF", "1", "Authorization", d.clerk).Into(t, &got)
	if got.UploadShipmentResults.Result == nil {
		return resultSeen{}, got.UploadShipmentResults.UserErrors
	}
	return *got.UploadShipmentResults.Result, got.UploadShipmentResults.UserErrors
}

// worked is the last file of results once all of its rows are worked on.
func (d *dock) worked(t testing.TB) (last resultSeen) {
	t.Helper()
	var got struct {
		ShipmentResults struct{ Nodes []resultSeen }
	}
	for {
		d.DoAs(t, dispatcher, `{ shipmentResults(first: 1) { nodes { id rows done shipped parcels known rejections { line column reason } } } }`, nil).Into(t, &got)
		if last = got.ShipmentResults.Nodes[0]; last.Done == last.Rows {
			return last
		}
	}
}

type issueSeen struct {
	ID, Kind, State, Reference, TrackingNumber, Carrier, Detail string
	Shipment                                                    *struct{ ID string }
}

func (d *dock) issues(t testing.TB, filter apptest.Variables) []issueSeen {
	t.Helper()
	var got struct {
		DeliveryIssues struct{ Nodes []issueSeen }
	}
	d.DoAs(t, dispatcher, `query($f: DeliveryIssueFilter) { deliveryIssues(filter: $f) { nodes { id kind state reference trackingNumber carrier detail shipment { id } } } }`, apptest.Variables{"f": filter}).Into(t, &got)
	return got.DeliveryIssues.Nodes
}

type parcelSeen struct {
	TrackingNumber, TrackingURL string
	Status                      *string
	Events                      []struct{ Status, At, Place string }
}

func (d *dock) parcels(t testing.TB, order string) (status string, all []parcelSeen) {
	t.Helper()
	var got struct {
		Order struct {
			Status    string
			Shipments []struct {
				ShippedAt *string
				Parcels   []parcelSeen
			}
		}
	}
	d.DoAs(t, dispatcher, `query($o: ID!) { order(id: $o) { status shipments { shippedAt parcels { trackingNumber trackingUrl status events { status at place } } } } }`, apptest.Variables{"o": order}).Into(t, &got)
	for _, h := range got.Order.Shipments {
		all = append(all, h.Parcels...)
	}
	return got.Order.Status, all
}

func TestResultsShipOnceAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	d.Work(t)
	first, one, _ := d.instructed(t)
	second, two, cancelled := d.instructed(t)
	third, three, _ := d.instructed(t)
	require.Empty(t, d.staff.move(t, "cancelShipment", apptest.Variables{"shipmentId": cancelled}).UserErrors)
	nobodys, err := ordering.NewNumber()
	require.NoError(t, err)
	exec(t, d.App, `UPDATE orders SET placed_at = placed_at - interval '3 days'`)
	left := strings.ReplaceAll(jstDay(-2), "-", "/")
	file := "お客様管理番号,伝票番号,出荷予定日\r\n" +
		one + "-1,4912-3456-7890," + left + "\r\n" +
		one + "-1,4912-3456-7901," + left + "\r\n" + // its second parcel
		two + "-1,4912-3456-7912," + left + "\r\n" + // called off, and sent all the same
		three + "-1,491234567890," + left + "\r\n" + // the number of the first order's parcel
		nobodys + "-1,4912-3456-7934," + left + "\r\n" +
		"何か,4912-3456-7945," + left + "\r\n" +
		three + ",4912-3456-7956,\r\n"
	raw, err := japanese.ShiftJIS.NewEncoder().String(file)
	require.NoError(t, err)
	taken, errors := d.upload(t, raw)
	require.Empty(t, errors)
	got := d.worked(t)
	require.Equal(t, []int{2, 1, 0}, []int{got.Shipped, got.Parcels, got.Known}, "%+v", got)
	require.Len(t, got.Rejections, 4, "%+v", got)
	kinds := map[string]bool{}
	for _, i := range d.issues(t, apptest.Variables{"states": []string{"OPEN"}}) {
		kinds[i.Kind] = true
	}
	require.True(t, kinds["NOT_SHIPPABLE"] && kinds["TRACKING_TAKEN"] && kinds["UNKNOWN_SHIPMENT"], "%v", kinds)
	status, parcels := d.parcels(t, first)
	require.Equal(t, "SHIPPED", status)
	require.Len(t, parcels, 2)
	require.Equal(t, "https://track.kamome.example/?no=4912-3456-7901", parcels[1].TrackingURL)
	status, _ = d.parcels(t, second)
	require.Equal(t, "CONFIRMED", status)
	status, parcels = d.parcels(t, third)
	require.Equal(t, "SHIPPED", status)
	require.Equal(t, "4912-3456-7956", parcels[0].TrackingNumber)
	var day string
	require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT (shipped_at AT TIME ZONE 'Asia/Tokyo')::date::text FROM shipments WHERE order_id = $1`, keyOf(t, first)).Scan(&day))
	require.Equal(t, jstDay(-2), day)
	mailed(t, d.App, "4912-3456-7890")

	// The same file, and the same rows in another file: nothing twice.
	sales := len(journal(t, d.App, "kinds: [SALE]"))
	require.Equal(t, 2, sales)
	again, _ := d.upload(t, raw)
	require.Equal(t, taken.ID, again.ID)
	_, errors = d.upload(t, file)
	require.Empty(t, errors)
	got = d.worked(t)
	require.NotEqual(t, taken.ID, got.ID)
	require.Equal(t, []int{0, 0, 3}, []int{got.Shipped, got.Parcels, got.Known}, "%+v", got)
	require.Len(t, journal(t, d.App, "kinds: [SALE]"), sales)
	open := d.issues(t, apptest.Variables{"kinds": []string{"NOT_SHIPPABLE"}})
	require.Len(t, open, 1, "what is reported again is the same issue")

	settle := func(input apptest.Variables) []userError {
		var got struct {
			SettleDeliveryIssue struct{ UserErrors []userError }
		}
		d.DoAs(t, dispatcher, `mutation($input: SettleDeliveryIssueInput!) { settleDeliveryIssue(input: $input) { issue { id state } userErrors { code field } } }`, in(input)).Into(t, &got)
		return got.SettleDeliveryIssue.UserErrors
	}
	require.Equal(t, "REQUIRED", settle(apptest.Variables{"issueId": open[0].ID})[0].Code)
	require.Equal(t, "NOT_FOUND", settle(apptest.Variables{"issueId": id.Global("DeliveryIssue", id.New()), "reason": "x"})[0].Code)
	require.Empty(t, settle(apptest.Variables{"issueId": open[0].ID, "reason": "倉庫に確認し、戻しました"}))
	require.Equal(t, "SETTLED", d.issues(t, apptest.Variables{"kinds": []string{"NOT_SHIPPABLE"}})[0].State)

	_, errors = d.upload(t, "\xff\xfeo\x00")
	require.Equal(t, "FILE_UNREADABLE", errors[0].Code)
}

func TestPickUpsAreNotWrittenForTheCarrier(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	d.send(t, "yamato-b2")
	shop := openShop(t, d.App, "umeda", "OSAKA", map[uuid.UUID]int{d.leash: 2})
	guest := picks(t, d.App, shop, d.leash, 1)
	order := guest.order(t, "1980", "AT_SHOP").Order.ID
	require.Empty(t, counter{d.App, clerkOf(shop)}.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).UserErrors)
	require.Equal(t, "NOTHING_TO_EXPORT", d.export(t, dispatcher, nil).UserErrors[0].Code)
}
