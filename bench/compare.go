package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/noren-commerce/noren/bench/load"
)

// question is one that noren and the baseline both answer.
type question struct {
	name      string
	operation string // file in clients/app
	variables map[string]any
	baseline  string // path
}

var questions = []question{
	{"list", "ProductList", map[string]any{"first": 20}, "/list"},
	{"detail", "ProductDetail", map[string]any{"slug": "dog-dry-dry-chicken-puppy-morinoke"}, "/detail?slug=dog-dry-dry-chicken-puppy-morinoke"},
	{"search", "ProductSearch", map[string]any{"first": 20, "filter": map[string]any{"query": "シニア サーモン", "inStock": true}}, "/search?q=%E3%82%B7%E3%83%8B%E3%82%A2+%E3%82%B5%E3%83%BC%E3%83%A2%E3%83%B3"},
}

// operationBody is the JSON body of an operation of the app.
func operationBody(file string, variables any, also ...string) ([]byte, error) {
	var text []byte
	for _, name := range append([]string{file}, also...) {
		raw, err := os.ReadFile("clients/app/" + name + ".graphql")
		if err != nil {
			return nil, err
		}
		if name != file { // the fragment that the file shares
			raw, _, _ = bytes.Cut(raw, []byte("\nquery "))
		}
		text = append(text, raw...)
	}
	return json.Marshal(map[string]any{"query": string(text), "variables": variables})
}

// compare measures the three servers in turn, round by round.
func compare(ctx context.Context, s settings, f *fleet, q question) error {
	body, err := operationBody(q.operation, q.variables)
	if err != nil {
		return err
	}
	graphql := load.Request{Method: http.MethodPost, Path: "/graphql", Header: jsonHeader(), Body: body}
	plain := load.Request{Method: http.MethodPost, Path: q.baseline, Header: jsonHeader()}
	results := map[string][]load.Result{}
	spent := map[string]time.Duration{} // processor time of the server, by side
	answers := map[string]int{}
	for range s.rounds {
		for _, side := range []struct {
			name    string
			server  *child
			request load.Request
		}{{"baseline", f.baseline, plain}, {"uncached", f.plain, graphql}, {"cached", f.cached, graphql}} {
			before := side.server.cpu()
			r, err := load.Run(ctx, side.server.address, s.connections, s.length(), func(int, int) load.Request { return side.request })
			if err != nil {
				return fmt.Errorf("%s of %s: %w (%.200s)", q.name, side.name, err, r.Last)
			}
			if r.Failed > 0 {
				return fmt.Errorf("%s of %s: %d answers failed: %.300s", q.name, side.name, r.Failed, r.Last)
			}
			results[side.name] = append(results[side.name], r)
			spent[side.name] += side.server.cpu() - before
			answers[side.name] += r.All
		}
	}
	same := len(results["baseline"][0].Last) > 0 && bytes.Equal(results["baseline"][0].Last, results["uncached"][0].Last) && bytes.Equal(results["uncached"][0].Last, results["cached"][0].Last)
	base := median(results["baseline"])
	fmt.Printf("%-9s same bytes: %v (%d)\n", q.name, same, len(results["baseline"][0].Last))
	if !same {
		fmt.Println("  they part at:", difference(results["baseline"][0].Last, results["uncached"][0].Last))
	}
	each := func(side string) time.Duration { return spent[side] / time.Duration(max(answers[side], 1)) }
	for _, name := range []string{"baseline", "uncached", "cached"} {
		r := median(results[name])
		fmt.Printf("  %-9s %8.0f/s  ratio %5.2f  cpu %-7s ratio %5.2f  p50 %-9s p99 %-9s p99/p50 %.1f\n", name, r.PerSecond, r.PerSecond/base.PerSecond,
			each(name).Round(time.Microsecond), float64(each(name))/float64(max(each("baseline"), 1)),
			r.P50.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond), float64(r.P99)/float64(r.P50))
	}
	return nil
}

// median is the measurement whose throughput stands in the middle.
func median(all []load.Result) load.Result {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b load.Result) int { return int(a.PerSecond - b.PerSecond) })
	return sorted[len(sorted)/2]
}

// difference shows where two answers part.
func difference(a, b []byte) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	around := func(s []byte) []byte { return s[max(0, min(i, len(s))-60):min(len(s), i+60)] }
	return fmt.Sprintf("byte %d\n    %s\n    %s", i, around(a), around(b))
}
