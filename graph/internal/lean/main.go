// Command lean makes gqlgen's code resolve fields by graph/run instead of gqlgen's
// runtime, and takes out what noren pays for and does not use. It changes text of
// known shape only: what it does not know stays as gqlgen made it, and works.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := rewrite("generated/*.generated.go"); err != nil {
		fmt.Fprintln(os.Stderr, "lean:", err)
		os.Exit(1)
	}
}

func rewrite(pattern string) error {
	names, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("no generated code here")
	}
	files := map[string][]byte{}
	for _, name := range names {
		if files[name], err = os.ReadFile(name); err != nil { //nolint:gosec // the names come from this folder
			return err
		}
	}
	known := learn(files)
	slimmed := map[string][]byte{}
	for name, text := range files {
		slimmed[name] = slim(text, known)
	}
	prune(slimmed)
	for name, before := range files {
		after, err := formatted(name, slimmed[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, slow := range []string{"graphql.CollectFields(", "graphql.MarshalSliceConcurrently(", "graphql.NewFieldSet("} {
			if bytes.Contains(after, []byte(slow)) {
				return fmt.Errorf("%s: gqlgen writes %s otherwise than this command knows", name, slow)
			}
		}
		if bytes.Equal(before, after) {
			continue
		}
		if err := os.WriteFile(name, after, 0o600); err != nil { //nolint:gosec // the names come from this folder
			return err
		}
	}
	return nil
}
