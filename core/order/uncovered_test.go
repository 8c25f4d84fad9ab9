package order

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestWhatIsShortIsLostByWhoIsAskedFirst(t *testing.T) {
	t.Parallel()
	leash, bed, place := uuid.New(), uuid.New(), uuid.New()
	last, picked, first := uuid.New(), uuid.New(), uuid.New()
	claims := []Claim{{last, leash, 2, false}, {last, bed, 1, false}, {picked, leash, 5, true}, {first, leash, 3, false}}
	for name, c := range map[string]struct {
		short []Reservation
		lost  []Loss
		left  []Reservation
	}{
		"nothing":        {nil, nil, nil},
		"a part of one":  {[]Reservation{{leash, place, 1}}, []Loss{{last, []Reservation{{leash, place, 1}}}}, nil},
		"of two orders":  {[]Reservation{{leash, place, 3}}, []Loss{{last, []Reservation{{leash, place, 2}}}, {first, []Reservation{{leash, place, 1}}}}, nil},
		"of two goods":   {[]Reservation{{leash, place, 1}, {bed, place, 1}}, []Loss{{last, []Reservation{{leash, place, 1}, {bed, place, 1}}}}, nil},
		"more than lies": {[]Reservation{{leash, place, 7}}, []Loss{{last, []Reservation{{leash, place, 2}}}, {first, []Reservation{{leash, place, 3}}}}, []Reservation{{leash, place, 2}}},
	} {
		lost, left := losses(c.short, claims)
		require.Equal(t, c.lost, lost, name)
		require.Equal(t, c.left, left, name)
	}
}

func TestPackedPiecesAreLostLast(t *testing.T) {
	t.Parallel()
	leash, place, elsewhere, line := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	shipment := func(location uuid.UUID, pieces int, status ShipmentStatus) Shipment {
		return Shipment{ID: uuid.New(), LocationID: location, Status: status, Lines: []Packed{{LineID: line, VariantID: leash, Quantity: pieces}}}
	}
	p := packing{
		only: place, lines: []Line{{ID: line, VariantID: leash, Quantity: 9}},
		held: []Held{
			{Reservation: Reservation{leash, place, 5}}, {Reservation: Reservation{leash, elsewhere, 2}}, {Reservation: Reservation{VariantID: leash, Quantity: 1}},
		},
		shipments: []Shipment{shipment(place, 1, ShipmentShipped), shipment(place, 2, ShipmentInstructed), shipment(place, 1, ShipmentInstructed), shipment(elsewhere, 2, ShipmentInstructed)},
	}
	for wanted, c := range map[int]struct{ gone, repacked, cancelled int }{1: {1, 0, 0}, 2: {2, 0, 0}, 3: {3, 1, 1}, 4: {4, 2, 1}, 5: {5, 2, 2}, 9: {5, 2, 2}} {
		gone, repacked := p.takeSome([]Reservation{{leash, place, wanted}})
		require.Equal(t, []Reservation{{leash, place, c.gone}}, gone)
		require.Len(t, repacked, c.repacked, "those that are in no shipment come first")
		cancelled := 0
		for _, h := range repacked {
			if h.Status == ShipmentCancelled {
				cancelled++
			}
		}
		require.Equal(t, c.cancelled, cancelled)
	}
	require.Equal(t, 2, p.shipments[1].Lines[0].Quantity, "the order itself is left as it is")
	gone, _ := p.takeSome([]Reservation{{uuid.New(), place, 1}})
	require.Empty(t, gone)
}
