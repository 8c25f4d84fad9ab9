package draw

import (
	"crypto/sha256"

	"github.com/google/uuid"
)

// List goes through a list of entries in its order, some at a time: a million of them need
// not be in memory. It may be gone through again.
type List func(each func(some []Ticket) error) error

// Digest is the list's digest, and how many entries it has.
func (l List) Digest() (digest []byte, entries int, err error) {
	hash := sha256.New()
	err = l(func(some []Ticket) error {
		entries += len(some)
		return WriteList(hash, some)
	})
	return hash.Sum(nil), entries, err
}

// Call calls as Call does, and holds in memory what it calls and little more: it says which
// places of the list come next, and goes through the list for them. Most is no more than
// there are entrants.
func (l List) Call(seed, digest []byte, entries, most int) ([]Ticket, error) {
	order := shuffle{numbers: &stream{seed: seed, digest: digest}, entries: entries, moved: map[int]int{}}
	called, seen := make([]Ticket, 0, most), map[uuid.UUID]bool{}
	for portion := most + most/8 + 16; len(called) < most && order.next < entries; portion *= 2 {
		tickets, err := l.at(order.places(portion))
		if err != nil {
			return nil, err
		}
		for _, t := range tickets {
			if len(called) < most && !seen[t.Entrant] {
				seen[t.Entrant] = true
				called = append(called, t)
			}
		}
	}
	return called, nil
}

// at are the entries at the places, in the places' order.
func (l List) at(places []int) ([]Ticket, error) {
	wanted := make(map[int]int, len(places))
	for i, place := range places {
		wanted[place] = i
	}
	found, place := make([]Ticket, len(places)), 0
	err := l(func(some []Ticket) error {
		for _, t := range some {
			if i, is := wanted[place]; is {
				found[i] = t
			}
			place++
		}
		return nil
	})
	return found, err
}

// shuffle is Fisher and Yates's, which keeps only those that have changed places.
type shuffle struct {
	numbers *stream
	entries int
	next    int
	moved   map[int]int
}

// places are the next places of the list, at most so many.
func (s *shuffle) places(most int) []int {
	places := make([]int, 0, min(most, s.entries-s.next))
	for ; s.next < s.entries && len(places) < most; s.next++ {
		i := s.next
		j := i + int(s.numbers.below(uint64(s.entries-i))) //nolint:gosec // below the length
		places = append(places, s.at(j))
		s.moved[j] = s.at(i)
		delete(s.moved, i)
	}
	return places
}

func (s *shuffle) at(i int) int {
	if place, is := s.moved[i]; is {
		return place
	}
	return i
}
