package scope

import "github.com/noren-commerce/noren/core/id"

// Customer is the audience of the one member or company with the global id; false
// for the id of anything else.
func Customer(global string) (Audience, bool) {
	kind, key, err := id.Parse(global)
	switch {
	case err != nil:
	case kind == "Account":
		return Audience{Member, key}, true
	case kind == "Company":
		return Audience{Company, key}, true
	}
	return Audience{}, false
}
