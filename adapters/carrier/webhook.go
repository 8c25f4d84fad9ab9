package carrier

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/noren-commerce/noren/adapters/signed"
	"github.com/noren-commerce/noren/core/tracking"
)

// SignatureHeader carries the signature of a webhook; see package signed.
const SignatureHeader = "Carrier-Signature"

// ErrUnreadable says that a webhook is signed and no report.
var ErrUnreadable = errors.New("the report cannot be read")

// maxParcels is how many parcels one webhook is about at most.
const maxParcels = 1000

// Interpret checks and reads a webhook of the carrier. foreign is how many of its words
// noren does not know.
func (s Settings) Interpret(body []byte, signature string, now time.Time) (reports []tracking.Report, foreign int, err error) {
	if err := signed.Verify(signature, body, s.WebhookSecret, now); err != nil {
		return nil, 0, err
	}
	var report struct {
		Parcels []spoken `json:"parcels"`
	}
	if err := json.Unmarshal(body, &report); err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if len(report.Parcels) == 0 || len(report.Parcels) > maxParcels {
		return nil, 0, fmt.Errorf("%w: it is about %d parcels", ErrUnreadable, len(report.Parcels))
	}
	reports, foreign = s.reports(report.Parcels)
	return reports, foreign, nil
}
