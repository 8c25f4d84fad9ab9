package customer

import (
	"encoding/json"

	"github.com/noren-commerce/noren/core/sealing"
)

// AddressValue is an address as a value that is sealed: what is kept of it is one sealed
// text, and beside it the prefecture, which figures by region need and which alone names
// nobody.
func AddressValue(at *Address) sealing.Value { return addressValue{at} }

type addressValue struct{ at *Address }

func (v addressValue) Plain() (string, error) {
	a := *v.at
	a.Sealed = ""
	if a == (Address{}) {
		return "", nil
	}
	raw, err := json.Marshal(a)
	return string(raw), err
}

func (v addressValue) Kept() string { return v.at.Sealed }
func (v addressValue) Keep(sealed string) {
	*v.at = Address{Prefecture: v.at.Prefecture, Sealed: sealed}
}
func (v addressValue) Open(plain string) error {
	*v.at = Address{}
	return json.Unmarshal([]byte(plain), v.at)
}

// AddressAt is the address that a pointer points to, if it points to one. Sealing it
// leaves alone whoever else points there.
func AddressAt(at **Address) sealing.Value { return addressAt{at} }

type addressAt struct{ at **Address }

func (v addressAt) Plain() (string, error) {
	if *v.at == nil {
		return "", nil
	}
	return addressValue{*v.at}.Plain()
}

func (v addressAt) Kept() string {
	if *v.at == nil {
		return ""
	}
	return (*v.at).Sealed
}

func (v addressAt) Keep(sealed string) {
	a := **v.at
	addressValue{&a}.Keep(sealed)
	*v.at = &a
}

func (v addressAt) Open(plain string) error {
	var a Address
	*v.at = &a
	return addressValue{&a}.Open(plain)
}
