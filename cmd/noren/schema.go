package main

import (
	"os"

	"github.com/vektah/gqlparser/v2/formatter"

	"github.com/noren-commerce/noren/graph/generated"
)

// schemaCommand prints the schema as clients see it.
type schemaCommand struct{}

// Run prints the whole SDL to standard output.
func (schemaCommand) Run() error {
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	formatter.NewFormatter(os.Stdout, formatter.WithIndent("  ")).FormatSchema(schema)
	return nil
}
