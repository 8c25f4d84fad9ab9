package geo_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/geo"
)

func TestDistances(t *testing.T) {
	t.Parallel()
	tokyo, osaka := geo.Point{Latitude: 35.681, Longitude: 139.767}, geo.Point{Latitude: 34.702, Longitude: 135.495}
	require.InDelta(t, 403, tokyo.Kilometres(osaka), 3)
	require.InDelta(t, 20015, geo.Point{}.Kilometres(geo.Point{Longitude: 180}), 1)
	require.False(t, geo.Point{Latitude: 91}.Valid())
	require.False(t, geo.Point{Longitude: -181}.Valid())
	rapid.Check(t, func(t *rapid.T) {
		at := func(name string) geo.Point {
			return geo.Point{Latitude: rapid.Float64Range(-90, 90).Draw(t, name), Longitude: rapid.Float64Range(-180, 180).Draw(t, name)}
		}
		a, b, c := at("a"), at("b"), at("c")
		if a.Kilometres(b) < 0 || a.Kilometres(a) > 1e-6 || a.Kilometres(c) > a.Kilometres(b)+b.Kilometres(c)+1e-6 {
			t.Fatalf("%v %v %v", a, b, c)
		}
	})
}
