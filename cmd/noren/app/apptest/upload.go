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
	operations, err := json.Marshal(map[string]any{"query": query, "variables": variables})
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
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+"/graphql", &body)
	require.NoError(t, err)
	request.Header.Set("Content-Type", form.FormDataContentType())
	return a.send(t, request, headers)
}
