package resolvers

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/graph"
	"github.com/noren-commerce/noren/graph/model"
	"github.com/noren-commerce/noren/graph/scalar"
)

func importPayload(ctx context.Context, run *importing.Run, err error) (model.ImportPayload, error) {
	errors, err := userErrors(ctx, err)
	if len(errors) > 0 {
		run = nil
	}
	return model.ImportPayload{Run: run, UserErrors: errors}, err
}

// rejections is a page of a run's rejections. First pages, and the counts, of a list
// of runs are read together.
func (r *Resolver) rejections(ctx context.Context, run importing.Run, args page.Args) (page.Connection[importing.Rejection], error) {
	size, err := args.Size()
	if err != nil {
		return page.Connection[importing.Rejection]{}, err
	}
	var rejected page.Connection[importing.Rejection]
	if value(args.After) == "" {
		rejected, err = load(ctx).Rejections.Load(ctx, importing.FirstPage{RunID: run.ID, Size: size})
	} else {
		rejected, err = r.Imports.Rejections(ctx, run.ID, args)
	}
	rejected.Count = func(ctx context.Context) (int, error) { return load(ctx).RejectionCounts.Load(ctx, run.ID) }
	return rejected, err
}

// runsAhead fetches what the operation asks of the runs under the paths.
func runsAhead(ctx context.Context, runs []importing.Run, paths ...string) error {
	ids := keys(runs, func(run importing.Run) uuid.UUID { return run.ID })
	var wanted []importing.FirstPage
	counts := false
	for _, path := range paths {
		path += ".rejections"
		counts = counts || graph.Asks(ctx, path+".totalCount")
		for _, arguments := range graph.Arguments(ctx, path) {
			if arguments["after"] != nil {
				continue
			}
			size := page.DefaultSize
			if first, err := scalar.UnmarshalInt(arguments["first"]); err == nil {
				size = first
			}
			for _, run := range ids {
				wanted = append(wanted, importing.FirstPage{RunID: run, Size: min(max(size, 0), page.MaxSize)})
			}
		}
	}
	if counts {
		if _, err := load(ctx).RejectionCounts.Ahead(ctx, ids); err != nil {
			return err
		}
	}
	_, err := load(ctx).Rejections.Ahead(ctx, wanted)
	return err
}

// importOptions turns the schema's words into the core's.
func importOptions(in model.ImportProductsInput) importing.Options {
	o := importing.Options{Exact: in.Exact}
	if in.Format != nil {
		o.Format = map[model.ImportFormat]importing.Format{
			model.ImportFormatNoren: importing.FormatNoren, model.ImportFormatShopify: importing.FormatShopify,
		}[*in.Format]
	}
	o.Encoding = encodingOf(in.Encoding)
	return o
}

// encodingOf turns the schema's word into the core's; told by the content for none.
func encodingOf(e *model.ImportEncoding) importing.Encoding {
	return map[model.ImportEncoding]importing.Encoding{
		model.ImportEncodingUtf8: importing.EncodingUTF8, model.ImportEncodingCp932: importing.EncodingCP932,
	}[value(e)]
}

// priceFileRows is how many prices one part of a file of prices holds.
const priceFileRows = 2000

func priceImportPayload(ctx context.Context, run *importing.PriceRun, err error) (model.PriceImportPayload, error) {
	errors, err := userErrors(ctx, err)
	if len(errors) > 0 {
		run = nil
	}
	return model.PriceImportPayload{PriceImport: run, UserErrors: errors}, err
}
