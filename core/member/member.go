// Package member is the retailer's members (会員): who they are across brands and
// channels, their cards, ranks and consents, and who may read what of them.
package member

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// Member is one person over all brands. Who has an account has the account's id; who
// has a card alone has an id of their own.
type Member struct {
	ID          uuid.UUID
	Account     bool // may log in
	HouseholdID *uuid.UUID
	MergedInto  *uuid.UUID // the member who goes on in its place
	ErasedAt    *time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Stores      []uuid.UUID // registering and home stores, of all brands
	Masked      bool        // the personal data is hidden from whoever reads this
	At          time.Time   // when it was read

	Personal
}

// Personal is the data of a person that is sealed in the database and masked for
// stores whose member it is not.
type Personal struct {
	Name     string
	Kana     string // the name's reading in katakana
	Phone    string // digits only
	Email    string
	Birthday *time.Time // a day; midnight UTC
	Gender   customer.Gender
	Address  *customer.Address
}

// GlobalID is the member's id in the schema.
func (m Member) GlobalID() string { return id.Global("Member", m.ID) }

// Age is in whole years by the calendar of Japan; nil if the birthday is not known or hidden.
func (m Member) Age() *int {
	if m.Birthday == nil {
		return nil
	}
	today, born := m.At.In(zone), *m.Birthday
	age := today.Year() - born.Year()
	if today.Month() < born.Month() || today.Month() == born.Month() && today.Day() < born.Day() {
		age--
	}
	return &age
}

// BirthMonth is 1 to 12; nil if the birthday is not known or hidden.
func (m Member) BirthMonth() *int {
	if m.Birthday == nil {
		return nil
	}
	month := int(m.Birthday.Month())
	return &month
}

var zone = time.FixedZone("JST", 9*60*60)

// Membership is what a member is to one brand.
type Membership struct {
	MemberID          uuid.UUID
	BrandID           uuid.UUID
	RegisteredStoreID *uuid.UUID // 登録店; nil: online
	HomeStoreID       *uuid.UUID // よく行く店
	RankID            *uuid.UUID
	RankCode          *string
	RankName          i18n.Text
	SpendMinor        int64 `db:"spend"`
	Currency          money.Currency
	JoinedAt          time.Time
	EndedAt           *time.Time
	Hidden            bool `db:"-"` // what was spent is not for whoever reads this
}

// OfBrand is the brand's id in the schema.
func (m Membership) OfBrand() string { return id.Global("Brand", m.BrandID) }

// RegisteredAt is the registering store's id in the schema; nil: online.
func (m Membership) RegisteredAt() *string { return location(m.RegisteredStoreID) }

// Home is the home store's id in the schema; nil if none was chosen.
func (m Membership) Home() *string { return location(m.HomeStoreID) }

// Spend is what the rank goes by, as it was last worked out; nil where the member is masked.
func (m Membership) Spend() *money.Money { return spent(m.SpendMinor, m.Currency, m.Hidden) }

// spent is an amount that a member spent; nil if it is hidden.
func spent(minor int64, currency money.Currency, hidden bool) *money.Money {
	if hidden {
		return nil
	}
	m := money.Of(minor, currency)
	return &m
}

func location(key *uuid.UUID) *string { return id.GlobalOrNone("Location", key) }
