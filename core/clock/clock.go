// Package clock gives the core its time, so that tests can choose it.
package clock

import "time"

// Clock tells the present moment in UTC.
type Clock func() time.Time

// System is the machine's clock, cut to the microseconds that PostgreSQL keeps.
func System() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Fixed is a clock that always shows t.
func Fixed(t time.Time) Clock { return func() time.Time { return t } }
