package pdf_test

import (
	"io"
	"runtime"
	"testing"

	"github.com/noren-commerce/noren/core/invoice"
)

// BenchmarkRender draws invoices of one, and of several pages:
// go test ./adapters/pdf -run '^$' -bench Render -benchmem -cpu 1,2
func BenchmarkRender(b *testing.B) {
	p := newPrinter(b)
	for name, lines := range map[string]int{"lines=8": 8, "lines=200": 200} {
		d := sample(invoice.KindInvoice, lines)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := p.Render(io.Discard, d); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "PDF/s")
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MiB-live")
		})
	}
}
