package promotion

import (
	"crypto/rand"
	"crypto/sha256"
	"regexp"
	"strings"

	"github.com/google/uuid"
)

// Coupon codes that noren makes have 15 random characters and a check character by
// ISO/IEC 7064, MOD 37,36: it finds every single wrong character and nearly every
// pair of neighbours that changed places. 75 random bits are not to be guessed.
const (
	codeRandom = 15
	checked    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" // the check's characters, by value
	drawn      = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"     // those that are not mistaken for each other
)

var sharedCodes = regexp.MustCompile(`^[A-Z0-9]{3,14}$`)

// NewCode makes a code: "7Q3F-9KXM-2T4V-WZ8A".
func NewCode() string {
	for {
		random := make([]byte, codeRandom)
		_, _ = rand.Read(random) // never fails
		for i := range random {
			random[i] = drawn[random[i]&31]
		}
		check := checkOf(string(random))
		if strings.IndexByte(drawn, check) < 0 {
			continue // I, L, O and U are read wrong too easily
		}
		return Grouped(string(random) + string(check))
	}
}

// Grouped is a code as people read it, in groups of four.
func Grouped(code string) string {
	var groups []string
	for ; len(code) > 4; code = code[4:] {
		groups = append(groups, code[:4])
	}
	return strings.Join(append(groups, code), "-")
}

// NormalCode is a code as noren compares it: capitals and digits, whatever else was
// typed between them.
func NormalCode(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		case r >= 'Ａ' && r <= 'Ｚ':
			return r - 'Ａ' + 'A'
		case r >= 'ａ' && r <= 'ｚ':
			return r - 'ａ' + 'A'
		}
		return -1
	}, typed)
}

// Mistyped reports whether a code has the length of those that noren makes and its
// check character does not fit.
func Mistyped(normal string) bool {
	return len(normal) == codeRandom+1 && checkOf(normal[:codeRandom]) != normal[codeRandom]
}

// checkOf is the check character of ISO/IEC 7064 MOD 37,36.
func checkOf(text string) byte {
	const m = 36
	p := m
	for i := range len(text) {
		s := (p + strings.IndexByte(checked, text[i])) % m
		if s == 0 {
			s = m
		}
		p = s * 2 % (m + 1)
	}
	return checked[(m+1-p)%m]
}

// HashCode is what noren keeps of a code of the brand.
func HashCode(brandID uuid.UUID, normal string) []byte {
	hash := sha256.Sum256(append(brandID[:], normal...))
	return hash[:]
}

func hintOf(normal string) string { return normal[max(len(normal)-4, 0):] }
