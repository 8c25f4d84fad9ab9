package messaging

// Mailing is what a shop writes to its members. It is no notice of anything: each is
// written by staff, and says how to be written to no more.
type Mailing struct {
	Subject        string    `json:"subject"`
	Lines          [][]Piece `json:"lines"`
	Imprint        string    `json:"imprint"` // who sends it
	UnsubscribeURL string    `json:"unsubscribeUrl"`
	PixelURL       string    `json:"pixelUrl,omitempty"` // that loads when it is opened
}

// Piece is part of a line: text, or a link.
type Piece struct {
	Text string `json:"text"`
	URL  string `json:"url,omitempty"`
}

// Kind is KindMailing.
func (Mailing) Kind() Kind { return KindMailing }
