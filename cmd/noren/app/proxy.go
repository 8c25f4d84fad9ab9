package app

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/noren-commerce/noren/core/identity"
)

// proxies are those whose X-Forwarded-For is believed.
type proxies []netip.Prefix

func newProxies(typed []string) (proxies, error) {
	networks, err := identity.ParseNetworks(typed)
	if err != nil {
		return nil, setting("NOREN_TRUSTED_PROXIES", "must be addresses or networks such as 10.0.0.0/8")
	}
	return networks, nil
}

func (p proxies) trusts(address netip.Addr) bool {
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(address) })
}

// unveiled gives a request that came through trusted proxies the address of the
// client that they name. The header is read from its end, where the proxies wrote:
// what the client itself put before that could be anything.
func (p proxies) unveiled(next http.Handler) http.Handler {
	if len(p) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err == nil && p.trusts(peer.Addr().Unmap()) {
			if client := p.client(r.Header.Values("X-Forwarded-For")); client.IsValid() {
				r.RemoteAddr = net.JoinHostPort(client.String(), "0")
			}
		}
		next.ServeHTTP(w, r)
	})
}

// client is the last address that is no trusted proxy's; none when the list ends,
// or turns to nonsense, before it.
func (p proxies) client(headers []string) netip.Addr {
	hops := strings.Split(strings.Join(headers, ","), ",")
	for _, hop := range slices.Backward(hops) {
		address, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil || address.Zone() != "" {
			return netip.Addr{}
		}
		if address = address.Unmap(); !p.trusts(address) {
			return address
		}
	}
	return netip.Addr{}
}
