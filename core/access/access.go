// Package access says who is acting and what that actor may do.
package access

import (
	"context"
	"net/netip"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
)

// Role is the kind of an actor.
type Role string

// The roles, from the least known caller to noren itself.
const (
	RoleGuest        Role = "GUEST"
	RoleMember       Role = "MEMBER"
	RoleCompanyBuyer Role = "COMPANY_BUYER"
	RoleStoreStaff   Role = "STORE_STAFF"
	RoleStaff        Role = "STAFF"
	RoleAdmin        Role = "ADMIN"
	RolePartner      Role = "PARTNER"
	RoleSystem       Role = "SYSTEM"
)

// Roles lists every role.
var Roles = []Role{RoleGuest, RoleMember, RoleCompanyBuyer, RoleStoreStaff, RoleStaff, RoleAdmin, RolePartner, RoleSystem}

// Permission is one function that a permission group may hold (M13).
type Permission string

// The permissions. Admin and system hold them all.
const (
	CatalogRead    Permission = "CATALOG_READ"    // unpublished products, cost prices, internal notes
	CatalogWrite   Permission = "CATALOG_WRITE"   // products, categories, attributes, media, import
	InventoryRead  Permission = "INVENTORY_READ"  // stock numbers
	InventoryWrite Permission = "INVENTORY_WRITE" // stock changes, locations
	PricingRead    Permission = "PRICING_READ"    // what any buyer pays, and why
	PricingWrite   Permission = "PRICING_WRITE"   // price lists and prices
	PricingBelow   Permission = "PRICING_BELOW"   // prices below cost and margin, rates above 100 %
	ShippingWrite  Permission = "SHIPPING_WRITE"  // shipping methods and their fees
	OrderRead      Permission = "ORDER_READ"      // other people's orders
	OrderWrite     Permission = "ORDER_WRITE"     // advance, cancel, record a bank transfer
	MemberRead     Permission = "MEMBER_READ"     // members' personal data
	MemberWrite    Permission = "MEMBER_WRITE"    // correct members' data
	MemberExport   Permission = "MEMBER_EXPORT"   // take lists of members out of noren
	SegmentWrite   Permission = "SEGMENT_WRITE"   // keep searches of members as segments
	StaffWrite     Permission = "STAFF_WRITE"     // staff, permission groups, address allow-lists
	PartnerWrite   Permission = "PARTNER_WRITE"   // partners, their keys and operations
	CompanyRead    Permission = "COMPANY_READ"    // companies, their terms and credit, customer groups
	CompanyWrite   Permission = "COMPANY_WRITE"   // change them
	DisplayWrite   Permission = "DISPLAY_WRITE"   // who sees what: display rules, badges, pins, sold-out policies
	CampaignRead   Permission = "CAMPAIGN_READ"   // campaigns, their coupons and their effect
	CampaignWrite  Permission = "CAMPAIGN_WRITE"  // make and run campaigns, issue coupons
	QuotationRead  Permission = "QUOTATION_READ"  // what buyers asked quotes for, with cost and margin
	QuotationWrite Permission = "QUOTATION_WRITE" // answer them
	GiftCardRead   Permission = "GIFT_CARD_READ"  // gift cards and what is on them
	GiftCardWrite  Permission = "GIFT_CARD_WRITE" // issue them, take them out of use
	PurchaseWrite  Permission = "PURCHASE_WRITE"  // take purchases of tills in, and work on what nobody knows in them

	PurchaseCorrect Permission = "PURCHASE_CORRECT" // put receipts of shops right: whose they are, what was bought

	PointRead  Permission = "POINT_READ"  // members' points, what is outstanding
	PointWrite Permission = "POINT_WRITE" // grant and deduct points, within the day's limit; transfers to other systems
	PointAdmin Permission = "POINT_ADMIN" // programmes, rates and rules

	PrizeRead  Permission = "PRIZE_READ"  // prizes, what members exchanged for them, draws
	PrizeWrite Permission = "PRIZE_WRITE" // make them, send prizes out, give points back

	VoucherRead   Permission = "VOUCHER_READ"   // batches of vouchers, and what became of each
	VoucherWrite  Permission = "VOUCHER_WRITE"  // issue them, take them in, take them out of use
	VoucherRedeem Permission = "VOUCHER_REDEEM" // let them be used: tills, other shops, events

	AccountingRead  Permission = "ACCOUNTING_READ"  // the journal, bank statements, companies' accounts
	AccountingWrite Permission = "ACCOUNTING_WRITE" // correct the journal, match bank transfers, close accounts
)

// Permissions lists every permission.
var Permissions = []Permission{
	CatalogRead, CatalogWrite, InventoryRead, InventoryWrite, PricingRead, PricingWrite, PricingBelow, ShippingWrite,
	OrderRead, OrderWrite, MemberRead, MemberWrite, MemberExport, SegmentWrite, StaffWrite, PartnerWrite,
	CompanyRead, CompanyWrite, DisplayWrite,
	CampaignRead, CampaignWrite,
	QuotationRead, QuotationWrite,
	GiftCardRead, GiftCardWrite,
	PurchaseWrite, PurchaseCorrect,
	PointRead, PointWrite, PointAdmin,
	PrizeRead, PrizeWrite,
	VoucherRead, VoucherWrite, VoucherRedeem,
	AccountingRead, AccountingWrite,
}

// Actor is the caller of a use case. The zero Actor is nobody and may do nothing.
type Actor struct {
	Role        Role
	ID          uuid.UUID // the member, staff account or partner; zero for guests and system
	SessionID   uuid.UUID // the login session, where there is one
	Permissions []Permission
	Stores      []uuid.UUID // a store staff's stores
	Address     netip.Addr  // where the request came from
	CartToken   string      // the guest's cart token, where one was sent
}

// System is noren acting by itself: jobs, imports, webhooks.
var System = Actor{Role: RoleSystem}

// Guest is a caller that nobody has identified.
var Guest = Actor{Role: RoleGuest}

// May reports whether the actor holds the permission.
func (a Actor) May(p Permission) bool {
	return a.Role == RoleAdmin || a.Role == RoleSystem || slices.Contains(a.Permissions, p)
}

// Is reports whether the actor has one of the roles.
func (a Actor) Is(roles ...Role) bool { return slices.Contains(roles, a.Role) }

// From is where the actor calls from; empty for noren itself. Addresses of one IPv6
// network (/64) count as one: it is a single customer's.
func (a Actor) From() string {
	address := a.Address
	if !address.IsValid() {
		return ""
	}
	if address.Is6() && !address.Is4In6() {
		if network, err := address.Prefix(64); err == nil {
			return network.String()
		}
	}
	return address.Unmap().String()
}

type actorKey struct{}

// With puts the actor into the context.
func With(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// From is the actor of the context: nobody, if none was put there.
func From(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}

// Require fails with fault.ErrForbidden unless the context's actor holds the permission.
func Require(ctx context.Context, p Permission) error {
	if From(ctx).May(p) {
		return nil
	}
	return fault.ErrForbidden
}
