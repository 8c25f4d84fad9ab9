//go:build tools

// Package noren pins the versions of the tools that generate code.
package noren

import _ "github.com/99designs/gqlgen"
