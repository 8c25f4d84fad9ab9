package payment

import "time"

// Advance is the payment after an answer of its gateway. Answers may come late,
// twice and in any order (a webhook overtakes a reply): received and refunded
// amounts never shrink, and the status never moves back.
func (p Payment) Advance(a Answer, now time.Time) Payment {
	next := p
	if next.Reference == "" {
		next.Reference = a.Reference
	}
	next.CapturedMinor = max(p.CapturedMinor, a.Captured)
	if a.RefundsKnown {
		next.RefundedMinor = max(p.RefundedMinor, min(a.Refunded+p.AsPointsMinor, next.CapturedMinor)) // of points it knows nothing
	}
	if next.CapturedMinor == 0 && standing(a.Status) > standing(p.Status) {
		next.Status = a.Status
	}
	if next.Status == StatusAuthorised {
		next.AuthorisedMinor = max(p.AuthorisedMinor, a.Authorised)
	}
	if a.Decline != nil && next.Open() {
		next.Status, next.FailureCode = StatusFailed, a.Decline.Code
	}
	if how := a.Instructions; how != nil && !p.issued() {
		next.Instructions, next.DueAt = how, &how.DueAt
	}
	next.settleStatus()
	if next != p {
		next.UpdatedAt = now
	}
	return next
}

// backBy is the payment after so much more went back the way it came.
func (p Payment) backBy(amount int64, now time.Time) Payment {
	return p.Advance(Answer{Captured: p.CapturedMinor, Refunded: p.RefundedMinor - p.AsPointsMinor + amount, RefundsKnown: true}, now)
}

// Receive is the payment after an amount came in from outside a gateway.
func (p Payment) Receive(amount int64, now time.Time) Payment {
	p.CapturedMinor += amount
	p.UpdatedAt = now
	if p.Received() || p.Status == StatusCancelled {
		p.settleStatus()
	}
	return p
}

// settleStatus lets the amounts decide the status once there is money.
func (p *Payment) settleStatus() {
	if p.CapturedMinor == 0 {
		if p.Status != StatusAuthorised {
			p.AuthorisedMinor = 0
		}
		return
	}
	p.AuthorisedMinor, p.FailureCode = 0, ""
	switch {
	case p.RefundedMinor >= p.CapturedMinor:
		p.Status = StatusRefunded
	case p.RefundedMinor > 0:
		p.Status = StatusPartlyRefunded
	default:
		p.Status = StatusCaptured
	}
}

// standing orders the statuses before any money has come in.
func standing(s Status) int {
	switch s {
	case StatusFailed:
		return 1
	case StatusAuthorised:
		return 2
	case StatusCancelled:
		return 3
	}
	return 0
}

// TotalsOf sums the payments of one order.
func TotalsOf(payments []Payment) Totals {
	var t Totals
	for _, p := range payments {
		t.Currency = p.Currency
		if p.Status != StatusCancelled {
			t.Asked += p.AmountMinor
		}
		t.Authorised += p.AuthorisedMinor
		t.Captured += p.CapturedMinor
		t.Refunded += p.RefundedMinor
		t.SetOff += p.SetOffMinor
	}
	return t
}
