package resolvers_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	carriers "github.com/noren-commerce/noren/adapters/carrier"
	"github.com/noren-commerce/noren/adapters/signed"
	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
)

const carrierSecret = "a secret that the carrier shares with noren"

// said is what a carrier says of a parcel, so long ago.
func said(status string, ago time.Duration) map[string]any {
	return map[string]any{"status": status, "at": time.Now().Add(-ago).UTC().Truncate(time.Second).Format(time.RFC3339), "place": "渋谷営業所"}
}

// kamome is a carrier: what it knows of parcels, and how often it was asked.
type kamome struct {
	*httptest.Server
	mu    sync.Mutex
	knows map[string][]map[string]any
	asked [][]string
	down  bool
}

func startKamome(t *testing.T) *kamome {
	t.Helper()
	k := &kamome{knows: map[string][]map[string]any{}}
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.mu.Lock()
		defer k.mu.Unlock()
		var question struct{ Numbers []string }
		if r.Header.Get("Authorization") != "Bearer key-1" || json.NewDecoder(r.Body).Decode(&question) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		k.asked = append(k.asked, question.Numbers)
		if k.down {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		var parcels []map[string]any
		for _, n := range question.Numbers {
			if events := k.knows[n]; events != nil {
				parcels = append(parcels, map[string]any{"number": n, "events": events})
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"parcels": parcels})
	}))
	t.Cleanup(k.Close)
	return k
}

func (k *kamome) say(number string, events ...map[string]any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.knows[number] = append(k.knows[number], events...)
}

func (k *kamome) settings(c *app.Config) {
	c.Carriers.Settings = []carriers.Settings{{Code: "kamome", PollURL: k.URL, Key: "key-1", PerSecond: 1000, WebhookSecret: carrierSecret, Statuses: map[string]string{"持出中": "OUT_FOR_DELIVERY"}}}
}

// sent is an order of a leash that left with the carrier under the number.
func (d *dock) sent(t testing.TB, tracking string) (order, shipment string) {
	t.Helper()
	order, _, shipment = d.instructed(t)
	require.Empty(t, d.staff.move(t, "shipShipment", apptest.Variables{"shipmentId": shipment, "trackingNumber": tracking}).UserErrors)
	return order, shipment
}

func (d *dock) poll(t testing.TB) error {
	t.Helper()
	return d.App.App.Tracking.Poll(access.With(t.Context(), access.System))
}

// letters is how many mails to the customer have the text.
func (d *dock) letters(t testing.TB, text string) (n int) {
	t.Helper()
	for _, l := range d.App.App.Mailbox.To("hanako@example.jp") {
		if strings.Contains(l.Text, text) {
			n++
		}
	}
	return n
}

func TestACarrierIsAskedWhereParcelsAre(t *testing.T) {
	t.Parallel()
	k := startKamome(t)
	d := newDock(t, k.settings)
	d.Work(t)
	order, _ := d.sent(t, "4912-3456-7890")
	quiet, _ := d.sent(t, "4912-3456-7901")
	k.say("4912-3456-7890", said("ACCEPTED", 20*time.Hour), said("IN_TRANSIT", 10*time.Hour), said("持出中", time.Hour), said("X線検査", time.Hour))
	require.NoError(t, d.poll(t))
	status, parcels := d.parcels(t, order)
	require.Equal(t, "SHIPPED", status)
	require.Equal(t, "OUT_FOR_DELIVERY", *parcels[0].Status)
	require.Len(t, parcels[0].Events, 3, "a word that noren does not know is passed over")
	require.Equal(t, "渋谷営業所", parcels[0].Events[0].Place)
	mailed(t, d.App, "本日お届けの予定です")
	_, parcels = d.parcels(t, quiet)
	require.Nil(t, parcels[0].Status)

	// Not asked for again so soon; and what was said is said once.
	require.NoError(t, d.poll(t))
	require.Len(t, k.asked, 1)
	long := func() { exec(t, d.App, `UPDATE parcels SET asked_at = now() - interval '1 hour'`) }
	long()
	k.down = true
	require.Error(t, d.poll(t), "a carrier that does not answer is said")
	k.down = false
	require.NoError(t, d.poll(t), "and asked again with the next round")
	_, parcels = d.parcels(t, order)
	require.Len(t, parcels[0].Events, 3)

	k.say("4912-3456-7890", said("ABSENT", 30*time.Minute), said("DELIVERED", time.Minute))
	long()
	require.NoError(t, d.poll(t))
	status, _ = d.parcels(t, order)
	require.Equal(t, "DELIVERED", status)
	mailed(t, d.App, "ご不在でした")
	mailed(t, d.App, "お届けが完了しました")
	require.Equal(t, 1, d.letters(t, "本日お届けの予定です"))
	long()
	require.NoError(t, d.poll(t))
	require.Equal(t, []string{"4912-3456-7901"}, k.asked[len(k.asked)-1], "what has arrived is not asked for")
}

// report sends a webhook as the carrier does.
func (d *dock) report(t testing.TB, carrier, signature string, body []byte) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/webhooks/carriers/"+carrier, bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Carrier-Signature", signature)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	return response.StatusCode
}

func (d *dock) reported(t testing.TB, number string, events ...map[string]any) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"parcels": []any{map[string]any{"number": number, "events": events}}})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, d.report(t, "kamome", signed.Header(body, carrierSecret, time.Now()), body))
}

// One report of a body fails: the others are taken in, and the carrier sends it again until
// that one is, too.
func TestAReportThatFailsDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	d := newDock(t, startKamome(t).settings)
	first, _ := d.sent(t, "4912-0000-0001")
	broken, _ := d.sent(t, "4912-0000-0002")
	last, _ := d.sent(t, "4912-0000-0003")
	exec(t, d.App, `CREATE FUNCTION break_down() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'out of order'; END $$`)
	exec(t, d.App, `CREATE TRIGGER break_down BEFORE INSERT ON tracking_events FOR EACH ROW WHEN (NEW.place = '故障') EXECUTE FUNCTION break_down()`)
	delivered := said("DELIVERED", time.Minute)
	fails := said("DELIVERED", time.Minute)
	fails["place"] = "故障"
	body, err := json.Marshal(map[string]any{"parcels": []any{
		map[string]any{"number": "491200000001", "events": []any{delivered}}, map[string]any{"number": "491200000002", "events": []any{fails}},
		map[string]any{"number": "491200000003", "events": []any{delivered}},
	}})
	require.NoError(t, err)
	send := func() int { return d.report(t, "kamome", signed.Header(body, carrierSecret, time.Now()), body) }
	require.Equal(t, http.StatusInternalServerError, send(), "send it again")
	statuses := func() []string {
		return []string{d.staff.look(t, first).Status, d.staff.look(t, broken).Status, d.staff.look(t, last).Status}
	}
	require.Equal(t, []string{"DELIVERED", "SHIPPED", "DELIVERED"}, statuses())
	require.Equal(t, 2, countOf(t, d.App, `SELECT count(*) FROM tracking_events`))

	exec(t, d.App, `DROP TRIGGER break_down ON tracking_events`)
	require.Equal(t, http.StatusOK, send())
	require.Equal(t, []string{"DELIVERED", "DELIVERED", "DELIVERED"}, statuses())
	require.Equal(t, 3, countOf(t, d.App, `SELECT count(*) FROM tracking_events`), "what was taken in counts once")
}

func TestACarrierReportsByWebhook(t *testing.T) {
	t.Parallel()
	d := newDock(t, startKamome(t).settings)
	d.Work(t)
	order, _ := d.sent(t, "4912-3456-7890")
	body, err := json.Marshal(map[string]any{"parcels": []any{map[string]any{"number": "491234567890", "events": []any{said("DELIVERED", time.Minute)}}}})
	require.NoError(t, err)
	now := time.Now()
	for name, answer := range map[string]struct {
		want               int
		carrier, signature string
		body               []byte
	}{
		"not signed":                     {http.StatusBadRequest, "kamome", "", body},
		"another secret":                 {http.StatusBadRequest, "kamome", signed.Header(body, "another secret", now), body},
		"another body":                   {http.StatusBadRequest, "kamome", signed.Header(body, carrierSecret, now), append([]byte(" "), body...)},
		"an old signature":               {http.StatusBadRequest, "kamome", signed.Header(body, carrierSecret, now.Add(-time.Hour)), body},
		"no report":                      {http.StatusBadRequest, "kamome", signed.Header([]byte("{}"), carrierSecret, now), []byte("{}")},
		"no JSON":                        {http.StatusBadRequest, "kamome", signed.Header([]byte("<x/>"), carrierSecret, now), []byte("<x/>")},
		"a carrier of whom nobody knows": {http.StatusNotFound, "hayate", signed.Header(body, carrierSecret, now), body},
		"too much":                       {http.StatusRequestEntityTooLarge, "kamome", "", bytes.Repeat([]byte("x"), 600<<10)},
	} {
		require.Equal(t, answer.want, d.report(t, answer.carrier, answer.signature, answer.body), name)
	}
	status, _ := d.parcels(t, order)
	require.Equal(t, "SHIPPED", status)

	// The last word comes first, and twice; the first comes last.
	signature := signed.Header(body, carrierSecret, now)
	require.Equal(t, http.StatusOK, d.report(t, "kamome", signature, body))
	require.Equal(t, http.StatusOK, d.report(t, "kamome", signature, body))
	d.reported(t, "4912-3456-7890", said("OUT_FOR_DELIVERY", 3*time.Hour), said("IN_TRANSIT", 9*time.Hour))
	status, parcels := d.parcels(t, order)
	require.Equal(t, "DELIVERED", status)
	require.Equal(t, "DELIVERED", *parcels[0].Status)
	require.Zero(t, countOf(t, d.App, `SELECT count(*) FROM shipments WHERE delivered_at < shipped_at`), "no parcel arrives before it leaves, whatever a carrier's clock says")
	var said []string
	for _, e := range parcels[0].Events {
		said = append(said, e.Status)
	}
	require.Equal(t, []string{"IN_TRANSIT", "OUT_FOR_DELIVERY", "DELIVERED"}, said)
	mailed(t, d.App, "お届けが完了しました")
	require.Zero(t, d.letters(t, "本日お届けの予定です"), "nobody is told that it arrives when it is there")
	require.Equal(t, 1, d.letters(t, "お届けが完了しました"))
}

func TestAnUnknownParcelIsWorkForStaff(t *testing.T) {
	t.Parallel()
	d := newDock(t, startKamome(t).settings)
	known, _ := d.sent(t, "4912-3456-7890")
	d.reported(t, "9999-0000-0001", said("IN_TRANSIT", time.Hour), said("DELIVERED", time.Minute))
	d.reported(t, "9999-0000-0001", said("IN_TRANSIT", time.Hour))
	open := d.issues(t, apptest.Variables{"states": []string{"OPEN"}})
	require.Len(t, open, 1)
	require.Equal(t, []string{"UNKNOWN_PARCEL", "9999-0000-0001", "kamome"}, []string{open[0].Kind, open[0].TrackingNumber, open[0].Carrier})
	require.Nil(t, open[0].Shipment)
	status, parcels := d.parcels(t, known)
	require.Equal(t, "SHIPPED", status)
	require.Empty(t, parcels[0].Events)
	require.NotEmpty(t, d.Do(t, `{ deliveryIssues { nodes { id } } }`, nil).Errors, "not for the public")
}

func TestAParcelThatComesBack(t *testing.T) {
	t.Parallel()
	d := newDock(t, startKamome(t).settings)
	refused, shipment := d.sent(t, "4912-3456-7890")
	d.reported(t, "4912-3456-7890", said("ABSENT", 3*time.Hour), said("RETURNED", time.Hour))
	status, _ := d.parcels(t, refused)
	require.Equal(t, "CANCELLED", status, "nobody paid at the door")
	require.Equal(t, int64(2700), d.books(t, refused)["RETURNS"])
	open := d.issues(t, apptest.Variables{"kinds": []string{"RETURNED"}})
	require.Len(t, open, 1, "somebody has to receive the goods")
	require.Equal(t, shipment, open[0].Shipment.ID)

	// One that was paid stands; people ask the customer.
	guest, _ := d.cart(t, 1, "BANK_TRANSFER")
	placed := d.place(t, guest, "2640", "BANK_TRANSFER")
	require.Empty(t, placed.UserErrors)
	d.staff.receive(t, placed.Order.ID, "2640")
	packed := d.staff.instruct(t, placed.Order.ID, nil).Shipments[0].ID
	require.Empty(t, d.staff.move(t, "shipShipment", apptest.Variables{"shipmentId": packed, "trackingNumber": "4912-3456-7901"}).UserErrors)
	d.reported(t, "4912-3456-7901", said("RETURNED", time.Hour))
	status, _ = d.parcels(t, placed.Order.ID)
	require.Equal(t, "SHIPPED", status)
	require.Len(t, d.issues(t, apptest.Variables{"kinds": []string{"RETURNED"}}), 2)
}

func TestAllParcelsOfAShipmentHaveToArrive(t *testing.T) {
	t.Parallel()
	d := newDock(t, startKamome(t).settings)
	d.Work(t)
	order, number, _ := d.instructed(t)
	_, errors := d.upload(t, "出荷番号,送り状番号\n"+number+"-1,1111-0000-0001\n"+number+"-1,1111-0000-0002\n")
	require.Empty(t, errors)
	d.worked(t)
	d.reported(t, "1111-0000-0001", said("DELIVERED", time.Hour))
	status, _ := d.parcels(t, order)
	require.Equal(t, "SHIPPED", status)
	d.reported(t, "1111-0000-0002", said("DELIVERED", time.Minute))
	status, parcels := d.parcels(t, order)
	require.Equal(t, "DELIVERED", status)
	require.Len(t, parcels, 2)
}

func TestAParcelLeavesNoEarlierThanItWasOrdered(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	d.Work(t)
	order, number, _ := d.instructed(t)
	day := func(ago int) string { return time.Now().In(jst).AddDate(0, 0, -ago).Format("2006/01/02") }
	file := func(day string) string {
		return "出荷番号,送り状番号,出荷日\n" + number + "-1,1111-0000-0001," + day + "\n"
	}
	_, errors := d.upload(t, file(day(1)))
	require.Empty(t, errors)
	require.Len(t, d.worked(t).Rejections, 1)
	status, _ := d.parcels(t, order)
	require.Equal(t, "PICKING", status)
	require.Len(t, d.issues(t, apptest.Variables{"kinds": []string{"NOT_SHIPPABLE"}}), 1)
	_, errors = d.upload(t, file(day(0)))
	require.Empty(t, errors)
	require.Empty(t, d.worked(t).Rejections, "on the day itself it may, whatever the hour")
	status, _ = d.parcels(t, order)
	require.Equal(t, "SHIPPED", status)
}

func TestLateShipmentsAreFoundAndToldOnce(t *testing.T) {
	t.Parallel()
	d := newDock(t, startKamome(t).settings)
	d.Work(t)
	still, shipment := d.sent(t, "4912-3456-7890")
	promised, overdue := d.sent(t, "4912-3456-7901")
	d.sent(t, "4912-3456-7912") // in time
	look := func() []string {
		require.NoError(t, d.App.App.Tracking.Late(access.With(t.Context(), access.System)))
		var late []string
		for _, i := range d.issues(t, apptest.Variables{"kinds": []string{"LATE"}, "states": []string{"OPEN"}}) {
			late = append(late, i.Shipment.ID)
		}
		return late
	}
	require.Empty(t, look())
	exec(t, d.App, `UPDATE shipments SET shipped_at = now() - interval '10 days' WHERE order_id = $1`, keyOf(t, still))
	d.reported(t, "4912-3456-7890", said("IN_TRANSIT", 24*time.Hour))
	require.Empty(t, look(), "it moved yesterday")
	exec(t, d.App, `UPDATE tracking_events SET at = now() - interval '5 days'`)
	exec(t, d.App, `UPDATE orders SET promised_on = (now() AT TIME ZONE 'Asia/Tokyo')::date - 1 WHERE id = $1`, keyOf(t, promised))
	late := look()
	require.Len(t, late, 2)
	require.True(t, slices.Contains(late, shipment) && slices.Contains(late, overdue))
	mailed(t, d.App, "お届けが遅れています")
	require.Eventually(t, func() bool { return d.letters(t, "お届けが遅れています") == 2 }, time.Minute, 20*time.Millisecond)
	require.Len(t, look(), 2)
	var queued int
	require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE kind = 'send_message' AND args->'message'->>'kind' = 'parcel_notice'`).Scan(&queued))
	require.Equal(t, 2, queued, "once")

	d.reported(t, "4912-3456-7901", said("DELIVERED", time.Minute))
	require.Equal(t, []string{shipment}, look(), "what has arrived is no longer late")
}

func TestOnThePromisedDayAParcelIsNotPastIt(t *testing.T) {
	t.Parallel()
	d := newDock(t, startKamome(t).settings)
	order, _ := d.sent(t, "4912-3456-7890")
	exec(t, d.App, `UPDATE shipments SET shipped_at = now() - interval '10 days' WHERE order_id = $1`, keyOf(t, order))
	exec(t, d.App, `UPDATE orders SET promised_on = (now() AT TIME ZONE 'Asia/Tokyo')::date WHERE id = $1`, keyOf(t, order))
	watch := *d.App.App.Tracking
	watch.Now = func() time.Time {
		today := time.Now().In(time.FixedZone("JST", 9*60*60))
		return time.Date(today.Year(), today.Month(), today.Day(), 20, 0, 0, 0, today.Location())
	}
	require.NoError(t, watch.Late(access.With(t.Context(), access.System)))
	late := d.issues(t, apptest.Variables{"kinds": []string{"LATE"}})
	require.Len(t, late, 1)
	require.Contains(t, late[0].Detail, "最後の動き", "it stands still, that is all")
}
