package migration_test

import (
	"fmt"
	"io"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/migration"
)

// people is a file of so many members that is made while it is read.
type people struct {
	rows, next int
	rest       []byte
}

func (p *people) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		switch {
		case p.next == 0:
			p.rest = []byte(memberHead)
		case p.next > p.rows:
			return 0, io.EOF
		default:
			p.rest = []byte(memberRow("A"+strconv.Itoa(p.next), p.next, "昭和50年1月2日"))
		}
		p.next++
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// A long file is read a batch at a time: what is held does not grow with it.
func TestAFileOfAnyLengthNeedsLittleMemory(t *testing.T) {
	d := newDesk(t)
	const rows, most = 100_000, 100 << 20
	peak := uint64(0)
	run, err := d.past.Import(d.ctx(t), migration.FileInput{
		Kind: migration.Members, FileName: "old.csv", Mapping: memberMapping, DryRun: true,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(&people{rows: rows}), nil },
		Progress: func(read int64) {
			if read%(1<<20) < 4<<10 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
			}
		},
	})
	require.NoError(t, err)
	require.Equal(t, rows, run.Accepted, run.Failure)
	require.Less(t, peak, uint64(most), "heap in use")
}

// BenchmarkMembers takes members: ns/op is a member's.
func BenchmarkMembers(b *testing.B) {
	d := newDesk(b)
	rows := max(b.N, 20_000)
	b.ResetTimer()
	run, err := d.past.Import(d.ctx(b), migration.FileInput{
		Kind: migration.Members, FileName: "old.csv", Mapping: memberMapping,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(&people{rows: rows}), nil },
	})
	require.NoError(b, err)
	require.Equal(b, rows, run.Accepted, fmt.Sprint(run.Failure))
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "members/s")
}
