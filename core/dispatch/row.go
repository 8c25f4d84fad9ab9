package dispatch

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/shipping"
)

// Delivery is a shipment, or a prize, as its carrier has to know it.
type Delivery struct {
	ID           uuid.UUID // the shipment's, or the exchange's
	Source       Source
	OrderID      uuid.UUID // nobody's for a prize
	Number       string    // the order's, or the prize's own
	Nth          int       // of the order's shipments
	Held         bool      // the order may not leave now
	To           customer.Address
	Mode         pricing.ShippingMode
	Billing      *customer.Address // who ordered it, if somebody else than who receives it
	Buyer        string            // the company that ordered it, or the member; empty for a guest
	BuyerID      uuid.UUID         // the member; nobody's for a guest, and for a prize
	Temperature  shipping.Temperature
	Goods        []Goods
	CollectMinor int64      `db:"collect"` // at the door, minor units; zero if nothing is
	CollectTax   int64      // what of it is tax, in proportion if only a part of the order is collected
	DeliverOn    *time.Time // the day that was promised; nil if none was
	TimeBand     string     // the hours that were promised, "14-16"; empty if none were
}

// Sealed are the values that are sealed with the order, and with the buyer's account.
func (d *Delivery) Sealed() (uuid.UUID, []sealing.Column) {
	return d.OrderID, []sealing.Column{
		{Field: "shipping_address", Value: customer.AddressValue(&d.To)}, {Field: "billing_address", Value: customer.AddressAt(&d.Billing)},
		{Field: "name", Value: sealing.Text(&d.Buyer), Owner: d.BuyerID},
	}
}

// Goods are pieces of one thing in a parcel.
type Goods struct {
	Name     string `json:"name"`
	Quantity int    `json:"quantity"`
}

// Reference is by what the carrier's software and the results call the shipment.
func (d Delivery) Reference() string {
	if d.Source == OfPrizes {
		return d.Number
	}
	return d.Number + "-" + strconv.Itoa(d.Nth)
}

// Sender is who parcels come from in files of one profile (ご依頼主), and the contract
// with the carrier.
type Sender struct {
	BrandID      uuid.UUID
	Profile      string
	Address      customer.Address
	CustomerCode string // the shop's at the carrier (ご請求先顧客コード, お客様コード)
	FareCode     string // which contract (運賃管理番号); empty if there is one only
	UpdatedAt    time.Time
}

// Remark is what a file could not say as it stands.
type Remark struct {
	ShipmentID uuid.UUID `json:"shipmentId"`
	Source     Source    `json:"source,omitempty"`
	Reference  string    `json:"reference"`
	Column     string    `json:"column"`
	Value      string    `json:"value"`
	Taken      bool      `json:"taken"` // the shipment is in the file all the same
	Reason     i18n.Text `json:"reason"`
}

// OfShipment is the shipment's id in the schema, or the prize exchange's.
func (r Remark) OfShipment() string {
	if r.Source == OfPrizes {
		return id.Global("PrizeExchange", r.ShipmentID)
	}
	return id.Global("Shipment", r.ShipmentID)
}

// from is who the parcel says it comes from. A direct shipment (直送) comes from the
// buyer, to whose customer it goes; ok is false if nobody knows who that is.
func (d Delivery) from(s Sender) (a customer.Address, ok bool) {
	switch {
	case d.Mode != pricing.ShipDirect:
		return s.Address, true
	case d.Billing != nil:
		return *d.Billing, true
	}
	a = s.Address
	a.Company, a.Name = "", d.Buyer
	return a, d.Buyer != ""
}

// texts are the parts of each text that columns are filled with.
func (d Delivery) texts(s Sender, from customer.Address) map[string][]string {
	all := map[string][]string{
		"reference": {d.Reference()}, "slip": {"PREPAID"}, "temperature": {string(d.Temperature)}, "time_band": {d.TimeBand},
		"customer_code": {s.CustomerCode}, "fare_code": {s.FareCode},
	}
	if d.CollectMinor > 0 {
		all["slip"], all["collect"], all["collect_tax"] = []string{"COLLECT"}, []string{strconv.FormatInt(d.CollectMinor, 10)}, []string{strconv.FormatInt(d.CollectTax, 10)}
	}
	for who, a := range map[string]customer.Address{"to.": d.To, "from.": from} {
		all[who+"phone"], all[who+"company"], all[who+"name"], all[who+"party"] = []string{a.Phone}, []string{a.Company}, []string{a.Name}, []string{a.Company, a.Name}
		all[who+"address"] = []string{a.Prefecture.Name() + a.City + a.Line1, a.Line2}
		if len(a.PostalCode) == 7 {
			all[who+"postal"] = []string{a.PostalCode[:3] + "-" + a.PostalCode[3:]}
		}
	}
	for _, g := range d.Goods {
		all["goods"] = append(all["goods"], fmt.Sprintf("%s×%d", g.Name, g.Quantity))
	}
	return all
}

// row is the shipment in the profile's columns. One with a remark that is not taken
// cannot be in the file.
func (p Profile) row(d Delivery, s Sender, shipOn time.Time) ([]string, []Remark) {
	from, ok := d.from(s)
	if !ok {
		return nil, []Remark{d.remark("", "", false, "直送の差出人（ご注文者）がわかりません。請求先を登録してください", "Nobody knows who sends this direct shipment; the order needs a billing address")}
	}
	w := writing{profile: p, delivery: d, texts: d.texts(s, from), days: map[string]*time.Time{"ship_on": &shipOn, "deliver_on": d.DeliverOn}, cells: make([]string, len(p.Columns))}
	done := map[string]bool{}
	for i, c := range p.Columns {
		if c.Fills == "" || done[c.Fills] {
			continue
		}
		if literal, fixed := strings.CutPrefix(c.Fills, "="); fixed {
			w.cells[i] = literal
			continue
		}
		done[c.Fills] = true
		w.fill(i)
	}
	return w.cells, w.remarks
}

func (d Delivery) remark(column, value string, taken bool, ja, en string) Remark {
	return Remark{d.ID, d.Source, d.Reference(), column, value, taken, i18n.Text{"ja": ja, "en": en}}
}

// writing is a row that is being written.
type writing struct {
	profile  Profile
	delivery Delivery
	texts    map[string][]string
	days     map[string]*time.Time
	cells    []string
	remarks  []Remark
}

func (w *writing) say(column, value string, taken bool, ja, en string) {
	w.remarks = append(w.remarks, w.delivery.remark(column, value, taken, ja, en))
}

// fill writes the column and all others that share its text.
func (w *writing) fill(first int) {
	c := w.profile.Columns[first]
	if day, is := w.days[c.Fills]; is {
		if day != nil {
			w.cells[first] = day.Format(c.Layout)
		}
		return
	}
	parts := w.texts[c.Fills]
	if c.Codes != nil {
		w.code(first, parts)
		return
	}
	var at, widths []int
	for i, other := range w.profile.Columns {
		if other.Fills == c.Fills {
			at, widths = append(at, i), append(widths, other.Width)
		}
	}
	for i, part := range parts {
		var lost []rune
		if parts[i], lost = plain(part); len(lost) > 0 {
			w.say(c.Heading, string(lost), true, "シフトJISにない文字を「〓」に置き換えました", "Characters that CP932 does not have became 〓")
		}
	}
	columns, fits := shortened(parts, widths), true
	if c.Fills != "goods" {
		columns, fits = flow(parts, widths)
	}
	if !fits {
		w.say(c.Heading, strings.Join(parts, " "), false, "文字数が送り状の欄に収まりません。短く直してください", "This is longer than the label's columns; please shorten it")
		return
	}
	for i, text := range columns {
		w.cells[at[i]] = text
	}
}

// code writes a value as the carrier calls it. One that it does not know is left out,
// and said.
func (w *writing) code(i int, parts []string) {
	c, value := w.profile.Columns[i], strings.Join(parts, "")
	theirs, known := c.Codes[value]
	if !known && value != "" {
		w.say(c.Heading, value, true, "運送会社にない指定のため、空欄にしました", "The carrier does not offer this; the column was left empty")
	}
	w.cells[i] = theirs
}
