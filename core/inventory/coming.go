package inventory

import "time"

// Coming is what comes in of a variant where it ships from, by what is announced.
type Coming struct {
	Waiting   int        `json:"waiting"`   // pieces that orders wait for already
	Arrivals  []Arrival  `json:"arrivals"`  // the earliest first
	ReleaseAt *time.Time `json:"releaseAt"` // of goods sold in advance
}

// Arrival is pieces that come in on a day.
type Arrival struct {
	On     time.Time `json:"on"` // a midnight UTC
	Pieces int       `json:"pieces"`
}

// By is the day by which so many pieces more will have come, behind those that wait
// already; nil if not so many are announced.
func (c *Coming) By(pieces int) *time.Time {
	if c == nil {
		return nil
	}
	left := c.Waiting + pieces
	for _, a := range c.Arrivals {
		if left -= a.Pieces; left <= 0 {
			on := a.On
			return &on
		}
	}
	return nil
}
