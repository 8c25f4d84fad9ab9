package resolvers_test

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/assets"
	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

const addMediaFile = `mutation($input: AddMediaInput!) { addMedia(input: $input) { product { media { id url kind alt } } userErrors { code field } } }`

// studio is a clerk who puts pictures to a product.
type studio struct {
	*apptest.App
	product string
	bearer  string
}

type media struct {
	AddMedia struct {
		Product *struct {
			Media []struct{ ID, URL, Kind string }
		}
		UserErrors []writeError
	}
}

func newStudio(t *testing.T, options ...func(*app.Config)) studio {
	t.Helper()
	a := apptest.Start(t, options...)
	p := a.AddProduct(t, "leash", 1980)
	clerk := employ(t, a, "studio@example.jp", access.RoleStaff, access.CatalogRead, access.CatalogWrite)
	return studio{a, id.Global("Product", p.ID), clerk.bearer()}
}

// send uploads a file as a browser of the admin console does.
func (s studio) send(t *testing.T, file apptest.File) media {
	t.Helper()
	var got media
	s.upload(t, file, "Authorization", s.bearer, "X-Noren-CSRF", "1").Into(t, &got)
	return got
}

func (s studio) upload(t *testing.T, file apptest.File, headers ...string) apptest.Answer {
	t.Helper()
	input := apptest.Variables{"productId": s.product, "file": nil, "alt": apptest.Variables{"ja": "リード"}}
	return s.Upload(t, addMediaFile, in(input), "input.file", file, headers...)
}

// get fetches an address of noren's.
func (s studio) get(t *testing.T, path string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	require.NoError(t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, raw
}

// picture is a small PNG.
func picture(t *testing.T, side int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewRGBA(image.Rect(0, 0, side, side))))
	return b.Bytes()
}

// objectStorage starts an object storage that speaks S3, with the bucket in it, and names it.
func objectStorage(t *testing.T, bucket string) string {
	t.Helper()
	backend := s3mem.New()
	if bucket != "" {
		require.NoError(t, backend.CreateBucket(bucket))
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	return "s3://key:secret@" + strings.TrimPrefix(server.URL, "http://") + "/files?tls=none&region=ap-northeast-1"
}

func TestUploadedPictureIsShown(t *testing.T) {
	t.Parallel()
	for name, where := range map[string]func(*app.Config){
		"in a directory": func(*app.Config) {},
		"in a bucket":    func(c *app.Config) { c.AssetsURL = objectStorage(t, "files") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStudio(t, where)
			content := picture(t, 3)
			sent := s.send(t, apptest.File{Name: "leash.png", ContentType: "image/png", Content: content})
			require.Empty(t, sent.AddMedia.UserErrors)
			shown := sent.AddMedia.Product.Media[0]
			require.Equal(t, "IMAGE", shown.Kind)
			require.Regexp(t, `^/assets/[0-9a-f]{64}\.png$`, shown.URL)

			answer, raw := s.get(t, shown.URL)
			require.Equal(t, http.StatusOK, answer.StatusCode)
			require.Equal(t, content, raw)
			require.Equal(t, "image/png", answer.Header.Get("Content-Type"))
			require.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
			require.Equal(t, "public, max-age=31536000, immutable", answer.Header.Get("Cache-Control"))
			require.Contains(t, answer.Header.Get("Content-Security-Policy"), "sandbox")
			part, raw := s.get(t, shown.URL, "Range", "bytes=1-3")
			require.Equal(t, http.StatusPartialContent, part.StatusCode)
			require.Equal(t, "PNG", string(raw))
			unchanged, _ := s.get(t, shown.URL, "If-Modified-Since", answer.Header.Get("Last-Modified"))
			require.Equal(t, http.StatusNotModified, unchanged.StatusCode)

			again := s.send(t, apptest.File{Name: "other.png", ContentType: "image/png", Content: content})
			require.Equal(t, shown.URL, again.AddMedia.Product.Media[1].URL, "the same file is kept once")

			for _, missing := range []string{strings.Repeat("0", 64) + ".png", "..%2f..%2fetc%2fpasswd", "../../go.mod", ".png", ""} {
				answer, _ := s.get(t, "/assets/"+missing)
				require.Equal(t, http.StatusNotFound, answer.StatusCode, missing)
			}
		})
	}
}

func TestWhatAFileIsCalledCountsForNothing(t *testing.T) {
	t.Parallel()
	kept := filepath.Join(t.TempDir(), "assets")
	s := newStudio(t, func(c *app.Config) { c.AssetsDir = kept })
	for _, name := range []string{"../../../etc/cron.d/noren.png", `..\\..\\evil.html`, "/etc/passwd", "a.svg", "", strings.Repeat("長", 500)} {
		sent := s.send(t, apptest.File{Name: name, ContentType: "text/html", Content: picture(t, 4)})
		require.Empty(t, sent.AddMedia.UserErrors, name)
		require.Regexp(t, `^/assets/[0-9a-f]{64}\.png$`, sent.AddMedia.Product.Media[0].URL, name)
	}
	require.Len(t, filesUnder(t, filepath.Dir(kept)), 1, "one content, one file, where files belong")

	for name, content := range map[string][]byte{
		"page":    []byte("<!doctype html><script>alert(1)</script>"),
		"drawing": []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`),
		"program": {0x7f, 'E', 'L', 'F', 2, 1, 1, 0},
		"text":    []byte("犬"),
		"nothing": {},
		"almost":  picture(t, 4)[1:],
	} {
		sent := s.send(t, apptest.File{Name: "a.png", ContentType: "image/png", Content: content})
		require.Equal(t, []writeError{{"FILE_TYPE_INVALID", []string{"file"}}}, sent.AddMedia.UserErrors, name)
	}
	require.Len(t, filesUnder(t, filepath.Dir(kept)), 1, "what is refused is not kept")
}

func filesUnder(t *testing.T, dir string) (files []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	}))
	return files
}

func TestUploadsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStudio(t, func(c *app.Config) { c.MaxUpload = assets.MaxSize + 1<<20 })
	file := func(size int) apptest.File {
		content := make([]byte, size)
		copy(content, picture(t, 5))
		return apptest.File{Name: "a.png", ContentType: "image/png", Content: content}
	}
	require.Empty(t, s.send(t, file(assets.MaxSize)).AddMedia.UserErrors)
	require.Equal(t, []writeError{{"FILE_TOO_LARGE", []string{"file"}}}, s.send(t, file(assets.MaxSize+1)).AddMedia.UserErrors)
	beyond := s.upload(t, file(assets.MaxSize+2<<20), "Authorization", s.bearer, "X-Noren-CSRF", "1")
	require.Equal(t, http.StatusRequestEntityTooLarge, beyond.Status)
	require.NotEmpty(t, beyond.Code())
}

func TestUploadsNeedAHeaderThatFormsCannotSend(t *testing.T) {
	t.Parallel()
	s := newStudio(t)
	file := apptest.File{Name: "a.png", ContentType: "image/png", Content: picture(t, 2)}
	forged := s.upload(t, file, "Authorization", s.bearer)
	require.NotEmpty(t, forged.Errors)
	require.GreaterOrEqual(t, forged.Status, 400)
	stranger := s.upload(t, file, "X-Noren-CSRF", "1")
	require.NotEmpty(t, stranger.Code(), "nobody who is not staff")
	var n int
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM media`).Scan(&n))
	require.Zero(t, n)
	require.Empty(t, filesUnder(t, s.App.App.Config.AssetsDir))
	var got media
	s.upload(t, file, "Authorization", s.bearer, "Apollo-Require-Preflight", "true").Into(t, &got)
	require.Empty(t, got.AddMedia.UserErrors)
}

func TestBucketThatDoesNotServeRefusesUploads(t *testing.T) {
	t.Parallel()
	away := newStudio(t, func(c *app.Config) { c.AssetsURL = "s3://key:secret@127.0.0.1:1/files?tls=none" })
	missing := newStudio(t, func(c *app.Config) { c.AssetsURL = objectStorage(t, "") })
	for s, code := range map[studio]string{away: "UNAVAILABLE", missing: "INTERNAL"} {
		answer := s.upload(t, apptest.File{Name: "a.png", ContentType: "image/png", Content: picture(t, 2)}, "Authorization", s.bearer, "X-Noren-CSRF", "1")
		require.Equal(t, code, answer.Code())
		require.NotContains(t, answer.Errors[0].Message, "127.0.0.1", "causes stay inside")
		var n int
		require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM media`).Scan(&n))
		require.Zero(t, n)
	}
	answer, _ := away.get(t, "/assets/"+strings.Repeat("0", 64)+".png")
	require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
	require.Equal(t, "5", answer.Header.Get("Retry-After"))
}
