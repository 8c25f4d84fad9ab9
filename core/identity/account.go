// Package identity knows who is who: accounts of members and staff, their
// passwords, sessions and tokens.
package identity

import (
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/sealing"
)

// Account is somebody who can log in. One account serves all brands.
type Account struct {
	ID              uuid.UUID
	Role            access.Role
	Email           string // normalised
	EmailVerifiedAt *time.Time
	Name            string
	Password        string // argon2id in PHC format; empty if none was ever set
	BrandID         *uuid.UUID
	Language        string
	CreatedAt       time.Time
	UpdatedAt       time.Time
	ClosedAt        *time.Time
}

// Sealed are the values that are sealed where the account is kept.
func (a *Account) Sealed() (uuid.UUID, []sealing.Column) {
	return a.ID, sealing.Person(&a.Name, &a.Email)
}

// GlobalID is the account's id in the schema.
func (a Account) GlobalID() string { return id.Global("Account", a.ID) }

// EmailVerified reports whether the address is known to be the account's.
func (a Account) EmailVerified() bool { return a.EmailVerifiedAt != nil }

// IsStaff reports whether the account works for the retailer.
func (a Account) IsStaff() bool {
	return a.Role == access.RoleStoreStaff || a.Role == access.RoleStaff || a.Role == access.RoleAdmin
}

const (
	maxEmail    = 254 // RFC 5321 §4.5.3.1.3
	maxName     = 100
	minPassword = 10
	maxPassword = 128
)

// NormaliseEmail is the form in which noren keeps and compares an address:
// compatibility characters folded, lower case. What is no bare address is ErrEmail.
func NormaliseEmail(typed string) (string, error) {
	email := strings.ToLower(strings.TrimSpace(norm.NFKC.String(typed)))
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || len(email) > maxEmail {
		return "", ErrEmail
	}
	_, domain, _ := strings.Cut(email, "@")
	if strings.Contains(domain, "[") || !strings.Contains(domain, ".") {
		return "", ErrEmail
	}
	return email, nil
}

// checkPassword holds a new password to the rules: length, and not the e-mail
// address itself.
func checkPassword(password, email string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < minPassword:
		return ErrPasswordTooShort.With(minPassword)
	case n > maxPassword || !utf8.ValidString(password):
		return fault.Invalid(fault.CodeTooLong, "パスワードは%d文字以内で入力してください", "The password has at most %d characters").With(maxPassword)
	case strings.EqualFold(password, email) || common(password):
		return ErrPasswordGuessable
	}
	return nil
}

// common reports whether a guesser would try the password first: one character
// or a short pattern over and over, a run, or a word of the well-known lists.
func common(password string) bool {
	p := strings.ToLower(password)
	for n := 1; n <= len(p)/3; n++ {
		if strings.Repeat(p[:n], len(p)/n+1)[:len(p)] == p {
			return true
		}
	}
	for _, run := range []string{"01234567890123456789", "98765432109876543210", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "1q2w3e4r5t6y7u8i9o0p"} {
		if strings.Contains(run, p) {
			return true
		}
	}
	trimmed := strings.TrimRight(p, "0123456789!?._-")
	for _, word := range []string{"password", "passw0rd", "p@ssword", "p@ssw0rd", "letmein", "welcome", "iloveyou", "administrator", "sakura", "doraemon"} {
		if trimmed == word {
			return true
		}
	}
	return false
}
