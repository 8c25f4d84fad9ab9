package resolvers_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// prizeDock is a point shop whose prizes go with the carrier kamome.
type prizeDock struct {
	*pointShop
	*dock
	packer access.Actor
}

func newPrizeDock(t *testing.T) *prizeDock {
	t.Helper()
	s := newPointShop(t)
	d := &prizeDock{pointShop: s, dock: &dock{door: &door{App: s.App}}, packer: access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PrizeRead, access.PrizeWrite, access.MemberExport}}}
	exec(t, s.App, `INSERT INTO shipping_carriers (id, brand_id, code, name) VALUES ($1, $2, 'kamome', '{"ja":"かもめ急便"}')`, id.New(), s.BrandID)
	d.clerk = employ(t, s.App, "depot@example.jp", access.RoleStaff, access.OrderRead, access.OrderWrite, access.PrizeWrite, access.MemberExport).bearer()
	return d
}

type prizeParcel struct {
	ID, State, Reference, Carrier, TrackingNumber string
	ExportedAt                                    *string
}

func countOf(t testing.TB, a *apptest.App, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

// toSend is the work list of prizes.
func (d *prizeDock) toSend(t testing.TB, filter apptest.Variables) []prizeParcel {
	t.Helper()
	var got struct{ PrizeExchanges struct{ Nodes []prizeParcel } }
	d.DoAs(t, d.packer, `query($f: PrizeExchangeFilter) { prizeExchanges(filter: $f) { nodes { id state reference carrier trackingNumber exportedAt } } }`, apptest.Variables{"f": filter}).Into(t, &got)
	return got.PrizeExchanges.Nodes
}

func TestPrizesGoTheWayOfShipments(t *testing.T) {
	t.Parallel()
	d := newPrizeDock(t)
	b := d.buyer(t, 3000)
	bowl := d.prize(t, nil)
	first, second := b.exchange(t, bowl, nil), b.exchange(t, bowl, nil)
	require.Empty(t, append(first.UserErrors, second.UserErrors...))
	require.Len(t, d.toSend(t, apptest.Variables{"toSend": true, "exported": false}), 2)
	d.send(t, "yamato-b2")

	prizes := apptest.Variables{"source": "PRIZES"}
	require.Equal(t, "FORBIDDEN", d.export(t, dispatcher, prizes).UserErrors[0].Code, "orders' dispatchers send no prizes")
	shop := access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: d.packer.Permissions}
	require.Equal(t, "FORBIDDEN", d.export(t, shop, prizes).UserErrors[0].Code, "nor do shops")
	made := d.export(t, d.packer, prizes)
	require.Empty(t, made.UserErrors)
	require.Equal(t, 2, made.Batch.Shipments)
	require.Zero(t, countOf(t, d.App, `SELECT count(*) FROM shipment_batches WHERE position(convert_to('神宮前', 'SJIS') IN content) > 0`), "addresses are sealed in one place alone")
	status, rows := d.download(t, made.Batch.DownloadURL)
	require.Equal(t, http.StatusOK, status)
	require.Len(t, rows, 2)
	require.Equal(t, 1, countOf(t, d.App, `SELECT count(*) FROM events WHERE type = 'shipments.file_opened' AND actor_id = $1 AND actor_role = 'STAFF' AND brand_id = $2`, d.packer.ID, d.BrandID), "who asked is written down")
	parcels := d.toSend(t, apptest.Variables{"toSend": true, "exported": true})
	require.Len(t, parcels, 2)
	numbers := map[string]string{}
	for _, p := range parcels {
		numbers[p.ID] = p.Reference
	}
	require.Equal(t, []string{numbers[first.Exchange.ID], "山田 花子", "陶器のボウル×1", "0"}, []string{rows[0]["お客様管理番号"], rows[0]["お届け先名"], rows[0]["品名１"], rows[0]["送り状種類"]})
	require.Equal(t, "NOTHING_TO_EXPORT", d.export(t, d.packer, prizes).UserErrors[0].Code, "each is in one file")
	again := d.export(t, d.packer, apptest.Variables{"source": "PRIZES", "shipmentIds": []string{second.Exchange.ID}})
	require.Equal(t, 1, again.Batch.Shipments, "unless it is named")

	var cancelled struct{ CancelPrizeExchange prizeAnswer }
	b.do(t, `mutation($e: ID!) { cancelPrizeExchange(input: {`+aKey()+` exchangeId: $e}) { `+prizeExchangeFields+` } }`, apptest.Variables{"e": second.Exchange.ID}).Into(t, &cancelled)
	require.Empty(t, cancelled.CancelPrizeExchange.UserErrors)
	_, rows = d.download(t, made.Batch.DownloadURL)
	require.Len(t, rows, 1, "what was cancelled goes to nobody")
	require.Equal(t, "SHIPMENT_UNKNOWN", d.export(t, d.packer, apptest.Variables{"source": "PRIZES", "shipmentIds": []string{second.Exchange.ID}}).UserErrors[0].Code)
	var listed struct{ ShipmentBatches struct{ TotalCount int } }
	d.DoAs(t, dispatcher, `{ shipmentBatches { totalCount } }`, nil).Into(t, &listed)
	require.Zero(t, listed.ShipmentBatches.TotalCount, "files of prizes are for who may send prizes")

	file := "お客様管理番号,伝票番号,出荷日,運送会社\n" + numbers[first.Exchange.ID] + ",4912-3456-7890,2026/01/05,kamome\n" +
		numbers[second.Exchange.ID] + ",4912-3456-7891,2026/01/05,kamome\nPZ-000000000000,4912-3456-7892,,\n"
	d.Work(t)
	taken, errors := d.upload(t, file)
	require.Empty(t, errors)
	require.Equal(t, 3, taken.Rows)
	done := d.worked(t)
	require.Equal(t, []int{1, 2}, []int{done.Shipped, len(done.Rejections)}, "%v", done)
	sent := d.toSend(t, apptest.Variables{"state": "SHIPPED"})
	require.Equal(t, []string{"かもめ急便", "4912-3456-7890"}, []string{sent[0].Carrier, sent[0].TrackingNumber})
	openMails(t, d.App)
	require.Equal(t, 1, countOf(t, d.App, `SELECT count(*) FROM river_job WHERE kind = 'send_message' AND args->'message'->'content'->>'trackingNumber' = '4912-3456-7890'`), "the member is told once")
	require.Equal(t, 2, countOf(t, d.App, `SELECT count(*) FROM delivery_issues WHERE kind IN ('NOT_SHIPPABLE', 'UNKNOWN_SHIPMENT')`), "what left the house all the same")
	_, errors = d.upload(t, strings.Replace(file, "2026/01/05", "2026/01/06", 1))
	require.Empty(t, errors)
	require.Equal(t, 1, d.worked(t).Known, "the same row in another file changes nothing")

	orders := employ(t, d.App, "orders@example.jp", access.RoleStaff, access.OrderRead, access.OrderWrite).bearer()
	third := b.exchange(t, bowl, nil)
	waits := d.toSend(t, apptest.Variables{"toSend": true})
	require.Equal(t, third.Exchange.ID, waits[0].ID)
	d.clerk = orders
	_, errors = d.upload(t, "お客様管理番号,伝票番号\n"+waits[0].Reference+",4912-3456-7899\n")
	require.Empty(t, errors)
	require.Len(t, d.worked(t).Rejections, 1, "who may not send prizes sends none by file")
	require.Len(t, d.toSend(t, apptest.Variables{"toSend": true}), 1)
}

func TestAddressLabelsOfPrizes(t *testing.T) {
	t.Parallel()
	d := newPrizeDock(t)
	b := d.buyer(t, 3000)
	require.Empty(t, b.exchange(t, d.prize(t, nil), nil).UserErrors)
	printed := func(actor access.Actor, more apptest.Variables) (got struct {
		PrintShipments struct {
			Paper *struct {
				Shipments   int
				DownloadURL string
			}
			UserErrors []userError
		}
	}) {
		input := apptest.Variables{"kind": "ADDRESS_LABELS", "source": "PRIZES"}
		for name, value := range more {
			input[name] = value
		}
		d.DoAs(t, actor, `mutation($input: PrintShipmentsInput!) { printShipments(input: $input) { paper { shipments downloadUrl } userErrors { code field message } } }`, in(input)).Into(t, &got)
		return got
	}
	require.Equal(t, "FORBIDDEN", printed(dispatcher, nil).PrintShipments.UserErrors[0].Code)
	require.Equal(t, []string{"kind"}, printed(d.packer, apptest.Variables{"kind": "PICK_LIST"}).PrintShipments.UserErrors[0].Field)
	require.Equal(t, "LABEL_FORMAT_UNKNOWN", printed(d.packer, apptest.Variables{"format": "a4-13"}).PrintShipments.UserErrors[0].Code)
	require.Equal(t, "SHIPMENT_UNKNOWN", printed(d.packer, apptest.Variables{"shipmentIds": []string{id.Global("PrizeExchange", id.New())}}).PrintShipments.UserErrors[0].Code)
	paper := printed(d.packer, nil)
	require.Empty(t, paper.PrintShipments.UserErrors)
	require.Equal(t, 1, paper.PrintShipments.Paper.Shipments)
	status, header, raw := opened(t, d.App, paper.PrintShipments.Paper.DownloadURL)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "application/pdf", header.Get("Content-Type"))
	require.True(t, bytes.HasPrefix(raw, []byte("%PDF-")))
	require.Equal(t, 1, countOf(t, d.App, `SELECT count(*) FROM events WHERE type = 'shipments.paper_opened' AND actor_id = $1 AND actor_role = 'STAFF' AND brand_id = $2`, d.packer.ID, d.BrandID))
}
