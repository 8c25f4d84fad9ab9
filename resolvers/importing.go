package resolvers

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/graph"
	"github.com/noren-commerce/noren/graph/model"
)

func importPayload(ctx context.Context, run *importing.Run, err error) (model.ImportPayload, error) {
	refused, err := userErrors(ctx, err)
	if len(refused) > 0 {
		run = nil
	}
	return model.ImportPayload{Run: run, UserErrors: refused}, err
}

// rejections is a page of a run's rejections. First pages, and the counts, of a list
// of runs are read together.
func (r *Resolver) rejections(ctx context.Context, run importing.Run, args page.Args) (page.Connection[importing.Rejection], error) {
	of := page.First{OwnerID: run.ID}
	rejected, err := firstOr(ctx, load(ctx).Rejections, of, args, func(args page.Args) (page.Connection[importing.Rejection], error) {
		return r.Imports.Rejections(ctx, run.ID, args)
	})
	return counted(rejected, load(ctx).RejectionCounts, of), err
}

// runsAhead fetches what the operation asks of the runs under the paths.
func runsAhead(ctx context.Context, runs []importing.Run, paths ...string) error {
	ids := keys(runs, func(run importing.Run) uuid.UUID { return run.ID })
	paths = below(paths, "rejections")
	_, err := pagesAhead(ctx, load(ctx).Rejections, ids, paths)
	return errors.Join(err, countsAhead(ctx, load(ctx).RejectionCounts, ids, paths))
}

// priceChanges is a page of what a file of prices would do, likewise.
func (r *Resolver) priceChanges(ctx context.Context, run importing.PriceRun, kinds []importing.PriceChangeKind, args page.Args) (page.Connection[importing.PriceChange], error) {
	of := page.First{OwnerID: run.ID, Only: words(kinds)}
	changes, err := firstOr(ctx, load(ctx).PriceChanges, of, args, func(args page.Args) (page.Connection[importing.PriceChange], error) {
		return r.Prices.Changes(ctx, run.ID, importing.PriceChangesInput{Kinds: kinds, Page: args})
	})
	return counted(changes, load(ctx).PriceChangeCounts, of), err
}

// priceRejections is a page of a file's rejections, likewise.
func (r *Resolver) priceRejections(ctx context.Context, run importing.PriceRun, args page.Args) (page.Connection[importing.Rejection], error) {
	of := page.First{OwnerID: run.ID}
	rejected, err := firstOr(ctx, load(ctx).PriceRejections, of, args, func(args page.Args) (page.Connection[importing.Rejection], error) {
		return r.Prices.Rejections(ctx, run.ID, args)
	})
	return counted(rejected, load(ctx).PriceRejectionCounts, of), err
}

// priceRunsAhead fetches what the operation asks of files of prices under the paths.
func priceRunsAhead(ctx context.Context, runs []importing.PriceRun, paths ...string) error {
	l, ids := load(ctx), keys(runs, func(run importing.PriceRun) uuid.UUID { return run.ID })
	changes, rejections := below(paths, "changes"), below(paths, "rejections")
	var extremes []importing.Extreme
	for field, fall := range map[string]bool{"biggestRise": false, "biggestFall": true} {
		if slices.ContainsFunc(below(paths, field), func(path string) bool { return graph.Asks(ctx, path) }) {
			for _, run := range ids {
				extremes = append(extremes, importing.Extreme{RunID: run, Fall: fall})
			}
		}
	}
	_, err := pagesAhead(ctx, l.PriceChanges, ids, changes)
	_, rejected := pagesAhead(ctx, l.PriceRejections, ids, rejections)
	_, biggest := l.BiggestChanges.Ahead(ctx, extremes)
	return errors.Join(err, rejected, biggest, countsAhead(ctx, l.PriceChangeCounts, ids, changes), countsAhead(ctx, l.PriceRejectionCounts, ids, rejections))
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
	refused, err := userErrors(ctx, err)
	if len(refused) > 0 {
		run = nil
	}
	return model.PriceImportPayload{PriceImport: run, UserErrors: refused}, err
}
