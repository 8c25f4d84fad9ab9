// Package dsn reads what comes back by e-mail: delivery status notifications of mail
// servers (RFC 3464), and wishes to unsubscribe.
package dsn

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"

	"github.com/noren-commerce/noren/core/mailing"
)

// ErrUnreadable says that what came back is no e-mail that can be read.
var ErrUnreadable = errors.New("this is no e-mail that can be read")

// Returned is one e-mail that came back.
type Returned struct {
	Reports     []mailing.Report // of a notification, one for each recipient
	Unsubscribe string           // the token of a wish to unsubscribe; empty for none
}

// maxPart bounds what is read of one part of an e-mail.
const maxPart = 1 << 20

// Read reads an e-mail. One that is neither a notification nor a wish has neither.
func Read(raw []byte) (Returned, error) {
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Returned{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err == nil && kind == "multipart/report" && strings.EqualFold(params["report-type"], "delivery-status") {
		n := notification{digest: sha256.Sum256(raw)}
		if err := n.parts(msg.Body, params["boundary"]); err != nil {
			return Returned{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
		return Returned{Reports: n.reports()}, nil
	}
	return Returned{Unsubscribe: token(msg.Header.Get("Subject"))}, nil
}

// token is what stands behind the word in the subject of a wish to unsubscribe.
func token(subject string) string {
	decoded, err := new(mime.WordDecoder).DecodeHeader(subject)
	if err != nil {
		return ""
	}
	word, rest, _ := strings.Cut(strings.TrimSpace(decoded), " ")
	if !strings.EqualFold(word, "unsubscribe") {
		return ""
	}
	return strings.Join(strings.Fields(rest), "") // mail programs fold long subjects
}

// notification is a delivery status notification under way.
type notification struct {
	digest    [32]byte
	messageID string
	status    []textproto.MIMEHeader // of the message first, then of each recipient
}

func (n *notification) parts(body io.Reader, boundary string) error {
	if boundary == "" {
		return errors.New("no boundary")
	}
	for r := multipart.NewReader(body, boundary); ; {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type")) //nolint:errcheck // of no kind is of none of these
		content := io.LimitReader(decoded(part.Header.Get("Content-Transfer-Encoding"), part), maxPart)
		switch kind {
		case "message/delivery-status", "message/global-delivery-status":
			err = n.fields(content)
		case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
			err = n.original(content)
		}
		if err != nil {
			return err
		}
	}
}

func decoded(encoding string, r io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		return quotedprintable.NewReader(r)
	}
	return r
}

// fields reads the groups of fields of a notification, which empty lines part.
func (n *notification) fields(content io.Reader) error {
	r := textproto.NewReader(bufio.NewReader(content))
	for {
		group, err := r.ReadMIMEHeader()
		if len(group) > 0 {
			n.status = append(n.status, group)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// original finds out which e-mail came back.
func (n *notification) original(content io.Reader) error {
	header, err := textproto.NewReader(bufio.NewReader(content)).ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	n.messageID = strings.Trim(strings.TrimSpace(header.Get("Message-Id")), "<>")
	return nil
}

func (n *notification) reports() (all []mailing.Report) {
	for _, g := range n.status {
		to := typed(g.Get("Final-Recipient"))
		if to == "" {
			continue // the group of the message
		}
		status, _, _ := strings.Cut(strings.TrimSpace(g.Get("Status")), " ") // comments follow
		sum := sha256.Sum256(append(n.digest[:], to...))
		all = append(all, mailing.Report{
			Digest: sum[:], MessageID: n.messageID, Action: strings.TrimSpace(g.Get("Action")), Status: status, Diagnosis: cut(typed(g.Get("Diagnostic-Code"))),
		})
	}
	return all
}

// typed is a field's value without its type: rfc822; a@example.jp.
func typed(value string) string {
	kind, rest, ok := strings.Cut(value, ";")
	if !ok {
		rest = kind
	}
	return strings.TrimSpace(rest)
}

// maxDiagnosis bounds what is kept of a mail server's words, in bytes.
const maxDiagnosis = 500

func cut(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
	if len(text) > maxDiagnosis {
		text = strings.ToValidUTF8(text[:maxDiagnosis], "")
	}
	return text
}

// maxMail bounds one e-mail of a mailbox.
const maxMail = 16 << 20

// ErrLarge says that an e-mail of a mailbox is too large to be read.
var ErrLarge = errors.New("an e-mail of the mailbox is too large")

// Mailbox are the e-mails of a mailbox file (mbox, RFC 4155), one by one.
func Mailbox(file io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		r := bufio.NewReader(file)
		var one bytes.Buffer
		begun, blank := false, true
		for {
			line, err := r.ReadBytes('\n')
			if blank && bytes.HasPrefix(line, []byte("From ")) {
				if begun && !yield(bytes.Clone(one.Bytes()), nil) {
					return
				}
				one.Reset()
				begun = true
			} else if begun {
				if bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) {
					line = bytes.TrimPrefix(line, []byte(">"))
				}
				one.Write(line)
			}
			switch {
			case one.Len() > maxMail:
				yield(nil, ErrLarge)
				return
			case errors.Is(err, io.EOF):
				if begun {
					yield(one.Bytes(), nil)
				}
				return
			case err != nil:
				yield(nil, err)
				return
			}
			blank = len(bytes.TrimSpace(line)) == 0
		}
	}
}
