package app

import (
	"log/slog"
	"strings"

	"github.com/noren-commerce/noren/adapters/banktransfer"
	"github.com/noren-commerce/noren/adapters/konbini"
	"github.com/noren-commerce/noren/adapters/konbini/sandbox"
	pointgateway "github.com/noren-commerce/noren/adapters/points"
	codegateway "github.com/noren-commerce/noren/adapters/prepaid"
	"github.com/noren-commerce/noren/adapters/stripe"
	"github.com/noren-commerce/noren/adapters/till"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/giftcard"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prepaid"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/voucher"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/telemetry"
)

// PaymentConfig says how customers pay. A method without its settings is not
// offered; nothing pretends that money has come in.
type PaymentConfig struct {
	StripeSecretKey     string `env:"STRIPE_SECRET_KEY" help:"Stripe's secret key (sk_…); without it cards are not offered."`
	StripePublicKey     string `env:"STRIPE_PUBLISHABLE_KEY" help:"Stripe's publishable key (pk_…), handed to the clients' card forms."`
	StripeWebhookSecret string `env:"STRIPE_WEBHOOK_SECRET" help:"Signing secret (whsec_…) of the webhook endpoint /webhooks/stripe."`
	StripeAPIBase       string `name:"stripe-api-base" env:"STRIPE_API_BASE" help:"Another Stripe, for tests: http://127.0.0.1:12111 (stripe-mock)."`
	CardHold            bool   `env:"NOREN_CARD_HOLD" default:"false" negatable:"" help:"Hold the money of a card at the order and take it when the order ships."`

	KonbiniAPIBase       string `name:"konbini-api-base" env:"KONBINI_API_BASE" help:"Provider of convenience store payments; without it they are not offered (noren dev has a sandbox at /dev/konbini)."`
	KonbiniKey           string `env:"KONBINI_KEY" help:"The shop's key at that provider."`
	KonbiniShop          string `env:"KONBINI_SHOP" help:"The shop's name at that provider."`
	KonbiniWebhookSecret string `env:"KONBINI_WEBHOOK_SECRET" help:"Secret that signs the webhooks to /webhooks/konbini."`

	BankName          string `env:"NOREN_BANK_NAME" help:"Bank that customers pay into; without it bank transfer is not offered (noren dev shows a sample account)."`
	BankBranch        string `env:"NOREN_BANK_BRANCH" help:"Branch of the account."`
	BankAccountType   string `env:"NOREN_BANK_ACCOUNT_TYPE" default:"普通" help:"Kind of the account: 普通 or 当座."`
	BankAccountNumber string `env:"NOREN_BANK_ACCOUNT_NUMBER" help:"Number of the account."`
	BankAccountHolder string `env:"NOREN_BANK_ACCOUNT_HOLDER" help:"Holder of the account in half-width kana, as banks print it."`
}

// check fails on the first setting that money would be lost with.
func (c PaymentConfig) check() error {
	switch {
	case c.StripeSecretKey == "" && c.BankName == "" && c.KonbiniAPIBase == "":
		return setting("STRIPE_SECRET_KEY", "or NOREN_BANK_NAME or KONBINI_API_BASE must be set: customers need a way to pay")
	case c.StripeSecretKey != "" && !strings.HasPrefix(c.StripeSecretKey, "sk_") && !strings.HasPrefix(c.StripeSecretKey, "rk_"):
		return setting("STRIPE_SECRET_KEY", "must be a secret key of Stripe: sk_live_…")
	case c.StripeSecretKey != "" && !strings.HasPrefix(c.StripeWebhookSecret, "whsec_"):
		return setting("STRIPE_WEBHOOK_SECRET", "must be the signing secret of the webhook endpoint: whsec_…")
	case c.BankName != "" && (c.BankBranch == "" || c.BankAccountNumber == "" || c.BankAccountHolder == ""):
		return setting("NOREN_BANK_BRANCH", "NOREN_BANK_ACCOUNT_NUMBER and NOREN_BANK_ACCOUNT_HOLDER must be set with NOREN_BANK_NAME")
	}
	return c.checkStores()
}

// checkStores does the same for convenience stores.
func (c PaymentConfig) checkStores() error {
	switch {
	case c.KonbiniAPIBase == "":
		return nil
	case !strings.HasPrefix(c.KonbiniAPIBase, "https://") || c.KonbiniKey == "":
		return setting("KONBINI_API_BASE", "must be an https:// address, with KONBINI_KEY")
	case len(c.KonbiniWebhookSecret) < minSecret:
		return setting("KONBINI_WEBHOOK_SECRET", "must have at least %d characters", minSecret)
	}
	return nil
}

// gateways are the ways to pay that are set up.
func (c PaymentConfig) gateways(dev bool) []payment.Gateway {
	var all []payment.Gateway
	if c.StripeSecretKey != "" {
		all = append(all, stripe.New(stripe.Config{
			SecretKey: c.StripeSecretKey, PublicKey: c.StripePublicKey, WebhookSecret: c.StripeWebhookSecret, BaseURL: c.StripeAPIBase, HoldOnly: c.CardHold,
		}))
	}
	account := banktransfer.Account{
		BankName: c.BankName, BranchName: c.BankBranch, Type: c.BankAccountType, Number: c.BankAccountNumber, Holder: c.BankAccountHolder,
	}
	if c.BankName == "" && dev {
		account = seed.SampleBank
	}
	if account.BankName != "" {
		all = append(all, banktransfer.New(account))
	}
	if c.KonbiniAPIBase != "" {
		all = append(all, konbini.New(konbini.Config{BaseURL: c.KonbiniAPIBase, Key: c.KonbiniKey, Shop: c.KonbiniShop, WebhookSecret: c.KonbiniWebhookSecret}))
	}
	return append(all, till.Delivery())
}

// konbiniPath is where noren dev shows its sandbox of a provider.
const konbiniPath = "/dev/konbini"

// UseSandbox lets noren dev take payments at pretended convenience stores, where no
// provider is set.
func (c *Config) UseSandbox() {
	if c.KonbiniAPIBase != "" {
		return
	}
	c.KonbiniAPIBase, c.KonbiniKey, c.KonbiniShop, c.KonbiniWebhookSecret = "http://"+c.Addr+konbiniPath, "sandbox", "noren", DevSecret
}

// sandbox is the provider that noren dev talks to; nil if it talks to another.
func (c Config) sandbox(now clock.Clock) *sandbox.Provider {
	if !c.Dev || c.KonbiniAPIBase != "http://"+c.Addr+konbiniPath {
		return nil
	}
	return &sandbox.Provider{
		Key: c.KonbiniKey, Secret: c.KonbiniWebhookSecret, Shop: c.KonbiniShop, Webhook: "http://" + c.Addr + "/webhooks/" + konbini.Name, Now: now,
	}
}

// newPayments makes the service that collects money. It has yet to be told of
// the orders.
func newPayments(c Config, db *postgres.DB, jobs *postgres.Jobs, keys *idempotency.Keys, metrics *telemetry.Metrics, books *ledger.Books, vouchers *voucher.Service, cards *giftcard.Service, loyalty *points.Service, now clock.Clock) *payment.Service {
	return payment.New(payment.Needs{
		Tx: db, Store: postgres.NewPayments(db), Keys: keys, Jobs: jobs, Outbox: jobs, Events: points.Following{Recorder: postgres.NewEvents(db), Jobs: jobs},
		Gateways: c.gateways(c.Dev), Tills: till.Both(), Own: []payment.Own{codegateway.New(vouchers), codegateway.New(cards), pointgateway.New(loyalty)},
		Loyalty: loyalty, PointTenders: loyalty, Purse: prepaid.NewPurse(vouchers, cards), Books: books, ShopURL: c.shopPages(), Terms: payment.DefaultTerms(), Now: now, Log: slog.Default(),
		Watch: func(c payment.Call) { metrics.GatewayCall(c.Gateway, c.Verb, c.Outcome, c.Took) },
	})
}

// newPrepaid puts together the vouchers and gift cards that pay for orders.
func newPrepaid(cfg Config, db *postgres.DB, sealed *sealing.Keys, jobs *postgres.Jobs, keys *idempotency.Keys, books *ledger.Books, limiter limit.Limiter, now clock.Clock) (*voucher.Service, *giftcard.Service, error) {
	vouchers, err := newVouchers(cfg, db, sealed, jobs, keys, books, limiter, now)
	if err != nil {
		return nil, nil, err
	}
	cards, err := newGiftCards(cfg, db, keys, books, limiter, now)
	return vouchers, cards, err
}

// newGiftCards puts together how gift cards are issued and pay.
func newGiftCards(cfg Config, db *postgres.DB, keys *idempotency.Keys, books *ledger.Books, limiter limit.Limiter, now clock.Clock) (*giftcard.Service, error) {
	key, err := giftcard.NewKey(cfg.Secret)
	return giftcard.New(giftcard.Parts{
		Tx: db, Store: postgres.NewGiftCards(db), Keys: keys, Books: books, Events: postgres.NewEvents(db), Limiter: limiter, Key: key, Now: now,
	}), err
}
