package event

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Free are the names under which events hold what people typed, or what names a person.
// Kinds, amounts, ids, references and dates are facts and are none of these.
var Free = []string{
	"reason", "note", "text", "remark", "message", "memo", "comment", "name", "kana", "recipient", "email", "phone", "address", "shippingAddress", "billingAddress",
	"theirMember", "birthday",
}

// machine are reasons that noren itself gave.
var machine = []string{"claimed", "migration"}

// Forget is the data of an event without what Free names, however deep it lies, and
// whether there was something: texts are emptied, and so is what an address holds.
func Forget(data json.RawMessage) (json.RawMessage, bool, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber() // amounts stay as they were written
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, false, err
	}
	changed := false
	value = forget(value, false, &changed)
	if !changed {
		return data, false, nil
	}
	raw, err := json.Marshal(value)
	return raw, true, err
}

func forget(value any, free bool, changed *bool) any {
	switch v := value.(type) {
	case string:
		if free && v != "" && !slices.Contains(machine, v) {
			*changed = true
			return ""
		}
	case map[string]any:
		for name, inner := range v {
			v[name] = forget(inner, free || slices.Contains(Free, name), changed)
		}
	case []any:
		for i := range v {
			v[i] = forget(v[i], free, changed)
		}
	}
	return value
}
