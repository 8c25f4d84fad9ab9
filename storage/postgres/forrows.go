package postgres

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/jackc/pgx/v5"
)

// rowsStatement is a statement about rows that are handed to it. A single row is handed as
// VALUES, whose plan PostgreSQL keeps; more are handed as arrays, for which it plans anew
// each time, as it looks at how long they are.
type rowsStatement struct{ one, many string }

// forRows makes a statement that reads the rows w where it says ROWS. Columns are names
// and types, such as "id uuid, points bigint".
func forRows(columns, sql string) rowsStatement {
	var names, values, arrays []string
	for i, column := range strings.Split(columns, ", ") {
		name, kind, _ := strings.Cut(column, " ")
		names = append(names, name)
		values, arrays = append(values, fmt.Sprintf("$%d::%s", i+1, kind)), append(arrays, fmt.Sprintf("$%d::%s[]", i+1, kind))
	}
	as := " AS w (" + strings.Join(names, ", ") + ")"
	return rowsStatement{
		one:  strings.ReplaceAll(sql, "ROWS", "(VALUES ("+strings.Join(values, ", ")+"))"+as),
		many: strings.ReplaceAll(sql, "ROWS", "unnest("+strings.Join(arrays, ", ")+")"+as),
	}
}

// of is the statement for the rows whose columns are slices of the same length.
func (s rowsStatement) of(columns ...any) (sql string, args []any) {
	if reflect.ValueOf(columns[0]).Len() != 1 {
		return s.many, columns
	}
	args = make([]any, len(columns))
	for i, c := range columns {
		args[i] = reflect.ValueOf(c).Index(0).Interface()
	}
	return s.one, args
}

// queue queues it.
func (s rowsStatement) queue(batch *pgx.Batch, columns ...any) {
	sql, args := s.of(columns...)
	batch.Queue(sql, args...)
}

// readRows queues it as a query whose rows are read into the structs of into.
func readRows[T any](batch *pgx.Batch, s rowsStatement, into *[]T, columns ...any) {
	sql, args := s.of(columns...)
	queueRows(batch, into, nil, sql, args...)
}
