package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

// Documents finds operations that were registered before they are run.
type Documents interface {
	// Document is the source registered under the id for the context's caller;
	// false when there is none. It also counts the use.
	Document(ctx context.Context, id string) (source string, found bool, err error)
}

// Automatic remembers documents by their SHA-256 (Apollo's automatic persisted
// queries). It may forget: the client then sends the document again.
type Automatic interface {
	Get(ctx context.Context, sha256 string) (source string, found bool)
	Put(ctx context.Context, sha256, source string)
}

// The ways in which a document reaches the server.
const (
	sourceAdHoc      = "adhoc"
	sourceRegistered = "registered"
	sourceAutomatic  = "automatic"
)

// resolve finds the source of the operation that the parameters ask for.
//
// A request names a registered operation by documentId ("sha256:…" or a bare id)
// or by Apollo's extensions.persistedQuery; a document beside the id is then
// ignored unless APQ is in play. Anything else is an ad-hoc document.
func (s *Server) resolve(ctx context.Context, p *params) (source, how string, _ *refusal) {
	id := p.documentID
	if id == "" {
		id = p.hash
	}
	policy := s.Policy(ctx)
	if id == "" {
		if p.query == "" {
			return "", "", refuseMalformed(ctx, "queryかdocumentIdを指定してください", "Give a query or a documentId")
		}
		if !policy.AdHoc {
			return "", "", refuseUnregistered(ctx)
		}
		return p.query, sourceAdHoc, nil
	}
	id = strings.TrimPrefix(id, "sha256:")
	if s.Documents != nil {
		source, found, err := s.Documents.Document(ctx, id)
		if err != nil {
			return "", "", s.refuseFault(ctx, err)
		}
		if found {
			return source, sourceRegistered, nil
		}
	}
	if p.hash == "" {
		return "", "", refuseUnknownDocument(ctx)
	}
	return s.resolveAutomatic(ctx, p, policy)
}

func (s *Server) resolveAutomatic(ctx context.Context, p *params, policy Policy) (source, how string, _ *refusal) {
	if s.Automatic == nil || !policy.Automatic {
		if !policy.AdHoc {
			return "", "", refuseUnregistered(ctx)
		}
		// The message is part of Apollo's protocol.
		return "", "", refuseOperation(ctx, CodeAutomaticUnsupported, "PersistedQueryNotSupported", "PersistedQueryNotSupported")
	}
	hash := strings.ToLower(p.hash)
	if p.query == "" {
		if source, ok := s.Automatic.Get(ctx, hash); ok {
			return source, sourceAutomatic, nil
		}
		return "", "", refuseUnknownDocument(ctx)
	}
	if sum := sha256.Sum256([]byte(p.query)); hex.EncodeToString(sum[:]) != hash {
		return "", "", refuseOperation(ctx, CodeDocumentMismatch,
			"sha256Hashがクエリと一致しません", "The sha256Hash is not that of the query")
	}
	p.remember = true
	return p.query, sourceAutomatic, nil
}

// refuseUnknownDocument speaks Apollo's protocol: the client sends the document
// again when it reads this message.
func refuseUnknownDocument(ctx context.Context) *refusal {
	r := refuseOperation(ctx, CodeDocumentNotFound, "PersistedQueryNotFound", "PersistedQueryNotFound")
	r.status = http.StatusNotFound
	return r
}

func refuseUnregistered(ctx context.Context) *refusal {
	return refuseWith(ctx, http.StatusForbidden, CodeRegisteredOnly,
		"登録済みの操作だけを実行できます", "Only registered operations may be run")
}
