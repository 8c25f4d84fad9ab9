// Package fault is how the core says no: a typed business failure with a kind,
// a code, the field it is about, and one sentence in Japanese and in English.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Kind is the broad class of a failure; the edge chooses transport behaviour by it.
type Kind string

// The kinds of failure.
const (
	KindInvalid         Kind = "INVALID"         // the input breaks a rule
	KindNotFound        Kind = "NOT_FOUND"       // no such thing, or not yours to see
	KindConflict        Kind = "CONFLICT"        // the world changed, or forbids it now
	KindForbidden       Kind = "FORBIDDEN"       // known caller, no right
	KindUnauthenticated Kind = "UNAUTHENTICATED" // unknown caller
	KindLimited         Kind = "RATE_LIMITED"    // too many attempts, try later
	KindUnavailable     Kind = "UNAVAILABLE"     // something noren needs is down, try again
)

// Error is one business failure. Field is a dotted path into the input
// ("lines.0.quantity"), empty when the failure is about the whole.
type Error struct {
	Kind  Kind
	Code  Code
	Field string
	JA    string
	EN    string
}

func (e *Error) Error() string {
	if e.Field == "" {
		return string(e.Code) + ": " + e.EN
	}
	return string(e.Code) + " at " + e.Field + ": " + e.EN
}

// Is matches another *Error by code, so errors.Is works against the exported values.
func (e *Error) Is(target error) bool {
	var t *Error
	return errors.As(target, &t) && t.Code == e.Code
}

// Message is the sentence in the given language ("ja", else English).
func (e *Error) Message(language string) string {
	if strings.HasPrefix(language, "ja") {
		return e.JA
	}
	return e.EN
}

// At returns a copy of the failure that names the field it is about.
func (e *Error) At(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// With returns a copy whose sentences are formatted with args (fmt verbs).
func (e *Error) With(args ...any) *Error {
	c := *e
	c.JA, c.EN = fmt.Sprintf(e.JA, args...), fmt.Sprintf(e.EN, args...)
	return &c
}

// Invalid says that the input breaks a rule.
func Invalid(code Code, ja, en string) *Error { return &Error{KindInvalid, code, "", ja, en} }

// NotFound says that there is no such thing, or none that the caller may see.
func NotFound(code Code, ja, en string) *Error { return &Error{KindNotFound, code, "", ja, en} }

// Conflict says that the present state of things forbids the change.
func Conflict(code Code, ja, en string) *Error { return &Error{KindConflict, code, "", ja, en} }

// Forbidden says that the caller is known and may not.
func Forbidden(code Code, ja, en string) *Error { return &Error{KindForbidden, code, "", ja, en} }

// Unauthenticated says that the caller is not known.
func Unauthenticated(code Code, ja, en string) *Error {
	return &Error{KindUnauthenticated, code, "", ja, en}
}

// Limited says that the caller has tried too often.
func Limited(code Code, ja, en string) *Error { return &Error{KindLimited, code, "", ja, en} }

// Unavailable says that something noren depends on does not answer.
func Unavailable(code Code, ja, en string) *Error { return &Error{KindUnavailable, code, "", ja, en} }

// All returns every business failure inside err, looking through wrapping and
// errors.Join; nil when there is none.
func All(err error) []*Error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*Error
		for _, e := range joined.Unwrap() {
			all = append(all, All(e)...)
		}
		return all
	}
	var e *Error
	if errors.As(err, &e) {
		return []*Error{e}
	}
	return nil
}
