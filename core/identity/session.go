package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// SessionLifetime is how long a session lasts that nobody uses. Each refresh
// begins it anew.
const SessionLifetime = 30 * 24 * time.Hour

// Session is one login on one device.
type Session struct {
	ID         uuid.UUID
	AccountID  uuid.UUID
	Device     string // the client's User-Agent
	Address    *netip.Addr
	CreatedAt  time.Time
	LastUsedAt time.Time
	ExpiresAt  time.Time
	EndedAt    *time.Time
}

// GlobalID is the session's id in the schema.
func (s Session) GlobalID() string { return id.Global("Session", s.ID) }

// From is the address as text; nil if it is unknown.
func (s Session) From() *string {
	if s.Address == nil {
		return nil
	}
	text := s.Address.String()
	return &text
}

// Standing is what an account and its session come to at a moment: all that is
// needed to act in its name.
type Standing struct {
	SessionID   uuid.UUID
	AccountID   uuid.UUID
	Role        access.Role
	Permissions []access.Permission
	Stores      []uuid.UUID
	Networks    []netip.Prefix // from where its groups may act; none: from anywhere
	Office      []netip.Prefix // from where all staff may; none: from anywhere
}

// Actor is the caller whose standing this is.
func (s Standing) Actor() access.Actor {
	return access.Actor{Role: s.Role, ID: s.AccountID, SessionID: s.SessionID, Permissions: s.Permissions, Stores: s.Stores}
}

// Grant is what a login or a refresh gives.
type Grant struct {
	Account      Account
	SessionID    uuid.UUID
	AccessToken  string
	ExpiresAt    time.Time // of the access token
	RefreshToken string
}

// Why a session ended.
const (
	endedByLogout   = "LOGOUT"
	endedByOwner    = "REVOKED"
	endedByReuse    = "REFRESH_TOKEN_REUSED"
	endedByPassword = "PASSWORD_CHANGED"
	endedByClaim    = "CLAIMED"
	endedByStaff    = "REVOKED_BY_STAFF"
	endedByEmail    = "EMAIL_CHANGED"
)

// newSecret is a fresh secret for a token: 130 random bits.
func newSecret() string { return rand.Text() }

// hashSecret is what noren keeps of it. The secret is random, so a fast hash will do.
func hashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
