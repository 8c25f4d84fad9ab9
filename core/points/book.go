package points

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
)

// Holder is a member of a programme.
type Holder struct {
	ProgrammeID uuid.UUID
	MemberID    uuid.UUID
}

// Posting is one thing that shall happen to a member's points, once for its key.
type Posting struct {
	Holder
	Key        string
	Kind       Kind
	Points     int64
	Pending    bool       // EARN: not to be used before it is confirmed
	ConfirmsAt *time.Time // EARN: when it is, if nobody says otherwise
	Until      *time.Time // of what is given: the last day, instead of the programme's
	Lives      []Life     // of what is given: how long its parts live, instead of the programme's
	Portions   []Portion  // TRANSFER_IN, EXCHANGE_IN: with whose last days they come
	OrderID    *uuid.UUID
	PurchaseID *uuid.UUID // in a shop, instead of an order
	Undoes     string     // RETURN, SEND_BACK, PRIZE_BACK, SENT: the key of what is undone; TAKE_BACK: where what was bought was put right
	Reason     string
	ActorID    *uuid.UUID
	Still      bool // EARN: it was not the member's doing, and lets nothing else live on
	At         time.Time
}

// Result is the account after a posting.
type Result struct {
	Account  Account
	Moved    int64 // how many points moved; fewer than asked where so many were there
	Replayed bool  // the posting had been made before
	Portions []Portion
}

// Account is what a member has of one programme.
type Account struct {
	ID          uuid.UUID
	ProgrammeID uuid.UUID
	MemberID    uuid.UUID
	Available   int64
	Pending     int64
	Owed        int64
	Number      int64
	LastsUntil  *time.Time // until when all of it lives, where that goes by movements
	LeftOn      *time.Time // the day on which the member left or was erased: what comes after it is written off; nil: the member is there
}

// held is an account that is locked, with what of its past a posting needs.
type held struct {
	Account
	touched bool
	lots    []*heldLot
	past    []Entry // of the same keys, and what undoes them
}

// heldLot is a lot of a locked account.
type heldLot struct {
	Lot
	fresh   bool // made in this book
	delta   int64
	changed bool // its state
}

// Book is locked accounts, and what is written into them. It is pure: the same accounts
// and postings give the same entries.
type Book struct {
	programmes map[uuid.UUID]Programme
	accounts   map[Holder]*held
	entries    []Entry
	merged     []Merged
	prolonged  []Prolonged
}

// Locked is what a store read of an account under its lock.
type Locked struct {
	Account
	Programme Programme
	Lots      []Lot   // that have something left, and those that what is undone came out of
	Past      []Entry // of the keys that were asked for, and what undoes them
}

// NewBook opens a book on locked accounts.
func NewBook(all []Locked) *Book {
	b := &Book{programmes: map[uuid.UUID]Programme{}, accounts: map[Holder]*held{}}
	for _, l := range all {
		b.programmes[l.ProgrammeID] = l.Programme
		h := &held{Account: l.Account, past: l.Past}
		for _, lot := range l.Lots {
			h.lots = append(h.lots, &heldLot{Lot: lot})
		}
		b.accounts[Holder{l.ProgrammeID, l.MemberID}] = h
	}
	return b
}

// Post writes a posting down, or says why not and changes nothing.
func (b *Book) Post(p Posting) (Result, error) {
	h, programme := b.accounts[p.Holder], b.programmes[p.ProgrammeID]
	if h == nil || programme.ID == uuid.Nil {
		return Result{}, ErrProgramme
	}
	if was := h.of(p.Key); len(was) > 0 {
		return h.replay(was, p)
	}
	w := &writing{book: b, held: h, programme: programme, Posting: p}
	moved, portions, err := w.post()
	if err != nil {
		return Result{Account: h.Account}, err
	}
	w.prolong()
	return Result{Account: h.Account, Moved: moved, Portions: portions}, nil
}

// of are the entries that the key has already made.
func (h *held) of(key string) (all []Entry) {
	for _, e := range h.past {
		if e.Key == key {
			all = append(all, e)
		}
	}
	return all
}

// replay answers a posting that was made before.
func (h *held) replay(was []Entry, p Posting) (Result, error) {
	r := Result{Account: h.Account, Replayed: true}
	for _, e := range was {
		if e.Kind == p.Kind {
			r.Moved += e.Points
			r.Portions = append(r.Portions, e.Portions...)
		}
	}
	if was[0].Kind != p.Kind || (r.Moved != p.Points && p.Kind != Confirm) { // which moves as many as there are
		return r, idempotency.ErrReused.At("idempotencyKey")
	}
	return r, nil
}

// writing is one posting being written.
type writing struct {
	Posting
	book      *Book
	held      *held
	programme Programme
	part      int
}

func (w *writing) post() (moved int64, portions []Portion, err error) {
	switch {
	case w.Kind == Confirm:
		return w.confirm(), nil, nil
	case w.Points <= 0:
		return 0, nil, ErrAmount.With(MaxPoints).At("points")
	case w.Kind.gives():
		return w.Points, nil, w.give()
	case undoes[w.Kind] != "":
		return w.restore()
	case w.Kind == TakeBack:
		return w.takeBack()
	case w.Kind == Sent:
		w.entry(Sent, Sending, External, w.Points, nil)
		return w.Points, nil, nil
	}
	return w.spend()
}

// entry adds an entry and carries the account's balances on.
func (w *writing) entry(kind Kind, debit, credit Side, points int64, portions []Portion) {
	h := w.held
	h.Number, h.touched = h.Number+1, true
	e := Entry{
		AccountID: h.ID, ProgrammeID: w.ProgrammeID, Number: h.Number, Key: w.Key, Part: w.part, Kind: kind, Debit: debit, Credit: credit, Points: points,
		Undoes: w.Undoes, OrderID: w.OrderID, PurchaseID: w.PurchaseID, Reason: w.Reason, ActorID: w.ActorID, Portions: portions, At: w.At,
	}
	h.Available += e.Change()
	h.Pending += e.PendingChange()
	h.Owed -= e.sign(Owed) * points // what is debited there is owed
	e.Available, e.Pending = h.Available, h.Pending
	w.part++
	h.past, w.book.entries = append(h.past, e), append(w.book.entries, e)
}

// give adds points that the member has not had before.
func (w *writing) give() error {
	side := Available
	if w.Pending {
		side = Pending
	}
	portions := w.Portions
	if len(portions) == 0 {
		var err error
		if portions, err = w.parts(); err != nil {
			return err
		}
	}
	var made []*heldLot
	for _, p := range portions {
		p.ExpiresOn = w.unlessLeft(p.ExpiresOn)
		made = append(made, w.lot(p))
	}
	w.entry(w.Kind, against[w.Kind], side, w.Points, nil)
	if w.Kind.settles() && !w.Pending {
		w.settle(made, w.Points)
	}
	return nil
}

// lot adds a lot to the account.
func (w *writing) lot(p Portion) *heldLot {
	l := &heldLot{fresh: true, Lot: Lot{
		ID: id.New(), AccountID: w.held.ID, ProgrammeID: w.ProgrammeID, Pending: w.Pending, Issued: p.Points, Remaining: p.Points, ExpiresOn: p.ExpiresOn, LifeDays: p.LifeDays,
		OrderID: w.OrderID, PurchaseID: w.PurchaseID, EarnedAt: w.At,
	}}
	if w.Pending {
		l.ConfirmsAt = w.ConfirmsAt
	}
	if w.Kind != Earn { // the order has not earned them
		l.OrderID = nil
	}
	w.held.lots = append(w.held.lots, l)
	return l
}

// earned reports whether the posting's order or purchase earned the lot.
func (p Posting) earned(l Lot) bool {
	return same(l.OrderID, p.OrderID) || same(l.PurchaseID, p.PurchaseID)
}

func same(a, b *uuid.UUID) bool { return a != nil && b != nil && *a == *b }

// confirm lets what an order earned be used.
func (w *writing) confirm() (moved int64) {
	var lots []*heldLot
	for _, l := range w.held.lots {
		if l.Pending && l.Remaining > 0 && w.earned(l.Lot) {
			l.Pending, l.changed, l.ConfirmsAt, l.ExpiresOn = false, true, nil, w.given(l.LifeDays)
			moved += l.Remaining
			lots = append(lots, l)
		}
	}
	if moved > 0 {
		w.entry(Confirm, Pending, Available, moved, nil)
		w.settle(lots, moved)
	}
	return moved
}

// settle takes what the member owes out of so many points of the lots, which were just given or
// have come back.
func (w *writing) settle(lots []*heldLot, points int64) {
	portions, taken := takeFrom(lots, min(points, w.held.Owed))
	if taken > 0 {
		w.entry(Settle, Available, Owed, taken, portions)
	}
}

// takeFrom takes so many points out of the lots, in their order, as far as there are any.
func takeFrom(lots []*heldLot, points int64) (portions []Portion, taken int64) {
	for _, l := range lots {
		if n := min(l.Remaining, points-taken); n > 0 {
			l.Remaining, l.delta, taken = l.Remaining-n, l.delta-n, taken+n
			portions = append(portions, l.portion(n))
		}
	}
	return portions, taken
}

// portion is so many points out of the lot.
func (l *heldLot) portion(points int64) Portion {
	return Portion{l.ID, points, l.ExpiresOn, l.LifeDays}
}

// usable are the lots that can be used on the day, in the order in which they expire.
func (h *held) usable(day time.Time) (live, lapsed []*heldLot) {
	for _, l := range h.lots {
		switch {
		case l.Pending || l.Remaining == 0:
		case l.lapsed(day):
			lapsed = append(lapsed, l)
		default:
			live = append(live, l)
		}
	}
	slices.SortStableFunc(live, func(a, b *heldLot) int {
		switch {
		case a.ExpiresOn == nil && b.ExpiresOn == nil:
		case a.ExpiresOn == nil:
			return 1
		case b.ExpiresOn == nil:
			return -1
		default:
			if c := a.ExpiresOn.Compare(*b.ExpiresOn); c != 0 {
				return c
			}
		}
		return cmp.Or(a.EarnedAt.Compare(b.EarnedAt), slices.Compare(a.ID[:], b.ID[:]))
	})
	return live, lapsed
}

func remaining(lots []*heldLot) (sum int64) {
	for _, l := range lots {
		sum += l.Remaining
	}
	return sum
}

// spend takes points that can be used, or fails and takes none. What has expired
// meanwhile is written off first.
func (w *writing) spend() (int64, []Portion, error) {
	live, lapsed := w.held.usable(w.programme.Day(w.At))
	if there := remaining(live); there < w.Points {
		return 0, nil, ErrShort.With(there).At("points")
	}
	for _, l := range lapsed {
		w.lapse(l)
	}
	portions, _ := takeFrom(live, w.Points)
	w.entry(w.Kind, Available, against[w.Kind], w.Points, portions)
	return w.Points, portions, nil
}

// lapse writes off a lot whose time is over, under a key of its own.
func (w *writing) lapse(l *heldLot) {
	off := &writing{book: w.book, held: w.held, programme: w.programme, Posting: Posting{Holder: w.Holder, Key: ExpiryKey(l.ID, l.ExpiresOn), Kind: Expire, At: w.At}}
	portions, taken := takeFrom([]*heldLot{l}, l.Remaining)
	off.entry(Expire, Available, Expired, taken, portions)
}

// ExpiryKey is the key under which what is left of a lot on a day is written off: points
// that come back to it later make another lot.
func ExpiryKey(lotID uuid.UUID, day *time.Time) string {
	return "expire:" + lotID.String() + ":" + day.Format(time.DateOnly)
}

// undoes is what each kind of giving back undoes.
var undoes = map[Kind]Kind{Return: Use, SendBack: Send, PrizeBack: Prize}

// restore gives back points that were used, to the lots that they came from: those that
// expire last come back first. What has expired since lives on for the days of grace, and
// what is owed comes off.
func (w *writing) restore() (int64, []Portion, error) {
	var used []Portion
	var before int64
	kind := undoes[w.Kind]
	for _, e := range w.held.past {
		switch {
		case e.Key == w.Undoes && e.Kind == kind:
			used = append(used, e.Portions...)
		case e.Undoes == w.Undoes && e.Kind == w.Kind:
			before += e.Points
		}
	}
	slices.Reverse(used)
	var total int64
	for _, p := range used {
		total += p.Points
	}
	if before+w.Points > total {
		return 0, nil, ErrNotUsed
	}
	day, left := w.programme.Day(w.At), w.Points
	var back []Portion
	var lots []*heldLot
	for _, p := range used {
		gone := min(before, p.Points) // has come back already
		before -= gone
		n := min(p.Points-gone, left)
		if n == 0 {
			continue
		}
		left -= n
		l := w.putBack(Portion{p.LotID, n, p.ExpiresOn, p.LifeDays}, day)
		back, lots = append(back, l.portion(n)), append(lots, l)
	}
	w.entry(w.Kind, against[w.Kind], Available, w.Points, back)
	w.settle(lots, w.Points)
	return w.Points, back, nil
}

// putBack puts points back into their lot, or into one that lives on. A lot whose day is over
// takes nothing: it was written off under that day's key, or will be.
func (w *writing) putBack(p Portion, day time.Time) *heldLot {
	at := slices.IndexFunc(w.held.lots, func(l *heldLot) bool { return l.ID == p.LotID })
	if at < 0 || w.held.LeftOn != nil || w.held.lots[at].lapsed(day) {
		p.ExpiresOn = w.unlessLeft(w.grace(p, day))
		return w.lot(p)
	}
	l := w.held.lots[at]
	if last := w.back(l.ExpiresOn, l.LifeDays); !sameDay(last, l.ExpiresOn) {
		l.ExpiresOn, l.changed = last, true
	}
	l.Remaining, l.delta = l.Remaining+p.Points, l.delta+p.Points
	return l
}

// takeBack takes earned points back: those of the order that cannot be used yet, then
// those that can; what has been used already is owed.
func (w *writing) takeBack() (int64, []Portion, error) {
	var mine, others []*heldLot
	live, _ := w.held.usable(w.programme.Day(w.At))
	for _, l := range live {
		if w.earned(l.Lot) {
			mine = append(mine, l)
		} else {
			others = append(others, l)
		}
	}
	var waiting []*heldLot
	for _, l := range w.held.lots {
		if l.Pending && w.earned(l.Lot) {
			waiting = append(waiting, l)
		}
	}
	portions, taken := takeFrom(waiting, w.Points)
	if taken > 0 {
		w.entry(TakeBack, Pending, Issued, taken, portions)
	}
	more, now := takeFrom(append(mine, others...), w.Points-taken)
	if now > 0 {
		w.entry(TakeBack, Available, Issued, now, more)
	}
	if rest := w.Points - taken - now; rest > 0 {
		w.entry(TakeBack, Owed, Issued, rest, nil)
	}
	return w.Points, append(portions, more...), nil
}

// LotChange is what becomes of a lot.
type LotChange struct {
	ID         uuid.UUID
	Delta      int64
	Pending    bool
	ExpiresOn  *time.Time
	ConfirmsAt *time.Time
	State      bool // whether the three above are written, too
}

// Changes are what a book writes.
type Changes struct {
	Accounts  []Account
	Entries   []Entry
	Made      []Lot
	Lots      []LotChange
	Merged    []Merged
	Prolonged []Prolonged
}

// Changes are what was written into the book.
func (b *Book) Changes() Changes {
	c := Changes{Entries: b.entries, Merged: b.merged, Prolonged: b.prolonged}
	for _, h := range b.accounts {
		if h.touched {
			c.Accounts = append(c.Accounts, h.Account)
		}
		for _, l := range h.lots {
			switch {
			case l.fresh:
				c.Made = append(c.Made, l.Lot)
			case l.delta != 0 || l.changed:
				c.Lots = append(c.Lots, LotChange{l.ID, l.delta, l.Pending, l.ExpiresOn, l.ConfirmsAt, l.changed})
			}
		}
	}
	slices.SortFunc(c.Accounts, func(x, y Account) int { return slices.Compare(x.ID[:], y.ID[:]) })
	return c
}

// orderKey is the key of what an order does to points.
func orderKey(word string, orderID uuid.UUID, more ...int64) string {
	key := word + ":" + orderID.String()
	for _, n := range more {
		key += ":" + strconv.FormatInt(n, 10)
	}
	return key
}
