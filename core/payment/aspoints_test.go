package payment

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A gateway knows nothing of points: however its answers and points come, late, twice and
// in any order, what went back is both, never less than before and never more than came in.
func TestAGatewayKnowsNothingOfPoints(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := Payment{Method: MethodCard, Status: StatusCaptured, AmountMinor: 10_000, CapturedMinor: 10_000}
		var byGateway, asPoints int64
		var answers []int64
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			before := p
			left := 10_000 - byGateway - asPoints
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				byGateway += rapid.Int64Range(0, left).Draw(t, "refund")
				answers = append(answers, byGateway)
				continue // the answer comes later
			case 1:
				some := rapid.Int64Range(0, left).Draw(t, "points")
				asPoints += some
				p.RefundedMinor, p.AsPointsMinor = p.RefundedMinor+some, p.AsPointsMinor+some
				p.settleStatus()
			default:
				if len(answers) == 0 {
					continue
				}
				told := rapid.SampledFrom(answers).Draw(t, "answer")
				p = p.Advance(Answer{Status: StatusCaptured, Captured: 10_000, Refunded: told, RefundsKnown: true}, time.Now())
			}
			require.GreaterOrEqual(t, p.RefundedMinor, before.RefundedMinor)
			require.LessOrEqual(t, p.RefundedMinor, p.CapturedMinor)
			require.Equal(t, asPoints, p.AsPointsMinor)
		}
		p = p.Advance(Answer{Status: StatusCaptured, Captured: 10_000, Refunded: byGateway, RefundsKnown: true}, time.Now())
		require.Equal(t, byGateway+asPoints, p.RefundedMinor, "when all answers are there")
		require.Equal(t, p.RefundedMinor == 10_000, p.Status == StatusRefunded)
	})
}
