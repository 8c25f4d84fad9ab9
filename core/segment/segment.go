package segment

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// Kind says when the members of a segment are worked out.
type Kind string

// The kinds.
const (
	Static  Kind = "STATIC"  // when it is saved: they stay the same
	Dynamic Kind = "DYNAMIC" // whenever it is used
)

// Segment is a search that was saved.
type Segment struct {
	ID        uuid.UUID
	BrandID   uuid.UUID
	Name      string
	Kind      Kind
	Currency  money.Currency // of the amounts in the conditions
	Where     Condition      // the conditions
	Members   int            // as they were last counted
	CountedAt time.Time
	ActorID   *uuid.UUID // who saved it
	CreatedAt time.Time
	UpdatedAt time.Time
	ClosedAt  *time.Time
}

// GlobalID is the segment's id in the schema.
func (s Segment) GlobalID() string { return id.Global("Segment", s.ID) }

// Conditions are the conditions as JSON, in the words of the schema's input.
func (s Segment) Conditions() (string, error) { return s.Where.Text() }

// kinds say of what the ids of a field are.
var kinds = map[string]string{
	"productIds": "Product", "categoryIds": "Category", "productBrandIds": "ProductBrand", "storeIds": "Location", "rankIds": "MemberRank", "programmeId": "PointProgramme", "mailingIds": "Mailing", "segmentIds": "Segment", "campaignIds": "Campaign",
}

// Text is the tree as JSON in the words of the schema's input, so that it can be sent
// again as it is.
func (c Condition) Text() (string, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return "", err
	}
	raw, err = json.Marshal(worded(tree, ""))
	return string(raw), err
}

// worded are the values of a field as the schema has them: global ids, and days.
func worded(value any, field string) any {
	switch v := value.(type) {
	case map[string]any:
		for name, below := range v {
			v[name] = worded(below, name)
		}
	case []any:
		for i, below := range v {
			v[i] = worded(below, field)
		}
	case string:
		if key, err := uuid.Parse(v); err == nil && kinds[field] != "" {
			return id.Global(kinds[field], key)
		}
		if field == "from" || field == "until" || field == "by" {
			return v[:len(time.DateOnly)]
		}
	}
	return value
}

// Format is a kind of file.
type Format string

// The formats.
const (
	CSV  Format = "CSV"
	XLSX Format = "XLSX"
)

// Encoding is how the text of a CSV is written.
type Encoding string

// The encodings.
const (
	UTF8  Encoding = "UTF_8" // with a byte order mark, for Excel
	CP932 Encoding = "CP932"
)

// Export is one file of a segment's members that somebody asked for.
type Export struct {
	ID          uuid.UUID
	SegmentID   uuid.UUID
	BrandID     uuid.UUID
	Format      Format
	Encoding    Encoding
	ActorRole   access.Role
	ActorID     *uuid.UUID
	RequestedAt time.Time
}

// Link leads to an export for a while.
type Link struct {
	URL       string
	ExpiresAt time.Time
}
