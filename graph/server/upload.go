package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
)

// readForm reads a GraphQL multipart request: the parts "operations" and "map",
// then the files that map names (github.com/jaydenseric/graphql-multipart-request-spec).
// Files are streamed: what is larger than Limits.UploadMemory goes to a temporary file.
func (s *Server) readForm(w http.ResponseWriter, r *http.Request) (*params, *refusal) {
	ctx := r.Context()
	if r.ContentLength > s.Limits.Upload {
		return nil, refuseBody(ctx, &http.MaxBytesError{Limit: s.Limits.Upload})
	}
	limitBody(w, r, s.Limits.Upload)
	reader, err := r.MultipartReader()
	if err != nil {
		return nil, refuseMalformed(ctx, "multipart/form-dataの形式が正しくありません", "The multipart body is malformed")
	}
	operations, refused := s.readField(ctx, reader, "operations")
	if refused != nil {
		return nil, refused
	}
	p, refused := decodeParams(ctx, operations)
	if refused != nil {
		return nil, refused
	}
	rawMap, refused := s.readField(ctx, reader, "map")
	if refused != nil {
		return nil, refused
	}
	var places map[string][]string
	if err := json.Unmarshal(rawMap, &places); err != nil {
		return nil, refuseMalformed(ctx, "mapの形式が正しくありません", "The part \"map\" must be an object of lists of paths")
	}
	if len(places) > s.Limits.Files {
		return nil, refuseLimit(ctx, CodeTooManyFiles, "ファイル", "files", len(places), s.Limits.Files)
	}
	if refused := s.readFiles(ctx, reader, p, places); refused != nil {
		p.close()
		return nil, refused
	}
	return p, nil
}

// readField reads the next part, which must have the name.
func (s *Server) readField(ctx context.Context, reader *multipart.Reader, name string) ([]byte, *refusal) {
	part, err := reader.NextPart()
	if err != nil || part.FormName() != name {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			return nil, refuseBody(ctx, err)
		}
		return nil, refuseMalformed(ctx, "operations、map、ファイルの順に送信してください",
			"Send the parts \"operations\", \"map\" and then the files, in this order")
	}
	raw, err := io.ReadAll(io.LimitReader(part, s.Limits.Body+1))
	if err == nil && int64(len(raw)) > s.Limits.Body {
		err = &http.MaxBytesError{Limit: s.Limits.Body}
	}
	if err != nil {
		return nil, refuseBody(ctx, err)
	}
	return raw, nil
}

func (s *Server) readFiles(ctx context.Context, reader *multipart.Reader, p *params, places map[string][]string) *refusal {
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return refuseBody(ctx, err)
		}
		paths, ok := places[part.FormName()]
		if !ok {
			return refuseMalformed(ctx, "mapにないファイルがあります", "A file is not named in \"map\"")
		}
		delete(places, part.FormName())
		upload, err := s.spool(p, part)
		if err != nil {
			return refuseBody(ctx, err)
		}
		for _, path := range paths {
			if !place(p.variables, path, upload) {
				return refuseMalformed(ctx, "mapのパスが変数を指していません", "A path in \"map\" does not lead to a null variable")
			}
		}
	}
	if len(places) > 0 {
		return refuseMalformed(ctx, "mapにあるファイルが届いていません", "A file named in \"map\" was not sent")
	}
	return nil
}

// spool takes the whole file, in memory when small.
func (s *Server) spool(p *params, part *multipart.Part) (graphql.Upload, error) {
	upload := graphql.Upload{Filename: part.FileName(), ContentType: part.Header.Get("Content-Type")}
	var head bytes.Buffer
	n, err := io.CopyN(&head, part, s.Limits.UploadMemory)
	if errors.Is(err, io.EOF) {
		upload.File, upload.Size = bytes.NewReader(head.Bytes()), n
		return upload, nil
	}
	if err != nil {
		return upload, err
	}
	file, err := os.CreateTemp("", "noren-upload-*")
	if err != nil {
		return upload, err
	}
	p.files = append(p.files, file)
	if upload.Size, err = io.Copy(file, io.MultiReader(&head, part)); err != nil {
		return upload, err
	}
	_, err = file.Seek(0, io.SeekStart)
	upload.File = file
	return upload, err
}

// close removes the temporary files of the request.
func (p *params) close() {
	for _, f := range p.files {
		_ = f.Close()
		_ = os.Remove(f.Name()) //nolint:gosec // noren made the name
	}
	p.files = nil
}

// place puts the upload where the path leads: "variables.input.files.0". The place
// must exist and be null.
func place(variables map[string]any, path string, upload graphql.Upload) bool {
	steps := strings.Split(path, ".")
	if len(steps) < 2 || steps[0] != "variables" {
		return false
	}
	var at any = variables
	for i, step := range steps[1:] {
		var put func(any)
		at, put = inside(at, step)
		if put == nil {
			return false
		}
		if i == len(steps)-2 && at == nil {
			put(upload)
			return true
		}
	}
	return false
}

// inside is the member of a JSON container, and how to replace it; put is nil when
// there is no such member.
func inside(container any, step string) (member any, put func(any)) {
	switch c := container.(type) {
	case map[string]any:
		if member, ok := c[step]; ok {
			return member, func(v any) { c[step] = v }
		}
	case []any:
		if n, err := strconv.Atoi(step); err == nil && n >= 0 && n < len(c) {
			return c[n], func(v any) { c[n] = v }
		}
	}
	return nil, nil
}
