package app

import (
	"cmp"
	"strings"
)

// shopPages is the address of the shop's pages, where mailed links lead.
func (c Config) shopPages() string { return strings.TrimSuffix(cmp.Or(c.ShopURL, c.PublicURL), "/") }
