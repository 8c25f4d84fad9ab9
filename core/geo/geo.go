// Package geo is where things are on the map.
package geo

import "math"

// Point is a place on the map, in degrees.
type Point struct {
	Latitude  float64
	Longitude float64
}

// Valid reports whether there is such a place.
func (p Point) Valid() bool {
	return math.Abs(p.Latitude) <= 90 && math.Abs(p.Longitude) <= 180
}

// radius is the Earth's mean one, in kilometres.
const radius = 6371.0

// Kilometres is the way to another point as the crow flies.
func (p Point) Kilometres(to Point) float64 {
	rad := func(degrees float64) float64 { return degrees * math.Pi / 180 }
	north, east := math.Sin(rad(to.Latitude-p.Latitude)/2), math.Sin(rad(to.Longitude-p.Longitude)/2)
	h := north*north + math.Cos(rad(p.Latitude))*math.Cos(rad(to.Latitude))*east*east
	return 2 * radius * math.Asin(math.Min(1, math.Sqrt(h)))
}
