package member

import (
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/id"
)

// Medium is a way to reach a member.
type Medium string

// The media.
const (
	Mail Medium = "MAIL" // メールマガジン
	DM   Medium = "DM"   // by post
	SMS  Medium = "SMS"
	Push Medium = "PUSH" // to the app
)

// How says in what way a member agreed or withdrew.
type How = customer.How

// The ways.
const (
	ByWeb         How = "WEB"
	ByApp         How = "APP"
	ByStore       How = "STORE" // said to a shop's staff
	ByPaper       How = "PAPER" // 申込書
	ByPhone       How = "PHONE"
	ByUnsubscribe How = "UNSUBSCRIBE"
	ByBounce      How = "BOUNCE"
	ByImport      How = "IMPORT"
	ByErasure     How = "ERASURE"
	ByMerge       How = "MERGE"
)

// Consent is one thing that a member agreed to or withdrew, with when and how. It never
// changes.
type Consent struct {
	ID        uuid.UUID
	MemberID  uuid.UUID
	BrandID   uuid.UUID
	Medium    Medium
	Given     bool
	How       How
	Wording   string     // what was agreed to: the version of the text
	StoreID   *uuid.UUID // where it was said
	ActorRole access.Role
	ActorID   *uuid.UUID // who wrote it down
	Address   *netip.Addr
	At        time.Time
}

// OfBrand is the brand's id in the schema.
func (c Consent) OfBrand() string { return id.Global("Brand", c.BrandID) }

// AtStore is the store's id in the schema; nil for none.
func (c Consent) AtStore() *string { return location(c.StoreID) }

// From is the network address that it was told from; nil for none.
func (c Consent) From() *string {
	if c.Address == nil {
		return nil
	}
	from := c.Address.String()
	return &from
}

// Setting is what holds of a member's consents for a brand and a medium.
type Setting struct {
	MemberID uuid.UUID
	BrandID  uuid.UUID
	Medium   Medium
	Given    bool
	Since    time.Time
}

// OfBrand is the brand's id in the schema.
func (s Setting) OfBrand() string { return id.Global("Brand", s.BrandID) }

// SettingInput is what a member wants of a medium.
type SettingInput struct {
	Medium Medium
	Given  bool
}
