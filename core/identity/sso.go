package identity

import (
	"context"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"github.com/noren-commerce/noren/core/fault"
)

// ssoPatience is how long a person may take to log in elsewhere.
const ssoPatience = 15 * time.Minute

// Provider is somebody else who knows who a person is (OpenID Connect). A code
// that it does not honour is ErrSSORefused.
type Provider interface {
	// Key names the provider to clients: "google".
	Key() string
	// Name is the provider's name for people.
	Name() string
	// AuthorizationURL is where the person logs in.
	AuthorizationURL(ctx context.Context, a Attempt) (string, error)
	// Redeem gives who the person is for the code that came back.
	Redeem(ctx context.Context, code string, a Attempt) (Person, error)
}

// Attempt is one attempt to log in through a provider: what comes back must fit it.
type Attempt struct {
	State    string
	Nonce    string // binds the ID token
	Verifier string // PKCE (RFC 7636)
}

// Person is whom a provider says a person is. Issuer and subject name the person
// for ever; the rest may change.
type Person struct {
	Provider      string
	Issuer        string
	Subject       string
	Email         string
	EmailVerified bool // whether the provider vouches for the address
	Name          string
}

// SSO logs members in by what providers say of them. An attempt is kept by nobody:
// its state is sealed and travels with the person, and the ticket, from which
// nonce and verifier are derived, stays with the client that began. So a code and
// state that somebody else slips to a client are of no use, and any process can
// finish what another began.
type SSO struct {
	accounts   *Service
	store      LinkStore
	providers  []Provider
	returnURLs []string
	seal       cipher.AEAD
}

// NewSSO makes the service; people come back to one of the return URLs. The secret
// is NOREN_SECRET.
func NewSSO(accounts *Service, store LinkStore, providers []Provider, returnURLs []string, secret string) (*SSO, error) {
	seal, err := Sealer(secret, "noren single sign-on")
	return &SSO{accounts: accounts, store: store, providers: providers, returnURLs: returnURLs, seal: seal}, err
}

// Providers are those that members can log in through.
func (s *SSO) Providers() []Provider { return s.providers }

func (s *SSO) provider(key string) Provider {
	i := slices.IndexFunc(s.providers, func(p Provider) bool { return p.Key() == key })
	if i < 0 {
		return nil
	}
	return s.providers[i]
}

// ssoState is what the state parameter carries, sealed.
type ssoState struct {
	Provider  string    `json:"p"`
	ReturnURL string    `json:"r"`
	ExpiresAt time.Time `json:"e"`
	Ticket    []byte    `json:"t"` // its hash
}

// StartSSOInput begins a login elsewhere.
type StartSSOInput struct {
	Provider  string
	ReturnURL string
}

// StartedSSO is where to send the person, and what to keep until they are back.
type StartedSSO struct {
	AuthorizationURL string
	Ticket           string
	ExpiresAt        time.Time
}

// Start begins a login elsewhere.
func (s *SSO) Start(ctx context.Context, in StartSSOInput) (*StartedSSO, error) {
	provider := s.provider(in.Provider)
	if provider == nil {
		return nil, ErrSSOProvider.At("provider")
	}
	if !slices.Contains(s.returnURLs, in.ReturnURL) {
		return nil, ErrSSOReturnURL.At("returnUrl")
	}
	ticket, expires := rand.Text(), s.accounts.Now().Add(ssoPatience)
	state, err := json.Marshal(ssoState{Provider: in.Provider, ReturnURL: in.ReturnURL, ExpiresAt: expires, Ticket: hashSecret(ticket)})
	if err != nil {
		return nil, err
	}
	sealed := base64.RawURLEncoding.EncodeToString(s.seal.Seal(nil, nil, state, nil)) //nolint:gosec // this AEAD draws its own nonce
	url, err := provider.AuthorizationURL(ctx, attempt(sealed, ticket))
	if err != nil {
		return nil, err
	}
	return &StartedSSO{AuthorizationURL: url, Ticket: ticket, ExpiresAt: expires}, nil
}

// attempt is the attempt that the ticket's holder began.
func attempt(state, ticket string) Attempt {
	return Attempt{State: state, Nonce: derive(ticket, "nonce"), Verifier: derive(ticket, "verifier")}
}

// derive is a secret of 256 bits that only the ticket's holder can name.
func derive(ticket, purpose string) string {
	mac := hmac.New(sha256.New, []byte(ticket))
	mac.Write([]byte(purpose))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// open reads a state that noren sealed and that is still good.
func (s *SSO) open(sealed string) (ssoState, error) {
	var state ssoState
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err == nil {
		raw, err = s.seal.Open(nil, nil, raw, nil)
	}
	if err == nil {
		err = json.Unmarshal(raw, &state)
	}
	if err != nil || !state.ExpiresAt.After(s.accounts.Now()) {
		return ssoState{}, ErrSSOState
	}
	return state, nil
}

// ReturnURL is where the person wants to be after logging in elsewhere, as the
// state says; ErrSSOState if noren did not make it, or too long ago.
func (s *SSO) ReturnURL(sealed string) (string, error) {
	state, err := s.open(sealed)
	return state.ReturnURL, err
}

// FinishSSOInput is what came back from the provider, and the ticket that was kept.
type FinishSSOInput struct {
	Ticket string
	State  string
	Code   string
}

// person is who came back.
func (s *SSO) person(ctx context.Context, in FinishSSOInput) (Person, error) {
	state, err := s.open(in.State)
	if err != nil || subtle.ConstantTimeCompare(hashSecret(in.Ticket), state.Ticket) != 1 {
		return Person{}, ErrSSOState
	}
	provider := s.provider(state.Provider)
	if provider == nil {
		return Person{}, ErrSSOState
	}
	if err := s.accounts.limited(ctx, "sso", addressOf(ctx), tokensPerAddress); err != nil {
		return Person{}, err
	}
	if in.Code == "" {
		return Person{}, fault.ErrRequired.At("code")
	}
	person, err := provider.Redeem(ctx, in.Code, attempt(in.State, in.Ticket))
	person.Provider = state.Provider
	return person, err
}
