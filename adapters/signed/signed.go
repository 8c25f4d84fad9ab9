// Package signed tells whether a webhook comes from who shares a secret with noren: its
// header carries t=UNIX,v1=HEX, the HMAC-SHA256 of the time, a full stop and the body.
package signed

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrUnsigned says that a body is not signed by who shares the secret, or not now.
var ErrUnsigned = errors.New("the signature is not valid")

// tolerance is how far a signature's time may lie from now.
const tolerance = 5 * time.Minute

// Header is the signature of a body.
func Header(body []byte, secret string, at time.Time) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return "t=" + stamp + ",v1=" + hex.EncodeToString(mac(stamp, body, secret))
}

func mac(stamp string, body []byte, secret string) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(stamp + "."))
	h.Write(body)
	return h.Sum(nil)
}

// Verify fails with ErrUnsigned unless the header is the signature of the body, made
// within the last minutes.
func Verify(header string, body []byte, secret string, now time.Time) error {
	if secret == "" {
		return fmt.Errorf("%w: no webhook secret is set", ErrUnsigned)
	}
	var stamp string
	var sums []string // two while a secret is changed
	for _, part := range strings.Split(header, ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "t":
			stamp = value
		case "v1":
			sums = append(sums, value)
		}
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: no time", ErrUnsigned)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return fmt.Errorf("%w: signed %s ago", ErrUnsigned, age)
	}
	want := mac(stamp, body, secret)
	for _, sum := range sums {
		if got, err := hex.DecodeString(sum); err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return ErrUnsigned
}
