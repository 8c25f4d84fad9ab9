package order

import "github.com/noren-commerce/noren/core/symbols"

// numberLength is the number of random symbols before the check symbol: 29^9 is some
// 14 trillion, too many to guess or to count orders by.
const numberLength = 9

// NewNumber is a random order number such as "7KXQ9-B4TMH".
func NewNumber() (string, error) {
	drawn, err := symbols.Draw(numberLength)
	if err != nil {
		return "", err
	}
	return drawn[:5] + "-" + drawn[5:], nil
}

// ParseNumber brings a number that a person typed into its form; ok is false if
// it cannot be one.
func ParseNumber(typed string) (number string, ok bool) {
	read, ok := symbols.Read(typed, numberLength)
	if !ok {
		return "", false
	}
	return read[:5] + "-" + read[5:], true
}
