package identity_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/identity"
)

func TestEmailsAreNormalised(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"Hanako@Example.JP": "hanako@example.jp", " hanako@example.jp ": "hanako@example.jp",
		"ｈａｎａｋｏ＠ｅｘａｍｐｌｅ．ｊｐ": "hanako@example.jp", "a+b@example.co.jp": "a+b@example.co.jp",
	} {
		got, err := identity.NormaliseEmail(typed)
		require.NoError(t, err, typed)
		require.Equal(t, want, got)
	}
	for _, typed := range []string{"", "hanako", "hanako@", "@example.jp", "hanako@localhost", "a@[127.0.0.1]", "a b@example.jp", "a@example.jp, b@example.jp", "<a@example.jp>", "a@example.jp\r\nBcc: x@example.jp"} {
		_, err := identity.NormaliseEmail(typed)
		require.ErrorIs(t, err, identity.ErrEmail, typed)
	}
}
