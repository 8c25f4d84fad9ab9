package app

import "github.com/noren-commerce/noren/adapters/assets"

// AssetConfig says where uploaded files are kept.
type AssetConfig struct {
	AssetsDir string `env:"NOREN_ASSETS_DIR" default:".noren/assets" help:"Directory that keeps uploaded files; replicas must share it."`
	AssetsURL string `env:"NOREN_ASSETS_URL" help:"Bucket of an S3-speaking object storage that keeps uploaded files instead of the directory: s3://key:secret@host/bucket?region=ap-northeast-1; tls=none without TLS, public=https://… if a CDN serves it."`
}

func (c AssetConfig) open(public string) (*assets.Files, error) {
	if c.AssetsURL == "" {
		return assets.New(c.AssetsDir, public), nil
	}
	files, err := assets.NewBucket(c.AssetsURL, public)
	if err != nil {
		return nil, setting("NOREN_ASSETS_URL", "%w", err)
	}
	return files, nil
}
