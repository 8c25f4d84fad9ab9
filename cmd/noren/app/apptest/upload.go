package apptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
)

// File is a file that a client sends, as it calls it and says it is.
type File struct {
	Name, ContentType string
	Content           []byte
}

// Upload sends an operation with a file for the variable at the path, such as
// input.file, as browsers send forms.
func (a *App) Upload(t testing.TB, query string, variables Variables, path string, file File, headers ...string) Answer {
	t.Helper()
	return a.upload(t, map[string]any{"query": query, "variables": variables}, path, file, headers)
}

// UploadRegistered is Upload of the registered operation with the id.
func (a *App) UploadRegistered(t testing.TB, documentID string, variables Variables, path string, file File, headers ...string) Answer {
	t.Helper()
	return a.upload(t, map[string]any{"documentId": documentID, "variables": variables}, path, file, headers)
}

func (a *App) upload(t testing.TB, operation map[string]any, path string, file File, headers []string) Answer {
	t.Helper()
	body, contentType := multipartForm(t, operation, path, file)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+"/graphql", body)
	require.NoError(t, err)
	request.Header.Set("Content-Type", contentType)
	return a.send(t, request, headers)
}

// UploadAs is Upload by the actor, whom nobody has had to log in.
func (a *App) UploadAs(t testing.TB, actor access.Actor, query string, variables Variables, path string, file File) Answer {
	t.Helper()
	body, contentType := multipartForm(t, map[string]any{"query": query, "variables": variables}, path, file)
	return a.askAs(t, actor, body, contentType)
}

func multipartForm(t testing.TB, operation map[string]any, path string, file File) (*bytes.Buffer, string) {
	t.Helper()
	operations, err := json.Marshal(operation)
	require.NoError(t, err)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	require.NoError(t, form.WriteField("operations", string(operations)))
	require.NoError(t, form.WriteField("map", fmt.Sprintf(`{"0":["variables.%s"]}`, path)))
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="0"; filename="%s"`, file.Name)}, "Content-Type": {file.ContentType},
	})
	require.NoError(t, err)
	_, err = part.Write(file.Content)
	require.NoError(t, err)
	require.NoError(t, form.Close())
	return &body, form.FormDataContentType()
}
