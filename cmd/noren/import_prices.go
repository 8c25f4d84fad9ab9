package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/schollz/progressbar/v3"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/storage/postgres"
)

// importPrices previews a file of prices and, if that is wanted, commits it.
type importPrices struct {
	personalFlags
	File     string `arg:"" type:"existingfile" help:"The file: CSV in UTF-8 or CP932, or xlsx."`
	Kind     string `enum:",prices,customer-prices,rates" default:"" env:"NOREN_PRICES_KIND" help:"What it holds: prices, customer-prices or rates; told by the header if left out."`
	Channel  string `env:"NOREN_CHANNEL" help:"Code of the channel; the oldest if left out."`
	Encoding string `enum:",utf-8,cp932" default:"" env:"NOREN_IMPORT_ENCODING" help:"utf-8 or cp932; told by the content if left out."`
	DryRun   bool   `env:"NOREN_IMPORT_DRY_RUN" help:"Say what would change, and change nothing."`
	Yes      bool   `env:"NOREN_IMPORT_YES" help:"Commit without asking."`
	Report   string `env:"NOREN_IMPORT_REPORT" help:"Where to write the rejected rows as CSV; FILE.rejected.csv if left out."`
}

// inShop opens the keeper of prices in the channel with the code, as noren itself.
func inShop(ctx context.Context, db *postgres.DB, code string) (context.Context, *importing.Prices, error) {
	ch, err := channel.New(postgres.NewChannels(db), clock.System).Resolve(ctx, code, "")
	if err != nil {
		return nil, nil, fmt.Errorf("--channel: %w", err)
	}
	prices, err := app.NewPriceImports(db, clock.System)
	return channel.With(access.With(ctx, access.System), ch), prices, err
}

// Run previews the file, says what it would change and commits it after a yes.
func (c *importPrices) Run(ctx context.Context) error {
	db, err := c.personalFlags.open(ctx) // members are found by their addresses, which are sealed
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, prices, err := inShop(ctx, db, c.Channel)
	if err != nil {
		return err
	}
	run, err := c.preview(ctx, prices)
	if err != nil {
		return err
	}
	if err := c.tell(ctx, prices, run); err != nil {
		return err
	}
	input := importing.PriceRunInput{ID: run.ID}
	if c.DryRun || run.Added+run.Changed+run.Closed == 0 || !c.Yes && !agreed(os.Stdin) {
		_, err = prices.Discard(ctx, input)
		fmt.Println("nothing was changed")
		return err
	}
	if run, err = prices.CommitNow(ctx, run.ID); err == nil {
		fmt.Printf("%s: %s\n", run.FileName, strings.ToLower(string(run.State)))
	}
	return err
}

func (c *importPrices) open() (io.ReadCloser, error) { return os.Open(c.File) }

func (c *importPrices) kind() (importing.PriceKind, error) {
	if c.Kind != "" {
		return importing.PriceKind(strings.ToUpper(strings.ReplaceAll(c.Kind, "-", "_"))), nil
	}
	file, err := c.open()
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	return importing.PriceKindOf(file, importing.Encoding(c.Encoding))
}

func (c *importPrices) preview(ctx context.Context, prices *importing.Prices) (*importing.PriceRun, error) {
	kind, err := c.kind()
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(c.File)
	if err != nil {
		return nil, err
	}
	bar := newProgress(filepath.Base(c.File), info.Size(), progressbar.OptionShowBytes(true))
	run, err := prices.Preview(ctx, importing.PriceInput{
		Kind: kind, FileName: filepath.Base(c.File), Open: c.open, Encoding: importing.Encoding(c.Encoding), Progress: bar.set,
	})
	bar.finish()
	if run == nil {
		return nil, err
	}
	return run, errors.Join(err, c.report(ctx, prices, run))
}

// report writes what was rejected, by earlier attempts at the same file too.
func (c *importPrices) report(ctx context.Context, prices *importing.Prices, run *importing.PriceRun) error {
	report := &rejectedFile{path: c.Report}
	if report.path == "" {
		report.path = c.File + ".rejected.csv"
	}
	most := page.MaxSize
	for args := (page.Args{First: &most}); ; {
		rejected, err := prices.Rejections(ctx, run.ID, args)
		if err != nil {
			return errors.Join(err, report.close())
		}
		report.add(rejected.Nodes())
		if args.After = rejected.PageInfo.EndCursor; !rejected.PageInfo.HasNextPage {
			return report.close()
		}
	}
}

// tell prints what the file would change.
func (c *importPrices) tell(ctx context.Context, prices *importing.Prices, run *importing.PriceRun) error {
	fmt.Printf("%s: %d added, %d changed, %d closed, %d unchanged, %d rejected\n", run.FileName, run.Added, run.Changed, run.Closed, run.Unchanged, run.Rejected)
	rise, fall := importing.Extreme{RunID: run.ID}, importing.Extreme{RunID: run.ID, Fall: true}
	biggest, err := prices.Biggest(ctx, []importing.Extreme{rise, fall})
	if err != nil {
		return err
	}
	for _, which := range []importing.Extreme{rise, fall} {
		if change := biggest[which]; change != nil {
			fmt.Printf("  %s: %s %s %s%% (line %d)\n", map[bool]string{false: "biggest rise", true: "biggest fall"}[which.Fall], change.Holder, change.SKU, change.Difference, change.Line)
		}
	}
	return nil
}

// agreed asks whether to go on; only a yes is one.
func agreed(in io.Reader) bool {
	fmt.Print("commit? [y/N] ")
	answer, _ := bufio.NewReader(in).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
