package payment

import "context"

// Recorded is the part of a Gateway that nobody calls: what it takes and gives back is
// recorded by those who do it, or by noren itself when the order is placed.
type Recorded struct{}

// Instruct has nothing to say: the amount is taken, or its customer stands at the till.
func (Recorded) Instruct(r StartRequest) Instructions {
	return Instructions{Amount: r.Amount, Currency: r.Currency, DueAt: r.DueAt}
}

// Start cannot be asked for.
func (Recorded) Start(context.Context, StartRequest) (Answer, error) { return Answer{}, ErrUnsupported }

// Capture cannot be asked for: what is recorded is taken.
func (Recorded) Capture(context.Context, AmountRequest) (Answer, error) {
	return Answer{}, ErrUnsupported
}

// Void has nothing to undo.
func (Recorded) Void(_ context.Context, r VoidRequest) (Answer, error) {
	return Answer{Reference: r.Reference, Status: StatusCancelled}, nil
}

// Refund cannot be asked for: what goes back is recorded too.
func (Recorded) Refund(context.Context, AmountRequest) (Answer, error) {
	return Answer{}, ErrUnsupported
}

// Find cannot know.
func (Recorded) Find(context.Context, FindRequest) (Answer, error) { return Answer{}, ErrNeverArrived }
