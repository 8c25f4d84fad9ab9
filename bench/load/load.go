// Package load puts a bounded load on an HTTP server of this machine and times
// every answer. It speaks HTTP/1.1 on bare connections, so that the two cores it
// shares with the server are the server's.
package load

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Request is one HTTP request to send as it is.
type Request struct {
	Method, Path string
	Header       http.Header
	Body         []byte
}

func (r Request) bytes(host string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", r.Method, r.Path, host, len(r.Body))
	_ = r.Header.Write(&b)
	b.WriteString("\r\n")
	b.Write(r.Body)
	return b.Bytes()
}

// Next makes the n-th request of a connection.
type Next func(connection, n int) Request

// Heard is told the body of each answer; an error ends the load.
type Heard func(connection int, answer []byte) error

// Result is what a load measured.
type Result struct {
	Answers   int
	All       int // answers, those of the warm-up included
	Failed    int // answers that were not 200, or broken connections
	PerSecond float64
	P50, P99  time.Duration
	Last      []byte // the body of one of the answers
}

// Run keeps the connections busy for the time and measures. Latencies of the
// first tenth are left out: it warms caches and prepared statements.
func Run(ctx context.Context, address string, connections int, d time.Duration, next Next) (Result, error) {
	return Walk(ctx, address, connections, d, next, func(int, []byte) error { return nil })
}

// Walk is Run for requests that depend on the answers before them.
func Walk(ctx context.Context, address string, connections int, d time.Duration, next Next, heard Heard) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var (
		mutex     sync.Mutex
		latencies []time.Duration
		total     Result
		group     sync.WaitGroup
		firstErr  error
	)
	warm := time.Now().Add(d / 10)
	for c := range connections {
		group.Go(func() {
			own, all, failed, last, err := one(ctx, address, c, warm, next, heard)
			mutex.Lock()
			defer mutex.Unlock()
			latencies = append(latencies, own...)
			total.All += all
			total.Failed += failed
			if last != nil {
				total.Last = last
			}
			if err != nil && firstErr == nil {
				firstErr = err
			}
		})
	}
	group.Wait()
	total.Answers = len(latencies)
	total.PerSecond = float64(len(latencies)) / (d * 9 / 10).Seconds()
	slices.Sort(latencies)
	if n := len(latencies); n > 0 {
		total.P50, total.P99 = latencies[n/2], latencies[n*99/100]
	}
	return total, firstErr
}

func one(ctx context.Context, address string, c int, warm time.Time, next Next, heard Heard) (latencies []time.Duration, all, failed int, last []byte, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, 0, 0, nil, err
	}
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReaderSize(conn, 64<<10)
	for n := 0; ctx.Err() == nil; n++ {
		request := next(c, n).bytes(address)
		start := time.Now()
		if _, err := conn.Write(request); err != nil {
			return latencies, all, failed + 1, last, err
		}
		status, body, err := answer(reader)
		if err != nil {
			return latencies, all, failed + 1, last, err
		}
		took := time.Since(start)
		all++
		if err := heard(c, body); err != nil {
			return latencies, all, failed + 1, body, err
		}
		last = body
		switch {
		case status != http.StatusOK:
			failed++
		case start.After(warm):
			latencies = append(latencies, took)
		}
	}
	return latencies, all, failed, last, nil
}

// answer reads one response; only what noren and the baseline send is understood.
func answer(r *bufio.Reader) (int, []byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, nil, err
	}
	length, chunked := 0, false
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		}
	}
	if chunked {
		body, err := readChunks(r)
		return status, body, err
	}
	body := make([]byte, length)
	_, err = io.ReadFull(r, body)
	return status, body, err
}

func readChunks(r *bufio.Reader) ([]byte, error) {
	var body []byte
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return nil, err
		}
		chunk := make([]byte, size+2)
		if _, err := io.ReadFull(r, chunk); err != nil {
			return nil, err
		}
		if size == 0 {
			return body, nil
		}
		body = append(body, chunk[:size]...)
	}
}
