package holiday

import "time"

// IsBankDay reports whether banks in Japan do business on the day (銀行営業日): not on weekends,
// holidays and from 31 December to 3 January (銀行法施行令第5条).
func IsBankDay(day time.Time) bool {
	weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
	newYear := (day.Month() == time.December && day.Day() == 31) || (day.Month() == time.January && day.Day() <= 3)
	return !weekend && !newYear && Name(day) == ""
}

// BankDay is the day, or else the next, on which banks do business.
func BankDay(day time.Time) time.Time {
	for !IsBankDay(day) {
		day = day.AddDate(0, 0, 1)
	}
	return day
}

// BankDayBefore is the last day before this one on which banks did business: what was
// transferred on an earlier day is on the bank's statements of that day.
func BankDayBefore(day time.Time) time.Time {
	for day = day.AddDate(0, 0, -1); !IsBankDay(day); {
		day = day.AddDate(0, 0, -1)
	}
	return day
}
