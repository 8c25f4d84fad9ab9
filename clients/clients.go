// Package clients holds the manifests of the clients that ship with noren.
package clients

import "embed"

// Manifests are the files <client>/persisted-query-manifest.json.
//
//go:embed */persisted-query-manifest.json
var Manifests embed.FS
