package draw

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Algorithm names how winners follow from a seed and a list of entries. Whoever changes
// anything below changes the name.
//
//  1. The list is one line for each entry, "<entry> <entrant>\n", both UUIDs in lower case,
//     in the order of the entries' bytes. Its digest is SHA-256 of the list's bytes.
//  2. The stream is HMAC-SHA256(seed, digest ‖ i) for i = 0, 1, 2, …, i as eight bytes, big
//     endian; each block gives four numbers of eight bytes, big endian.
//  3. A number below n is the next number x of the stream modulo n, numbers from
//     2⁶⁴ − (2⁶⁴ mod n) on left out.
//  4. For i = 0, 1, …: entry i changes places with entry i + (a number below count − i)
//     (Fisher–Yates).
//  5. In that order, each entry whose entrant has not been called yet is called. The first
//     are the winners of the first rank, then of the next, then the runners-up.
const Algorithm = "noren-draw-1"

// Ticket is an entry as the public list has it: no person can be told from it. Entrant is
// the same for all entries of one member in one draw, and in that draw alone.
type Ticket struct {
	Entry   uuid.UUID
	Entrant uuid.UUID
}

// Sort puts tickets in the list's order.
func Sort(all []Ticket) {
	slices.SortFunc(all, func(a, b Ticket) int { return slices.Compare(a.Entry[:], b.Entry[:]) })
}

// WriteList writes the list of sorted tickets.
func WriteList(w io.Writer, all []Ticket) error {
	for _, t := range all {
		if _, err := io.WriteString(w, t.Entry.String()+" "+t.Entrant.String()+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// Digest is the digest of the list of sorted tickets.
func Digest(all []Ticket) []byte {
	hash := sha256.New()
	_ = WriteList(hash, all) // a hash takes everything
	return hash.Sum(nil)
}

// Commitment is what is published of a seed before anybody enters.
func Commitment(seed []byte) []byte {
	sum := sha256.Sum256(seed)
	return sum[:]
}

// stream gives numbers that follow from a seed and a digest.
type stream struct {
	seed, digest []byte
	next         uint64
	block        []byte
}

func (s *stream) number() uint64 {
	if len(s.block) == 0 {
		mac := hmac.New(sha256.New, s.seed)
		mac.Write(s.digest)
		mac.Write(binary.BigEndian.AppendUint64(nil, s.next))
		s.block, s.next = mac.Sum(nil), s.next+1
	}
	x := binary.BigEndian.Uint64(s.block)
	s.block = s.block[8:]
	return x
}

// below is a number below n, each equally likely.
func (s *stream) below(n uint64) uint64 {
	over := (math.MaxUint64 % n) + 1 // 2⁶⁴ mod n, or n where it divides
	for {
		if x := s.number(); over == n || x <= math.MaxUint64-over {
			return x % n
		}
	}
}

// Call is the first entries that are called, one for each entrant, at most so many. The
// tickets are sorted, and stay as they are.
func Call(seed []byte, all []Ticket, most int) []Ticket {
	order, s := slices.Clone(all), &stream{seed: seed, digest: Digest(all)}
	called, seen := make([]Ticket, 0, min(most, len(all))), map[uuid.UUID]bool{}
	for i := 0; i < len(order) && len(called) < most; i++ {
		j := i + int(s.below(uint64(len(order)-i))) //nolint:gosec // below the length
		order[i], order[j] = order[j], order[i]
		if t := order[i]; !seen[t.Entrant] {
			seen[t.Entrant] = true
			called = append(called, t)
		}
	}
	return called
}

// Proof is what a draw publishes: enough for anybody to draw again. Of a draw that was
// cancelled there is no seed; its list is there if it had been closed.
type Proof struct {
	Algorithm  string   `json:"algorithm"`
	Commitment string   `json:"commitment"` // SHA-256 of the seed, in hex; told before anybody enters
	Digest     string   `json:"digest"`     // of the list, in hex; told when the draw closes
	Entries    int      `json:"entries"`
	Seed       string   `json:"seed"`   // in hex; told when it is drawn
	Called     []string `json:"called"` // entries in the order in which they were called
	Cancelled  bool     `json:"cancelled,omitempty"`
}

// Why a proof does not hold.
var (
	ErrAlgorithm = errors.New("the draw names another algorithm")
	ErrSeed      = errors.New("the seed is not the one that was committed to")
	ErrList      = errors.New("the list of entries is not the one that was published")
	ErrCalled    = errors.New("other entries were called than the seed calls")
	ErrVoid      = errors.New("a cancelled draw has no seed and calls nobody")
)

// Verify draws again from the published seed and the list, and fails unless all is as it
// was published. Of a cancelled draw it checks that nothing was drawn, and the list, which
// is empty if the draw was cancelled before it was closed.
func (p Proof) Verify(list io.Reader) error {
	if p.Algorithm != Algorithm {
		return fmt.Errorf("%w: %s", ErrAlgorithm, p.Algorithm)
	}
	if p.Cancelled {
		return p.verifyVoid(list)
	}
	seed, err := hex.DecodeString(p.Seed)
	if err != nil || hex.EncodeToString(Commitment(seed)) != p.Commitment {
		return ErrSeed
	}
	all, err := ReadList(list)
	if err != nil {
		return err
	}
	if len(all) != p.Entries || hex.EncodeToString(Digest(all)) != p.Digest {
		return ErrList
	}
	called := Call(seed, all, len(p.Called))
	if len(called) != len(p.Called) {
		return fmt.Errorf("%w: %d, the seed calls %d", ErrCalled, len(p.Called), len(called))
	}
	for i, t := range called {
		if t.Entry.String() != p.Called[i] {
			return fmt.Errorf("%w: place %d is %s, the seed calls %s", ErrCalled, i+1, p.Called[i], t.Entry)
		}
	}
	return nil
}

// verifyVoid fails unless a cancelled draw drew nothing, and published the list.
func (p Proof) verifyVoid(list io.Reader) error {
	if p.Seed != "" || len(p.Called) > 0 {
		return ErrVoid
	}
	all, err := ReadList(list)
	if err != nil {
		return err
	}
	if len(all) != p.Entries || (p.Digest != "" || len(all) > 0) && hex.EncodeToString(Digest(all)) != p.Digest {
		return ErrList
	}
	return nil
}

// ReadList reads a list as it is published.
func ReadList(r io.Reader) ([]Ticket, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var all []Ticket
	for n, line := range strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n") {
		if line == "" && len(raw) == 0 {
			break
		}
		entry, entrant, ok := strings.Cut(line, " ")
		t := Ticket{}
		var bad, worse error
		t.Entry, bad = uuid.Parse(entry)
		t.Entrant, worse = uuid.Parse(entrant)
		if !ok || bad != nil || worse != nil {
			return nil, fmt.Errorf("line %d: %q is no entry", n+1, line)
		}
		all = append(all, t)
	}
	return all, nil
}
