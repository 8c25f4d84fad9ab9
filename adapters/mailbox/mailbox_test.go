package mailbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/mailbox"
	"github.com/noren-commerce/noren/core/messaging"
)

func TestMailsAreListedNewestFirstAndShown(t *testing.T) {
	t.Parallel()
	box := mailbox.New()
	for _, subject := range []string{"一通目", "<b>二通目</b>"} {
		require.NoError(t, box.Send(t.Context(), messaging.Mail{
			To:       messaging.Address{Email: "hanako@example.jp"},
			Rendered: messaging.Rendered{Subject: subject, Text: "https://shop.example/verify", HTML: "<p>\"hi\"</p><script>alert(1)</script>"},
		}))
	}
	require.Equal(t, "<b>二通目</b>", box.To("hanako@example.jp")[0].Subject)
	require.Empty(t, box.To("taro@example.jp"))

	all := get(t, box, "/dev/mail")
	require.Contains(t, all.Body.String(), "&lt;b&gt;二通目&lt;/b&gt;")
	one := get(t, box, "/dev/mail?n=2")
	require.Contains(t, one.Body.String(), "https://shop.example/verify")
	require.NotContains(t, one.Body.String(), "<script>", "the mail's own markup stays inside the frame")
	require.Equal(t, http.StatusNotFound, get(t, box, "/dev/mail?n=3").Code)
	require.Equal(t, http.StatusNotFound, get(t, box, "/dev/mail?n=x").Code)
}

func TestMailboxDoesNotGrowForEver(t *testing.T) {
	t.Parallel()
	box := mailbox.New()
	for i := range 250 {
		require.NoError(t, box.Send(t.Context(), messaging.Mail{Rendered: messaging.Rendered{Subject: fmt.Sprint(i)}}))
	}
	require.Len(t, box.Letters(), 200)
	require.Equal(t, "249", box.Letters()[0].Subject)
}

func get(t *testing.T, box *mailbox.Mailbox, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	box.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	return w
}
