package customer

import "github.com/noren-commerce/noren/core/geo"

// Capital is where the prefecture's government sits (県庁所在地), which stands for the
// prefecture where distances are compared; ok is false if there is no such prefecture.
func (p Prefecture) Capital() (at geo.Point, ok bool) {
	if n := p.Code(); n > 0 {
		return capitals[n-1], true
	}
	return geo.Point{}, false
}

// capitals stand in the order of JIS X 0401.
var capitals = [47]geo.Point{
	{Latitude: 43.06, Longitude: 141.35}, {Latitude: 40.82, Longitude: 140.74}, {Latitude: 39.70, Longitude: 141.15},
	{Latitude: 38.27, Longitude: 140.87}, {Latitude: 39.72, Longitude: 140.10}, {Latitude: 38.24, Longitude: 140.36},
	{Latitude: 37.75, Longitude: 140.47}, {Latitude: 36.34, Longitude: 140.45}, {Latitude: 36.57, Longitude: 139.88},
	{Latitude: 36.39, Longitude: 139.06}, {Latitude: 35.86, Longitude: 139.65}, {Latitude: 35.61, Longitude: 140.12},
	{Latitude: 35.69, Longitude: 139.69}, {Latitude: 35.45, Longitude: 139.64}, {Latitude: 37.90, Longitude: 139.02},
	{Latitude: 36.70, Longitude: 137.21}, {Latitude: 36.59, Longitude: 136.63}, {Latitude: 36.07, Longitude: 136.22},
	{Latitude: 35.66, Longitude: 138.57}, {Latitude: 36.65, Longitude: 138.18}, {Latitude: 35.39, Longitude: 136.72},
	{Latitude: 34.98, Longitude: 138.38}, {Latitude: 35.18, Longitude: 136.91}, {Latitude: 34.73, Longitude: 136.51},
	{Latitude: 35.00, Longitude: 135.87}, {Latitude: 35.02, Longitude: 135.76}, {Latitude: 34.69, Longitude: 135.52},
	{Latitude: 34.69, Longitude: 135.18}, {Latitude: 34.69, Longitude: 135.83}, {Latitude: 34.23, Longitude: 135.17},
	{Latitude: 35.50, Longitude: 134.24}, {Latitude: 35.47, Longitude: 133.05}, {Latitude: 34.66, Longitude: 133.93},
	{Latitude: 34.40, Longitude: 132.46}, {Latitude: 34.19, Longitude: 131.47}, {Latitude: 34.07, Longitude: 134.56},
	{Latitude: 34.34, Longitude: 134.04}, {Latitude: 33.84, Longitude: 132.77}, {Latitude: 33.56, Longitude: 133.53},
	{Latitude: 33.61, Longitude: 130.42}, {Latitude: 33.25, Longitude: 130.30}, {Latitude: 32.74, Longitude: 129.87},
	{Latitude: 32.79, Longitude: 130.74}, {Latitude: 33.24, Longitude: 131.61}, {Latitude: 31.91, Longitude: 131.42},
	{Latitude: 31.56, Longitude: 130.56}, {Latitude: 26.21, Longitude: 127.68},
}
