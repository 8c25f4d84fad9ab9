package draw_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/draw"
)

// numbered are n tickets, each of an entrant of its own.
func numbered(n int) []draw.Ticket {
	all := make([]draw.Ticket, n)
	for i := range all {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
		all[i] = draw.Ticket{Entry: uuid.UUID(sum[:16]), Entrant: uuid.UUID(sum[16:])}
	}
	draw.Sort(all)
	return all
}

func seed(i int) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("seed"), uint64(i)))
	return sum[:]
}

// chiSquare is the chi-square of counts against equal chances.
func chiSquare(counts []int, expected float64) (sum float64) {
	for _, n := range counts {
		d := float64(n) - expected
		sum += d * d / expected
	}
	return sum
}

func TestEachEntryIsAsLikelyInEachPlace(t *testing.T) {
	t.Parallel()
	const entries, seeds = 10, 20_000
	all := numbered(entries)
	places := map[uuid.UUID]int{}
	for i, x := range all {
		places[x.Entry] = i
	}
	var counts [entries][entries]int // by the order of the call, and the entry
	pairs := make([]int, entries*entries)
	for i := range seeds {
		called := draw.Call(seed(i), all, entries)
		require.Len(t, called, entries)
		for order, x := range called {
			counts[order][places[x.Entry]]++
		}
		pairs[places[called[0].Entry]*entries+places[called[1].Entry]]++
	}
	for order := range counts {
		require.Less(t, chiSquare(counts[order][:], seeds/entries), 27.88, "place %d: 9 degrees of freedom, p = 0.001", order+1)
	}
	pairs = slices.DeleteFunc(pairs, func(n int) bool { return n == 0 }) // nobody is called twice
	require.Len(t, pairs, entries*(entries-1))
	require.Less(t, chiSquare(pairs, float64(seeds)/(entries*(entries-1))), 137.2, "first and second: 89 degrees of freedom, p = 0.001")
}

func TestMoreEntriesAreMoreChancesAndOnePrize(t *testing.T) {
	t.Parallel()
	const seeds = 20_000
	all := numbered(10)
	twin := all[3].Entrant
	all[7].Entrant, all[8].Entrant = twin, twin // 3 of 10 entries
	won := 0
	for i := range seeds {
		called := draw.Call(seed(i), all, 10)
		require.Len(t, called, 8, "each entrant once")
		if called[0].Entrant == twin {
			won++
		}
	}
	require.Less(t, chiSquare([]int{won}, seeds*3/10)+chiSquare([]int{seeds - won}, seeds*7/10), 10.83, "3 of 10; 1 degree of freedom, p = 0.001")
}

func TestADrawIsThatOfItsSeedAndList(t *testing.T) {
	t.Parallel()
	all := numbered(100)
	called := draw.Call(seed(1), all, 5)
	require.Equal(t, called, draw.Call(seed(1), all, 5))
	require.NotEqual(t, called, draw.Call(seed(2), all, 5))
	require.Equal(t, called, draw.Call(seed(1), all, 7)[:5], "how many are called changes nobody's place")
	// Vectors of another implementation, in another language: whoever writes the algorithm
	// anew comes to the same.
	for i, want := range []string{"a9c5e749", "aed2b824", "a36447e6", "1b8d0103", "21a36da5"} {
		require.Equal(t, want, called[i].Entry.String()[:8])
	}
	require.Equal(t, "cd04a4754498e06db5a13c5f371f1f04", strings.ReplaceAll(draw.Call(seed(1), numbered(3), 1)[0].Entry.String(), "-", "")[:32])
}

func TestAnyoneVerifiesADraw(t *testing.T) {
	t.Parallel()
	all := numbered(50)
	secret := seed(9)
	var list bytes.Buffer
	require.NoError(t, draw.WriteList(&list, all))
	text := list.String()
	proof := draw.Proof{
		Algorithm: draw.Algorithm, Commitment: hex.EncodeToString(draw.Commitment(secret)), Digest: hex.EncodeToString(draw.Digest(all)), Entries: 50, Seed: hex.EncodeToString(secret),
	}
	for _, x := range draw.Call(secret, all, 5) {
		proof.Called = append(proof.Called, x.Entry.String())
	}
	require.NoError(t, proof.Verify(strings.NewReader(text)))

	forged := proof
	forged.Seed = hex.EncodeToString(seed(10))
	require.ErrorIs(t, forged.Verify(strings.NewReader(text)), draw.ErrSeed, "another seed")
	forged = proof
	forged.Called = slices.Clone(proof.Called)
	forged.Called[0], forged.Called[4] = forged.Called[4], forged.Called[0]
	require.ErrorIs(t, forged.Verify(strings.NewReader(text)), draw.ErrCalled, "another winner")
	forged = proof
	forged.Called = nil
	for _, x := range draw.Call(secret, all, len(all)) {
		forged.Called = append(forged.Called, x.Entry.String())
	}
	require.NoError(t, forged.Verify(strings.NewReader(text)))
	forged.Called = append(forged.Called, proof.Called[0])
	require.ErrorIs(t, forged.Verify(strings.NewReader(text)), draw.ErrCalled, "a winner more than there can be")
	lines := strings.SplitAfter(text, "\n")
	require.ErrorIs(t, proof.Verify(strings.NewReader(strings.Join(lines[1:], ""))), draw.ErrList, "an entry is missing")
	lines[0], lines[1] = lines[1], lines[0]
	require.ErrorIs(t, proof.Verify(strings.NewReader(strings.Join(lines, ""))), draw.ErrList, "another order")
	require.Error(t, proof.Verify(strings.NewReader("nonsense\n")))
	forged = proof
	forged.Algorithm = "dice"
	require.ErrorIs(t, forged.Verify(strings.NewReader(text)), draw.ErrAlgorithm)
}

func TestEveryListCallsEachEntrantOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := numbered(rapid.IntRange(0, 40).Draw(t, "entries"))
		for i := range all {
			all[i].Entrant = all[rapid.IntRange(0, len(all)-1).Draw(t, "entrant")].Entrant
		}
		entrants := map[uuid.UUID]bool{}
		for _, x := range all {
			entrants[x.Entrant] = true
		}
		most := rapid.IntRange(0, 50).Draw(t, "most")
		called := draw.Call(seed(rapid.IntRange(0, 1000).Draw(t, "seed")), all, most)
		if len(called) != min(most, len(entrants)) {
			t.Fatalf("%d called of %d, at most %d", len(called), len(entrants), most)
		}
		seen := map[uuid.UUID]bool{}
		for _, x := range called {
			if seen[x.Entrant] || !slices.Contains(all, x) {
				t.Fatalf("%v is called twice, or is no entry", x)
			}
			seen[x.Entrant] = true
		}
	})
}

// inPortions goes through tickets as a store does.
func inPortions(all []draw.Ticket, size int) draw.List {
	return func(each func([]draw.Ticket) error) error {
		for some := range slices.Chunk(all, size) {
			if err := each(some); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestAListInPortionsCallsWhatTheWholeListCalls(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := numbered(rapid.IntRange(0, 300).Draw(t, "entries"))
		entrants := map[uuid.UUID]bool{}
		for i := range all {
			if i > 0 && rapid.IntRange(0, 2).Draw(t, "again") > 0 {
				all[i].Entrant = all[rapid.IntRange(0, i-1).Draw(t, "whose")].Entrant
			}
			entrants[all[i].Entrant] = true
		}
		list, most := inPortions(all, rapid.IntRange(1, 400).Draw(t, "portion")), rapid.IntRange(0, 350).Draw(t, "most")
		digest, entries, err := list.Digest()
		require.NoError(t, err)
		require.Equal(t, len(all), entries)
		require.Equal(t, draw.Digest(all), digest)
		s := seed(rapid.IntRange(0, 1000).Draw(t, "seed"))
		called, err := list.Call(s, digest, entries, min(most, len(entrants)))
		require.NoError(t, err)
		require.Equal(t, draw.Call(s, all, most), called)
	})
}
