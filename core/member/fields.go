package member

import (
	"errors"
	"strings"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/identity"
)

// maxWording bounds what is written down of a text or a reason, in characters.
const maxWording = 200

// normalEmail is the address as noren keeps it; nothing stays nothing.
func normalEmail(typed string) (string, error) {
	if strings.TrimSpace(typed) == "" {
		return "", nil
	}
	email, err := identity.NormaliseEmail(typed)
	if err != nil {
		return "", identity.ErrEmail.At("person.email")
	}
	return email, nil
}

// under puts the fields of all failures in err below a field.
func under(field string, err error) error {
	var all []error
	for _, f := range fault.All(err) {
		all = append(all, f.At(strings.TrimSuffix(field+"."+f.Field, ".")))
	}
	if err != nil && len(all) == 0 {
		return err
	}
	return errors.Join(all...)
}
