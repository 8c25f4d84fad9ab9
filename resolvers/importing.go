package resolvers

import (
	"context"

	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/graph/model"
)

func importPayload(ctx context.Context, run *importing.Run, err error) (model.ImportPayload, error) {
	errors, err := userErrors(ctx, err)
	if len(errors) > 0 {
		run = nil
	}
	return model.ImportPayload{Run: run, UserErrors: errors}, err
}

// importOptions turns the schema's words into the core's.
func importOptions(in model.ImportProductsInput) importing.Options {
	o := importing.Options{Exact: in.Exact}
	if in.Format != nil {
		o.Format = map[model.ImportFormat]importing.Format{
			model.ImportFormatNoren: importing.FormatNoren, model.ImportFormatShopify: importing.FormatShopify,
		}[*in.Format]
	}
	if in.Encoding != nil {
		o.Encoding = map[model.ImportEncoding]importing.Encoding{
			model.ImportEncodingUtf8: importing.EncodingUTF8, model.ImportEncodingCp932: importing.EncodingCP932,
		}[*in.Encoding]
	}
	return o
}
