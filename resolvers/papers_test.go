package resolvers_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

type photoSeen struct {
	ID, URL       string
	Width, Height int
	ByStaff       bool
}

type papersSeen struct {
	ID, Number        string
	SlipURL, LabelURL *string
	Photos            []photoSeen
}

type papersAnswer struct {
	Return     *papersSeen
	UserErrors []userError
}

const papersFields = `id number slipUrl labelUrl photos { id url width height byStaff }`

// snapshot is a photo of the shade.
func snapshot(t testing.TB, shade uint8) []byte {
	t.Helper()
	drawn := image.NewGray(image.Rect(0, 0, 40, 30))
	for i := range drawn.Pix {
		drawn.Pix[i] = color.Gray{Y: shade}.Y
	}
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, drawn, nil))
	return out.Bytes()
}

// shows adds a photo as whoever has the headers.
func shows(t testing.TB, a *apptest.App, returnID string, raw []byte, headers ...string) papersAnswer {
	t.Helper()
	var got struct{ AddReturnPhoto papersAnswer }
	a.Upload(t, `mutation($input: AddReturnPhotoInput!) { addReturnPhoto(input: $input) { return { `+papersFields+` } userErrors { code field message } } }`,
		in(apptest.Variables{"returnId": returnID, "file": nil}), "input.file", apptest.File{Name: "../../damage.php", ContentType: "text/x-php", Content: raw}, append(headers, "X-Noren-CSRF", "1")...).Into(t, &got)
	return got.AddReturnPhoto
}

func (d delivered) papers(t testing.TB, returnID string, headers ...string) *papersSeen {
	t.Helper()
	var got struct{ Return *papersSeen }
	d.Do(t, `query($id: ID!) { return(id: $id) { `+papersFields+` } }`, apptest.Variables{"id": returnID}, headers...).Into(t, &got)
	return got.Return
}

// opened is what a link leads to.
func opened(t testing.TB, a *apptest.App, link string) (int, http.Header, []byte) {
	t.Helper()
	parsed, err := url.Parse(link)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL+parsed.RequestURI(), nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, raw
}

func TestReturnPhotosAreSeenByTheirOwnerAndStaff(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	asked := d.back(t, "requestReturn", d.wish("REFUND", piecesOf(d.beds, 1, "DAMAGED", nil)))
	require.Empty(t, asked.UserErrors)
	mine := []string{"X-Cart-Token", d.token}

	shown := shows(t, a, asked.Return.ID, snapshot(t, 10), mine...)
	require.Empty(t, shown.UserErrors)
	require.Equal(t, photoSeen{shown.Return.Photos[0].ID, shown.Return.Photos[0].URL, 40, 30, false}, shown.Return.Photos[0])
	require.Len(t, shows(t, a, asked.Return.ID, snapshot(t, 10), mine...).Return.Photos, 1, "the same picture once")

	link := shown.Return.Photos[0].URL
	status, header, raw := opened(t, a, link)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, []string{"image/jpeg", "nosniff", "private, no-store"}, []string{header.Get("Content-Type"), header.Get("X-Content-Type-Options"), header.Get("Cache-Control")})
	_, err := jpeg.Decode(bytes.NewReader(raw))
	require.NoError(t, err)
	status, _, _ = opened(t, a, link[:len(link)-2]+"xx")
	require.Equal(t, http.StatusForbidden, status)
	status, _, _ = opened(t, a, strings.Replace(link, "/return-photos/", "/return-slips/", 1))
	require.Equal(t, http.StatusForbidden, status, "a link to a photo leads to no slip")

	// A stranger sees and adds nothing.
	stranger := &shopper{App: a}
	require.Empty(t, stranger.add(t, d.bed, 1).UserErrors)
	theirs := []string{"X-Cart-Token", stranger.token}
	require.Nil(t, d.papers(t, asked.Return.ID, theirs...))
	require.Equal(t, "RETURN_UNKNOWN", shows(t, a, asked.Return.ID, snapshot(t, 20), theirs...).UserErrors[0].Code)

	for name, bad := range map[string]struct {
		raw  []byte
		code string
	}{
		"a script":   {[]byte("<?php echo 1;"), "FILE_TYPE_INVALID"},
		"broken off": {snapshot(t, 30)[:200], "FILE_UNREADABLE"},
		"too large":  {append(snapshot(t, 40), make([]byte, 8<<20)...), "FILE_TOO_LARGE"},
		"nothing":    {nil, "REQUIRED"},
	} {
		got := shows(t, a, asked.Return.ID, bad.raw, mine...)
		require.NotEmpty(t, got.UserErrors, name)
		require.Equal(t, bad.code, got.UserErrors[0].Code, name)
		require.Equal(t, []string{"file"}, got.UserErrors[0].Field, name)
	}
	for shade := range uint8(4) {
		require.Empty(t, shows(t, a, asked.Return.ID, snapshot(t, 50+40*shade), mine...).UserErrors)
	}
	require.Equal(t, "RETURN_PHOTOS_FULL", shows(t, a, asked.Return.ID, snapshot(t, 250), mine...).UserErrors[0].Code)

	var gone struct{ RemoveReturnPhoto papersAnswer }
	remove := func(photo string, headers ...string) papersAnswer {
		a.Do(t, `mutation($input: RemoveReturnPhotoInput!) { removeReturnPhoto(input: $input) { return { `+papersFields+` } userErrors { code field message } } }`,
			in(apptest.Variables{"photoId": photo}), headers...).Into(t, &gone)
		return gone.RemoveReturnPhoto
	}
	require.Equal(t, "RETURN_PHOTO_UNKNOWN", remove(shown.Return.Photos[0].ID, theirs...).UserErrors[0].Code)
	require.Len(t, remove(shown.Return.Photos[0].ID, mine...).Return.Photos, 4)
	status, _, _ = opened(t, a, link)
	require.Equal(t, http.StatusNotFound, status, "what is removed is gone, whoever has the link")

	require.Empty(t, d.staff.back(t, "approveReturn", apptest.Variables{"returnId": asked.Return.ID}).UserErrors)
	left := d.papers(t, asked.Return.ID, mine...).Photos
	require.Equal(t, "RETURN_STATUS_CONFLICT", remove(left[0].ID, mine...).UserErrors[0].Code, "what was decided on stays")
	require.Empty(t, d.back(t, "withdrawReturn", apptest.Variables{"returnId": asked.Return.ID}).UserErrors)
	require.Equal(t, "RETURN_STATUS_CONFLICT", shows(t, a, asked.Return.ID, snapshot(t, 60), mine...).UserErrors[0].Code)
}

func TestErasureDeletesPhotosOfReturns(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	asked := d.back(t, "requestReturn", d.wish("REFUND", piecesOf(d.beds, 1, "DAMAGED", nil)))
	require.Empty(t, shows(t, a, asked.Return.ID, snapshot(t, 10), "X-Cart-Token", d.token).UserErrors)
	employ(t, a, "hanako@example.jp", access.RoleStaff)
	member := accountOf(t, a, "hanako@example.jp")
	erase := func() (left int) {
		require.NoError(t, a.DB.InTx(t.Context(), func(ctx context.Context) error { return a.App.Resolvers.Members.Store.Erase(ctx, member, time.Now()) }))
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM return_photos`).Scan(&left))
		return left
	}
	require.Equal(t, 1, erase(), "somebody else's")
	exec(t, a, `UPDATE orders SET member_id = $2 WHERE id = $1`, keyOf(t, d.order), member)
	require.Zero(t, erase())
}

func TestSlipsAreThereWhileGoodsAreToCome(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	mine := []string{"X-Cart-Token", d.token}
	asked := d.back(t, "requestReturn", d.wish("REFUND", piecesOf(d.leashes, 2, "DEFECTIVE", nil)))
	require.Nil(t, d.papers(t, asked.Return.ID, mine...).SlipURL, "nobody has approved it")
	require.Empty(t, d.staff.back(t, "approveReturn", apptest.Variables{"returnId": asked.Return.ID}).UserErrors)
	require.Nil(t, d.papers(t, asked.Return.ID, mine...).SlipURL, "nobody has said where to")

	rule := apptest.Variables{"terms": []apptest.Variables{{"reason": "DEFECTIVE", "days": 30, "parcelPaidBy": "SHOP"}}, "address": apptest.Variables{
		"name": "返品係", "postalCode": "150-0001", "prefecture": "TOKYO", "city": "渋谷区", "line1": "神宮前9-9-9", "phone": "03-0000-0000",
	}}
	save := func() (errors []userError) {
		var got struct {
			SaveReturnRule struct{ UserErrors []userError }
		}
		a.DoAs(t, packer, `mutation($input: SaveReturnRuleInput!) { saveReturnRule(input: $input) { rule { address { city } } userErrors { code field } } }`, in(rule)).Into(t, &got)
		return got.SaveReturnRule.UserErrors
	}
	require.Empty(t, save())
	bad := rule["address"].(apptest.Variables)
	bad["postalCode"] = "1"
	require.Equal(t, []string{"address", "postalCode"}, save()[0].Field)

	papers := d.papers(t, asked.Return.ID, mine...)
	require.NotNil(t, papers.SlipURL)
	for _, link := range []string{*papers.SlipURL, *papers.LabelURL} {
		status, header, raw := opened(t, a, link)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "application/pdf", header.Get("Content-Type"))
		require.True(t, bytes.HasPrefix(raw, []byte("%PDF-1.")))
	}
	status, _, _ := opened(t, a, strings.Replace(*papers.SlipURL, "/return-slips/", "/return-labels/", 1))
	require.Equal(t, http.StatusForbidden, status)

	// Staff of any shop find it by what the scanner reads; others do not.
	scan := func(actor access.Actor, number string) *papersSeen {
		var got struct{ ReturnByNumber *papersSeen }
		a.DoAs(t, actor, `query($n: String!) { returnByNumber(number: $n) { `+papersFields+` } }`, apptest.Variables{"n": number}).Into(t, &got)
		return got.ReturnByNumber
	}
	shop := access.Actor{ID: id.New(), Role: access.RoleStoreStaff, Permissions: []access.Permission{access.OrderRead}}
	require.Equal(t, asked.Return.ID, scan(shop, papers.Number).ID)
	require.Nil(t, scan(shop, papers.Number).SlipURL, "a slip says whose goods they are")
	require.Nil(t, scan(shop, papers.Number).LabelURL)
	require.NotNil(t, scan(packer, papers.Number).SlipURL)
	require.Equal(t, asked.Return.ID, scan(shop, " "+strings.ToLower(papers.Number)+"\r").ID)
	for _, none := range []string{"", "R1", papers.Number[:len(papers.Number)-1] + "2", strings.TrimSuffix(papers.Number, "-R1"), "AAAAA-AAAAA-R1", papers.Number + "9999"} {
		require.Nil(t, scan(shop, none), none)
	}

	require.Empty(t, d.staff.back(t, "closeReturn", apptest.Variables{"returnId": asked.Return.ID}).UserErrors)
	require.Nil(t, d.papers(t, asked.Return.ID, mine...).SlipURL)
	status, _, _ = opened(t, a, *papers.SlipURL)
	require.Equal(t, http.StatusConflict, status, "a link that was copied leads to no slip of a return that has ended")
}

func TestPapersOfShipmentsThatWait(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	printed := func(actor access.Actor, input apptest.Variables) (link, code string, shipments int) {
		var got struct {
			PrintShipments struct {
				Paper *struct {
					DownloadURL string
					Shipments   int
				}
				UserErrors []userError
			}
		}
		d.DoAs(t, actor, `mutation($input: PrintShipmentsInput!) { printShipments(input: $input) { paper { id kind shipments downloadUrl createdAt } userErrors { code field message } } }`, in(input)).Into(t, &got)
		if got.PrintShipments.Paper == nil {
			return "", got.PrintShipments.UserErrors[0].Code, 0
		}
		return got.PrintShipments.Paper.DownloadURL, "", got.PrintShipments.Paper.Shipments
	}
	_, code, _ := printed(dispatcher, apptest.Variables{"kind": "PICK_LIST"})
	require.Equal(t, "NOTHING_TO_PRINT", code)
	_, _, one := d.instructed(t)
	held, _, two := d.instructed(t)
	for _, kind := range []string{"PACKING_LISTS", "PICK_LIST", "ADDRESS_LABELS"} {
		link, code, n := printed(dispatcher, apptest.Variables{"kind": kind, "skip": 2})
		require.Empty(t, code)
		require.Equal(t, 2, n)
		status, header, raw := opened(t, d.App, link)
		require.Equal(t, http.StatusOK, status, kind)
		require.Equal(t, "application/pdf", header.Get("Content-Type"))
		require.True(t, bytes.HasPrefix(raw, []byte("%PDF-1.")), kind)
		status, _, _ = opened(t, d.App, link+"x")
		require.Equal(t, http.StatusForbidden, status)
	}
	for name, bad := range map[string]apptest.Variables{
		"LABEL_FORMAT_UNKNOWN": {"kind": "ADDRESS_LABELS", "format": "b5-1"},
		"LABEL_SKIP_INVALID":   {"kind": "ADDRESS_LABELS", "skip": 12},
		"SHIPMENT_UNKNOWN":     {"kind": "PICK_LIST", "shipmentIds": []string{one, id.Global("Shipment", id.New())}},
	} {
		_, code, _ := printed(dispatcher, bad)
		require.Equal(t, name, code)
	}
	exec(t, d.App, `UPDATE orders SET held = 'FRAUD' WHERE id = $1`, keyOf(t, held))
	_, code, _ = printed(dispatcher, apptest.Variables{"kind": "PACKING_LISTS", "shipmentIds": []string{two}})
	require.Equal(t, "SHIPMENT_UNKNOWN", code)
	elsewhere := access.Actor{ID: id.New(), Role: access.RoleStoreStaff, Permissions: []access.Permission{access.OrderRead, access.OrderWrite}, Stores: []uuid.UUID{id.New()}}
	_, code, _ = printed(elsewhere, apptest.Variables{"kind": "PACKING_LISTS", "shipmentIds": []string{one}})
	require.Equal(t, "SHIPMENT_UNKNOWN", code, "a shop prints what leaves it")
}
