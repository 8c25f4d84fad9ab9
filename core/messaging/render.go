package messaging

import (
	"embed"
	"encoding/json"
	"fmt"
	html "html/template"
	"io"
	"strings"
	text "text/template"
	"time"

	"github.com/noren-commerce/noren/core/money"
)

//go:embed templates
var templates embed.FS

// languages that every kind has a template in; the first is used for all others.
var languages = []string{"ja", "en"}

// Rendered is a message in words.
type Rendered struct {
	Subject string
	Text    string
	HTML    string
}

// Renderer puts messages into words.
type Renderer struct {
	zone *time.Location
	text map[string]*text.Template // by "kind.language"
	html map[string]*html.Template
}

// NewRenderer reads the templates of every kind and language. Times are shown in zone.
func NewRenderer(zone *time.Location) (*Renderer, error) {
	r := &Renderer{zone: zone, text: map[string]*text.Template{}, html: map[string]*html.Template{}}
	for _, kind := range Kinds {
		for _, language := range languages {
			name := string(kind) + "." + language
			functions := r.functions(language)
			t, err := text.New(name+".txt").Funcs(functions).Option("missingkey=error").ParseFS(templates, "templates/"+name+".txt")
			if err != nil {
				return nil, fmt.Errorf("parse mail template: %w", err)
			}
			h, err := html.New("layout.html").Funcs(html.FuncMap(functions)).Option("missingkey=error").
				ParseFS(templates, "templates/layout.html", "templates/"+name+".html")
			if err != nil {
				return nil, fmt.Errorf("parse mail template: %w", err)
			}
			r.text[name], r.html[name] = t, h
		}
	}
	return r, nil
}

// page is what a template sees.
type page struct {
	Shop     string
	Language string
	Subject  string
	C        Content
}

// Render puts the message into words for the shop of that name.
func (r *Renderer) Render(m Message, shop string) (Rendered, error) {
	content := blank(m.Kind)
	if content == nil {
		return Rendered{}, fmt.Errorf("unknown kind of message %q", m.Kind)
	}
	if err := json.Unmarshal(m.Content, content); err != nil {
		return Rendered{}, fmt.Errorf("read content of message %s: %w", m.Key, err)
	}
	name, language := r.name(m)
	p := page{Shop: shop, Language: language, C: content}
	subject, err := execute(func(w io.Writer) error { return r.text[name].ExecuteTemplate(w, "subject", p) })
	if err != nil {
		return Rendered{}, fmt.Errorf("render subject: %w", err)
	}
	p.Subject = oneLine(subject)
	body, err := execute(func(w io.Writer) error { return r.text[name].ExecuteTemplate(w, name+".txt", p) })
	if err != nil {
		return Rendered{}, fmt.Errorf("render text: %w", err)
	}
	rich, err := execute(func(w io.Writer) error { return r.html[name].ExecuteTemplate(w, "layout.html", p) })
	if err != nil {
		return Rendered{}, fmt.Errorf("render html: %w", err)
	}
	return Rendered{Subject: p.Subject, Text: strings.TrimSpace(body) + "\n", HTML: rich}, nil
}

// name of the template in the message's language ("en-US" is "en"), else in the
// first language.
func (r *Renderer) name(m Message) (name, language string) {
	language, _, _ = strings.Cut(strings.ToLower(m.Language), "-")
	if _, ok := r.text[string(m.Kind)+"."+language]; !ok {
		language = languages[0]
	}
	return string(m.Kind) + "." + language, language
}

func (r *Renderer) functions(language string) text.FuncMap {
	layout, day := "2006年1月2日 15:04", "2006年1月2日"
	if language != "ja" {
		layout, day = "2 January 2006, 15:04 (MST)", "2 January 2006"
	}
	return text.FuncMap{
		"time":   func(t time.Time) string { return t.In(r.zone).Format(layout) },
		"date":   func(t time.Time) string { return t.Format(day) }, // a day is one wherever it is read
		"amount": func(currency money.Currency, minor int64) string { return amount(language, money.Of(minor, currency)) },
	}
}

func execute(f func(w io.Writer) error) (string, error) {
	var b strings.Builder
	err := f(&b)
	return b.String(), err
}

// oneLine keeps a customer's name from adding headers to the mail.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\r' || r == '\n' }), " ")
}
