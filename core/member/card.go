package member

import (
	"crypto/rand"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/noren-commerce/noren/core/id"
)

// CardKind is what a card is made of.
type CardKind string

// The kinds of card.
const (
	Physical CardKind = "PHYSICAL" // of plastic
	Digital  CardKind = "DIGITAL"  // in the app
)

// CardState says whether a card works.
type CardState string

// The states of a card.
const (
	CardActive   CardState = "ACTIVE"
	CardReissued CardState = "REISSUED" // another took its place
	CardLost     CardState = "LOST"
	CardClosed   CardState = "CLOSED" // the membership ended
)

// Card is a member's card of a brand (会員証).
type Card struct {
	ID         uuid.UUID
	Number     string
	MemberID   uuid.UUID
	BrandID    uuid.UUID
	Kind       CardKind
	State      CardState
	StoreID    *uuid.UUID // that issued it; nil: online
	ReplacesID *uuid.UUID
	IssuedAt   time.Time
	EndedAt    *time.Time
}

// GlobalID is the card's id in the schema.
func (c Card) GlobalID() string { return id.Global("MemberCard", c.ID) }

// OfBrand is the brand's id in the schema.
func (c Card) OfBrand() string { return id.Global("Brand", c.BrandID) }

// IssuedBy is the issuing store's id in the schema; nil: online.
func (c Card) IssuedBy() *string { return location(c.StoreID) }

// cardPrefix marks our numbers. GS1 keeps prefixes 20 to 29 for numbers that circulate
// within one company (インストアコード), so a card printed as EAN-13 is scanned by every till
// and taken for no article of somebody else's.
const cardPrefix = "29"

// cardDigits is how long a number is, its check digit among them.
const cardDigits = 13

// DrawNumber makes a number at random: who has one cannot tell another.
func DrawNumber() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(10_000_000_000))
	if err != nil {
		return "", err
	}
	body := strconv.FormatInt(n.Int64(), 10)
	body = cardPrefix + strings.Repeat("0", 10-len(body)) + body
	return body + string(CheckDigit(body)), nil
}

// CheckDigit is the last digit of a number whose other digits these are: modulo 10 with
// weights 3 and 1 from the right (GS1 General Specifications, section 7.9). It finds
// every single wrong digit.
func CheckDigit(digits string) byte {
	sum, weight := 0, 3
	for i := len(digits) - 1; i >= 0; i-- {
		sum += int(digits[i]-'0') * weight
		weight = 4 - weight
	}
	return byte('0' + (10-sum%10)%10)
}

// ReadNumber is the number that a person typed or a till scanned; ErrCardNumber unless
// its length and check digit are right.
func ReadNumber(typed string) (string, error) {
	number := strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, norm.NFKC.String(strings.TrimSpace(typed)))
	if len(number) != cardDigits || strings.Trim(number, "0123456789") != "" || CheckDigit(number[:cardDigits-1]) != number[cardDigits-1] {
		return "", ErrCardNumber
	}
	return number, nil
}
