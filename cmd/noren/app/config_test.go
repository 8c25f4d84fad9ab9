package app_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/openid"
	"github.com/noren-commerce/noren/cmd/noren/app"
)

func TestProductionRefusesUnsafeSettings(t *testing.T) {
	t.Parallel()
	google := openid.Settings{Key: "google", Name: "Google", Issuer: "https://accounts.google.com", ClientID: "noren"}
	safe := app.Config{
		DatabaseURL: "postgres://noren@db/noren", Secret: "0123456789abcdef0123456789abcdef",
		CORSOrigins: []string{"https://shop.example.jp"}, SecureCookies: true, PublicURL: "https://api.example.jp",
		MailConfig:    app.MailConfig{SMTPURL: "smtps://shop:secret@mail.example.jp", MailFrom: "shop@example.jp"},
		PaymentConfig: app.PaymentConfig{StripeSecretKey: "sk_live_1", StripeWebhookSecret: "whsec_1"},
	}
	require.NoError(t, safe.Production())
	for name, spoil := range map[string]func(*app.Config){
		"DATABASE_URL":          func(c *app.Config) { c.DatabaseURL = "" },
		"NOREN_SECRET":          func(c *app.Config) { c.Secret = "" },
		"NOREN_SECRET must":     func(c *app.Config) { c.Secret = app.DevSecret },
		"NOREN_SECRET has":      func(c *app.Config) { c.Secret = "short" },
		"NOREN_CORS_ORIGINS":    func(c *app.Config) { c.CORSOrigins = nil },
		"origins; *":            func(c *app.Config) { c.CORSOrigins = []string{"*"} },
		"NOREN_SECURE_COOKIES":  func(c *app.Config) { c.SecureCookies = false },
		"NOREN_TRUSTED_PROXIES": func(c *app.Config) { c.TrustedProxy = []string{"everyone"} },
		"NOREN_PUBLIC_URL":      func(c *app.Config) { c.PublicURL = "http://api.example.jp" },

		"SMTP_URL must":                      func(c *app.Config) { c.SMTPURL = "" },
		"SMTP_URL should be":                 func(c *app.Config) { c.SMTPURL = "mail.example.jp" },
		"MAIL_FROM":                          func(c *app.Config) { c.MailFrom = "shop" },
		"STRIPE_SECRET_KEY or":               func(c *app.Config) { c.StripeSecretKey = "" },
		"STRIPE_SECRET_KEY must":             func(c *app.Config) { c.StripeSecretKey = "pk_live_1" },
		"STRIPE_WEBHOOK_SECRET must":         func(c *app.Config) { c.StripeWebhookSecret = "" },
		"NOREN_SSO_RETURN_URLS must name":    func(c *app.Config) { c.SSOProviders.Settings = []openid.Settings{google} },
		"NOREN_SSO_RETURN_URLS has":          func(c *app.Config) { c.SSOReturnURLs = []string{"http://shop.example.jp/"} },
		"data:":                              func(c *app.Config) { c.SSOReturnURLs = []string{"data:text/html,x"} },
		"NOREN_SSO_PROVIDERS":                func(c *app.Config) { c.SSOProviders.Settings = []openid.Settings{google, google} },
		"NOREN_ASSETS_URL must hold":         func(c *app.Config) { c.AssetsURL = "s3://s3.example.jp/files" },
		"NOREN_ASSETS_URL knows":             func(c *app.Config) { c.AssetsURL = "s3://key:secret@s3.example.jp/files?zone=a" },
		"NOREN_DOCUMENT_FONT must be a file": func(c *app.Config) { c.DocumentFont = "nowhere.ttf" },
		"NOREN_DOCUMENT_FONT must be a True": func(c *app.Config) { c.DocumentFont = "config_test.go" },
		"NOREN_BANK_BRANCH":                  func(c *app.Config) { c.BankName = "のれん銀行" },
	} {
		unsafe := safe
		spoil(&unsafe)
		require.ErrorContains(t, unsafe.Production(), name)
	}
}
