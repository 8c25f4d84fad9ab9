package telemetry

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the numbers that Prometheus reads.
type Metrics struct {
	registry   *prometheus.Registry
	duration   *prometheus.HistogramVec
	statements *prometheus.HistogramVec
	errors     *prometheus.CounterVec
	refused    *prometheus.CounterVec
	running    prometheus.Gauge
	gateways   *prometheus.HistogramVec
}

// NewMetrics makes the numbers of one noren.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "noren_operation_duration_seconds", Help: "Time that GraphQL operations took, by name.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"operation", "kind", "cached"}),
		statements: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "noren_operation_statements", Help: "SQL statements that one GraphQL operation ran, by name.",
			Buckets: []float64{0, 1, 2, 3, 5, 7, 10, 15, 20, 50, 100},
		}, []string{"operation"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "noren_operation_errors_total", Help: "Errors in answers to GraphQL operations, by name and code.",
		}, []string{"operation", "code"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "noren_operations_refused_total", Help: "GraphQL requests that were refused before they ran, by code.",
		}, []string{"code"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "noren_operations_running", Help: "GraphQL operations that run now, subscriptions included.",
		}),
	}
	m.gateways = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "noren_gateway_call_duration_seconds", Help: "Time that calls to payment gateways took, by gateway, verb and outcome.",
		Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 20, 40},
	}, []string{"gateway", "verb", "outcome"})
	m.registry.MustRegister(m.duration, m.statements, m.errors, m.refused, m.running, m.gateways,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// GatewayCall counts one call to a payment gateway.
func (m *Metrics) GatewayCall(gateway, verb, outcome string, took time.Duration) {
	m.gateways.WithLabelValues(gateway, verb, outcome).Observe(took.Seconds())
}

// Handler answers Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Number is a metric that is looked up when Prometheus asks.
type Number struct {
	Name    string
	Help    string
	Counts  bool // it only rises: a counter
	Label   string
	Timeout time.Duration // bounds the look-up; zero when it costs nothing
	// Read gives the values by label; with no label, under "".
	Read func(context.Context) (map[string]float64, error)
}

// Watch adds numbers.
func (m *Metrics) Watch(numbers ...Number) {
	for _, n := range numbers {
		var labels []string
		if n.Label != "" {
			labels = []string{n.Label}
		}
		m.registry.MustRegister(&watched{n, prometheus.NewDesc(n.Name, n.Help, labels, nil)})
	}
}

// watched is a Number as Prometheus wants it.
type watched struct {
	Number
	desc *prometheus.Desc
}

// Describe says what there is.
func (w *watched) Describe(descs chan<- *prometheus.Desc) { descs <- w.desc }

// Collect reads it. What cannot be read now is left out; the rest is told.
func (w *watched) Collect(metrics chan<- prometheus.Metric) {
	ctx := context.Background()
	if w.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.Timeout)
		defer cancel()
	}
	values, err := w.Read(ctx)
	if err != nil {
		return
	}
	kind := prometheus.GaugeValue
	if w.Counts {
		kind = prometheus.CounterValue
	}
	for label, value := range values {
		var labels []string
		if w.Label != "" {
			labels = []string{label}
		}
		if metric, err := prometheus.NewConstMetric(w.desc, kind, value, labels...); err == nil {
			metrics <- metric
		}
	}
}
