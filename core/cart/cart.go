// Package cart is what a customer is about to buy. Its lines are priced anew
// whenever it is looked at.
package cart

import (
	"crypto/rand"
	"crypto/sha256"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/shipping"
)

// MaxLines is how many different variants a cart may hold.
const MaxLines = 200

// Failures of a cart.
var (
	ErrUnknownVariant = fault.NotFound("VARIANT_UNAVAILABLE", "この商品は現在販売していません", "This product is not on sale")
	ErrSoldOut        = fault.Conflict("INSUFFICIENT_STOCK", "在庫が不足しています（残り%d点）", "Not enough stock (%d left)")
	errTooFew         = fault.Conflict("INSUFFICIENT_STOCK", "在庫が不足しています", "Not enough stock") // for who may not see how much
	ErrShare          = fault.Conflict("PURCHASE_LIMIT_REACHED", "購入できる数量の上限を超えています（あと%d点）", "This passes the limit of what can be bought (%d left)")
	ErrTooManyLines   = fault.Invalid(fault.CodeTooMany, "カートに入れられる商品は%d種類までです", "A cart holds at most %d different products")
	ErrPartGone       = fault.Conflict("SET_PART_UNAVAILABLE", "セットの構成商品「%s」は現在販売していません", "%s, a part of this set, is not on sale")
	ErrSetChanged     = fault.Conflict("SET_CHOICE_INVALID", "セットの内容が変わりました。もう一度お選びください", "This set has changed; please choose again")
	ErrUnknownLine    = fault.NotFound(fault.CodeNotFound, "カートにこの商品はありません", "The cart has no such line")
	ErrUnknownMethod  = fault.NotFound("SHIPPING_METHOD_UNAVAILABLE", "この配送方法は選択できません", "This shipping method cannot be chosen")
	ErrUnknownShop    = fault.NotFound("SHOP_UNAVAILABLE", "この店舗は選択できません", "This shop cannot be chosen")
	ErrPickUpShop     = fault.Conflict("PICK_UP_UNAVAILABLE", "この店舗では受け取れません。店舗をお選びください", "Orders cannot be picked up at this shop; please choose a shop")
	ErrOneShop        = fault.Invalid(fault.CodeInvalid, "店舗を指定する場合は「店舗なし」を選択できません", "Name a shop or forget it, not both")
	ErrEmail          = fault.Invalid("EMAIL_INVALID", "メールアドレスの形式が正しくありません", "This is not a valid e-mail address")
	ErrBilling        = fault.Invalid(fault.CodeInvalid, "請求先住所を指定する場合は「配送先と同じ」を選択できません", "The bill goes to an address of its own or with the parcel, not both")
	ErrAnyDelivery    = fault.Invalid(fault.CodeInvalid, "お届け日時を指定する場合は「指定なし」を選択できません", "Wish for a day or part of it, or for none, not both")
	ErrNoCart         = fault.NotFound(fault.CodeNotFound, "カートがありません", "There is no cart")
)

// Cart is a customer's cart as it is kept.
type Cart struct {
	ID               uuid.UUID
	BrandID          uuid.UUID
	ChannelID        uuid.UUID
	MemberID         *uuid.UUID
	Email            string
	ShippingAddress  *customer.Address
	BillingAddress   *customer.Address // nil: where the parcel goes
	ShippingMethodID *uuid.UUID
	ShopID           *uuid.UUID // where it is bought or picked up; nil: nothing was said
	ShippingMode     pricing.ShippingMode
	Recipient        string                 // who picks it up, as far as it is known
	PickUp           *PickUp                // where; nil unless it is to be picked up at a shop that offers it
	PaymentMethod    *payment.Method        // how it is to be paid; nil: nothing was said
	Delivery         *payment.DeliveryTerms // what the brand asks for cash on delivery; nil: it takes none
	DeliverOn        *time.Time             // the day that is wished for; nil: the earliest
	DeliveryBand     string                 // the part of the day that is wished for, by its code; empty: any
	QuotationID      *uuid.UUID             `db:"-"` // whose offer this is; nil for a cart
	SealedFor        uuid.UUID              `db:"-"` // for whom it is sealed where it is kept; zero: for its id
	Entered          []promotion.Coupon     // the coupons that the customer has entered
	UpdatedAt        time.Time
}

// Sealed are the values that are sealed where the cart, or what is named as one, is kept.
func (c *Cart) Sealed() (uuid.UUID, []sealing.Column) {
	owner := c.SealedFor
	if owner == uuid.Nil {
		owner = c.ID
	}
	return owner, []sealing.Column{
		{Field: "name", Value: sealing.Text(&c.Recipient)},
		{Field: "email", Value: sealing.Text(&c.Email)},
		{Field: "shipping_address", Value: customer.AddressAt(&c.ShippingAddress)},
		{Field: "billing_address", Value: customer.AddressAt(&c.BillingAddress)},
	}
}

// Sale is how one variant can be had by the owner of a cart.
type Sale struct {
	OnSale bool
	Free   int  // pieces that can be ordered
	Share  *int // of which limits leave this customer so many; nil if there are none
	SoldAs *sale.Kind
}

// CustomerOf is whom purchase limits count a customer as: a member, or a guest by
// the mail address. Empty while nobody is known.
func CustomerOf(memberID *uuid.UUID, email string) string {
	switch {
	case memberID != nil:
		return "m:" + memberID.String()
	case email != "":
		return "e:" + strings.ToLower(email)
	}
	return ""
}

// Level is the free stock of a variant at one location.
type Level struct {
	VariantID  uuid.UUID
	LocationID uuid.UUID
	Free       int
	Kind       inventory.LocationKind
	Prefecture customer.Prefecture // of the location; empty if it is not known
}

// Basket is a cart with all that pricing and placing an order need, read in one go.
type Basket struct {
	Cart   Cart
	Items  []Item
	Sheets pricing.Book
	Rules  int64   // the version of the brand's rules when the basket was read
	Levels []Level // of shipping locations, those that ship first before others
	Method *shipping.Method
	Parcel shipping.Parcel // the goods as shipping sees them

	Fee    *pricing.Fee // of shipping, if it is settled; nil: as the method says
	Charge *pricing.Fee // of the way to pay, if it is settled; nil: as the brand says

	AtEvent bool // it is sold at an event's stand or van
}

// Line is one line of a priced cart.
type Line struct {
	Item
	Price        *pricing.Line // nil if it has no price
	Availability inventory.Availability
	BackOrdered  int          // pieces that are not there and come later
	Problem      *fault.Error // why the line cannot be ordered as it is
	Secret       bool         // it holds something whose price the buyer is not told
}

// Promised is when the pieces that are not there come; nil if all are there.
func (l Line) Promised() i18n.Text {
	if l.BackOrdered == 0 {
		return nil
	}
	for _, p := range l.Parts {
		if len(p.Promise) > 0 {
			return p.Promise
		}
	}
	return l.Promise
}

// Missing is how many pieces come later, as far as the buyer may know.
func (l Line) Missing() int {
	if l.Availability == inventory.NotTold {
		return 0
	}
	return l.BackOrdered
}

// Told is Promised, as far as the buyer may know.
func (l Line) Told() i18n.Text {
	if l.Availability == inventory.NotTold {
		return nil
	}
	return l.Promised()
}

// GlobalID is the line's id in the schema.
func (l Line) GlobalID() string { return id.Global("CartLine", l.ID) }

// Priced is a cart with its lines priced at this moment.
type Priced struct {
	Cart
	Lines  []Line
	Method *shipping.Method
	Quote  pricing.Quote
	// Verdict is what the chosen method says of the goods and the address; nil if none
	// is chosen.
	Verdict *shipping.Verdict
	// Unpayable is what stands against paying the chosen way; nil if nothing does.
	Unpayable *fault.Error
	// Arrival is when the goods can be there; nil if no method is chosen.
	Arrival *Arrival
	// Coupons are the entered coupons, and what became of each.
	Coupons []Coupon
	// Token is the guest's key to a cart just made; empty otherwise.
	Token string
	// Tried is the member for whom a sale over the counter is tried; nil otherwise, and of who
	// buys for a company.
	Tried *uuid.UUID

	parcel shipping.Parcel
	alone  func() (pricing.Quote, error) // the quote without a shipping fee
}

// BilledTo is whom the bill is made out to: whoever gets the parcel, unless the
// customer says otherwise.
func (c Cart) BilledTo() *customer.Address {
	if c.BillingAddress != nil {
		return c.BillingAddress
	}
	return c.ShippingAddress
}

// GlobalID is the cart's id in the schema.
func (p Priced) GlobalID() string { return id.Global("Cart", p.ID) }

// AtShop is the shop's id in the schema; nil if none was said.
func (c Cart) AtShop() *string { return shopID(c.ShopID) }

func shopID(key *uuid.UUID) *string { return id.GlobalOrNone("Location", key) }

// Subtotal is what the lines come to.
func (p Priced) Subtotal() money.Money { return p.Quote.Subtotal }

// Discount is what campaigns take off the goods as a whole.
func (p Priced) Discount() money.Money { return p.Quote.Discount }

// ShippingFee is the fee of the chosen shipping method.
func (p Priced) ShippingFee() money.Money { return p.Quote.Shipping }

// PaymentCharge is the charge of the chosen way to pay.
func (p Priced) PaymentCharge() money.Money { return p.Quote.Charge }

// Taxes are the consumption tax by rate.
func (p Priced) Taxes() []money.Taxed { return p.Quote.Taxes }

// Total is what the order would cost.
func (p Priced) Total() money.Money { return p.Quote.Total }

// Breakdown explains the total.
func (p Priced) Breakdown() []pricing.Step { return p.Quote.Breakdown }

// Owner says whose cart is meant: a member's, or the guest's who has the token.
type Owner struct {
	MemberID  *uuid.UUID
	TokenHash []byte
}

// OwnerOf is whose cart the actor may touch.
func OwnerOf(a access.Actor) Owner {
	if a.Is(access.RoleMember, access.RoleCompanyBuyer) {
		return Owner{MemberID: &a.ID}
	}
	if !isToken(a.CartToken) {
		return Owner{}
	}
	return Owner{TokenHash: HashToken(a.CartToken)}
}

// SealedFor is for whom the owner's carts are sealed: who writes one knows it without
// reading the cart.
func (o Owner) SealedFor() uuid.UUID {
	if o.MemberID != nil {
		return *o.MemberID
	}
	var id uuid.UUID
	copy(id[:], o.TokenHash)
	return id
}

// Nobody reports whether the owner has no cart and could have none.
func (o Owner) Nobody() bool { return o.MemberID == nil && o.TokenHash == nil }

// tokenForm is the form of NewToken's tokens.
var tokenForm = regexp.MustCompile(`^[A-Z2-7]{26,64}$`)

// NewToken is a fresh key to a guest's cart: 130 random bits.
func NewToken() string { return rand.Text() }

// isToken reports whether noren may have made the token. What a client made up
// opens nothing and is given to no cart: somebody else might think of it too.
func isToken(token string) bool { return tokenForm.MatchString(token) }

// HashToken is what noren keeps of a token.
func HashToken(token string) []byte {
	hash := sha256.Sum256([]byte(token))
	return hash[:]
}
