// Package mailbox keeps mails instead of sending them, and shows them to the
// developer who follows their links. It is for `noren dev` and for tests.
package mailbox

import (
	"context"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/noren-commerce/noren/core/messaging"
)

// kept is how many mails stay in memory.
const kept = 200

// Mailbox is a messaging.Mailer that keeps the newest mails in memory.
type Mailbox struct {
	mu    sync.Mutex
	mails []Letter // oldest first
	count int
}

// Letter is a kept mail.
type Letter struct {
	Number int
	At     time.Time
	messaging.Mail
}

// New makes an empty mailbox.
func New() *Mailbox { return &Mailbox{} }

// Send keeps the mail.
func (b *Mailbox) Send(_ context.Context, m messaging.Mail) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count++
	b.mails = append(b.mails, Letter{Number: b.count, At: time.Now(), Mail: m})
	if len(b.mails) > kept {
		b.mails = slices.Delete(b.mails, 0, len(b.mails)-kept)
	}
	return nil
}

// Letters are the kept mails, newest first.
func (b *Mailbox) Letters() []Letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.Clone(b.mails)
	slices.Reverse(all)
	return all
}

// To are the kept mails to one address, newest first.
func (b *Mailbox) To(email string) []Letter {
	return slices.DeleteFunc(b.Letters(), func(l Letter) bool { return l.To.Email != email })
}

// ServeHTTP lists the mails, or shows the one with the number n.
func (b *Mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page, shown := list, any(b.Letters())
	if n := r.URL.Query().Get("n"); n != "" {
		number, err := strconv.Atoi(n)
		at := slices.IndexFunc(b.Letters(), func(l Letter) bool { return err == nil && l.Number == number })
		if at < 0 {
			http.NotFound(w, r)
			return
		}
		page, shown = letter, b.Letters()[at]
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	// The mail itself is shown in a frame without scripts.
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'")
	_ = page.Execute(w, shown)
}

// The pages. They are parsed once and never change.
var (
	list   = template.Must(template.New("list").Parse(head + listBody))
	letter = template.Must(template.New("letter").Parse(head + letterBody))
)

const head = `<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>noren: mails</title>
<style>body{font-family:sans-serif;max-width:56em;margin:2em auto;padding:0 1em;line-height:1.6}td,th{text-align:left;padding:.3em .8em .3em 0;vertical-align:top}
pre{white-space:pre-wrap;background:#f5f3ef;padding:1em}iframe{width:100%;height:36em;border:1px solid #ccc}</style></head><body>`

const listBody = `<h1>送信メール / Mails</h1>
{{if .}}<table><tr><th>At</th><th>To</th><th>Subject</th></tr>
{{range .}}<tr><td>{{.At.Format "15:04:05"}}</td><td>{{.To.Email}}</td><td><a href="?n={{.Number}}">{{.Subject}}</a></td></tr>
{{end}}</table>{{else}}<p>まだありません。 / None yet.</p>{{end}}</body></html>`

const letterBody = `<p><a href="?">← 一覧 / All</a></p><h1>{{.Subject}}</h1>
<p>From: {{.From.Name}} &lt;{{.From.Email}}&gt;<br>To: {{.To.Name}} &lt;{{.To.Email}}&gt;<br>Message-ID: {{.MessageID}}</p>
<pre>{{.Text}}</pre><iframe sandbox="allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation" srcdoc="{{.HTML}}"></iframe></body></html>`
