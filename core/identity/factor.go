package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
)

const (
	totpStep      = 30 * time.Second // RFC 6238
	totpDrift     = 1                // steps that a phone's clock may be off, either way
	recoveryCodes = 10
)

// Factor is an account's second factor: time-based codes (TOTP).
type Factor struct {
	AccountID   uuid.UUID
	Secret      []byte // sealed
	ConfirmedAt *time.Time
	LastStep    int64 // the last time step that was accepted
	CreatedAt   time.Time
}

// FactorStore keeps second factors.
type FactorStore interface {
	// Factor is the account's second factor, confirmed or not; nil if there is none.
	Factor(ctx context.Context, accountID uuid.UUID) (*Factor, error)
	// SaveFactor keeps a factor to be confirmed, in place of an older unconfirmed one.
	SaveFactor(ctx context.Context, f Factor) error
	// AcceptStep confirms the factor and notes the step; false if that step or a
	// later one was accepted before.
	AcceptStep(ctx context.Context, accountID uuid.UUID, step int64, at time.Time) (bool, error)
	// RemoveFactor takes the factor and its recovery codes away.
	RemoveFactor(ctx context.Context, accountID uuid.UUID) (bool, error)
	ReplaceRecoveryCodes(ctx context.Context, accountID uuid.UUID, hashes [][]byte) error
	// UseRecoveryCode uses a code up; false if there is no such unused one.
	UseRecoveryCode(ctx context.Context, accountID uuid.UUID, hash []byte, at time.Time) (bool, error)
	// WithFactor are those of the accounts that have a confirmed factor.
	WithFactor(ctx context.Context, accountIDs []uuid.UUID) ([]uuid.UUID, error)
}

// Enrolment is what an authenticator app is set up with.
type Enrolment struct {
	Secret string // base32
	URI    string // otpauth://…, for a QR code
}

// StartTotp makes a second factor for the actor, to be confirmed with a code.
func (s *Service) StartTotp(ctx context.Context) (*Enrolment, error) {
	account, err := s.self(ctx)
	if err != nil {
		return nil, err
	}
	factor, err := s.Store.Factor(ctx, account.ID)
	if err != nil {
		return nil, err
	}
	if factor != nil && factor.ConfirmedAt != nil {
		return nil, ErrFactorExists
	}
	return s.enrol(ctx, *account, nil)
}

// enrol shows the account's unconfirmed factor, making it when there is none: the
// same each time, so that showing it again does not break a phone set up already.
func (s *Service) enrol(ctx context.Context, account Account, pending *Factor) (*Enrolment, error) {
	if pending != nil {
		secret, err := s.openSecret(*pending)
		if err != nil {
			return nil, err
		}
		return enrolment(account, secret), nil
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "noren", AccountName: account.Email, SecretSize: 20})
	if err != nil {
		return nil, err
	}
	sealed := s.Seal.Seal(nil, nil, []byte(key.Secret()), account.ID[:]) //nolint:gosec // this AEAD draws its own nonce
	factor := Factor{AccountID: account.ID, Secret: sealed, CreatedAt: s.Now()}
	if err := s.Store.SaveFactor(ctx, factor); err != nil {
		return nil, err
	}
	return enrolment(account, key.Secret()), nil
}

func enrolment(account Account, secret string) *Enrolment {
	uri := fmt.Sprintf("otpauth://totp/noren:%s?algorithm=SHA1&digits=6&issuer=noren&period=30&secret=%s", account.Email, secret)
	return &Enrolment{Secret: secret, URI: uri}
}

func (s *Service) openSecret(f Factor) (string, error) {
	secret, err := s.Seal.Open(nil, nil, f.Secret, f.AccountID[:])
	if err != nil {
		return "", fmt.Errorf("open the second factor of %s: NOREN_SECRET is not the one it was made with: %w", f.AccountID, err)
	}
	return string(secret), nil
}

// ConfirmTotp puts the actor's new second factor into force, and answers its
// recovery codes, which are shown this once.
func (s *Service) ConfirmTotp(ctx context.Context, code string) ([]string, error) {
	account, err := s.self(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.limited(ctx, "factor", account.ID.String(), loginsPerPair); err != nil {
		return nil, err
	}
	factor, err := s.Store.Factor(ctx, account.ID)
	switch {
	case err != nil:
		return nil, err
	case factor == nil:
		return nil, ErrNoFactor
	case factor.ConfirmedAt != nil:
		return nil, ErrFactorExists
	}
	return s.confirm(ctx, *factor, code)
}

func (s *Service) confirm(ctx context.Context, factor Factor, code string) (codes []string, err error) {
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.acceptCode(ctx, factor, code); err != nil {
			return err
		}
		if codes, err = s.newRecoveryCodes(ctx, factor.AccountID); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, s.Now(), "account.second_factor_set", "Account", factor.AccountID, nil))
	})
	return codes, err
}

// acceptCode accepts a code of the moment, once: a step that was accepted before,
// or an earlier one, is refused.
func (s *Service) acceptCode(ctx context.Context, factor Factor, code string) error {
	secret, err := s.openSecret(factor)
	if err != nil {
		return err
	}
	now := s.Now()
	step := now.Unix() / int64(totpStep/time.Second)
	for tried := step - totpDrift; tried <= step+totpDrift; tried++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(tried), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) != 1 {
			continue
		}
		accepted, err := s.Store.AcceptStep(ctx, factor.AccountID, tried, now)
		if err == nil && !accepted {
			err = ErrSecondFactor.At("code")
		}
		return err
	}
	return ErrSecondFactor.At("code")
}

// newRecoveryCodes makes codes of 80 random bits, so that a fast hash will do.
func (s *Service) newRecoveryCodes(ctx context.Context, accountID uuid.UUID) ([]string, error) {
	codes, hashes := make([]string, recoveryCodes), make([][]byte, recoveryCodes)
	for i := range codes {
		text := rand.Text()[:16]
		codes[i] = text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
		hashes[i] = hashSecret(accountID.String() + text)
	}
	return codes, s.Store.ReplaceRecoveryCodes(ctx, accountID, hashes)
}

// secondFactor checks the code of a login: of the app, or a recovery code.
func (s *Service) secondFactor(ctx context.Context, factor Factor, typed string) error {
	if typed == "" {
		return ErrSecondFactorRequired.At("code")
	}
	code := strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, strings.ToUpper(typed))
	if len(code) != 16 {
		return s.acceptCode(ctx, factor, code)
	}
	used, err := s.Store.UseRecoveryCode(ctx, factor.AccountID, hashSecret(factor.AccountID.String()+code), s.Now())
	switch {
	case err != nil:
		return err
	case !used:
		return ErrSecondFactor.At("code")
	}
	return s.Events.Record(ctx, event.New(ctx, s.Now(), "account.recovery_code_used", "Account", factor.AccountID, nil))
}

// RemoveTotpInput gives the second factor up.
type RemoveTotpInput struct {
	Password string
	Code     string // of the app, or a recovery code
}

// RemoveTotp takes the actor's second factor away, unless policy requires it.
func (s *Service) RemoveTotp(ctx context.Context, in RemoveTotpInput) error {
	account, err := s.self(ctx)
	if err != nil {
		return err
	}
	if account.IsStaff() {
		policy, err := s.Store.Policy(ctx)
		if err != nil {
			return err
		}
		if policy.RequireTotp {
			return ErrFactorMandatory
		}
	}
	if _, err := s.identify(ctx, LoginInput{Email: account.Email, Password: in.Password}); err != nil {
		return err
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		factor, err := s.Store.Factor(ctx, account.ID)
		switch {
		case err != nil:
			return err
		case factor == nil:
			return ErrNoFactor
		}
		if err := s.secondFactor(ctx, *factor, in.Code); err != nil {
			return err
		}
		return s.removeFactor(ctx, account.ID)
	})
}

func (s *Service) removeFactor(ctx context.Context, accountID uuid.UUID) error {
	if _, err := s.Store.RemoveFactor(ctx, accountID); err != nil {
		return err
	}
	return s.Events.Record(ctx, event.New(ctx, s.Now(), "account.second_factor_removed", "Account", accountID, nil))
}

// ResetTotp takes the second factor of somebody who lost it away, for staff that
// manage staff; the account's sessions end.
func (s *Service) ResetTotp(ctx context.Context, in StaffAccountInput) (*Account, error) {
	accountID := in.AccountID
	var account *Account
	err := s.endingSessions(ctx, func(ctx context.Context) (ended []uuid.UUID, err error) {
		if account, err = s.manageable(ctx, accountID); err != nil {
			return nil, err
		}
		if err := s.removeFactor(ctx, accountID); err != nil {
			return nil, err
		}
		return s.Store.EndSessions(ctx, accountID, uuid.Nil, endedByStaff, s.Now())
	})
	return account, err
}

// WithFactor are those of the accounts that have a second factor.
func (s *Service) WithFactor(ctx context.Context, accountIDs []uuid.UUID) (map[uuid.UUID]bool, error) {
	found, err := s.Store.WithFactor(ctx, accountIDs)
	with := make(map[uuid.UUID]bool, len(found))
	for _, key := range found {
		with[key] = true
	}
	return with, err
}

// manageable is an open staff account that the actor may change.
func (s *Service) manageable(ctx context.Context, accountID uuid.UUID) (*Account, error) {
	if err := access.RequireEverywhere(ctx, access.StaffWrite); err != nil {
		return nil, err
	}
	account, err := s.Store.Account(ctx, accountID)
	switch {
	case err != nil:
		return nil, err
	case account == nil || !account.IsStaff():
		return nil, fault.ErrNotFound
	case account.Role == access.RoleAdmin && !access.From(ctx).Is(access.RoleAdmin, access.RoleSystem):
		return nil, fault.ErrForbidden
	}
	return account, nil
}
