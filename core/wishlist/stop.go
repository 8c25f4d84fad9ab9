package wishlist

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/link"
)

// StopPath is where the link leads by which a member is told of wishes no more.
const StopPath = "/wish-lists/stop/"

// Stops makes and reads such links. They need no login, and never expire.
type Stops struct {
	key    []byte
	public string
}

// NewStops makes them; the key is derived from the secret.
func NewStops(secret, public string) (*Stops, error) {
	if secret == "" {
		return nil, errors.New("NOREN_SECRET is missing: links of e-mails are signed with it")
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "noren wish links", sha256.Size)
	return &Stops{key, strings.TrimSuffix(public, "/")}, err
}

const (
	stopBody = 16 + 16
	stopMAC  = 16 // 128 bits: cannot be guessed
)

// URL is the link of a member of the brand.
func (k *Stops) URL(brandID, memberID uuid.UUID) string {
	raw := append(brandID[:], memberID[:]...)
	return k.public + StopPath + base64.RawURLEncoding.EncodeToString(append(raw, k.mac(raw)...))
}

func (k *Stops) mac(raw []byte) []byte {
	h := hmac.New(sha256.New, k.key)
	h.Write(raw)
	return h.Sum(nil)[:stopMAC]
}

// read is of whom the link is; link.ErrInvalid if noren did not make it.
func (k *Stops) read(text string) (brandID, memberID uuid.UUID, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != stopBody+stopMAC || !hmac.Equal(raw[stopBody:], k.mac(raw[:stopBody])) {
		return brandID, memberID, link.ErrInvalid
	}
	copy(brandID[:], raw[:16])
	copy(memberID[:], raw[16:stopBody])
	return brandID, memberID, nil
}

// Leads reports whether the link is noren's; it changes nothing, since programs follow
// links before people do.
func (s *Service) Leads(text string) error {
	_, _, err := s.Stops.read(text)
	return err
}

// Stop lets the member whom the link was sent to be told of no wish any more, until they
// ask for it anew. It may be followed again.
func (s *Service) Stop(ctx context.Context, text string) error {
	brandID, memberID, err := s.Stops.read(text)
	if err != nil {
		return err
	}
	return s.Tx.InTx(channel.With(ctx, channel.Channel{BrandID: brandID}), func(ctx context.Context) error {
		wishes, err := s.Store.Silence(ctx, brandID, memberID)
		if err != nil || wishes == 0 {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, s.Now(), "wish.silenced", "Account", memberID, map[string]any{"wishes": wishes}))
	})
}
