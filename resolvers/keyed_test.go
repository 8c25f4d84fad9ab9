package resolvers_test

import (
	"fmt"
	"sync"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/graph/generated"
)

// takesKey are the mutations whose input has an idempotency key.
var takesKey = sync.OnceValue(func() map[string]bool {
	s, found := generated.NewExecutableSchema(generated.Config{}).Schema(), map[string]bool{}
	for _, f := range s.Mutation.Fields {
		if input := f.Arguments.ForName("input"); input != nil {
			found[f.Name] = s.Types[input.Type.Name()].Fields.ForName("idempotencyKey") != nil
		}
	}
	return found
})

// keyed is the input with a key of its own, if the mutation takes one and none is given:
// another intent each time.
func keyed(mutation string, input apptest.Variables) apptest.Variables {
	if !takesKey()[mutation] || input["idempotencyKey"] != nil {
		return input
	}
	return with(input, "idempotencyKey", id.New().String())
}

// aKey is such a key, to be written into an input.
func aKey() string { return fmt.Sprintf("idempotencyKey: %q", id.New()) }
