package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
)

// Codes of requests that are refused before they run, in extensions.code. Those
// that Apollo's clients know carry Apollo's names.
const (
	CodeBadRequest            fault.Code = "BAD_REQUEST"
	CodeParseFailed           fault.Code = "GRAPHQL_PARSE_FAILED"
	CodeValidationFailed      fault.Code = "GRAPHQL_VALIDATION_FAILED"
	CodeBadUserInput          fault.Code = "BAD_USER_INPUT"
	CodeOperationUnknown      fault.Code = "OPERATION_RESOLUTION_FAILURE"
	CodeDocumentNotFound      fault.Code = "PERSISTED_QUERY_NOT_FOUND"
	CodeAutomaticUnsupported  fault.Code = "PERSISTED_QUERY_NOT_SUPPORTED"
	CodeDocumentMismatch      fault.Code = "PERSISTED_QUERY_HASH_MISMATCH"
	CodeRegisteredOnly        fault.Code = "REGISTERED_OPERATIONS_ONLY"
	CodeBatchUnsupported      fault.Code = "BATCHING_NOT_SUPPORTED"
	CodeInvalidUTF8           fault.Code = "INVALID_UTF8"
	CodeBodyTooLarge          fault.Code = "BODY_TOO_LARGE"
	CodeMediaTypeUnsupported  fault.Code = "UNSUPPORTED_MEDIA_TYPE"
	CodeNotAcceptable         fault.Code = "NOT_ACCEPTABLE"
	CodeMethodNotAllowed      fault.Code = "METHOD_NOT_ALLOWED"
	CodeCSRF                  fault.Code = "CSRF_PREVENTED"
	CodeIntrospectionDisabled fault.Code = "INTROSPECTION_DISABLED"
	CodeTooManyTokens         fault.Code = "TOO_MANY_TOKENS"
	CodeTooDeep               fault.Code = "QUERY_TOO_DEEP"
	CodeTooManyAliases        fault.Code = "TOO_MANY_ALIASES"
	CodeTooManyFields         fault.Code = "TOO_MANY_FIELDS"
	CodeTooManyRootFields     fault.Code = "TOO_MANY_ROOT_FIELDS"
	CodeTooManyDirectives     fault.Code = "TOO_MANY_DIRECTIVES"
	CodeTooManyFiles          fault.Code = "TOO_MANY_FILES"
	CodeTooCostly             fault.Code = "QUERY_TOO_COSTLY"
	CodeFragmentCycle         fault.Code = "FRAGMENT_CYCLE"
	CodeDeferUnsupported      fault.Code = "DEFER_NOT_SUPPORTED"
	CodeTooManyStreams        fault.Code = "TOO_MANY_STREAMS"
	CodeStreamNeeded          fault.Code = "SUBSCRIPTION_NEEDS_STREAM"
	CodeTimeout               fault.Code = "TIMEOUT"
	CodeCancelled             fault.Code = "CANCELLED"
	CodeInternal              fault.Code = "INTERNAL"
)

// refusal is a request that is answered without being run: errors and no data.
type refusal struct {
	status  int  // under application/graphql-response+json
	graphql bool // the HTTP was right and the GraphQL wrong: application/json clients get 200
	allow   string
	errors  gqlerror.List
}

// statusFor is the HTTP status under the media type of the answer.
func (r *refusal) statusFor(media string) int {
	if r.graphql && media == mediaJSON {
		return http.StatusOK
	}
	return r.status
}

func (r *refusal) codes() []string { return codesOf(r.errors) }

func refuseWith(ctx context.Context, status int, code fault.Code, ja, en string) *refusal {
	message := en
	if strings.HasPrefix(i18n.Language(ctx), "ja") {
		message = ja
	}
	return &refusal{status: status, errors: gqlerror.List{{
		Message: message, Extensions: map[string]any{"code": string(code)},
	}}}
}

// refuseOperation is a refusal of what the operation says, not of how it was sent.
func refuseOperation(ctx context.Context, code fault.Code, ja, en string) *refusal {
	r := refuseWith(ctx, http.StatusBadRequest, code, ja, en)
	r.graphql = true
	return r
}

// refuseInvalid passes on what the parser or the validator found.
func refuseInvalid(code fault.Code, errs gqlerror.List) *refusal {
	const most = 20
	list := make(gqlerror.List, 0, min(len(errs), most))
	for _, e := range errs[:min(len(errs), most)] {
		list = append(list, &gqlerror.Error{
			Message: e.Message, Path: e.Path, Locations: e.Locations,
			Extensions: map[string]any{"code": string(code)},
		})
	}
	return &refusal{status: http.StatusBadRequest, graphql: true, errors: list}
}

// refuseFault turns a failure met before execution (authentication, rate limit,
// registry out of reach) into an answer with the status of its kind.
func (s *Server) refuseFault(ctx context.Context, err error) *refusal {
	status := http.StatusInternalServerError
	if faults := fault.All(err); len(faults) > 0 {
		status = StatusOf(faults[0].Kind)
	}
	return &refusal{status: status, errors: gqlerror.List{s.present(ctx, err)}}
}

// StatusOf is the HTTP status that says what a fault's kind says.
func StatusOf(k fault.Kind) int {
	switch k {
	case fault.KindInvalid:
		return http.StatusBadRequest
	case fault.KindNotFound:
		return http.StatusNotFound
	case fault.KindConflict:
		return http.StatusConflict
	case fault.KindForbidden:
		return http.StatusForbidden
	case fault.KindUnauthenticated:
		return http.StatusUnauthorized
	case fault.KindLimited:
		return http.StatusTooManyRequests
	case fault.KindUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func refuseLimit(ctx context.Context, code fault.Code, ja, en string, got, most int) *refusal {
	r := refuseOperation(ctx, code, "", "")
	f := fault.Invalid(code, "クエリの"+ja+"が多すぎます（%d、上限%d）", "The operation has too many "+en+" (%d, at most %d)").With(got, most)
	r.errors[0].Message = f.Message(i18n.Language(ctx))
	return r
}

func refuseTokens(ctx context.Context, most int) *refusal {
	r := refuseOperation(ctx, CodeTooManyTokens, "", "")
	f := fault.Invalid(CodeTooManyTokens, "クエリが長すぎます（上限%dトークン）", "The document has more than %d tokens").With(most)
	r.errors[0].Message = f.Message(i18n.Language(ctx))
	return r
}

func refuseCycle(ctx context.Context, name string) *refusal {
	r := refuseOperation(ctx, CodeFragmentCycle, "", "")
	f := fault.Invalid(CodeFragmentCycle, "フラグメント%qが自分自身を含んでいます", "Fragment %q contains itself").With(name)
	r.errors[0].Message = f.Message(i18n.Language(ctx))
	return r
}

func refuseDefer(ctx context.Context) *refusal {
	return refuseOperation(ctx, CodeDeferUnsupported, "@defer には対応していません", "@defer is not supported")
}

func refuseMethod(ctx context.Context) *refusal {
	r := refuseWith(ctx, http.StatusMethodNotAllowed, CodeMethodNotAllowed, "GETまたはPOSTで送信してください", "Use GET or POST")
	r.allow = allowedMethods
	return r
}

func refuseMutationByGET(ctx context.Context) *refusal {
	r := refuseWith(ctx, http.StatusMethodNotAllowed, CodeMethodNotAllowed,
		"GETで実行できるのはクエリだけです。POSTで送信してください", "Only queries may be sent by GET; use POST")
	r.allow = http.MethodPost
	return r
}

func refuseBody(ctx context.Context, err error) *refusal {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		f := fault.Invalid(CodeBodyTooLarge, "リクエストが大きすぎます（上限%dバイト）", "The request body is larger than %d bytes").With(tooLarge.Limit)
		return refuseWith(ctx, http.StatusRequestEntityTooLarge, CodeBodyTooLarge, f.JA, f.EN)
	}
	return refuseWith(ctx, http.StatusBadRequest, CodeBadRequest, "リクエストを最後まで受信できませんでした", "The request body did not arrive whole")
}

func refuseMalformed(ctx context.Context, ja, en string) *refusal {
	return refuseWith(ctx, http.StatusBadRequest, CodeBadRequest, ja, en)
}
