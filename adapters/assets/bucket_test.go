package assets_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/assets"
)

func TestAddressOfABucketIsChecked(t *testing.T) {
	t.Parallel()
	for address, complaint := range map[string]string{
		"":                                                       "must be s3://",
		"https://key:hidden@s3.example/b1":                       "must be s3://",
		"s3://key:hidden@/bucket":                                "must be s3://",
		"s3://key:hid%zzden@host/bucket":                         "must be s3://",
		"s3://s3.example/bucket":                                 "must hold the storage's key and secret",
		"s3://key@s3.example/bucket":                             "must hold the storage's key and secret",
		"s3://:hidden@s3.example/bucket":                         "must hold the storage's key and secret",
		"s3://key:hidden@s3.example":                             "must name one bucket",
		"s3://key:hidden@s3.example/a/b":                         "must name one bucket",
		"s3://key:hidden@s3.example/ABC":                         "must name one bucket",
		"s3://key:hidden@s3.example/bucket?tls=off":              "tls=none",
		"s3://key:hidden@s3.example/bucket?region=a&regoin=b":    "not \"regoin\"",
		"s3://key:hidden@s3.example/bucket?public=http://cdn.jp": "https:// address as public",
	} {
		_, err := assets.NewBucket(address, "https://api.example.jp")
		require.ErrorContains(t, err, complaint, address)
		require.NotContains(t, err.Error(), "hidden", "no error tells the secret")
	}
	for _, address := range []string{
		"s3://key:hidden@s3.ap-northeast-1.amazonaws.com/shop-files?region=ap-northeast-1",
		"s3://key:hid%2Fden@127.0.0.1:9000/files?tls=none",
		"s3://key:hidden@storage.example.jp/files?public=https://cdn.example.jp/files/",
	} {
		_, err := assets.NewBucket(address, "https://api.example.jp")
		require.NoError(t, err, address)
	}
}
