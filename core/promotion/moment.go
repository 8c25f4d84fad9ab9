package promotion

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/scope"
)

// moment is a time as recurrences ask for it.
type moment struct {
	at        time.Time
	weekday   time.Weekday
	day, last int
	minute    int
	month     int
}

// momentOf is the time in the brand's zone.
func momentOf(at time.Time, zone *time.Location) moment {
	if zone == nil {
		zone = time.UTC
	}
	return localMoment(at.In(zone))
}

func localMoment(local time.Time) moment {
	return moment{
		at: local, weekday: local.Weekday(), day: local.Day(), minute: local.Hour()*60 + local.Minute(), month: int(local.Month()),
		last: time.Date(local.Year(), local.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day(),
	}
}

// holds reports whether the recurrence covers the moment. Hours that go on past
// midnight belong to the day on which they began.
func (r Recurrence) holds(m moment) bool {
	if r.From != nil && r.Until != nil {
		from, until := *r.From, *r.Until
		if from < until {
			if m.minute < from || m.minute >= until {
				return false
			}
		} else if m.minute < from {
			if m.minute >= until {
				return false
			}
			m = localMoment(m.at.AddDate(0, 0, -1))
		}
	}
	if len(r.Weekdays) > 0 && !slices.Contains(r.Weekdays, int(m.weekday)) {
		return false
	}
	return len(r.Days) == 0 || slices.Contains(r.Days, m.day) || m.day == m.last && slices.Contains(r.Days, -1)
}

// narrows reports whether the recurrence leaves any moment out.
func (r Recurrence) narrows() bool { return r.From != nil || len(r.Weekdays) > 0 || len(r.Days) > 0 }

// bucket puts a buyer into one of a hundred equal parts that depend on nothing but
// the buyer and the salt: today, tomorrow and in every process the same one.
func bucket(salt string, buyer uuid.UUID) int {
	h := sha256.New()
	_, _ = h.Write([]byte(salt))
	_, _ = h.Write(buyer[:])
	return int(binary.BigEndian.Uint64(h.Sum(nil)) % 100) //nolint:gosec // below 100
}

// identity is who a buyer is for experiments and limits: a company is one buyer,
// whoever buys for it. Zero for guests, whom nobody can tell apart.
func identity(b scope.Buyer) uuid.UUID {
	if b.CompanyID != uuid.Nil {
		return b.CompanyID
	}
	return b.MemberID
}

// inShare reports whether the buyer is among those who may get the campaign, and
// held whether the buyer is among those it is compared against.
func (c *Campaign) inShare(buyer uuid.UUID) (in, held bool) {
	e := c.Experiment
	if !e.Divides() {
		return true, false
	}
	if buyer == uuid.Nil {
		return e.From == 0 && (e.UpTo == 0 || e.UpTo == 100), false
	}
	if e.HoldOut > 0 && bucket("hold-out:"+c.ID.String(), buyer) < e.HoldOut {
		return false, true
	}
	upTo := e.UpTo
	if upTo == 0 {
		upTo = 100
	}
	if e.From == 0 && upTo == 100 {
		return true, false
	}
	salt := e.Name
	if salt == "" {
		salt = c.ID.String()
	}
	b := bucket("share:"+salt, buyer)
	return b >= e.From && b < upTo, false
}
