package messaging

import (
	"time"

	"github.com/noren-commerce/noren/core/money"
)

// EmailVerification asks a new member to prove the address.
type EmailVerification struct {
	Name      string    `json:"name"`
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// PasswordReset lets an account choose a new password.
type PasswordReset struct {
	Name      string    `json:"name"`
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// EmailChange lets an account log in with the address that it goes to. Whose that is, is not
// known before the link is opened: it names nobody.
type EmailChange struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// EmailChangeTaken tells the owner of an account that somebody wanted to have its address.
type EmailChangeTaken struct{}

// EmailChangeAsked tells an account's address that another one is to take its place.
type EmailChangeAsked struct {
	Name      string    `json:"name"`
	To        string    `json:"to"` // masked
	ByShop    bool      `json:"byShop,omitempty"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// EmailChanged tells an address that its account logs in with another one.
type EmailChanged struct {
	Name string    `json:"name"`
	To   string    `json:"to"` // masked
	At   time.Time `json:"at"`
}

// OrderConfirmation repeats a placed order to its customer. Amounts are minor units.
type OrderConfirmation struct {
	Name          string         `json:"name"`
	OrderNumber   string         `json:"orderNumber"`
	PlacedAt      time.Time      `json:"placedAt"`
	Currency      money.Currency `json:"currency"`
	Lines         []OrderLine    `json:"lines"`
	Subtotal      int64          `json:"subtotal"`
	Shipping      int64          `json:"shipping"`
	Charge        int64          `json:"charge,omitempty"` // of the way to pay
	Tax           int64          `json:"tax"`              // contained in the total
	Total         int64          `json:"total"`
	Vouchers      int64          `json:"vouchers,omitempty"`  // paid by vouchers
	GiftCards     int64          `json:"giftCards,omitempty"` // paid by gift cards
	Points        int64          `json:"points,omitempty"`    // paid by points
	Rest          int64          `json:"rest,omitempty"`      // to be paid by the method
	Address       []string       `json:"address"`             // lines as printed on a parcel
	Billing       []string       `json:"billing,omitempty"`   // whom the bill is made out to; none: the same
	PaymentMethod string         `json:"paymentMethod"`
	PromisedOn    *time.Time     `json:"promisedOn,omitempty"` // the day on which it is there; nil if none is told
	DeliverOn     *time.Time     `json:"deliverOn,omitempty"`  // the day that was wished for
	Band          string         `json:"band,omitempty"`       // the part of the day that was wished for
	URL           string         `json:"url,omitempty"`
}

// OrderLine is one line of a confirmation.
type OrderLine struct {
	Name     string `json:"name"`
	Option   string `json:"option,omitempty"`
	Quantity int    `json:"quantity"`
	Total    int64  `json:"total"`
	// Parts are what the pieces hold together, if they are sets.
	Parts []OrderPart `json:"parts,omitempty"`
}

// OrderPart is what the sets of a line hold.
type OrderPart struct {
	Name     string `json:"name"`
	Option   string `json:"option,omitempty"`
	Quantity int    `json:"quantity"`
}

// PaymentReceived thanks for the money of an order.
type PaymentReceived struct {
	Name        string         `json:"name"`
	OrderNumber string         `json:"orderNumber"`
	Amount      int64          `json:"amount"`
	Currency    money.Currency `json:"currency"`
	Short       int64          `json:"short,omitempty"`      // still to be paid
	Over        int64          `json:"over,omitempty"`       // paid too much
	PromisedOn  *time.Time     `json:"promisedOn,omitempty"` // the day on which it is there; nil if none is told
	DeliverOn   *time.Time     `json:"deliverOn,omitempty"`  // the day that was wished for
	Band        string         `json:"band,omitempty"`       // the part of the day that was wished for
}

// OrderShipped says that a parcel is on its way.
type OrderShipped struct {
	Name           string `json:"name"`
	OrderNumber    string `json:"orderNumber"`
	Carrier        string `json:"carrier,omitempty"`
	TrackingNumber string `json:"trackingNumber,omitempty"`
	TrackingURL    string `json:"trackingUrl,omitempty"`

	Lines   []OrderPart `json:"lines,omitempty"`
	Partial bool        `json:"partial,omitempty"` // the rest follows
}

// OrderCancelled says that an order will not be delivered.
type OrderCancelled struct {
	Name        string         `json:"name"`
	OrderNumber string         `json:"orderNumber"`
	Reason      string         `json:"reason,omitempty"`
	Refund      int64          `json:"refund,omitempty"` // minor units that go back to the customer
	Currency    money.Currency `json:"currency"`
}

// OrderChanged says what an order holds and costs after the shop edited it.
type OrderChanged struct {
	Name        string         `json:"name"`
	OrderNumber string         `json:"orderNumber"`
	Reason      string         `json:"reason,omitempty"`
	Currency    money.Currency `json:"currency"`
	Lines       []OrderLine    `json:"lines"`
	Shipping    int64          `json:"shipping"`
	Tax         int64          `json:"tax"`
	Total       int64          `json:"total"`
	Difference  int64          `json:"difference"`
	Refund      int64          `json:"refund,omitempty"`  // what goes back to the customer
	Missing     bool           `json:"missing,omitempty"` // some is still to be paid
	Address     []string       `json:"address,omitempty"` // where it goes from now on; empty if that is as it was
}

// OrderRescheduled tells another day of delivery.
type OrderRescheduled struct {
	Name        string     `json:"name"`
	OrderNumber string     `json:"orderNumber"`
	Reason      string     `json:"reason"`
	Before      *time.Time `json:"before,omitempty"` // the day that was told before; nil if none was
	On          *time.Time `json:"on"`               // nil: it is not known yet
	Band        string     `json:"band,omitempty"`   // the part of the day
}

// BankTransfer tells where to pay an order in advance (先入金).
type BankTransfer struct {
	Name          string         `json:"name"`
	OrderNumber   string         `json:"orderNumber"`
	Amount        int64          `json:"amount"`
	Currency      money.Currency `json:"currency"`
	BankName      string         `json:"bankName"`
	BranchName    string         `json:"branchName"`
	AccountType   string         `json:"accountType"`
	AccountNumber string         `json:"accountNumber"`
	AccountHolder string         `json:"accountHolder"`
	Reference     string         `json:"reference"`
	DueAt         time.Time      `json:"dueAt"`
}

// StoreSlip tells how to pay an order in advance at a convenience store (コンビニ払い).
type StoreSlip struct {
	Name         string         `json:"name"`
	OrderNumber  string         `json:"orderNumber"`
	Amount       int64          `json:"amount"`
	Currency     money.Currency `json:"currency"`
	Chain        string         `json:"chain"`
	SlipNumber   string         `json:"slipNumber"`
	Confirmation string         `json:"confirmation,omitempty"`
	DueAt        time.Time      `json:"dueAt"`
}

// CardDeclined tells that a saved card was not charged for an order, and until when it can
// be paid another way. The amount is minor units.
type CardDeclined struct {
	Name        string         `json:"name"`
	OrderNumber string         `json:"orderNumber"`
	Amount      int64          `json:"amount"`
	Currency    money.Currency `json:"currency"`
	Until       time.Time      `json:"until"`
	URL         string         `json:"url"`
}

// PaymentLapsed tells that the money which was held for an order is not any more, and that
// it is to be paid again. The amount is minor units.
type PaymentLapsed struct {
	Name        string         `json:"name"`
	OrderNumber string         `json:"orderNumber"`
	Amount      int64          `json:"amount"`
	Currency    money.Currency `json:"currency"`
	Until       *time.Time     `json:"until,omitempty"` // when the order is given up; nil: it is not
	URL         string         `json:"url"`
}

// WishNews tells a member what of their wishes became cheaper or is there again.
// Amounts are minor units.
type WishNews struct {
	Name     string         `json:"name,omitempty"`
	Currency money.Currency `json:"currency"`
	Items    []WishItem     `json:"items"`
	URL      string         `json:"url"`      // where wishes are changed
	CloseURL string         `json:"closeUrl"` // ends all such mails, without a login
}

// WishItem is one piece of news. Before and Now are 0 unless it became cheaper.
type WishItem struct {
	Product string `json:"product"`
	Option  string `json:"option,omitempty"`
	Before  int64  `json:"before,omitempty"`
	Now     int64  `json:"now,omitempty"`
	Back    bool   `json:"back,omitempty"` // in stock again
	URL     string `json:"url"`
}

// BackInStock tells somebody who waits that a product is in stock again.
type BackInStock struct {
	Name     string `json:"name,omitempty"`
	Product  string `json:"product"`
	Option   string `json:"option,omitempty"`
	URL      string `json:"url"`
	CloseURL string `json:"closeUrl"` // ends all such mails
}

// CampaignNotice tells staff what a campaign has come to. Amounts are minor units.
type CampaignNotice struct {
	Name     string         `json:"name,omitempty"`
	Campaign string         `json:"campaign"`
	Code     string         `json:"code"`
	Occasion string         `json:"occasion"` // STARTED, ENDED, BUDGET_80 or BUDGET_100
	Given    int64          `json:"given"`
	Budget   int64          `json:"budget,omitempty"`
	Currency money.Currency `json:"currency"`
	Until    *time.Time     `json:"until,omitempty"`
}

// RefundedAsPoints tells a member that money of an order was given back as points.
type RefundedAsPoints struct {
	Name        string         `json:"name"`
	OrderNumber string         `json:"orderNumber"`
	Programme   string         `json:"programme"`
	Points      int64          `json:"points"`
	Worth       int64          `json:"worth"` // minor units
	Currency    money.Currency `json:"currency"`
}

// PointsExpiring tells a member that points expire soon.
type PointsExpiring struct {
	Name      string    `json:"name"`
	Programme string    `json:"programme"`
	Points    int64     `json:"points"`
	LastDay   time.Time `json:"lastDay"`
}

// DrawWon tells a member that they won in a draw, and asks whether they take it (当選).
type DrawWon struct {
	Name     string    `json:"name,omitempty"`
	Draw     string    `json:"draw"`
	Rank     int       `json:"rank"` // 1 is the best
	Prize    string    `json:"prize"`
	Entry    string    `json:"entry"` // on the published list
	AnswerBy time.Time `json:"answerBy"`
}

// DrawCancelled tells a member who entered a draw that nobody will win in it (抽選中止).
type DrawCancelled struct {
	Name   string `json:"name,omitempty"`
	Draw   string `json:"draw"`
	Reason string `json:"reason"`           // as staff wrote it
	Points int64  `json:"points,omitempty"` // that came back; 0: nothing was paid
}

// PrizeNotice tells a member that a prize left, or was handed over.
type PrizeNotice struct {
	Name           string `json:"name,omitempty"`
	Event          string `json:"event"` // SHIPPED or DELIVERED
	Prize          string `json:"prize"`
	Quantity       int    `json:"quantity"`
	Carrier        string `json:"carrier,omitempty"`
	TrackingNumber string `json:"trackingNumber,omitempty"`
}

// CampaignOpened tells a member who agreed to the mail magazine of a campaign.
type CampaignOpened struct {
	Name     string     `json:"name,omitempty"`
	Campaign string     `json:"campaign"`
	Until    *time.Time `json:"until,omitempty"`
	URL      string     `json:"url"`
}

// CouponGranted tells a member of a coupon that an order has earned.
type CouponGranted struct {
	Name     string    `json:"name,omitempty"`
	Campaign string    `json:"campaign"`
	Until    time.Time `json:"until"`
	URL      string    `json:"url"`
}

// QuotationRequested tells staff that a buyer asks for a quotation (見積依頼).
type QuotationRequested struct {
	Name    string      `json:"name,omitempty"`
	Number  string      `json:"number"`
	Buyer   string      `json:"buyer"`
	Lines   []OrderLine `json:"lines"`
	Message string      `json:"message,omitempty"`
}

// QuotationAnswered tells a buyer what is offered (見積回答). Amounts are minor units.
type QuotationAnswered struct {
	Name       string         `json:"name"`
	Number     string         `json:"number"`
	Revision   int            `json:"revision"`
	ValidUntil time.Time      `json:"validUntil"`
	Currency   money.Currency `json:"currency"`
	Lines      []OrderLine    `json:"lines"`
	Subtotal   int64          `json:"subtotal"`
	Shipping   int64          `json:"shipping"`
	Tax        int64          `json:"tax"`
	Total      int64          `json:"total"`
	Message    string         `json:"message,omitempty"`
}

// AccountOverdue asks a company for what it should have paid by now (督促).
type AccountOverdue struct {
	Name     string         `json:"name"`
	Company  string         `json:"company"`
	Amount   int64          `json:"amount"`
	Currency money.Currency `json:"currency"`
	DueOn    time.Time      `json:"dueOn"`
	Level    int            `json:"level"` // 1 to 3, the firmest
}

// QuotationSaid tells one side of a quotation what the other said, or how it ended.
type QuotationSaid struct {
	Name    string `json:"name,omitempty"`
	Number  string `json:"number"`
	Event   string `json:"event"`           // REPLIED, DECLINED, WITHDRAWN or EXPIRED
	Buyer   string `json:"buyer,omitempty"` // who says it; empty: the shop
	Message string `json:"message,omitempty"`
}

// StockLow tells staff of goods of which more should be ordered (発注点割れ).
type StockLow struct {
	Name  string      `json:"name,omitempty"`
	Lines []StockLine `json:"lines"`
}

// StockLine is goods at a location.
type StockLine struct {
	SKU      string `json:"sku"`
	Name     string `json:"name"`
	Location string `json:"location"`
	Left     int    `json:"left"`
	Incoming int    `json:"incoming"`
	Order    int    `json:"order"` // how many more should be ordered
}

// LotsExpiring tells staff of lots that will soon stop leaving (期限間近).
type LotsExpiring struct {
	Name  string    `json:"name,omitempty"`
	Lines []LotLine `json:"lines"`
}

// LotLine is pieces of a lot at a location.
type LotLine struct {
	SKU       string `json:"sku"`
	Name      string `json:"name"`
	Location  string `json:"location"`
	Lot       string `json:"lot"`
	ExpiresOn string `json:"expiresOn"` // a day
	Pieces    int    `json:"pieces"`
}

// ApprovalAsked asks an approver of a company to judge an order that waits.
type ApprovalAsked struct {
	Name        string         `json:"name"`
	OrderNumber string         `json:"orderNumber"`
	Buyer       string         `json:"buyer"` // who wants it delivered
	Total       int64          `json:"total"` // minor units
	Currency    money.Currency `json:"currency"`
	Lines       []OrderLine    `json:"lines"`
	By          *time.Time     `json:"by,omitempty"`    // until when; then it is given up
	Again       bool           `json:"again,omitempty"` // it was asked before
}

// OrdersLate tells staff of orders that should have left (出荷遅れ).
type OrdersLate struct {
	Name  string     `json:"name,omitempty"`
	Count int        `json:"count"`
	Lines []LateLine `json:"lines"` // the longest late first
	More  int        `json:"more"`  // that no line names
}

// LateLine is an order that should have left.
type LateLine struct {
	Number     string `json:"number"`
	ShipBy     string `json:"shipBy"`               // a day
	Instructed bool   `json:"instructed,omitempty"` // the warehouse was told to send it
	Partly     bool   `json:"partly,omitempty"`     // some of it has left
	Held       bool   `json:"held,omitempty"`
}

// ReturnNotice tells a customer what became of a return (返品). Amounts are minor units.
type ReturnNotice struct {
	Name         string         `json:"name"`
	OrderNumber  string         `json:"orderNumber"`
	ReturnNumber string         `json:"returnNumber"`
	Event        string         `json:"event"` // REQUESTED, APPROVED, REJECTED or RECEIVED
	Exchange     bool           `json:"exchange,omitempty"`
	Lines        []OrderPart    `json:"lines"`
	Note         string         `json:"note,omitempty"`         // what staff say
	Instructions string         `json:"instructions,omitempty"` // how to send it
	PaidByShop   bool           `json:"paidByShop,omitempty"`   // the parcel
	Refund       int64          `json:"refund,omitempty"`
	AsPoints     int64          `json:"asPoints,omitempty"` // of the refund
	Fee          int64          `json:"fee,omitempty"`      // kept by the shop
	Currency     money.Currency `json:"currency"`
}

// ParcelNotice tells a customer where a parcel is (配送状況).
type ParcelNotice struct {
	Name           string `json:"name"`
	OrderNumber    string `json:"orderNumber"`
	Event          string `json:"event"` // OUT_FOR_DELIVERY, ABSENT, DELIVERED or LATE
	Carrier        string `json:"carrier,omitempty"`
	TrackingNumber string `json:"trackingNumber,omitempty"`
	TrackingURL    string `json:"trackingUrl,omitempty"`
}

// PickUpReady tells a customer that an order lies ready at a shop (店舗受取).
type PickUpReady struct {
	Name        string         `json:"name"`
	OrderNumber string         `json:"orderNumber"`
	Shop        string         `json:"shop"`
	Address     string         `json:"address"`
	Phone       string         `json:"phone,omitempty"`
	Code        string         `json:"code"`
	Until       time.Time      `json:"until"`
	Again       bool           `json:"again,omitempty"`   // it was told before, and the time is nearly over
	Payable     bool           `json:"payable,omitempty"` // when it is picked up
	Currency    money.Currency `json:"currency"`
	Lines       []OrderPart    `json:"lines"`
}
