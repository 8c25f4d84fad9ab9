package server

import (
	"mime"
	"strconv"
	"strings"
)

// The media types of answers and requests.
const (
	mediaJSON    = "application/json"
	mediaGraphQL = "application/graphql-response+json"
	mediaEvents  = "text/event-stream"
	mediaForm    = "multipart/form-data"

	allowedMethods = "GET, POST, OPTIONS"
)

// offers are the media types of answers, the one for */* first.
var offers = [...]string{mediaJSON, mediaGraphQL, mediaEvents}

// negotiate chooses the answer's media type by the Accept header (RFC 9110 §12.5.1);
// empty when none that is offered is acceptable.
func negotiate(accept string) string {
	switch accept {
	case "", "*/*", mediaJSON:
		return mediaJSON
	case mediaGraphQL:
		return mediaGraphQL
	}
	best, bestQuality, bestOrder := "", 0.0, 0
	for _, offer := range offers {
		quality, order := acceptance(accept, offer)
		if quality > bestQuality || (quality == bestQuality && quality > 0 && order < bestOrder) {
			best, bestQuality, bestOrder = offer, quality, order
		}
	}
	return best
}

// acceptance is the quality that the header gives to a media type by its most
// specific range, and that range's place in the header.
func acceptance(accept, offer string) (quality float64, order int) {
	specific := -1
	for i, part := range strings.Split(accept, ",") {
		mediaRange, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		how := -1
		switch {
		case mediaRange == offer:
			how = 2
		case offer != mediaEvents && strings.HasSuffix(mediaRange, "/*") && strings.HasPrefix(offer, mediaRange[:len(mediaRange)-1]):
			how = 1
		case offer != mediaEvents && mediaRange == "*/*":
			how = 0
		}
		if how > specific {
			specific, quality, order = how, qualityOf(parameters), i
		}
	}
	return quality, order
}

func qualityOf(parameters map[string]string) float64 {
	q, ok := parameters["q"]
	if !ok {
		return 1
	}
	v, err := strconv.ParseFloat(q, 64)
	if err != nil || v < 0 || v > 1 {
		return 0
	}
	return v
}

// contentType is the request body's media type, and whether its charset is UTF-8.
func contentType(header string) (media string, utf8 bool) {
	if header == mediaJSON {
		return mediaJSON, true
	}
	media, parameters, err := mime.ParseMediaType(header)
	if err != nil {
		return "", true
	}
	charset, said := parameters["charset"]
	return media, !said || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}
