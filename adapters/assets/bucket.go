package assets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/noren-commerce/noren/core/fault"
)

// defaultRegion is what storages that know no regions take.
const defaultRegion = "us-east-1"

// attempts bounds how often a request to the storage is tried.
const attempts = 3

var buckets = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// NewBucket keeps files in a bucket that the address names:
// s3://key:secret@host/bucket, with region=…, tls=none for a storage without TLS,
// and public=https://… where a CDN serves the bucket under an address of its own.
// Without that, addresses begin with the public address of noren, which then reads
// the bucket; nobody else has to be able to. Errors do not repeat the address, for
// it holds the secret.
func NewBucket(address, public string) (*Files, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" || u.Hostname() == "" {
		return nil, errors.New("must be s3://key:secret@host/bucket?region=…")
	}
	secret, ok := u.User.Password()
	if !ok || u.User.Username() == "" || secret == "" {
		return nil, errors.New("must hold the storage's key and secret: s3://key:secret@host/bucket")
	}
	name := strings.Trim(u.Path, "/")
	if !buckets.MatchString(name) {
		return nil, fmt.Errorf("must name one bucket after the host, not %q", name)
	}
	said, err := options(u.Query())
	if err != nil {
		return nil, err
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(u.User.Username(), secret, ""), Secure: said["tls"] == "",
		Region: or(said["region"], defaultRegion), MaxRetries: attempts,
	})
	if err != nil {
		return nil, errors.New("must name the host of a storage that speaks S3, such as s3.ap-northeast-1.amazonaws.com")
	}
	files := &Files{place: bucket{client, name}, public: strings.TrimSuffix(public, "/") + Prefix}
	if said["public"] != "" {
		files.public = strings.TrimSuffix(said["public"], "/") + "/"
	}
	return files, nil
}

// options are what follows the question mark.
func options(query url.Values) (map[string]string, error) {
	said := map[string]string{}
	for name, values := range query {
		said[name] = values[0]
		switch name {
		case "region":
		case "tls":
			if values[0] != "none" {
				return nil, errors.New("takes tls=none or no tls")
			}
		case "public":
			if u, err := url.Parse(values[0]); err != nil || u.Scheme != "https" || u.Host == "" {
				return nil, errors.New("must have an https:// address as public")
			}
		default:
			return nil, fmt.Errorf("knows region, tls and public, not %q", name)
		}
	}
	return said, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// bucket is a bucket of an object storage.
type bucket struct {
	client *minio.Client
	name   string
}

func (b bucket) keep(ctx context.Context, name, contentType string, raw []byte) error {
	_, err := b.client.StatObject(ctx, b.name, name, minio.StatObjectOptions{})
	if err = b.meant(err); errors.Is(err, fs.ErrNotExist) {
		_, err = b.client.PutObject(ctx, b.name, name, bytes.NewReader(raw), int64(len(raw)), minio.PutObjectOptions{ContentType: contentType, CacheControl: forEver})
		err = b.meant(err)
	}
	if err != nil {
		return fmt.Errorf("keep the file in the bucket: %w", err)
	}
	return nil
}

func (b bucket) open(ctx context.Context, name string) (io.ReadSeekCloser, time.Time, error) {
	object, err := b.client.GetObject(ctx, b.name, name, minio.GetObjectOptions{})
	if err != nil {
		return nil, time.Time{}, b.meant(err)
	}
	info, err := object.Stat() // the first answer of the storage
	if err != nil {
		return nil, time.Time{}, errors.Join(b.meant(err), object.Close())
	}
	return object, info.LastModified, nil
}

// meant is what an error of the storage means: no such file, or that the storage
// does not serve for now. A bucket that is missing or closed is noren's own failure.
func (b bucket) meant(err error) error {
	if err == nil {
		return nil
	}
	answer := minio.ToErrorResponse(err)
	switch {
	case answer.Code == minio.NoSuchKey:
		return fs.ErrNotExist
	case answer.StatusCode == 0, answer.StatusCode >= http.StatusInternalServerError, answer.StatusCode == http.StatusTooManyRequests:
		return errors.Join(fault.ErrUnavailable, err)
	}
	return err
}
