package segment_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/segment"
)

// Of every condition it is said whether staff of a shop may ask it about members of others:
// only what is shown of a masked member, too.
func TestWhatIsNotShownOfMaskedMembersIsNotFoundOut(t *testing.T) {
	t.Parallel()
	open := map[string]bool{"Store": true, "RankIDs": true}
	for field, value := range reflect.ValueOf(&segment.Condition{}).Elem().Fields() {
		if field.Name == "All" || field.Name == "Any" || field.Name == "Not" {
			continue
		}
		c := segment.Condition{}
		asked := reflect.ValueOf(&c).Elem().FieldByIndex(field.Index)
		if value.Kind() == reflect.Slice {
			asked.Set(reflect.MakeSlice(field.Type, 1, 1))
		} else {
			asked.Set(reflect.New(field.Type.Elem()))
		}
		require.Equal(t, !open[field.Name], c.Private(), field.Name)
		require.Equal(t, !open[field.Name], segment.Condition{All: []segment.Condition{{Not: &c}}}.Private(), field.Name)
	}
}
